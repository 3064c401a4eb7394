"""`doctor`: checks the installation and explains how to fix what is wrong. It changes nothing."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

import click

from cli.activity import fault_in_words
from cli.frame import BY, DONE, FAILED, Failed, answer, as_json, end, installation
from cli.locks import is_served
from connectors.base import ConnectorError
from connectors.names import beyond_ascii
from sync import activity, faults, restored, vault
from sync.apps import apps, lists, status
from sync.apps.conditions import in_plain_text
from sync.config import Config
from sync.db import DatabaseRefused, utcnow
from sync.directory import figures
from sync.effects import directory_version_warning
from sync.jobs import clock, health, queue
from sync.mail import mail_server, outbox, smtp
from sync.people import people
from sync.states import Tone
from sync.tasks import tasks
from sync.words import plural

LITTLE_SPACE = 200_000_000  # bytes
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SHOWN = 5  # at most so many addresses in one finding
RECENT = timedelta(days=7)


class FindingState(StrEnum):
    """How bad a finding is.
    Its line begins with this word."""

    OK = "ok"
    NOTE = "note"
    WRONG = "wrong"


OK, NOTE, WRONG = FindingState


@dataclass(frozen=True)
class Finding:
    about: str
    state: FindingState
    text: str


class Damage(Finding):
    """Something wrong with the database: all other findings would have to read it."""


@click.command()
@click.option("--apps", "test_apps", is_flag=True, help="Also test the credential of each app.")
@click.option("--clock-is-right", is_flag=True, help="Confirm: the machine's clock is right now, and was wrong before.")
@as_json
def doctor(test_apps: bool, clock_is_right: bool, as_json: bool) -> None:
    """Check the whole installation. Exit code 1: something is wrong."""
    settings = Config.from_environ()
    if not settings.database_url and not settings.database_path.exists():
        raise Failed(f"There is no installation at {settings.home}. If ROLLCALL_HOME is right, start Rollcall once.")
    damage = _database(settings)
    if isinstance(damage, Damage):
        answer({"ok": False, "findings": [vars(damage)]}, [_line(damage)], as_json)
        end(FAILED)
    with installation():
        if clock_is_right:
            clock.is_right(BY)
        found = [*_installation(settings), *_work(settings), *_attention(), *(_credentials() if test_apps else ())]
    wrong = any(finding.state == WRONG for finding in found)
    document = {"ok": not wrong, "findings": [vars(finding) for finding in found]}
    answer(document, [_line(finding) for finding in found], as_json)
    end(FAILED if wrong else DONE)


def _line(finding: Finding) -> str:
    return f"{finding.state:5}  {finding.about}: {finding.text}"


def _where(settings: Config) -> str:
    if settings.database_url:
        return f"the data is in {settings.database_name}, its key in {settings.home}"
    return f"the data is in {settings.home}"


def _installation(settings: Config) -> Iterator[Finding]:
    yield Finding("settings", OK, f"{_where(settings)}, pages are at {settings.url}.")
    if settings.url.startswith("http://") and urlsplit(settings.url).hostname not in LOOPBACK:
        yield Finding("address", NOTE, "ROLLCALL_URL begins with http://: put a proxy with TLS in front, and use https://.")
    mode = settings.secret_key_file.stat().st_mode & 0o777
    if mode & 0o077:
        yield Finding("key", WRONG, f"other users can read {settings.secret_key_file} (mode {mode:o}): chmod 600 it.")
    else:
        yield Finding("key", OK, f"only its owner can read {settings.secret_key_file}.")
    for problem in apps.broken_files():
        yield Finding("connector file", WRONG, f"{problem} Its app is not in the catalogue.")
    yield _key_fits()
    yield _database(settings)
    chain = activity.verify()
    yield (
        Finding("activity", OK, f"{plural(chain.entries, 'entry is', 'entries are')} unchanged.")
        if chain.ok else Finding("activity", WRONG, f"{fault_in_words(chain)}.")
    )  # fmt: skip
    yield _disk(settings)


def _disk(settings: Config) -> Finding:
    """The free space on the disk of the file. If the database is on a server, that of the folder with the keys, as the
    server's own disk isn't visible from here."""
    free = shutil.disk_usage(settings.home if settings.database_url else settings.database_path.parent).free
    needed = LITTLE_SPACE if settings.database_url else max(LITTLE_SPACE, 2 * settings.database_path.stat().st_size)
    if free > needed:
        return Finding("disk", OK, f"{free // 1_000_000:,} MB are free.")
    return Finding("disk", WRONG, f"only {free // 1_000_000:,} MB are free. Make room.")


def _key_fits() -> Finding:
    for row in (*lists.with_credential(), *figures.all_by_name()):
        try:
            vault.unseal(row.credential)
        except vault.VaultProblem as problem:
            return Finding("credentials", WRONG, f"{row.name}: {problem}")
    return Finding("credentials", OK, "the key decrypts all of them.")


def _database(settings: Config) -> Finding:
    return _server(settings) if settings.database_url else _file(settings)


def _server(settings: Config) -> Finding:
    from cli import server_health

    try:
        found = server_health.look(settings.database_url)
    except DatabaseRefused as problem:
        return Damage("database", WRONG, str(problem))
    if found.problems:
        return (Damage if found.is_standby else Finding)("database", WRONG, " ".join(found.problems))
    text = f"PostgreSQL {found.version}, {found.size:,} bytes, " \
           f"{found.connections} of {found.most} connections in use."
    return Finding("database", NOTE if found.is_crowded else OK, text)


def _file(settings: Config) -> Finding:
    try:
        with closing(sqlite3.connect(f"{settings.database_path.as_uri()}?mode=ro", uri=True)) as database:
            [result] = database.execute("PRAGMA integrity_check(1)").fetchone()
            strays = database.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.Error as problem:
        fault = faults.of(problem)
        if fault and fault is not faults.DAMAGED:
            return Damage("database", WRONG, f"{fault.text} It is {settings.database_path}.")
        result, strays = str(problem), None
    if result != "ok" or strays:
        return Damage("database", WRONG, f"it is damaged ({result if result != 'ok' else strays}): restore a backup.")
    return Finding("database", OK, f"complete, {settings.database_path.stat().st_size:,} bytes.")


def _work(settings: Config) -> Iterator[Finding]:
    for fault in health.troubles():
        yield Finding(fault.kind, WRONG, f"{fault.sentence} {fault.advice}")
    age = queue.heartbeat_age(utcnow())
    if not is_served(settings):
        yield Finding("queue", NOTE, "no server is running: daily checks, tasks and e-mails wait for one.")
    elif age is None or age > health.LATE:
        yield Finding("queue", WRONG, "a server is running, but its schedule stopped minutes ago. Restart it.")
    else:
        yield Finding("queue", OK, f"a server is running; its schedule ran {age:.0f} seconds ago.")
    yield _mail_server()


def _mail_server() -> Finding:
    if not mail_server.is_set():
        return Finding("mail", NOTE, "no mail server is set, so e-mails wait in the outbox: set one under Settings, or "
                                     "in ROLLCALL_SMTP_URL.")
    try:
        outgoing = mail_server.current()
        offers_smtputf8 = smtp.greet(outgoing)
    except smtp.MailDelayed as problem:
        return Finding("mail", WRONG, problem.in_full)
    unreached = [] if offers_smtputf8 else list(filter(beyond_ascii, people.all_main_emails()))
    if unreached:
        return Finding("mail", NOTE, smtp.no_smtputf8(outgoing, ", ".join(unreached[:SHOWN])))
    return Finding("mail", OK, f"{outgoing.host} accepts e-mail from {outgoing.sender}.")


def _attention() -> Iterator[Finding]:
    yield from _apps()
    if (when := restored.last_withdrawn()) and utcnow() - when < RECENT:
        yield Finding("restore", NOTE, f"{restored.WHY}. On {when:%d %b %Y at %H:%M} UTC, approvals were withdrawn: "
                                       "Activity says which.")
    for directory in figures.working():
        if warning := directory_version_warning(directory):
            yield Finding(directory.name, NOTE, warning.removeprefix(f"{directory.name}: "))
    for directory in figures.failing():
        yield Finding(directory.name, WRONG, directory.error)
    if stuck := tasks.count_needing_attention():
        yield Finding("tasks", WRONG, f"{plural(stuck, 'needs', 'need')} attention: see `tasks`.")
    if lost := outbox.count_failed(utcnow() - RECENT):
        yield Finding("mail", WRONG, f"{plural(lost, 'e-mail')} of the last week could not be sent: see Activity.")


def _apps() -> Iterator[Finding]:
    """The apps that pages show in red or amber, in the same words. What waits for an Owner is a note."""
    connected = lists.connected()
    known = status.standings(connected)
    for app in connected:
        standing = known[app.id]
        for row in (standing.row, *standing.others):
            if row.tone in (Tone.ATTENTION, Tone.WAITING):
                result = in_plain_text(row.says(standing.facts)).removeprefix(f"{app.name}: ").replace("\n", " ")
                yield Finding(app.name, WRONG if row.fault else NOTE, result)


def _credentials() -> Iterator[Finding]:
    for app in lists.active():
        try:
            identity = apps.retest(app, BY)
        except (ConnectorError, vault.VaultProblem) as problem:
            yield Finding(app.name, WRONG, str(problem))
        else:
            missing = "; ".join(identity.missing)
            yield Finding(app.name, NOTE if missing else OK, missing or f"the credential works, as {identity.name}.")
