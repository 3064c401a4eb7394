"""Columns with a reason are named as one. Others say what they count, or whose entry they name."""

NAMES = {
    "account": {"protected": "protection_reason", "left_out": "left_out_reason"},
    "activity": {"line": "first_entry"},
    "app_check": {"read": "items_read"},
    "app_person": {"part": "manages_as"},
    "change": {"protected": "protection_reason"},
    "directory": {"vouched": "vouched_for"},
    "directory_reading": {"read": "people_read"},
    "person": {"hold": "legal_hold_reason"},
    "person_email": {"vouched": "vouched_for"},
    "remembered_items": {"made_with": "code_and_settings", "since": "all_read_at"},
}


def up(migrator, db):
    _rename(db, NAMES)


def down(migrator, db):
    _rename(db, {table: {new: old for old, new in columns.items()} for table, columns in NAMES.items()})


def _rename(db, names: dict[str, dict[str, str]]) -> None:
    for table, columns in names.items():
        for old, new in columns.items():
            # Without quotes, as SQLite writes the name into indexes and triggers as it is here.
            db.execute_sql(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
