"""What is delicate asks again who sits at the browser, unless they proved it within 15 minutes, and is then done as it
was sent. Each route that changes something either asks or is listed with the reason why not."""

from __future__ import annotations

import io
import json
import re
import time
from datetime import timedelta

import pytest
from flask import Flask

from sync.db import utcnow
from sync.models import (
    Activity,
    Change,
    Directory,
    KeptRequest,
    Person,
    Report,
    Session,
    SignInIdentity,
    Task,
)
from sync.reports import reports
from sync.sign_in import second_factor, sessions
from sync.sign_in import sign_in as signing_in
from sync.sign_in.sessions import FRESH
from tests.security.factors import HERE, PASSWORD, code, sign_in, with_app
from tests.web.client import Client
from tests.web.test_oidc import come_back, try_to
from tests.web.test_permissions import routes
from web.confirming import LARGEST, TOO_LARGE

ASKS = {
    "PUT /people/<int:person_id>/workspace-role", "PUT /people/<int:person_id>/password",
    "POST /people/<int:person_id>/sign-in-links", "DELETE /people/<int:person_id>/second-factor",
    "PATCH /people/<int:person_id>",  # addresses of people who sign in
    "POST /apps/<int:app_id>/people", "PUT /apps/<int:app_id>/people/<int:person_id>",
    "DELETE /apps/<int:app_id>/people/<int:person_id>",
    "PUT /apps/<int:app_id>/credential", "POST /apps/<int:app_id>/connection",
    "POST /apps/new/<kind>",
    "POST /directories/new/<kind>", "PUT /directories/<int:directory_id>/credential",
    "POST /directories/new/scim", "POST /directories/<int:pushed_id>/tokens",
    "DELETE /directories/<int:pushed_id>/tokens/<int:token_id>",
    "DELETE /directories/<int:pushed_id>/ended-tokens/<int:token_id>",
    "PUT /settings/sign-in", "DELETE /settings/sign-in", "PUT /settings/second-factor",
    "PATCH /settings", "PUT /settings/mail-server", "DELETE /settings/mail-server",
    "POST /people/colleagues",
    "PUT /settings/password",  # for the first one; a later change asks for the current password anyway
    "POST /settings/your-sign-in/authenticator", "PUT /settings/your-sign-in/authenticator",
    "DELETE /settings/your-sign-in/authenticator", "POST /settings/your-sign-in/passkeys",
    "DELETE /settings/your-sign-in/passkeys/<int:passkey_id>", "POST /settings/your-sign-in/recovery-codes",
    "POST /reports/<int:report_id>/application", "POST /reports/<int:report_id>/release",
    "POST /apps/<int:app_id>/removals", "POST /people/<int:person_id>/offboardings",  # of more than five
    "POST /directories/<int:directory_id>/release",
    "POST /directories/<int:directory_id>/voucher", "POST /people/held/<int:held_id>/release",
    "POST /people/held/together/<asker>/release", "POST /people/held/together/<asker>/dismissal",
    "POST /people/waiting-sign-ins/<int:waiting_id>/approval", "POST /sign-in/oidc/confirmation",
}  # fmt: skip

NOT_SIGNED_IN = "nobody is signed in yet, or an end of it"
TAKES_NOTHING_AWAY = "gives nobody access and takes nothing away"
UNDOES = "takes back, pauses or cancels: the careful direction"
ONE_BY_ONE = "one account or a few: previewed, and undone by an invitation"
OF_APP = "a setting of one app; nobody leaves it without Finish Sync, which asks"
PEOPLE = "nobody's seat goes without Finish Sync, which asks; who may sign in is kept by rank"
EXEMPT = {
    NOT_SIGNED_IN: [
        "POST /setup", "POST /sign-in/<token>", "POST /sign-in/password", "POST /sign-in/password/<token>",
        "POST /session", "DELETE /session", "POST /sign-in/second-factor", "POST /sign-in/passkey",
        "POST /sign-in/second-factor/challenges", "POST /sign-in/passkey/challenges", "DELETE /settings/sessions",
        "DELETE /settings/sessions/<int:session_id>",
    ],
    "has a question of its own": [
        "POST /confirmations/<token>", "POST /confirmations/<token>/challenges",
        "POST /settings/your-sign-in/passkeys/challenges",  # leads a script to the page that asks
    ],
    "a directory's token is asked for each time": [
        f"{method} /scim/v2{path}" for method in ("POST", "PUT", "PATCH", "DELETE") for path in ("", "/<rest:path>")],
    TAKES_NOTHING_AWAY: [
        "POST /apps", "POST /apps/<int:app_id>/checks", "POST /apps/<int:app_id>/connection/reading",
        "POST /apps/<int:app_id>/connection/readings", "POST /apps/<int:app_id>/tests",
        "PUT /apps/<int:app_id>/name", "PUT /apps/<int:app_id>/seat-price", "PUT /apps/<int:app_id>/schedule",
        "PUT /apps/<int:app_id>/members/<int:account_id>/protection",
        "PUT /apps/<int:app_id>/members/<int:account_id>/acceptance",
        "DELETE /apps/<int:app_id>/members/<int:account_id>/leaving-out",
        "DELETE /apps/<int:app_id>/rules/left-out/<int:left_out_id>",
        "POST /apps/<int:app_id>/tasks/<int:task_id>/attempts",
        "POST /apps/<int:app_id>/tasks/<int:task_id>/completion",
        "POST /people/<int:person_id>/offboardings/<int:offboarding_id>/tasks/<int:task_id>/attempts",
        "POST /people/<int:person_id>/offboardings/<int:offboarding_id>/tasks/<int:task_id>/completion",
        "POST /directories/new/<kind>/tests", "POST /directories/<int:directory_id>/readings",
        "PUT /directories/<int:directory_id>/place", "POST /directories/<int:directory_id>/lists",
        "DELETE /directories/<int:pushed_id>/refusal",
        "DELETE /directories/<int:directory_id>/lists", "PUT /files/<int:file_id>/answers",
        "DELETE /files/<int:file_id>", "POST /people", "POST /sample", "POST /directories/teams",
        "POST /password-strengths", "PUT /settings/clock",
        "POST /settings/test-mails", "POST /settings/sign-in/tests", "PUT /people/<int:person_id>/hold",
        "PUT /people/<int:person_id>/remove-on", "PUT /theme",
        "POST /views", "PATCH /views/<int:view_id>", "DELETE /views/<int:view_id>",  # of a list: filters and an order
    ],
    UNDOES: [
        "DELETE /sample", "DELETE /sign-in/oidc/confirmation",
        "DELETE /apps/<int:app_id>/members/<int:account_id>/acceptance",
        "DELETE /people/waiting-sign-ins/<int:waiting_id>",
        "DELETE /people/held/<int:held_id>", "DELETE /directories/<int:directory_id>/voucher",
        "DELETE /apps/<int:app_id>/checks/<int:check_id>", "POST /apps/<int:app_id>/pause",
        "DELETE /apps/<int:app_id>/pause", "DELETE /apps/<int:app_id>/tasks/<int:task_id>",
        "DELETE /apps/<int:app_id>/invitations/<int:invitation_id>", "POST /reports/<int:report_id>/dismissal",
        "DELETE /apps/<int:app_id>/members/decisions/<batch>", "DELETE /apps/<int:app_id>",
        "DELETE /people/<int:person_id>/offboardings/<int:offboarding_id>",
        "DELETE /people/<int:person_id>/offboardings/<int:offboarding_id>/tasks/<int:task_id>",
        "POST /directories/<int:directory_id>/pause", "DELETE /directories/<int:directory_id>/pause",
        "DELETE /directories/<int:directory_id>",
    ],
    ONE_BY_ONE: [
        "POST /apps/<int:app_id>/grants", "POST /apps/<int:app_id>/revocations",
        "POST /apps/<int:app_id>/role-changes", "POST /apps/<int:app_id>/invitations",
        "POST /apps/<int:app_id>/invitations/<int:invitation_id>/sendings",
    ],
    OF_APP: [
        "PUT /apps/<int:app_id>/policy", "PUT /apps/<int:app_id>/missing-fields", "PUT /apps/<int:app_id>/columns",
        "POST /apps/<int:app_id>/columns", "POST /apps/<int:app_id>/members/decisions",
        "PUT /apps/<int:app_id>/members/rules", "PUT /apps/<int:app_id>/members/<int:account_id>/match",
        "DELETE /apps/<int:app_id>/members/<int:account_id>/protection", "POST /apps/<int:app_id>/rules",
        "PUT /apps/<int:app_id>/rules/<int:rule_id>", "DELETE /apps/<int:app_id>/rules/<int:rule_id>",
        "PUT /apps/<int:app_id>/rules/policy",
    ],
    PEOPLE: [
        "POST /people/imports", "POST /files/<int:file_id>/use", "POST /people/<int:person_id>/departure",
        "DELETE /people/<int:person_id>/departure", "DELETE /people/<int:person_id>/hold",
        "DELETE /people/<int:person_id>/remove-on", "PUT /directories/<int:directory_id>/ends",
        "PUT /directories/<int:directory_id>/columns", "POST /directories/<int:directory_id>/columns",
        "POST /directories/<int:directory_id>/preview", "PUT /directories/teams/<int:team_id>",
        "DELETE /directories/teams/<int:team_id>",
    ],
}  # fmt: skip


def test_each_route_that_changes_something_asks_or_says_why_not(site: Flask):
    unsafe = {name: endpoint for name, method, endpoint in routes(site) if method != "GET"}
    exempt = [name for names in EXEMPT.values() for name in names]
    assert len(exempt) == len(set(exempt)) and not ASKS & set(exempt)
    assert set(unsafe) - ASKS - set(exempt) == set(), "routes that nobody has decided about"
    assert (ASKS | set(exempt)) - set(unsafe) == set(), "lines without a route"
    marked = {name for name, endpoint in unsafe.items() if hasattr(site.view_functions[endpoint], "asks_again")}
    assert marked == {name for name in ASKS}


def grow_old(person: Person) -> None:
    Session.update(created_at=utcnow() - FRESH - timedelta(seconds=1), confirmed_at=None).where(
        Session.person == person).execute()


@pytest.fixture
def stale(site: Flask, olga: Person) -> Client:
    """Olga's browser, a while after she signed in."""
    browser = Client(site, olga)
    grow_old(olga)
    return browser


def confirmation_of(answer) -> str:
    assert answer.status_code == 422, (answer.status_code, answer.text[:300])
    return re.search(r'action="(/confirmations/[\w-]+)"', answer.text).group(1)


def test_a_person_who_has_just_signed_in_is_not_asked(owner: Client, someone):
    ben = someone("Ben Roth")
    assert owner.send("PUT", f"/people/{ben.id}/workspace-role", role="admin").status_code == 303
    assert not KeptRequest.select().exists()


@pytest.mark.parametrize("htmx", [False, True])
def test_it_is_done_as_it_was_sent(stale: Client, someone, htmx: bool):
    ben = someone("Ben Roth")
    asked = stale.send("PUT", f"/people/{ben.id}/workspace-role", htmx=htmx, role="admin")
    there = confirmation_of(asked)
    assert Person.get_by_id(ben.id).workspace_role is None, "nothing yet"
    if htmx:
        assert (asked.headers["HX-Retarget"], asked.headers["HX-Reselect"]) == ("#dialog", "dialog")
    wrong = stale.post(there, password="not it")
    assert wrong.status_code == 422 and "Wrong password." in wrong.text
    assert Person.get_by_id(ben.id).workspace_role is None
    done = stale.post(there, password=PASSWORD)
    assert done.status_code == 303 and done.location == f"/people/{ben.id}"
    assert Person.get_by_id(ben.id).workspace_role == "admin"
    assert stale.send("PUT", f"/people/{ben.id}/workspace-role", role="user").status_code == 303, "and not asked again"


def test_a_typed_value_is_kept_and_shown_with_its_refusal(stale: Client, someone):
    ben = someone("Ben Roth", "user")
    there = confirmation_of(stale.send("PATCH", f"/people/{ben.id}", name="Ben R.", emails="olga@acme.example"))
    answer = stale.post(there, password=PASSWORD)
    assert answer.status_code == 422 and "belongs to Olga Brandt" in answer.text and "Ben R." in answer.text


def test_no_secret_that_was_typed_is_on_the_page_or_in_the_file(stale: Client, someone):
    ben = someone("Ben Roth", "user")
    asked = stale.send("PUT", f"/people/{ben.id}/password", password="quite another horse battery")
    assert "another horse" not in asked.text
    assert b"another horse" not in bytes(KeptRequest.get().sealed)
    stale.post(confirmation_of(asked), password=PASSWORD)
    assert signing_in.authenticate("ben.roth@acme.example", "quite another horse battery") == ben
    assert not KeptRequest.select().exists()


def test_a_file_is_kept_too(stale: Client):
    data = {"csrf_token": stale.token(), "source": "upload",
            "text": (io.BytesIO(b"email,name\ntom@acme.example,Tom\n"), "staff.csv")}
    asked = stale.client.post("/directories/new/csv", data=data)
    done = stale.post(confirmation_of(asked), password=PASSWORD)
    assert done.status_code == 303, done.text
    assert Directory.get().credential, "the file is in it"


def test_a_file_that_is_too_large_to_keep_is_asked_for_again(stale: Client):
    data = {"csrf_token": stale.token(), "source": "upload", "text": (io.BytesIO(b"x" * (LARGEST + 1)), "staff.csv")}
    asked = stale.client.post("/directories/new/csv", data=data, headers={"HX-Request": "true"})
    done = stale.send("POST", confirmation_of(asked), password=PASSWORD, htmx=True)
    assert TOO_LARGE in json.loads(done.headers["HX-Trigger"])["toast"]["text"] and not Directory.select().exists()


def test_a_code_confirms_too(site: Flask, olga: Person, someone):
    secret, _codes = with_app(olga)
    browser, ben = Client(site), someone("Ben Roth")
    sign_in(browser)
    browser.send("POST", "/sign-in/second-factor", code=code(secret))
    grow_old(olga)
    there = confirmation_of(browser.send("PUT", f"/people/{ben.id}/workspace-role", role="admin"))
    assert browser.post(there, code="000000").status_code == 422
    assert browser.post(there, code=code(secret, 1)).status_code == 303
    assert Person.get_by_id(ben.id).workspace_role == "admin"


def test_guessing_here_is_throttled(stale: Client, someone):
    ben = someone("Ben Roth")
    there = confirmation_of(stale.send("PUT", f"/people/{ben.id}/workspace-role", role="admin"))
    for _ in range(5):
        stale.post(there, password="guess")
    assert stale.post(there, password=PASSWORD).status_code == 429
    assert Person.get_by_id(ben.id).workspace_role is None


def test_nobody_continues_what_another_sent(site: Flask, stale: Client, someone):
    ben, super_admin = someone("Ben Roth"), someone("Sue Per", "super admin")
    there = confirmation_of(stale.send("PUT", f"/people/{ben.id}/workspace-role", role="owner"))
    theirs = Client(site, super_admin)
    assert theirs.post(there, password=PASSWORD).location == "/apps"
    assert Person.get_by_id(ben.id).workspace_role is None


def test_it_is_continued_once_and_not_for_ever(stale: Client, someone, monkeypatch):
    ben = someone("Ben Roth")
    there = confirmation_of(stale.send("PUT", f"/people/{ben.id}/workspace-role", role="admin"))
    KeptRequest.update(ends_at=utcnow()).execute()
    assert stale.post(there, password=PASSWORD).location == "/apps"
    there = confirmation_of(stale.send("PUT", f"/people/{ben.id}/workspace-role", role="admin"))
    with monkeypatch.context() as meanwhile:  # the request of a second click takes it right before this one
        meanwhile.setattr(sessions, "confirm", lambda _session: KeptRequest.delete().execute())
        assert stale.post(there, password=PASSWORD).location == "/apps"
    assert Person.get_by_id(ben.id).workspace_role is None
    there = confirmation_of(stale.send("PUT", f"/people/{ben.id}/workspace-role", role="admin"))
    stale.post(there, password=PASSWORD)
    changes = Activity.select().where(Activity.what == "changed workspace role").count()
    assert stale.post(there, password=PASSWORD).location == "/apps"
    assert Activity.select().where(Activity.what == "changed workspace role").count() == changes


def test_rank_counts_at_the_end_too(site: Flask, someone, by: str):
    boss, ben = someone("Sue Per", "super admin"), someone("Ben Roth")
    signing_in.set_password(boss, "a long enough horse")
    browser = Client(site, boss)
    grow_old(boss)
    there = confirmation_of(browser.send("PUT", f"/people/{ben.id}/workspace-role", role="admin"))
    Person.update(workspace_role="user").where(Person.id == boss.id).execute()
    assert browser.post(there, password="a long enough horse").status_code == 403
    assert Person.get_by_id(ben.id).workspace_role is None


def test_a_person_without_a_way_to_confirm_is_notified(site: Flask, someone):
    boss, ben = someone("Sue Per", "super admin"), someone("Ben Roth")
    browser = Client(site, boss)
    grow_old(boss)
    asked = browser.send("PUT", f"/people/{ben.id}/workspace-role", role="admin")
    assert "nothing to confirm with" in asked.text
    assert browser.post(confirmation_of_link(asked), password="").status_code == 422
    assert browser.post(confirmation_of_link(asked), code="123456").status_code == 422
    first = browser.send("PUT", "/settings/password", password="a long enough horse",
                         password_again="a long enough horse")
    assert first.status_code == 422 and not Person.get_by_id(boss.id).password_hash, "nor does a first password help"


def confirmation_of_link(_answer) -> str:
    """Someone without a second factor knows the address from an earlier page."""
    from sync.sign_in import kept_requests

    session = Session.select().order_by(Session.id.desc()).get()
    row = KeptRequest.get(KeptRequest.session == session)
    kept = kept_requests.json.loads(kept_requests.vault.unseal(row.sealed)["request"])
    return f"/confirmations/{kept_requests.keep(session, kept)}"


def test_a_script_is_led_to_the_page_that_asks(stale: Client):
    answer = stale.post(f"{HERE}/passkeys/challenges")
    assert answer.status_code == 403
    page = stale.get(answer.json["go_to"])
    assert "Confirm that it is you" in page.text
    assert stale.post(answer.json["go_to"], password=PASSWORD).location == HERE


# At the provider


def test_a_fresh_sign_in_at_the_provider_confirms(site: Flask, provider, set_up, jana, someone):
    Person.update(workspace_role="super admin").where(Person.id == jana.id).execute()
    ben = someone("Ben Roth")
    set_up()
    browser = Client(site)
    SignInIdentity.create(issuer=provider.issuer, subject="u-1", person=jana)  # the first time is confirmed
    try_to(browser)
    grow_old(jana)
    asked = browser.send("PUT", f"/people/{ben.id}/workspace-role", role="admin")
    assert "Sign in with Acme SSO again" in asked.text
    begin = re.search(r'href="(/confirmations/[\w-]+/sign-in)"', asked.text).group(1)

    def question() -> dict[str, str]:
        from urllib.parse import parse_qs, urlsplit

        return {name: values[0] for name, values in parse_qs(urlsplit(browser.get(begin).location).query).items()}

    sent = question()
    assert (sent["prompt"], sent["max_age"]) == ("login", "0")
    for stale_answer in ({}, {"auth_time": int(time.time()) - 3600}, {"auth_time": "now"}):
        provider.claims |= {"auth_time": None, **stale_answer}
        assert come_back(browser, question()).status_code == 400
    provider.claims |= {"auth_time": int(time.time()), "sub": "u-2"}
    assert come_back(browser, question()).status_code == 400, "somebody else"
    session = Session.select().order_by(Session.id.desc()).get()
    assert session.confirmed_at is None and Person.get_by_id(ben.id).workspace_role is None
    provider.claims |= {"sub": "u-1"}
    back = come_back(browser, question())
    there = back.location
    assert there == begin.removesuffix("/sign-in") and "Continue</button>" in browser.get(there).text
    assert browser.post(there).location == f"/people/{ben.id}"
    assert Person.get_by_id(ben.id).workspace_role == "admin"


# Mass removals


@pytest.mark.parametrize("count, asks", [(5, False), (6, True)])
def test_more_than_five_removals_at_once_ask(site: Flask, olga: Person, chat, count: int, asks: bool):
    from sync.models import Account

    browser = Client(site, olga)
    grow_old(olga)
    accounts = [row.id for row in Account.select().order_by(Account.id).limit(count)]
    answer = browser.client.post(f"/apps/{chat.app.id}/removals", data={
        "csrf_token": browser.token(), "account": accounts, "reason": "gone"})
    assert ("Confirm that it is you" in answer.text) is asks


@pytest.mark.parametrize("left_out, asks", [(0, True), (1, False)])
def test_finish_sync_of_more_than_five_asks(site: Flask, olga: Person, chat, left_out: int, asks: bool):
    chat.leave(*range(1, 7))
    chat.check()
    report = Report.get(Report.state == "open")
    reports.release(report, "Olga Brandt", Report.get_by_id(report.id).version)
    report = Report.get_by_id(report.id)
    changes = [row.id for row in report.changes.order_by(Change.id)]
    assert len(changes) == 6
    browser = Client(site, olga)
    grow_old(olga)
    answer = browser.client.post(f"/reports/{report.id}/application", data={
        "csrf_token": browser.token(), "version": report.version, "shown": changes, "yes": changes[left_out:],
        f"reason-{changes[0]}": "next week"})
    assert ("Confirm that it is you" in answer.text) is asks
    assert Task.select().exists() is not asks
    if asks:
        assert browser.post(confirmation_of(answer), password=PASSWORD).status_code == 303
        assert Task.select().count() == 6


@pytest.mark.parametrize("count, asks", [(5, False), (6, True)])
def test_offboarding_of_more_than_five_accounts_asks(site: Flask, olga: Person, someone, count: int, asks: bool):
    browser, ben = Client(site, olga), someone("Ben Roth")
    grow_old(olga)
    answer = browser.client.post(f"/people/{ben.id}/offboardings", data={
        "csrf_token": browser.token(), "shown": list(range(1, 8)), "yes": list(range(1, count + 1)), "key": "k"})
    assert ("Confirm that it is you" in answer.text) is asks


def test_a_second_factor_that_is_added_confirms_nothing_else(stale: Client, olga: Person):
    asked = stale.post(f"{HERE}/authenticator")
    assert confirmation_of(asked) and not second_factor.has(olga)
