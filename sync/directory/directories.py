"""Directories: connecting one, reading it, and what happens when a reading fails, is empty or loses too many people.
A reading is applied completely, in one transaction, or not at all. An error never deprovisions anyone."""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from peewee import Expression, ModelSelect

import connectors
from connectors.base import ConnectorError, DirectoryConnector, Identity, TemporarilyUnavailable
from sync import activity, faults, rank, sample_data, vault
from sync.apps import apps
from sync.credentials import with_stored
from sync.db import connected, own_row, utcnow, writing
from sync.directory import list_age, releases
from sync.directory.compare import Outcome, apply
from sync.directory.finding import find_known
from sync.directory.last_days import settle
from sync.directory.naming import DirectoryProblem, new_name
from sync.directory.reading import read, staging
from sync.directory.releases import held, release  # noqa: F401
from sync.directory.state import pause, remove, resume  # noqa: F401 - other rooms ask for them here
from sync.files.columns import MAPPING, remember_first
from sync.jobs import leases, queue, retries
from sync.mail import news
from sync.matching import vouching
from sync.models import Directory, DirectoryEntry, DirectoryReading
from sync.prepared import prepared
from sync.private_networks import still_approved
from sync.problems import AppProblem, UnusableReading, refuse_overtaken
from sync.rank import Asker
from sync.safety.guards import workspace_guard
from sync.states import DirectoryState, PersonStatus, ReadingState
from sync.vault import VaultProblem
from sync.workspace import today

EVERY = timedelta(hours=1)
KEEP_READINGS = timedelta(days=90)
RENEW_SECONDS = 60

log = logging.getLogger("rollcall.directories")


class Replaced(Exception):
    """Someone changed where or how it is read while it was read as before."""


def catalogue() -> list[type[DirectoryConnector]]:
    """The kinds of directory that are read."""
    return list(connectors.directory_connectors().values())


def connector_class(kind: str) -> type[DirectoryConnector]:
    try:
        return connectors.directory_connectors()[kind]
    except KeyError:
        raise DirectoryProblem(f"There is no kind of directory named {kind!r} that can be read.") from None


def test(kind: str, values: dict[str, str], approver: str | None = None) -> Identity:
    """Test the credential; return who it is and how many people it sees. Raises DirectoryProblem, or ConnectorError,
    which say what to fix.

    `approver`: who approves that the address lies in a private network (see private_networks.py).
    """
    connector = connector_class(kind)(cleaned(kind, values))
    connector.today = today()
    try:
        with connectors.reaching(approver is not None):
            return connector.test()
    finally:
        connector.close()


def connect(kind: str, name: str, values: dict[str, str], by: Asker, approver: str | None = None) -> Directory:
    """Test it, store it, and queue its first reading; the asker becomes responsible for it. Raises like test(), and
    NotAllowed; nothing is stored then."""
    rank.require(by, *rank.MANAGERS)
    sample_data.refuse_real()
    values = cleaned(kind, values)
    identity = test(kind, values, approver)
    stored = _stored(kind, values) | {"private_network_approver": approver}
    with writing():
        name = new_name(name, connector_class(kind).label)
        directory = Directory.create(kind=kind, name=name, next_read_at=utcnow() + EVERY, **stored)
        vouching.make_responsible(directory, by)
        activity.record(by, "connected directory", about=name, why=f"as {identity.name}")
        ask(directory, by)
    return directory


def reconnect(directory: Directory, values: dict[str, str], by: Asker, approver: str | None = None) -> Identity:
    """Change a directory's values. An empty secret keeps the stored one, for the same host. `by` becomes responsible.
    Raises like test(), or SecretNeeded, NotAllowed, Overtaken."""
    rank.require(by, *rank.MANAGERS)
    fields, secrets = connector_class(directory.kind).fields, vault.unseal(directory.credential)
    is_uploaded = any(field.upload and values.get(field.name) for field in fields)
    values = cleaned(directory.kind, with_stored(fields, values, directory.settings, secrets))
    approver = approver or still_approved(fields, values, directory.settings, directory.private_network_approver)
    identity = test(directory.kind, values, approver)
    with writing():
        now = Directory.get_or_none(Directory.id == directory.id)  # it may have been removed during the test
        refuse_overtaken((directory.settings, directory.credential), now and (now.settings, now.credential))
        stored = _stored(directory.kind, values) | {"private_network_approver": approver}
        if is_list(directory):
            uploaded_at = utcnow() if is_uploaded else list_age.uploaded_at(directory)
            stored["settings"][list_age.UPLOADED_AT] = uploaded_at.isoformat()
        Directory.update(error=None, failures=0, **stored).where(Directory.id == directory.id).execute()
        vouching.make_responsible(directory, by)
        activity.record(by, "reconnected directory", about=directory.name, why=f"as {identity.name}")
    return identity


def connector_for(directory: Directory, instead: dict[str, str] | None = None) -> DirectoryConnector:
    """The directory's connector; `instead` has other values for some fields. Raises VaultProblem when the credential
    can't be unsealed."""
    connector = connector_class(directory.kind)({**values_of(directory), **(instead or {})})
    connector.today = today()
    return connector


def reaching(directory: Directory) -> AbstractContextManager[None]:
    """In this block, the directory's connector may connect to a private network if someone who may do so approved
    it."""
    return connectors.reaching(directory.private_network_approver is not None)


def is_list(directory: Directory) -> bool:
    """Whether it is a list in a file: then what it would change can be shown at once."""
    kind = connectors.directory_connectors().get(directory.kind)
    return kind is not None and any(field.upload for field in kind.fields)


def takes_files(directory: Directory) -> bool:
    """Whether its list is uploaded, rather than read from a place."""
    upload = next((field for field in connector_class(directory.kind).fields if field.upload), None)
    return upload is not None and directory.settings.get(upload.when[0]) == upload.when[1]


def cleaned(kind: str, values: dict[str, str]) -> dict[str, str]:
    """The values of this kind's fields, defaults filled in; raises DirectoryProblem for what is missing or wrong."""
    try:
        return apps.clean(connector_class(kind), values)
    except AppProblem as problem:
        raise DirectoryProblem(str(problem)) from None


def values_of(directory: Directory) -> dict[str, str]:
    """The values of its connector's fields, secrets included."""
    return {**directory.settings, **vault.unseal(directory.credential)}


def _stored(kind: str, values: dict[str, str]) -> dict:
    secrets = {field.name for field in connector_class(kind).fields if field.secret}
    return {
        "settings": {name: value for name, value in values.items() if name not in secrets},
        "credential": vault.seal({name: value for name, value in values.items() if name in secrets}),
    }


def ask(directory: Directory, by: str | Asker) -> DirectoryReading:
    """Queue a reading, or join the one that waits or runs. Raises DirectoryProblem for a paused or pushed directory."""
    with writing():
        reading = begin(directory, by)
        if reading.state == ReadingState.QUEUED:
            queue.wake("reading", reading.id)
    return reading


@queue.each_minute
def start_due(now: datetime) -> list[DirectoryReading]:
    """Queue a reading of each directory whose time has come."""
    if not due(now):  # most minutes: nobody else has to wait then
        return []
    with writing():
        return [ask(directory, "schedule") for directory in due(now)]


def due(now: datetime) -> list[Directory]:
    """The active directories that are due and not being read now."""
    under_way = DirectoryReading.select(DirectoryReading.directory).where(DirectoryReading.is_live)
    return readable(Directory.next_read_at <= now, Directory.id.not_in(under_way))


def readable(*conditions: Expression) -> list[Directory]:
    """The active directories of the kinds that are read, those that meet the conditions."""
    active = Directory.select().where(Directory.state == DirectoryState.ACTIVE, *conditions).order_by(Directory.id)
    # Where there is none, no connector is imported: a server that has nothing to read doesn't need their memory.
    return [directory for directory in active if directory.kind in connectors.directory_connectors()]


def begin(directory: Directory, by: str | Asker) -> DirectoryReading:
    """The row of a reading that waits or runs, else a new one. Raises DirectoryProblem like ask()."""
    directory = Directory.get_by_id(directory.id)
    if live := _live(directory.id):
        return live[0]
    connector_class(directory.kind)
    if directory.state != DirectoryState.ACTIVE:
        raise DirectoryProblem(f"{directory.name} is {directory.state}: resume it first.")
    return DirectoryReading.create(directory=directory, started_by=by)


@prepared
def _live(directory: int) -> ModelSelect:
    theirs = DirectoryReading.select().where(DirectoryReading.directory == directory, DirectoryReading.is_live)
    return theirs.order_by(DirectoryReading.id)


@queue.runs("reading")
def run(reading_id: int) -> None:
    """Do one reading unless someone else does it; every outcome is written to its row."""
    with connected():
        if not leases.claim(DirectoryReading, reading_id):
            return
        reading = DirectoryReading.get_by_id(reading_id)
        try:
            with faults.named(), staging():
                _apply(reading, _read_whole(reading))
        except Replaced:
            _begin_again(reading)
        except faults.OwnFault as problem:
            _fail(reading, str(problem), ours=True)
            raise
        except (ConnectorError, UnusableReading, VaultProblem) as problem:
            _fail(reading, str(problem))
        except Exception as problem:
            _fail(reading, f"Rollcall itself failed ({type(problem).__name__}): please report it.")
            raise


def _read_whole(reading: DirectoryReading) -> DirectoryConnector:
    """Stage everyone. Returns the connector that read them, which is closed, with its findings."""
    with own_row():
        DirectoryReading.update(started_at=utcnow(), people_read=0).where(DirectoryReading.id == reading.id).execute()
    connector = connector_for(reading.directory)
    renewed = time.monotonic()

    def progress(count: int) -> None:
        nonlocal renewed
        with own_row():
            DirectoryReading.update(people_read=count).where(DirectoryReading.id == reading.id).execute()
        if time.monotonic() - renewed > RENEW_SECONDS:
            leases.renew(reading)
            renewed = time.monotonic()

    try:
        with reaching(reading.directory):
            count = read(connector, progress)
    finally:
        connector.close()
    remember_first(reading.directory, connector.settled)
    settle(reading.directory)
    find_known(reading.directory)
    if count == 0 and not _has_people(reading.directory):
        raise TemporarilyUnavailable("It answered, but with an empty list. Check where it is searched, and the filter.")
    return connector


def _has_people(directory: Directory) -> bool:
    here = (DirectoryEntry.directory == directory) & (DirectoryEntry.status != PersonStatus.DEPROVISIONED)
    return DirectoryEntry.select().where(here).exists()


def _apply(reading: DirectoryReading, read_by: DirectoryConnector) -> None:
    with writing():
        if not leases.holds(reading):
            return
        directory = Directory.get_by_id(reading.directory_id)
        if directory.state != DirectoryState.ACTIVE:
            raise TemporarilyUnavailable(f"{directory.name} was {directory.state} while it was read.")
        if not _is_read_as(directory, reading.directory):
            raise Replaced
        outcome = apply(directory, read_by.worldwide_ids, workspace_guard(), reading.started_by)
        outcome.warnings += read_by.warnings
        keep_findings(directory, read_by)
        succeed(directory, reading, outcome)


def _is_read_as(now: Directory, before: Directory) -> bool:
    """Whether a reading that began as `before` says what one would say now. The first list itself settles what its
    columns mean."""
    first = {} if before.settings.get(MAPPING) else {MAPPING: None}
    return (now.credential, now.settings | first) == (before.credential, before.settings | first)


def _begin_again(reading: DirectoryReading) -> None:
    """Nothing was changed: it is read as it is connected now."""
    with writing():
        if leases.finish(reading, state=ReadingState.QUEUED):
            queue.wake("reading", reading.id)


def keep_findings(directory: Directory, read_by: DirectoryConnector) -> None:
    """What a whole reading has found that nothing reads or that is hidden, and how old its list is; inside the
    transaction that applies it."""
    found = {**list_age.noted(directory, read_by), "hidden_users": read_by.hidden_users}
    if read_by.unread is None:
        found["attributes_unknown"] = directory.attributes_unknown or directory.last_read_at is None
    else:
        found["attributes_unknown"] = False
        found["unread_attributes"] = [{"attribute": one.attribute, "people": one.people, "values": list(one.values)}
                                      for one in read_by.unread]
    Directory.update(found).where(Directory.id == directory.id).execute()


def succeed(directory: Directory, reading: DirectoryReading, outcome: Outcome) -> None:
    """Write down what the reading did. Inside the transaction that did it."""
    now = utcnow()
    before = _counts_before(directory)
    by = reading.started_by
    DirectoryReading.update(
        state=ReadingState.SUCCEEDED, finished_at=now, counts={**outcome.counts, "warnings": outcome.warnings}
    ).where(DirectoryReading.id == reading.id).execute()
    done = {"last_read_at": now, "next_read_at": now + EVERY, "failures": 0, "error": None}
    if not _has_list_of_before(directory):
        done |= list_age.NOTHING_MISSING
    Directory.update(done).where(Directory.id == directory.id).execute()
    old = (DirectoryReading.directory == directory) & (DirectoryReading.created_at < now - KEEP_READINGS)
    DirectoryReading.delete().where(old).execute()
    found = {word: count for word, count in outcome.counts.items() if count and word != "held"}
    if found or directory.failures:
        counts = ", ".join(f"{count} {word}" for word, count in found.items())
        activity.record(by, "read directory", about=directory.name, after=counts or "nothing new")
    for warning in outcome.warnings:
        if warning not in before.get("warnings", ()):
            activity.record(by, "directory needs a look", about=directory.name, why=warning)
    held_now = outcome.counts["held"]
    if held_now:
        if held_now != before.get("held"):
            releases.note_held(directory, by)
        news.directory_held(directory)


def _has_list_of_before(directory: Directory) -> bool:
    """Whether its list was uploaded before a backup was restored, so that a later one may be lost."""
    restored_at = directory.missing_until
    return restored_at is not None and takes_files(directory) and list_age.uploaded_at(directory) < restored_at


def _counts_before(directory: Directory) -> dict:
    ended = (DirectoryReading.directory == directory) & (DirectoryReading.state == ReadingState.SUCCEEDED)
    last = DirectoryReading.select().where(ended).order_by(DirectoryReading.id.desc()).first()
    return last.counts if last else {}


def _fail(reading: DirectoryReading, error: str, ours: bool = False) -> None:
    """Nothing but the failure itself is written down; one of our own (`ours`) isn't counted as the directory's."""
    with writing():
        if not leases.holds(reading):
            return
        now = utcnow()
        DirectoryReading.update(state=ReadingState.FAILED, finished_at=now, error=error).where(
            DirectoryReading.id == reading.id
        ).execute()
        Directory.update(
            failures=Directory.failures + int(not ours), error=error, next_read_at=now + retries.DIRECTORY.after(0)
        ).where(Directory.id == reading.directory_id).execute()
        directory = Directory.get_by_id(reading.directory_id)
        activity.record(reading.started_by, "directory reading failed", about=directory.name, why=error)
        if not ours:
            news.directory_failed(directory, error)
