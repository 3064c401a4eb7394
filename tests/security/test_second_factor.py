"""A second factor keeps out who knows the password alone: authenticator apps, recovery codes, and who must have one."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sync.apps import apps
from sync.db import db
from sync.models import Activity, AuthenticatorApp, Mail, PendingSignIn, Person, RecoveryCode, Session
from sync.sign_in import attempts, authenticator, recovery_codes, second_factor
from sync.sign_in import sign_in as signing_in
from sync.workspace import update_workspace, workspace
from tests.security.factors import HERE, STEP, code, codes_of, secret_of, sign_in, with_app
from tests.web.client import Client
from tests.web.test_permissions import routes


def entries_of(what: str) -> int:
    return Activity.select().where(Activity.what == what).count()


def test_from_setting_it_up_to_signing_in_with_it(site, owner: Client, olga: Person):
    elsewhere = Client(site, olga)
    assert owner.post(f"{HERE}/authenticator").location == f"{HERE}/authenticator"
    page = owner.get(f"{HERE}/authenticator").text
    assert "<svg" in page and "style=" not in page, "the policy doesn't let inline styles through"
    secret = secret_of(page)
    assert owner.send("PUT", f"{HERE}/authenticator", code="000000").status_code == 422
    assert not second_factor.has(olga), "it counts once a first code has come"
    done = owner.send("PUT", f"{HERE}/authenticator", code=code(secret))
    assert len(codes_of(done.text)) == 10 and second_factor.has(olga)
    assert not codes_of(owner.get(HERE).text), "they are shown once"
    assert elsewhere.get("/settings").status_code == 303, "browsers without it are signed out"
    assert "added to your sign-in: authenticator app" in Mail.get(Mail.kind == "sign-in changed").text

    browser = Client(site)
    assert sign_in(browser, next="/people").location == f"{STEP}?next=/people"
    assert browser.get("/people").status_code == 303, "half signed in opens nothing"
    assert browser.send("POST", STEP, code="000000").status_code == 422
    assert browser.get("/people").status_code == 303
    assert browser.send("POST", STEP, code=code(secret, 1), next="/people").location == "/people"
    assert browser.get("/people").status_code == 200
    session = Session.select().order_by(Session.id.desc()).get()
    assert (session.method, session.second_factor) == ("password", "authenticator app")


def test_the_secret_is_sealed(olga: Person):
    secret, codes = with_app(olga)
    kept = " ".join(str(row) for table in ("authenticatorapp", "recoverycode", "authenticator_app", "recovery_code")
                    if table in db.get_tables() for row in db.execute_sql(f"SELECT * FROM {table}").fetchall())
    assert kept and secret not in kept and not [one for one in codes if one in kept or one.replace("-", "") in kept]


@pytest.mark.parametrize("steps, fits", [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_a_step_off(olga: Person, steps: int, fits: bool, monkeypatch: pytest.MonkeyPatch):
    secret, _codes = with_app(olga)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)  # or a step might begin between the code and the look at it
    AuthenticatorApp.update(last_step=0).execute()
    assert authenticator.take(olga, code(secret, steps)) is fits


def test_a_code_is_good_once_and_those_before_it_no_longer(olga: Person):
    secret, _codes = with_app(olga)
    given = code(secret, 1)
    assert authenticator.take(olga, given)
    assert not authenticator.take(olga, given)
    assert not authenticator.take(olga, code(secret))


def test_the_code_that_set_it_up_signs_in_nobody(olga: Person):
    secret = authenticator.offer(olga)
    given = code(secret)
    authenticator.confirm(olga, given)
    assert not authenticator.take(olga, given)


@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_of_many_requests_at_once_with_one_code_one_gets_in(site, olga: Person, kind: str):
    secret, codes = with_app(olga)
    given = code(secret, 1) if kind == "app" else codes[0]
    browsers = [Client(site) for _ in range(4)]
    for browser in browsers:
        sign_in(browser)
    together = threading.Barrier(len(browsers))

    def enter(browser: Client) -> int:
        token = browser.token()
        together.wait()
        return browser.send("POST", STEP, csrf=token, code=given).status_code

    with ThreadPoolExecutor(len(browsers)) as threads:
        assert sorted(threads.map(enter, browsers)) == [303, 422, 422, 422]


def test_a_recovery_code_is_good_once_and_the_person_hears_of_it(site, olga: Person):
    _secret, codes = with_app(olga)
    browser = Client(site)
    sign_in(browser)
    assert browser.send("POST", STEP, code=codes[3].upper().replace("-", " ")).status_code == 303
    assert "9" in browser.get(HERE).text and second_factor.of(olga).codes_left == 9
    assert entries_of("used recovery code") == 1
    [mail] = [mail for mail in Mail.select() if "recovery code was used" in mail.text]
    assert mail.to == "olga@acme.example" and "9 recovery codes are left" in mail.text
    again = Client(site)
    sign_in(again)
    assert again.send("POST", STEP, code=codes[3]).status_code == 422


def test_a_new_set_of_codes_replaces_the_old(site, owner: Client, olga: Person):
    _secret, before = with_app(olga)
    browser = Client(site)
    sign_in(browser)
    browser.send("POST", STEP, code=before[0])
    now = codes_of(browser.post(f"{HERE}/recovery-codes").text)
    assert len(now) == 10 and not set(now) & set(before)
    assert not recovery_codes.take(olga, before[1]) and recovery_codes.take(olga, now[1])


def test_codes_of_another_person_are_no_codes(site, olga: Person, someone):
    ben = someone("Ben Roth", "admin")
    signing_in.set_password(ben, "a long enough horse")
    secret, codes = with_app(olga)
    with_app(ben)
    browser = Client(site)
    sign_in(browser, "ben.roth@acme.example", "a long enough horse")
    assert browser.send("POST", STEP, code=codes[0]).status_code == 422
    assert browser.send("POST", STEP, code=code(secret)).status_code == 422


def test_guessing_codes_is_throttled_also_for_the_right_one(site, olga: Person):
    secret, codes = with_app(olga)
    for _ in range(attempts.OF_PERSON):
        browser = Client(site)  # from a fresh browser each: it is the person that counts
        sign_in(browser)
        browser.send("POST", STEP, code="123456")
    for given in (code(secret, 1), codes[0]):
        answer = browser.send("POST", STEP, code=given)
        assert answer.status_code == 429 and "Too many wrong codes" in answer.text
    assert "wrong codes" in Activity.get(Activity.what == "locked out").why


def test_a_link_alone_is_one_factor(site, olga: Person):
    secret, _codes = with_app(olga)
    browser = Client(site)
    assert browser.sign_in(olga).location.startswith(STEP)
    assert browser.get("/apps").status_code == 303
    assert browser.send("POST", STEP, code=code(secret)).status_code == 303
    assert browser.get("/apps").status_code == 200


def test_a_half_sign_in_ends(site, olga: Person, by: str):
    secret, _codes = with_app(olga)
    late, changed, gone, once = (Client(site) for _ in range(4))
    for browser in (late, changed, gone, once):
        sign_in(browser)
    cookie = once.client.get_cookie("rollcall")
    assert once.send("POST", STEP, code=code(secret)).status_code == 303
    once.client.set_cookie("rollcall", cookie.value)
    assert once.get(STEP).status_code == 303, "it is used up, also for an old cookie"
    PendingSignIn.update(ends_at=PendingSignIn.select().order_by(PendingSignIn.id).get().ends_at.replace(2020)).where(
        PendingSignIn.id == PendingSignIn.select().order_by(PendingSignIn.id).get().id).execute()
    assert late.send("POST", STEP, code=code(secret, 1)).status_code == 410
    signing_in.set_password(olga, "quite another horse battery")
    assert changed.send("POST", STEP, code=code(secret, 1)).status_code == 410


def test_removing_the_last_takes_the_codes_with_it(site, owner: Client, olga: Person):
    secret, codes = with_app(olga)
    browser = Client(site)
    sign_in(browser)
    browser.send("POST", STEP, code=code(secret))
    stolen = Client(site)
    sign_in(stolen)
    stolen.send("POST", STEP, code=codes[1])
    assert stolen.get("/people").status_code == 200
    assert browser.send("DELETE", f"{HERE}/authenticator").location == HERE
    assert not second_factor.has(olga) and not RecoveryCode.select().exists()
    assert "removed from your sign-in" in Mail.select().order_by(Mail.id.desc()).get().text
    assert stolen.get("/people").location.startswith("/sign-in"), "another browser is signed out"
    assert browser.get("/people").status_code == 200
    plain = Client(site)
    assert sign_in(plain).location == "/" and not recovery_codes.take(olga, codes[0])


def test_a_person_who_removed_the_factor_is_asked_again_once_it_is_required(site, olga: Person, someone, by: str):
    ben = someone("Ben Roth", "admin")
    signing_in.set_password(ben, "a long enough horse")
    secret, _codes = with_app(ben)
    his = Client(site)
    sign_in(his, "ben.roth@acme.example", "a long enough horse")
    his.send("POST", STEP, code=code(secret))
    his.send("DELETE", f"{HERE}/authenticator")
    assert his.get("/people").status_code == 200
    _required(by)
    assert his.get("/people").location == HERE


# Who must have one


def _required(by: str) -> None:
    update_workspace(by, second_factor_required=True)


def test_only_an_owner_who_has_one_requires_it(site, owner: Client, olga: Person, someone):
    refused = owner.send("PUT", "/settings/second-factor", required="yes")
    assert refused.status_code == 422 and "for yourself first" in refused.text
    assert not workspace().second_factor_required
    with_app(olga)
    hers = Client(site)
    secret, _codes = with_app(olga)
    sign_in(hers)
    hers.send("POST", STEP, code=code(secret))
    assert hers.send("PUT", "/settings/second-factor", required="yes").location == "/settings"
    assert workspace().second_factor_required


@pytest.mark.parametrize("role, manages_as, must", [
    ("owner", None, True), ("super admin", None, True), ("admin", None, True), ("user", None, False),
    ("guest", None, False), ("user", "owner", True), ("user", "collaborator", False),
])  # fmt: skip
def test_people_who_manage_must_have_one(site, chat, someone, by: str, role: str, manages_as: str | None, must: bool):
    person = someone("Mana Ger", role)
    if manages_as:
        apps.set_manager(chat.app, person, manages_as, by)
    _required(by)
    assert Client(site, person).get("/apps").status_code == (303 if must else 200)


OPEN_WHILE_SETTING_UP = {
    "your_sign_in", "signin", "second_step", "oidc", "setup", "health", "scim", "static", "password_strength",
    "forgotten"}  # open to everyone
CONFIRMING = {"confirming"}  # asks again who it is: tests/security/test_confirming.py


@pytest.mark.parametrize("htmx", [False, True])
def test_without_one_nothing_else_is_open(site, someone, by: str, htmx: bool):
    """Every route of the map, pages and parts."""
    _required(by)
    browser = Client(site, someone("Ada Admin", "owner"))
    token, let_in = browser.token(), []
    for name, method, endpoint in routes(site):
        area = endpoint.partition(".")[0]
        if area in OPEN_WHILE_SETTING_UP | CONFIRMING:
            continue
        address = name.partition(" ")[2].replace("<path:filename>", "x")
        for part in ("<int:app_id>", "<int:person_id>"):
            address = address.replace(part, "1")
        address = "".join("1" if "<" in part else part for part in _split(address))
        answer = browser.get(address, htmx) if method == "GET" else browser.send(method, address, htmx, csrf=token)
        led = answer.headers.get("HX-Redirect") if htmx else answer.location
        if led != HERE or answer.status_code != (403 if htmx else 303):
            let_in.append(f"{name}: {answer.status_code} {led}")
    assert not let_in, "\n".join(let_in)


def _split(address: str) -> list[str]:
    """The parts of an address, what stands for a value apart."""
    import re

    return re.split(r"(<[^>]+>)", address)


def test_once_it_is_there_everything_is_open(site, someone, by: str):
    _required(by)
    browser = Client(site, someone("Ada Admin", "admin"))
    assert "requires a second factor" in browser.get(HERE).text
    browser.post(f"{HERE}/authenticator")
    secret = secret_of(browser.get(f"{HERE}/authenticator").text)
    browser.send("PUT", f"{HERE}/authenticator", code=code(secret))
    assert browser.get("/people").status_code == 200
    kept = browser.send("DELETE", f"{HERE}/authenticator")
    assert kept.status_code == 422 and "add another one before" in kept.text
    assert browser.get("/people").status_code == 200


# Who lost theirs


def test_an_owner_resets_it_and_the_person_hears_of_it(site, owner: Client, someone):
    ben = someone("Ben Roth", "admin")
    his = Client(site, ben)
    with_app(ben)
    assert owner.send("DELETE", f"/people/{ben.id}/second-factor").status_code == 303
    assert not second_factor.has(ben) and his.get("/apps").status_code == 303
    assert entries_of("reset second factor") == 1
    mail = Mail.select().order_by(Mail.id.desc()).get()
    assert mail.to == "ben.roth@acme.example" and "was reset" in mail.text and "By Olga Brandt" in mail.text


@pytest.mark.parametrize("role, of, may", [
    ("owner", "owner", True), ("owner", "super admin", True), ("super admin", "admin", True),
    ("super admin", "super admin", False), ("super admin", "owner", False), ("admin", "user", False),
    ("user", "guest", False),
])  # fmt: skip
def test_nobody_resets_at_or_above_their_rank(site, someone, role: str, of: str, may: bool):
    other = someone("Ott Other", of)
    with_app(other)
    browser = Client(site, someone("Act Or", role))
    assert browser.send("DELETE", f"/people/{other.id}/second-factor").status_code == (303 if may else 403)
    assert second_factor.has(other) is not may


def test_nobody_resets_their_own(owner: Client, olga: Person):
    assert owner.send("DELETE", f"/people/{olga.id}/second-factor").status_code == 403


def test_the_set_up_link_lets_the_last_owner_in_without_the_lost_device(site, olga: Person):
    _secret, codes = with_app(olga)
    Person.update(status="suspended").where(Person.id == olga.id).execute()
    token = signing_in.setup_link_token()
    anybody = Client(site)
    page = anybody.get(f"/setup?token={token}").text
    given = {"workspace": "Acme", "name": "Olga Brandt", "email": "olga@acme.example",
             "password": "quite another horse", "password_again": "quite another horse"}
    answer = anybody.send("POST", "/setup", csrf=Client._token(page), token=token, **given)
    assert answer.status_code == 303 and not second_factor.has(olga)
    assert anybody.get("/people").status_code == 200 and not recovery_codes.take(olga, codes[0])
