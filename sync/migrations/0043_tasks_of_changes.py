"""The tasks of a change are found by an index."""


def up(migrator, db):
    db.execute_sql('CREATE INDEX "app_task_change_id" ON "app_task" ("change_id")')


def down(migrator, db):
    db.execute_sql('DROP INDEX "app_task_change_id"')
