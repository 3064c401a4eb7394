"""Whether a removal is still to be done has one answer, asked of one task right before it and of all that wait at once:
on generated people, rules, accounts and tasks, in a real database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sync.db import db, utcnow
from sync.groups import assignments
from sync.models import (
    Account,
    App,
    Assignment,
    Change,
    Directory,
    DirectoryEntry,
    DirectoryGroup,
    DirectoryGroupMember,
    GroupRule,
    Person,
    PersonEmail,
    Report,
    Task,
)
from sync.tasks import still_to_remove
from sync.workspace import today

SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
ADDRESSES = ("ada@acme.example", "bo@acme.example", "cy@acme.example")


@dataclass(frozen=True)
class Human:
    status: str
    hold: str | None
    days: int | None  # until the remove-on date
    in_group: bool
    assigned: str | None  # by rules: now, or it has ended
    since: int = -1  # in hours: the status, before or after the approval


@dataclass(frozen=True)
class Removal:
    owner: int | None  # place in the list of humans
    match_kind: str
    gone: bool
    address: int | None  # place in ADDRESSES: whose the account's e-mail is, if not its owner's
    reported: bool  # by a report, or by hand
    kind: str | None  # of its change
    approved_for: str  # at the approval, or when it was requested
    state: str
    due: int  # in minutes


humans = st.lists(
    st.builds(Human, status=st.sampled_from(("active", "active", "suspended", "deprovisioned", "deprovisioned")),
              hold=st.sampled_from((None, None, None, None, "case 12")), days=st.sampled_from((None, None, None, 0, 1)),
              in_group=st.booleans(), assigned=st.sampled_from((None, "now", "ended", "ended", "ended")),
              since=st.sampled_from((-1, -1, 1))),
    min_size=3, max_size=3,
)  # fmt: skip
removals = st.lists(
    st.builds(
        Removal, owner=st.sampled_from((0, 1, 2, None)),
        match_kind=st.sampled_from(("matched", "matched", "matched", "matched", "unmatched")),
        gone=st.sampled_from((False, False, False, True)), address=st.sampled_from((None, None, None, 0, 1, 2)),
        reported=st.sampled_from((True, True, False)),
        kind=st.sampled_from((None, "removed user", "no longer assigned", "no longer assigned")),
        approved_for=st.sampled_from(("owner", "owner", "owner", "another", "nobody", "not kept")),
        state=st.sampled_from(("needs attention", "needs attention", "queued", "running")),
        due=st.sampled_from((-5, 5, 5)),
    ), min_size=6, max_size=8,
)  # fmt: skip


# Someone who is in no group of the rules now, and the removal of their account: it must still happen.
HERE = Human(status="active", hold=None, days=None, in_group=False, assigned="ended")
BY_RULES = Removal(owner=0, match_kind="matched", gone=False, address=None, reported=True, kind="no longer assigned",
                   approved_for="owner", state="needs attention", due=5)  # fmt: skip


def world(app: App, people: list[Human], asked: list[Removal], gone_rule: bool) -> None:
    directory = Directory.create(name="Company", kind="scim", state="active")
    group = DirectoryGroup.create(directory=directory, external_id="g", name="Sales")
    GroupRule.create(app=app, group=group)
    if gone_rule:
        GroupRule.create(app=app, group=None)
    rows = []
    for number, human in enumerate(people):
        day = None if human.days is None else today() + timedelta(days=human.days)
        person = Person.create(name=f"Human {number}", status=human.status, legal_hold_reason=human.hold, remove_on=day,
                               status_since=utcnow() + timedelta(hours=human.since))  # fmt: skip
        PersonEmail.create(person=person, email=ADDRESSES[number], email_key=ADDRESSES[number], main=True, by_hand=True)
        entry = DirectoryEntry.create(directory=directory, external_id=f"e{number}", person=person,
                                      status=human.status, reported_status=human.status)  # fmt: skip
        if human.in_group:
            DirectoryGroupMember.create(group=group, entry=entry)
        if human.assigned:
            Assignment.create(app=app, person=person, ended_at=utcnow() if human.assigned == "ended" else None)
        rows.append(person)
    report = Report.create(app=app, state="applied")
    for number, one in enumerate(asked):
        request(app, rows, report, number, one)


def request(app: App, rows: list[Person], report: Report, number: int, one: Removal) -> None:
    owner = None if one.owner is None else rows[one.owner]
    another = rows[((one.owner or 0) + 1) % 3]
    person = {"owner": owner, "another": another}.get(one.approved_for)
    own = "" if one.owner is None else ADDRESSES[one.owner]
    account = Account.create(
        app=app, external_id=f"s{number}", person=owner, match_kind=one.match_kind,
        state="gone" if one.gone else "removing",
        email_key=own if one.address is None else ADDRESSES[one.address])  # fmt: skip
    change = one.kind and Change.create(app=app, report=report, kind=one.kind, account=account, person=person,
                                        decision="confirmed", in_app=True)  # fmt: skip
    detail = {} if one.approved_for == "not kept" else {"person": person and person.id}
    Task.create(app=app, kind="remove", account=account, report=report if one.reported else None,
                change=change if one.reported else None, detail={} if one.reported else detail, state=one.state,
                next_at=utcnow() + timedelta(minutes=one.due))  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=SLOW)
@given(people=humans, asked=removals, gone_rule=st.sampled_from((False, False, False, True)))
@example(people=[HERE] * 3, asked=[BY_RULES], gone_rule=False)
@example(people=[HERE] * 3, asked=[BY_RULES], gone_rule=True)
@example(people=[replace(HERE, status="deprovisioned", since=1)] * 3, asked=[BY_RULES], gone_rule=False)
@example(people=[replace(HERE, status="deprovisioned", since=1)] * 3, asked=[replace(BY_RULES, kind=None)],
         gone_rule=False)
@example(people=[replace(HERE, status="suspended")] * 3, asked=[BY_RULES], gone_rule=False)
@example(people=[HERE] * 3, asked=[replace(BY_RULES, gone=True)], gone_rule=False)
@example(people=[replace(HERE, in_group=True)] * 3, asked=[BY_RULES], gone_rule=False)
@example(people=[replace(HERE, assigned=None)] * 3, asked=[BY_RULES], gone_rule=False)
def test_all_that_wait_at_once_and_each_alone_have_the_same_answer(home, people, asked, gone_rule):
    with db.atomic() as attempt:
        app = App.create(connector="listed", name="Listed", category="Test")
        world(app, people, asked, gone_rule)
        now = utcnow()
        waiting = [task for task in Task.select().order_by(Task.id) if task.state == "needs attention"
                   or task.state == "queued" and task.next_at > now]  # fmt: skip
        alone = [task.id for task in waiting if still_to_remove.over(task, Account.get_by_id(task.account_id))]
        assert still_to_remove.over_while_waiting(now) == alone
        attempt.rollback()


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(people=humans, asked=removals, gone_rule=st.booleans())
def test_rules_cover_the_same_people_all_at_once_and_each_alone(home, people, asked, gone_rule):
    with db.atomic() as attempt:
        app = App.create(connector="listed", name="Listed", category="Test")
        world(app, people, asked, gone_rule)
        alone = {person.id for person in Person.select() if assignments.place_of(app, person.id).covered}
        everyone = {person.id for person in Person.select()}
        assert (everyone if assignments.is_blind(app) else assignments.covered_people(app)) == alone
        attempt.rollback()
