"""The newest decisions by hand, and the people who may sign in, are found by an index."""


def up(migrator, db):
    db.execute_sql("CREATE INDEX match_decision_newest ON match_decision (made_at) WHERE undone_at IS NULL")
    db.execute_sql("CREATE INDEX person_signs_in ON person (workspace_role) WHERE workspace_role IS NOT NULL")


def down(migrator, db):
    db.execute_sql("DROP INDEX match_decision_newest")
    db.execute_sql("DROP INDEX person_signs_in")
