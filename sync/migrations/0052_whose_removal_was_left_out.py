"""A removal that was left out is about one person. If the account is someone else's later, it says nothing about them."""


def up(migrator, db):
    db.execute_sql("ALTER TABLE account ADD COLUMN left_out_person_id INTEGER REFERENCES person (id) ON DELETE SET NULL")
    db.execute_sql("UPDATE account SET left_out_person_id = person_id WHERE left_out_at IS NOT NULL")


def down(migrator, db):
    db.execute_sql("ALTER TABLE account DROP COLUMN left_out_person_id")
