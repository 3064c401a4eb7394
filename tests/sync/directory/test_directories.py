"""Directories: asking, failing, pausing, removing, connecting; a reading that fails changes nothing."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest

from connectors.base import CredentialRejected, Refused, TemporarilyUnavailable
from sync.db import db, utcnow, writing
from sync.directory import directories, freshness, guard
from sync.directory.directories import DirectoryProblem
from sync.files import columns
from sync.jobs import queue
from sync.models import (
    Activity,
    Directory,
    DirectoryEntry,
    DirectoryReading,
    Mail,
    Person,
)
from sync.people import held, people
from sync.staging import tables
from tests.database import ON_FILE
from tests.sync.scripted import Scripted, person, portrait, status


def fail(given: int) -> None:
    if given == 5:
        raise TemporarilyUnavailable("time limit exceeded")


@pytest.mark.parametrize("error", [TemporarilyUnavailable, CredentialRejected, Refused])
def test_a_reading_that_ends_in_an_error_changes_nothing(company, error):
    before = portrait()
    company.delete("id1", "id2")

    def interrupt(given: int) -> None:
        if given == 5:
            raise error("time limit exceeded")

    company.interrupt = interrupt
    reading = company.read()
    assert (reading.state, reading.error) == ("failed", "time limit exceeded")
    assert portrait() == before
    assert (company.row().failures, company.row().error) == (1, "time limit exceeded")


def test_a_bug_of_a_connector_fails_the_reading_and_is_not_hidden(company):
    before = portrait()
    company.interrupt = lambda given: 1 // 0
    reading = directories.ask(company.directory, "schedule")
    with pytest.raises(ZeroDivisionError):
        directories.run(reading.id)
    assert "ZeroDivisionError" in DirectoryReading.get_by_id(reading.id).error
    assert portrait() == before


def test_a_failure_while_applying_leaves_nothing_half_done(company, monkeypatch):
    before = portrait()
    company.delete("id1")
    company.add("id99", "new@acme.example")

    def broken(*_: object) -> None:
        raise sqlite3.OperationalError("disk is full")

    monkeypatch.setattr(people, "recompute_status", broken)
    reading = directories.ask(company.directory, "schedule")
    with pytest.raises(sqlite3.OperationalError):
        directories.run(reading.id)
    assert DirectoryReading.get_by_id(reading.id).state == "failed"
    assert portrait() == before


def test_an_entry_that_the_contract_forbids_fails_the_reading(company):
    before = portrait()
    for wrong in ({"status": "on holiday"}, {"id": ""}, {"department": "d" * (tables.LONGEST + 1)}):
        company.say("id1", **wrong)
        assert company.read().state == "failed"
    assert portrait() == before


def test_the_third_failure_in_a_row_mails_once_and_a_success_forgets(company, olga):
    company.interrupt = fail
    for failures in range(1, 6):
        company.read()
        assert Mail.select().where(Mail.kind == "directory failed").count() == (1 if failures >= 3 else 0)
    company.interrupt = lambda given: None
    company.read()
    assert (company.row().failures, company.row().error) == (0, None)
    assert Mail.get().to == "olga@acme.example"


def test_a_list_that_repeats_someone_is_read_once_more(company):
    before, given = portrait(), company.give
    readings = []

    def once():
        readings.append(1)
        yield from given()
        if len(readings) == 1:
            yield company.entries["id0"]

    company.give = once
    assert company.read().state == "succeeded"
    assert len(readings) == 2

    def always():
        yield from [company.entries["id0"], *company.entries.values()]

    company.give = always
    reading = company.read()
    assert reading.state == "failed" and "more than once" in reading.error
    assert portrait() == before


def test_a_first_reading_of_nobody_fails(scripted, by):
    reading = Scripted().read()
    assert reading.state == "failed" and "an empty list" in reading.error


@ON_FILE
def test_the_file_is_not_locked_while_the_directory_is_read(company, home):
    other = sqlite3.connect(home / "rollcall.db", timeout=0)

    def write_elsewhere(given: int) -> None:
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO setting VALUES (?, 1)", (f"written after {given}",))
        other.commit()

    company.interrupt = write_elsewhere
    assert company.read().state == "succeeded"
    assert other.execute("SELECT count(*) FROM setting WHERE name LIKE 'written%'").fetchone() == (10,)
    other.close()


def test_someone_active_in_any_directory_stays(company, scripted):
    contractors = Scripted("Contractors")
    contractors.add("c1", "p1@acme.example")
    contractors.add("c2", "other@acme.example")
    contractors.read()
    company.delete("id1")
    company.read()
    assert status("p1@acme.example") == "active"
    contractors.delete("c1")
    contractors.read()
    assert (status("p1@acme.example"), person("p1@acme.example").status_reason) == (
        "deprovisioned", "No longer in Contractors")  # fmt: skip


def test_a_directory_that_is_removed_deprovisions_nobody_and_finds_all_again(company, by):
    company.say("id1", status="deprovisioned")
    company.read()
    everyone = {person.id: person.status for person in Person.select()}
    directories.remove(company.directory, by)
    assert DirectoryEntry.select().count() == 0
    assert {person.id: person.status for person in Person.select()} == everyone
    company.connect()
    company.say("id2", email="renamed@acme.example")
    company.say("id1", status="active")
    assert company.read().counts["joined"] == 0
    assert person("renamed@acme.example") == person("p2@acme.example")
    assert status("p1@acme.example") == "active"


def test_leavers_that_a_guard_holds_are_asked_on_people_once_their_directory_is_removed(company, by):
    other = Scripted("Other")
    other.add("o0", "p0@acme.example", "Person 0")
    other.read()
    company.delete(*(f"id{number}" for number in range(8)))
    assert company.read().counts["held"] == 8
    before = {one.id: one.status for one in Person.select()}
    assert directories.remove(company.directory, by) == 7, "one is still in another directory"
    assert {one.id: one.status for one in Person.select()} == before
    assert Activity.get(Activity.what == "removed directory").why == "7 held changes wait on People"
    first, *rest = held.waiting()
    assert len(rest) == 6 and first.person == person("p1@acme.example")
    assert (first.field, first.value, first.asked_by) == ("status", "deprovisioned", "Company LDAP (directory)")
    held.release(first, by)
    assert status("p1@acme.example") == "deprovisioned"


def test_removing_the_only_directory_that_calls_someone_active_deprovisions_nobody(company, scripted, by):
    other = Scripted("Other")
    other.add("o1", "p1@acme.example")
    other.add("o2", "somebody@acme.example")
    other.read()
    other.say("o1", status="deprovisioned")
    other.read()
    directories.remove(company.directory, by)
    other.read()
    assert status("p1@acme.example") == "active"


def test_paused_is_not_read_and_resumed_is(company, by):
    directories.pause(company.directory, by)
    with pytest.raises(DirectoryProblem, match="paused"):
        directories.ask(company.directory, by)
    assert freshness.read_if_older(timedelta(0), by) == []
    assert directories.due(utcnow() + timedelta(days=1)) == []
    directories.resume(company.directory, by)
    assert directories.due(utcnow()) == [company.directory]


def test_paused_or_removed_while_it_is_read_takes_nothing_over(company, by):
    before = portrait()
    company.delete("id1")
    company.interrupt = lambda given: directories.pause(company.directory, by) if given == 3 else None
    assert company.read().state == "failed"
    assert portrait() == before
    directories.resume(company.directory, by)
    company.interrupt = lambda given: directories.remove(company.directory, by) if given == 3 else None
    asked = directories.ask(company.directory, by)
    directories.run(asked.id)
    assert Directory.select().count() == 0
    assert status("p1@acme.example") == "active"


def test_a_reading_is_not_applied_once_the_directory_is_connected_to_another_place(company, scripted):
    """The old place had lost someone, and nobody wants that any longer: the same reading begins again."""
    other = scripted("Right place", 10)
    before = portrait()
    company.delete("id1")

    def corrects(given: int) -> None:
        company.interrupt = lambda given: None
        Directory.update(settings={"script": other.name}).where(Directory.id == company.directory.id).execute()

    company.interrupt = corrects
    reading = company.read()
    assert (reading.state, reading.lease_owner) == ("queued", None) and portrait() == before
    assert company.row().settings == {"script": other.name}, "the reading hasn't written the old place back"
    queue.drain(("reading",))
    assert DirectoryReading.get_by_id(reading.id).state == "succeeded"
    assert portrait() == before and status("p1@acme.example") == "active"


@pytest.mark.parametrize("replaced", [False, True])
def test_only_of_the_directorys_own_first_list_the_columns_are_remembered(tmp_path, by, replaced):
    path, other = tmp_path / "staff.csv", tmp_path / "other.csv"
    for file in (path, other):
        file.write_text("email,name\nana@acme.example,Ana\n")
    directory = directories.connect("csv", "HR", {"file": str(path)}, by)
    seen = Directory.get_by_id(directory.id)
    if replaced:
        directories.reconnect(seen, {"file": str(other)}, by)
    columns.remember_first(seen, "{}")
    now = Directory.get_by_id(directory.id).settings
    assert (now["file"], now.get("mapping")) == ((str(other), None) if replaced else (str(path), "{}"))


def test_asking_twice_joins_the_one_under_way(company):
    assert directories.ask(company.directory, "a") == directories.ask(company.directory, "b")


def test_a_reading_is_run_once(company):
    reading = directories.ask(company.directory, "a")
    directories.run(reading.id)
    finished = DirectoryReading.get_by_id(reading.id).finished_at
    directories.run(reading.id)
    assert DirectoryReading.get_by_id(reading.id).finished_at == finished


def test_each_directory_is_read_hourly_and_sooner_after_a_failure(company):
    now = utcnow()
    assert directories.start_due(now) == []
    [reading] = directories.start_due(now + timedelta(minutes=61))
    assert directories.start_due(now + timedelta(minutes=61)) == []
    company.interrupt = fail
    directories.run(reading.id)
    assert company.row().next_read_at < now + timedelta(minutes=20)


def test_read_if_older_reads_what_is_old_and_warns_of_what_failed(company):
    count = DirectoryReading.select().count()
    assert freshness.read_if_older(timedelta(hours=1), "check") == []
    assert DirectoryReading.select().count() == count
    assert freshness.read_if_older(timedelta(0), "check") == []
    assert DirectoryReading.select().count() == count + 1
    Directory.update(last_read_at=None).execute()  # no reading has ended yet
    assert freshness.read_if_older(timedelta(hours=1), "check") == []
    assert DirectoryReading.select().count() == count + 2
    company.interrupt = fail
    [warning] = freshness.read_if_older(timedelta(0), "check")
    assert "Company LDAP" in warning and "time limit exceeded" in warning
    company.interrupt = lambda given: 1 // 0
    [warning] = freshness.read_if_older(timedelta(0), "check")
    assert "ZeroDivisionError" in warning


def test_read_if_older_does_not_wait_again_for_a_directory_that_failed_a_moment_ago(company):
    Directory.update(last_read_at=utcnow() - timedelta(hours=2)).execute()
    company.interrupt = fail
    quarter = timedelta(minutes=15)
    warnings = [freshness.read_if_older(quarter, "check") for _ in range(3)]
    assert warnings[0] == warnings[1] == warnings[2] and "time limit exceeded" in warnings[0][0]
    assert DirectoryReading.select().where(DirectoryReading.state == "failed").count() == 1
    DirectoryReading.update(finished_at=utcnow() - quarter - timedelta(seconds=1)).execute()
    freshness.read_if_older(quarter, "check")
    assert DirectoryReading.select().where(DirectoryReading.state == "failed").count() == 2
    company.interrupt = lambda given: None
    Directory.update(error=None).execute()  # as entering its values again does
    assert freshness.read_if_older(quarter, "check") == [] and company.row().last_read_at > utcnow() - quarter


def test_read_if_older_waits_for_a_reading_under_way(company, home):
    reading = directories.ask(company.directory, "another worker")
    directories.leases.claim(DirectoryReading, reading.id)

    def finish_elsewhere(seconds: float) -> None:
        with writing():
            DirectoryReading.update(state="succeeded").where(DirectoryReading.id == reading.id).execute()

    original, freshness.time.sleep = freshness.time.sleep, finish_elsewhere
    try:
        assert freshness.read_if_older(timedelta(0), "check") == []
    finally:
        freshness.time.sleep = original


def test_connecting_tests_first_and_stores_no_secret_in_the_clear(tmp_path, by, home):
    file = tmp_path / "staff.csv"
    with pytest.raises(TemporarilyUnavailable):
        directories.connect("csv", "Staff", {"file": str(file)}, by)
    assert Directory.select().count() == 0
    file.write_text("email\nana@acme.example\n")
    directory = directories.connect("csv", "Staff", {"file": str(file)}, by)
    assert Directory.get_by_id(directory.id).settings == {"source": "path", "file": str(file)}
    with pytest.raises(DirectoryProblem, match="already"):
        directories.connect("csv", "Staff", {"file": str(file)}, by)
    for kind, values in [("nonsense", {}), ("csv", {}), ("csv", {"file": str(file), "what": "x"})]:
        with pytest.raises(DirectoryProblem):
            directories.connect(kind, "Other", values, by)


def test_other_values_for_the_same_directory(tmp_path, by):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("email\nana@acme.example\n")
    directory = directories.connect("csv", "Staff", {"file": str(tmp_path / "a.csv")}, by)
    with pytest.raises(TemporarilyUnavailable):
        directories.reconnect(directory, {"file": str(tmp_path / "c.csv")}, by)
    assert Directory.get_by_id(directory.id).settings["file"].endswith("a.csv")
    directories.reconnect(directory, {"file": str(tmp_path / "b.csv")}, by)
    assert Directory.get_by_id(directory.id).settings["file"].endswith("b.csv")


def test_a_release_covers_what_was_reported_when_it_was_seen():
    """Someone held as having left, such as the last Owner, may be reported as suspended by now."""
    held = [DirectoryEntry(id=id, status=status, reported_status=reported) for id, status, reported in (
        (1, "active", "deprovisioned"), (1, "active", "suspended"), (1, "deprovisioned", "suspended"),
        (2, "active", "deprovisioned"))]  # fmt: skip
    assert len({guard.seen([entry]) for entry in held}) == 4
    assert guard.seen([held[0], held[3]]) == guard.seen([held[3], held[0]])


def test_people_of_a_removed_directory_keep_their_status_whatever_another_says(scripted, by):
    hr, it = Scripted("HR"), Scripted("IT")
    for number in range(4):
        hr.add(f"h{number}", f"p{number}@acme.example", f"Person {number}")
        it.add(f"i{number}", f"p{number}@acme.example", f"Person {number}",
               status="active" if number else "deprovisioned")  # fmt: skip
    hr.read()
    it.read()
    assert status("p0@acme.example") == "active"
    directories.remove(hr.row(), by)
    it.read()
    assert (status("p0@acme.example"), person("p0@acme.example").status_by_hand) == ("active", "active")


@ON_FILE
def test_a_reading_of_many_who_have_left_takes_no_longer_than_one_of_people_who_are_here(scripted, by):
    """It took seconds of the database's lock for 3,000 among 10,000, as their addresses were compared in pairs."""
    company, hundreds = Scripted(count=300), []
    for left in (0, 150):
        for number in range(left):
            company.say(f"id{number}", status="deprovisioned")
        company.read()
        directories.release(company.directory, by)
        hundreds.append(0)
        db.connection().set_progress_handler(lambda: hundreds.append(hundreds.pop() + 1), 100)
        company.read()
        db.connection().set_progress_handler(None, 0)
    assert hundreds[1] < 1.1 * hundreds[0], hundreds


def test_a_directory_never_makes_the_last_owner_leave(scripted, olga):
    """Also where it may change Owners, and where nobody else leaves."""
    company = Scripted(count=10)
    company.read()
    last = person("p0@acme.example")
    Person.update(workspace_role=None).where(Person.id == olga.id).execute()
    Person.update(workspace_role="owner").where(Person.id == last.id).execute()
    Directory.update(vouched_for=True).execute()
    company.say("id0", status="deprovisioned")
    company.say("id1", status="deprovisioned")
    counts = company.read().counts
    assert (counts["held"], counts["deprovisioned"]) == (1, 1)
    assert (status("p0@acme.example"), status("p1@acme.example")) == ("active", "deprovisioned")
