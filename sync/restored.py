"""Notices that a backup was restored: the database is from an earlier time than what ROLLCALL_HOME notes of its log.
Operations of then may have been done since, or be wrong by now: each approval not yet carried out is withdrawn."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from peewee import fn

from sync import activity, seals
from sync.apps import apps
from sync.db import connected, utcnow, writing
from sync.directory import push
from sync.groups import rules
from sync.jobs import queue
from sync.models import App, Directory, Offboarding, Session
from sync.people import holds
from sync.rank import Asker
from sync.settings import set_setting, setting
from sync.states import Approval, OffboardingState
from sync.tasks import tasks
from sync.words import plural
from sync.workspace import NOTED, WITHDRAWN

NOTE = "activity.head"  # the file: JSON with seals.end() of each log, and when it was written, by when the log began
FIELDS = {"entries", "head", "key", "began", "at"}
JUST_NOW = timedelta(minutes=10)
WHY = "The database is from an earlier time: a backup was restored"
OF_A_TASK = (f"{WHY}. This may have been done since then, or be wrong by now. Look in the app, then retry it or cancel "
             "it.")  # fmt: skip

_note: Path | None = None


def begin(home: Path) -> None:
    """Look now, and from now on."""
    global _note
    _note = home / NOTE
    look()


def has_noted_a_key(home: Path) -> bool:
    """Whether a log that is sealed with a key was ever in use with this folder."""
    return any(noted["key"] != seals.UNKEYED for noted in _read(home / NOTE).values())


@queue.in_each_process
def look(now: datetime | None = None) -> None:
    """Withdraw approvals if the log has lost what was noted of it, then note its head."""
    if _note is None:
        return
    notes = _read(_note)  # before the log is, which others continue
    with connected():
        end = seals.end()
        noted = notes.get(end["began"])
        if not end["entries"] or noted is not None and noted | end == noted:
            return
        if _is_earlier(noted, now or utcnow()):
            withdraw(Asker.rollcall("Rollcall"))
            end = seals.end()
        notes[end["began"]] = end | {"at": utcnow().isoformat()}
        if _write(_note, notes) and setting(NOTED) is None:
            set_setting(NOTED, utcnow().isoformat())


def _is_earlier(noted: dict | None, now: datetime) -> bool:
    withdrawn = setting(WITHDRAWN)
    if noted is None or withdrawn is not None and noted["at"] < withdrawn:
        return _is_unused(now)
    return seals.has_lost(noted)


def _is_unused(now: datetime) -> bool:
    """For a folder without a note. Where a worker has used the database just now, this is a further machine. A database
    of which no head was ever noted comes from an older version of Rollcall."""
    age = queue.heartbeat_age(now)
    return setting(NOTED) is not None and age is not None and age > JUST_NOW.total_seconds()


@dataclass(frozen=True)
class Withdrawn:
    """How many of each."""

    tasks: int
    offboardings: int
    apps: int
    sessions: int

    def __str__(self) -> str:
        return (f"{plural(self.tasks, 'task')}, {plural(self.offboardings, 'planned offboarding')}, standing approvals "
                f"of {plural(self.apps, 'app')}, {plural(self.sessions, 'session')}")  # fmt: skip


def withdraw(by: Asker) -> Withdrawn:
    """Nothing that was approved up to now is carried out: tasks need attention, planned offboardings are cancelled,
    standing approvals are off, and everyone has to sign in again. Directories that are read are due, and
    all of them are noted as lacking changes, as people may have come back or left."""
    with writing():
        _note_unread(utcnow())
        push.note_restored(WHY)
        standing = list(App.select().where(
            (App.removal_approval == Approval.AUTOMATIC) | App.joiner_approval.is_null(False)
            | App.unassigned_approval.is_null(False)).order_by(App.id))  # fmt: skip
        for app in standing:
            if app.removal_approval == Approval.AUTOMATIC:
                apps.set_removal(app, Approval.ASK, by)
            if app.joiner_approval or app.unassigned_approval:
                rules.set_policy(app, None, None, by)
        scheduled = Offboarding.select().where(Offboarding.state == OffboardingState.SCHEDULED)
        planned = list(scheduled.order_by(Offboarding.id))
        for offboarding in planned:
            holds.give_up(offboarding, by, WHY)
        withdrawn = Withdrawn(tasks.withdraw(OF_A_TASK), len(planned), len(standing), Session.delete().execute())
        if any(vars(withdrawn).values()):
            activity.record(by, "withdrew approvals", why=WHY, before=str(withdrawn))
        set_setting(WITHDRAWN, utcnow().isoformat())
    return withdrawn


def _note_unread(now: datetime) -> None:
    """Directories that are read are due. They may lack changes since their last reading until then."""
    since = fn.COALESCE(Directory.missing_since, Directory.last_read_at, Directory.created_at)
    values = {"next_read_at": now, "missing_since": since, "missing_until": now}
    Directory.update(values).where(Directory.next_read_at.is_null(False)).execute()


def last_withdrawn() -> datetime | None:
    """UTC."""
    when = setting(WITHDRAWN)
    return when and datetime.fromisoformat(when)


def _read(note: Path) -> dict[str, dict]:
    """By when each log began. Empty where there is none, or what is there can't be read."""
    try:
        notes = json.loads(note.read_text())
        return {began: noted for began, noted in notes.items() if noted.keys() >= FIELDS}
    except (OSError, ValueError, AttributeError):
        return {}


def _write(note: Path, notes: dict[str, dict]) -> bool:
    """False where ROLLCALL_HOME can't be written."""
    partial = note.with_name(f"{note.name}.{os.getpid()}")
    with suppress(OSError):
        partial.write_text(json.dumps(notes))
        partial.replace(note)
        return True
    return False
