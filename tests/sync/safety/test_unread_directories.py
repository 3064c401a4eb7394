"""While a directory isn't read, nobody knows who has left: no app is up to date then."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.base import TemporarilyUnavailable
from sync.apps import status
from sync.db import utcnow
from sync.directory import directories, ending_rules, state
from sync.directory import preview as directory_preview
from sync.models import App, Check, Directory, DirectoryEntry, DirectoryToken, Person, Report, Task
from sync.reports import reports
from sync.safety import old_files, unread_directories
from sync.states import DirectoryGap
from sync.tasks import still_to_remove, tasks
from tests.sync.fixtures import Chat
from tests.sync.scripted import Scripted, ScriptedDirectory

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
STAFF = "email,name,status\nana@acme.example,Ana,active\nben@acme.example,Ben,active\n"


def shown(chat: Chat) -> str:
    return status.standing(App.get_by_id(chat.app.id)).status


def test_a_directory_that_fails_for_a_day(chat, scripted: type[Scripted]):
    company = scripted(count=10)
    company.read()

    def fails(given: int) -> None:
        raise TemporarilyUnavailable("It can't be reached.")

    company.interrupt = fails
    company.read()
    Directory.update(last_read_at=utcnow() - 23 * HOUR).execute()
    assert shown(chat) == "Up to date", "an outage of some hours is in the checks' warnings"
    Directory.update(last_read_at=utcnow() - 25 * HOUR).execute()
    assert chat.check().state == "succeeded" and shown(chat) == "Directory unclear"
    sentence = status.standing(App.get_by_id(chat.app.id)).sentence
    assert sentence[0] == "Company LDAP was last read " and "doesn't know" in sentence[2]
    company.interrupt = lambda given: None
    company.read()
    assert shown(chat) == "Up to date"


def test_a_directory_that_is_paused_for_a_day(chat, scripted: type[Scripted]):
    company = scripted(count=10)
    company.read()
    state.pause(company.row(), chat.by)
    assert shown(chat) == "Up to date"
    Directory.update(last_read_at=utcnow() - 25 * HOUR).execute()
    assert shown(chat) == "Directory unclear"
    state.remove(company.row(), chat.by)
    assert shown(chat) == "Up to date"


@pytest.mark.parametrize(("values", "name"), [
    ({"state": "paused"}, "Okta"), ({"state": "active"}, None),
    ({"state": "active", "next_read_at": utcnow(), "last_read_at": utcnow() - 25 * HOUR}, "Okta"),
    ({"state": "active", "next_read_at": utcnow(), "last_read_at": utcnow() - HOUR}, None),
    ({"state": "active", "next_read_at": utcnow()}, "Okta"),
])  # fmt: skip
def test_one_that_pushes_is_current_until_it_is_paused(chat, values, name):
    directory = Directory.create(kind="scim", name="Okta", **values)
    DirectoryToken.create(directory=directory, token_hash="1", used_at=utcnow() - 99 * HOUR)
    assert unread_directories.longest(utcnow()) is None, "nobody is here by it"
    DirectoryEntry.create(directory=directory, external_id="1", person=chat.people[1])
    found = unread_directories.longest(utcnow())
    assert (found and found.name) == name
    DirectoryEntry.update(status="deprovisioned").execute()
    assert unread_directories.longest(utcnow()) is None


@pytest.mark.parametrize(("tokens", "why"), [
    ([], DirectoryGap.NO_TOKEN),
    ([{"created_at": utcnow() - 2 * DAY}], DirectoryGap.UNUSED_TOKEN),
    ([{"created_at": utcnow() - DAY / 2}], None),
    ([{"created_at": utcnow() - 9 * DAY, "used_at": utcnow() - 8 * DAY}], None),
    ([{"created_at": utcnow() - 9 * DAY, "used_at": utcnow() - 8 * DAY}, {"created_at": utcnow() - 2 * DAY}], None),
], ids=["none", "never used", "just made", "used", "used, and a newer one"])  # fmt: skip
def test_one_that_pushes_needs_a_token_that_it_uses(chat, tokens, why):
    directory = Directory.create(kind="scim", name="Okta")
    DirectoryEntry.create(directory=directory, external_id="1", person=chat.people[1])
    for place, values in enumerate(tokens):
        DirectoryToken.create(directory=directory, token_hash=str(place), **values)
    found = unread_directories.found(directory, utcnow())
    assert (found and found.why) == why
    assert shown(chat) == ("Directory unclear" if why else "Up to date")
    Directory.update(many_back_since=utcnow()).execute()
    DirectoryEntry.update(status="deprovisioned").execute()  # all of them may be back
    assert unread_directories.found(directory, utcnow()).why == (why or DirectoryGap.MANY_BACK)


def test_only_its_own_people_and_its_own_tokens_that_work_make_one_current(home):
    long_ago, now = utcnow() - 2 * DAY, utcnow()
    tokens: dict[str, list[dict]] = {
        "Current": [{"used_at": long_ago}],
        "Ended": [{"used_at": long_ago, "ended_at": long_ago}],
        "Never used": [{}, {"created_at": now}],
        "Nobody": [],
    }
    for name in tokens:
        directory = Directory.create(kind="scim", name=name)
        for place, values in enumerate(tokens[name]):
            DirectoryToken.create(directory=directory, token_hash=f"{name} {place}",
                                  **{"created_at": long_ago} | values)  # fmt: skip
        if name != "Nobody":
            DirectoryEntry.create(directory=directory, external_id="1", person=Person.create(name=name))
    assert {directory.name: found.why for directory in Directory.select()
            if (found := unread_directories.found(directory, now))} == {
        "Ended": DirectoryGap.NO_TOKEN, "Never used": DirectoryGap.UNUSED_TOKEN}  # fmt: skip
    Directory.update(missing_since=now).execute()
    assert unread_directories.found(Directory.get(name="Current"), now).why == DirectoryGap.MISSING_CHANGES


def test_the_gap_that_is_longest_is_shown_and_one_of_unknown_length_before_all(home):
    now = utcnow()
    for place, (name, kind) in enumerate((("M", "scim"), ("B", "scim"), ("Z", "scim"), ("C", "csv"), ("A", "csv"))):
        directory = Directory.create(kind=kind, name=name, state="paused" if kind == "scim" else "active",
                                     next_read_at=now if kind == "csv" else None,
                                     last_read_at=now - (place + 2) * DAY)  # fmt: skip
        DirectoryEntry.create(directory=directory, external_id="1", person=Person.create(name=name))
    for shown in ("B", "M", "Z", "A", "C"):
        directory = Directory.get(name=shown)
        assert unread_directories.longest(now).id == directory.id
        DirectoryEntry.update(status="deprovisioned").where(DirectoryEntry.directory == directory).execute()
    assert unread_directories.longest(now) is None
    Directory.update(missing_since=now - HOUR, last_read_at=now).execute()
    DirectoryEntry.update(status="active").where(DirectoryEntry.directory == Directory.get(name="A")).execute()
    assert unread_directories.longest(now)[2:] == (DirectoryGap.RESTORED, now - HOUR)


def test_one_with_an_attribute_that_may_show_who_has_left(chat, scripted: type[Scripted]):
    company = scripted(count=10)
    company.unread = None
    for _ in range(2):
        company.read()
        assert state_of(company.directory).why == DirectoryGap.UNKNOWN_ATTRIBUTES
        assert shown(chat) == "Directory unclear", "it has never looked"
    company.unread = ()
    company.read()
    assert shown(chat) == "Up to date"
    company.unread = None
    company.read()
    assert shown(chat) == "Up to date", "it couldn't look for new ones this time"
    found = [{"attribute": "employeeStatus", "people": 3, "values": ["A", "T"]}]
    Directory.update(unread_attributes=found).execute()
    assert shown(chat) == "Directory unclear"
    standing = status.standing(App.get_by_id(chat.app.id))
    assert "nobody has defined" in standing.sentence[0] and "may count as here" in standing.sentence[1]
    company.read()
    assert shown(chat) == "Directory unclear", "it couldn't look for such attributes"
    company.unread = ()
    company.read()
    assert shown(chat) == "Up to date", "it has no such attribute now"
    company.hidden_users = 1
    company.read()
    assert shown(chat) == "Directory unclear" and state_of(company.directory).why == DirectoryGap.HIDDEN_USERS
    assert "accept it" in status.standing(App.get_by_id(chat.app.id)).sentence[1]
    company.hidden_users = 0
    company.read()
    assert shown(chat) == "Up to date"


def test_rules_that_someone_saves_stand_for_attributes_that_no_reading_could_look_for(scripted, by, monkeypatch):
    monkeypatch.setattr(ScriptedDirectory, "rules", "ends")
    monkeypatch.setattr(ScriptedDirectory, "unread", None)
    company = scripted(count=10)
    company.unread = None
    company.read()
    assert state_of(company.directory).why == DirectoryGap.UNKNOWN_ATTRIBUTES
    ending_rules.set_rules(company.row(), [], by)
    company.read()
    assert state_of(company.directory) is None


def test_many_who_are_back_at_once_end_no_report_and_no_removal(chat, scripted: type[Scripted]):
    company = scripted(count=10)
    company.read()
    for number in (3, 4, 5, 6, 7, 8):
        company.say(f"id{number}", status="deprovisioned")
    company.read()
    directories.release(company.directory, chat.by)
    assert Check.get(Check.state == "queued").trigger == "directory", "asked for at once"
    chat.check()
    report = Report.get(Report.state == "open")
    reports.release(report, chat.by, report.version)
    finished = reports.finish(Report.get_by_id(report.id), chat.by, only={chat.change(report, 3).id})
    for number in (3, 4, 5, 6, 7, 8):
        company.say(f"id{number}", status="active")
    company.read()
    assert state_of(company.directory).why == DirectoryGap.MANY_BACK
    [task] = finished.tasks
    tasks.run(task.id)
    task = Task.get_by_id(task.id)
    assert task.state == "queued" and task.error.startswith("Person 3 is back in Company LDAP, with many others")
    assert still_to_remove.waits(Task(report=None), task.account) is None, "someone asked for it by hand"
    chat.check()
    assert chat.id_of(3) and Report.get_by_id(report.id).waiting == 5
    company.say("id3", status="deprovisioned")
    company.read()
    assert directories.release(company.directory, chat.by, back=True) == 5
    Task.update(next_at=utcnow()).execute()
    tasks.run(task.id)
    assert Task.get_by_id(task.id).state == "done"
    chat.check()
    assert not Report.get_by_id(report.id).waiting


def test_no_app_is_up_to_date_while_many_are_back(chat, scripted: type[Scripted]):
    company = scripted(count=10)
    company.read()
    Directory.update(many_back_since=utcnow()).execute()
    assert shown(chat) == "Directory unclear"
    sentence = status.standing(App.get_by_id(chat.app.id)).sentence
    assert sentence[0] == "Company LDAP says that many people who had left are back, since "
    assert "Confirm that they are back" in sentence[2]


@pytest.mark.parametrize("source", ["upload", "path"])
def test_a_list_that_is_older_than_eight_days(chat: Chat, by, tmp_path, source):
    file = tmp_path / "staff.csv"
    file.write_text(STAFF)
    values = {"text": STAFF} if source == "upload" else {"file": str(file)}
    listed = directories.connect("csv", "HR", {"source": source, **values}, by)
    read(listed, by)
    assert shown(chat) == "Up to date"
    made_at(listed, file, utcnow() - timedelta(days=9))
    read(listed, by)
    assert shown(chat) == "Directory unclear"
    assert state_of(listed).why == DirectoryGap.OLD_LIST
    sentence = status.standing(App.get_by_id(chat.app.id)).sentence
    assert sentence[0] == "HR has a list from " and "It needs a new list" in sentence[2]
    if source == "path":
        made_at(listed, file, utcnow() + timedelta(days=9))
        read(listed, by)
        assert state_of(listed).why == DirectoryGap.UNDATED_LIST and shown(chat) == "Directory unclear"
        assert "date in the future" in status.standing(App.get_by_id(chat.app.id)).sentence[0]
        dated, seen = utcnow().replace(microsecond=0) - HOUR, utcnow() - 10 * DAY
        made_at(listed, file, dated)
        Directory.update(file_from=dated, file_seen_at=seen).execute()
        read(listed, by)
        assert state_of(listed).why == DirectoryGap.UNDATED_LIST, "its date has come, but it was there before"
        assert Directory.get().file_seen_at == seen
    if source == "upload":
        listed = Directory.get()
        directory_preview.upload(listed, STAFF, by)
        preview = directory_preview.preview(listed, by, STAFF)
        directory_preview.apply_previewed(listed, preview.mark, by, STAFF)
    else:
        os.utime(file)
        read(listed, by)
    assert shown(chat) == "Up to date", "the same list once more says that nothing has changed"
    read(listed, by)
    assert shown(chat) == "Up to date"


def test_other_settings_make_no_list_newer_and_a_new_upload_does(chat: Chat, by):
    listed = directories.connect("csv", "HR", {"source": "upload", "text": STAFF}, by)
    Directory.update(created_at=utcnow() - timedelta(days=20)).execute()
    directories.reconnect(Directory.get(), {"source": "upload"}, by)
    read(listed, by)
    assert state_of(listed).why == DirectoryGap.OLD_LIST
    directories.reconnect(Directory.get(), {"source": "upload", "text": STAFF}, by)
    read(listed, by)
    directories.reconnect(Directory.get(), {"source": "upload"}, by)
    read(listed, by)
    assert state_of(listed) is None


def made_at(listed: Directory, file: Path, moment: datetime) -> None:
    """The list in use is from this moment (UTC)."""
    os.utime(file, 2 * (moment.replace(tzinfo=UTC).timestamp(),))
    Directory.update(created_at=moment).where(Directory.id == listed.id).execute()


def read(listed: Directory, by) -> None:
    directories.run(directories.ask(listed, by).id)


def state_of(listed: Directory) -> unread_directories.Unread | None:
    return unread_directories.found(Directory.get_by_id(listed.id), utcnow())


def test_a_file_is_too_old_or_undated_only_beyond_its_bounds():
    """And a time in the future stays one, even if its file was seen first by a clock that was ahead."""
    now, second = datetime(2026, 11, 3), timedelta(seconds=1)
    oldest, newest = old_files.oldest(now), old_files.newest(now)
    assert [old_files.is_old(at, now) for at in (None, oldest, oldest - second)] == [False, False, True]
    assert [old_files.is_undated(at, now, now) for at in (None, newest, newest + second)] == [False, False, True]
    assert old_files.is_undated(newest + second, now + timedelta(days=9), now)
    assert old_files.is_undated(newest + second, None, now)
    app = App(file_from=now, file_seen_at=None)
    assert old_files.noted(now, app, now) == {"file_from": now, "file_seen_at": now}
