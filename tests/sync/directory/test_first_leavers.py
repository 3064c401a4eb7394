"""The first people of a burst that a provider pushes: they left before the guard noticed, and are held as well."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from connectors.base import DirectoryPerson
from sync import activity
from sync.db import db, utcnow, writing
from sync.directory import directories, guard, reading
from sync.matching import doubtful
from sync.models import Account, App, Directory, DirectoryEntry, Offboarding, Person, Task
from sync.people import holds, last_owner, people
from sync.rank import Asker
from sync.safety.guards import workspace_guard
from sync.tasks import still_to_remove
from sync.workspace import update_workspace
from tests.sync.directory.test_returns import push
from tests.sync.scripted import Scripted, person, status

GONE = "deprovisioned"


@pytest.fixture
def company(scripted: type[Scripted], by: Asker) -> Scripted:
    """Twenty people. One is suspended."""
    company = Scripted(count=20)
    company.read()
    company.say("id1", status="suspended")
    company.read()
    return company


def leave(company: Scripted, *numbers: int) -> int:
    return push(company, *numbers, status=GONE)


def test_they_count_as_before_until_someone_releases_them(company, by):
    """Otherwise a standing approval would remove them."""
    assert leave(company, *range(5)) == 0 and status("p0@acme.example") == GONE
    account = Account(person=person("p0@acme.example"), match_kind="matched")
    assert still_to_remove.no_longer_theirs(account, None) is None
    assert leave(company, 5) == 6
    assert [status(f"p{number}@acme.example") for number in range(3)] == ["active", "suspended", "active"]
    assert person("p0@acme.example").status_reason == "Left Company LDAP, with many others at once"
    held = "Person 0 counts as active: a directory or list says that they have left, which waits for a decision"
    assert still_to_remove.no_longer_theirs(account, None) == held
    by_groups = still_to_remove.waits(Task(report_id=1), account)
    assert "has left Company LDAP, and that is held" in by_groups, "they may have lost their groups with it"
    assert leave(company, 0) == leave(company, 6) == 1, "also when it is pushed again"
    assert len(doubtful.held_leavers()) == len(directories.held(company.directory)) == 7
    push(company, 4, status="active")
    account.person = person("p4@acme.example")
    assert "is back: active" in still_to_remove.no_longer_theirs(account, None)
    assert person("p4@acme.example").status_reason == "Active in Company LDAP"
    assert directories.release(company.directory, by) == 6
    assert {status(f"p{number}@acme.example") for number in (0, 1, 2, 3, 5, 6)} == {GONE}
    assert leave(company, *range(7, 12)) == 0 and leave(company, 12) == 6, "who was looked at isn't held again"
    assert status("p0@acme.example") == GONE and status("p4@acme.example") == "active"


@pytest.mark.parametrize("case", ["by hand", "planned", "day by hand", "grace", "removed", "one is left",
                                  "removed before", "days ago", "elsewhere", "back", "held return", "by hand before",
                                  "offboarded", "offboarded before", "planned no longer"])  # fmt: skip
def test_someone_about_whom_more_is_known_stays_as_they_are(company, by, case):
    if case == "grace":
        update_workspace(by, grace_days=7)
    if case == "by hand before":
        people.mark_left(person("p0@acme.example"), by)
    leave(company, *range(5))
    one, became = person("p0@acme.example"), GONE
    if case == "by hand":
        people.mark_left(one, by)
        Person.update(status_by_hand=GONE).where(Person.id == one.id).execute()
    elif case == "planned":
        Offboarding.create(person=one, state="scheduled", remove_on=utcnow().date() + timedelta(9), asked_by="Olga")
    elif case in ("offboarded", "offboarded before", "planned no longer"):
        decided = utcnow() - timedelta(days=9 if case == "offboarded before" else 0)
        state = "cancelled" if case == "planned no longer" else "applied"
        Offboarding.create(person=one, state=state, decided_at=decided, asked_by="Olga")
        became = GONE if case == "offboarded" else "active"
    elif case == "day by hand":
        holds.keep_until(one, utcnow().date() + timedelta(9), by)
    elif case == "grace":
        assert one.remove_on is not None
        became = "active"
    elif case in ("removed", "one is left", "removed before"):
        app = App.create(connector="x", name="X", category="Seat-based", state="active")
        account = Account.create(app=app, external_id="1", person=one, match_kind="matched", state="gone")
        ended = utcnow() - timedelta(days=9 if case == "removed before" else 0)
        Task.create(app=app, kind="remove", account=account, state="done", finished_at=ended)
        if case == "one is left":
            Account.create(app=app, external_id="2", person=one, match_kind="matched")
        became = GONE if case == "removed" else "active"
    elif case == "days ago":
        DirectoryEntry.update(left_at=utcnow() - timedelta(days=2)).where(DirectoryEntry.person == one).execute()
        assert leave(company, 6) == 0
    elif case == "elsewhere":
        other = Scripted("Okta")
        other.add("o", "p0@acme.example", "Person 0")
        other.read()
        became = "active"
    elif case == "back":
        push(company, 0, status="active")
        assert leave(company, 6) == 0
        became = "active"
    elif case == "held return":
        DirectoryEntry.update(reported_status="active").where(DirectoryEntry.person == one).execute()
        assert leave(company, 6) == 0
    leave(company, 5)
    assert (status("p0@acme.example"), status("p1@acme.example")) == (became, "suspended")
    entry = DirectoryEntry.get(DirectoryEntry.external_id == "id0")
    assert (entry.status != entry.reported_status == GONE) == (
        case in ("grace", "one is left", "removed before", "offboarded before", "planned no longer"))
    if case == "grace":
        assert person("p0@acme.example").remove_on is None
        directories.release(company.directory, by)
        assert person("p0@acme.example").remove_on == one.remove_on
    if case == "day by hand":
        assert person("p0@acme.example").remove_on == utcnow().date() + timedelta(9)


def test_someone_who_left_days_ago_stays_a_leaver_though_the_guard_counts_them_with_one_who_has_waited_since(company):
    """Otherwise each person who is held for weeks would bring back all who left after them."""
    leave(company, *range(4))
    Directory.update(created_at=utcnow() - timedelta(days=30)).execute()
    DirectoryEntry.update(left_at=utcnow() - timedelta(days=2)).where(DirectoryEntry.left_at.is_null(False)).execute()
    DirectoryEntry.update(status="active").where(DirectoryEntry.external_id == "id0").execute()
    assert leave(company, 4) == 0 and leave(company, 5) == 2
    assert [status(f"p{number}@acme.example") for number in range(1, 6)] == [GONE, GONE, GONE, "active", "active"]


def test_all_of_a_few_are_held_once_nobody_would_be_left(scripted, by):
    company = Scripted(count=5)
    company.read()
    leave(company, *range(5))
    assert {status(f"p{number}@acme.example") for number in range(5)} == {"active"}


NOW = datetime(2026, 3, 5, 12)
AT, EARLIER = NOW - timedelta(hours=14), NOW - timedelta(hours=23)  # the 5th and the 4th of March in Tokyo
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def test_each_condition_on_the_first_leavers_decides_alone(home, by):
    """Everyone left LDAP within a day and is held, but for what their name says."""
    update_workspace(by, grace_days=7, zone="Asia/Tokyo")
    ldap, other = (Directory.create(kind="scim", name=name, created_at=NOW - 90 * DAY) for name in ("LDAP", "Other"))
    app = App.create(connector="x", name="X", category="Seat-based", state="active")
    for who, left, kept in (
        ("plain", [(ldap, AT)], None), ("a day ago", [(ldap, NOW - DAY)], None),
        ("days ago", [(ldap, NOW - DAY - SECOND)], None), ("elsewhere", [(other, AT)], None),
        ("both", [(ldap, AT), (other, AT)], None), ("back there", [(ldap, AT)], None),
        ("back now", [(ldap, AT)], None), ("pushed again", [(ldap, AT)], None), ("before", [(ldap, AT)], None),
        ("cancelled", [(ldap, AT)], None), ("change role", [(ldap, AT)], None), ("cancelled task", [(ldap, AT)], None),
        ("removed", [(ldap, AT)], None), ("two entries", [(ldap, EARLIER), (ldap, AT)], date(2026, 3, 12)),
        ("long gone too", [(ldap, NOW - 9 * DAY), (ldap, AT)], None), ("longer", [(ldap, AT)], date(2026, 3, 13)),
        ("shorter", [(ldap, AT)], date(2026, 3, 11)), ("by hand since", [(ldap, AT)], None),
        ("offboarded", [(ldap, AT)], None), ("offboarded before", [(ldap, AT)], None),
    ):  # fmt: skip
        one = Person.create(name=who, status=GONE, remove_on=kept)
        for number, (directory, at) in enumerate(left):
            entry = DirectoryEntry.create(
                directory=directory, external_id=f"{who}{number or ''}", person=one, left_at=at, reported_status=GONE,
                status="active" if who == "pushed again" else GONE)  # fmt: skip
        if who != "by hand since":
            Person.update(status_entry_id=entry.id).where(Person.id == one.id).execute()
        if who in ("change role", "cancelled task", "removed"):
            account = Account.create(app=app, external_id=who, person=one, match_kind="matched", state="gone")
            Task.create(app=app, account=account, finished_at=AT, kind=who if who == "change role" else "remove",
                        state="cancelled" if who == "cancelled task" else "done")  # fmt: skip
    DirectoryEntry.create(directory=other, external_id="back there", person=Person.get(name="back there"), status=GONE,
                          reported_status="active")  # fmt: skip
    for who, state, at in (("cancelled", "cancelled", NOW), ("offboarded", "applied", AT),
                           ("offboarded before", "applied", AT - SECOND)):  # fmt: skip
        Offboarding.create(person=Person.get(name=who), state=state, remove_on=NOW.date(), asked_by="Olga",
                           decided_at=at)  # fmt: skip
    with writing(), reading.staging():
        for before in ("active", "suspended"):
            activity.record("LDAP", "person deprovisioned", person=Person.get(name="before"), before=before)
        reading.stage([DirectoryPerson(id=id, email=f"{number}@acme.example", name=id, status=said)
                       for number, (id, said) in enumerate([("back now", "active"), ("pushed again", GONE),
                                                            ("new", "active")])])  # fmt: skip
        db.execute_sql("UPDATE read_person SET person_id = (SELECT e.person_id FROM directory_entry AS e "
                       "WHERE e.external_id = read_person.external_id)")  # fmt: skip
        found = guard.hold_back(ldap, workspace_guard(), NOW, whole=False)
    assert {one.name for one in Person.select().where(Person.id.in_(found))} == {
        "plain", "a day ago", "both", "back there", "pushed again", "before", "cancelled", "change role",
        "cancelled task", "two entries", "long gone too", "offboarded before"}  # fmt: skip
    was = {(entry.directory.name, entry.external_id): entry.status for entry in DirectoryEntry.select()}
    assert was["LDAP", "before"] == "suspended" and was["LDAP", "both"] == was["LDAP", "long gone too1"] == "active"
    assert was["Other", "both1"] == was["LDAP", "long gone too"] == was["LDAP", "removed"] == GONE
    update_workspace(by, grace_days=0)
    assert holds.end_of_grace(AT) is None


def test_one_person_alone_keeps_the_time_at_which_they_left(home):
    left = datetime(2026, 11, 1, 8)
    ldap = Directory.create(kind="scim", name="LDAP")
    ana = Person.create(name="Ana", status=GONE, status_since=utcnow())
    DirectoryEntry.create(directory=ldap, external_id="1", person=ana, status=GONE, left_at=left)
    guard.keep_departures(ldap, {ana.id})
    assert Person.get_by_id(ana.id).status_since == left


@pytest.mark.parametrize("whole", [True, False], ids=["read", "pushed"])
def test_someone_leaves_a_directory_although_another_one_has_them(home, whole):
    """Under an id that someone else has here."""
    ana, here = Person.create(name="Ana"), Directory.create(kind="scim", name="LDAP")
    for directory, id in ((here, "1"), (Directory.create(kind="scim", name="Okta"), "2")):
        DirectoryEntry.create(directory=directory, external_id=id, person=ana)
    with reading.staging():
        reading.stage([DirectoryPerson(id="1", email="", status=GONE), DirectoryPerson(id="2", email="")])
        db.execute_sql("UPDATE read_person SET person_id = ? WHERE external_id = '1'", (ana.id,))
        guard._note_leaving(here, whole)
        assert db.execute_sql("SELECT person_id FROM read_leaving").fetchall() == [(ana.id,)]


@pytest.mark.parametrize(("entry", "leaves"), [
    ({}, False), ({"status": "active", "reported_status": GONE}, True), ({"status": GONE}, False),
], ids=["here", "held as a leaver", "held as back"])  # fmt: skip
def test_someone_leaves_who_is_here_by_no_other_entry_that_was_not_pushed(home, entry, leaves):
    ana, ldap = Person.create(name="Ana"), Directory.create(kind="scim", name="LDAP")
    DirectoryEntry.create(directory=ldap, external_id="1", person=ana)
    DirectoryEntry.create(directory=ldap, external_id="2", person=ana, **entry)
    with reading.staging():
        reading.stage([DirectoryPerson(id="1", email="", status=GONE)])
        db.execute_sql("UPDATE read_person SET person_id = ?", (ana.id,))
        guard._note_leaving(ldap, whole=False)
        assert bool(db.execute_sql("SELECT 1 FROM read_leaving").fetchall()) is leaves


@pytest.mark.parametrize("whole", [True, False], ids=["read", "pushed"])
def test_a_person_has_the_reason_of_their_entry_once_a_burst_is_over(home, whole):
    burst, ldap = f"Left LDAP{guard.AT_ONCE}", Directory.create(kind="scim", name="LDAP")
    cases = {"Ana": (burst, {}), "decided since": (burst, {}), "held": (burst, {"reported_status": GONE}),
             "still the burst's": (burst, {"reason": burst}), "another status": (burst, {"status": "suspended"})}
    for name, (why, entry) in cases.items():
        values = {"reason": "Active in LDAP", "reported_status": entry.get("status", "active")} | entry
        of = DirectoryEntry.create(directory=ldap, external_id=name, burst_reason=burst, **values,
                                   person=Person.create(name=name, status_reason=why))  # fmt: skip
        followed = None if name == "decided since" else of.id
        Person.update(status_entry_id=followed).where(Person.id == of.person_id).execute()
    with reading.staging():
        reading.stage([DirectoryPerson(id=name, email="") for name in cases])
        db.execute_sql("UPDATE read_person SET person_id = (SELECT e.person_id FROM directory_entry AS e "
                       "WHERE e.external_id = read_person.external_id)")  # fmt: skip
        guard.end_burst(ldap, whole)
    reasons = {person.name: person.status_reason for person in Person.select() if person.name in cases}
    assert reasons == {name: why for name, (why, _) in cases.items()} | {"Ana": "Active in LDAP"}
    kept = {entry.person.name for entry in DirectoryEntry.select().where(DirectoryEntry.burst_reason.is_null(False))}
    assert kept == {"held", "still the burst's"}


def test_an_owner_may_leave_where_another_one_is_here_by_hand(home):
    ldap = Directory.create(kind="csv", name="LDAP")
    for name, by_hand in (("Ana", "active"), ("Bo", None)):
        owner = Person.create(name=name, status="active", workspace_role="owner", status_by_hand=by_hand)
        DirectoryEntry.create(directory=ldap, external_id=name, person=owner)
    with reading.staging():
        last_owner.hold_last_owner(ldap, whole=True)
        assert not db.execute_sql("SELECT 1 FROM read_leaving").fetchall()
