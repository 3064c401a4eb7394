"""What the columns of a file mean, asked on its page: a new directory, its next list, an app's export, an import."""

from __future__ import annotations

from io import BytesIO

import pytest

from sync.files import columns
from sync.jobs import queue
from sync.models import App, Directory, Person, WaitingFile
from sync.people import people
from tests.web.client import Client

HR = """\
Staff list;;;;;
;;;;;
Work Email;First Name;Last Name;Employment Status;Termination Date;Phone
ana@acme.example;Ana;Lopez;Active;;1
ben@acme.example;Ben;Roth;On Leave;;2
cleo@acme.example;Cleo;Ng;Terminated;03.11.2026;3
"""
OWN = "email,name,status\nana@acme.example,Ana Lopez,active\n"


def file(text: str, name: str = "staff.csv") -> tuple[BytesIO, str]:
    return BytesIO(text.encode()), name


def connect(owner: Client, text: str = HR):
    return owner.post("/directories/new/csv", directory_name="HR", source="upload", text=file(text))


def answer(owner: Client, place: str, **values: str):
    assert owner.send("PUT", f"{place}/answers", **values).location == place
    return owner.get(place)


def used(owner: Client, place: str) -> tuple[str, str]:
    """Where the use of the file led, and the message: the same for a second request that comes after the first."""
    answers = [(owner.post(f"{place}/use").location, owner.messages()) for _ in range(2)]
    assert answers[0] == answers[1]
    location, messages = answers[0]
    file_ = WaitingFile.get_by_id(int(place.rpartition("/")[2]))
    assert (bytes(file_.sealed), file_.mapping) == (b"", ""), "no content is stored any longer"
    assert owner.get(place).location == location, "Back leads there as well"
    assert owner.messages() == [(tone, f"{file_.file_name} was already used: {text}") for tone, text in messages]
    return location, " ".join(text for _, text in messages)


def status(person: str) -> str:
    return people.find_by_email(person).status


def test_an_hr_file_is_asked_about_and_then_connected(owner: Client, olga: Person) -> None:
    place = connect(owner).location
    page = owner.get(place).text
    assert "Columns of staff.csv</h1>" in page and "3 rows" in page
    assert "has the status “On Leave” in 1 row" in page and "ana@acme.example" in page
    assert "<strong>Not read:</strong> Phone" in page
    assert not Directory.select().exists() and "Connect this directory" not in page
    refused = owner.post(f"{place}/use")
    assert refused.status_code == 422 and "still open" in refused.text and not Directory.select().exists()
    [question] = columns_questions(owner, place)
    ready = answer(owner, place, **{question: "suspended"}).text
    assert ready.index("Connect this directory") < ready.index("First values"), "where the questions were"
    connected, message = used(owner, place)
    assert message == "HR is connected. Its first reading has started." and Directory.select().count() == 1
    assert connected == f"/directories/{Directory.get().id}"
    assert "connect your first app" not in owner.get(connected).text
    queue.drain()
    assert "Next: connect your first app." in owner.get(connected).text
    assert (status("ana@acme.example"), status("ben@acme.example")) == ("active", "suspended")
    assert not people.find_by_email("cleo@acme.example") or status("cleo@acme.example") == "deprovisioned"
    assert people.find_by_email("ana@acme.example").name == "Ana Lopez"


def columns_questions(owner: Client, place: str) -> list[str]:
    from sync.directory import waiting_files

    waiting = WaitingFile.get_by_id(int(place.rpartition("/")[2]))
    return [question.key for question in waiting_files.proposal(waiting).questions]


def test_a_file_in_rollcalls_own_words_needs_no_page(owner: Client) -> None:
    assert connect(owner, OWN).location.startswith("/directories/")
    assert not WaitingFile.select().exists()


def test_the_next_list_asks_only_about_what_is_new(owner: Client, olga: Person) -> None:
    place = connect(owner).location
    answer(owner, place, **{columns_questions(owner, place)[0]: "suspended"})
    here = owner.post(f"{place}/use").location
    queue.drain()
    same = owner.post(f"{here}/lists", list=file(HR))
    assert same.location == f"{here}/preview"
    more = HR.replace("Date;Phone", "Date;Exit interview").replace("On Leave;;2", "Sabbatical;;olga")
    asked = owner.post(f"{here}/lists", list=file(more, "december.csv")).location
    assert asked.startswith("/files/")
    page = owner.get(asked).text
    assert "2 questions" in page and "Sabbatical" in page and "Exit interview" in page and "On Leave" not in page
    for question in columns_questions(owner, asked):
        answer(owner, asked, **{question: "ignore" if question.startswith("column:") else "active"})
    for question in columns_questions(owner, asked):
        answer(owner, asked, **{question: "active"})
    assert used(owner, asked) == (f"{here}/preview", "")
    assert "What the new list would change" in owner.get(f"{here}/preview").text


def test_a_likely_answer_is_confirmed_by_saving_alone(owner: Client) -> None:
    """A control that is sent as soon as it changes takes no other answer along."""
    place = connect(owner).location
    [question] = columns_questions(owner, place)
    sent = {question: "active", "column:Phone": "ignore", "csrf_token": owner.token()}
    owner.client.post(f"{place}/answers?_method=PUT", data=sent, headers={"HX-Request": "true", "HX-Trigger": "c-6"})
    assert columns_questions(owner, place) == [question]
    owner.client.post(f"{place}/answers?_method=PUT", data=sent, headers={"HX-Request": "true"})
    assert columns_questions(owner, place) == []


@pytest.mark.parametrize("hostile", [{"column:Work Email": "boss"}, {"value:Employment Status:On Leave": "owner"}])
def test_an_answer_that_cant_be_is_refused(owner: Client, hostile: dict) -> None:
    place = connect(owner).location
    assert owner.send("PUT", f"{place}/answers", **hostile).status_code in (303, 422)
    mapping = WaitingFile.get().mapping
    assert "boss" not in mapping and "owner" not in mapping


def test_a_file_is_for_the_person_who_uploaded_it(owner: Client, site, someone) -> None:
    place = connect(owner).location
    for other in (Client(site, someone("Ada Admin", role="admin")), Client(site, someone("Uwe User", role="user"))):
        assert other.get(place).location == "/apps"
        assert other.post(f"{place}/use").location == "/apps"
        assert other.send("DELETE", place).location == "/apps"
        assert "no longer stored" in other.get("/apps").text and WaitingFile.select().count() == 1
    assert WaitingFile.get().state == "waiting"


def test_a_file_that_was_discarded_says_so(owner: Client) -> None:
    place = connect(owner).location
    asked = [("DELETE", place), ("DELETE", place), ("POST", f"{place}/use"), ("PUT", f"{place}/answers")]
    for method, address in asked:
        assert owner.send(method, address).location == "/directories/new/csv"
        assert owner.messages() == [("ok", "The file was discarded. Nothing was changed.")]
    assert bytes(WaitingFile.get().sealed) == b"" and not Directory.select().exists()


def test_an_import_is_asked_about_once_and_remembered(owner: Client) -> None:
    place = owner.post("/people/imports", file=file(HR)).location
    assert "Import these people" not in owner.get(place).text
    answer(owner, place, **{columns_questions(owner, place)[0]: "active"})
    assert "Only people in this file are changed" in owner.get(place).text
    assert used(owner, place) == ("/people", "3 added, 0 updated, 0 unchanged. Not read: Phone.")
    assert status("ben@acme.example") == "active" and status("cleo@acme.example") == "deprovisioned"
    assert owner.post("/people/imports", file=file(HR)).location == "/people", "the same columns need no page again"


EXPORT = "Login,Full name,Org role,Active\nana,Ana Lopez,Chief,No\nben,Ben Roth,Member,Yes\n"


def test_an_apps_export_is_asked_about_in_its_draft_and_again_later(owner: Client, olga: Person) -> None:
    draft = owner.draft("csv_export")
    given = {"app_name": "Board", "app": "Board", "source": "upload", "next": "yes"}
    answer_ = owner.post(f"/apps/{draft}/connection", **given, export=file(EXPORT, "export.csv"))
    place = f"/apps/{draft}/columns"
    assert answer_.location == place
    assert "Chief" in owner.get(place).text
    found = columns.of_app(App.get_by_id(draft))
    for question in found.questions:
        owner.send("PUT", place, **{question.key: "privileged"})
    assert owner.post(place).location == f"/apps/{draft}/connection/owners"
    owner.post(f"/apps/{draft}/connection/reading", owners="olga@acme.example", daily="yes", time="04:20")
    queue.drain()
    app = App.get_by_id(draft)
    assert app.users == 2 and app.last_check_at
    later = EXPORT + "cleo,Cleo Ng,Guru,Yes\n"
    asked = owner.send("PUT", f"/apps/{draft}/credential", app="Board", source="upload", export=file(later, "new.csv"))
    assert asked.location.startswith("/files/")
    [question] = columns_questions(owner, asked.location)
    answer(owner, asked.location, **{question: "plain"})
    works = "3 users in the export of Board: the app is being checked with it."
    assert used(owner, asked.location) == (f"/apps/{draft}", works)
    queue.drain()
    assert App.get_by_id(draft).users == 3


def test_columns_of_a_file_in_use_can_be_looked_at_and_changed(owner: Client, tmp_path) -> None:
    (tmp_path / "staff.csv").write_text(OWN)
    connected = owner.post("/directories/new/csv", directory_name="HR", source="path", file=str(tmp_path / "staff.csv"))
    queue.drain()
    place = f"{connected.location}/columns"
    assert "Save and read again" in owner.get(place).text
    assert owner.send("PUT", place, **{"column:name": "ignore"}).location == place
    assert owner.post(place).location == connected.location
    assert columns.of_directory(Directory.get()).unread == ("name",)
    ldap = Directory.create(kind="ldap", name="LDAP")
    assert owner.get(f"/directories/{ldap.id}/columns").location == f"/directories/{ldap.id}"
