"""More columns have the names of what they hold."""

NAMES = {
    "account": {"asked_as": "moved_email_key", "was_of_id": "former_person_id"},
    "app": {"removal": "removal_approval", "joiners": "joiner_approval", "unassigned": "unassigned_approval",
            "lost": "missing_fields"},
    "directory": {"answers_id": "responsible_id", "unread": "unread_attributes"},
    "directory_address": {"here": "active"},
    "session": {"second": "second_factor"},
    "waiting_file": {"door": "purpose"},
    "waiting_sign_in": {"own": "person_may_confirm"},
}  # fmt: skip


def up(migrator, db):
    _rename(db, NAMES)


def down(migrator, db):
    _rename(db, {table: {new: old for old, new in columns.items()} for table, columns in NAMES.items()})


def _rename(db, names: dict[str, dict[str, str]]) -> None:
    for table, columns in names.items():
        for old, new in columns.items():
            db.execute_sql(f'ALTER TABLE "{table}" RENAME COLUMN "{old}" TO "{new}"')
