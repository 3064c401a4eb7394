"""What Rollcall shows of its own health where another process has met the fault."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from peewee import OperationalError

from sync import faults
from sync.db import db
from sync.jobs import health
from sync.models import App, Check, Directory, Mail, Task
from tests.database import ON_FILE


@pytest.fixture(autouse=True)
def well_before() -> Iterator[None]:
    faults.clear()
    yield
    faults.clear()


@pytest.mark.parametrize("model", [Check, Task, Mail, Directory], ids=lambda model: model.__name__)
def test_work_of_another_process_that_waits_for_it_shows_it(home, model):
    app = App.create(connector="none", name="App", category="Seat-based")
    values = {
        Check: {"app": app}, Task: {"app": app, "kind": "remove"}, Directory: {"kind": "csv", "name": "File"},
        Mail: {"key": "k", "kind": "test", "to": "olga@acme.example", "subject": "s", "text": "t", "html": "h"},
    }  # fmt: skip
    model.create(**values[model], error=faults.FULL.text)
    assert health.troubles() == [faults.FULL]


@ON_FILE
def test_an_error_that_is_no_fault_of_the_machine_is_not_called_health(home):
    db.execute_sql("DROP TABLE mail")
    with pytest.raises(OperationalError, match="mail"):
        health.troubles()
