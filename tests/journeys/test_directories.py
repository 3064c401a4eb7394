"""Directories in a real browser: two that differ, their order, a list looked at and applied, one out of order;
and each kind that is read over the internet, connected as its page says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from connectors.directories.okta import OktaDirectory
from sync.directory import directories
from sync.directory import preview as directory_preview
from sync.models import Directory, DirectoryGroup, DirectoryReading, Person
from sync.people import people
from tests.asking import MACHINE
from tests.connectors.directories.test_entra import TestEntraDirectory as Entra
from tests.connectors.directories.test_google import TestGoogleDirectory as Google
from tests.connectors.directories.test_okta import TestOktaDirectory as Okta
from tests.journeys.looks import Look, look_at, nothing_wrong

HEAD = "email,name,status,employee_number\n"


def rows(*numbers: int, name: str = "Person") -> str:
    return HEAD + "".join(f"p{n}@acme.example,{name} {n},,{n}\n" for n in numbers)


def names() -> list[str]:
    known = Person.select().where(Person.employee_number.is_null(False))
    return [person.name for person in sorted(known, key=lambda person: int(person.employee_number))]


def read_all() -> None:
    for reading in list(DirectoryReading.select().where(DirectoryReading.state == "queued")):
        directories.run(reading.id)


def connect_list(page, url: str, name: str, file: Path) -> None:
    page.goto(f"{url}/directories/new/csv")
    page.fill("#f-directory_name", name)
    page.select_option("#f-source", "upload")
    page.set_input_files("#f-text", file)
    page.click("button:has-text('Connect')")
    page.wait_for_url("**/directories/*")
    read_all()
    page.reload()


@pytest.mark.parametrize("javascript", [True, False])
def test_two_directories_their_order_a_list_and_one_out_of_order(
    visit, live, olga: Person, tmp_path: Path, javascript: bool
) -> None:
    hr, it = tmp_path / "hr.csv", tmp_path / "it.csv"
    hr.write_text(rows(*range(12)))
    it.write_text(rows(*range(10), name="IT"))
    page = visit(olga, javascript=javascript, expected=("422",), at=None)
    if javascript:
        connect_list(page, live.url, "HR", hr)
    else:
        directories.connect("csv", "HR", {"source": "upload", "text": hr.read_text()}, MACHINE)
    directories.connect("csv", "IT", {"file": str(it)}, MACHINE)
    read_all()
    assert names() == [f"Person {n}" for n in range(12)], "one and the same people, as the first one names them"
    page.goto(f"{live.url}/directories")
    page.click("[aria-label='Move IT up']")
    page.wait_for_selector("[aria-label='Move HR up']")
    assert names() == [*(f"IT {n}" for n in range(10)), "Person 10", "Person 11"]

    # A new list is looked at, then applied: who left HR but is in IT stays.
    page.click("h2 >> text=HR")
    hr.write_text(rows(*range(1, 11), 20))
    page.set_input_files("#f-list", hr)
    page.click("button:has-text('Preview the changes')")
    page.wait_for_url("**/preview")
    reported = " ".join(page.text_content("main").split())
    assert "deprovisioned in this directory, stays active" in reported and "Person 20" in reported
    assert "Person 11" in reported and "active → deprovisioned" in reported
    assert Person.select().where(Person.status == "deprovisioned").count() == 0
    page.click("button:has-text('Apply')")
    page.wait_for_url(f"**/directories/{Directory.get(Directory.name == 'HR').id}")
    assert [person.name for person in Person.select().where(Person.status == "deprovisioned")] == ["Person 11"]
    page.goto(f"{live.url}/people/{people.find_by_email('p0@acme.example').id}")
    reported = " ".join(page.text_content("main").split())
    assert "IT decides: someone who is active in any directory is active" in reported and "decides the name" in reported

    # One directory is out of order: nobody leaves.
    before = [(person.id, person.status) for person in Person.select()]
    it.unlink()
    page.goto(f"{live.url}/directories/{Directory.get(Directory.name == 'IT').id}")
    page.click("a:has-text('Preview the changes')")
    page.wait_for_selector("text=can't be read")
    page.go_back()
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.click("button:has-text('Read now')")
    read_all()
    page.reload()
    assert "The last reading failed" in page.text_content("main")
    assert [(person.id, person.status) for person in Person.select()] == before


WITHOUT_BUTTONS = """() => {
    const main = document.querySelector("main").cloneNode(true)
    main.querySelectorAll("button").forEach((button) => button.remove())
    return main.textContent
}"""


@pytest.mark.parametrize("contract", [Okta, Entra, Google])
def test_each_kind_is_connected_as_its_page_shows(visit, live, olga: Person, monkeypatch, contract) -> None:
    battery, app = contract(), contract.fake()
    app.start()
    try:
        for name in battery.address or ():
            monkeypatch.setattr(contract.kind, name, app.url)
        monkeypatch.setattr(OktaDirectory, "fields", tuple(
            replace(field, pattern="") if field.name == "base_url" else field for field in OktaDirectory.fields))
        battery.fill(app, 3)
        app.things = [battery.make_group(0)]
        app.things[0].members = {seat.id: "member" for seat in app.seats} if isinstance(
            app.things[0].members, dict) else [seat.id for seat in app.seats]
        page = visit(olga, at="/directories/new")
        page.click(f"text={contract.kind.label}")
        page.wait_for_selector("text=Test connection")
        shown = page.evaluate(WITHOUT_BUTTONS)
        assert [step for step in contract.kind.docs if step not in " ".join(shown.split())] == []
        for name, value in battery.settings(app).items():
            page.fill(f"#f-{name}", value)
        page.click("button:has-text('Test connection')")
        page.wait_for_selector("text=Connected as")
        page.click("button:has-text('Connect')")
        page.wait_for_url("**/directories/*")
        read_all()
        page.reload()
        assert DirectoryReading.get().state == "succeeded", DirectoryReading.get().error
        assert [group.name for group in DirectoryGroup.select()] == ["Group 0"]
        assert DirectoryGroup.get().members.count() == 3
        for secret in battery.secrets(app):
            assert secret not in page.content()
    finally:
        app.stop()


def test_the_pages_look_right(visit, live, olga: Person, tmp_path: Path) -> None:
    it = tmp_path / "it.csv"
    it.write_text(rows(*range(30), name="IT"))
    hr = directories.connect("csv", "HR", {"source": "upload", "text": rows(*range(30))}, MACHINE)
    directories.connect("csv", "Company directory", {"file": str(it)}, MACHINE)
    read_all()
    text = rows(*range(3, 29), name="Persona") + "new@acme.example,Newcomer,suspended,99\n"
    directory_preview.upload(hr, text, MACHINE)
    page = visit(olga, at=None)
    looks = (Look("directories-order", "/directories"), Look("directory-list", f"/directories/{hr.id}"),
             Look("directory-preview", f"/directories/{hr.id}/preview"),
             Look("person-directories", f"/people/{people.find_by_email('p3@acme.example').id}"))  # fmt: skip
    nothing_wrong(look_at(page, live.url, *looks))
