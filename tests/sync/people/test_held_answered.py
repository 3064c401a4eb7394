"""A removed directory reported that someone has left, and another one has them: what answers that, and what doesn't."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sync.db import db, utcnow
from sync.models import Activity, Directory, DirectoryEntry, DirectoryToken, HeldChange, Person
from sync.people import held, held_answered
from sync.workspace import today, update_workspace
from tests.database import few_variables

REMOVED = "Company LDAP (directory)"
LONG_AGO, SEEN, LATER = datetime(2000, 1, 1), datetime(2026, 11, 1), datetime(2100, 1, 1)


@pytest.mark.parametrize(("closes", "values"), [
    (True, {}), (True, {"status": "suspended", "reported_status": "suspended"}),
    (False, {"reported_status": "deprovisioned"}), (False, {"status": "deprovisioned"}),
    (False, {"asked_by": "Mira <mira@acme.example>"}), (False, {"value": "active"}), (False, {"field": "name"}),
    (False, {"state": "dismissed"}), (False, {"person": "deprovisioned"}), (False, {"entry_of": "Ben"}),
    (False, {"file_from": SEEN}), (False, {"missing_since": SEEN}), (False, {"directory": "Okta"}),
    (False, {"created_at": LATER}), (True, {"created_at": "when it was read"}), (False, {"last_read_at": None}),
    (True, {"created_at": LATER, "next_read_at": None}),
    (False, {"workspace_role": "owner"}), (True, {"workspace_role": "owner", "vouched_for": True}),
], ids=str)  # fmt: skip
def test_it_is_closed_where_a_directory_that_shows_who_has_left_has_the_person(home, closes, values):
    def of(names: str, **usual: object) -> dict:
        return usual | {name: values[name] for name in names.split() if name in values}

    read = utcnow()
    values = {name: read if value == "when it was read" else value for name, value in values.items()}
    shows = of("last_read_at next_read_at file_from missing_since vouched_for", last_read_at=read, next_read_at=read)
    okta = Directory.create(kind="okta", name="Okta", **shows)
    DirectoryToken.create(directory=okta, token_hash="1")
    people = {name: Person.create(name=name, status=values.get("person", "active"), **of("workspace_role"))
              for name in ("Ana", "Ben")}  # fmt: skip
    change = HeldChange.create(person=people["Ana"], directory=okta if "directory" in values else None,
                               **of("asked_by value field state created_at", asked_by=REMOVED, value="deprovisioned",
                                    field="status", created_at=LONG_AGO))  # fmt: skip
    DirectoryEntry.create(directory=okta, external_id="1", person=people[values.get("entry_of", "Ana")],
                          **of("status reported_status"))  # fmt: skip
    assert "asked_by" not in values or not held_answered.having_them([change])
    held_answered.close_answered(utcnow())
    assert HeldChange.select().where(HeldChange.id == change.id).exists() is not closes
    assert [(one.who, one.about, one.before, one.after, one.why) for one in Activity.select()] == [
        ("Okta (directory)", "Ana", "active", "status: deprovisioned",
         f"Okta has them. Asked by {REMOVED}")] * closes  # fmt: skip


@pytest.mark.parametrize(("closes", "values"), [
    (True, {}), (True, {"value": "suspended"}), (True, {"reported_at": "when it was held"}),
    (False, {"reported_at": LONG_AGO}), (False, {"reported_status": "active"}), (False, {"status": "active"}),
    (False, {"asked_by": "Mira <mira@acme.example>"}), (False, {"field": "name"}), (False, {"state": "dismissed"}),
    (False, {"value": "deprovisioned"}), (False, {"person": "active"}), (False, {"entry_of": "Ben"}),
    (False, {"elsewhere": ("active", "active")}), (False, {"elsewhere": ("deprovisioned", "active")}),
    (True, {"elsewhere": ("deprovisioned", "deprovisioned")}), (False, {"file_from": SEEN}),
    (False, {"missing_since": SEEN}), (False, {"last_read_at": None}), (False, {"workspace_role": "owner"}),
    (True, {"workspace_role": "owner", "vouched_for": True}), (False, {"here": "deprovisioned"}),
], ids=str)  # fmt: skip
def test_a_held_return_is_closed_where_a_directory_says_since_then_that_the_person_has_left(home, closes, values):
    """Nobody could confirm it against that: no directory that is connected has the person."""
    def of(names: str, **usual: object) -> dict:
        return usual | {name: values[name] for name in names.split() if name in values}

    read = utcnow()
    values = {name: SEEN if value == "when it was held" else value for name, value in values.items()}
    okta, other = (Directory.create(kind="okta", name=name, **of(
        "last_read_at file_from missing_since vouched_for", last_read_at=read), next_read_at=read)
        for name in ("Okta", "Other"))  # fmt: skip
    people = {name: Person.create(name=name, status=values.get("person", "deprovisioned"), **of("workspace_role"))
              for name in ("Ana", "Ben")}  # fmt: skip
    change = HeldChange.create(person=people["Ana"], created_at=SEEN, **of(
        "asked_by value field state", asked_by=REMOVED, value="active", field="status"))  # fmt: skip
    DirectoryEntry.create(directory=okta, external_id="1", person=people[values.get("entry_of", "Ana")], **of(
        "status reported_status reported_at", status="deprovisioned", reported_status="deprovisioned",
        reported_at=read))  # fmt: skip
    DirectoryEntry.create(directory=okta, external_id="2", person=Person.create(name="Someone"),
                          status=values.get("here", "active"))  # fmt: skip
    if elsewhere := values.get("elsewhere"):
        DirectoryEntry.create(directory=other, external_id="1", person=people["Ana"], status=elsewhere[0],
                              reported_status=elsewhere[1], reported_at=LONG_AGO)  # fmt: skip
    held_answered.close_answered(utcnow())
    assert HeldChange.select().where(HeldChange.id == change.id).exists() is not closes
    assert [(one.who, one.why) for one in Activity.select()] == [
        ("Okta (directory)", f"They have left Okta. Asked by {REMOVED}")] * closes  # fmt: skip


def test_of_two_directories_that_have_the_person_the_first_that_shows_who_has_left_answers_once(home):
    ana = Person.create(name="Ana", status="active")
    HeldChange.create(person=ana, asked_by=REMOVED, field="status", value="deprovisioned")
    for name, file_from in (("List", utcnow()), ("Okta", None), ("LDAP", None)):
        directory = Directory.create(kind="okta", name=name, last_read_at=utcnow(), next_read_at=utcnow(),
                                     file_from=file_from)  # fmt: skip
        DirectoryEntry.create(directory=directory, external_id="1", person=ana)
    held_answered.close_answered(utcnow())
    assert [one.who for one in Activity.select()] == ["Okta (directory)"]


@pytest.mark.parametrize(("asked_by", "value", "kept"), [
    (REMOVED, "deprovisioned", True), (REMOVED, "active", False), ("Mira <mira@acme.example>", "deprovisioned", False),
])  # fmt: skip
def test_a_release_begins_the_grace_period_where_a_directory_asked(home, by, asked_by, value, kept):
    """As if the guard had released it before the directory was removed. Someone who imports a list decides by hand."""
    update_workspace(by, grace_days=14)
    person = Person.create(name="Ana", status="active" if value == "deprovisioned" else "deprovisioned")
    held.release(HeldChange.create(person=person, field="status", value=value, asked_by=asked_by), by)
    assert Person.get_by_id(person.id).remove_on == (today() + timedelta(days=14) if kept else None)


def test_a_directory_may_leave_more_changes_than_a_statement_may_bind_values(home):
    for number in range(30):
        HeldChange.create(person=Person.create(name=f"Person {number}", status="active"), field="status",
                          value="deprovisioned", asked_by=REMOVED)  # fmt: skip
    with few_variables(db, 20):
        assert held_answered.having_them(held.waiting()) == {}


def test_of_what_a_removed_directory_left_only_what_is_open_is_shown_to_one_of_its_name(home):
    ana, ldap = Person.create(name="Ana"), Directory.create(kind="ldap", name="Company LDAP")
    values = {"person": ana, "asked_by": REMOVED, "field": "status", "value": "deprovisioned"}
    open_one, _ = (HeldChange.create(state=state, **values) for state in ("open", "dismissed"))
    assert held.left_by(ldap) == [open_one]
