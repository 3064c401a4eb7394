"""An uploaded file waits until what its columns mean is answered, and then goes through its door."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.base import ColumnsUnclear
from sync.apps import apps
from sync.db import utcnow
from sync.directory import directories, waiting_files
from sync.directory import preview as directory_preview
from sync.directory.directories import DirectoryProblem
from sync.files import columns
from sync.jobs import queue
from sync.models import Activity, App, Directory, DirectoryReading, Person, WaitingFile
from sync.people import importing, people
from sync.rank import Asker
from tests.asking import MACHINE
from tests.sync.scripted import status

LIST = "Work Email,Name,Employment Status,Desk\nana@acme.example,Ana,Active,4\nbo@acme.example,Bo,On Leave,5\n"
ON_LEAVE = 'value:["Employment Status", "On Leave"]'


@pytest.fixture
def listed(olga: Person, by: str) -> Directory:
    waiting = waiting_files.for_directory(olga, "csv", "HR", {"source": "upload", "text": LIST}, "staff.csv")
    assert [question.key for question in waiting_files.proposal(waiting).questions] == [ON_LEAVE]
    waiting_files.answer(waiting, {ON_LEAVE: "suspended"})
    directory = waiting_files.use(waiting, by).directory
    queue.drain(("reading",))
    return Directory.get_by_id(directory.id)


def test_a_directory_is_connected_once_its_columns_are_clear_and_remembers_them(listed):
    assert (status("ana@acme.example"), status("bo@acme.example")) == ("active", "suspended")
    assert columns.of_directory(listed).may_be_applied and columns.of_directory(listed).unread == ("Desk",)
    used = WaitingFile.get()
    assert (used.state, used.directory, bytes(used.sealed), used.mapping) == ("used", listed, b"", "")


def test_the_second_request_of_a_double_click_finds_what_the_first_connected(olga):
    values = {"source": "upload", "text": LIST.replace("On Leave", "Active")}
    waiting, asker = waiting_files.for_directory(olga, "csv", "H\u200bR", values), Asker.person(olga)
    first = waiting_files.use(waiting, asker).directory
    assert waiting_files.use(waiting, asker).directory == first and Directory.select().count() == 1
    assert Activity.select().where(Activity.what == "connected directory").count() == 1
    Directory.update(responsible_id=None).execute()  # by now it is someone else's
    with pytest.raises(DirectoryProblem, match="A directory named HR already exists"):
        waiting_files.use(waiting, asker)
    Directory.update(responsible_id=olga.id, kind="ldap").execute()
    with pytest.raises(DirectoryProblem, match="A directory named HR already exists"):
        waiting_files.use(waiting, asker)
    Directory.update(kind="csv").execute()
    later = waiting_files.for_directory(olga, "csv", "HR", values)
    with pytest.raises(DirectoryProblem, match="A directory named HR already exists"):
        waiting_files.use(later, asker)


def test_it_goes_no_further_while_a_question_is_open(olga, by):
    waiting = waiting_files.for_directory(olga, "csv", "HR", {"source": "upload", "text": LIST})
    with pytest.raises(ColumnsUnclear, match="On Leave"):
        waiting_files.use(waiting, by)
    assert not Directory.select().exists() and WaitingFile.select().count() == 1


def test_a_new_list_is_previewed_and_its_columns_are_remembered_once_it_is_applied(listed, olga, by):
    new = LIST.replace("Desk", "Exit").replace(",4", ",").replace(",5", ",2026-12-31")
    with pytest.raises(ColumnsUnclear, match="Exit"):
        directory_preview.upload(listed, new, MACHINE)
    waiting = waiting_files.for_list(olga, listed, new)
    assert [question.key for question in waiting_files.proposal(waiting).questions] == ["column:Exit"]
    waiting_files.answer(waiting, {"column:Exit": "ignore"})
    preview = waiting_files.use(waiting, by).preview
    assert preview.notes == ("Columns that were not read: Exit.",)
    assert preview.rows == [] and "Exit" not in Directory.get_by_id(listed.id).settings["mapping"]
    pending = directory_preview.pending(listed)
    assert directory_preview.preview(listed, MACHINE, pending) == preview
    directory_preview.apply_previewed(listed, preview.mark, by, pending)
    listed = Directory.get_by_id(listed.id)
    assert '"Exit": "ignore"' in listed.settings["mapping"] and '"Desk": "ignore"' not in listed.settings["mapping"]
    directories.run(directories.ask(listed, by).id)
    assert DirectoryReading.select().order_by(DirectoryReading.id.desc()).first().state == "succeeded"


def test_a_list_that_is_discarded_takes_its_mapping_along(listed, olga, by):
    before = Directory.get_by_id(listed.id).settings
    waiting = waiting_files.for_list(olga, listed, LIST.replace("Desk", "Exit").replace(",4", ",").replace(",5", ","))
    waiting_files.answer(waiting, {"column:Exit": "ignore"})
    waiting_files.use(waiting, by)
    directory_preview.discard(listed, MACHINE)
    assert Directory.get_by_id(listed.id).settings == before and directory_preview.pending(listed) is None
    with pytest.raises(ColumnsUnclear):
        directory_preview.preview(listed, MACHINE, LIST.replace("Desk", "Exit"))


def test_a_new_status_fails_a_reading_of_the_file_and_changes_nothing(olga, by, tmp_path):
    file = tmp_path / "staff.csv"
    file.write_text(LIST)
    mapping = columns.answered(columns.of_values(
        directories.connector_class("csv"), {"source": "path", "file": str(file)}), {ON_LEAVE: "active"})
    directory = directories.connect("csv", "HR", {"file": str(file), "mapping": mapping}, by)
    queue.drain(("reading",))
    file.write_text(LIST.replace("Bo,On Leave", "Bo,Gone fishing").replace("Ana,Active", "Ana,Terminated"))
    directories.run(directories.ask(directory, by).id)
    failed = Directory.get_by_id(directory.id)
    assert "Employment Status" in failed.error and "Gone fishing" in failed.error
    assert status("ana@acme.example") == "active"
    columns.remember(failed, columns.answered(columns.of_directory(failed), {
        'value:["Employment Status", "Gone fishing"]': "active"}), by)
    directories.run(directories.ask(directory, by).id)
    assert (status("ana@acme.example"), Directory.get_by_id(directory.id).error) == ("deprovisioned", None)
    assert Activity.select().where(Activity.what == "set what columns mean").count() == 1


def test_a_new_export_of_an_app(olga, by):
    export = "email,role,Active\nolga@acme.example,Owner,yes\nana@acme.example,Editor,yes\n"
    app = apps.connect("csv_export", "Drawing", {"app": "Miro", "export": export}, [olga], by)
    new = export.replace("Editor", "Curator").replace("ana@acme.example,Curator,yes", "ana@acme.example,Curator,no")
    waiting = waiting_files.for_export(olga, app, {"app": "Miro", "source": "upload", "export": new})
    [question] = waiting_files.proposal(waiting).questions
    assert question.value == "Curator"
    waiting_files.answer(waiting, {question.key: "plain"})
    assert waiting_files.use(waiting, by).identity.name == "2 users in the export of Miro"
    app = App.get_by_id(app.id)
    assert [row.status for row in columns.of_app(app).rows] == ["active", "suspended"]
    apps.replace_credential(app, {"app": "Miro", "source": "upload", "export": new + "x@acme.example,Editor,no\n"}, by)
    assert "Curator" in App.get_by_id(app.id).settings["mapping"]


def test_an_import_remembers_its_columns(olga, by):
    waiting = waiting_files.for_import(olga, LIST.encode(), "joiners.csv")
    waiting_files.answer(waiting, {ON_LEAVE: "active"})
    outcome = waiting_files.use(waiting, by).outcome
    assert (outcome.added, outcome.unread) == (2, ("Desk",))
    assert importing.import_csv(LIST.replace("Bo,", "Bob,").encode(), by).updated == 1
    with pytest.raises(importing.ImportUnclear, match="Frozen"):
        importing.import_csv(LIST.replace("On Leave", "Frozen").encode(), by)


def test_only_the_person_who_uploaded_it_continues_and_it_is_deleted_after_a_day(olga, by):
    waiting = waiting_files.for_import(olga, LIST.encode())
    other = people.add("Ana", "ana2@acme.example", by)
    assert waiting_files.of(olga, waiting.id) == waiting and waiting_files.of(other, waiting.id) is None
    assert b"acme.example" not in bytes(WaitingFile.get_by_id(waiting.id).sealed)
    waiting_files.delete_expired(utcnow())
    assert WaitingFile.select().exists()
    waiting_files.delete_expired(utcnow() + timedelta(days=1, minutes=1))
    assert not WaitingFile.select().exists()


def test_of_one_persons_files_the_newest_few_wait(olga, by):
    """Each may have 32 MB, and is kept for a day. One that no longer waits has no content, and doesn't count."""
    ended = waiting_files.for_import(olga, LIST.encode())
    waiting_files.discard(ended)
    ana = people.add("Ana", "ana@acme.example", by)
    hers = waiting_files.for_import(ana, LIST.encode())
    mine = [waiting_files.for_import(olga, LIST.encode(), f"{number}.csv").id for number in range(5)]
    assert [waiting_files.of(olga, id) is not None for id in mine] == [False, False, True, True, True]
    assert waiting_files.of(ana, hers.id) is not None and waiting_files.of(olga, ended.id).state == "discarded"


def test_of_two_requests_at_once_the_first_says_what_became_of_the_file(olga, by):
    waiting = waiting_files.for_import(olga, LIST.replace("On Leave", "Active").encode())

    def in_words(done):
        return f"{done.outcome.added} added", "ok"

    waiting_files.discard(waiting_files.of(olga, waiting.id))  # asked for while the file is being used
    for _ in range(2):
        waiting_files.use(waiting, by, in_words)
    became = waiting_files.of(olga, waiting.id)
    assert (became.state, became.message) == ("used", "2 added")


def test_a_page_that_is_still_open_changes_no_file_that_was_used_meanwhile(olga, by):
    waiting = waiting_files.for_import(olga, LIST.replace("On Leave", "Active").encode())
    waiting_files.use(waiting_files.of(olga, waiting.id), by)
    waiting_files.answer(waiting, {"column:Desk": "ignore"})
    waiting_files.discard(waiting)
    became = waiting_files.of(olga, waiting.id)
    assert (became.state, became.mapping) == ("used", "")
