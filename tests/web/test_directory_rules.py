"""An administrator names what an attribute of the directory means, on its page: real slapd, real reading."""

from __future__ import annotations

import re

import pytest

from sync.directory import directories, ending_rules
from sync.directory.directories import DirectoryProblem
from sync.models import Activity, Directory, DirectoryEntry, DirectoryReading
from tests.asking import MACHINE
from tests.real.slapd import Slapd
from tests.web.client import Client

ROW = ("attribute", "operator", "value", "outcome")


@pytest.fixture
def staff(slapd: Slapd, olga) -> Directory:
    """Five people, whose company has an attribute of its own; read once."""
    for number, status in enumerate(("Active", "Terminated", "On leave", "Active", "Active")):
        slapd.modify(f"p000{number}", objectClass=["inetOrgPerson", "acmePerson"])
        slapd.modify(f"p000{number}", acmeEmploymentStatus=status)
    settings = slapd.settings(filter="(&(objectClass=inetOrgPerson)(uid=p000*))")
    directory = directories.connect("ldap", "Staff", settings, MACHINE)
    read(directory)
    return Directory.get_by_id(directory.id)


def read(directory: Directory) -> DirectoryReading:
    directories.run(directories.ask(directory, "Olga").id)
    return DirectoryReading.select().order_by(DirectoryReading.id.desc()).get()


def statuses(directory: Directory) -> dict[str, str]:
    return {entry.user_name: entry.reported_status for entry in directory.entries}


def save(browser: Client, directory: Directory, *rows: tuple[str, str, str, str], **how):
    values = {name: [row[place] for row in rows] for place, name in enumerate(ROW)}
    return browser.send("PUT", f"/directories/{directory.id}/ends", **values, **how)


def test_a_reading_says_what_nothing_reads_and_the_page_asks_what_it_means(owner, staff):
    reading = DirectoryReading.select().order_by(DirectoryReading.id.desc()).get()
    [warning] = reading.counts["warnings"]
    assert "acmeEmploymentStatus may say who has left" in warning
    assert Activity.select().where(Activity.what == "directory needs a look").count() == 1
    assert set(statuses(staff).values()) == {"active"}
    page = owner.get(f"/directories/{staff.id}").text
    assert "acmeEmploymentStatus" in page and "What ends an account" in page
    form = owner.get(f"/directories/{staff.id}/ends").text
    assert 'name="attribute" value="acmeEmploymentStatus"' in form and "5 entries have it" in form
    assert "Terminated" in form and form.count("<tr>") == 1 + 1 + 2


def test_a_rule_is_tried_kept_and_takes_effect_with_the_next_reading(owner, staff):
    row = ("acmeEmploymentStatus", "is", "terminated", "left")
    shown = save(owner, staff, row, ("acmeEmploymentStatus", "contains", "leave", "locked"),
                ("acmeEmploymentStatus", "is not", "terminated", "here"), ("", "is", "", ""))  # fmt: skip
    assert shown.status_code == 303
    staff = Directory.get_by_id(staff.id)
    assert staff.settings["ends"].splitlines()[0] == "acmeEmploymentStatus is terminated: left"
    assert staff.unread_attributes == []
    assert Activity.select().where(Activity.what == "changed what ends an account").get().before == "no rules"
    read(staff)
    found = statuses(staff)
    assert (found["p0001"], found["p0002"], found["p0000"]) == ("deprovisioned", "suspended", "active")
    assert read(staff).counts["warnings"] == []
    page = owner.get(f"/directories/{staff.id}").text
    assert re.search(r"acmeEmploymentStatus is <strong>terminated</strong>: has left", page)
    assert 'value="terminated"' in owner.get(f"/directories/{staff.id}/ends").text


def test_an_attribute_that_says_nothing_of_it_is_asked_about_no_more(owner, staff):
    assert save(owner, staff, ("acmeEmploymentStatus", "is", "Active", "nothing")).status_code == 303
    assert read(staff).counts["warnings"] == [] and Directory.get_by_id(staff.id).unread_attributes == []
    assert set(statuses(staff).values()) == {"active"}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("acmeEmploymentStatus", "is", "", "left"), "needs a value"),
        (("acme status", "is", "x", "left"), "name of an attribute"),
        (("acmeEmploymentStatus", "before today", "", "left"), "is unknown whether the account has ended"),
        (("acmeEmploymentStatus", "is", "not active", "left"), "would be read as part of"),
    ],
)
def test_a_rule_that_does_not_work_comes_back_with_what_is_wrong_and_nothing_is_kept(owner, staff, row, words):
    shown = save(owner, staff, row, htmx=True)
    assert shown.status_code == 422 and words in shown.text and f'value="{row[0]}"' in shown.text
    assert Directory.get_by_id(staff.id).settings.get("ends", "") == ""
    assert set(statuses(staff).values()) == {"active"}


def test_rules_are_for_directories_that_take_them(owner, okta, staff):
    address = f"/directories/{okta.directory.id}"
    assert owner.get(f"{address}/ends").location == address
    assert owner.get(f"/directories/{okta.directory.id}").status_code == 200
    with pytest.raises(DirectoryProblem):
        ending_rules.set_rules(okta.directory, [], MACHINE)


def test_a_paused_directory_keeps_the_rule_and_reads_nothing(owner, staff):
    directories.pause(staff, MACHINE)
    count = DirectoryReading.select().count()
    assert save(owner, staff, ("acmeEmploymentStatus", "is", "Terminated", "left")).status_code == 303
    assert DirectoryReading.select().count() == count
    assert DirectoryEntry.select().where(DirectoryEntry.reported_status == "deprovisioned").count() == 0
