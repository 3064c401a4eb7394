"""A directory that moves many people's addresses at once moves none: nor does letting leavers go, which is another
decision."""

from __future__ import annotations

from sync.directory import directories
from tests.sync.scripted import Scripted, person, status

MANY, OF = 8, 30


def owners() -> list[str]:
    return [person(f"p{number}@acme.example").name for number in range(MANY)]


def test_letting_leavers_go_moves_no_address_that_was_held_with_many(scripted: type[Scripted], by) -> None:
    company = scripted(count=OF)
    company.read()
    before = owners()
    for number in range(MANY):
        company.say(f"id{number}", email=f"p{(number + 1) % MANY}@acme.example")
    for number in range(20, OF):
        company.say(f"id{number}", status="deprovisioned")
    company.read()
    assert owners() == before and status("p25@acme.example") == "active"
    directories.release(company.row(), by)
    assert status("p25@acme.example") == "deprovisioned"
    assert owners() == before
