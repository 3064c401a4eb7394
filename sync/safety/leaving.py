"""How many people of a report have left, and what can be done about them: one count and one sentence for every place.
Nothing is decided here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from peewee import ModelSelect

from connectors.base import PAID_SOCIAL
from sync.db import db
from sync.listing import one_of
from sync.models import Account, App, Change, Person, Report
from sync.names import person_name
from sync.once import once
from sync.prepared import prepared, prepared_plain
from sync.states import ChangeDecision, ChangeKind, Protection
from sync.unchanged import while_unchanged
from sync.words import are, people
from sync.workspace import workspace

NAMED = 2  # people who can't be removed yet, by name; of more only the number
_LEAVER = (Change.kind == ChangeKind.REMOVED_USER) & Change.in_app
# Someone who has left but can't be removed yet, and nobody has accepted that.
IS_STUCK = (
    _LEAVER & (Change.decision == ChangeDecision.IGNORED) & Change.decided_at.is_null()
    & Change.protection_reason.is_null(False)
    & (Change.protection.is_null() | (Change.protection != Protection.KEPT_UNTIL))
)  # fmt: skip
# The parts of Leaving that a removal of someone who has left counts for; none once it is approved.
ALL, READY, HELD, STAYING, STUCK = "all", "ready", "held", "staying", "stuck"
_PART = f"""CASE c.decision WHEN '{ChangeDecision.NEEDS_CONFIRMATION}' THEN '{READY}'
    WHEN '{ChangeDecision.HELD}' THEN '{HELD}' WHEN '{ChangeDecision.LEFT_OUT}' THEN '{STAYING}'
    WHEN '{ChangeDecision.IGNORED}' THEN CASE WHEN c.protection_reason IS NULL THEN NULL
        WHEN c.protection = '{Protection.KEPT_UNTIL}' OR c.decided_at IS NOT NULL THEN '{STAYING}'
        ELSE '{STUCK}' END END"""
_WAITS = Change.decision.in_((ChangeDecision.NEEDS_CONFIRMATION, ChangeDecision.HELD))


def has_open(report: Report) -> bool:
    """Whether something in the report waits for a person: also a leaver who can't be removed yet."""
    return Change.select().where(Change.report == report, _WAITS | IS_STUCK).exists()


@dataclass(frozen=True)
class Leaving:
    """People of one report who have left: those who can be removed, those held by a guard, the names of those who can't
    be removed yet, and those who may stay for now because someone decided so."""

    app: App
    people: int = 0
    ready: int = 0
    held: int = 0
    stuck: tuple[str, ...] = ()
    staying: int = 0

    @property
    def waits(self) -> bool:
        """Someone has to decide or do something about one of them."""
        return bool(self.ready or self.held or self.stuck)

    def headline(self, named: Callable[[str], str] = str) -> str:
        """3 people have left Acme and still have accounts in Slack"""
        has, accounts = ("has", "an account in") if self.people == 1 else ("have", "accounts in")
        account = "access to" if self.app.category == PAID_SOCIAL else accounts
        left = f"{people(self.people)} {has} left {named(workspace().name)}"
        return f"{left} and still {has} {account} {named(self.app.name)}"

    def detail(self, named: Callable[[str], str] = str) -> str:
        """2 can be removed. Pavel Horák can't yet. Empty where all of them can."""
        if self.ready == self.people:
            return ""
        parts = [f"{self.ready:,} can be removed"] if self.ready else []
        parts += [f"{self.held:,} {are(self.held)} held by a guard"] if self.held else []
        if self.stuck:
            parts.append(f"{self._stuck(named)} can't {'' if self.ready else 'be removed '}yet")
        parts += [f"{self.staying:,} may stay for now"] if self.staying else []
        return f"{'. '.join(parts)}."

    def not_yet(self) -> str:
        """Pavel Horák can't be removed yet. Empty where nobody is stuck."""
        return f"{self._stuck()} can't be removed yet." if self.stuck else ""

    def _stuck(self, named: Callable[[str], str] = str) -> str:
        return " and ".join(map(named, self.stuck)) if len(self.stuck) <= NAMED else f"{len(self.stuck):,}"

    def sentence(self, named: Callable[[str], str] = str) -> str:
        """3 people have left Acme and still have accounts in Slack. 2 can be removed. Pavel Horák can't yet.

        `named` makes each name harmless where the sentence is shown.
        """
        return " ".join(filter(None, (f"{self.headline(named)}.", self.detail(named))))

    def sentence_if_any(self) -> str:
        """The same; empty where nobody has left."""
        return self.sentence() if self.people else ""


def of(report: Report) -> Leaving:
    """Those of an open report."""
    return of_reports([report])[report.id]


def of_reports(reports: Iterable[Report]) -> dict[int, Leaving]:
    """By report id; for one that is decided, nobody."""
    known = {report.id: report for report in reports}
    found: dict[int, dict[str, int]] = {id: {} for id in known}
    for id, part, number in _counted(json.dumps([report.id for report in known.values() if report.is_open])):
        found[id][part] = number
    stuck = _names_of_stuck([id for id, parts in found.items() if parts.get(STUCK)])
    apps = {app.id: app for app in _apps(json.dumps([report.app_id for report in known.values()]))}
    return {
        id: Leaving(apps[known[id].app_id], parts.get(ALL, 0), parts.get(READY, 0), parts.get(HELD, 0),
                    tuple(stuck.get(id, ())), parts.get(STAYING, 0))
        for id, parts in found.items()
    }  # fmt: skip


def with_stuck(report_ids: Iterable[int]) -> set[int]:
    """Those of these reports in which someone who has left can't be removed yet, and nobody has accepted that."""
    return _with_stuck(json.dumps(list(report_ids)))


@while_unchanged
def _with_stuck(reports: str) -> set[int]:
    return {id for (id,) in _found_stuck(reports)}


@prepared_plain
def _found_stuck(reports: str) -> ModelSelect:
    return Change.select(Change.report).where(one_of(Change.report, reports), IS_STUCK).distinct()


@once
@while_unchanged
def _counted(reports: str) -> list[tuple[int, str, int]]:
    """Of each of these reports, how many people who have left are in each part, and in ALL of them."""
    return db.execute_sql(
        f"""
        WITH seen AS MATERIALIZED (
            SELECT c.report_id, a.person_id, {_PART} AS part FROM change c JOIN account a ON a.id = c.account_id
            WHERE c.report_id IN (SELECT CAST(value AS INTEGER) FROM json_each(:reports))
                AND c.kind = '{ChangeKind.REMOVED_USER}' AND c.in_app AND a.person_id IS NOT NULL)
        SELECT report_id, part, count(DISTINCT person_id) FROM seen WHERE part IS NOT NULL GROUP BY report_id, part
        UNION ALL SELECT report_id, '{ALL}', count(DISTINCT person_id) FROM seen WHERE part IS NOT NULL
        GROUP BY report_id
        """,
        {"reports": reports},
    ).fetchall()


def _names_of_stuck(report_ids: list[int]) -> dict[int, list[str]]:
    """By report, those who can't be removed yet, in the order of their changes."""
    rows = _stuck(json.dumps(report_ids)) if report_ids else []
    people = {person.id: person for person in _people(json.dumps([person_id for _, person_id in rows]))} if rows else {}
    found: dict[int, dict[int, str]] = {}
    for report_id, person_id in rows:
        found.setdefault(report_id, {})[person_id] = person_name(people[person_id])
    return {report_id: list(names.values()) for report_id, names in found.items()}


@prepared_plain
def _stuck(reports: str) -> ModelSelect:
    stuck = Change.select(Change.report, Account.person).join(Account)
    return stuck.where(one_of(Change.report, reports), IS_STUCK, Account.person.is_null(False)).order_by(Change.id)


@prepared
def _people(ids: str) -> ModelSelect:
    return Person.select().where(one_of(Person.id, ids))


@prepared
def _apps(ids: str) -> ModelSelect:
    return App.select().where(one_of(App.id, ids))
