"""A worker that can be made to kill itself at its n-th step: an SQL statement that may write, or the start or the end
of an HTTP call; or to keep a copy of all files at each step, as a death there would leave them.
Started once by test_kill.py; forks for each order that it reads, so that hundreds of deaths stay cheap."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import requests

from sync import activity, faults, start
from sync.checks import checks
from sync.config import Config
from sync.db import connected, utcnow
from sync.jobs import asking, queue
from sync.models import (
    Access,
    Account,
    App,
    Asset,
    Change,
    Check,
    HandOver,
    Invitation,
    Mail,
    Offboarding,
    Person,
    Report,
    Role,
    Task,
)
from sync.offboarding import offboarding
from sync.people import people
from sync.rank import Asker
from sync.reports import reports
from sync.tasks import by_hand, invitations
from tests import database, warm
from tests.blank import LOCAL
from tests.faults.kept_rows import Committed

START = "start"  # open the installation, and nothing else
CUT_OFF = 3  # how a process ends that has met the end of its connection
READS = ("SELECT", "PRAGMA", "SET", "--")  # leave nothing behind: a death there is the death at the next statement
BY = Asker.command_line("Olga Brandt <olga@acme.example>")


class Steps:
    """Counts what this process does from `count` on."""

    def __init__(self):
        self._files: dict[tuple[str, int], int] = {}  # by path and inode
        self._copied: dict[str, tuple[bytes, Path]] = {}
        self.count()

    def count(self, fatal: int = 0, keep: dict[str, str] | None = None, server: str | None = None,
              cut: bool = False) -> None:  # fmt: skip
        """Die as of kill -9 when step number `fatal` begins, or with `cut` lose all connections to the server.

        `keep` maps each file to the path of its copy, in which {step} stands for the number of the step that begins.
        `server`: the address of a database whose rows are kept in the same folder.
        """
        self.taken, self.fatal, self.keep = 0, fatal, keep or {}
        self.committed = Committed(server) if server and (keep or cut) else None
        self.cut = cut

    def statement(self, sql: str) -> None:
        if not sql.lstrip().upper().startswith(READS):
            self.step()

    def step(self) -> None:
        self.taken += 1
        if self.keep:
            self._copy()
        if self.taken == self.fatal and self.cut:
            self.committed.cut_off_others()
        elif self.taken == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def _copy(self) -> None:
        """What has the same bytes as at the step before is the same file as there."""
        for path, copy in self.keep.items():
            if (content := self._content(path)) is None:
                continue
            to = Path(copy.format(step=self.taken))
            to.parent.mkdir(parents=True, exist_ok=True)
            before, there = self._copied.get(path, (None, to))
            if content == before:
                to.hardlink_to(there)
            else:
                to.write_bytes(content)
                self._copied[path] = content, to
        if self.committed:
            self.committed.write(Path(next(iter(self.keep.values())).format(step=self.taken)).parent)

    def _content(self, path: str) -> bytes | None:
        """A file stays open once it was read: closing it here would release SQLite's locks on it."""
        try:
            about = os.stat(path)
        except FileNotFoundError:
            return None
        which = path, about.st_ino
        if which not in self._files:
            self._files[which] = os.open(path, os.O_RDONLY)
        return os.pread(self._files[which], about.st_size, 0)

    def watch(self) -> None:
        """Every connection to a database, of Rollcall and of its queue, and every HTTP call from now on."""
        for name in ("execute", "executemany", "copy"):
            setattr(psycopg.Cursor, name, self._watched(getattr(psycopg.Cursor, name)))
        connect, send = sqlite3.connect, requests.Session.send

        def watched_connect(*arguments, **options) -> sqlite3.Connection:
            connection = connect(*arguments, **options)
            connection.set_trace_callback(self.statement)
            return connection

        def watched_send(session, *arguments, **options) -> requests.Response:
            self.step()
            answer = send(session, *arguments, **options)
            self.step()
            return answer

        sqlite3.connect, requests.Session.send = watched_connect, watched_send

    def _watched(self, call: Callable) -> Callable:
        def watched(cursor: psycopg.Cursor, query: str | bytes, *arguments, **options) -> object:
            self.statement(query if isinstance(query, str) else query.decode())
            return call(cursor, query, *arguments, **options)

        return watched


def finish(left_out: list[str]) -> None:
    """Press Finish Sync in the open report, leaving these e-mails out; then work until all is done."""
    report = Report.get(Report.state == "open")
    waiting = Change.select(Change, Account).join(Account).where(Change.report == report)
    why = {change.id: "hand-over" for change in waiting if change.account.email in left_out}
    reports.finish(report, BY, version=report.version, left_out=why)
    sys.stdout.write("promised\n")
    sys.stdout.flush()
    queue.drain()


def hand_over(names: list[str]) -> None:
    """Press Finish Sync in the open report: one leaver's channel is handed over to the second of these e-mails."""
    leaver, successor = (Account.get(Account.email == name) for name in names)
    report = Report.get(Report.state == "open")
    chosen = {(leaver.id, asset.id): successor.id for asset in Asset.select()}
    reports.finish(report, BY, version=report.version, hand_overs=chosen)
    sys.stdout.write("promised\n")
    sys.stdout.flush()
    drain_tasks()


def drain_tasks() -> None:
    """A hand-over that is done wakes the removal that waits for it: for the next round."""
    while queue.drain(("task",)):
        pass


def operate(_: list[str]) -> None:
    """Ask for one of each operation on members, as the pages do; then work until all is done."""
    app, ids = App.get(), {row.email: row.id for row in Account.select()}
    channel = Asset.get()
    one, two, three, four = (ids[f"p{number}@acme.example"] for number in (1, 2, 3, 4))
    for plan in (
        lambda: by_hand.plan_roles(app, [one], "admin"),
        lambda: by_hand.plan_removals(app, [two]),
        lambda: by_hand.plan_grants(app, [three], [channel.id], "member"),
        lambda: by_hand.plan_revocations(app, [(four, channel.id)]),
    ):
        by_hand.carry_out(plan, BY, plan().seen, reason="Moved on")
    emails = ["new@acme.example"]
    invitations.invite_all(app, emails, "member", BY, invitations.plan(app, emails, "member").seen)
    sys.stdout.write("promised\n")
    sys.stdout.flush()
    queue.drain(("task",))


def offboard(left_out: list[str]) -> None:
    """Press Finish in the preview of person 3's offboarding, leaving out the accounts in these apps; then work."""
    olga, person = (people.find_by_email(f"{name}@acme.example") for name in ("olga", "p3"))
    seats = people.accounts_of(person)
    why = {seat.id: "hand-over" for seat in seats if seat.app.name in left_out}
    offboarding.start(person, olga, {seat.id for seat in seats}, why, key="the page")
    sys.stdout.write("promised\n")
    sys.stdout.flush()
    queue.drain()


def check(_: list[str]) -> None:
    checks.run(asking.ask(App.get(), BY).id)


def recover(_: list[str]) -> None:
    """What a start does: wake what was left over, and work until nothing is. What a lost connection put off is due."""
    for model in (Task, Mail):
        model.update(next_at=utcnow()).where(model.state == "queued", model.next_at > utcnow()).execute()
    queue.sweep()
    queue.drain()
    drain_tasks()


def look(_: list[str]) -> None:
    """Nothing but look."""


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "finish": finish, "offboard": offboard, "operate": operate, "hand over": hand_over, "check": check,
    "recover": recover, "look": look,
}  # fmt: skip


def everything_known() -> dict:
    """All that Rollcall knows, without times and ids that a second attempt changes."""

    def rows(query) -> list:
        return sorted(map(list, query.tuples()), key=repr)

    return {
        "accounts": {
            email or external_id: [state, role, match, left_out]
            for external_id, email, state, role, match, left_out in Account.select(
                Account.external_id, Account.email, Account.state, Account.role, Account.match_kind,
                Account.left_out_reason,
            ).tuples()
        },
        "roles": rows(Role.select(Role.external_id, Role.label, Role.privileged)),
        "assets": rows(Asset.select(Asset.external_id, Asset.name, Asset.state)),
        "access": rows(Access.select(Access.account_id, Access.asset_id, Access.role)),
        "changes": rows(Change.select(Change.kind, Change.decision, Change.account_id, Change.before, Change.after)),
        "reports": rows(Report.select(Report.id, Report.state, Report.waiting, Report.counts)),
        "tasks": rows(Task.select(Task.external_id, Task.state, Task.error)),
        "operations": rows(Task.select(Task.kind, Task.state)),
        "hand_overs": rows(HandOver.select(HandOver.account_id, HandOver.asset_id, HandOver.successor_id)),
        "invitations": rows(Invitation.select(Invitation.email, Invitation.state)),
        "offboardings": rows(Offboarding.select(Offboarding.state)),
        "people": rows(Person.select(Person.name, Person.status, Person.remove_on.is_null())),
        "mails": rows(Mail.select(Mail.kind, Mail.key)),
        "checks": rows(Check.select(Check.state)),
        "users": App.select(App.users, App.matched).tuples().get(),
        "activity": activity.verify().ok,
    }


def obey(home: str, command: str, arguments: list[str], fatal: int, keep: dict[str, str], cut: bool) -> None:
    steps = Steps()
    steps.watch()
    config = database.placed(Config.from_environ({"ROLLCALL_HOME": home, **LOCAL}))
    if command == START:
        steps.count(fatal)
    start.open_all(config)
    if command == START:
        return
    steps.count(fatal, keep, config.database_url, cut)
    with connected():
        found = everything_known() if command == "recover" else {}
        try:
            COMMANDS[command](arguments)
        except Exception as problem:
            if cut and faults.of(problem):
                os._exit(CUT_OFF)
            raise
        steps.count()
    with connected():  # by a connection that nobody has ended
        print(json.dumps([found, everything_known()]), flush=True)


def main() -> None:
    """Orders are JSON lines: home, command, arguments, fatal, keep, and the path for the answer."""
    warm.up()
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                answer = Path(order.pop("answer"))
                with answer.open("w") as sys.stdout:
                    obey(**order)
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
