"""A provider's claims about a sign-in count as two factors or don't; missing claims never do."""

from __future__ import annotations

import pytest

from sync.models import Session, SignInIdentity
from sync.sign_in.provider_factors import are_two
from sync.workspace import update_workspace
from tests.security.factors import HERE, STEP, code, with_app
from tests.web.client import Client
from tests.web.test_oidc import asked, is_in, try_to


@pytest.mark.parametrize("amr, two", [
    (["mfa"], True), (["pwd", "mfa"], True), (["pwd", "otp"], True), (["pwd", "hwk"], True), (["pin", "sc"], True),
    (["hwk", "fpt"], True), (["swk", "face"], True), (["pwd", "iris"], True),
    (["pwd"], False), (["otp"], False), (["hwk"], False), (["fpt"], False), (["pwd", "pin"], False),
    (["otp", "hwk"], False), (["face", "fpt"], False), (["pwd", "sms"], False), (["pwd", "tel"], False),
    (["pwd", "user"], False), (["pwd", "rba", "geo"], False), (["pwd", "wia"], False), (["pwd", "mca"], False),
    ([], False), (None, False), ("mfa", False), ("pwd otp", False), ({"mfa": True}, False), ([["mfa"], 1, None], False),
    (["MFA"], False),
])  # fmt: skip
def test_methods(amr, two: bool):
    assert are_two({"amr": amr} if amr is not None else {}, "") is two


@pytest.mark.parametrize("acr, configured, two", [
    ("gold", "gold", True), ("2", "2 3", True), ("3", "2 3", True),
    ("1", "2 3", False), ("", "", False), ("gold", "", False), (None, "gold", False), (["gold"], "gold", False),
    ("2 3", "2 3", False), (2, "2", False),
])  # fmt: skip
def test_levels(acr, configured: str, two: bool):
    assert are_two({"acr": acr}, configured) is two


def test_two_factors_at_the_provider_suffice(anybody, provider, set_up, jana):
    set_up()
    with_app(jana)
    provider.claims |= {"amr": ["pwd", "mfa"]}
    assert try_to(anybody).location == "/" and is_in(anybody)
    session = Session.select().order_by(Session.id.desc()).get()
    assert (session.method, session.second_factor) == ("provider", "identity provider")


def test_one_factor_at_the_provider_needs_the_second_here(site, anybody, provider, set_up, jana):
    set_up()
    secret, _codes = with_app(jana)
    provider.claims |= {"amr": ["pwd"]}
    assert try_to(anybody).location.startswith(STEP) and not is_in(anybody)
    assert anybody.send("POST", STEP, code=code(secret)).status_code == 303 and is_in(anybody)
    session = Session.select().order_by(Session.id.desc()).get()
    assert (session.method, session.second_factor) == ("provider", "authenticator app")
    assert session.provider, "signing out there still works"


def test_userinfo_does_not_say_how_someone_signed_in(anybody, provider, set_up, jana):
    provider.userinfo = {"amr": ["mfa"], "acr": "gold"}
    set_up(factor_acr="gold")
    with_app(jana)
    assert try_to(anybody).location.startswith(STEP) and not is_in(anybody)


def test_the_levels_are_asked_for_and_counted(anybody, provider, set_up, jana):
    set_up(factor_acr="gold silver")
    with_app(jana)
    assert asked(anybody)["acr_values"] == "gold silver"
    provider.claims |= {"acr": "bronze"}
    assert try_to(anybody).location.startswith(STEP)
    provider.claims |= {"acr": "silver"}
    assert try_to(anybody).location == "/" and is_in(anybody)


def test_the_requirement_counts_the_providers_factor(site, provider, set_up, someone, by):
    jana = someone("Jana Kowalski", "admin")
    SignInIdentity.create(issuer=provider.issuer, subject="u-1", person=jana)  # the first time is confirmed
    set_up()
    update_workspace(by, second_factor_required=True)
    plain, strong = Client(site), Client(site)
    try_to(plain)
    assert plain.get("/people").location == HERE
    provider.claims |= {"amr": ["mfa"]}
    try_to(strong)
    assert strong.get("/people").status_code == 200
