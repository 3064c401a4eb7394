"""Changes are in the index of offboardings only if they have one: a first reading adds a change for each account."""


def up(migrator, db):
    db.execute_sql("DROP INDEX change_offboarding_id")
    db.execute_sql("CREATE INDEX change_offboarding ON change (offboarding_id) WHERE offboarding_id IS NOT NULL")


def down(migrator, db):
    db.execute_sql("DROP INDEX change_offboarding")
    db.execute_sql('CREATE INDEX "change_offboarding_id" ON "change" ("offboarding_id")')
