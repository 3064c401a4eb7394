"""A directory with groups over the people of the chat, for tests of rules."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sync.groups import rules as group_rules
from sync.groups.rules import Draft
from sync.jobs import queue
from sync.models import Account, App, Asset, Change, DirectoryGroup, GroupRule, Report, Team
from sync.reports import reports
from tests.sync.fixtures import Chat, email
from tests.sync.scripted import Scripted

PEOPLE = 14  # the ten of the chat, and four without an account


class Groups:
    """`put(3, "Sales", "All")` says in which groups person 3 is; `read` brings it to Rollcall."""

    def __init__(self, chat: Chat, company: Scripted):
        self.chat, self.company, self.app = chat, company, chat.app
        for number in range(10, PEOPLE):
            company.add(f"id{number}", email(number), f"Person {number}")

    def put(self, number: int, *groups: str) -> None:
        self.company.say(f"id{number}", groups=groups)

    def read(self) -> None:
        assert self.company.read().state == "succeeded"

    def group(self, name: str) -> DirectoryGroup:
        return DirectoryGroup.get(DirectoryGroup.name == name)

    def rule(self, source: str | Team, role: str = "", *assets: tuple[Asset, str]) -> GroupRule:
        of = {"team": source} if isinstance(source, Team) else {"group": self.group(source)}
        return group_rules.save(App.get_by_id(self.app.id), Draft(**of, role=role, assets=assets), self.chat.by)

    def found(self) -> dict[str, dict[str, str]]:
        """One check; by kind, e-mail → decision of what rules want in the open report."""
        check = self.chat.check()
        assert check.state == "succeeded", check.error
        return self.waiting()

    def waiting(self) -> dict[str, dict[str, str]]:
        report = reports.open_report(self.app)
        found: dict[str, dict[str, str]] = {}
        for change in report.changes.where(Change.decision != "applied") if report else ():
            whose = change.account.email if change.account else change.detail["email"]
            found.setdefault(change.kind, {})[whose] = change.decision
        return found

    def change(self, kind: str, number: int) -> Change:
        report = reports.open_report(self.app)
        return next(
            row for row in report.changes.where(Change.kind == kind)
            if email(number) == (row.account.email if row.account else row.detail["email"])
        )  # fmt: skip

    def approve(self) -> reports.Finish:
        report = reports.open_report(self.app)
        done = reports.finish(report, self.chat.by, version=report.version)
        queue.drain(("task", "check"))
        return done

    def role(self, number: int) -> str | None:
        """In the app itself; None for a person without an account there."""
        return next((row["role"] for row in self.chat.members() if row["email"] == email(number)), None)

    def account(self, number: int) -> Account:
        return Account.get(Account.app == self.app, Account.email == email(number))

    def report(self) -> Report | None:
        return reports.open_report(self.app)


@pytest.fixture
def groups(chat: Chat, scripted: type[Scripted]) -> Iterator[Groups]:
    """Persons 10 to 13 work here too, without an account in the chat; nobody is in a group yet."""
    groups = Groups(chat, scripted(count=10))
    groups.read()
    yield groups
