"""Why the checks of two apps write one after the other on a server, too: each has to know what the other one found."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg
import pytest

from sync.db import connected, db, utcnow
from sync.models import Account, Activity, Change, Check
from sync.people import people
from sync.search import finding, index
from sync.search.index import Kind
from sync.states import ChangeDecision, CheckState
from tests.database import ON_SERVER
from tests.sync.fixtures import email

WAITS = "SELECT 1 FROM pg_locks WHERE NOT granted"
pytestmark = ON_SERVER


@pytest.fixture
def at_once(home, config):
    """Runs `first` until it has put an e-mail into the outbox, then `second` until that has ended or waits for a lock,
    then both to their ends."""

    def run(first: Callable[[], object], second: Callable[[], object]) -> None:
        written, threads = threading.Event(), []

        def pause(event) -> None:
            of_first = threading.current_thread() is threads[0] and not written.is_set()
            if not of_first or not event.sql.startswith('INSERT INTO "mail"'):
                return
            written.set()
            with psycopg.connect(config.database_url, autocommit=True) as looking:
                while len(threads) < 2 or threads[1].is_alive() and not looking.execute(WAITS).fetchone():
                    pass

        def work(operation: Callable[[], object]) -> None:
            with connected():
                operation()

        db.query_hooks.append(pause)
        try:
            threads.append(threading.Thread(target=work, args=(first,)))
            threads[0].start()
            assert written.wait(60)
            other = threading.Thread(target=work, args=(second,))
            other.start()
            threads.append(other)
            for thread in threads:
                thread.join()
        finally:
            db.query_hooks.remove(pause)

    return run


def test_removals_that_two_checks_find_at_once_are_counted_together(chat, second, at_once):
    """Four of eleven accounts in each app: neither app's guard holds them, and the workspace's holds eight."""
    chat.leave(2, 3, 4, 5)
    at_once(chat.check, second.check)
    assert {check.state for check in Check.select()} == {CheckState.SUCCEEDED}
    found = Change.select().where(Change.kind == "removed user", Change.decision != ChangeDecision.APPLIED)
    assert [(row.app, row.decision) for row in found.order_by(Change.app, Change.id)] == [
        *[(chat.app, ChangeDecision.NEEDS_CONFIRMATION)] * 4, *[(second.app, ChangeDecision.HELD)] * 4]  # fmt: skip
    numbers = [row.id for row in Activity.select().order_by(Activity.id)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_an_account_that_a_check_finds_while_its_address_becomes_another_persons_isnt_the_formers(chat, at_once):
    """A check looks at an account again only when its address changes: it would be the wrong person's until then."""
    former, other = chat.people[2], people.add("Zoe Wolf", "zoe@acme.example", chat.by)
    people.edit(former, chat.by, emails=[email(2), "shared@acme.example"])
    chat.store.add("shared@acme.example", "Shared", "member", via="page")
    chat.leave(3)  # so that there is an e-mail

    def move() -> None:
        people.edit(former, chat.by, emails=[email(2)])
        people.edit(other, chat.by, emails=["zoe@acme.example", "shared@acme.example"])

    at_once(chat.check, move)
    assert Account.get(Account.email == "shared@acme.example").person != former


def test_accounts_that_two_checks_find_at_once_are_both_in_the_search(chat, second, at_once):
    """The index is brought up to the newest row: one with a lower number that is written later would be left out."""
    chat.leave(3)
    for app, name in ((chat, "Quentin One"), (second, "Quentin Two")):
        app.store.add(f"{name[8:].lower()}@acme.example", name, "member", via="page")

    def check_and_index() -> None:
        second.check()
        index.bring_up_to_date(utcnow())

    at_once(chat.check, check_and_index)
    index.bring_up_to_date(utcnow())
    found = finding.first(Kind.ACCOUNT, "quentin", 9, [chat.app.id, second.app.id])
    assert len(found.ids) == 2
