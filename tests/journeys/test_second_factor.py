"""A second factor from adding it to signing in with it, in a real browser: Chromium's own virtual authenticator makes
the passkeys (WebAuthn level 3, section 12; the DevTools protocol's WebAuthn domain)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.config import Config
from sync.models import Passkey, Person, Session
from sync.people import people
from sync.sign_in import second_factor
from sync.workspace import update_workspace
from tests.journeys.browser import Live, door, serving
from tests.journeys.looks import Look, look_at, nothing_wrong, opens
from tests.security.factors import HERE, PASSWORD, code, with_app


@pytest.fixture
def live(home: Path, config: Config) -> Iterator[Live]:
    """By a name: browsers know no passkeys at an IP address."""
    with serving(config, "http://localhost:{port}", door()) as running:
        yield running


def device(page):
    """A phone or laptop that asks for a finger, and gets it."""
    known = page.tab.add_device({
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    })  # fmt: skip
    return page.tab.wire, known


def carry(of, to) -> None:
    """The passkeys of one tab's device, in another tab's: the same phone before another browser."""
    session, known = of
    other, there = to
    for credential in session.send("WebAuthn.getCredentials", {"authenticatorId": known})["credentials"]:
        other.send("WebAuthn.addCredential", {"authenticatorId": there, "credential": credential})


def sign_in(page, live: Live, password: str = PASSWORD) -> None:
    page.goto(live.url + "/sign-in?next=/people")
    page.fill("[name=email]", "olga@acme.example")
    page.fill("[name=password]", password)
    page.click("form >> text=Sign in >> nth=0")


def test_a_passkey_from_adding_it_to_removing_it(visit, live: Live, olga: Person) -> None:
    page = visit(olga, at=None)
    phone = device(page)
    page.goto(live.url + "/settings")
    page.click("#your-sign-in")
    page.fill("[name=name]", "Olga's phone")
    page.click("button >> text=Add a passkey")
    page.wait_for_selector("text=Your recovery codes")
    assert page.locator(".codes li").count() == 10
    page.click("text=I have saved them")
    page.wait_for_selector("text=Olga's phone")

    alone = visit(None, at=None)
    carry(phone, in_hand := device(alone))
    alone.goto(live.url + "/sign-in?next=/people")
    alone.click("text=Sign in with a passkey")
    alone.wait_for_url(live.url + "/people")
    assert Session.select().order_by(Session.id.desc()).get().method == "passkey"

    after = visit(None, at=None)
    carry(in_hand, device(after))
    sign_in(after, live)
    after.wait_for_selector("text=One more step")
    after.click("text=Use your passkey")
    after.wait_for_url(live.url + "/people")
    after.goto(live.url + HERE)
    after.click("[aria-label=\"Remove the passkey Olga's phone\"]")
    after.wait_for_selector("#toasts >> text=It no longer signs you in")
    assert not Passkey.select().exists()


def test_a_device_that_says_no_leaves_the_page_as_it_was(visit, live: Live, olga: Person) -> None:
    page = visit(olga, at=None)
    session, known = device(page)
    page.goto(live.url + HERE)
    session.send("WebAuthn.setUserVerified", {"authenticatorId": known, "isUserVerified": False})
    session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": known})
    session.send("WebAuthn.addVirtualAuthenticator", {"options": {
        "protocol": "u2f", "transport": "usb", "automaticPresenceSimulation": True}})
    page.goto(live.url + "/sign-in")
    page.context.clear_cookies()
    page.goto(live.url + "/sign-in")
    page.click("text=Sign in with a passkey")
    page.wait_for_selector("form[data-passkey] .error:not([hidden])")
    assert page.url.endswith("/sign-in")


@pytest.mark.parametrize("javascript", [True, False])
def test_an_app_from_setting_it_up_to_a_recovery_code(visit, live: Live, olga: Person, javascript: bool) -> None:
    page = visit(olga, javascript=javascript, expected=("status of 422",), at=HERE)
    page.click("text=Set up an authenticator app")
    secret = page.inner_text("code.secret").replace(" ", "")
    page.fill("[name=code]", "000000")
    page.click("button >> text=Confirm")
    page.wait_for_selector("[role=alert] >> text=is wrong")
    page.fill("[name=code]", code(secret))
    page.click("button >> text=Confirm")
    page.wait_for_selector("text=Your recovery codes")
    codes = page.locator(".codes code").all_inner_texts()

    with_phone = visit(None, javascript=javascript, expected=("status of 422",), at=None)
    sign_in(with_phone, live)
    spent = code(secret, 1)
    with_phone.fill("[name=code]", spent)
    with_phone.click("button >> text=Sign in")
    with_phone.wait_for_url(live.url + "/people")

    without = visit(None, javascript=javascript, expected=("status of 422",), at=None)
    sign_in(without, live)
    without.fill("[name=code]", spent)
    without.click("button >> text=Sign in")
    without.wait_for_selector("[role=alert] >> text=already used")
    without.fill("[name=code]", codes[0])
    without.click("button >> text=Sign in")
    without.wait_for_url(live.url + "/people")


def test_people_who_need_one_are_led_to_it(visit, live: Live, olga: Person, someone_who_manages: Person, by: str):
    with_app(olga)
    update_workspace(by, second_factor_required=True)
    page = visit(someone_who_manages)
    page.wait_for_url(live.url + HERE)
    page.click(".drawer-links >> text=People")
    page.wait_for_selector("text=Your workspace requires a second factor.")
    device(page)
    page.click("button >> text=Add a passkey")
    page.click("text=I have saved them")
    page.click(".drawer-links >> text=People")
    page.wait_for_url(live.url + "/people")


@pytest.fixture
def someone_who_manages(by: str) -> Person:
    return people.add("Ben Roth", "ben@acme.example", by, workspace_role="admin")


def test_sessions_are_signed_out_one_by_one(visit, live: Live, olga: Person) -> None:
    here, there = visit(olga, at=None), visit(olga, at=None)
    here.goto(live.url + "/settings")
    here.click("#your-sessions")
    here.click("[aria-label^='Sign out Chrome']")
    here.wait_for_selector("#toasts >> text=signed out")
    there.goto(live.url + "/apps")
    assert "/sign-in" in there.url


def test_how_strong_a_password_is_shows_while_typing(visit, live: Live, olga: Person, someone_who_manages) -> None:
    page = visit(olga, at=HERE)
    page.locator("#f-password").press_sequentially("password")
    page.wait_for_selector(".strength >> text=Too short: 8 of 12")
    page.fill("#f-password", "blue kettle runs north")
    page.wait_for_selector(".strength >> text=trong")
    page.goto(f"{live.url}/people/{someone_who_manages.id}")
    opens("#set-password")(page)
    page.locator("#f-password").press_sequentially("ben@acme.example")
    page.wait_for_selector(".strength >> text=Your own name or address")


def _half(page, live: Live) -> None:
    page.context.clear_cookies()
    sign_in(page, live)
    page.wait_for_selector("text=One more step")


def test_looks(visit, live: Live, olga: Person, someone_who_manages: Person, by: str) -> None:
    page = visit(olga, at=None)
    wrong = look_at(page, live.url, Look("factors-first", HERE))
    device(page)

    def add(page) -> None:
        page.click("button >> text=Add a passkey")
        page.wait_for_selector(".codes")

    def app(page) -> None:
        page.click("text=Set up an authenticator app")
        page.wait_for_selector(".qr")

    wrong += look_at(page, live.url, Look("factors-codes", HERE, add))
    wrong += look_at(page, live.url, Look("factors-app", HERE, app))
    with_app(someone_who_manages)
    secret, _codes = with_app(olga)
    outside = visit(None, at=None)
    wrong += look_at(outside, live.url, Look("factors-sign-in", "/sign-in"))
    wrong += look_at(outside, live.url, Look("factors-step", "/sign-in", lambda page: _half(page, live)))
    outside.fill("[name=code]", code(secret, 1))
    outside.click("form >> text=Sign in")
    outside.wait_for_url(live.url + "/people")
    wrong += look_at(outside, live.url, Look("factors", HERE))
    wrong += look_at(outside, live.url, Look("factors-settings", "/settings"))
    other = f"/people/{someone_who_manages.id}"
    wrong += look_at(outside, live.url, Look("factors-reset", other, opens("#reset-second-factor")))

    def typed(page) -> None:
        opens("#set-password")(page)
        page.locator("#f-password").press_sequentially("password1234")
        page.wait_for_selector(".strength .badge")

    wrong += look_at(outside, live.url, Look("factors-strength", other, typed))
    second_factor.reset(someone_who_manages, by)
    update_workspace(by, second_factor_required=True)
    ben = visit(someone_who_manages, at=None)
    wrong += look_at(ben, live.url, Look("factors-must", HERE))
    nothing_wrong(wrong)
