"""A last day deprovisions once it is over, in the workspace's time zone, without a new file; a first day protects."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from connectors.base import ColumnsUnclear
from sync.directory import directories, last_days
from sync.directory import preview as directory_preview
from sync.files import columns
from sync.jobs import asking, queue
from sync.models import Activity, Directory, DirectoryEntry, DirectoryReading, Mail, Person
from sync.people import importing, people
from sync.workspace import today, update_workspace
from tests.asking import MACHINE
from tests.sync.fixtures import email
from tests.sync.scripted import person, status

HEAD = "email,name,status,last_day,start_date\n"
NOON = datetime(2026, 11, 25, 12)


@pytest.fixture
def clock(home, monkeypatch):
    """Sets what time it is, UTC."""

    def set_to(moment: datetime) -> None:
        monkeypatch.setattr("sync.workspace.utcnow", lambda: moment)

    set_to(NOON)
    return set_to


@pytest.fixture
def file(tmp_path):
    return tmp_path / "staff.csv"


def rows(*lines: str) -> str:
    return HEAD + "".join(f"{line}\n" for line in lines)


def connect(file, text: str, by: str, **settings: str) -> Directory:
    file.write_text(text)
    directory = directories.connect("csv", "HR", {"file": str(file), **settings}, by)
    read(directory, by)
    return directory


def read(directory: Directory, by: str) -> DirectoryReading:
    reading = directories.ask(directory, by)
    directories.run(reading.id)
    return DirectoryReading.get_by_id(reading.id)


def test_a_last_day_deprovisions_on_that_day_without_a_new_file(clock, file, by):
    connect(file, rows("ana@acme.example,Ana,active,2026-11-30,"), by)
    file.unlink()  # nobody can read it now
    clock(datetime(2026, 11, 30, 23, 59))
    last_days.mark_left(NOON)
    assert status("ana@acme.example") == "active", "they work on their last day"
    clock(datetime(2026, 12, 1, 0, 1))
    last_days.mark_left(NOON)
    assert status("ana@acme.example") == "deprovisioned"
    entry = DirectoryEntry.get()
    assert (entry.status, entry.reported_status) == ("deprovisioned", "deprovisioned")
    assert entry.status_before_dates == "active"
    assert entry.reason == "Last day 30 November, in HR" == person("ana@acme.example").status_reason
    assert Activity.get(Activity.after == "deprovisioned").who == "HR (directory)"
    entries = Activity.select().count()
    last_days.mark_left(NOON)
    assert Activity.select().count() == entries, "once"


def test_the_day_is_the_workspaces(clock, file, by):
    update_workspace(by, zone="America/Los_Angeles")
    directory = connect(file, rows("ana@acme.example,Ana,active,2026-11-30,"), by)
    clock(datetime(2026, 12, 1, 7, 59))  # 23:59 over there
    last_days.mark_left(NOON)
    assert read(directory, by).state == "succeeded" and status("ana@acme.example") == "active"
    clock(datetime(2026, 12, 1, 8, 0))
    last_days.mark_left(NOON)
    assert status("ana@acme.example") == "deprovisioned"


def test_the_same_file_says_nothing_else_once_the_day_is_over(clock, file, by):
    """It has passed since the list was made: that isn't a contradiction, and readings continue."""
    directory = connect(file, rows("ana@acme.example,Ana,active,2026-11-30,", "bo@acme.example,Bo,active,,"), by)
    clock(datetime(2026, 12, 2))
    assert read(directory, by).state == "succeeded"
    assert (status("ana@acme.example"), status("bo@acme.example")) == ("deprovisioned", "active")
    last_days.mark_left(NOON)
    assert read(directory, by).state == "succeeded" and status("ana@acme.example") == "deprovisioned"
    file.write_text(rows("ana@acme.example,Ana,active,,", "bo@acme.example,Bo,active,,"))
    assert read(directory, by).state == "succeeded" and status("ana@acme.example") == "active", "the day was taken back"
    file.write_text(rows("ana@acme.example,Ana,active,2027-01-31,", "bo@acme.example,Bo,active,,"))
    read(directory, by)
    assert DirectoryEntry.get(DirectoryEntry.email == "ana@acme.example").last_day == today().replace(2027, 1, 31)


def test_someone_who_is_back_with_an_old_last_day_is_asked_about_and_never_a_leaver(clock, file, by):
    cy = "cy@acme.example,Cy,active,,"
    directory = connect(file, rows("ana@acme.example,Ana,left,2026-10-31,", "bo@acme.example,Bo,active,,", cy), by)
    assert status("ana@acme.example") == "deprovisioned"
    file.write_text(rows("ana@acme.example,Ana,active,2026-10-31,", "bo@acme.example,Bo,left,,", cy))
    failed = read(directory, by)
    assert failed.state == "failed" and "Ana (31 October)" in failed.error
    assert status("bo@acme.example") == "active", "an unclear list changes nothing"
    [question] = columns.of_directory(directory).questions
    columns.remember(directory, columns.answered(columns.of_directory(directory), {question.key: "status"}), by)
    assert read(directory, by).state == "succeeded"
    assert (status("ana@acme.example"), status("bo@acme.example")) == ("active", "deprovisioned")
    last_days.mark_left(NOON)
    assert status("ana@acme.example") == "active", "the day that doesn't count is forgotten"


def test_a_day_that_is_entered_late_is_asked_about_once(clock, file, by):
    directory = connect(file, rows("ana@acme.example,Ana,active,,", "bo@acme.example,Bo,active,,"), by)
    file.write_text(rows("ana@acme.example,Ana,active,2026-11-20,", "bo@acme.example,Bo,active,,"))
    assert read(directory, by).state == "failed"
    columns.remember(directory, columns.answered(columns.of_directory(directory), {
        "active after the last day": "last day"}), by)
    assert read(directory, by).state == "succeeded" and status("ana@acme.example") == "deprovisioned"


def test_a_day_that_another_directory_named_in_time_is_asked_about_in_this_one(clock, file, tmp_path, by):
    connect(file, rows("ana@acme.example,Ana,active,2026-11-30,", "bo@acme.example,Bo,active,,"), by)
    second = tmp_path / "it.csv"
    second.write_text(rows("bo@acme.example,Bo,active,,"))
    other = directories.connect("csv", "IT", {"file": str(second)}, by)
    assert read(other, by).state == "succeeded"
    clock(datetime(2026, 12, 2))
    second.write_text(rows("ana@acme.example,Ana,active,2026-11-30,", "bo@acme.example,Bo,active,,"))
    assert read(other, by).state == "failed"


def test_a_list_that_is_uploaded_is_asked_about_too(clock, by, home):
    text = rows("ana@acme.example,Ana,active,,", "bo@acme.example,Bo,active,,")
    directory = directories.connect("csv", "HR", {"source": "upload", "text": text}, by)
    read(directory, by)
    with pytest.raises(ColumnsUnclear, match="Ana"):
        directory_preview.upload(directory, text.replace("Ana,active,", "Ana,active,2026-11-20"), MACHINE)
    preview = directory_preview.upload(directory, text.replace("Ana,active,", "Ana,active,2026-12-31"), MACHINE)
    assert [(row.kind, row.details) for row in preview.rows] == [("updated", ("last day: none → 2026-12-31",))]


def test_a_person_who_starts_later_has_not_left(clock, file, by):
    directory = connect(file, rows("neo@acme.example,Neo,inactive,,2027-01-13", "bo@acme.example,Bo,active,,",
                                   "cy@acme.example,Cy,inactive,,2020-01-13"), by)  # fmt: skip
    assert status("neo@acme.example") == "suspended", "not here yet, and no leaver"
    assert person("neo@acme.example").status_reason == "Begins on 13 January 2027, in HR"
    assert status("cy@acme.example") == "deprovisioned"
    file.write_text(rows("neo@acme.example,Neo,active,,2027-01-13", "bo@acme.example,Bo,active,,",
                         "cy@acme.example,Cy,inactive,,2020-01-13"))  # fmt: skip
    clock(datetime(2027, 1, 13, 9))
    read(directory, by)
    assert status("neo@acme.example") == "active"


def test_someone_who_begins_today_or_has_left_before_they_begin_again_is_as_the_list_says(clock, file, by):
    connect(file, rows("neo@acme.example,Neo,inactive,,2026-11-25", "bo@acme.example,Bo,active,,",
                       "cy@acme.example,Cy,inactive,2026-10-31,2027-01-13"), by)  # fmt: skip
    assert (status("neo@acme.example"), status("cy@acme.example")) == ("deprovisioned", "deprovisioned")


def test_many_last_days_at_once_meet_the_guard(clock, file, by, olga):
    everyone = [f"p{n}@acme.example,Person {n},active,{'2026-11-30' if n < 10 else ''}," for n in range(20)]
    directory = connect(file, rows(*everyone), by)
    clock(datetime(2026, 12, 1, 6))
    last_days.mark_left(NOON)
    assert len(directories.held(directory)) == 10
    assert Person.select().where(Person.status == "deprovisioned").count() == 0
    last_days.mark_left(NOON)
    assert Mail.select().where(Mail.kind == "directory held").count() == 1
    directories.release(directory, by)
    assert Person.select().where(Person.status == "deprovisioned").count() == 10


def test_a_paused_directory_lets_nobody_go(clock, file, by):
    directory = connect(file, rows("ana@acme.example,Ana,active,2026-11-30,"), by)
    directories.pause(directory, by)
    clock(datetime(2026, 12, 5))
    last_days.mark_left(NOON)
    assert status("ana@acme.example") == "active"


def test_the_guard_and_a_decision_by_hand_hold_against_a_day(clock, file, by):
    connect(file, rows("ana@acme.example,Ana,active,2026-11-30,", "bo@acme.example,Bo,active,,"), by)
    people.mark_left(person("bo@acme.example"), by)
    people.mark_returned(person("bo@acme.example"), by)
    clock(datetime(2026, 12, 1))
    last_days.mark_left(NOON)
    assert (status("ana@acme.example"), status("bo@acme.example")) == ("deprovisioned", "active")


def test_the_sweep_of_each_minute_does_it(clock, file, by):
    connect(file, rows("ana@acme.example,Ana,active,2026-11-30,"), by)
    clock(datetime(2026, 12, 1))
    queue.sweep()
    assert status("ana@acme.example") == "deprovisioned"


def test_a_last_day_in_an_import_is_kept_until_it_is_over(clock, by, olga):
    text = "email,name,last_day,department,manager\nana@acme.example,Ana,2026-11-30,Sales,olga@acme.example\n"
    assert importing.import_csv(text.encode(), by).added == 1
    ana = person("ana@acme.example")
    assert (ana.status, ana.last_day, ana.department, ana.manager) == (
        "active", today() + timedelta(days=5), "Sales", "olga@acme.example")
    assert importing.import_csv(text.encode(), by).unchanged == 1
    clock(datetime(2026, 11, 30, 23, 59))
    last_days.mark_left(NOON)
    assert status("ana@acme.example") == "active", "they work on their last day"
    clock(datetime(2026, 12, 1))
    last_days.mark_left(NOON)
    ana = person("ana@acme.example")
    assert (ana.status, ana.status_reason, ana.last_day) == ("deprovisioned", "Last day 30 November", None)
    people.mark_returned(ana, by)
    last_days.mark_left(NOON)
    assert status("ana@acme.example") == "active"


def test_an_import_takes_a_last_day_back(clock, by):
    text = "email,name,last_day\nana@acme.example,Ana,2026-11-30\n"
    importing.import_csv(text.encode(), by)
    importing.import_csv(b"email,name\nana@acme.example,Ana\n", by)
    assert person("ana@acme.example").last_day is not None, "a list without the column says nothing of it"
    importing.import_csv(text.replace("2026-11-30", "").encode(), by)
    assert person("ana@acme.example").last_day is None
    importing.import_csv(text.replace("2026-11-30", "2026-11-01").encode(), by)
    assert status("ana@acme.example") == "deprovisioned"


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_person_who_is_back_loses_the_last_day(clock, by, by_hand):
    importing.import_csv(b"email,name,last_day\nana@acme.example,Ana,2026-11-30\n", by)
    ana = person("ana@acme.example")
    if by_hand:
        people.mark_left(ana, by)
        people.mark_returned(ana, by)
    else:
        entry = DirectoryEntry.create(directory=Directory.create(kind="csv", name="HR"), person=ana, external_id="1")
        for word in ("suspended", "active", "deprovisioned", "active"):
            assert person("ana@acme.example").last_day is not None, "nobody has come back from having left"
            DirectoryEntry.update(status=word).where(DirectoryEntry.id == entry.id).execute()
            people.recompute_status([ana.id], by)
    clock(datetime(2026, 12, 1))
    last_days.mark_left(NOON)
    assert status("ana@acme.example") == "active"


@pytest.mark.parametrize("by_hand", [False, True])
def test_the_apps_of_someone_whose_last_day_is_over_are_checked(clock, file, by, chat, by_hand):
    if by_hand:
        importing.import_csv(f"email,last_day\n{email(1)},2026-11-30\n".encode(), by)
    else:
        connect(file, rows(f"{email(1)},Person 1,active,2026-11-30,", f"{email(2)},Person 2,active,,"), by)
    assert asking.live(chat.app) is None
    clock(datetime(2026, 12, 1))
    last_days.mark_left(NOON)
    assert status(email(1)) == "deprovisioned"
    assert asking.live(chat.app).trigger == "directory"


def test_the_last_owner_stays(clock, by, olga):
    importing.import_csv(b"email,last_day\nolga@acme.example,2026-11-30\n", by)
    clock(datetime(2026, 12, 1))
    last_days.mark_left(NOON)
    last_days.mark_left(NOON)
    assert status("olga@acme.example") == "active"
    assert Activity.select().where(Activity.what == "kept last owner").count() == 1


def test_a_day_that_was_just_corrected_counts_where_the_old_one_was_seen_before(clock, file, by):
    """Between the look at who is due and the transaction, a reading or a person may have given another day."""
    directory = connect(file, rows("ana@acme.example,Ana,active,2026-11-30,"), by)
    bo = people.add("Bo", "bo@acme.example", by)
    Person.update(last_day="2026-11-30").where(Person.id == bo.id).execute()
    clock(datetime(2026, 12, 2))
    seen = Person.get_by_id(bo.id)
    DirectoryEntry.update(last_day="2027-03-31").execute()
    Person.update(last_day="2027-03-31").where(Person.id == bo.id).execute()
    last_days._mark_left_in_directory(directory, today())
    last_days._mark_left_by_hand(seen, today())
    assert (status("ana@acme.example"), status("bo@acme.example")) == ("active", "active")
    assert str(DirectoryEntry.get().last_day) == str(Person.get_by_id(bo.id).last_day) == "2027-03-31"
