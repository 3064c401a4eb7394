"""Unmatched accounts whose address has a tag, as in ana+test@acme.example, are found by an index."""


def up(migrator, db):
    db.execute_sql("CREATE INDEX account_tagged ON account (app_id) "
                   "WHERE match_kind = 'unmatched' AND email_key LIKE '%+%'")  # fmt: skip


def down(migrator, db):
    db.execute_sql("DROP INDEX account_tagged")
