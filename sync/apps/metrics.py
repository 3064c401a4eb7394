"""The numbers that /metrics shows. They are counted at each call."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from peewee import Expression, Field, ModelSelect, fn

from sync.apps import glance
from sync.db import db
from sync.listing import one_of
from sync.models import App, Base, Check, Directory, DirectoryReading, Mail, Report, Task
from sync.prepared import prepared_plain
from sync.states import LIVE_CHECKS, AppStatus, Tone
from sync.workspace import generation

MODELS = {"apps": App, "directories": Directory, "reports": Report, "checks": Check, "readings": DirectoryReading,
          "tasks": Task, "mails": Mail}  # fmt: skip


@dataclass(frozen=True)
class Metrics:
    by_state: dict[str, dict[str, int]]  # by name in MODELS, then by state
    accounts: int  # in all connected apps
    waiting: int  # changes in open reports that need approval
    held: int  # changes in open reports that a guard holds
    by_status: dict[AppStatus, int]  # connected apps, by their status
    needing_attention: int  # of these, in red
    failing_directories: int
    oldest_check_at: datetime | None  # UTC: of the active app whose last daily check is longest ago


def count_all() -> Metrics:
    seen = glance.counted()
    oldest = App.select(fn.MIN(App.last_check_at)).where(App.is_active, App.checked_daily).scalar()
    return Metrics(
        by_state={name: _by_state(model) if model is not Check else _checks_by_state()
                  for name, model in MODELS.items()},
        accounts=_sum(App.users, App.is_connected),
        waiting=_sum(Report.waiting, Report.is_open),
        held=_sum(Report.held, Report.is_open),
        by_status=seen.by_status,
        needing_attention=seen.by_tone[Tone.ATTENTION],
        failing_directories=Directory.select().where(Directory.error.is_null(False)).count(),
        oldest_check_at=None if oldest is None else App.last_check_at.python_value(oldest),
    )


def _by_state(model: type[Base]) -> dict[str, int]:
    return dict(model.select(model.state, fn.COUNT(model.id)).group_by(model.state).tuples())


class _Checks(NamedTuple):
    """Those up to the id `last`: how many have ended, by state, and the ids of the others."""

    last: int = 0
    ended: Counter[str] = Counter()
    live: frozenset[int] = frozenset()


@dataclass
class _Known:
    checks: _Checks = _Checks()


@lru_cache(maxsize=1)
def _known_of(_database: tuple, _apps: tuple[tuple[int, object], ...]) -> _Known:
    """A process counts each check once, when it has ended: it doesn't change then, and goes only with its app. The apps
    are ids and when they were created, as an id may be given again."""
    return _Known()


def _checks_by_state() -> dict[str, int]:
    known = _known_of((db.database, generation()), tuple(_ids_of_apps()))
    last, ended, live = known.checks
    rows = _checks_since(last, json.dumps(sorted(live)))
    under_way = {id: state for id, state in rows if state in LIVE_CHECKS}
    ended = ended + Counter(state for id, state in rows if id not in under_way)
    known.checks = _Checks(max([last, *(id for id, _ in rows)]), ended, frozenset(under_way))
    return dict(ended + Counter(under_way.values()))


@prepared_plain
def _ids_of_apps() -> ModelSelect:
    return App.select(App.id, App.created_at).order_by(App.id)


@prepared_plain
def _checks_since(last: int, live: str) -> ModelSelect:
    """Those after this id, and those whose ids are in the JSON list."""
    return Check.select(Check.id, Check.state).where((Check.id > last) | one_of(Check.id, live))


def _sum(column: Field, where: Expression) -> int:
    return column.model.select(fn.COALESCE(fn.SUM(column), 0)).where(where).scalar()
