"""The TEMP tables of a reading, a push and a preview of a directory: its report, whose entry each is, and who changes
by it. Emptied at the end of the reading."""

from __future__ import annotations

from sync.staging.tables import Table

# What the directory reported. `person_id` and `new` are filled in when each entry's person is found or created.
READ_PERSON = Table(
    "read_person",
    "external_id TEXT, email_key TEXT, email TEXT, name TEXT, status TEXT, user_name TEXT, "
    "employee_number TEXT, status_before_dates TEXT, last_day DATE, starts_on DATE, department TEXT, manager TEXT, "
    "hides_status BOOL DEFAULT FALSE, why TEXT DEFAULT '', person_id INT, new BOOL DEFAULT FALSE, "
    "deleted BOOL DEFAULT FALSE",
    owner="directory.reading",
    writers=("directory.compare", "directory.finding", "directory.last_days", "directory.scim_people"),
    readers=("directory.address_moves", "directory.guard", "directory.precedence", "directory.preview",
             "matching.addresses", "matching.vouching", "people.last_owner"),
    key="external_id", indexed="person_id",
)  # fmt: skip
READ_EMAIL = Table(
    "read_email", "external_id TEXT, email_key TEXT, email TEXT, main BOOL",
    owner="directory.reading", writers=("directory.finding",),
    readers=("directory.address_moves", "directory.compare", "directory.preview", "matching.addresses"),
    key="external_id, email_key", indexed="email_key",
)  # fmt: skip
READ_NO_EMAIL = Table(
    "read_no_email", "external_id TEXT, reason TEXT", owner="directory.reading", readers=("directory.compare",)
)
READ_GROUP = Table(
    "read_group", "external_id TEXT, name TEXT",
    owner="directory.reading", readers=("directory.compare", "directory.preview"), key="external_id, name",
)  # fmt: skip

# Whose entry each is: addresses that several entries have, people who are already found, people who may be someone else
# by now, and entries that only got another number.
READ_DISPUTED = Table(
    "read_disputed", "email_key TEXT",
    owner="directory.reading", writers=("directory.finding",), readers=("directory.compare",), key="email_key",
)  # fmt: skip
READ_TAKEN = Table(
    "read_taken", "person_id INTEGER", owner="directory.reading", writers=("directory.finding",), key="person_id"
)
READ_CLAIMED = Table(
    "read_claimed", "person_id INTEGER",
    owner="directory.reading", writers=("directory.finding",), readers=("directory.guard",), key="person_id",
)  # fmt: skip
READ_RENUMBERED = Table("read_renumbered", "external_id TEXT, person_id INT", owner="directory.finding")

# Who may not change, who is held although the entry says that they leave or are back, and whose values change.
READ_ABOVE = Table(
    "read_above", "person_id INTEGER",
    owner="directory.reading", writers=("matching.vouching",), readers=("directory.compare", "directory.guard"),
    key="person_id",
)  # fmt: skip
READ_LEAVING = Table(
    "read_leaving", "person_id INTEGER",
    owner="directory.reading", writers=("directory.guard", "matching.vouching", "people.last_owner"),
    readers=("directory.compare",), key="person_id",
)  # fmt: skip
READ_MOVED = Table(
    "read_moved", "person_id INTEGER",
    owner="directory.reading", writers=("directory.compare", "directory.precedence"), key="person_id",
)  # fmt: skip
READ_CHANGED = Table(
    "read_changed", "entry_id INT, person_id INT, field TEXT",
    owner="directory.reading", writers=("directory.address_moves", "directory.precedence"),
)  # fmt: skip
READ_MEMBER = Table(
    "read_member", "group_id INT, entry_id INT",
    owner="directory.reading", writers=("directory.compare",), key="group_id, entry_id",
)  # fmt: skip

REPORTED = (READ_PERSON, READ_EMAIL, READ_NO_EMAIL, READ_GROUP)
DERIVED = (READ_DISPUTED, READ_TAKEN, READ_CLAIMED, READ_ABOVE, READ_LEAVING, READ_MOVED, READ_CHANGED, READ_MEMBER)

# A preview's: the people before, and whose leaving was held before.
PREVIEW_BEFORE = Table(
    "preview_before",
    "id INT, name TEXT, status TEXT, number TEXT, email TEXT, emails INT, groups TEXT, last_day TEXT, here TEXT",
    owner="directory.preview",
)  # fmt: skip
PREVIEW_HELD = Table("preview_held", "person_id INT", owner="directory.preview")
