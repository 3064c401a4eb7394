"""Columns have the names of what they hold. Checks are in app_check, because "check" is a word of SQL.
An offboarding refers to the person who decided on it, where its text named one."""

import re

NAMES = {
    "directory": {"place": "position"},
    "person_email": {"normal": "email_key"},
    "directory_address": {"normal": "email_key"},
    "app": {"may": "permissions", "missing": "missing_permissions"},
    "role": {"standard": "is_default", "place": "position"},
    "account": {"normal": "email_key", "match": "match_kind", "matched_as": "email_when_matched"},
    "access": {"given": "granted_by"},
    "app_task": {"normal": "email_key"},
    "match_decision": {"match": "match_kind", "matched_as": "email_when_matched"},
    "invitation": {"normal": "email_key"},
}
INDEXES = (  # (what is made, UNIQUE or not, on which columns now)
    ("account_app_id_{email_key}", "", "account", '("app_id", "{email_key}")'),
    ("account_app_id_state_{match_kind}_name_id", "", "account", '("app_id", "state", "{match_kind}", "name", "id")'),
    ("{app_check}_app_id_created_at", "", "{app_check}", '("app_id", "created_at")'),
    ("{app_check}_report_id", "", "{app_check}", '("report_id")'),
    ("directory_address_{email_key}", "", "directory_address", '("{email_key}")'),
    ("directory_address_directory_id_external_id_{email_key}", "UNIQUE", "directory_address",
     '("directory_id", "external_id", "{email_key}")'),
    ("person_email_{email_key}", "UNIQUE", "person_email", '("{email_key}")'),
)  # fmt: skip
LIVE = (
    "CREATE UNIQUE INDEX check_live ON {app_check} (app_id) WHERE state IN ('queued', 'running')",
    "CREATE UNIQUE INDEX invitation_live ON invitation (app_id, {email_key}) "
    "WHERE state IN ('ongoing', 'failed', 'invited')",
)
NEW = {name: name for name in ("email_key", "match_kind", "app_check")}
OLD = {"email_key": "normal", "match_kind": "match", "app_check": "check"}
HELD = (("account", "pending", "pending IS NOT NULL"), ("change", "detail", "kind = 'updated profile'"))


def up(migrator, db):
    _rename(db, NAMES, OLD, NEW)
    db.execute_sql('ALTER TABLE offboarding ADD COLUMN "asker_id" INTEGER REFERENCES "person" ("id") ON DELETE SET NULL')
    db.execute_sql('CREATE INDEX "offboarding_asker_id" ON "offboarding" ("asker_id")')
    for row, text in db.execute_sql("SELECT id, asked_by FROM offboarding").fetchall():
        if address := re.search(r"<([^<>]+)>$", text):
            db.execute_sql("UPDATE offboarding SET asker_id = (SELECT person_id FROM person_email WHERE email = ?) "
                           "WHERE id = ?", (address[1], row))


def down(migrator, db):
    db.execute_sql('DROP INDEX "offboarding_asker_id"')
    db.execute_sql('ALTER TABLE offboarding DROP COLUMN "asker_id"')
    back = {table: {new: old for old, new in columns.items()} for table, columns in NAMES.items()}
    _rename(db, back, NEW, OLD)


def _rename(db, names: dict[str, dict[str, str]], before: dict[str, str], after: dict[str, str]) -> None:
    for index, *_ in INDEXES:
        db.execute_sql(f'DROP INDEX "{index.format_map(before)}"')
    for index in ("check_live", "invitation_live"):
        db.execute_sql(f"DROP INDEX {index}")
    for table, columns in names.items():
        for old, new in columns.items():
            db.execute_sql(f'ALTER TABLE "{table}" RENAME COLUMN "{old}" TO "{new}"')
    db.execute_sql(f'ALTER TABLE "{before["app_check"]}" RENAME TO "{after["app_check"]}"')
    for index, unique, table, columns in INDEXES:
        name, of = index.format_map(after), table.format_map(after)
        db.execute_sql(f'CREATE {unique} INDEX "{name}" ON "{of}" {columns.format_map(after)}'.replace("  ", " "))
    for index in LIVE:
        quoted = after | {"app_check": f'"{after["app_check"]}"' if after["app_check"] == "check" else "app_check"}
        db.execute_sql(index.format_map(quoted))
    for table, column, where in HELD:  # what a guard holds of a profile, as JSON
        old, new = before["email_key"], after["email_key"]
        db.execute_sql(
            f"""UPDATE "{table}" SET {column} = json_remove(json_set({column}, '$.{new}', {column} ->> '{old}'), '$.{old}')
                WHERE {where} AND json_type({column}, '$.{old}') IS NOT NULL""")
