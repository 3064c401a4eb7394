"""What the toast of an operation says until the app has confirmed it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.db import utcnow
from sync.models import Task
from tests.web.client import Client

SOON, LATER = timedelta(seconds=20), timedelta(minutes=5)


def task(chat, kind: str = "remove", state: str = "queued", error: str | None = None, wait: timedelta = SOON) -> Task:
    return Task.create(app=chat.app, kind=kind, state=state, error=error, next_at=utcnow() + wait, asked_by="x")


@pytest.mark.parametrize("states, status, expected", [
    (["queued", "running"], 200, "Removing 2 accounts from Chat."),
    (["done", "queued"], 200, "Removing 2 accounts from Chat. 1 of 2 done."),
    (["done", "done"], 286, "Removed 2 accounts from Chat: Chat has confirmed it."),
    (["done", "no longer needed"], 286,
     "Removed 1 account from Chat: Chat has confirmed it. 1 change was no longer needed."),
    (["cancelled", "cancelled"], 286, "Chat: 2 changes were no longer needed. Nothing was changed."),
])  # fmt: skip
def test_from_removing_to_removed(owner: Client, chat, states, status, expected) -> None:
    ids = [task(chat, state=state).id for state in states]
    answer = owner.get(f"/apps/{chat.app.id}/tasks/outcome?first={ids[0]}&last={ids[-1]}", htmx=True)
    assert answer.status_code == status and f'<span data-tone="ok">{expected}</span>' in answer.text
    asks_again = answer.headers.get("HX-Trigger-After-Swap")
    assert asks_again == (None if status == 200 else f"check-{chat.app.id}"), "the page stops asking for what is done"


def test_a_failed_or_slow_outcome_stays_with_its_reason(owner: Client, chat) -> None:
    first = task(chat, state="done").id
    last = task(chat, state="needs attention", error="The app said <no>.\nHTTP 403").id
    here = f"/apps/{chat.app.id}/tasks/outcome"
    failed = owner.get(f"{here}?first={first}&last={last}", htmx=True)
    assert failed.status_code == 286 and 'data-tone="attention"' in failed.text and "HTTP 403" not in failed.text
    assert "Chat: 1 change failed and needs attention. The app said &lt;no&gt;." in failed.text
    assert f'href="/apps/{chat.app.id}/activity"' in failed.text
    late = task(chat, "change role", error="Chat can&t be reached.", wait=LATER).id
    put_off = owner.get(f"{here}?first={late}&last={late}", htmx=True)
    assert put_off.status_code == 286 and "isn&#39;t done yet" in put_off.text and "keeps trying" in put_off.text


def test_other_changes_are_counted_and_nonsense_is_nothing(owner: Client, chat, site, someone) -> None:
    first = task(chat, "grant", "done").id
    last = task(chat, "remove", "done").id
    here = f"/apps/{chat.app.id}/tasks/outcome"
    assert "Removed 1 account from Chat and made 1 other change" in owner.get(f"{here}?first={first}&last={last}").text
    for nonsense in ("", "?first=x&last=-1", "?first=99999999999999999999"):
        assert "nothing more to do" in owner.get(here + nonsense).text
    assert Client(site, someone("Una User", "user")).get(f"{here}?first={first}&last={last}").status_code == 404
