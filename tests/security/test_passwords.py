"""Weak passwords are refused, guessing is slow whichever way it is spread, and nobody is locked out by a stranger."""

from __future__ import annotations

import logging
import threading
import time

import pytest
from itsdangerous import URLSafeTimedSerializer

from sync.models import Activity, SignInAttempt
from sync.people import people
from sync.people.people import PeopleProblem
from sync.sign_in import attempts, passwords, sign_in
from sync.sign_in.attempts import TooManyAttempts
from tests.web.client import Client

PASSWORD = "correct horse battery"


@pytest.mark.parametrize("password", [
    "12345678901", "123456789012", " " * 12, "password1234", "qwertyuiopas", "abcabcabcabc", "olga@acme.example",
    "Olga Brandt!", "OlgaBrandt 1", "rollcall-acme",
])  # fmt: skip
def test_a_common_password_or_the_own_name_is_refused(olga, password: str):
    with pytest.raises(PeopleProblem):
        sign_in.set_password(olga, password)
    assert sign_in.authenticate("olga@acme.example", PASSWORD)


def test_the_refusal_says_what_to_do_and_nothing_of_the_password(olga):
    with pytest.raises(PeopleProblem, match="easy to guess. This is similar to a commonly used password"):
        sign_in.set_password(olga, "qwertyuiopas")
    assert passwords.strength("four unrelated words").score == 4
    assert passwords.strength("x" * 100_000).score <= 1, "answered at once, whatever its length"


def test_several_addresses_of_a_person_are_one_count(olga, by):
    people.edit(olga, by, emails=["olga@acme.example", "o@acme.example", "brandt@acme.example"])
    for email in ("olga@acme.example", "o@acme.example", "brandt@acme.example", "olga@acme.example", "o@acme.example"):
        assert sign_in.authenticate(email, "wrong") is None
    with pytest.raises(TooManyAttempts):
        sign_in.authenticate("brandt@acme.example", PASSWORD)


def test_one_password_over_many_addresses_is_slowed_by_its_source(olga):
    for number in range(attempts.OF_SOURCE):
        assert sign_in.authenticate(f"p{number}@acme.example", "Winter2026!", source="203.0.113.7") is None
    with pytest.raises(TooManyAttempts, match="from your network"):
        sign_in.authenticate("olga@acme.example", PASSWORD, source="203.0.113.7")
    assert sign_in.authenticate("olga@acme.example", PASSWORD, source="198.51.100.1") == olga


def test_all_of_an_ipv6_customers_addresses_are_one_source():
    assert attempts.network("2001:db8:1:2:3::4") == attempts.network("2001:db8:1:2:ffff::1")
    assert attempts.network("2001:db8:1:2::1") != attempts.network("2001:db8:1:3::1")


def test_a_stranger_locks_out_no_browser_that_has_signed_in_before(site, olga):
    mine, stranger = Client(site), Client(site)
    assert mine.post("/session", email="olga@acme.example", password=PASSWORD).status_code == 303
    mine.send("DELETE", "/session")
    for _again in range(attempts.OF_PERSON):
        stranger.post("/session", email="olga@acme.example", password="wrong")
    assert stranger.post("/session", email="olga@acme.example", password=PASSWORD).status_code == 429
    assert mine.post("/session", email="olga@acme.example", password=PASSWORD).status_code == 303


def test_a_known_browser_has_a_count_of_its_own_and_its_cookie_cant_be_forged(site, olga):
    mine = Client(site, olga)
    mine.send("DELETE", "/session")
    for _again in range(attempts.OF_PERSON):
        assert mine.post("/session", email="olga@acme.example", password="wrong").status_code == 422
    assert mine.post("/session", email="olga@acme.example", password=PASSWORD).status_code == 429
    assert Client(site).post("/session", email="olga@acme.example", password=PASSWORD).status_code == 303
    cookie = mine.client.get_cookie("rollcall-known")
    assert cookie.http_only and cookie.same_site == "Lax"
    forged = Client(site)
    sealed = URLSafeTimedSerializer(b"another key", salt="known browser").dumps({"id": "forged", "people": [olga.id]})
    forged.client.set_cookie("rollcall-known", sealed)
    for _again in range(attempts.OF_PERSON):
        forged.post("/session", email="olga@acme.example", password="wrong")
    assert not [row.key for row in SignInAttempt.select() if row.key.startswith("browser forged ")]
    assert forged.post("/session", email="olga@acme.example", password=PASSWORD).status_code == 429


def test_many_guesses_at_once_dont_slip_past_the_count(olga):
    tried, lock = [], threading.Lock()

    def guess() -> None:
        try:
            sign_in.authenticate("olga@acme.example", "wrong")
            with lock:
                tried.append("compared")
        except PeopleProblem:
            pass

    threads = [threading.Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tried) <= attempts.OF_PERSON


def test_at_most_two_are_hashed_at_once_and_nobody_waits_for_ever(monkeypatch):
    running, most, lock, go = [], [], threading.Lock(), threading.Event()

    class Slow:
        def verify(self, *_: str) -> bool:
            with lock:
                running.append(1)
                most.append(len(running))
            go.wait(60)
            with lock:
                running.pop()
            return True

    monkeypatch.setattr(passwords, "hasher", Slow())
    monkeypatch.setattr(passwords, "WAIT_SECONDS", 0.05)
    threads = [threading.Thread(target=passwords.fits, args=("hash", "x")) for _ in range(2)]
    for thread in threads:
        thread.start()
    while len(most) < 2:
        time.sleep(0.001)
    with pytest.raises(passwords.Busy, match="try again in a moment"):
        passwords.fits("hash", "x")
    go.set()
    for thread in threads:
        thread.join()
    assert max(most) == 2


def test_how_strong_it_is_is_shown_as_it_is_typed(owner: Client, someone, caplog):
    caplog.set_level(logging.DEBUG)
    ben = someone("Benedict Rothschild", "user")

    def body(password: str, query: str = "") -> str:
        answer = owner.post(f"/password-strengths{query}", password=password)
        assert answer.status_code == 200 and (not password or password not in answer.text)
        return answer.text

    assert "Too short: 5 of 12 characters" in body("abcde")
    assert "asy to guess" in body("password1234")
    assert "Strong" in body("blue kettle runs north") or "strong" in body("blue kettle runs north")
    assert "Your own name" in body("olga@acme.example") and "Your own name" not in body("benedict.rothschild")
    assert "Your own name" in body("benedict.rothschild", f"?person={ben.id}")
    assert not body("").strip()
    assert "kettle" not in caplog.text


def test_only_someone_who_sets_a_password_is_answered(site, olga):
    assert Client(site).post("/password-strengths", password="blue kettle runs north").status_code == 404
    assert Client(site).post("/password-strengths", password="x", token="guess").status_code == 404


@pytest.mark.parametrize("role, expected", [("owner", True), ("super admin", True), ("admin", False), ("guest", False)])
def test_a_name_in_a_password_is_reported_only_to_people_who_may_set_it(site, someone, role: str, expected: bool):
    """Else a guest finds out by guessing which addresses are known here."""
    ben = someone("Benedict Rothschild", "guest")
    asking = Client(site, someone("Ada Asker", role))
    answer = asking.post(f"/password-strengths?person={ben.id}", password="benedict.rothschild")
    assert ("Your own name" in answer.text) is expected


def test_one_is_looked_at_at_a_time(owner: Client):
    with passwords._looking:
        assert owner.post("/password-strengths", password="blue kettle runs north").status_code == 204


def test_failures_and_lock_outs_are_in_activity_and_in_the_log_without_secrets(olga, caplog):
    caplog.set_level(logging.WARNING, "rollcall.security")
    for number in range(attempts.OF_PERSON):
        sign_in.authenticate("olga@acme.example", f"wrong secret {number}", source="203.0.113.7")
    sign_in.authenticate("a typed password", "wrong", source="203.0.113.7")
    entries = list(Activity.select().where(Activity.who == "sign-in").order_by(Activity.id))
    assert [(entry.what, entry.about) for entry in entries] == [
        ("failed sign-in", "Olga Brandt <olga@acme.example>"), ("locked out", "Olga Brandt <olga@acme.example>"),
        ("failed sign-in", "an unknown e-mail address")]
    assert "from 203.0.113.7" in entries[1].why
    lines = [record.getMessage() for record in caplog.records]
    assert lines.count("failed sign-in from 203.0.113.7") == 6 and "locked out from 203.0.113.7" in lines
    everything = " ".join([*lines, *(entry.why + entry.about for entry in entries)])
    assert "secret" not in everything and "typed password" not in everything


def test_a_link_made_before_a_new_password_no_longer_signs_in(olga, by):
    link = sign_in.signed_link(olga, by)
    sign_in.set_password(olga, "another horse battery", by)
    assert sign_in.person_of_link(link) is None
