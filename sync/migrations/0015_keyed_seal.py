"""Marks a log that an earlier version sealed without a key: the start seals it with the key (seals.renew)."""


def up(migrator, db):
    if db.execute_sql("SELECT count(*) FROM activity").fetchone()[0]:
        db.execute_sql("""INSERT INTO setting (name, value) VALUES ('activity anchor', '{"key": "none"}')""")


def down(migrator, db):
    db.execute_sql("DELETE FROM setting WHERE name = 'activity anchor'")
