"""An HR program's file in a real browser: its columns are questions once; next month only new ones are."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from sync.directory import directories
from sync.models import Directory, DirectoryReading, Person, WaitingFile
from sync.people import people
from tests.journeys.looks import Look, look_at, nothing_wrong

HEADER = ["Employee #", "First name", "Last name", "Work Email", "Employment Status", "Termination Date",
          "Reporting to"]
NAMES = ["Ana", "Ben", "Cleo", "Dana", "Emil", "Finn"]


def hr_file(path: Path, people_: int = 60, further: str = "") -> Path:
    """As an HR program exports it: a title, a blank line, semicolons, German dates."""
    rows = [["Acme: staff list", *[""] * 6], [""] * 7, [*HEADER, *([further] if further else [])]]
    for number in range(people_):
        status, last = "Active", ""
        if number % 20 == 7:
            status, last = "Terminated", "03.11.2026"
        elif number % 20 == 11:
            status = "On Leave"
        rows.append([f"{number:04}", NAMES[number % 6], f"Person{number}", f"p{number}@acme.example", status, last,
                     "p0@acme.example", *(["Probation" if number % 2 else "Permanent"] if further else [])])
    path.write_text("\n".join(";".join(row) for row in rows) + "\n", encoding="utf-8-sig")
    return path


def read_all() -> None:
    for reading in list(DirectoryReading.select().where(DirectoryReading.state == "queued")):
        directories.run(reading.id)


def hand_over(page, url: str, file: Path) -> None:
    page.goto(f"{url}/directories/new/csv")
    page.fill("#f-directory_name", "HR")
    page.select_option("#f-source", "upload")
    page.set_input_files("#f-text", file)
    page.click("button:has-text('Connect')")
    page.wait_for_url("**/files/*")


@pytest.mark.parametrize("javascript", [True, False])
def test_an_hr_file_and_the_next_months(visit, live, olga: Person, tmp_path: Path, javascript: bool) -> None:
    page = visit(olga, javascript=True, expected=("422",), at=None)
    hand_over(page, live.url, hr_file(tmp_path / "staff.csv"))
    address = page.url
    if not javascript:
        page = visit(olga, javascript=False, at=None)
        page.goto(address)
    text = page.text_content("main")
    assert "60 rows" in text and "On Leave" in text and "p0@acme.example" in text
    assert page.is_visible("text=Answer the questions above first"), "nothing can be connected yet"
    page.reload()
    page.select_option("#q-1", label="Suspended")
    page.dblclick("button:has-text('Save the answers')")
    page.wait_for_selector("button:has-text('Connect this directory')")
    assert page.locator("select[aria-label='What does On Leave mean?']").input_value() == "suspended"
    page.dblclick("button:has-text('Connect this directory')")
    page.wait_for_url("**/directories/*")
    expect(page.get_by_text("HR is connected. Its first reading has started.").first).to_be_visible()
    assert Directory.select().count() == 1 and WaitingFile.get().state == "used"
    read_all()
    assert people.find_by_email("p11@acme.example").status == "suspended"
    assert people.find_by_email("p0@acme.example").name == "Ana Person0"
    assert Person.select().where(Person.status == "active").count() >= 54

    page.go_back()
    expect(page.get_by_text("staff.csv was already used: HR is connected.").first).to_be_visible()
    assert page.url == f"{live.url}/directories/{Directory.get().id}"
    assert Directory.select().count() == 1, "Back does nothing twice"
    page.goto(f"{live.url}/directories/{Directory.get().id}")
    page.set_input_files("#f-list", hr_file(tmp_path / "december.csv", 61, further="Contract status"))
    page.click("button:has-text('Preview the changes')")
    page.wait_for_url("**/files/*")
    text = page.text_content("main")
    assert "Contract status" in text and "1 question about the file" in text, "only what is new is asked"
    page.select_option("#q-1", label="Not needed")
    page.click("button:has-text('Save the answers')")
    page.wait_for_selector("button:has-text('Show what it would change')")
    page.click("button:has-text('Show what it would change')")
    page.wait_for_url("**/preview")
    assert "p60@acme.example" in page.text_content("main")
    page.click("button:has-text('Apply')")
    page.wait_for_url(f"**/directories/{Directory.get().id}")
    assert people.find_by_email("p60@acme.example").status == "active"


def test_a_choice_is_kept_as_soon_as_it_is_made(visit, live, olga: Person, tmp_path: Path) -> None:
    page = visit(olga, at=None)
    hand_over(page, live.url, hr_file(tmp_path / "staff.csv"))
    page.select_option("select[aria-label='What is Reporting to?']", label="Not needed")
    page.wait_for_selector("text=Not read: Reporting to")
    page.reload()
    assert page.locator("select[aria-label='What is Reporting to?']").input_value() == "ignore"
    assert page.locator("#q-1").count() == 1, "what was not answered is still asked"
    page.click("button:has-text('Discard the file')")
    page.wait_for_url("**/directories/new/csv")
    assert WaitingFile.get().state == "discarded"


def test_the_page_looks_well(visit, live, olga: Person, tmp_path: Path) -> None:
    page = visit(olga, at=None)
    hand_over(page, live.url, hr_file(tmp_path / "staff.csv"))
    here = page.url.removeprefix(live.url)
    nothing_wrong(look_at(page, live.url, Look("columns", here)))
