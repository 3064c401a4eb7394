"""An app's answers are stored with their reading, and deleted with the credential."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.memory import Kept
from sync.apps import answer_cache
from sync.apps.answer_cache import AnswersOf
from sync.db import utcnow, writing
from sync.models import App, RememberedAnswer

ONE, TWO = Kept('"1"', "", b"[1]"), Kept('"2"', '<x>; rel="next"', b"[2]")


@pytest.fixture
def app(home) -> App:
    return App.create(connector="github", name="GitHub", category="Seat-based", state="active")


def take(app: App, **answers: Kept) -> None:
    memory = AnswersOf(app)
    for key, answer in answers.items():
        memory.keep(key, answer)
    save(memory)


def save(memory: AnswersOf) -> None:
    with writing():
        memory.save(App.get_by_id(memory.app.id))


def test_it_is_recalled_by_the_next_reading_and_not_before(app):
    memory = AnswersOf(app)
    memory.keep("members", ONE)
    assert memory.recall("members") is None and AnswersOf(app).recall("members") is None
    take(app, members=ONE, teams=TWO)
    assert (AnswersOf(app).recall("members"), AnswersOf(app).recall("teams")) == (ONE, TWO)


def test_unused_answers_are_deleted_and_changed_ones_replaced(app):
    take(app, members=ONE, teams=TWO)
    take(app, members=TWO)
    assert (AnswersOf(app).recall("members"), AnswersOf(app).recall("teams")) == (TWO, None)


@pytest.mark.parametrize("later", [timedelta(days=7), timedelta(days=-7)])
def test_each_week_everything_is_read_in_full_however_often_it_was_unchanged(app, monkeypatch, later):
    """The reading before confirms an answer without reading it: an ETag alone never vouches for it longer than that."""
    started = utcnow()
    take(app, members=ONE)
    monkeypatch.setattr(answer_cache, "utcnow", lambda: started + later)
    assert AnswersOf(app).recall("members") is None
    take(app, members=TWO)
    assert AnswersOf(app).recall("members") == TWO and RememberedAnswer.select().count() == 1


def test_each_day_some_of_the_answers_are_read_in_full(app, monkeypatch):
    """All at once may be more calls than the app allows in an hour, as unchanged answers don't count there."""
    started, keys = utcnow(), [f"/orgs/acme/{number}" for number in range(70)]
    take(app, **dict.fromkeys(keys, ONE))
    kept = []
    for day in range(1, 8):
        monkeypatch.setattr(answer_cache, "utcnow", lambda now=started + timedelta(days=day): now)
        kept.append(sum(AnswersOf(app).recall(key) is not None for key in keys))
    assert kept == sorted(kept, reverse=True) and kept[-1] == 0
    assert all(before - after < 20 for before, after in zip([70, *kept], kept))


def test_an_unchanged_answer_is_not_written_again(app):
    take(app, members=ONE)
    row = RememberedAnswer.get()
    take(app, members=ONE)
    assert RememberedAnswer.get() == row


def test_another_answer_with_the_same_mark_replaces_the_one_before(app):
    take(app, members=ONE)
    take(app, members=Kept(ONE.etag, ONE.link, b"[3]"))
    assert AnswersOf(app).recall("members").body == b"[3]"


@pytest.mark.parametrize("other", [{"credential": b"another"}, {"settings": {"address": "https://chat.example"}}])
def test_a_reading_that_began_with_another_credential_leaves_no_answers(app, other):
    memory = AnswersOf(app)
    memory.keep("members", ONE)
    App.update(other).execute()
    answer_cache.clear(app)
    save(memory)
    assert AnswersOf(app).recall("members") is None


def test_apps_do_not_know_each_others(app):
    other = App.create(connector="github", name="Other", category="Seat-based", state="active")
    take(app, members=ONE)
    assert AnswersOf(other).recall("members") is None
    answer_cache.clear(other)
    assert AnswersOf(app).recall("members") == ONE
    answer_cache.clear(app)
    assert AnswersOf(app).recall("members") is None


def test_there_is_an_end_to_what_is_kept(app, monkeypatch):
    monkeypatch.setattr(answer_cache, "MOST", 30)
    take(app, members=ONE, teams=TWO, repos=ONE, more=TWO)
    assert RememberedAnswer.select().count() < 4
