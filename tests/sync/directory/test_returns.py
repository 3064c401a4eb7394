"""People who are back in a directory: a few, so many that a guard holds them, and those whose state is hidden."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from connectors.base import DirectoryPerson
from sync.db import utcnow, writing
from sync.directory import compare, directories, guard, reading
from sync.models import Account, Directory, DirectoryEntry, Mail, Person, Task
from sync.people import held, people
from sync.rank import Asker
from sync.safety import unread_directories
from sync.safety.guards import workspace_guard
from sync.states import DirectoryGap
from sync.tasks import still_to_remove
from tests.sync.scripted import Scripted, entries_of, person, portrait, status

DAY = timedelta(days=1)


@pytest.mark.parametrize(("here", "back", "held"), [(9, 5, 0), (9, 6, 6), (30, 6, 0), (29, 6, 6), (0, 6, 6), (0, 1, 0)])
def test_so_many_are_back_that_it_looks_wrong_and_stay_leavers_until_someone_decides(scripted, by, here, back, held):
    """A filter that shows disabled users, or a server that hides their state, makes leavers look active."""
    company = Scripted(count=here + back)
    gone = [f"id{number}" for number in range(back)]
    for id in gone:
        company.say(id, status="deprovisioned")
    company.read()
    before = portrait()
    for id in gone:
        company.say(id, status="active")
    counts = company.read().counts
    assert (counts["held"], counts["returned"]) == (held, 0 if held else back)
    assert (company.row().many_back_since is not None) == bool(held) == bool(counts["warnings"])
    assert Person.select().where(Person.status == "active").count() == 1 + here + back - held, "with Olga"
    if not held:
        return
    assert unread_directories.longest(utcnow()).why == DirectoryGap.MANY_BACK
    company.say("id0", status="deprovisioned")
    company.add("new", "new@acme.example")
    assert company.read().counts["held"] == back - 1, "fewer are back now, but nobody has decided"
    for id in gone:
        company.say(id, status="deprovisioned")
    company.read()
    assert company.row().many_back_since is None and portrait()[2][: here + back] == before[2]
    if here:
        company.say(f"id{back}", status="deprovisioned")
        assert company.read().counts["deprovisioned"] == 1, "the others didn't leave today"
    for id in gone[:3]:
        company.say(id, status="active")
    assert company.read().counts["held"] == 0, "and the directory is right again"


def test_those_who_are_back_are_confirmed_apart_from_those_who_have_left(scripted, by, olga):
    company = Scripted(count=20)
    for number in range(8):
        company.say(f"id{number}", status="deprovisioned")
    company.read()
    for number in range(20):
        company.say(f"id{number}", status="active" if number < 8 else "deprovisioned")
    company.read()
    assert len(directories.held(company.directory)) == 20
    mail = Mail.get(Mail.kind == "directory held")
    assert "8 people who had left are back" in mail.text and "12 of 12 active people have left" in mail.text
    assert directories.release(company.directory, by, back=True) == 8
    assert company.row().many_back_since is None and company.read().counts["held"] == 12
    assert Person.select().where(Person.status == "active").count() == 1 + 20, "with Olga"
    company.say("id0", status="deprovisioned")
    company.read()
    assert directories.release(company.directory, by) == 13
    company.say("id0", status="active")
    company.read()
    assert status("p0@acme.example") == "active", "who was looked at counts no more"


@pytest.fixture
def back(scripted: type[Scripted], by: Asker) -> Scripted:
    """Twenty people. Eight of them had left and are back at once."""
    company = Scripted(count=20)
    for number in range(8):
        company.say(f"id{number}", status="deprovisioned")
    company.read()
    for number in range(8):
        company.say(f"id{number}", status="active")
    assert company.read().counts["held"] == 8
    return company


def test_people_above_someone_who_confirms_wait_for_an_owner(back, by):
    """Otherwise their removals, which waited, would be made before the next reading."""
    Person.update(workspace_role="owner").where(Person.id == person("p0@acme.example").id).execute()
    Person.update(workspace_role="admin").where(Person.id == person("p10@acme.example").id).execute()
    assert directories.release(back.directory, Asker.person(person("p10@acme.example")), back=True) == 7
    assert DirectoryEntry.get(external_id="id0").back_at is not None, "who waits still counts"
    assert back.read().counts["held"] == 1 and back.row().many_back_since and status("p0@acme.example") != "active"
    assert directories.release(back.directory, by, back=True) == 1
    assert back.row().many_back_since is None and status("p0@acme.example") == "active"


def say(company: Scripted, numbers: range, status: str) -> int:
    """How many the next reading holds."""
    for number in numbers:
        company.say(f"id{number}", status=status)
    return company.read().counts["held"]


def push(company: Scripted, *numbers: int, status: str) -> int:
    """The same, but its provider writes these one by one. How many are held."""
    held = 0
    for number in numbers:
        company.say(f"id{number}", status=status)
        with writing(), reading.staging():
            reading.stage([company.entries[f"id{number}"]])
            held += compare.apply_pushed(company.row(), workspace_guard(), "Okta").counts["held"]
    return held


def test_removals_of_people_whose_return_was_held_still_wait_once_their_directory_is_removed(back, by):
    removal, account = Task(report_id=1), Account(person=person("p0@acme.example"))
    ids = [person(f"p{number}@acme.example").id for number in (0, 1, 9)]
    assert still_to_remove.returns([*ids, None])[ids[1]] == "Person 1 is back in Company LDAP, with many others at once"
    assert directories.remove(back.directory, by) == 8
    assert set(still_to_remove.returns(ids)) == set(ids[:2]), "of someone who is here, nothing is in doubt"
    assert "Person 0 may be back: a held change on People says so." in still_to_remove.waits(removal, account)
    [change] = held.waiting(person("p0@acme.example"))
    held.dismiss(change, by)
    assert still_to_remove.waits(removal, account) is None
    [change] = held.waiting(person("p1@acme.example"))
    held.release(change, by)
    assert status("p1@acme.example") == "active"


def some_days_pass() -> None:
    """Since people came back."""
    then = utcnow() - timedelta(days=2)
    DirectoryEntry.update(back_at=then).where(DirectoryEntry.back_at.is_null(False)).execute()


def test_people_who_left_today_still_count_after_a_held_return(back, by):
    assert say(back, range(8), "deprovisioned") == 0
    assert say(back, range(8, 13), "deprovisioned") == 0
    assert say(back, range(13), "active") == 13
    assert say(back, range(13), "deprovisioned") == 0
    assert say(back, range(13, 14), "deprovisioned") == 1, "the sixth within a day"
    assert say(back, range(14), "active") == 13
    directories.release(back.directory, by, back=True)
    assert not DirectoryEntry.select().where(DirectoryEntry.left_at.is_null(False)).exists(), "everyone is here"
    assert back.row().guard_counts_from is None, "no leaver was looked at"


def test_someone_who_left_again_and_is_back_counts_from_the_last_time(scripted, by):
    company = Scripted(count=15)
    say(company, range(6), "deprovisioned")
    assert say(company, range(3), "active") == 0
    some_days_pass()
    assert say(company, range(3), "deprovisioned") == say(company, range(3), "active") == 0
    assert say(company, range(3, 6), "active") == 6, "six within a day"


def test_the_returns_of_a_day_are_counted_and_their_share_is_of_those_who_were_here(scripted, by):
    """An Owner whose return has waited longer makes the day no longer."""
    company = Scripted(count=33)
    say(company, range(7), "deprovisioned")
    Person.update(workspace_role="owner").where(Person.id == person("p0@acme.example").id).execute()
    Directory.update(vouched_for=False).execute()
    assert say(company, range(3), "active") == 1
    some_days_pass()
    assert say(company, range(3, 6), "active") == 1, "with them, four of the 28 who were here"
    assert say(company, range(6, 7), "active") == 1, "five"
    company.add("was here", "here@acme.example", status="deprovisioned")
    company.read()
    company.say("was here", status="active")
    assert company.read().counts["held"] == 6, "six of 28 are too many, six of 32 wouldn't be"


def test_the_first_of_a_burst_are_held_as_well_once_it_is_noticed(scripted, by):
    """Their returns have cancelled nothing then that wasn't done yet, and no page is green without them."""
    company = Scripted(count=31)
    company.read()
    say(company, range(6), "deprovisioned")
    left = {number: person(f"p{number}@acme.example") for number in range(6)}
    DirectoryEntry.create(directory=company.directory, external_id="former", person=left[1], reason="Retired",
                          status="deprovisioned", reported_status="deprovisioned")  # fmt: skip
    removal = Task(report_id=1, created_at=utcnow(), account=Account(person=left[0]))
    assert say(company, range(5), "active") == 0 and status("p0@acme.example") == "active"
    reading_held = say(company, range(5, 6), "active")
    now = {number: person(f"p{number}@acme.example") for number in range(6)}
    assert reading_held == 6 and {one.status for one in now.values()} == {"deprovisioned"}
    assert now[0].status_reason == "Back in Company LDAP, with many others at once"
    removal.account = Account(person=now[0])
    assert not still_to_remove.left_once_more(removal), "it is the departure for which the removal was approved"
    assert "is back in Company LDAP, with many others at once" in still_to_remove.waits(removal, removal.account)
    Person.update(status="active").where(Person.id == now[0].id).execute()
    assert still_to_remove.waits(removal, removal.account) is None, "they are here, but their groups give no account"
    Person.update(status="deprovisioned").where(Person.id == now[0].id).execute()
    since, counts = company.row().many_back_since, company.read().counts
    assert (counts["held"], counts["deprovisioned"], company.row().many_back_since) == (6, 0, since), "it is one burst"
    assert DirectoryEntry.get(external_id="former").reason == "Retired"
    assert say(company, range(1), "deprovisioned") == directories.release(company.directory, by, back=True) == 5
    assert person("p0@acme.example").status_reason == "Disabled in Company LDAP"
    assert {status(f"p{number}@acme.example") for number in range(1, 6)} == {"active"}


@pytest.mark.parametrize("case", ["by hand", "left by hand", "above", "last Owner", "last Owner beside a leaver",
                                  "leaves again", "another entry", "confirmed", "elsewhere",
                                  "here elsewhere"])  # fmt: skip
def test_someone_of_the_burst_whose_return_is_beyond_doubt_is_not_held_later(scripted, by, olga, case):
    company = Scripted(count=35)
    company.read()
    if case == "here elsewhere":
        other = Scripted("Okta")
        other.add("7", "p0@acme.example", "Person 0")
        other.read()
    say(company, range(7), "deprovisioned")
    one = person("p0@acme.example")
    if case == "by hand":
        people.mark_returned(one, by)
    say(company, range(2), "active")
    assert status("p1@acme.example") == "active"
    if case == "left by hand":
        people.mark_left(one, by)
    elif case == "above":
        Person.update(workspace_role="owner").where(Person.id == one.id).execute()
        Directory.update(vouched_for=False).execute()
    elif "last Owner" in case:
        Person.update(workspace_role="user").where(Person.id == olga.id).execute()
        owners = [one.id] if case == "last Owner" else [one.id, person("p10@acme.example").id]
        Person.update(workspace_role="owner").where(Person.id.in_(owners)).execute()
        company.say("id10", status="active" if case == "last Owner" else "deprovisioned")
    elif case == "leaves again":
        company.say("id0", status="deprovisioned")
    elif case == "another entry":
        DirectoryEntry.update(person=one).where(DirectoryEntry.external_id == "id15").execute()
    elif case == "confirmed":
        DirectoryEntry.update(back_at=None).where(DirectoryEntry.person == one).execute()
    elif case == "elsewhere":
        other = Scripted("Okta")
        DirectoryEntry.update(directory=other.directory).where(DirectoryEntry.person == one).execute()
        company.delete("id0")
    say(company, range(2, 7), "active")
    again = [entry.status for entry in DirectoryEntry.select().where(DirectoryEntry.person == one)]
    if case == "here elsewhere":
        now = Person.get_by_id(one.id)
        assert sorted(again) == ["active", "deprovisioned"] and now.status_since == one.status_since
    else:
        assert again[0] == ("deprovisioned" if case == "leaves again" else "active")
    if case == "leaves again":
        now = Person.get_by_id(one.id)
        assert now.status == "deprovisioned" and now.status_since > one.status_since + timedelta(microseconds=1)
    assert status("p1@acme.example") == "deprovisioned" and company.row().many_back_since


def test_people_who_left_by_this_directory_keep_the_time_of_that(home):
    company, other = (Directory.create(kind="csv", name=name) for name in ("File", "Another"))
    noon, now = datetime(2026, 11, 1, 12), datetime(2026, 11, 9)
    for name, status_then, left in (  # days since noon on which they left, by which directory
        ("once", "deprovisioned", [(company, 0)]), ("twice", "deprovisioned", [(company, 1), (company, 0)]),
        ("elsewhere later", "deprovisioned", [(company, 0), (other, 2)]), ("elsewhere", "deprovisioned", [(other, 0)]),
        ("never", "deprovisioned", [(company, None)]), ("here", "active", [(company, 0)]),
        ("nobody's", "deprovisioned", [(company, 0)]),
    ):  # fmt: skip
        one = Person.create(name=name, status=status_then, status_since=now)
        for number, (directory, days) in enumerate(left):
            DirectoryEntry.create(directory=directory, external_id=f"{name} {number}", person=one,
                                  left_at=None if days is None else noon + days * DAY)  # fmt: skip
    people_held = [one.id for one in Person.select().where(Person.name != "nobody's")]
    guard.keep_departures(company, people_held)
    kept = {one.name: one.status_since for one in Person.select().where(Person.status_since != now)}
    assert kept == {"once": noon, "twice": noon + DAY, "elsewhere later": noon}


def test_the_removal_of_someone_whose_return_waits_for_an_owner_waits_too(scripted, by):
    """Their accounts would be gone before anyone has looked."""
    company = Scripted(count=9)
    say(company, range(1), "deprovisioned")
    account, removal = Account(person=person("p0@acme.example")), Task(report_id=1)
    Person.update(workspace_role="owner").where(Person.id == account.person_id).execute()
    Directory.update(vouched_for=False).execute()
    assert still_to_remove.waits(removal, account) is None
    assert say(company, range(1), "active") == 1
    assert "Company LDAP, but ranks above the person responsible" in still_to_remove.waits(removal, account)


def test_a_second_entry_that_is_back_is_no_return_of_someone_who_was_here(scripted, by):
    company = Scripted(count=16)
    say(company, range(7), "deprovisioned")
    directories.release(company.directory, by)
    for number in range(6):
        DirectoryEntry.update(person=person(f"p{number + 7}@acme.example")).where(
            DirectoryEntry.external_id == f"id{number}").execute()
    assert say(company, range(6), "active") == 0
    assert say(company, range(6, 7), "active") == 0, "the first person who is back"


def test_people_above_who_wait_count_among_those_who_are_pushed_as_back(scripted, by):
    """Anyone else who is pushed changes nothing for those who wait, until the last of them has left again."""
    company = Scripted(count=24)
    say(company, range(7), "deprovisioned")
    directories.release(company.directory, by)
    Person.update(workspace_role="owner").where(Person.id == person("p0@acme.example").id).execute()
    Directory.update(vouched_for=False).execute()
    assert push(company, 0, status="active") == 1 and company.row().many_back_since is None
    assert push(company, 1, 2, 3, 4, status="active") == 0
    assert push(company, 5, status="active") == 5 and company.row().many_back_since, "the sixth"
    assert push(company, 20, status="active") == 0 and company.row().many_back_since, "of someone who was here"
    assert push(company, *range(6), status="deprovisioned") == 0 and company.row().many_back_since is None


def test_leavers_who_are_held_are_nobody_who_is_back(scripted, by):
    company, one = Scripted(count=20), Scripted("One", count=1)
    company.read()
    one.read()
    assert push(company, *range(9), status="deprovisioned") == 4 + 4, "the first as well; one is still in One"
    assert push(company, *range(3), status="active") == 0 and company.row().many_back_since is None
    assert push(one, 0, status="deprovisioned") == 0, "the only person leaves"


def test_people_who_leave_again_with_too_many_others_are_nobody_who_is_back(scripted, by):
    company = Scripted(count=30)
    assert say(company, range(6), "deprovisioned") == say(company, range(5), "active") == 0
    for number in range(13):
        company.say(f"id{number}", status="active" if number == 5 else "deprovisioned")
    counts = company.read().counts
    assert (counts["held"], counts["returned"]) == (12, 1), "one is back today, not six"


def test_people_held_as_back_lengthen_no_ones_day(back, by):
    long_ago = utcnow() - timedelta(days=9)
    for table in (Person, Directory):
        table.update(created_at=long_ago).execute()
    DirectoryEntry.update(left_at=long_ago + DAY).where(DirectoryEntry.status == "deprovisioned").execute()
    assert say(back, range(8, 12), "deprovisioned") == 8
    DirectoryEntry.update(left_at=utcnow() - 3 * DAY).where(DirectoryEntry.external_id.in_(
        [f"id{number}" for number in range(8, 12)])).execute()  # fmt: skip
    assert say(back, range(12, 14), "deprovisioned") == 8, "two today, not six since the first day"
    directories.release(back.directory, by, back=True)
    still = DirectoryEntry.select().where(DirectoryEntry.left_at.is_null(False))
    assert still.count() == 6, "and these have still left"


def test_the_last_owner_stays_held_when_the_others_are_released(scripted, by, olga):
    company = Scripted(count=10)
    company.add("olga", "olga@acme.example", "Olga Brandt")
    company.read()
    company.say("olga", status="deprovisioned")
    assert say(company, range(7), "deprovisioned") == 8
    with pytest.raises(directories.DirectoryProblem):
        directories.release(company.directory, by, seen="something else")
    assert directories.release(company.directory, by) == 7
    [entry] = directories.held(company.directory)
    assert (entry.person, entry.status) == (olga, "active")
    [released] = entries_of("released held leavers")
    assert released.after == "7 people"


def test_people_who_were_just_added_make_no_room_for_returns(scripted, by):
    company = Scripted(count=26)
    say(company, range(6), "deprovisioned")
    for table in (Person, Directory):
        table.update(created_at=utcnow() - timedelta(days=2)).execute()
    for number in range(20):
        company.add(f"new{number}", f"new{number}@acme.example")
    company.read()
    assert say(company, range(6), "active") == 6


def test_a_return_that_someone_has_decided_by_hand_is_not_held(back, by):
    people.mark_returned(person("p0@acme.example"), by)
    assert back.read().counts["held"] == 7
    back.say("id0", status="deprovisioned")
    back.read()
    assert status("p0@acme.example") == "deprovisioned", "the directory agreed, so what it says next counts"
    for number in range(10, 20):
        people.mark_left(person(f"p{number}@acme.example"), by)
    other = Scripted("Okta")
    other.entries = {id: entry for id, entry in back.entries.items() if len(id) == 4}
    assert other.read().counts["held"] == 0 and other.row().many_back_since is None
    assert {status(f"p{number}@acme.example") for number in range(10, 20)} == {"deprovisioned"}


def test_a_leaver_whose_state_is_hidden_stays_one_and_everyone_else_stays_here(company):
    company.say("id1", status="deprovisioned")
    company.delete("id2")
    company.read()
    missing = DirectoryPerson(id="id2", email="p2@acme.example", name="Person 2", hides_status=True)
    company.entries["id2"] = missing
    for id in ("id1", "id3"):
        company.say(id, status="active", hides_status=True)
    company.add("new", "new@acme.example", hides_status=True)
    company.read()
    assert [status(f"p{n}@acme.example") for n in (1, 2, 3)] == ["deprovisioned", "deprovisioned", "active"]
    assert status("new@acme.example") == "active"
    company.say("id1", name="Ana Lima", email="ana@acme.example")
    company.say("id2", hides_status=False)
    company.read()
    assert (status("p1@acme.example"), status("ana@acme.example")) == ("deprovisioned", "active"), "used again"
    assert status("p2@acme.example") == "active"
