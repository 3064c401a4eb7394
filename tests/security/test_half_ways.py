"""Between the steps of signing in, and between signing in and what is delicate: nothing slips through there, and
nobody is locked out there by a stranger."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from flask import Flask

from sync.db import connected, utcnow
from sync.models import KeptRequest, Person, Session
from sync.people.people import PeopleProblem
from sync.sign_in import attempts, authenticator, kept_requests, passwords, second_factor, sessions
from sync.sign_in import sign_in as signing_in
from sync.sign_in.sessions import FRESH, Way, session_of, start_session
from sync.states import SecondFactor, SignInMethod
from sync.workspace import update_workspace
from tests.security.factors import HERE, PASSWORD, STEP, code, secret_of, sign_in, with_app
from tests.web.client import Client
from tests.web.test_oidc import try_to


def last_session() -> Session:
    return Session.select().order_by(Session.id.desc()).get()


# What is delicate, after a sign-in that proved nothing new


@pytest.mark.parametrize("minutes_ago, is_fresh", [(0, True), (14, True), (16, False), (600, False)])
def test_a_provider_that_knew_them_already_proves_nothing_new(anybody, provider, set_up, jana, minutes_ago: int,
                                                              is_fresh: bool):  # fmt: skip
    set_up()
    provider.claims |= {"auth_time": int(time.time()) - 60 * minutes_ago}
    try_to(anybody)
    assert sessions.is_fresh(last_session()) is is_fresh
    assert ("Confirm that it is you" in anybody.post(f"{HERE}/authenticator").text) is not is_fresh


@pytest.mark.parametrize("odd", [None, True, 4_000_000_000, -(10**20), 10**20, 1.5e300])
def test_a_time_that_cant_be_is_no_time(anybody, provider, set_up, jana, odd):
    set_up()
    provider.claims |= {"auth_time": odd}
    assert try_to(anybody).status_code == 303
    assert last_session().confirmed_at is None


def test_the_second_factor_is_a_new_proof(anybody, provider, set_up, jana):
    set_up()
    secret, _codes = with_app(jana)
    provider.claims |= {"auth_time": int(time.time()) - 36_000}
    try_to(anybody)
    assert anybody.send("POST", STEP, code=code(secret)).status_code == 303
    assert sessions.is_fresh(last_session())


# Setting up


def test_a_form_that_is_sent_twice_at_once_loses_no_factor(olga: Person, monkeypatch: pytest.MonkeyPatch):
    """Two requests have read the same offered secret before one of them makes it count."""
    given, together, problems = code(authenticator.offer(olga)), threading.Barrier(2), []
    reading = authenticator._step_of

    def both_have_read(*values) -> int | None:
        found = reading(*values)
        together.wait(60)
        return found

    monkeypatch.setattr(authenticator, "_step_of", both_have_read)

    def confirm() -> None:
        with connected():
            try:
                authenticator.confirm(olga, given)
            except PeopleProblem as problem:
                problems.append(problem)

    threads = [threading.Thread(target=confirm) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert second_factor.has(olga) and len(problems) == 1


def test_the_secret_that_counts_is_the_one_whose_code_came(olga: Person, monkeypatch: pytest.MonkeyPatch):
    seen, reading = authenticator.offer(olga), authenticator._step_of

    def another_is_offered_in_between(*values) -> int | None:
        monkeypatch.setattr(authenticator, "_step_of", reading)
        authenticator.offer(olga)
        return reading(*values)

    monkeypatch.setattr(authenticator, "_step_of", another_is_offered_in_between)
    with pytest.raises(PeopleProblem):
        authenticator.confirm(olga, code(seen))
    assert not second_factor.has(olga) and authenticator.offered(olga) != seen


def test_a_secret_that_waits_is_not_shown_long_after_the_sign_in(owner: Client, olga: Person):
    owner.post(f"{HERE}/authenticator")
    secret = secret_of(owner.get(f"{HERE}/authenticator").text)
    Session.update(created_at=utcnow() - FRESH - timedelta(seconds=1)).execute()
    later = owner.get(f"{HERE}/authenticator")
    assert later.location == HERE and secret not in later.text
    assert authenticator.offered(olga) == secret, "a code of it still counts, for who confirms that it is them"


def test_a_person_who_removes_the_last_factor_stays_signed_in(site: Flask, someone, by: str):
    ada = someone("Ada Admin", "admin")
    signing_in.set_password(ada, "a long enough horse")
    secret, _codes = with_app(ada)
    browser = Client(site)
    sign_in(browser, "ada.admin@acme.example", "a long enough horse")
    browser.send("POST", STEP, code=code(secret))
    assert browser.send("DELETE", f"{HERE}/authenticator").location == HERE
    assert last_session().second_factor == ""
    update_workspace(by, second_factor_required=True)
    assert browser.get("/people").location == HERE


def test_the_providers_factor_stays_proved(olga: Person):
    with_app(olga)
    session = session_of(start_session(olga, Way(SignInMethod.PROVIDER, SecondFactor.PROVIDER)))
    second_factor.remove_app(olga, session)
    assert Session.get_by_id(session.id).second_factor == SecondFactor.PROVIDER


def test_a_sign_in_while_the_first_factor_is_added_needs_that_factor(site: Flask, olga: Person,
                                                                            monkeypatch: pytest.MonkeyPatch):
    """The look whether there is a factor and the session that follows are one step: nothing comes between."""
    looking, adding = second_factor.has, []

    def add() -> None:
        with connected():
            with_app(olga)

    def one_is_added_right_after(person: Person) -> bool:
        found = looking(person)
        if not adding:
            adding.append(threading.Thread(target=add))
            adding[0].start()
            adding[0].join(1)  # it waits for the session where the two are one step
        return found

    monkeypatch.setattr(second_factor, "has", one_is_added_right_after)
    browser = Client(site)
    sign_in(browser)
    adding[0].join()
    assert browser.get("/settings").status_code == 303, "the first factor signs out who is in without it"


# The second step


def test_a_password_that_is_hashed_again_in_the_meantime_still_leads_to_the_second_step(site: Flask, olga: Person):
    secret, _codes = with_app(olga)
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    Person.update(password_hash=weak).where(Person.id == olga.id).execute()
    browser = Client(site)
    sign_in(browser)
    assert browser.send("POST", STEP, code=code(secret)).status_code == 303
    assert not passwords.is_outdated(Person.get_by_id(olga.id).password_hash)


def test_a_strangers_failures_close_the_second_step_to_no_known_browser(site: Flask, olga: Person):
    secret, _codes = with_app(olga)
    mine, unknown = Client(site), Client(site)
    sign_in(mine)
    mine.send("POST", STEP, code=code(secret))
    mine.send("DELETE", "/session")
    for number in range(attempts.OF_SOURCE):  # by a stranger in the same network
        signing_in.authenticate(f"p{number}@acme.example", "Winter2026!", source="127.0.0.1")
    sign_in(mine)
    assert mine.send("POST", STEP, code=code(secret, 1)).status_code == 303
    assert sign_in(unknown).status_code == 429


def test_a_password_thief_cannot_close_the_second_step_to_a_known_browser(site: Flask, olga: Person):
    secret, _codes = with_app(olga)
    mine, thief = Client(site), Client(site)
    sign_in(mine)
    mine.send("POST", STEP, code=code(secret))
    mine.send("DELETE", "/session")
    sign_in(thief)
    for _ in range(attempts.OF_PERSON):
        thief.send("POST", STEP, code="123456")
    assert thief.send("POST", STEP, code=code(secret, 1)).status_code == 429
    sign_in(mine)
    for _ in range(attempts.OF_PERSON - 1):
        assert mine.send("POST", STEP, code="123456").status_code == 422
    assert mine.send("POST", STEP, code=code(secret, 1)).status_code == 303


def test_a_known_browser_guesses_no_more_codes_than_another(site: Flask, olga: Person):
    secret, _codes = with_app(olga)
    mine = Client(site)
    sign_in(mine)
    mine.send("POST", STEP, code=code(secret))
    mine.send("DELETE", "/session")
    sign_in(mine)
    for _ in range(attempts.OF_PERSON):
        assert mine.send("POST", STEP, code="123456").status_code == 422
    assert mine.send("POST", STEP, code=code(secret, 1)).status_code == 429


# What is kept


def test_an_unconfirmed_request_expires_without_another_request(olga: Person):
    session = session_of(start_session(olga, Way(SignInMethod.PASSWORD)))
    kept_requests.keep(session, {"form": [["password", "quite another horse battery"]]})
    kept_requests.delete_expired(utcnow())
    assert KeptRequest.select().count() == 1
    kept_requests.delete_expired(utcnow() + kept_requests.LASTS + timedelta(seconds=1))
    assert not KeptRequest.select().exists()


# A password that is changed while another is being compared


def _changes_in_between(monkeypatch: pytest.MonkeyPatch, person: Person) -> None:
    """The person sets another password right after the old one was found to fit."""
    comparing = passwords.fits

    def fits(password_hash: str | None, password: str) -> bool:
        found = comparing(password_hash, password)
        monkeypatch.setattr(passwords, "fits", comparing)
        signing_in.set_password(Person.get_by_id(person.id), "quite another horse battery")
        return found

    monkeypatch.setattr(passwords, "fits", fits)


def test_the_old_password_signs_in_nobody_once_it_was_changed(site: Flask, olga: Person,
                                                               monkeypatch: pytest.MonkeyPatch):
    """Otherwise someone who is signing in with a stolen one keeps a session after "you were signed out everywhere"."""
    thief = Client(site)
    _changes_in_between(monkeypatch, olga)
    answer = sign_in(thief)
    assert answer.status_code == 410 and "Start again" in answer.text
    assert not Session.select().exists() and thief.get("/apps").status_code == 303


def test_hashing_the_old_password_again_does_not_bring_it_back(olga: Person, monkeypatch: pytest.MonkeyPatch):
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    Person.update(password_hash=weak).where(Person.id == olga.id).execute()
    _changes_in_between(monkeypatch, olga)
    signing_in.authenticate("olga@acme.example", PASSWORD)
    assert signing_in.authenticate("olga@acme.example", PASSWORD) is None
    assert signing_in.authenticate("olga@acme.example", "quite another horse battery") == olga


def test_a_person_who_leaves_is_not_signed_in(site: Flask, someone, by: str, monkeypatch: pytest.MonkeyPatch):
    ben = someone("Ben Roth", "user")
    signing_in.set_password(ben, "a long enough horse")
    looking = signing_in.authenticate

    def leaves_right_after(*values) -> Person | None:
        found = looking(*values)
        Person.update(status="suspended").where(Person.id == ben.id).execute()
        return found

    monkeypatch.setattr(signing_in, "authenticate", leaves_right_after)
    assert sign_in(Client(site), "ben.roth@acme.example", "a long enough horse").status_code == 410
    assert not Session.select().where(Session.person == ben).exists()
