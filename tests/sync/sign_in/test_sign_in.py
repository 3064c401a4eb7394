"""Passwords, sessions, and the one-time links."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from sync.db import utcnow
from sync.jobs import queue
from sync.models import Activity, Person, PersonEmail, Session, Setting, SignInAttempt
from sync.people import last_owner, people
from sync.people.people import PeopleProblem
from sync.sign_in import attempts, forgotten, sessions, sign_in
from sync.sign_in.attempts import TooManyAttempts
from sync.workspace import WITHDRAWN, set_setting, workspace
from tests.asking import MACHINE

PASSWORD = "correct horse battery"


def test_the_right_password_in_any_spelling_of_the_address(olga):
    assert sign_in.authenticate(" OLGA@acme.example", PASSWORD) == olga
    for email, password in [("olga@acme.example", "wrong"), ("bo@acme.example", PASSWORD), ("", ""),
                            ("olga@acme.example", PASSWORD + "\0"), ("olga@acme.example", "x" * 1_000_000)]:
        assert sign_in.authenticate(email, password) is None


def test_only_the_hash_is_stored(olga, home):
    token = sessions.start_session(olga)
    stored = b"".join(file.read_bytes() for file in home.glob("rollcall.db*"))
    assert PASSWORD.encode() not in stored
    assert token.encode() not in stored
    assert Person.get_by_id(olga.id).password_hash.startswith("$argon2id$")


@pytest.mark.parametrize("password", ["", "short", "123456789", "x" * 1001])
def test_a_password_too_short_or_too_long_is_refused(olga, password):
    with pytest.raises(PeopleProblem, match="characters"):
        sign_in.set_password(olga, password)
    assert sign_in.authenticate("olga@acme.example", PASSWORD)


def test_someone_without_a_role_or_a_password_or_who_left_is_nobody(by):
    bo = people.add("Bo", "bo@acme.example", by)
    assert sign_in.authenticate("bo@acme.example", "") is None
    sign_in.set_password(bo, "another password")
    assert sign_in.authenticate("bo@acme.example", "another password") is None
    people.set_workspace_role(bo, "user", by)
    assert sign_in.authenticate("bo@acme.example", "another password") == bo
    people.mark_left(bo, by)
    assert sign_in.authenticate("bo@acme.example", "another password") is None


def test_five_wrong_passwords_shut_even_the_right_one_out_for_a_while(olga, monkeypatch):
    for _ in range(5):
        assert sign_in.authenticate("olga@acme.example", "wrong") is None
    with pytest.raises(TooManyAttempts, match="15 minutes"):
        sign_in.authenticate("OLGA@acme.example", PASSWORD)
    SignInAttempt.update(at=utcnow() - attempts.WINDOW - timedelta(seconds=1)).execute()
    assert sign_in.authenticate("olga@acme.example", PASSWORD) == olga


def test_unknown_addresses_are_throttled_alike_and_do_not_fill_the_file(olga):
    for _ in range(5):
        sign_in.authenticate("nobody@acme.example", "wrong")
    with pytest.raises(TooManyAttempts):
        sign_in.authenticate("nobody@acme.example", "wrong")
    for number in range(50):
        sign_in.authenticate(f"nobody{number}@acme.example", "wrong")
    SignInAttempt.update(at=utcnow() - attempts.WINDOW - timedelta(seconds=1)).execute()
    sign_in.authenticate("nobody@acme.example", "wrong")
    assert SignInAttempt.select().count() == 1


def test_the_right_password_forgets_the_wrong_ones(olga):
    for _ in range(3):
        for _ in range(4):
            sign_in.authenticate("olga@acme.example", "wrong")
        assert sign_in.authenticate("olga@acme.example", PASSWORD)


def test_a_session_is_its_persons_until_it_ends(olga):
    token, other = sessions.start_session(olga), sessions.start_session(olga)
    assert token != other
    assert sessions.person_of(token) == olga
    sessions.end_session(token)
    assert sessions.person_of(token) is None
    assert sessions.person_of(other) == olga
    for forged in ("", "x", Session.get().token_hash):
        assert sessions.person_of(forged) is None


def test_a_session_that_is_used_continues_to_its_end_and_no_further(olga):
    token = sessions.start_session(olga)
    ends_at = Session.get().ends_at
    assert utcnow() + timedelta(hours=11) < ends_at <= utcnow() + timedelta(hours=12)
    Session.update(seen_at=utcnow() - timedelta(minutes=119)).execute()
    assert sessions.person_of(token) == olga
    assert Session.get().ends_at == ends_at and Session.get().seen_at > utcnow() - timedelta(minutes=1)
    Session.update(seen_at=utcnow() - timedelta(minutes=121)).execute()
    assert sessions.person_of(token) is None, "it has lain idle"
    Session.update(seen_at=utcnow()).execute()
    assert sessions.person_of(token) == olga
    Session.update(ends_at=utcnow() - timedelta(seconds=1)).execute()
    assert sessions.person_of(token) is None


def test_the_sweep_deletes_the_sessions_that_have_ended(olga):
    kept, ended = (sessions.token_hash(sessions.start_session(olga)) for _ in range(2))
    now = utcnow()
    for one, ends_at in ((kept, now + timedelta(seconds=1)), (ended, now)):
        Session.update(ends_at=ends_at).where(Session.token_hash == one).execute()
    sessions.delete_ended(now)
    assert [one.token_hash for one in Session.select()] == [kept]
    assert sessions.delete_ended in queue._minutely


def test_another_password_ends_the_sessions(olga):
    token = sessions.start_session(olga)
    sign_in.set_password(olga, "another password")
    assert sessions.person_of(token) is None
    assert sign_in.authenticate("olga@acme.example", PASSWORD) is None


def test_the_setup_link_works_while_there_is_no_owner_and_only_the_newest(home):
    first = sign_in.setup_link_token()
    second = sign_in.setup_link_token()
    assert not sign_in.check_setup_token(first)
    assert sign_in.check_setup_token(second)
    assert not sign_in.check_setup_token("")
    assert second not in str(list(Setting.select(Setting.value).tuples()))
    sign_in.set_up("Acme", "olga@acme.example", "Olga", PASSWORD, MACHINE)
    assert not sign_in.check_setup_token(second)
    assert sign_in.setup_link_token() is None


def test_setting_up_names_the_workspace_and_makes_one_owner(home):
    olga = sign_in.set_up("Acme", "olga@acme.example", "Olga Brandt", PASSWORD, MACHINE)
    assert workspace().name == "Acme"
    assert last_owner.has_owner()
    assert olga.workspace_role == "owner"
    with pytest.raises(PeopleProblem, match="already has an Owner"):
        sign_in.set_up("Other", "eve@acme.example", "Eve", PASSWORD, MACHINE)
    assert workspace().name == "Acme"
    assert people.find_by_email("eve@acme.example") is None
    assert Activity.select().where(Activity.what == "set up workspace").count() == 1


@pytest.mark.parametrize(
    ("name", "email", "password"),
    [("Acme", "nonsense", PASSWORD), ("Acme", "olga@acme.example", "short"), (" ", "olga@acme.example", PASSWORD)],
)
def test_a_setting_up_that_fails_leaves_nothing(home, name, email, password):
    token = sign_in.setup_link_token()
    with pytest.raises(ValueError):
        sign_in.set_up(name, email, "Olga", password, MACHINE)
    assert Person.select().count() == 0
    assert sign_in.check_setup_token(token)


def test_someone_known_already_can_become_the_first_owner(home):
    bo = people.add("Bo", "bo@acme.example", MACHINE)
    people.mark_left(bo, MACHINE)
    assert sign_in.set_up("Acme", "BO@acme.example", "Bo", PASSWORD, MACHINE) == bo
    assert sign_in.authenticate("bo@acme.example", PASSWORD) == bo


def test_a_signed_link_signs_in_once(olga, monkeypatch):
    link = sign_in.signed_link(olga)
    assert sign_in.person_of_link(link) == olga
    assert sign_in.person_of_link(link) is None
    late = sign_in.signed_link(olga)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + sign_in.LINK_SECONDS + 2)
    assert sign_in.person_of_link(late) is None


def test_a_forged_link_is_nobodys(olga):
    link = sign_in.signed_link(olga)
    packed, _, seal = link.partition(".")
    for forged in ("", ".", "x.y", packed, f"{packed}.", f"{packed}x.{seal}", f"{packed}.{seal[:-1]}é"):
        assert sign_in.person_of_link(forged) is None
    assert sign_in.person_of_link(link) == olga


def test_a_link_ends_once_the_address_that_it_was_sent_to_is_no_longer_the_persons(olga):
    links = sign_in.signed_link(olga), forgotten.token_for(olga)
    PersonEmail.update(main=False).where(PersonEmail.person == olga).execute()
    PersonEmail.create(person=olga, email="olga.new@acme.example", email_key="olga.new@acme.example",
                       main=True)
    assert forgotten.person_of(links[1]) == olga, "it is still theirs"
    PersonEmail.delete().where(PersonEmail.person == olga, ~PersonEmail.main).execute()
    assert (sign_in.person_of_link(links[0]), forgotten.person_of(links[1])) == (None, None)
    assert sign_in.person_of_link(sign_in.signed_link(olga)) == olga


def test_a_link_from_before_a_backup_was_restored_signs_nobody_in(olga, by):
    """That it was used may have been written down after the backup."""
    before, made_now = sign_in.signed_link(olga), utcnow()
    set_setting(WITHDRAWN, (made_now + timedelta(seconds=1)).isoformat())
    assert sign_in.person_of_link(before) is None
    set_setting(WITHDRAWN, made_now.isoformat())
    assert sign_in.person_of_link(sign_in.signed_link(olga)) == olga
