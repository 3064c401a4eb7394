"""An app by a file whose removal has lost a value: it is never sent without it, and its task says why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import connectors
from sync.apps import apps
from sync.checks import checks
from sync.jobs import asking, queue
from sync.models import App, Task
from sync.people import people
from sync.reports import reports
from sync.tasks import tasks
from tests.connectors.described import LEAST, SECRET, Anything
from tests.connectors.fake import Reply, Request

CALLS = [{"method": "GET", "path": "/users/{account.id}", "keep": {"m": "nope.there"}},
         {"method": "DELETE", "path": "/memberships", "query": {"user": "{kept.m}"}}]  # fmt: skip


@pytest.fixture
def desk() -> Iterator[Anything]:
    """Twelve people; a look-up returns the same as the list."""
    rows = [{"id": number, "email": f"p{number}@acme.example"} for number in range(12)]

    def answer(request: Request):
        if request.method == "GET":
            return rows if request.path == "/users" else rows[int(request.path.rpartition("/")[2])]
        return Reply(204)

    app = Anything()
    app.answer = answer
    app.start()
    yield app
    app.stop()


@pytest.fixture
def leaver(desk, tmp_path: Path, olga, by) -> Iterator[App]:
    """Person 3 has left; their removal was approved."""
    entry = {**LEAST["accounts"][0], "look_up": {"path": "/users/{account.id}"}, "remove": CALLS}
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "tried.yaml").write_text(json.dumps({**LEAST, "accounts": [entry]}))
    connectors.load_folder(tmp_path / "files")
    persons = [people.add(f"Person {number}", f"p{number}@acme.example", by) for number in range(12)]
    app = apps.connect("tried", "Tried", {"base_url": desk.url, "user": "olga", "token": SECRET}, [olga], by)
    people.mark_left(persons[3], by)
    asked = asking.ask(app, by)
    checks.run(asked.id)
    reports.finish(app.reports.get(), by)
    yield app
    connectors.load_folder(tmp_path / "nothing here")


def test_a_removal_without_its_filter_is_sent_at_no_attempt(desk, leaver, by):
    for _ in range(3):
        queue.drain()
        task = Task.get()
        assert task.state == "needs attention" and task.attempts == 1, "not tried again by Rollcall"
        assert "`keep` m found nothing at nope.there in the answer to GET /users/3" in task.error
        assert not [request for request in desk.requests if request.method == "DELETE"]
        tasks.retry(task, by)
