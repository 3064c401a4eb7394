"""A challenge is good once. It counts as used until long after it is void, and is then deleted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.db import utcnow
from sync.models import UsedChallenge
from sync.sign_in import challenges

LASTS = 300


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch):
    """So many seconds pass."""
    began = utcnow()
    return lambda seconds: monkeypatch.setattr(challenges, "utcnow", lambda: began + timedelta(seconds=seconds))


def test_it_stays_used_until_long_after_it_is_void(home, later):
    later(0)
    assert challenges.use_up("one", LASTS)
    for seconds in (0, LASTS - 1, LASTS + 1, 2 * LASTS - 1):
        later(seconds)
        assert not challenges.use_up("one", LASTS), seconds


def test_only_void_challenges_are_deleted(home, later):
    later(0)
    challenges.use_up("one", LASTS)
    later(LASTS)
    challenges.use_up("two", LASTS)
    later(2 * LASTS + 1)
    challenges.use_up("three", LASTS)
    assert UsedChallenge.select().count() == 2 and not challenges.use_up("two", LASTS)


def test_only_its_hash_is_stored(home):
    challenges.use_up("a challenge", LASTS)
    assert "a challenge" not in UsedChallenge.get().challenge_hash
