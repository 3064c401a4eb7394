"""Those who left first are found by an index: people by their status, in the order of since when."""


def up(migrator, db):
    db.execute_sql('DROP INDEX "person_status"')
    db.execute_sql('CREATE INDEX "person_status_status_since_id_remove_on" '
                   'ON "person" ("status", "status_since", "id", "remove_on")')  # fmt: skip


def down(migrator, db):
    db.execute_sql('DROP INDEX "person_status_status_since_id_remove_on"')
    db.execute_sql('CREATE INDEX "person_status" ON "person" ("status")')
