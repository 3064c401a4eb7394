"""What a directory says when it is removed: it is asked on People where nothing else says it, and it isn't applied."""

from __future__ import annotations

from sync.db import utcnow
from sync.directory import directories
from sync.models import Activity, Directory, DirectoryEntry, FormerEntry, HeldChange, Person
from sync.rank import Asker

GONE, HERE = "deprovisioned", "active"


def test_of_each_person_only_what_the_removed_directory_alone_says_is_asked(home, by: Asker):
    """Each person with their status, the one decided by hand, and (status, reported) of entries here and there."""
    removed, other = (Directory.create(kind="csv", name=name, vouched_for=True) for name in ("Old", "Other"))
    for who, status, by_hand, here, there in (
        ("leaver", HERE, None, [(HERE, GONE)], []),
        ("leaver there too", HERE, None, [(HERE, GONE)], [(HERE, GONE)]),
        ("leaver there", HERE, None, [], [(HERE, GONE)]),
        ("left by hand", GONE, GONE, [(HERE, GONE)], []),
        ("back", GONE, None, [(GONE, HERE)], []),
        ("back on leave", GONE, None, [(GONE, "suspended"), (GONE, GONE)], []),
        ("left", GONE, None, [(GONE, GONE)], []),
        ("back there too", GONE, None, [(GONE, HERE)], [(GONE, HERE)]),
        ("back there", GONE, None, [], [(GONE, HERE)]),
        ("back by hand", HERE, HERE, [(GONE, HERE)], []),
        ("back in one", GONE, None, [(GONE, HERE), (GONE, GONE)], []),
        ("on leave in one", GONE, None, [(GONE, HERE), (GONE, "suspended")], []),
        ("in both", HERE, None, [(HERE, HERE)], [(HERE, HERE)]),
        ("left but there", GONE, None, [(GONE, GONE)], [(HERE, HERE)]),
    ):
        person = Person.create(name=who, status=status, status_by_hand=by_hand, status_since=utcnow())
        for directory, entries in ((removed, here), (other, there)):
            for number, (known, reported) in enumerate(entries):
                DirectoryEntry.create(directory=directory, external_id=f"{who} {number}", person=person, status=known,
                                      reported_status=reported)  # fmt: skip
    before = {person.name: person.status for person in Person.select()}
    assert directories.remove(removed, by) == 5
    assert {change.person.name: change.value for change in HeldChange.select()} == {
        "leaver": GONE, "back": HERE, "back on leave": "suspended", "back in one": HERE, "on leave in one": HERE
    }  # fmt: skip
    assert {person.name: person.status for person in Person.select()} == before
    kept = {person.name: person.status_by_hand for person in Person.select()}
    assert (kept["in both"], kept["left but there"]) == (None, GONE), "only what another says otherwise is kept"
    assert Activity.get(Activity.what == "removed directory").after == "12 people unchanged"
    assert {row.why for row in Activity.select().where(Activity.what == "held change")} == {
        "It was held when Old was removed"}  # fmt: skip
    assert not FormerEntry.select().exists(), "ids of a list mean nothing elsewhere"
    DirectoryEntry.delete().execute()
    other.kind = "of an earlier version"
    assert directories.remove(other, by) == 0
    assert Activity.select().where(Activity.what == "removed directory").order_by(Activity.id.desc()).first().why == ""
