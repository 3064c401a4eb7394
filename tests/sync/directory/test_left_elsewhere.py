"""People who are back with many others in one directory, but have left according to another one."""

from __future__ import annotations

import pytest

from sync.directory import directories, releases
from sync.models import DirectoryEntry
from tests.sync.scripted import Scripted, person, status


def test_someone_who_confirms_returns_knows_which_directory_says_that_they_have_left(scripted, by):
    """Also one that is connected only then: what was shown before can't be confirmed."""
    company, okta = Scripted(count=20), Scripted("Okta")
    for now in ("deprovisioned", "active"):
        for number in range(8):
            company.say(f"id{number}", status=now)
        company.read()
    seen = releases.fingerprint(directories.held(company.directory))
    for number, now in enumerate(("deprovisioned", "active", "deprovisioned")):
        okta.add(str(number), f"p{number}@acme.example", f"Person {number}", status=now, employee_number="7")
    okta.read()
    DirectoryEntry.create(directory=company.directory, external_id="former", person=person("p3@acme.example"),
                          status="deprovisioned", reported_status="deprovisioned")  # fmt: skip
    held = directories.held(company.directory)
    assert releases.left_elsewhere(held) == {person(f"p{number}@acme.example").id: ["Okta"] for number in (0, 2)}
    with pytest.raises(directories.DirectoryProblem):
        directories.release(company.directory, by, seen, back=True)
    assert directories.release(company.directory, by, releases.fingerprint(held), back=True) == 8
    assert {status(f"p{number}@acme.example") for number in range(8)} == {"active"}, "they are in a directory"
    assert releases.left_elsewhere(directories.held(company.directory)) == {}
