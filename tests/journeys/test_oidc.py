"""Signing in through the company's provider, from setting it up to being out of it, in a real browser."""

from __future__ import annotations

import pytest

from sync.models import Person
from sync.people import people
from sync.sign_in import oidc
from sync.sign_in.oidc import Settings
from tests.journeys.looks import Look, look_at, nothing_wrong, opens
from tests.real.oidc_server import CLIENT, SECRET, OidcServer

OF_THE_PROVIDER = ("ERR_NAME_NOT_RESOLVED", "status of 404")  # its pages want a font of the Internet and an icon
EVERYONE = {
    "jana": {"email": "jana@acme.example", "email_verified": True, "name": "Jana Kowalski", "groups": ["IT"]},
    "tom": {"email": "tom@acme.example", "email_verified": True, "name": "Tom Okafor", "groups": ["Lunch"]},
}


@pytest.fixture
def provider(oidc_server: OidcServer, live) -> OidcServer:
    oidc_server.people = EVERYONE
    oidc_server.start(live.url)
    return oidc_server


def fill_in(page, issuer: str) -> None:
    page.fill("[name=issuer]", issuer)
    page.fill("[name=client_id]", CLIENT)
    page.fill("[name=client_secret]", SECRET)
    page.fill("[name=label]", "Acme SSO")
    page.fill("[name=scopes]", "openid email profile groups")
    page.fill("[aria-label='Group 1']", "IT")
    page.select_option("[aria-label='Role of group 1']", "admin")


def sign_in(page, login: str) -> None:
    """At the provider's own pages: who it is, and that Rollcall may know."""
    page.click("#with-provider")
    page.fill("[name=login]", login)
    page.fill("[name=password]", "any")
    page.click("button[type=submit]")
    page.click("button[type=submit]")


def test_from_setting_it_up_to_being_out(visit, live, provider, olga: Person, by: str) -> None:
    owner = visit(olga, expected=("status of 422",), at="/settings")
    owner.click("#sign-in-settings")
    assert owner.input_value("[aria-label='Redirect address']") == live.url + oidc.RETURN
    fill_in(owner, provider.issuer + "/nowhere")
    owner.click("text=Test sign-in settings")
    owner.wait_for_selector("#test >> text=There is no provider at")
    assert oidc.settings() is None
    owner.fill("[name=issuer]", provider.issuer)
    owner.click("text=Test sign-in settings")
    owner.wait_for_selector("#test >> text=These settings work")
    owner.click("button >> text=Save")
    owner.wait_for_selector("#toasts >> text=Saved")

    jana = visit(None, expected=OF_THE_PROVIDER, at=None)
    jana.goto(live.url + "/people?search=olga")
    sign_in(jana, "jana")
    jana.wait_for_url(live.url + "/people?search=olga")
    assert "Jana Kowalski" in jana.inner_text(".drawer-foot") and "Admin" in jana.inner_text(".drawer-foot")

    people.mark_left(people.find_by_email("jana@acme.example"), by, "Last day was Friday")
    jana.reload()
    assert jana.url.startswith(live.url + "/sign-in?next=")

    again = visit(None, expected=(*OF_THE_PROVIDER, "status of 403"))
    sign_in(again, "jana")
    again.wait_for_selector("[role=alert] >> text=Marked as left by Olga Brandt: Last day was Friday")
    again.goto(live.url + "/apps")
    assert "/sign-in" in again.url


def test_signing_out_signs_out_at_the_provider_too(visit, live, provider, olga: Person, by: str) -> None:
    oidc.save(Settings(provider.issuer, CLIENT, "Acme SSO", default_role="user"), SECRET, live.url, by)
    tom = visit(None, expected=OF_THE_PROVIDER)
    sign_in(tom, "tom")
    tom.wait_for_url(live.url + "/")
    tom.click(".drawer-foot >> text=Sign out")
    tom.click("button[value=yes]")  # the provider asks
    tom.wait_for_url(live.url + "/sign-in**")
    tom.click("#with-provider")
    tom.wait_for_selector("[name=login]")


def test_down_the_password_is_the_way_in(visit, live, provider, olga: Person, by: str) -> None:
    oidc.save(Settings(provider.issuer, CLIENT, "Acme SSO"), SECRET, live.url, by)
    provider.stop()
    oidc.connectors.provider(provider.issuer, CLIENT).forget()
    page = visit(None, expected=("status of 503",))
    page.click("#with-provider")
    page.wait_for_selector("[role=alert] >> text=Sign in with your password")
    page.goto(live.url + "/sign-in")
    page.wait_for_selector("text=Until then, use your password.")
    page.fill("[name=email]", "olga@acme.example")
    page.fill("[name=password]", "correct horse battery")
    page.click("form >> text=Sign in")
    page.wait_for_url(live.url + "/")


def test_without_javascript(visit, live, provider, olga: Person) -> None:
    page = visit(olga, javascript=False, at="/settings/sign-in")
    fill_in(page, provider.issuer)
    page.click("text=Test sign-in settings")
    page.wait_for_selector("#test >> text=These settings work")
    page.fill("[name=client_secret]", SECRET)
    page.click("button >> text=Save")
    page.wait_for_selector("#toasts >> text=Saved")
    assert oidc.settings().roles == (("IT", "admin"),)


def _test(page) -> None:
    page.click("text=Test sign-in settings")
    page.wait_for_selector("#test .banner")


def _refused(page) -> None:
    page.click("#with-provider")
    page.wait_for_selector("[role=alert]")


def test_looks(visit, live, provider, olga: Person, by: str) -> None:
    page = visit(olga, expected=("status of 422", "status of 503"), at=None)
    wrong = look_at(page, live.url, Look("oidc-first", "/settings/sign-in"))
    roles = (("0f1c9e52-41d8-4a2c-9d7e-6a1b1f0c2d3e", "owner"), ("IT", "admin"), ("Everyone at Acme", "user"))
    oidc.save(Settings(provider.issuer, CLIENT, "Acme SSO", roles=roles), SECRET, live.url, by)
    looks = [
        Look("oidc-settings-card", "/settings"),
        Look("oidc-removal", "/settings/sign-in", opens("#take-away")),
        Look("oidc-settings", "/settings/sign-in", _test),
    ]
    outside = visit(None, expected=("status of 503",), at=None)
    wrong += look_at(page, live.url, *looks)
    wrong += look_at(outside, live.url, Look("oidc-sign-in", "/sign-in"))
    provider.stop()
    oidc.connectors.provider(provider.issuer, CLIENT).forget()
    wrong += look_at(page, live.url, Look("oidc-settings-wrong", "/settings/sign-in", _test))
    wrong += look_at(outside, live.url, Look("oidc-sign-in-refused", "/sign-in", _refused))
    wrong += look_at(outside, live.url, Look("oidc-sign-in-down", "/sign-in"))
    nothing_wrong(wrong)
