"""Whose an address is while several entries claim it, and what a directory's reading says of that."""

from __future__ import annotations

from sync.people import people
from tests.sync.scripted import Scripted

BOTH = "both@acme.example"


def warnings(company: Scripted) -> list[str]:
    return company.read().counts.get("warnings", [])


def test_a_disabled_entry_gets_no_address_that_newcomers_of_another_directory_use(scripted, by):
    other, company = Scripted("HR"), Scripted()
    for id in ("1", "2"):
        other.add(id, BOTH, f"Newcomer {id}")
    other.read()
    assert people.find_by_email(BOTH) is None
    company.add("8", BOTH, "Disabled", status="deprovisioned")
    company.read()
    assert people.find_by_email(BOTH) is None


def test_someone_new_whose_main_address_is_claimed_is_not_added_by_a_further_one(scripted, by):
    company = Scripted()
    company.add("1", BOTH, "Ana", further_emails=("ana@acme.example",))
    company.add("2", BOTH, "Bo")
    assert company.read().counts["joined"] == 0
    assert people.find_by_email("ana@acme.example") is None and people.find_by_email(BOTH) is None


def test_the_first_fifty_warnings_are_shown_and_the_others_counted(scripted, by):
    company = Scripted()
    for number in range(50):
        for half in "ab":
            company.add(f"{number}{half}", f"p{number}@acme.example", f"Person {number}{half}")
    assert len(found := warnings(company)) == 50 and "gives the e-mail address" in found[-1]
    for id in ("last", "least"):
        company.add(id, BOTH, id)
    assert len(found := warnings(company)) == 51 and found[-1] == "And 1 more such address."
