"""The numbers that /metrics shows. They are counted at each call."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from peewee import Expression, Field, fn

from sync.apps import glance
from sync.models import App, Base, Check, Directory, DirectoryReading, Mail, Report, Task
from sync.states import AppStatus, Tone

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
    seen = glance.of(App.select().where(App.is_connected).order_by(App.id))
    oldest = App.select(fn.MIN(App.last_check_at)).where(App.is_active, App.checked_daily).scalar()
    return Metrics(
        by_state={name: _by_state(model) for name, model in MODELS.items()},
        accounts=_sum(App.users, App.is_connected),
        waiting=_sum(Report.waiting, Report.is_open),
        held=_sum(Report.held, Report.is_open),
        by_status=Counter(one.status for one in seen),
        needing_attention=sum(one.tone == Tone.ATTENTION for one in seen),
        failing_directories=Directory.select().where(Directory.error.is_null(False)).count(),
        oldest_check_at=None if oldest is None else App.last_check_at.python_value(oldest),
    )


def _by_state(model: type[Base]) -> dict[str, int]:
    return dict(model.select(model.state, fn.COUNT(model.id)).group_by(model.state).tuples())


def _sum(column: Field, where: Expression) -> int:
    return column.model.select(fn.COALESCE(fn.SUM(column), 0)).where(where).scalar()
