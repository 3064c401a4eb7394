"""A report as it is looked at: its one sentence, its drop-downs, the changes in each.
Nothing is decided here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from peewee import SQL, Case, ModelSelect, fn

from sync.groups.assignments import ACCESS, ENDED, INVITE, LOSS, ROLE
from sync.listing import one_of
from sync.models import Account, Asset, Change, Check, Person, Report
from sync.prepared import prepared, prepared_plain
from sync.reports import mass_updates
from sync.reports.reports import APPLIED, CONFIRM, HELD, IGNORED, LEFT_OUT, UNDECIDED
from sync.safety import leaving
from sync.states import OF_ACCESS, OF_ASSETS, UPDATES, ChangeKind, ReportState
from sync.unchanged import while_unchanged
from sync.words import plural

WANTED = {
    INVITE: ("person to invite", "people to invite"),
    ROLE: ("role to change", "roles to change"),
    ACCESS: ("asset role to grant", "asset roles to grant"),
    LOSS: ("asset role to revoke", "asset roles to revoke"),
    ENDED: ("person no longer assigned", "people no longer assigned"),
}


@dataclass(frozen=True)
class Kind:
    """A drop-down of the wizard: what it is called and which changes it holds."""

    title: str
    kinds: tuple[ChangeKind, ...]

    @property
    def in_app(self) -> bool:
        """Group rules want these changes made in the app."""
        return all(kind.by_rules for kind in self.kinds)


SECTIONS = {
    "new-users": Kind("New users", (ChangeKind.NEW_USER,)),
    "removed-users": Kind("Removed users", (ChangeKind.REMOVED_USER,)),
    "updated-roles": Kind("Updated roles", (ChangeKind.UPDATED_ROLE,)),
    "updated-profiles": Kind("Updated profiles", (ChangeKind.UPDATED_PROFILE,)),
    "assets-and-access": Kind("Assets and access", (*OF_ASSETS, *OF_ACCESS)),
    "to-invite": Kind("To invite", (INVITE,)),
    "roles-in-app": Kind("Updated roles", (ROLE,)),
    "access-in-app": Kind("Access", (ACCESS, LOSS)),
    "no-longer-assigned": Kind("No longer assigned", (ENDED,)),
}


@dataclass(frozen=True)
class Section:
    """One drop-down; `rows` are the first of `total`."""

    key: str
    kind: Kind
    total: int
    rows: list[Change]


def sections(report: Report, limit: int = 100) -> list[Section]:
    """The drop-downs of the wizard that hold something, what waits first."""
    found = []
    for key, kind in SECTIONS.items():
        if total := total_of(report, key):
            found.append(Section(key, kind, total, rows_of(report, kind.kinds, limit)))
    return found


def total_of(report: Report, key: str) -> int:
    return sum(report.counts.get(kind, 0) for kind in SECTIONS[key].kinds)


def rows_of(report: Report, kinds: tuple[str, ...], limit: int, offset: int = 0) -> list[Change]:
    """What waits first, then what was left out, ignored and applied. Ids come first, and rows for these alone: a first
    reading has as many applied changes as the app has accounts."""
    ids = _ids_of(report.id, kinds, limit, offset)
    rows = {change.id: change for change in _with_ids(json.dumps(ids))} if ids else {}
    for change in rows.values():
        change.report = report  # known already: not asked for once a row
    return [rows[id] for id in ids]


@while_unchanged
def _ids_of(report_id: int, kinds: tuple[str, ...], limit: int, offset: int) -> list[int]:
    ids = [id for (id,) in _not_applied(report_id, limit, offset, kinds=kinds)]
    if len(ids) < limit:
        [(beside,)] = _count_not_applied(report_id, kinds=kinds)
        ids += [id for (id,) in _applied(report_id, limit - len(ids), max(0, offset - beside), kinds=kinds)]
    return ids


# In the words of the partial index.
_IS_NOT_APPLIED = SQL(f"t1.decision <> '{APPLIED}'")


@prepared_plain
def _not_applied(report_id: int, limit: int, offset: int, *, kinds: tuple[str, ...]) -> ModelSelect:
    mine = Change.select(Change.id).where(Change.report == report_id, Change.kind.in_(kinds), _IS_NOT_APPLIED)
    by_decision = Case(Change.decision, ((IGNORED, 2), (LEFT_OUT, 1)), 0)
    return mine.order_by(by_decision, Change.id).limit(limit).offset(offset)


@prepared_plain
def _count_not_applied(report_id: int, *, kinds: tuple[str, ...]) -> ModelSelect:
    return Change.select(fn.COUNT(SQL("*"))).where(Change.report == report_id, Change.kind.in_(kinds), _IS_NOT_APPLIED)


@prepared_plain
def _applied(report_id: int, limit: int, offset: int, *, kinds: tuple[str, ...]) -> ModelSelect:
    mine = Change.select(Change.id).where(Change.report == report_id, Change.kind.in_(kinds))
    return mine.where(Change.decision == APPLIED).order_by(Change.id).limit(limit).offset(offset)


@prepared
def _with_ids(ids: str) -> ModelSelect:
    joins = Person.alias()
    return (
        Change.select(Change, Account, Person, Asset, joins)
        .left_outer_join(Account)
        .left_outer_join(Person)
        .switch(Change)
        .left_outer_join(Asset)
        .switch(Change)
        .left_outer_join(joins, on=(Change.person == joins.id), attr="person")
        .where(one_of(Change.id, ids))
    )


def last_check(report: Report) -> Check | None:
    """The last check that brought the report up to date."""
    return Check.select().where(Check.report == report).order_by(Check.id.desc()).first()


def may_be_left_out(report: Report) -> list[Change]:
    """The changes, with their accounts, that someone may leave out or take back: they aren't decided for good."""
    query = Change.select(Change, Account).left_outer_join(Account)
    undecided = Change.decision.in_((CONFIRM, HELD, LEFT_OUT))
    return list(query.where(Change.report == report, undecided, Change.kind.not_in(UPDATES)).order_by(Change.id))


def accounts(ids: Iterable[int]) -> list[Account]:
    """The accounts with these ids."""
    return list(Account.select().where(Account.id.in_(list(ids))).order_by(Account.id))


def sentence(report: Report) -> str:
    """The one sentence on top: "3 people have left Acme and still have accounts in Slack."."""
    app = report.app
    if report.state != ReportState.OPEN:
        taken = sum(report.counts.values())
        if not taken:
            return f"Nothing changed in {app.name}."
        return f"{taken:,} {'change' if taken == 1 else 'changes'} in {app.name}: this report is {report.state}."
    wants = _in_words(report)
    left = leaving.of(report)
    if left.people:
        return f"{left.sentence()} By its groups: {wants}." if wants else left.sentence()
    if wants:
        return f"By the groups of {app.name}: {wants}."
    if held := held_updates(report):
        return f"{update_words(held)} changed at once in {app.name}."
    return f"{app.name} has changes to review."


def held_updates(report: Report) -> dict[str, int]:
    """How many changed roles and profiles a guard holds, by kind; none of those of which there are none."""
    rows = (
        Change.select(Change.kind, fn.COUNT(Change.id)).group_by(Change.kind).tuples()
        .where(Change.report == report, Change.decision == HELD, Change.kind.in_(UPDATES))
    )  # fmt: skip
    return dict(rows) if report.held else {}


def update_words(held: dict[str, int]) -> str:
    """248 profiles and 3 roles."""
    words = {mass_updates.PROFILES: "profile", mass_updates.ROLES: "role"}
    counted = ((held[kind], word) for kind, word in words.items() if kind in held)
    return " and ".join(plural(number, word) for number, word in counted)


def _undecided(report: Report, kind: str) -> int:
    return Change.select().where(
        Change.report == report, Change.kind == kind, Change.in_app, Change.decision.in_(UNDECIDED)
    ).count()


def _in_words(report: Report) -> str:
    """What rules want: "2 people to invite, 1 role to change"."""
    counted = [(_undecided(report, kind) if report.counts.get(kind) else 0, words) for kind, words in WANTED.items()]
    return ", ".join(f"{number:,} {words[number != 1]}" for number, words in counted if number)
