"""The TEMP tables of a check, in the order in which they are filled: the app's report, how it differs from known rows,
who should have which role and access, and the changes that need approval. Emptied at the end of the check."""

from __future__ import annotations

from sync.staging.tables import Table

# What the app reported.
STAGED_ROLE = Table(
    "staged_role", "external_id TEXT, label TEXT, privileged BOOL, is_default BOOL, position INT",
    owner="checks.snapshot", readers=("checks.compare", "safety.lost_fields"), key="external_id", rowid=False,
    foreign=True,
)  # fmt: skip
STAGED_ACCOUNT = Table(
    "staged_account",
    "external_id TEXT, email TEXT, email_key TEXT, name TEXT, status TEXT, role TEXT, kind TEXT, "
    "last_activity TIMESTAMP, seat TEXT, user_name TEXT, employee_number TEXT, further_roles TEXT, "
    "missing_fields INT, defaulted_fields INT",
    owner="checks.snapshot", writers=("checks.listed", "safety.lost_fields", "tasks.settle"),
    readers=("checks.another_space", "checks.compare"), key="external_id", rowid=False,
    usual=(("status", "active"), ("kind", "user"), ("seat", ""), ("user_name", None), ("employee_number", None),
           ("further_roles", "[]"), ("missing_fields", 0), ("defaulted_fields", 0)), foreign=True,
    lists=("further_roles",),
)  # fmt: skip
# Known accounts that are listed exactly as they are known. They aren't in staged_account. While the list is read, a
# field that is missing may count as defaulted, although it is known to be missing.
STAGED_SAME = Table(
    "staged_same",
    "account_id INTEGER, missing_fields INT, defaulted_fields INT, known_missing INT, known_defaulted INT",
    owner="checks.snapshot", writers=("checks.listed", "safety.lost_fields"),
    readers=("checks.another_space", "checks.compare"), key="account_id",
    usual=(("missing_fields", 0), ("defaulted_fields", 0), ("known_missing", 0), ("known_defaulted", 0)),
)  # fmt: skip
STAGED_ASSET = Table(
    "staged_asset", "external_id TEXT, kind TEXT, name TEXT",
    owner="checks.snapshot", writers=("checks.not_read",),
    readers=("checks.compare", "safety.lost_fields", "tasks.settle"),
    key="external_id", rowid=False, foreign=True,
)  # fmt: skip
STAGED_ACCESS = Table(
    "staged_access", "account TEXT, asset TEXT, role TEXT, privileged BOOL, role_defaulted BOOL",
    owner="checks.snapshot", writers=("checks.not_read", "tasks.settle"),
    readers=("checks.compare", "safety.lost_fields"), key="account, asset", rowid=False, foreign=True,
)  # fmt: skip
# Known accounts that the list left out and that a second look didn't find either.
STAGED_GONE = Table(
    "staged_gone", "account_id INTEGER",
    owner="checks.snapshot", writers=("checks.checks",), readers=("checks.compare",), key="account_id", rowid=False,
)  # fmt: skip
# Answers that the next reading need not ask for again.
READ_ANSWER = Table(
    "read_answer", "key TEXT, etag TEXT, link TEXT, body BLOB", owner="apps.answer_cache", key="key",
)  # fmt: skip
# Parts of the list's items, for the next reading.
READ_ITEMS = Table(
    "read_items", "place INTEGER, code_and_settings TEXT, all_read_at TEXT, notes TEXT, items BLOB",
    owner="checks.known_items", key="place",
)  # fmt: skip

# What differs from what is known.
DIFFERING = Table(
    "differing", f"account_id INT, {STAGED_ACCOUNT.columns}", owner="checks.compare", writers=("reports.mass_updates",)
)
# Changes that are applied without approval: each becomes a row of the report.
FOUND = Table(
    "found", "kind TEXT, account_id INT, asset_id INT, before TEXT, after TEXT, reason TEXT",
    owner="checks.compare", writers=("reports.mass_updates",), readers=("reports.merge",),
)  # fmt: skip
# Roles and profiles that change in such number that they wait.
HELD_UPDATE = Table(
    "held_update", "kind TEXT, account_id INT, before TEXT, after TEXT, detail JSONB",
    owner="reports.mass_updates", key="kind, account_id",
)  # fmt: skip
# Accounts that the rules of matching look at. A decision by hand and a release of held updates use it too.
TO_MATCH = Table(
    "to_match", "account_id INTEGER", owner="matching.rules", writers=("checks.compare",), key="account_id"
)
# Access as ids of what Rollcall knows.
STAGED_ACCESS_ID = Table(
    "staged_access_id", "account_id INT, asset_id INT, role TEXT, privileged BOOL",
    owner="checks.compare", key="account_id, asset_id", rowid=False,
)  # fmt: skip

# Who should have what, by the rules of groups: a row for each person, rule and group; what each gets of them all. The
# preview of a rule uses them too.
COVERED = Table(
    "covered",
    "person_id INT, rule_id INT, role TEXT, label TEXT, privileged BOOL, place INT, gives BOOL, via TEXT",
    owner="groups.assignments", readers=("groups.rules",), indexed="person_id",
)  # fmt: skip
ASSIGNED = Table(
    "assigned", "person_id INT, role TEXT, label TEXT, privileged BOOL, via TEXT, rests BOOL",
    owner="groups.assignments", indexed="person_id",
)  # fmt: skip

# What needs approval, or is held or protected.
WANTED = Table(
    "wanted",
    "kind TEXT, account_id INT, asset_id INT, in_app BOOL, before TEXT, reason TEXT, protection TEXT, "
    "protection_reason TEXT, left_out_reason TEXT, after TEXT, person_id INT, detail JSONB, accepted INT",
    owner="safety.wanted", writers=("groups.assignments", "reports.mass_updates", "safety.protection"),
    readers=("groups.rules", "reports.merge"),
    indexed="coalesce(account_id, 0), coalesce(person_id, 0), coalesce(asset_id, 0)",
)  # fmt: skip

REPORTED = (STAGED_ROLE, STAGED_ACCOUNT, STAGED_SAME, STAGED_ASSET, STAGED_ACCESS, STAGED_GONE)
DERIVED = (READ_ANSWER, READ_ITEMS, DIFFERING, FOUND, HELD_UPDATE, TO_MATCH, STAGED_ACCESS_ID, COVERED, ASSIGNED,
           WANTED)  # fmt: skip

# Not of a check: the held updates of a report that are released now.
RELEASED = Table("released", "account_id INT, kind TEXT, detail JSONB", owner="reports.mass_updates")
