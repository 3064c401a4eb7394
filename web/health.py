"""/healthz for a load balancer, /metrics for Prometheus: numbers only, no name and no secret.
Metrics are for programs on this machine: a request from elsewhere, or one that a proxy passed on, gets 403."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, current_app, request

from sync import faults
from sync.apps.metrics import count_all
from sync.db import utcnow
from sync.jobs import health, queue
from sync.states import AppStatus
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
        return _plain("The schedule has not started: no server is working on the queue.", 503)
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
    found = count_all()
    for name, states in found.by_state.items():
        counted = {f'state="{state}"': number for state, number in states.items()}
        yield f"rollcall_{name}", f"How many {name}, by state.", counted
    yield "rollcall_accounts", "Accounts in all connected apps.", {"": found.accounts}
    yield "rollcall_changes_waiting", "Changes that need approval.", {"": found.waiting}
    yield "rollcall_changes_held", "Changes that a guard holds.", {"": found.held}
    stand = {f'status="{status}"': found.by_status.get(status, 0) for status in AppStatus if status.connected}
    yield "rollcall_apps_by_status", "How many connected apps, by the status that pages show.", stand
    attention = "Apps that pages show in red."
    yield "rollcall_apps_needing_attention", attention, {"": found.needing_attention}
    yield "rollcall_own_faults", "Faults of the machine that Rollcall runs on.", {"": len(health.troubles())}
    failing = "Directories whose last reading failed."
    yield "rollcall_directories_failing", failing, {"": found.failing_directories}
    if found.oldest_check_at is not None:
        since = "Since the longest unchecked active app was checked."
        age = (utcnow() - found.oldest_check_at).total_seconds()
        yield "rollcall_oldest_check_age_seconds", since, {"": age}


def _family(name: str, help_text: str, samples: dict[str, float]) -> Iterator[str]:
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} gauge"
    for label, value in samples.items():
        yield f"{name}{{{label}}} {value}" if label else f"{name} {value}"


def _plain(text: str, status: int = 200) -> Response:
    return Response(f"{text}\n", status, content_type="text/plain; charset=utf-8")
