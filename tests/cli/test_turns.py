"""A few pages are made at once, the others wait in order; one that lasts delays no other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from cli import pages
from cli.pages import Turns

PATIENCE = 60  # seconds at most for what happens at once


class Site:
    """A program whose pages, each in a thread of its own, last until they may end."""

    def __init__(self, at_once: int):
        self.turns, self.began, self._changed = Turns(self._answer, at_once), [], threading.Condition()
        self._may_end, self._threads, self._waiting = set(), [], 0
        wait = self.turns._changed.wait

        def noted(seconds: float) -> None:
            with self._changed:
                self._waiting += 1
                self._changed.notify_all()
            wait(seconds)

        self.turns._changed.wait = noted

    def _answer(self, environ: dict, start_response: object) -> list[bytes]:
        number = environ["number"]
        with self._changed:
            self.began.append(number)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: number in self._may_end, PATIENCE)
        if number < 0:
            raise ValueError
        return []

    def ask(self, number: int) -> None:
        def ask() -> None:
            with suppress(ValueError):
                self.turns({"number": number}, None)

        self._threads.append(threading.Thread(target=ask))
        self._threads[-1].start()

    def ask_until_begun(self, *numbers: int) -> None:
        for number in numbers:
            self.ask(number)
            self.until_begun(number)

    def until_begun(self, number: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: number in self.began, PATIENCE)

    def until_one_waits(self) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._waiting, PATIENCE)

    def end(self, *numbers: int) -> None:
        with self._changed:
            self._may_end |= {*numbers}
            self._changed.notify_all()

    def close(self) -> None:
        self.end(*range(-10, 10))
        for thread in self._threads:
            thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site(2)
    yield site
    site.close()


@pytest.mark.parametrize("first", [1, -1], ids=["it ended well", "it failed"])
def test_the_next_page_waits_until_one_has_ended(site, monkeypatch, first):
    monkeypatch.setattr(pages, "LASTS", PATIENCE * 2)
    site.ask_until_begun(first, 2)
    site.ask(3)
    site.until_one_waits()
    assert site.began == [first, 2]
    site.end(first)
    site.until_begun(3)


def test_pages_that_last_delay_no_other(site, monkeypatch):
    monkeypatch.setattr(pages, "LASTS", 0.01)
    site.ask_until_begun(1, 2, 3, 4)
    assert site.began == [1, 2, 3, 4]


def test_one_that_lasts_makes_room_for_one(site, monkeypatch):
    """The places of those that still count stay taken."""
    monkeypatch.setattr(pages, "LASTS", PATIENCE * 2)
    site.ask_until_begun(1, 2)
    site.turns._began[0] -= PATIENCE * 3  # the first one began so long ago
    site.ask_until_begun(3)
    site.ask(4)
    site.until_one_waits()
    assert site.began == [1, 2, 3]
