"""Passkeys sign in alone or after the password; one of another site, browser, person or time is refused."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from webauthn.helpers import base64url_to_bytes

from app import create_app
from sync.config import Config
from sync.db import utcnow
from sync.models import Activity, Mail, Passkey, Person, Session
from sync.people import people
from sync.sign_in import passkeys, second_factor
from sync.sign_in import sign_in as signing_in
from sync.sign_in.sessions import FRESH
from tests.security.authenticator import SecurityKey
from tests.security.factors import HERE, STEP, codes_of, sign_in
from tests.web.client import Client

URL = "https://rollcall.acme.example"


@pytest.fixture
def secure_site(home, config: Config):
    """As a proxy with TLS serves it, below a path of its host."""
    return create_app(replace(config, url=f"{URL}/team"))


def below(address: str) -> str:
    return address if address.startswith("/team") else f"/team{address}"


class Browser(Client):
    """Asks and answers as static/passkeys.js does, by https and below the path."""

    def options(self, address: str) -> dict:
        answer = self.send("POST", address)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text)

    def get(self, address: str, htmx: bool = False, **headers: str):
        return self.client.get(below(address), base_url=URL, headers=headers)

    def follow(self, address: str):
        return self.get(address)

    def token(self) -> str:
        return self._token(self.client.get("/team/settings", base_url=URL, follow_redirects=True).text)

    def send(self, method: str, address: str, htmx: bool = False, csrf: str | None = None, **values):
        if method != "POST":
            address += f"?_method={method}"
        data = {"csrf_token": self.token() if csrf is None else csrf, **values}
        return self.client.post(below(address), base_url=URL, data=data, headers={"Referer": f"{URL}/"})

    def add(self, key: SecurityKey, name: str = "Phone"):
        options = self.options(f"{HERE}/passkeys/challenges")
        return self.send("POST", f"{HERE}/passkeys", credential=key.make(options), name=name)

    def alone(self, key: SecurityKey, **wrong):
        options = self.options("/sign-in/passkey/challenges")
        return self.send("POST", "/sign-in/passkey", credential=key.use(options, **wrong))

    def step(self, key: SecurityKey, **wrong):
        options = self.options(f"{STEP}/challenges")
        return self.send("POST", STEP, credential=key.use(options, **wrong))


@pytest.fixture
def key() -> SecurityKey:
    return SecurityKey()


@pytest.fixture
def hers(secure_site, olga: Person, key: SecurityKey) -> Browser:
    """Olga's browser, with a passkey."""
    browser = Browser(secure_site, olga)
    assert len(codes_of(browser.add(key).text)) == 10
    return browser


def in_by(browser: Browser) -> tuple[str, str] | None:
    """How the browser signed in; None for one that isn't."""
    if browser.get("/apps").status_code != 200:
        return None
    session = Session.select().order_by(Session.id.desc()).get()
    return session.method, session.second_factor


def test_added_named_used_and_removed(secure_site, hers: Browser, olga: Person, key: SecurityKey):
    page = hers.get(HERE).text
    assert "Phone" in page and "Not yet" in page
    browser = Browser(secure_site)
    assert browser.alone(key).status_code == 303 and in_by(browser) == ("passkey", "passkey")
    assert Passkey.get().used_at is not None
    after = Browser(secure_site)
    assert sign_in(after).location.endswith("/second-factor?next=/team/")
    assert in_by(after) is None
    assert after.step(key).status_code == 303 and in_by(after) == ("password", "passkey")
    assert after.send("DELETE", f"{HERE}/passkeys/{Passkey.get().id}").status_code == 303
    assert not second_factor.has(olga)
    assert Browser(secure_site).alone(key).status_code == 422
    assert [mail.text.count("passkey “Phone”") for mail in Mail.select()] == [1, 1]


def test_the_device_gets_the_right_challenge(hers: Browser):
    alone = hers.options("/sign-in/passkey/challenges")
    assert (alone["rpId"], alone["userVerification"], alone["allowCredentials"]) == (
        "rollcall.acme.example", "required", [])
    more = hers.options(f"{HERE}/passkeys/challenges")
    assert more["rp"]["id"] == "rollcall.acme.example" and len(more["excludeCredentials"]) == 1
    assert "olga" not in base64url_to_bytes(more["user"]["id"]).decode("latin-1")


@pytest.mark.parametrize("wrong", [
    {"origin": "https://rollcall.acme.example.evil.example"}, {"origin": "http://rollcall.acme.example"},
    {"origin": f"{URL}:8443"}, {"host": "evil.example"}, {"host": "acme.example"},
])  # fmt: skip
def test_an_answer_to_another_sites_challenge_is_refused(secure_site, hers: Browser, key: SecurityKey, wrong: dict):
    for name, value in wrong.items():
        setattr(key, name, value)
    browser = Browser(secure_site)
    assert browser.alone(key).status_code == 422 and in_by(browser) is None
    sign_in(browser)
    assert browser.step(key).status_code == 422 and in_by(browser) is None
    other = replace(key, credential_id=b"another" * 5)
    assert hers.add(other).status_code == 422 and Passkey.select().count() == 1


def test_the_host_of_a_request_decides_nothing(secure_site):
    evil, client = "https://evil.example", secure_site.test_client()
    token = Browser._token(client.get("/team/sign-in", base_url=evil).text)
    answer = client.post("/team/sign-in/passkey/challenges", base_url=evil, data={"csrf_token": token},
                         headers={"Referer": f"{evil}/", "X-Forwarded-Host": "evil.example"})
    assert json.loads(answer.text)["rpId"] == "rollcall.acme.example"


def test_alone_the_device_must_have_asked_who_it_is(secure_site, hers: Browser, key: SecurityKey):
    key.verifies = False
    browser = Browser(secure_site)
    assert browser.alone(key).status_code == 422 and in_by(browser) is None
    sign_in(browser)
    assert browser.step(key).status_code == 303, "after the password it is the second factor"


def test_a_challenge_is_good_once_for_one_browser_and_one_purpose(secure_site, hers: Browser, key: SecurityKey):
    browser, other = Browser(secure_site), Browser(secure_site)
    options = browser.options("/sign-in/passkey/challenges")
    answer = key.use(options)
    assert other.send("POST", "/sign-in/passkey", credential=answer).status_code == 422, "of another browser"
    cookie = browser.client.get_cookie("__Secure-rollcall", domain="rollcall.acme.example", path="/team")
    assert cookie is not None
    assert browser.send("POST", "/sign-in/passkey", credential=answer).status_code == 303
    replayed = Browser(secure_site)
    replayed.client.set_cookie(cookie.key, cookie.value, domain="rollcall.acme.example", path="/team", secure=True)
    assert replayed.send("POST", "/sign-in/passkey", credential=answer).status_code == 422, "a second time"
    half = Browser(secure_site)
    sign_in(half)
    for_step = half.options(f"{STEP}/challenges")
    assert half.send("POST", "/sign-in/passkey", credential=key.use(for_step)).status_code == 422, "for another use"


def test_a_challenge_expires(secure_site, hers: Browser, key: SecurityKey, monkeypatch: pytest.MonkeyPatch):
    browser, now = Browser(secure_site), time.time()
    options = browser.options("/sign-in/passkey/challenges")
    monkeypatch.setattr(passkeys.time, "time", lambda: now + passkeys.PATIENCE + 2)
    late = browser.send("POST", "/sign-in/passkey", credential=key.use(options))
    assert late.status_code == 422 and "five minutes" in late.text


def test_a_counter_that_went_back_is_refused_and_written_down(secure_site, hers: Browser, key: SecurityKey):
    assert Browser(secure_site).alone(key).status_code == 303
    for count in (0, key.count - 1, key.count - 2):  # 0: a copy that hides that it counts
        key.count = count
        browser = Browser(secure_site)
        refused = browser.alone(key)
        assert refused.status_code == 422 and "may have been copied" in refused.text and in_by(browser) is None
        key.count = Passkey.get().sign_count
    assert Activity.select().where(Activity.what == "refused passkey").count() == 3
    assert Mail.select().where(Mail.text.contains("may have been copied")).count() == 3


def test_a_confirmed_request_continues_below_a_path_too(secure_site, hers: Browser, key: SecurityKey, someone):
    ben = someone("Ben Roth")
    Session.update(created_at=utcnow() - FRESH, confirmed_at=None).execute()
    asked = hers.send("PUT", f"/people/{ben.id}/workspace-role", role="admin")
    there = re.search(r'action="/team(/confirmations/[\w-]+)"', asked.text).group(1)
    answer = key.use(hers.options(f"{there}/challenges"))
    other = SecurityKey()
    assert hers.send("POST", there, credential=other.use(hers.options(f"{there}/challenges"))).status_code == 422
    assert hers.send("POST", there, credential=answer).status_code == 422, "its challenge has been replaced"
    done = hers.send("POST", there, credential=key.use(hers.options(f"{there}/challenges")))
    assert done.location == f"/team/people/{ben.id}" and Person.get_by_id(ben.id).workspace_role == "admin"


def test_a_device_that_does_not_count_signs_in_again_and_again(secure_site, olga: Person):
    key = SecurityKey(count=0)
    Browser(secure_site, olga).add(key)
    for _ in range(2):
        assert Browser(secure_site).alone(key).status_code == 303


def test_wrong_codes_of_a_stranger_lock_no_passkey_out(secure_site, hers: Browser, key: SecurityKey):
    stranger = Browser(secure_site)
    sign_in(stranger)
    for _ in range(6):
        last = stranger.send("POST", STEP, code="123456")
    assert last.status_code == 429
    browser = Browser(secure_site)
    sign_in(browser)
    assert browser.step(key).status_code == 303 and in_by(browser) == ("password", "passkey")


def test_anothers_passkey_is_no_second_factor(secure_site, hers: Browser, key: SecurityKey, someone):
    ben, his = someone("Ben Roth", "admin"), SecurityKey()
    signing_in.set_password(ben, "a long enough horse")
    Browser(secure_site, ben).add(his)
    browser = Browser(secure_site)
    sign_in(browser, "ben.roth@acme.example", "a long enough horse")
    assert browser.step(key).status_code == 422 and in_by(browser) is None
    assert Browser(secure_site).alone(his, userHandle=key.handle).status_code == 422
    assert his.handle != key.handle


def test_a_person_who_has_left_has_no_passkey_sign_in(secure_site, hers: Browser, key: SecurityKey, someone, by: str):
    ben, his = someone("Ben Roth", "admin"), SecurityKey()
    Browser(secure_site, ben).add(his)
    people.mark_left(ben, by)
    browser = Browser(secure_site)
    assert browser.alone(his).status_code == 422 and in_by(browser) is None


def test_nobody_removes_anothers(secure_site, hers: Browser, someone):
    his = Browser(secure_site, someone("Ben Roth", "owner"))
    assert his.send("DELETE", f"{HERE}/passkeys/{Passkey.get().id}").status_code == 422
    assert Passkey.select().count() == 1


@pytest.mark.parametrize("answer", [
    "", "null", "[]", "{}", '{"id": 1}', '{"id": "x", "response": {}}', "[" * 5000, "x" * 30_000,
    '{"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {"clientDataJSON": "!", "signature": 1}}',
])  # fmt: skip
def test_nonsense_is_refused_in_words(secure_site, hers: Browser, answer: str):
    for address, ask in ((f"{HERE}/passkeys", f"{HERE}/passkeys/challenges"),
                         ("/sign-in/passkey", "/sign-in/passkey/challenges")):
        hers.options(ask)
        refused = hers.send("POST", address, credential=answer)
        assert refused.status_code == 422 and 'role="alert"' in refused.text


def _mangled(answer: str) -> Iterator[str]:
    sent = json.loads(answer)
    for name, value in sent["response"].items():
        for other in ("", value[:-4], "AAAA" + value[4:], value + "AAAA", value[::-1]):
            yield json.dumps({**sent, "response": {**sent["response"], name: other}})
        yield json.dumps({**sent, "response": {key: text for key, text in sent["response"].items() if key != name}})


def test_nothing_that_was_changed_on_the_way_is_accepted(hers: Browser, key: SecurityKey):
    here = passkeys.site(URL)

    def ask() -> tuple[dict, dict]:
        options, kept = passkeys.to_prove(here, passkeys.Purpose.SIGN_IN)
        return json.loads(options), kept

    mangled = len(list(_mangled(key.use(ask()[0]))))
    for place in range(mangled):
        options, kept = ask()
        with pytest.raises(passkeys.PasskeyProblem):
            passkeys.prove(here, passkeys.Purpose.SIGN_IN, kept, list(_mangled(key.use(options)))[place])
    options, kept = ask()
    assert passkeys.prove(here, passkeys.Purpose.SIGN_IN, kept, key.use(options)).name == "Olga Brandt"


@pytest.mark.parametrize("url, works", [
    ("https://rollcall.acme.example/team", passkeys.Site("rollcall.acme.example", "https://rollcall.acme.example")),
    ("https://rollcall.acme.example:8443", passkeys.Site("rollcall.acme.example", "https://rollcall.acme.example:8443")),
    ("http://localhost:8000", passkeys.Site("localhost", "http://localhost:8000")),
    ("http://rollcall.acme.example", None), ("https://10.1.2.3", None), ("http://127.0.0.1:8000", None),
    ("https://[::1]", None),
])  # fmt: skip
def test_where_passkeys_work(url: str, works):
    assert passkeys.site(url) == works
