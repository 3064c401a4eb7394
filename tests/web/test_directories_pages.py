"""The Directory pages: connecting one, reading it, what is held back, and removing it."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest

from app import create_app
from sync.config import Config
from sync.db import utcnow
from sync.directory import directories
from sync.models import Directory, DirectoryEntry, DirectoryReading, HeldChange, Person
from tests.web.client import Client
from web import held


@pytest.fixture
def staff_list(tmp_path: Path) -> Path:
    path = tmp_path / "staff.csv"
    write(path, 12)
    return path


def write(path: Path, count: int) -> None:
    path.write_text("email,name\n" + "".join(f"s{n}@acme.example,Staff {n:02}\n" for n in range(count)))


@pytest.fixture
def staff(staff_list: Path, by: str) -> Directory:
    directory = directories.connect("csv", "Staff", {"file": str(staff_list)}, by)
    read(directory, by)
    return Directory.get_by_id(directory.id)


def read(directory: Directory, by: str) -> None:
    directories.run(directories.ask(directory, by).id)


def test_empty_state_leads_on(owner: Client) -> None:
    page = owner.get("/directories").text
    assert "Connect your directory" in page and 'href="/directories/new"' in page
    assert "CSV file" in owner.get("/directories/new").text


def test_connect(owner: Client, staff_list: Path) -> None:
    page = owner.get("/directories/new/csv").text
    assert "The path of the file" in page
    answer = owner.post("/directories/new/csv", directory_name="Staff", file=str(staff_list))
    directory = Directory.get()
    assert answer.location == f"/directories/{directory.id}"
    assert directory.name == "Staff"
    assert DirectoryReading.get().started_by.startswith("Olga Brandt")
    page = owner.get(answer.location).text
    assert 'hx-trigger="every 1s"' in page, "its first reading is watched"


def test_test_connection_keeps_nothing(owner: Client, staff_list: Path) -> None:
    right = owner.send("POST", "/directories/new/csv/tests", htmx=True, file=str(staff_list))
    assert right.status_code == 200 and "12 people in staff.csv" in right.text and "<html" not in right.text
    wrong = owner.send("POST", "/directories/new/csv/tests", htmx=True, file="/nowhere/staff.csv")
    assert wrong.status_code == 422 and "a page can only read files below" in wrong.text
    whole = owner.post("/directories/new/csv/tests", file="/nowhere/staff.csv", directory_name="Staff")
    assert "<html" in whole.text and 'value="/nowhere/staff.csv"' in whole.text
    assert Directory.select().count() == 0


def test_a_tested_list_with_an_open_question_has_not_failed(owner: Client) -> None:
    upload = (BytesIO(b"email,name,status\nana@acme.example,Ana,Frozen\n"), "staff.csv")
    answer = owner.send("POST", "/directories/new/csv/tests", htmx=True, source="upload", text=upload)
    assert answer.status_code == 200 and "Connection failed." not in answer.text
    assert "The file has open questions." in answer.text and "Frozen" in answer.text


def test_a_page_that_may_read_no_file_offers_an_upload_first(owner: Client, config: Config) -> None:
    chosen = '<option value="upload" selected>'
    assert chosen not in owner.get("/directories/new/csv").text
    bare = Client(create_app(replace(config, files=())), Person.get(name="Olga Brandt"))
    assert chosen in bare.get("/directories/new/csv").text


@pytest.mark.parametrize(
    "values", [{}, {"file": ""}, {"file": "/nowhere"}, {"file": "/etc/passwd"}, {"file": "a\x00b"}]
)
def test_connect_what_cant_be(owner: Client, values: dict) -> None:
    answer = owner.post("/directories/new/csv", **values)
    assert answer.status_code == 422 and "Connection failed." in answer.text
    assert "root:" not in answer.text
    assert Directory.select().count() == 0


def test_secrets_are_never_written_back(owner: Client) -> None:
    answer = owner.post(
        "/directories/new/ldap", url="ldap://127.0.0.1:9", base_dn="dc=acme", bind_dn="cn=x", password="hunter2-hunter2"
    )
    assert answer.status_code == 422 and "hunter2" not in answer.text


def test_unknown_kind(owner: Client) -> None:
    assert owner.get("/directories/new/carrier-pigeon").status_code == 404
    assert owner.post("/directories/new/carrier-pigeon").status_code == 404


def test_states(owner: Client, staff: Directory, by: str) -> None:
    page = owner.get("/directories").text
    assert "Up to date" in page and "12 active" in page
    owner.post(f"/directories/{staff.id}/pause")
    assert "Paused" in owner.get("/directories").text
    assert "Resume" in owner.get(f"/directories/{staff.id}").text
    refused = owner.client.post(
        f"/directories/{staff.id}/readings", data={"csrf_token": owner.token()}, follow_redirects=True
    )
    assert "resume it first" in refused.text
    owner.send("DELETE", f"/directories/{staff.id}/pause")
    assert Directory.get().state == "active"


def test_reading_now_joins_the_one_under_way(owner: Client, staff: Directory) -> None:
    for _ in range(3):
        owner.post(f"/directories/{staff.id}/readings")
    assert DirectoryReading.select().where(DirectoryReading.state == "queued").count() == 1
    part = owner.get(f"/directories/{staff.id}", htmx=True).text
    assert part.lstrip().startswith('<section id="state"') and "every 1s" in part
    directories.run(DirectoryReading.get(DirectoryReading.state == "queued").id)
    part = owner.get(f"/directories/{staff.id}", htmx=True).text
    assert "every 1s" not in part, "polling ends when there is nothing to wait for"


def test_failed_reading_says_why_and_changes_nobody(owner: Client, staff: Directory, staff_list: Path, by: str) -> None:
    staff_list.unlink()
    read(staff, by)
    page = owner.get(f"/directories/{staff.id}").text
    assert "The last reading failed" in page and "No one's status has changed" in page
    assert "Needs attention" in owner.get("/directories").text
    assert Person.select().where(Person.status == "deprovisioned").count() == 0


def test_held_and_released(owner: Client, staff: Directory, staff_list: Path, by: str) -> None:
    write(staff_list, 4)
    read(staff, by)
    page = owner.get(f"/directories/{staff.id}").text
    assert "8 changes are held back" in page and "Staff 11" in page and "Their status hasn't changed" in page
    assert "Changes held" in owner.get("/directories").text
    removal = " ".join(owner.get(f"/directories/{staff.id}/removal").text.split())
    assert "Its changes to 8 people are held back." in removal and "will wait on People" in removal
    asked = owner.get(f"/directories/{staff.id}/release").text
    assert "8 people get the status" in asked and "unless automatic removal is on" in asked
    assert Person.select().where(Person.status == "deprovisioned").count() == 0
    seen = re.search(r'name="seen" value="(\w+)"', asked)[1]
    write(staff_list, 3)
    read(staff, by)
    stale = owner.post(f"/directories/{staff.id}/release", seen=seen)
    assert "has changed since you looked" in owner.get(stale.location).text
    assert owner.post(f"/directories/{staff.id}/release").status_code == 303, "what nobody looked at is not let through"
    assert Person.select().where(Person.status == "deprovisioned").count() == 0
    write(staff_list, 4)
    read(staff, by)
    answer = owner.post(f"/directories/{staff.id}/release", seen=seen)
    assert Person.select().where(Person.status == "deprovisioned").count() == 8
    assert "Applied for 8 people." in owner.get(answer.location).text
    assert owner.post(f"/directories/{staff.id}/release").status_code == 303, "a second click does it no second time"
    assert "Nothing is held back now" in owner.get(f"/directories/{staff.id}/release").text
    write(staff_list, 12)
    read(staff, by)
    page = owner.get(f"/directories/{staff.id}").text
    assert "8 people who had left are held since" in page and "their removals wait" in page
    assert "Their status hasn't changed" not in page
    home = owner.get("/").text
    assert "Many people who had left Staff are back at once" in home and "changes from Staff" not in home, "one row"
    DirectoryEntry.create(directory=Directory.create(kind="csv", name="HR"), external_id="1", status="deprovisioned",
                          person=DirectoryEntry.get(DirectoryEntry.is_held).person,
                          reported_status="deprovisioned")  # fmt: skip
    assert "HR says that they have left." in owner.get(f"/directories/{staff.id}").text
    asked = owner.get(f"/directories/{staff.id}/release?back=yes").text
    assert "According to another directory, 1 of them has left." in asked and "HR says that they have left." in asked
    assert "8 people who had left count as here again" in asked
    seen = re.search(r'name="seen" value="(\w+)"', asked)[1]
    owner.post(f"/directories/{staff.id}/release", seen=seen, back="no")
    assert Person.select().where(Person.status == "deprovisioned").count() == 8, "they aren't among the others"
    owner.post(f"/directories/{staff.id}/release", seen=seen, back="yes")
    assert Person.select().where(Person.status == "deprovisioned").count() == 0
    assert "back-banner" not in owner.get(f"/directories/{staff.id}").text


def test_other_credential(owner: Client, staff: Directory, tmp_path: Path) -> None:
    assert "staff.csv" in owner.get(f"/directories/{staff.id}/credential").text
    wrong = owner.send("PUT", f"/directories/{staff.id}/credential", file="/nowhere")
    assert wrong.status_code == 422
    assert Directory.get().settings["file"].endswith("staff.csv")
    write(tmp_path / "new.csv", 3)
    owner.send("PUT", f"/directories/{staff.id}/credential", file=str(tmp_path / "new.csv"))
    assert Directory.get().settings["file"].endswith("new.csv")


def test_a_page_of_a_directory_or_a_person_has_only_their_held_changes(owner: Client, staff: Directory) -> None:
    one, other = Person.get(name="Staff 11"), Person.get(name="Staff 10")
    for person, value, directory, by in ((one, "Its own", staff, f"{staff.name} (directory)"),
                                         (other, "Its other", staff, f"{staff.name} (directory)"),
                                         (one, "Imported", None, "Mira"), (other, "Of another", None, "Mira")):
        HeldChange.create(person=person, field="name", value=value, directory=directory, asked_by=by)
    page = owner.get(f"/directories/{staff.id}").text
    assert "Its own" in page and "Imported" not in page and "which was removed" not in page
    assert "Release all 2" in page and "which was removed" not in owner.get("/directories").text
    page = owner.get(f"/people/{one.id}").text
    assert "Its own" in page and "Mira, in an import" in page and "Of another" not in page


def test_an_owner_vouches_for_a_directory_and_stops(owner: Client, staff: Directory) -> None:
    for method, vouched in (("POST", True), ("DELETE", False)):
        owner.send(method, f"/directories/{staff.id}/voucher")
        assert Directory.get_by_id(staff.id).vouched_for == vouched


def test_an_owners_directory_is_not_offered_to_an_admin_for_removal(site, staff: Directory, someone) -> None:
    refused = Client(site, someone("Ada Admin", "admin")).get(f"/directories/{staff.id}/removal")
    assert refused.status_code == 403 and f"An Owner is responsible for {staff.name}" in refused.text


def test_remove(owner: Client, staff: Directory, staff_list: Path, by: str, monkeypatch) -> None:
    write(staff_list, 4)
    read(staff, by)
    shown = owner.get(f"/directories/{staff.id}/removal").text
    assert "Its people keep their current status" in shown and "unless another directory includes them" in shown
    answer = owner.send("DELETE", f"/directories/{staff.id}")
    assert answer.location == "/directories"
    page = owner.get(answer.location).text
    assert "8 held changes wait for a decision on People." in page and 'href="/people#h-held-above"' in page
    assert "Staff, which was removed, left 8 held changes." in page
    assert "more, which are shown" not in owner.get("/people").text
    monkeypatch.setattr(held, "SHOWN", 6)
    page = owner.get("/people").text
    assert page.count("Staff, which was removed") == 6 + 1 and "And 2 more" in page
    assert Directory.select().count() == 0
    assert Person.select().where(Person.status == "active").count() == 13
    assert owner.get(f"/directories/{staff.id}").status_code == 404
    HeldChange.update(asked_by="Mira").where(HeldChange.id == HeldChange.get().id).execute()
    again, other = (Directory.create(kind="csv", name=name) for name in ("Staff", "Okta"))
    page = owner.get(f"/directories/{again.id}").text
    assert page.count("Staff, which was removed") == 6 + 1 and "Release all 7" in page and "Dismiss all 7" in page
    assert "which was removed" not in owner.get(f"/directories/{other.id}").text


def test_names_are_escaped(owner: Client, staff_list: Path, by: str) -> None:
    staff_list.write_text("email,name\nx@acme.example,<b onclick=x>Bold</b>\n")
    directory = directories.connect("csv", "Staff", {"file": str(staff_list)}, by)
    Directory.update(name="<i>Staff</i>").execute()  # as an earlier version allowed
    read(directory, by)
    staff_list.write_text("email,name\n<script>@acme,x\n")
    read(directory, by)
    for address in (
        "/directories",
        f"/directories/{directory.id}",
        f"/directories/{directory.id}/removal",
        "/people",
        "/activity",
    ):
        text = owner.get(address).text
        assert "<i>Staff" not in text and "<b onclick" not in text, address
        assert "<script>@" not in text, address


# Several directories, and lists that are uploaded

HEAD = "email,name,employee_number\n"


def listed(owner: Client, text: str) -> Directory:
    answer = owner.post("/directories/new/csv", directory_name="HR", source="upload",
                        text=(BytesIO(text.encode()), "hr.csv"))
    directory = Directory.get(Directory.name == "HR")
    assert answer.location == f"/directories/{directory.id}", answer.text
    directories.run(DirectoryReading.get(DirectoryReading.directory == directory).id)
    return directory


def test_a_list_is_uploaded_previewed_and_applied_as_it_was_shown(owner: Client) -> None:
    directory = listed(owner, HEAD + "".join(f"s{n}@acme.example,Staff {n:02},{n}\n" for n in range(12)))
    address = f"/directories/{directory.id}"
    assert "Last uploaded" in owner.get(address).text
    fewer = HEAD + "".join(f"s{n}@acme.example,Staff {n:02},{n}\n" for n in range(11))
    answer = owner.post(f"{address}/lists", list=(BytesIO(fewer.encode()), "hr.csv"))
    assert answer.location == f"{address}/preview"
    page = owner.get(answer.location).text
    assert "Staff 11" in page and "active → deprovisioned" in page and "Staff 10" not in page
    assert Person.select().where(Person.status == "deprovisioned").count() == 0
    assert "Uploaded, not applied yet" in owner.get(address).text
    stale = owner.post(f"{address}/preview", mark="something else")
    assert stale.status_code == 422 and "have changed since" in stale.text and "Staff 11" in stale.text
    mark = re.search(r'name="mark" value="(\w+)"', page)[1]
    assert owner.post(f"{address}/preview", mark=mark).location == address
    assert [person.name for person in Person.select().where(Person.status == "deprovisioned")] == ["Staff 11"]
    again = owner.post(f"{address}/preview", mark=mark)
    assert again.location == address, "a second click finds nothing that waits"


def test_a_list_can_be_discarded_and_a_bad_one_is_refused(owner: Client) -> None:
    directory = listed(owner, HEAD + "a@acme.example,Ana,1\n")
    address = f"/directories/{directory.id}"
    for bad in (b"", b"no header", b"\x00\x01"):
        assert owner.post(f"{address}/lists", list=(BytesIO(bad), "hr.csv")).location == address
        assert owner.get(f"{address}/preview").location == address
    owner.post(f"{address}/lists", list=(BytesIO((HEAD + "b@acme.example,Bo,2\n").encode()), "hr.csv"))
    assert "Bo" in owner.get(f"{address}/preview").text
    owner.send("DELETE", f"{address}/lists")
    assert owner.get(f"{address}/preview").location == address
    assert Person.select().where(Person.name == "Bo").count() == 0


def test_a_file_on_this_machine_is_looked_at_first(owner: Client, staff: Directory, staff_list: Path) -> None:
    write(staff_list, 11)
    page = owner.get(f"/directories/{staff.id}/preview").text
    assert "Staff 11" in page
    staff_list.unlink()
    assert owner.get(f"/directories/{staff.id}/preview").status_code == 422


def test_a_page_with_an_old_list_asks_for_a_new_one(owner: Client, staff: Directory) -> None:
    assert "Its list is from" not in owner.get(f"/directories/{staff.id}").text
    Directory.update(file_from=utcnow() - timedelta(days=9)).execute()
    assert "Give it a new list" in owner.get(f"/directories/{staff.id}").text
    Directory.update(state="paused").execute()
    assert "Resume it and give it a new list" in owner.get(f"/directories/{staff.id}").text, "it takes none in a pause"
    Directory.update(state="active").execute()
    card = owner.get("/directories").text
    assert "Directory unclear" in card and "list from" in card and "Up to date" not in card
    Directory.update(file_from=utcnow(), hidden_users=1).execute()
    page = owner.get(f"/directories/{staff.id}").text
    assert "doesn't know who has left. Let" in html.unescape(page) and "accept it under Change how it is read" in page


def test_the_order_is_shown_and_changed(owner: Client, staff: Directory) -> None:
    hr = listed(owner, HEAD + "s0@acme.example,Anna Nass,1\n")
    assert Person.select().where(Person.name == "Staff 00").exists()
    owner.send("PUT", f"/directories/{hr.id}/place", step="up")
    assert Person.select().where(Person.name == "Anna Nass").exists()
    page = owner.get("/directories").text
    assert page.index(">HR<") < page.index(">Staff<")
    owner.send("PUT", f"/directories/{hr.id}/place", step="down")
    assert Person.select().where(Person.name == "Staff 00").exists()
    assert owner.send("PUT", f"/directories/{hr.id}/place", step="sideways").status_code == 400
