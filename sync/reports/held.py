"""What a report holds until an Owner releases it: more changes at once than a guard allows (rule 6).
It is decided again when changes come into a report, or a decision is taken back."""

from __future__ import annotations

from datetime import datetime

from peewee import Expression, ModelSelect, ModelUpdate, fn

from sync.models import Change, Report
from sync.prepared import prepared_plain, prepared_write
from sync.safety import guards
from sync.states import ADJUSTMENTS, REMOVALS, ChangeDecision

CONFIRM, HELD = ChangeDecision.NEEDS_CONFIRMATION, ChangeDecision.HELD


def hold_what_is_too_many(report: Report) -> None:
    """Hold changes that are too many at once, or stop holding them when they no longer are. A release stays valid."""
    since = report.released_at or datetime.min
    of = {kind for kind, in _kinds_asked(report, since)}
    for kinds in (REMOVALS, *((kind,) for kind in ADJUSTMENTS)):
        if of.isdisjoint(kinds):
            continue
        [(number,)] = _people_asked(report, since, kinds=kinds)
        mass = guards.is_mass(report.app, number) if kinds == REMOVALS else guards.is_mass_of(report.app, kinds, number)
        _decide(report, since, HELD if mass else CONFIRM, kinds=kinds)


def _asked(report: Report, since: datetime) -> Expression:
    undecided = (Change.report == report) & Change.in_app & Change.decision.in_((CONFIRM, HELD))
    return undecided & (Change.created_at > since)


@prepared_plain
def _kinds_asked(report: Report, since: datetime) -> ModelSelect:
    return Change.select(Change.kind).where(_asked(report, since)).distinct()


@prepared_plain
def _people_asked(report: Report, since: datetime, *, kinds: tuple[str, ...]) -> ModelSelect:
    people = fn.COUNT(fn.COALESCE(Change.account, Change.person).distinct())
    return Change.select(people).where(_asked(report, since), Change.kind.in_(kinds))


@prepared_write
def _decide(report: Report, since: datetime, decision: str, *, kinds: tuple[str, ...]) -> ModelUpdate:
    others = Change.select(Change.id).where(_asked(report, since), Change.kind.in_(kinds), Change.decision != decision)
    return Change.update(decision=decision).where(Change.id.in_(others))
