"""Signing in through a provider of OpenID Connect: who comes in, with which role, and who does not."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from sync.db import utcnow, writing
from sync.models import Activity, Directory, DirectoryEntry, Person, Session, SignInIdentity
from sync.people import people
from sync.sign_in import oidc
from sync.sign_in.oidc import Settings
from tests.web import oidc_fake
from tests.web.client import Client
from tests.web.oidc_fake import CLIENT, SECRET, FakeProvider, by_secret, key, unsigned

JANA = {"email": "jana.kowalski@acme.example", "email_verified": True, "name": "Jana Kowalski"}


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    fake = FakeProvider()
    fake.claims = dict(JANA)
    yield fake
    fake.stop()


@pytest.fixture
def set_up(provider: FakeProvider, olga: Person, by: str) -> Callable[..., Settings]:
    """`set_up(roles=…, default_role=…)` saves settings."""

    def save(**values) -> Settings:
        given = {"issuer": provider.issuer, "client_id": CLIENT, "label": "Acme SSO"} | values
        return oidc.save(Settings(**given), SECRET, "http://127.0.0.1:8000", by)

    return save


@pytest.fixture
def jana(someone) -> Person:
    return someone("Jana Kowalski", "user")


def asked(browser: Client, further: str | None = None) -> dict[str, str]:
    """What the provider is asked when someone clicks the button."""
    went = browser.client.get("/sign-in/oidc", query_string={"next": further} if further else {})
    assert went.status_code == 303, went.text
    return {name: values[0] for name, values in parse_qs(urlsplit(went.location).query).items()}


def come_back(browser: Client, question: dict[str, str], **answer: str | None):
    given = {"code": f"for {question['nonce']}", "state": question["state"]} | answer
    given = {name: value for name, value in given.items() if value is not None}
    return browser.client.get("/sign-in/oidc/answer", query_string=given)


def try_to(browser: Client, further: str | None = None):
    return come_back(browser, asked(browser, further))


def is_in(browser: Client) -> bool:
    return browser.get("/settings").status_code == 200


def test_someone_known_comes_in_by_a_verified_email(anybody, set_up, jana) -> None:
    set_up()
    page = anybody.get("/sign-in?next=/people").text
    assert "Sign in with Acme SSO" in page and "/sign-in/oidc?next=/people" in page
    question = asked(anybody, "/people?search=x")
    assert question["code_challenge_method"] == "S256" and len(question["code_challenge"]) == 43
    assert (question["response_type"], question["scope"]) == ("code", "openid email profile")
    assert question["redirect_uri"].endswith(oidc.RETURN)
    answer = come_back(anybody, question)
    assert (answer.status_code, answer.location) == (303, "/people?search=x")
    assert "Jana Kowalski" in anybody.get("/settings").text
    identity = SignInIdentity.get()
    assert (identity.person, identity.subject, identity.email) == (jana, "u-1", "jana.kowalski@acme.example")
    entry = Activity.get(Activity.what == "signed in", Activity.person == jana)
    assert entry.why == "with Acme SSO"


def test_pkce_and_the_secret_go_to_the_provider_alone(anybody, set_up, provider, jana) -> None:
    set_up()
    question = asked(anybody)
    assert "code_verifier" not in question and SECRET not in str(question)
    come_back(anybody, question)
    assert len(provider.forms[-1]["code_verifier"]) >= 43
    assert "Authorization" in provider.headers[-1] and "client_secret" not in provider.forms[-1]
    provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    set_up(client_id=CLIENT)
    oidc.test(oidc.settings(), None, "http://127.0.0.1:8000")
    assert provider.forms[-1]["client_secret"] == SECRET and "Authorization" not in provider.headers[-1]


WRONG_TOKENS = {
    "another audience": {"aud": "another"},
    "one audience more, for somebody else": {"aud": [CLIENT, "another"], "azp": "another"},
    "audiences without azp": {"aud": ["another", CLIENT]},
    "another issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": None},
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "expired": {"exp": int(time.time()) - 1000},
    "never expires": {"exp": None},
    "expires as a word": {"exp": "tomorrow"},
    "from the future": {"iat": int(time.time()) + 100_000},
    "not yet": {"nbf": int(time.time()) + 100_000},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a number as subject": {"sub": 7},
    "a list as subject": {"sub": ["u-1"]},
    "a subject without end": {"sub": "x" * 300},
    "another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}


@pytest.mark.parametrize("wrong", WRONG_TOKENS.values(), ids=WRONG_TOKENS.keys())
def test_a_token_that_is_not_for_us_lets_nobody_in(anybody, set_up, provider, jana, wrong) -> None:
    set_up()
    provider.claims |= wrong
    answer = try_to(anybody)
    assert answer.status_code == 400 and "Nobody was signed in" in answer.text
    assert not is_in(anybody) and not SignInIdentity.select().exists()


@pytest.mark.parametrize("forge", [
    unsigned, lambda claims: unsigned(claims, "None"), lambda claims: unsigned(claims, "RS256"),
    lambda claims: by_secret(claims, SECRET),
    lambda claims: by_secret(claims, key("a").as_pem(private=False), {"kid": "a"}),
    lambda claims: "x", lambda claims: "..", lambda claims: "e30.e30.e30", lambda claims: "é.é.é",
    lambda claims: unsigned({"a": "x" * 200_000}),
], ids=["none", "None", "cut off", "secret", "public key", "x", "dots", "empty", "not ASCII", "huge"])  # fmt: skip
def test_a_forged_token_lets_nobody_in(anybody, set_up, provider, jana, forge) -> None:
    set_up()
    question = asked(anybody)
    now = int(time.time())
    right = {"iss": provider.issuer, "aud": CLIENT, "sub": "u-1", "iat": now, "exp": now + 300, **JANA}
    provider.id_token = forge(right | {"nonce": question["nonce"]})
    answer = come_back(anybody, question)
    assert answer.status_code == 400 and not is_in(anybody)


def test_a_key_of_someone_else_lets_nobody_in(anybody, set_up, provider, jana) -> None:
    set_up()
    provider.signed_with = "a forged"  # names the key “a”
    answer = try_to(anybody)
    assert answer.status_code == 400 and "not signed by the provider" in answer.text


def test_new_keys_are_read_when_a_token_names_one(anybody, set_up, provider, jana, monkeypatch) -> None:
    monkeypatch.setattr(oidc_fake.discovery, "KEYS_KEPT_AT_LEAST", 0)
    set_up()
    assert try_to(anybody).status_code == 303
    provider.signed_with, provider.published = "b", ["b"]
    assert try_to(anybody).status_code == 303
    assert provider.answers("/keys") == 2


@pytest.mark.parametrize("late, comes_in", [(60, True), (180, False)])
def test_clocks_may_differ_by_two_minutes(anybody, set_up, provider, jana, late, comes_in) -> None:
    set_up()
    provider.claims["exp"] = int(time.time()) - late
    assert (try_to(anybody).status_code == 303) is comes_in
    provider.claims |= {"exp": int(time.time()) + 999, "iat": int(time.time()) + late}
    assert (try_to(anybody).status_code == 303) is comes_in


def test_an_answer_nobody_asked_for(anybody, set_up, site, jana) -> None:
    set_up()
    question = asked(Client(site))
    for answer in (come_back(anybody, question), come_back(anybody, question, state=None),
                   anybody.get("/sign-in/oidc/answer"), anybody.get("/sign-in/oidc/answer?state=x&error=y")):
        assert answer.status_code == 400 and "didn&#39;t begin" in answer.text
    assert not is_in(anybody)


def test_an_answer_is_good_once_even_with_the_old_cookie(anybody, set_up, jana) -> None:
    set_up()
    question = asked(anybody)
    cookie = anybody.client.get_cookie("rollcall").value
    assert come_back(anybody, question).status_code == 303
    assert come_back(anybody, question).status_code == 400, "the session has forgotten it"
    anybody.client.set_cookie("rollcall", cookie)
    answer = come_back(anybody, question)
    assert answer.status_code == 400 and "has already been used" in answer.text


def test_an_answer_that_took_too_long(anybody, set_up, jana) -> None:
    set_up()
    question = asked(anybody)
    with anybody.client.session_transaction() as session:
        from web.oidc import ASKED

        session[ASKED] = [kept | {"at": kept["at"] - 601} for kept in session[ASKED]]
    assert come_back(anybody, question).status_code == 400 and not is_in(anybody)


def test_three_tabs_at_once(anybody, set_up, jana) -> None:
    set_up()
    questions = [asked(anybody, f"/people?page={number}") for number in range(4)]
    assert come_back(anybody, questions[0]).status_code == 400, "the oldest of four is forgotten"
    assert come_back(anybody, questions[1]).location == "/people?page=1"


def test_waiting_sign_ins_fit_into_a_cookie(anybody, set_up, jana) -> None:
    set_up(client_id="c" * 500)
    for number in range(4):
        went = anybody.client.get("/sign-in/oidc", query_string={"next": f"/people?search={number}{'x' * 480}"})
    assert len(went.headers["Set-Cookie"]) < 4000


def test_answers_of_mixed_up_issuers(anybody, set_up, provider, jana, by) -> None:
    set_up()
    assert come_back(anybody, asked(anybody), iss="https://evil.example").status_code == 400
    assert come_back(anybody, asked(anybody), iss=provider.issuer).status_code == 303
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    oidc.test(oidc.settings(), None, "http://127.0.0.1:8000")  # reads it again
    anybody.send("DELETE", "/session")
    assert come_back(anybody, asked(anybody)).status_code == 400, "it promised to name itself"
    question = asked(anybody)
    with writing():
        oidc.set_setting(oidc.KEPT_AS, oidc.setting(oidc.KEPT_AS) | {"client_id": "another"})
    answer = come_back(anybody, question, iss=provider.issuer)
    assert answer.status_code == 400 and "have just been changed" in answer.text and not is_in(anybody)


def test_the_reason_of_a_refusing_provider_is_shown(anybody, set_up, jana) -> None:
    set_up()
    answer = come_back(anybody, asked(anybody), code=None, error="access_denied",
                       error_description="<script>alert(1)</script> You are not assigned")
    assert answer.status_code == 400 and "You are not assigned" in answer.text
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("hostile", ["https://evil.example", "//evil.example", "/\\evil.example", "/a\r\nb", "x" * 999])
def test_never_on_to_another_host(anybody, set_up, jana, hostile) -> None:
    set_up()
    assert try_to(anybody, hostile).location == "/"


def test_signing_in_starts_a_fresh_session(anybody, set_up, jana) -> None:
    set_up()
    token, cookie = anybody.token(), anybody.client.get_cookie("rollcall").value
    question = asked(anybody)
    between = anybody.client.get_cookie("rollcall").value
    come_back(anybody, question)
    assert anybody.send("DELETE", "/session", csrf=token).status_code == 400
    for old in (cookie, between):  # someone else may have planted it
        fixed = Client(anybody.client.application)
        fixed.client.set_cookie("rollcall", old)
        assert not is_in(fixed)


def test_down_the_password_is_the_way_in(anybody, set_up, provider, olga) -> None:
    set_up()
    provider.stop()
    answer = anybody.get("/sign-in/oidc")
    assert answer.status_code == 503 and "password" in answer.text
    asked_again = anybody.get("/sign-in").text  # nobody: it is known
    assert "Until then, use your password." in asked_again
    assert anybody.post("/session", email="olga@acme.example", password="correct horse battery").status_code == 303


def test_discovery_is_asked_for_once(site, set_up, provider, jana) -> None:
    set_up()
    for _ in range(3):
        assert try_to(Client(site)).status_code == 303
    assert provider.answers(oidc_fake.discovery.PATH) == 1 and provider.answers("/keys") == 1


def test_down_in_the_middle(anybody, set_up, provider, jana) -> None:
    set_up()
    provider.userinfo = (503, "")
    oidc.test(oidc.settings(), None, "http://127.0.0.1:8000")
    assert try_to(anybody).status_code == 503 and not is_in(anybody)


def test_the_userinfo_adds_claims(anybody, set_up, provider, jana) -> None:
    provider.userinfo = dict(JANA)
    provider.claims = {}
    set_up()
    assert try_to(anybody).status_code == 303
    provider.userinfo = {"sub": "u-2", **JANA}
    answer = try_to(anybody)
    assert answer.status_code == 400 and "someone other than" in answer.text


def test_a_verified_address_of_the_userinfo_vouches_for_no_other(anybody, set_up, provider, jana) -> None:
    provider.userinfo = {"email": "mallory@evil.example", "email_verified": True}
    provider.claims = {"email": JANA["email"]}
    set_up()
    answer = try_to(anybody)
    assert answer.status_code == 403 and "vouch" in answer.text and not is_in(anybody)


def test_secrets_are_nowhere(anybody, owner, set_up, provider, jana, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    set_up()
    texts = [owner.get("/settings/sign-in").text, owner.get("/settings").text]
    provider.token_answer = (401, {"error": "invalid_client", "error_description": f"bad secret {SECRET}"})
    question = asked(anybody)
    texts.append(come_back(anybody, question, code="a-code-to-keep").text)
    assert "client id or secret" in texts[-1]
    texts.append(owner.send("POST", "/settings/sign-in/tests", issuer=provider.issuer, client_id=CLIENT,
                            scopes="openid", label="x").text)
    provider.token_answer = (200, {"id_token": 7, "access_token": SECRET})
    texts.append(try_to(anybody).text)
    texts += [str(row) for row in Activity.select().dicts()] + [record.getMessage() for record in caplog.records]
    assert not [text for text in texts if SECRET in text or "a-code-to-keep" in text]
    assert SECRET not in str(oidc.setting(oidc.KEPT_AS))


def test_deprovisioned_is_out_at_once_and_stays_out(anybody, set_up, jana, by) -> None:
    set_up()
    try_to(anybody)
    assert is_in(anybody)
    people.mark_left(jana, by, "Last day was Friday")
    assert not is_in(anybody) and not Session.select().where(Session.person == jana).exists()
    answer = try_to(anybody)
    assert answer.status_code == 403 and "Marked as left by Olga Brandt: Last day was Friday" in answer.text
    refused = Activity.get(Activity.what == "refused sign-in")
    assert refused.person == jana and "left" in refused.why


def test_suspended_is_refused_with_the_reason(anybody, set_up, jana, by) -> None:
    set_up()
    directory = Directory.create(kind="csv", name="Staff", vouched_for=True)
    DirectoryEntry.create(directory=directory, external_id="1", person=jana, status="suspended",
                          reported_status="suspended", reason="Disabled in Staff")
    people.recompute_status([jana.id], by)
    answer = try_to(anybody)
    assert answer.status_code == 403 and "Disabled in Staff" in answer.text and not is_in(anybody)


def test_a_session_of_a_provider_ends_after_twelve_hours(anybody, set_up, jana) -> None:
    set_up()
    try_to(anybody)
    with writing():
        Session.update(seen_at=utcnow() - timedelta(minutes=5) * 2).execute()
    assert is_in(anybody)
    session = Session.get(Session.person == jana)
    assert session.ends_at <= utcnow() + timedelta(hours=12) and session.seen_at > utcnow() - timedelta(minutes=5)


def test_signing_out_continues_to_the_provider(anybody, set_up, provider, jana) -> None:
    set_up()
    try_to(anybody)
    answer = anybody.send("DELETE", "/session")
    address = answer.headers["Refresh"].removeprefix("0; url=")
    query = parse_qs(urlsplit(address).query)
    assert address.startswith(provider.issuer + "/end?")
    assert query["post_logout_redirect_uri"] == ["http://127.0.0.1:8000/sign-in"] and query["id_token_hint"]
    assert not is_in(anybody)
    assert anybody.send("DELETE", "/session").location == "/sign-in"


def test_signing_out_where_the_provider_offers_none_or_a_password_began(site, set_up, provider, jana, olga) -> None:
    provider.metadata = {"end_session_endpoint": None}
    set_up()
    browser = Client(site)
    try_to(browser)
    assert browser.send("DELETE", "/session").location == "/sign-in"
    provider.metadata = {}
    oidc.test(oidc.settings(), None, "http://127.0.0.1:8000")
    assert Client(site, olga).send("DELETE", "/session").location == "/sign-in"


def test_taken_away(anybody, set_up, jana, by) -> None:
    set_up()
    try_to(anybody)
    oidc.remove(by)
    assert is_in(anybody) and anybody.send("DELETE", "/session").location == "/sign-in"
    assert "Acme SSO" not in anybody.get("/sign-in").text
    assert anybody.get("/sign-in/oidc").status_code == 400 and not oidc.has_secret()


def test_a_changed_label_is_on_the_button(anybody, set_up, jana, by) -> None:
    known = set_up()
    oidc.save(replace(known, label="<b>Acme</b>"), None, "http://127.0.0.1:8000", by)
    assert "&lt;b&gt;Acme&lt;/b&gt;" in anybody.get("/sign-in").text
