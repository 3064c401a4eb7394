"""Accounts that may be a leaver's are found by indexes: by who had them, and among decisions by hand."""


def up(migrator, db):
    db.execute_sql("CREATE INDEX account_former ON account (former_person_id) WHERE former_person_id IS NOT NULL")
    db.execute_sql("CREATE INDEX account_decided ON account (app_id) WHERE match_by_hand AND match_kind <> 'matched'")


def down(migrator, db):
    db.execute_sql("DROP INDEX account_former")
    db.execute_sql("DROP INDEX account_decided")
