"""Inviting a colleague: one step, once, never above one's own rank; by mail, or with a link that is shown once."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from sync import vault
from sync.mail import outbox
from sync.models import Activity, Mail, Person
from sync.people import people
from sync.rank import RANKS
from tests.web.client import Client
from web import role_table

BASE = "http://127.0.0.1:8000"
MARK = "a-mark-of-the-form"


@pytest.fixture
def with_mail(home) -> Iterator[None]:
    outbox.configure("smtp://mail.acme.example", BASE)
    yield
    outbox.configure(None, BASE)


def _invite(browser: Client, **changed: str):
    values = {"name": "Ann Lee", "email": "ann@acme.example", "role": "admin", "mark": MARK, "back": "/people"}
    return browser.post("/people/colleagues", **values | changed)


def _link_in(page: str) -> str:
    return re.search(r'value="(http[^"]*/sign-in/[^"]+)"', page).group(1)


def test_without_mail_the_link_is_shown_once_and_signs_in(site, anybody: Client, owner: Client):
    answer = _invite(owner)
    assert answer.status_code == 200
    token = _link_in(answer.text).rpartition("/")[2]
    signed_in = anybody.post(f"/sign-in/{token}")
    assert signed_in.location == "/settings/your-sign-in", "where a password or passkey is added"
    assert people.find_by_email("ann@acme.example").workspace_role == "admin"
    assert anybody.post(f"/sign-in/{token}").status_code == 410


def test_a_double_click_invites_once_and_gives_one_link(site, anybody: Client, owner: Client):
    first, second = _invite(owner), _invite(owner)
    assert first.status_code == second.status_code == 200
    assert Person.select().where(Person.name == "Ann Lee").count() == 1
    assert Activity.select().where(Activity.what == "invited colleague").count() == 1
    assert anybody.post(f"/sign-in/{_link_in(first.text).rpartition('/')[2]}").status_code == 303
    assert Client(site).post(f"/sign-in/{_link_in(second.text).rpartition('/')[2]}").status_code == 410


def test_with_mail_the_link_is_only_in_the_mail(with_mail, owner: Client):
    answer = _invite(owner)
    assert answer.location == "/people" and _invite(owner).location == "/people"
    [mail] = Mail.select()
    assert mail.to == "ann@acme.example" and "invited you" in mail.text and "/sign-in/" not in mail.text + mail.html
    assert vault.unseal(mail.sealed)["person"] == str(people.find_by_email(mail.to).id), "it isn't sent to anyone else"
    assert "An e-mail with a link is on its way" in owner.get("/people").text


@pytest.mark.parametrize("mine", ["super admin", "admin", "user", "guest"])
@pytest.mark.parametrize("theirs", RANKS)
def test_nobody_invites_above_their_own_rank(site, someone, mine: str, theirs: str):
    answer = _invite(Client(site, someone("Ivo Inviter", mine)), role=theirs)
    allowed = mine == "super admin" and theirs != "owner"
    assert (answer.status_code == 200) == allowed and bool(people.find_by_email("ann@acme.example")) == allowed


@pytest.mark.parametrize("wrong", [{"email": "no address"}, {"email": ""}, {"role": ""}, {"mark": "short"}])
def test_a_refused_form_keeps_the_typed_values(owner: Client, wrong: dict[str, str]):
    answer = _invite(owner, **wrong)
    assert answer.status_code == 422 and 'value="Ann Lee"' in answer.text and "Nobody was invited" in answer.text or (
        "Nothing was changed" in answer.text)
    assert people.find_by_email("ann@acme.example") is None


def test_someone_who_may_sign_in_already_is_not_changed(owner: Client, someone):
    ben = someone("Ben Roth", "guest")
    answer = _invite(owner, email="ben.roth@acme.example", role="owner")
    assert answer.status_code == 422 and "can already sign in, as a guest" in answer.text
    assert Person.get_by_id(ben.id).workspace_role == "guest"


def test_someone_who_has_left_is_not_let_in(owner: Client, someone, by):
    ben = someone("Ben Roth")
    people.mark_left(ben, by)
    answer = _invite(owner, email="ben.roth@acme.example")
    assert answer.status_code == 422 and "is deprovisioned" in answer.text
    assert Person.get_by_id(ben.id).workspace_role is None


def test_three_roles_are_offered_and_the_others_are_folded(owner: Client):
    page = owner.get("/people/colleagues/new").text
    first, _, more = page.partition("More roles")
    assert [role for role in RANKS if f'value="{role}"' in first] == ["owner", "admin", "user"]
    assert [role for role in RANKS if f'value="{role}"' in more] == ["super admin", "guest"]


def test_the_table_of_roles_says_what_the_permissions_say(site):
    with site.test_request_context():
        lines = {line.words: dict(zip(RANKS, line.may, strict=True)) for line in role_table.abilities()}
    assert all(line["owner"] for line in lines.values()), "an Owner can do all of it"
    for line in lines.values():
        may = [line[role] for role in RANKS]
        assert may == sorted(may, reverse=True), "nobody can do more than someone above them"
    assert [role for role, may in lines["Manage Owners"].items() if may] == ["owner"]
    assert [role for role, may in lines["Connect apps"].items() if may] == ["owner", "super admin", "admin"]
