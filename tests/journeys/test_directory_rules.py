"""An administrator names an attribute of the company's own, in a real browser over a real slapd; and a fault of our own
as every page shows it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sync import faults
from sync.db import utcnow
from sync.directory import directories
from sync.jobs import clock, queue
from sync.models import Directory, DirectoryReading, Person
from tests.asking import MACHINE
from tests.faults import own
from tests.journeys.company import build
from tests.journeys.looks import Look, look_at, nothing_wrong, opens
from tests.real.slapd import Slapd


@pytest.fixture
def staff(slapd: Slapd, olga: Person) -> Directory:
    for number, status in enumerate(("Active", "Terminated", "On leave", "Active", "Active")):
        slapd.modify(f"p000{number}", objectClass=["inetOrgPerson", "acmePerson"])
        slapd.modify(f"p000{number}", acmeEmploymentStatus=status, acmeContractEnd="2099-05-31")
    slapd.modify("p0003", acmeContractEnd=[])
    settings = slapd.settings(filter="(&(objectClass=inetOrgPerson)(uid=p000*))")
    directory = directories.connect("ldap", "Company LDAP", settings, MACHINE)
    read_all()
    return directory


@pytest.fixture
def well_before() -> Iterator[None]:
    faults.clear()
    yield
    faults.clear()


def read_all() -> None:
    for reading in list(DirectoryReading.select().where(DirectoryReading.state == "queued")):
        directories.run(reading.id)


def fill(page, row: int, attribute: str, operator: str, value: str, outcome: str) -> None:
    page.locator("[name=attribute]").nth(row).fill(attribute)
    page.locator("[name=operator]").nth(row).select_option(operator)
    page.locator("[name=value]").nth(row).fill(value)
    page.locator("[name=outcome]").nth(row).select_option(outcome)


@pytest.mark.parametrize("javascript", [True, False])
def test_the_meaning_of_an_attribute_is_shown_tried_and_read(visit, live, olga, staff, javascript) -> None:
    page = visit(olga, javascript=javascript, expected=("422",), at=f"/directories/{staff.id}")
    assert "may say who has left" in page.inner_text("main")
    page.click("#ends")
    page.wait_for_selector("dialog")
    attributes = [field.input_value() for field in page.locator("[name=attribute]").all()]
    assert sorted(attributes[:2]) == ["acmeContractEnd", "acmeEmploymentStatus"]
    fill(page, 0, "acmeEmploymentStatus", "is", "", "left")
    page.click("text=Try and save")
    page.wait_for_selector("[role=alert] >> text=needs a value")
    fill(page, 0, "acmeEmploymentStatus", "is", "Terminated", "left")
    fill(page, 1, "acmeContractEnd", "before today", "", "left")
    fill(page, 2, "acmeEmploymentStatus", "is not", "Terminated", "here")
    page.click("text=Try and save")
    page.wait_for_selector("#toasts >> text=is being read by these rules")
    read_all()
    page.goto(f"{live.url}/directories/{staff.id}")
    text = page.inner_text("section[aria-labelledby=h-ends]")
    assert "acmeEmploymentStatus is Terminated: has left" in text and "may say who has left" not in text
    assert Person.select().where(Person.status == "deprovisioned").count() == 1


def test_how_it_looks(visit, live, olga, staff) -> None:
    page = visit(olga, at=None)
    address = f"/directories/{staff.id}"
    looks = [Look("directory-unread", address), Look("directory-ends", address, opens("#ends"))]
    found = look_at(page, live.url, *looks)
    nothing_wrong(found)


def test_how_a_fault_of_our_own_looks(visit, live, tmp_path: Path, olga, by, well_before) -> None:
    acme = build(tmp_path, olga, by)
    page = visit(acme.olga, expected=("503",))
    with own.full_for_what_is_staged():
        directories.ask(acme.staff, by)
        queue.drain(("reading",))
    clock.keep(utcnow() + timedelta(days=40))
    looks = [Look("own-fault", "/people"), Look("own-fault-directory", f"/directories/{acme.staff.id}"),
             Look("own-fault-settings", "/settings")]  # fmt: skip
    found = look_at(page, live.url, *looks)
    nothing_wrong(found)
