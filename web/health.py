"""/healthz for a load balancer, /metrics for Prometheus: numbers only, no name and no secret.
Metrics are for programs on this machine: a request from elsewhere, or one that a proxy passed on, gets 403."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, current_app, request
from peewee import fn

from sync import faults
from sync.db import utcnow
from sync.jobs import health, queue
from sync.models import App, Check, Directory, DirectoryReading, Mail, Report, Task
from sync.states import CONNECTED, AppState, ReportState
from web.permissions import open_to_all

pages = Blueprint("health", __name__)

LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")
PASSED_ON = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Prefix", "X-Real-IP", "Via")


@pages.get("/healthz")
@open_to_all
def well() -> Response:
    """200 when database, queue and schedule are well, else 503 and why."""
    if found := health.troubles():
        return _plain(f"{found[0].sentence} {found[0].advice}", 503)
    if queue.heartbeat_age(utcnow()) is None:
        return _plain("The schedule has not begun: no server works the queue.", 503)
    return _plain("ok")


@pages.errorhandler(Exception)
def unwell(problem: Exception) -> Response:
    """The database can't be opened or read: the details are for the log, not for the world."""
    current_app.logger.exception("health")
    fault = faults.note(problem)
    return _plain(fault.text if fault else "The database can't be used.", 503)


@pages.get("/metrics")
@open_to_all
def metrics() -> Response:
    if request.remote_addr not in LOOPBACK or any(header in request.headers for header in PASSED_ON):
        return _plain("Metrics are for programs on the machine that Rollcall runs on.", 403)
    lines = [line for name, help_text, samples in _families() for line in _family(name, help_text, samples)]
    return Response("\n".join([*lines, ""]), content_type="text/plain; version=0.0.4; charset=utf-8")


def _families() -> Iterator[tuple[str, str, dict[str, float]]]:
    """(name, what it means, label → value); every one a gauge."""
    age = queue.heartbeat_age(utcnow())
    if age is not None:
        yield "rollcall_heartbeat_age_seconds", "Since the schedule last ran.", {"": age}
    for name, model in (("apps", App), ("directories", Directory), ("reports", Report), ("checks", Check),
                        ("readings", DirectoryReading), ("tasks", Task), ("mails", Mail)):  # fmt: skip
        yield f"rollcall_{name}", f"How many {name}, by state.", _by_state(model)
    connected = App.state.in_(CONNECTED)
    yield "rollcall_accounts", "Accounts in all connected apps.", {"": _sum(App.users, connected)}
    yield (
        "rollcall_changes_waiting",
        "Changes that need approval.",
        {"": _sum(Report.waiting, Report.state == ReportState.OPEN)},
    )
    yield (
        "rollcall_changes_held",
        "Changes that a guard holds.",
        {"": _sum(Report.held, Report.state == ReportState.OPEN)},
    )
    attention = App.select().where(App.error.is_null(False), connected).count()
    yield "rollcall_apps_needing_attention", "Apps whose credential or checks need attention.", {"": attention}
    yield "rollcall_own_faults", "Faults of the machine that Rollcall runs on.", {"": len(health.troubles())}
    failing = Directory.select().where(Directory.error.is_null(False)).count()
    yield "rollcall_directories_failing", "Directories whose last reading failed.", {"": failing}
    oldest = App.select(fn.MIN(App.last_check_at)).where(App.state == AppState.ACTIVE, App.daily).scalar()
    if oldest is not None:
        yield "rollcall_oldest_check_age_seconds", "Since the longest unchecked active app was checked.", {
            "": (utcnow() - App.last_check_at.python_value(oldest)).total_seconds()
        }


def _by_state(model: type) -> dict[str, float]:
    return {f'state="{state}"': number for state, number in
            model.select(model.state, fn.COUNT(model.id)).group_by(model.state).tuples()}


def _sum(column, where) -> float:
    return column.model.select(fn.COALESCE(fn.SUM(column), 0)).where(where).scalar()


def _family(name: str, help_text: str, samples: dict[str, float]) -> Iterator[str]:
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} gauge"
    for label, value in samples.items():
        yield f"{name}{{{label}}} {value}" if label else f"{name} {value}"


def _plain(text: str, status: int = 200) -> Response:
    return Response(f"{text}\n", status, content_type="text/plain; charset=utf-8")
