"""What a manager sees and does when one directory or import left many held changes, or a held return."""

from __future__ import annotations

import html
import re

from sync.db import utcnow
from sync.models import Account, Directory, DirectoryEntry, HeldChange, Person, Task
from sync.people import held
from tests.sync.fixtures import email
from tests.web.client import Client


def hold(name: str, value: str) -> HeldChange:
    person = Person.create(name=name, status="active" if value == "deprovisioned" else "deprovisioned")
    return HeldChange.create(person=person, field="status", value=value, asked_by="Okta (directory)")


def test_a_manager_decides_on_all_that_a_removed_directory_left(owner: Client, by) -> None:
    hold("Ana", "deprovisioned")
    assert "Release all" not in owner.get("/people").text, "a single one has its own buttons"
    for name in "BCDEF":
        hold(name, "deprovisioned")
    hold("Zoe", "active")
    page = owner.get("/people").text
    assert "Release all 7" in page and "Dismiss all 7" in page
    staff = Directory.create(kind="csv", name="Staff list", file_from=utcnow())
    DirectoryEntry.create(directory=staff, external_id="1", person=Person.get(Person.name == "Ana"))
    page = owner.get("/people").text
    assert page.count("They are in Staff list now. If that is up to date, dismiss this.") == 1
    DirectoryEntry.create(directory=staff, external_id="2", person=Person.get(Person.name == "Zoe"),
                          status="deprovisioned", reported_status="deprovisioned")  # fmt: skip
    assert "They have left Staff list since then. If that is up to date, dismiss this." in owner.get("/people").text
    release, dismissal = (html.unescape(found) for found in re.findall(r'href="(/people/held/together/[^"]+)"', page))
    dismissed = " ".join(owner.get(dismissal).text.split())
    assert "6 people still count as here and may keep all accounts" in dismissed
    assert "1 person still counts as having left." in dismissed
    asked = " ".join(owner.get(release).text.split())
    assert "6 people count as having left." in asked and "unless automatic removal is on" in asked
    assert "1 person counts as here again." in asked and "Okta, which was removed" in asked and "And 2 more." in asked
    seen = re.search(r'name="seen" value="(\w+)"', asked)[1]
    held.dismiss(HeldChange.get(), by)
    refused = owner.post(release, seen=seen)
    assert "has changed since you looked" in owner.get(refused.location).text and len(held.waiting()) == 6
    seen = re.search(r'name="seen" value="(\w+)"', owner.get(dismissal).text)[1]
    answer = owner.post(dismissal, seen=seen)
    assert "Dismissed: 6 held changes." in owner.get(answer.location).text
    assert not held.waiting() and "Nothing that you may decide is held now." in owner.get(release).text


def test_the_preview_of_a_removal_by_hand_says_that_they_may_be_back(owner: Client, chat) -> None:
    account = Account.get(Account.email == email(3))
    Person.update(status="deprovisioned").where(Person.id == account.person_id).execute()
    asked = f"/apps/{chat.app.id}/removals/new?account={account.id}"
    before = owner.get(asked).text
    HeldChange.create(person=account.person_id, field="status", value="active", asked_by="Okta (directory)")
    doubt = "Person 3 may be back: a held change on People says so"
    assert doubt not in before and doubt in owner.get(asked).text
    seen = re.search(r'name="seen" value="(\w+)"', before)[1]
    answer = owner.post(f"/apps/{chat.app.id}/removals", account=account.id, seen=seen)
    assert answer.status_code == 422 and doubt in answer.text and not Task.select().exists()
