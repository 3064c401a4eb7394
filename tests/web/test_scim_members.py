"""Who is in a pushed group, whose token writes it, which address is a main one, and when leavers are reported."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from sync.db import utcnow
from sync.directory import push, scim_people
from sync.models import (
    App,
    Check,
    Directory,
    DirectoryEntry,
    DirectoryGroup,
    DirectoryToken,
    GroupRule,
    Mail,
    Person,
    PersonEmail,
    ScimResource,
)
from sync.people import people
from sync.rank import Asker
from tests.asking import MACHINE
from tests.web.provider import Provider

EMAILS = [{"value": "home@acme.example", "type": "home"}, {"value": "work@acme.example", "type": "Work"},
          {"value": "other@acme.example", "type": "other"}]  # fmt: skip


@pytest.mark.parametrize(("primary", "main"), [(None, "work"), ("other", "other"), ("home", "home")])
def test_the_main_address_is_the_primary_one_or_else_that_of_work(okta: Provider, primary, main) -> None:
    ana = okta.add("ana", emails=[email | ({"primary": True} if email["type"] == primary else {}) for email in EMAILS])
    [known] = PersonEmail.select().where(PersonEmail.person == okta.person(ana), PersonEmail.main)
    assert known.email == f"{main}@acme.example"


def test_a_group_has_no_members_of_another_directory(okta: Provider, entra: Provider) -> None:
    ana, bo = okta.add("ana@acme.example"), entra.add("bo@acme.example")
    entra.add_group("Staff", ana, bo)
    assert [member.entry.email for group in entra.row().groups for member in group.members] == ["bo@acme.example"]


@pytest.mark.parametrize(("members", "asks"), [("ab", False), ("ac", True), ("a", True), ("abc", True), ("", True)])
def test_the_app_of_a_rule_is_checked_if_its_group_has_other_members(okta: Provider, members, asks) -> None:
    users = {letter: okta.add(f"{letter}@acme.example") for letter in "abc"}
    staff = okta.add_group("Staff", users["a"], users["b"])
    app = App.create(connector="none", name="Desk", category="Seat-based", state="active")
    GroupRule.create(app=app, group=DirectoryGroup.get(), role="member")
    new = [{"value": users[letter]} for letter in members]
    okta.patch(f"/Groups/{staff}", {"op": "replace", "path": "members", "value": new})
    assert Check.select().exists() is asks


@pytest.mark.parametrize(("seconds", "mails"), [(59, 0), (60, 1)])
def test_held_leavers_are_reported_after_a_minute_without_another(home, seconds, mails) -> None:
    people.add("Olga", "olga@acme.example", MACHINE, workspace_role="owner")
    directory, last = Directory.create(kind="scim", name="Okta"), utcnow()
    for number, was, said in (0, "active", "deprovisioned"), (1, "deprovisioned", "active"), (2, "suspended", "active"):
        DirectoryEntry.create(directory=directory, external_id=str(number), person=Person.create(name=str(number)),
                              status=was, reported_status=said, reported_at=last - timedelta(minutes=number))
    scim_people.report_held(last + timedelta(seconds=seconds))
    assert Mail.select().where(Mail.kind == "directory held").count() == mails


@pytest.mark.parametrize(("value", "left"), [
    ("{}", 1), (["{}"], 1), ([], 2), ({"value": "{}"}, 1), (["unknown"], 2),
    ("", 2), (7, 2), ([7], 2), (False, 2),
], ids=["an id", "ids", "nobody", "an object", "another id", "no text", "a number", "numbers", "no"])  # fmt: skip
def test_a_removal_of_members_removes_those_that_it_names(okta: Provider, value, left: int) -> None:
    ana, bo = okta.add("ana@acme.example"), okta.add("bo@acme.example")
    group = okta.add_group("Sales", ana, bo)
    value = json.loads(json.dumps(value).replace("{}", ana))
    after = okta.patch(f"/Groups/{group}", {"op": "Remove", "path": "members", "value": value})
    assert [one["value"] for one in after["members"]] == [ana, bo][-left:]


def test_a_new_token_ends_the_older_ones_of_its_directory_alone(home) -> None:
    (okta, old), (entra, theirs) = push.connect("Okta", MACHINE), push.connect("Entra", MACHINE)
    new = push.rotate(okta, MACHINE)
    assert push.directory_of(old) == push.directory_of(new) == okta
    assert push.directory_of(old) is None and push.directory_of(theirs) == entra


@pytest.mark.parametrize(("ago", "noted"), [(timedelta(seconds=30), False), (timedelta(seconds=90), True)])
def test_the_last_use_of_a_token_is_noted_once_a_minute(home, ago, noted) -> None:
    directory, token = push.connect("Okta", MACHINE)
    before = utcnow() - ago
    DirectoryToken.update(used_at=before).execute()
    push.directory_of(token)
    assert (push.last_request(directory) > before) is noted


@pytest.mark.parametrize(("by", "works"), [("admin", True), ("owner", False)])
def test_the_tokens_of_a_directory_that_rises_by_a_new_one_end_at_once(home, by, works) -> None:
    """Someone of a lower rank has them."""
    askers = {role: Asker.person(Person.create(name=role, workspace_role=role)) for role in ("admin", "owner")}
    directory, old = push.connect("Okta", askers["admin"])
    push.rotate(directory, askers[by])
    assert (push.directory_of(old) == directory) is works


def test_changes_may_be_missing_once_the_token_that_is_in_use_is_ended(okta: Provider) -> None:
    """The identity provider may never send again what is refused until it has another one."""
    [unused] = push.tokens(okta.directory)
    push.rotate(okta.directory, MACHINE)
    push.end_token(unused, MACHINE)
    okta.token = push.rotate(okta.directory, MACHINE)
    okta.add("ana@acme.example")
    push.rotate(okta.directory, MACHINE)
    beside, used = push.tokens(okta.directory)
    push.end_token(beside, MACHINE)
    assert okta.row().missing_since is None, "no token that was ended was ever used, or a used one took its place"
    push.rotate(okta.directory, MACHINE)
    push.end_token(used, MACHINE)
    assert okta.row().missing_since is not None, "the one beside it isn't used yet"


@pytest.mark.parametrize("is_used", [True, False], ids=["used", "unused"])
def test_changes_may_be_missing_once_a_directory_rises_and_its_token_in_use_ends(home, is_used) -> None:
    askers = {role: Asker.person(Person.create(name=role, workspace_role=role)) for role in ("admin", "owner")}
    directory, token = push.connect("Okta", askers["admin"])
    ScimResource.create(directory=directory, kind="User", scim_id="1", name_key="ana")
    if is_used:
        push.directory_of(token)
    push.rotate(directory, askers["owner"])
    assert (Directory.get().missing_since is not None) is is_used
