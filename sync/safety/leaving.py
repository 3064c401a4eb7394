"""How many people of a report have left, and what can be done about them: one count and one sentence for every place.
Nothing is decided here."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from peewee import ModelSelect

from connectors.base import PAID_SOCIAL
from sync.listing import one_of
from sync.models import Account, App, Change, Person, Report
from sync.names import person_name
from sync.once import once
from sync.prepared import prepared, prepared_plain
from sync.states import ChangeDecision, ChangeKind, Protection
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
        """3 people left Acme and still have an account in Slack"""
        account = "access to" if self.app.category == PAID_SOCIAL else "an account in"
        has = "has" if self.people == 1 else "have"
        return f"{people(self.people)} left {named(workspace().name)} and still {has} {account} {named(self.app.name)}"

    def detail(self, named: Callable[[str], str] = str) -> str:
        """2 can be removed, Pavel Horák can't yet. Empty where all of them can."""
        if self.ready == self.people:
            return ""
        parts = [f"{self.ready:,} can be removed"] if self.ready else []
        parts += [f"{self.held:,} {are(self.held)} held by a guard"] if self.held else []
        if self.stuck:
            who = " and ".join(map(named, self.stuck)) if len(self.stuck) <= NAMED else f"{len(self.stuck):,}"
            parts.append(f"{who} can't {'' if self.ready else 'be removed '}yet")
        parts += [f"{self.staying:,} may stay for now"] if self.staying else []
        return f"{', '.join(parts)}."

    def sentence(self, named: Callable[[str], str] = str) -> str:
        """3 people left Acme and still have an account in Slack. 2 can be removed, Pavel Horák can't yet.

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
    found: dict[int, dict[str, dict[int, str]]] = {id: defaultdict(dict) for id in known}
    for one in _leavers(json.dumps([report.id for report in known.values() if report.is_open])):
        if part := _part(one):
            found[one.report_id][part][one.person_id] = ""
    stuck = [id for parts in found.values() for id in parts["stuck"]]
    names = {person.id: person_name(person) for person in _people(json.dumps(stuck))} if stuck else {}
    for parts in found.values():
        parts["stuck"] = {id: names[id] for id in parts["stuck"]}
    apps = {app.id: app for app in _apps(json.dumps([report.app_id for report in known.values()]))}
    return {id: _counted(apps[known[id].app_id], parts) for id, parts in found.items()}


def with_stuck(report_ids: Iterable[int]) -> set[int]:
    """Those of these reports in which someone who has left can't be removed yet, and nobody has accepted that."""
    return {id for (id,) in _with_stuck(json.dumps(list(report_ids)))}


@prepared_plain
def _with_stuck(reports: str) -> ModelSelect:
    return Change.select(Change.report).where(one_of(Change.report, reports), IS_STUCK).distinct()


class _Leaver(NamedTuple):
    """The removal of someone who has left, with what _part() looks at: there may be thousands."""

    report_id: int
    person_id: int
    decision: str
    protection_reason: str | None
    protection: str | None
    decided_at: str | None


@once
def _leavers(reports: str) -> list[_Leaver]:
    return [_Leaver._make(row) for row in _removals(reports)]


@prepared_plain
def _removals(reports: str) -> ModelSelect:
    removals = Change.select(Change.report, Account.person, Change.decision, Change.protection_reason,
                             Change.protection,
                             Change.decided_at).join(Account)  # fmt: skip
    return removals.where(one_of(Change.report, reports), _LEAVER, Account.person.is_null(False)).order_by(Change.id)


@prepared
def _people(ids: str) -> ModelSelect:
    return Person.select().where(one_of(Person.id, ids))


@prepared
def _apps(ids: str) -> ModelSelect:
    return App.select().where(one_of(App.id, ids))


def _part(change: _Leaver) -> str:
    """Which of Leaving's numbers the change counts for; none once it is approved."""
    if change.decision == ChangeDecision.NEEDS_CONFIRMATION:
        return "ready"
    if change.decision == ChangeDecision.HELD:
        return "held"
    if change.decision == ChangeDecision.LEFT_OUT:
        return "staying"
    if change.decision != ChangeDecision.IGNORED or not change.protection_reason:
        return ""
    return "staying" if change.protection == Protection.KEPT_UNTIL or change.decided_at else "stuck"


def _counted(app: App, parts: dict[str, dict[int, str]]) -> Leaving:
    return Leaving(
        app, len({person for part in parts.values() for person in part}), len(parts["ready"]), len(parts["held"]),
        tuple(parts["stuck"].values()), len(parts["staying"]),
    )  # fmt: skip
