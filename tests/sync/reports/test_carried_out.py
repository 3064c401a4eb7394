"""What an approval does in Rollcall at once, and to which rows alone; and what a standing approval covers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.db import writing
from sync.models import Access, Account, Activity, App, Asset, Change, Invitation, LeftOut, Person, Report, Task
from sync.reports import group_changes, policy, reports
from tests.sync.fixtures import Chat, email

WAITS = "needs confirmation"


def account(chat: Chat, number: int) -> Account:
    return Account.get(Account.app == chat.app, Account.email == email(number))


@pytest.fixture
def report(chat) -> Report:
    return Report.create(app=chat.app)


@pytest.fixture
def rooms(chat) -> list[Asset]:
    """Two, with persons 1 and 2 in each."""
    made = [Asset.create(app=chat.app, external_id=name, kind="room", name=name) for name in "ab"]
    for room in made:
        for number in (1, 2):
            Access.create(app=chat.app, account=account(chat, number), asset=room, role="member")
    return made


def left(rooms: list[Asset]) -> set[tuple[str, str]]:
    return {(row.account.email, row.asset.name) for row in Access.select().where(Access.asset.in_(rooms))}


ALL = {(email(number), room) for number in (1, 2) for room in "ab"}


@pytest.mark.parametrize(("kind", "number", "room", "goes"), [
    ("revoked access", 1, 0, {(email(1), "a")}), ("removed asset", None, 1, {(email(1), "b"), (email(2), "b")}),
    ("removed user", 2, None, {(email(2), "a"), (email(2), "b")}),
    ("no longer assigned", 2, None, {(email(2), "a"), (email(2), "b")}),
])  # fmt: skip
def test_only_rows_that_the_app_no_longer_has_are_deleted(chat, report, rooms, kind, number, room, goes):
    Change.create(app=chat.app, report=report, kind=kind, decision=WAITS, in_app=False, before="member", reason="Why",
                  account=number and account(chat, number), asset=None if room is None else rooms[room])  # fmt: skip
    App.update(users=0).execute()
    done = reports.finish(report, "Ana")
    assert left(rooms) == ALL - goes and done.tasks == []
    present = Account.select().where(Account.app == chat.app, Account.is_present)
    assert App.get_by_id(chat.app.id).users == present.count(), "counted again"
    gone = {row.email for row in Account.select().where(Account.is_gone)}
    assert gone == ({email(2)} if kind in ("removed user", "no longer assigned") else set())
    assert {row.name for row in rooms if Asset.get_by_id(row.id).state == "gone"} == (
        {"b"} if kind == "removed asset" else set())
    entry = Activity.get(Activity.what == f"confirmed {kind}")
    assert (entry.who, entry.why, entry.before, entry.app, entry.report) == ("Ana", "Why", "member", chat.app, report)


def invite(report: Report, number: int, **values: object) -> Change:
    person = Person.get_or_none(Person.name == f"Person {number}") or Person.create(name=f"Person {number}")
    return Change.create(app=report.app, report=report, kind="to invite", decision=WAITS, person=person, after="Admin",
                         detail={"email": email(number), "role": "admin"}, **values)  # fmt: skip


def test_an_invitation_that_was_approved_belongs_to_its_report_and_change(chat, report):
    change = invite(report, 20, reason="in group Sales")
    with writing():
        task = group_changes.carry_out(change, "Ana")
    assert (task.kind, task.report, task.change, task.asked_by) == ("invite", report, change, "Ana")
    assert (Invitation.get().email, Invitation.get().role, Invitation.get().asked_by) == (email(20), "admin", "Ana")
    entry = Activity.get(Activity.what == "confirmed invitation")
    assert (entry.who, entry.why, entry.after, entry.app) == ("Ana", "in group Sales", "Admin", chat.app)
    assert (entry.report, entry.person, entry.about) == (report, change.person, "Person 20")


@pytest.mark.parametrize(("kind", "state", "same_room", "same_account", "again"), [
    ("grant", "queued", True, True, False), ("grant", "running", True, True, False),
    ("grant", "done", True, True, True), ("revoke", "queued", True, True, True), ("grant", "queued", False, True, True),
    ("grant", "queued", True, False, True),
])  # fmt: skip
def test_one_like_it_that_is_under_way_is_enough(chat, report, rooms, kind, state, same_room, same_account, again):
    change = Change.create(app=chat.app, report=report, kind="to grant access", decision=WAITS, asset=rooms[0],
                           account=account(chat, 3), detail={"role": "admin", "after": {"a": 1}})  # fmt: skip
    Task.create(app=chat.app, kind=kind, state=state, asset=rooms[0 if same_room else 1],
                account=account(chat, 3 if same_account else 4))  # fmt: skip
    with writing():
        task = group_changes.carry_out(change, "Ana")
    assert (task is not None) == again
    if task:
        assert (task.kind, task.asset, task.account, task.report, task.change) == (
            "grant", rooms[0], account(chat, 3), report, change)
        assert task.detail == {"role": "admin", "after": {"a": 1}, "before": None}


# Standing approvals


def ready(report: Report, change: Change) -> bool:
    return change.id in group_changes.ready_by_policy(report.app, [change]).get(INVITES, ())


INVITES, REMOVES = "policy: invite joiners automatically", "policy: remove people no longer in a group automatically"


@pytest.mark.parametrize(("joiners", "known", "here", "is_ready"), [
    ("automatic", None, True, True), ("ask", None, True, False), (None, None, True, False),
    ("automatic", "invited", True, False), ("automatic", "invited", False, True),
    ("automatic", "account", True, False), ("automatic", "account", False, True),
])  # fmt: skip
def test_joiners_are_invited_without_asking_unless_they_were_in_this_app_before(
        chat, second, report, joiners, known, here, is_ready):  # fmt: skip
    App.update(joiner_approval=joiners).execute()
    report = Report.get_by_id(report.id)
    change, app = invite(report, 20), chat.app if here else second.app
    if known == "invited":
        Invitation.create(app=app, email="other@x.example", email_key="other@x.example", person=change.person,
                          state="cancelled")  # fmt: skip
    elif known == "account":
        Account.create(app=app, external_id="x", person=change.person, match_kind="matched", state="gone")
    Invitation.create(app=chat.app, email="y@x.example", email_key="y@x.example", state="cancelled")
    assert ready(report, change) == is_ready


def test_a_standing_approval_of_one_sort_covers_no_other(chat, report):
    other = Change.create(app=chat.app, report=report, kind="to change role", decision=WAITS, account=account(chat, 3),
                          detail={"role": "admin"})  # fmt: skip
    ended = Change.create(app=chat.app, report=report, kind="no longer assigned", decision=WAITS,
                          account=account(chat, 4))  # fmt: skip
    joins = invite(report, 20)
    waiting = [other, ended, joins]
    for joiners, unassigned, covers in (
            (None, None, {}), ("automatic", None, {INVITES: {joins.id}}), (None, "automatic", {REMOVES: {ended.id}}),
            ("ask", "ask", {}), ("automatic", "automatic", {INVITES: {joins.id}, REMOVES: {ended.id}})):  # fmt: skip
        App.update(joiner_approval=joiners, unassigned_approval=unassigned).execute()
        assert group_changes.ready_by_policy(App.get_by_id(chat.app.id), waiting) == covers


@pytest.mark.parametrize(("values", "is_done"), [
    ({}, True), ({"decision": "held"}, False), ({"in_app": False}, False), ({"kind": "removed asset"}, False),
    ({"report": None}, False),
])  # fmt: skip
def test_removals_in_the_app_that_wait_are_approved_in_advance(chat, report, values, is_done):
    App.update(removal_approval="automatic").execute()
    chat.leave(3)
    change = Change.create(app=chat.app, account=account(chat, 3), person=chat.people[3], **{
        "kind": "removed user", "decision": WAITS, "report": report, **values})  # fmt: skip
    policy.finish_by_policy(App.get_by_id(chat.app.id))
    assert (Change.get_by_id(change.id).decision == "confirmed") == is_done == Task.select().exists()
    assert Change.get_by_id(change.id).decided_by == ("policy: remove automatically" if is_done else None)


@pytest.mark.parametrize(("removal", "joiners", "unassigned", "stands"), [
    ("ask", None, None, False), ("automatic", None, None, True), ("ask", "automatic", None, True),
    ("ask", None, "automatic", True),
])  # fmt: skip
def test_any_of_the_standing_approvals_lets_the_next_check_act(chat, removal, joiners, unassigned, stands):
    App.update(removal_approval=removal, joiner_approval=joiners, unassigned_approval=unassigned).execute()
    assert policy.has_standing_approval(App.get_by_id(chat.app.id)) is stands


def test_an_approval_that_was_just_withdrawn_approves_nothing(chat, report):
    """After the check has read the app's row, before its transaction."""
    App.update(removal_approval="automatic").execute()
    chat.leave(3)
    change = Change.create(app=chat.app, account=account(chat, 3), person=chat.people[3], kind="removed user",
                           decision=WAITS, report=report)  # fmt: skip
    seen = App.get_by_id(chat.app.id)
    App.update(removal_approval="ask").execute()
    policy.finish_by_policy(seen)
    assert Change.get_by_id(change.id).decision == WAITS and not Task.select().exists()


def test_without_a_report_a_standing_approval_has_nothing_to_do(chat):
    App.update(removal_approval="automatic").execute()
    policy.finish_by_policy(App.get_by_id(chat.app.id))
    assert not Task.select().exists()


# Left out of what rules want


@pytest.fixture
def wanted(chat, report, rooms) -> Change:
    """Access to a room, by a rule; the report has been released."""
    return Change.create(app=chat.app, report=report, kind="to grant access", decision=WAITS, account=account(chat, 3),
                         asset=rooms[0], detail={"role": "admin"})  # fmt: skip


def test_a_change_wanted_by_a_rule_is_left_out_exactly_and_put_back(chat, second, wanted, rooms):
    reports.leave_out(wanted, " Not now ", "Ana")
    [row] = LeftOut.select()
    assert (row.app, row.kind, row.account, row.asset, row.person, row.role) == (
        chat.app, "to grant access", account(chat, 3), rooms[0], None, "admin")  # fmt: skip
    assert (row.reason, row.made_by, Change.get_by_id(wanted.id).decision) == ("Not now", "Ana", "left out")
    same = {"app": chat.app, "kind": "to grant access", "account": account(chat, 3), "asset": rooms[0], "role": "admin"}
    others = [LeftOut.create(reason="x", made_by="Bo", **{**same, **other}) for other in (
        {"app": second.app}, {"kind": "to revoke access"}, {"account": account(chat, 4)}, {"asset": rooms[1]},
        {"asset": None}, {"role": "guest"}, {"person": chat.people[3]}, {"account": None, "person": chat.people[3]})]
    change = Change.get_by_id(wanted.id)
    assert group_changes.reasons([change])[wanted.id][:2] == ("Not now", "Ana")
    reports.take_back(change, "Ana")
    assert list(LeftOut.select().order_by(LeftOut.id)) == others
    assert Change.get_by_id(wanted.id).decision == WAITS
    entry = Activity.get(Activity.what == "took back leaving out")
    assert (entry.who, entry.about, entry.app, entry.person) == ("Ana", "Person 3", chat.app, chat.people[3])


def test_the_latest_reason_counts(chat, wanted):
    reports.leave_out(wanted, "Not now", "Ana")
    reports.leave_out(Change.get_by_id(wanted.id), "Never", "Bo")
    assert [(row.reason, row.made_by) for row in LeftOut.select()] == [("Never", "Bo")]
    assert group_changes.left_out_of(chat.app) == list(LeftOut.select())


@pytest.mark.parametrize("kind", ["updated role", "updated profile"])
def test_one_of_many_updates_is_not_left_out(chat, report, kind):
    change = Change.create(app=chat.app, report=report, kind=kind, decision="held", account=account(chat, 3))
    for attempt in (lambda: reports.leave_out(change, "x", "Ana"),
                    lambda: reports.finish(report, "Ana", left_out={change.id: "x"})):  # fmt: skip
        with pytest.raises(reports.ReportProblem):
            attempt()
    assert Change.get_by_id(change.id).decision == "held"


@pytest.mark.parametrize(("released_after", "becomes"), [(None, "held"), (-1, "held"), (0, WAITS), (1, WAITS)])
def test_a_change_without_an_account_is_left_out_without_one(chat, report, rooms, released_after, becomes):
    """Taken back, it is held again unless it was found before the release."""
    change = Change.create(app=chat.app, report=report, kind="removed asset", decision="held", asset=rooms[0],
                           in_app=False)  # fmt: skip
    reports.leave_out(change, "It is back soon", "Ana")
    assert not Account.select().where(Account.left_out_reason.is_null(False)).exists() and not LeftOut.select().exists()
    if released_after is not None:
        Report.update(released_at=change.created_at + timedelta(seconds=released_after)).execute()
    reports.take_back(Change.get_by_id(change.id), "Ana")
    assert Change.get_by_id(change.id).decision == becomes
    assert not Activity.select().where(Activity.what == "took back leaving out").exists()


def test_a_person_to_invite_is_left_out_on_their_own(chat, report):
    change = invite(report, 20)
    reports.leave_out(change, "Not yet", "Ana")
    [row] = LeftOut.select()
    assert (row.person, row.account, row.asset, row.role) == (change.person, None, None, "admin")
    entry = Activity.get(Activity.what == "left out")
    assert (entry.about, entry.why, entry.person, entry.report) == ("Person 20", "Not yet", change.person, report)


@pytest.mark.parametrize("decision", ["confirmed", "ignored", "applied"])
def test_a_decided_change_cannot_be_left_out(chat, report, decision):
    change = Change.create(app=chat.app, report=report, kind="removed user", decision=decision,
                           account=account(chat, 3))  # fmt: skip
    for attempt in (lambda: reports.leave_out(change, "x", "Ana"),
                    lambda: reports.finish(report, "Ana", left_out={change.id: "x"})):  # fmt: skip
        with pytest.raises(reports.ReportChanged):
            attempt()
    assert Change.get_by_id(change.id).decision == decision and account(chat, 3).left_out_reason is None


@pytest.mark.parametrize(("removal", "joiners", "unassigned"), [
    ("automatic", None, None), ("ask", "automatic", None), ("ask", None, "automatic"),
    ("automatic", "automatic", "automatic"), ("ask", None, None),
])  # fmt: skip
def test_each_standing_approval_is_applied_to_what_it_covers_and_to_nothing_else(
        chat, report, removal, joiners, unassigned):  # fmt: skip
    App.update(removal_approval=removal, joiner_approval=joiners, unassigned_approval=unassigned).execute()
    chat.leave(3)
    rows = {
        "removal": Change.create(app=chat.app, report=report, kind="removed user", decision=WAITS,
                                 account=account(chat, 3), person=chat.people[3]),
        "joiners": invite(report, 20),
        "unassigned": Change.create(app=chat.app, report=report, kind="no longer assigned", decision=WAITS,
                                    account=account(chat, 4), person=chat.people[4]),
        "none": Change.create(app=chat.app, report=report, kind="to change role", decision=WAITS,
                              account=account(chat, 5), detail={"role": "admin"}),
    }  # fmt: skip
    policy.finish_by_policy(App.get_by_id(chat.app.id))
    given = {"removal": removal, "joiners": joiners, "unassigned": unassigned, "none": None}
    decisions = {name: Change.get_by_id(row.id).decision for name, row in rows.items()}
    assert {name for name, decision in decisions.items() if decision != WAITS} == {
        name for name, value in given.items() if value == "automatic"}  # fmt: skip
    assert decisions["removal"] == ("confirmed" if removal == "automatic" else WAITS)  # no rule grants the others
