"""An app knows who gave its standing approvals. Of earlier ones, the log says so; without an entry whose address is
known they keep counting, because an Owner upgraded the installation."""

from peewee import IntegerField

GIVEN = {
    "removal_approver_id": ("changed removal policy", "removal_approval = 'automatic'"),
    "groups_approver_id": ("changed what groups do automatically",
                           "joiner_approval = 'automatic' OR unassigned_approval = 'automatic'"),
}  # fmt: skip


def up(migrator, db):
    for column, (what, given) in GIVEN.items():
        migrator.add_column("app", column, IntegerField(null=True)).run()
        db.execute_sql(f"""
            UPDATE app SET {column} = (
                SELECT e.person_id FROM person_email e
                JOIN (SELECT who FROM activity WHERE app_id = app.id AND what = '{what}'
                    ORDER BY id DESC LIMIT 1) AS newest
                    ON substr(newest.who, length(newest.who) - length(e.email) - 1) = '<' || e.email || '>')
            WHERE {given}""")
        db.execute_sql(f"CREATE INDEX app_{column.removesuffix('_id')} ON app ({column}) WHERE {column} IS NOT NULL")


def down(migrator, db):
    for column in GIVEN:
        db.execute_sql(f"DROP INDEX app_{column.removesuffix('_id')}")
        migrator.drop_column("app", column).run()
