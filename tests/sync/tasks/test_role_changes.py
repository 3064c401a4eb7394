"""Another role for an account with several: the preview shows what is removed and kept; exactly this is done."""

from __future__ import annotations

import pytest

from sync import activity
from sync.jobs import queue
from sync.models import Change, Task
from sync.people import people
from sync.reports import reports
from sync.safety import protection
from sync.tasks import by_hand
from sync.tasks.by_hand import PlanChanged


@pytest.fixture
def crowd(acting):
    """Ada edits and pays, Ben administers and pays, and Cem has one role."""
    acting.add("ada", email="ada@acme.example", name="Ada", role="editor", further_roles=("billing",))
    acting.add("ben", email="ben@acme.example", name="Ben", role="admin", further_roles=("billing", "editor"))
    acting.add("cem", email="cem@acme.example", name="Cem", role="member")
    for name in ("ada", "ben", "cem"):
        people.add(name.capitalize(), f"{name}@acme.example", acting.by)
    acting.check()
    return acting


def plan(crowd, role: str, *who: str) -> by_hand.Plan:
    return by_hand.plan_roles(crowd.app, [crowd.account(id).id for id in who], role)


def give(crowd, role: str, *who: str) -> by_hand.Done:
    return by_hand.carry_out(lambda: plan(crowd, role, *who), crowd.by, plan(crowd, role, *who).seen)


def held(crowd, id: str) -> set[str]:
    """In Rollcall; the app has the same."""
    account, seat = crowd.account(id), crowd.seats[id]
    assert set(account.roles) == set(seat.roles)
    return set(account.roles)


def test_it_is_shown_before_what_goes_and_what_stays(crowd):
    lines = plan(crowd, "admin", "ada", "cem").lines
    body = {line.name: (line.before, line.after, line.beside) for line in lines}
    beside = {"keeps": ["Billing"]} if crowd.keeps else {"removes": ["Billing"]}
    assert body == {"Ada": ("Editor", "Admin", beside), "Cem": ("Member", "Admin", {})}


def test_a_role_that_nobody_can_be_given_is_refused_before_it_is_asked_for(crowd):
    lines = plan(crowd, "owner", "ada", "cem").lines
    assert {(line.state, line.why) for line in lines} == {("refused", "The owner hands the app over there.")}


def test_it_is_done_as_it_was_announced_and_the_next_check_has_no_news(crowd):
    give(crowd, "admin", "ada")
    queue.drain()
    assert Task.get().state == "done"
    assert held(crowd, "ada") == ({"admin", "billing"} if crowd.keeps else {"admin"})
    assert crowd.check().applied == 0
    body = {entry.what: (entry.before, entry.after, entry.why) for entry in activity.entries(app=crowd.app)}
    after = "Admin, Billing" if crowd.keeps else "Admin"
    assert body["asked to change role"] == ("Editor", "Admin", "keeps Billing" if crowd.keeps else "removes Billing")
    assert body["role changed in the app"][:2] == ("Editor, Billing", after)


def test_one_of_its_own_further_roles_becomes_the_only_one(crowd):
    line = plan(crowd, "billing", "ada").lines[0]
    assert (line.state, line.before, line.after, line.beside) == ("ready", "Editor", "Billing", {})
    give(crowd, "billing", "ada")
    queue.drain()
    assert held(crowd, "ada") == {"billing"}


def test_the_main_role_again_is_nothing_or_takes_the_others_and_says_so(crowd):
    line = plan(crowd, "editor", "ada").lines[0]
    if crowd.keeps:
        assert (line.state, line.why) == ("already set", "Already Editor")
        return
    assert (line.state, line.before, line.after, line.beside) == (
        "ready", "Editor, Billing", "Editor", {"removes": ["Billing"]},
    )  # fmt: skip
    give(crowd, "editor", "ada")
    queue.drain()
    assert held(crowd, "ada") == {"editor"} and Task.get().state == "done"


def test_another_role_given_in_the_app_since_it_was_seen_ends_the_approval(crowd):
    seen = plan(crowd, "admin", "ada").seen
    crowd.say("ada", further_roles=("billing", "owner"))
    crowd.check()
    with pytest.raises(PlanChanged):
        by_hand.carry_out(lambda: plan(crowd, "admin", "ada"), crowd.by, seen)


def test_another_role_given_in_the_app_since_the_approval_ends_the_task(crowd):
    give(crowd, "admin", "ada")
    crowd.say("ada", further_roles=("billing", "owner"))
    queue.drain()
    task = Task.get()
    assert (task.state, crowd.changed) == ("no longer needed", [])
    assert task.error == "Its roles were changed to Editor, Owner, Billing in the app in the meantime."


def test_an_approval_from_before_further_roles_were_known_does_not_take_them(crowd):
    """A task that an older Rollcall made: it was shown one role alone."""
    give(crowd, "admin", "ada")
    Task.update(detail={"role": "admin", "before": "editor"}).execute()
    queue.drain()
    assert (Task.get().state, crowd.changed) == ("no longer needed", [])


def test_a_connector_that_would_do_otherwise_now_is_asked_nothing(crowd, monkeypatch):
    give(crowd, "admin", "ada")
    monkeypatch.setattr("tests.sync.listed.ListedOperations.change_role_keeps", not crowd.keeps)
    queue.drain()
    assert (Task.get().state, crowd.changed) == ("no longer needed", [])
    assert "different roles than" in Task.get().error


def test_a_role_lost_although_it_should_be_kept_needs_attention(crowd):
    give(crowd, "admin", "ada")
    crowd.keeps = False  # whatever it declares
    queue.drain()
    task = Task.get()
    if crowd.seats["ada"].further_roles == () and task.detail["after"] == ["admin"]:
        assert task.state == "done"
        return
    assert task.state == "needs attention" and "removed what should have stayed: Billing" in task.error
    check = crowd.check()
    assert check.counts["updated_roles"] == 1, "the next check reports it too"


def test_a_change_that_a_dead_worker_made_is_no_news_of_a_check(crowd):
    give(crowd, "admin", "ada")
    crowd.say("ada", role="admin", further_roles=("billing",) if crowd.keeps else ())
    assert crowd.check().applied == 0
    queue.drain()
    assert Task.get().state == "done" and len(crowd.changed) == 0


def test_a_change_that_someone_else_made_during_a_task_is_still_news(crowd):
    give(crowd, "admin", "ada")
    crowd.say("ada", role="admin", further_roles=("billing", "owner"))
    assert crowd.check().counts["updated_roles"] == 1


# Administrators, by whichever of their roles


def test_the_last_administrator_is_known_by_any_role(crowd):
    crowd.say("ada", further_roles=("billing", "admin"))
    del crowd.seats["owner"], crowd.seats["ben"]
    crowd.check()
    people.mark_left(people.find_by_email("ada@acme.example"), crowd.by)
    crowd.check()
    change = Change.get(Change.kind == "removed user", Change.protection_reason.is_null(False))
    assert (change.before, change.protection_reason) == ("Editor, Admin, Billing",
                                                         "Protected: the last Admin of the app")
    assert protection.of(crowd.account("ada")).words == "Protected: the last Admin of the app"
    assert plan_removal(crowd, "ada") == ("refused", "Protected: the last Admin of the app")


def test_someone_who_administers_by_a_further_role_is_one_who_stays(crowd):
    crowd.say("cem", further_roles=("admin",))
    del crowd.seats["owner"]
    crowd.check()
    people.mark_left(people.find_by_email("ben@acme.example"), crowd.by)
    crowd.check()
    report = reports.open_report(crowd.app)
    reports.finish(report, crowd.by, version=report.version)
    queue.drain()
    assert "ben" not in crowd.seats and "cem" in crowd.seats


def test_an_administrator_by_a_kept_role_may_be_given_a_lesser_one(crowd):
    crowd.say("ben", further_roles=("owner",))
    del crowd.seats["owner"]
    crowd.check()
    line = plan(crowd, "member", "ben").lines[0]
    assert (line.state, line.beside) == (
        ("ready", {"keeps": ["Owner"]}) if crowd.keeps else ("refused", {"removes": ["Owner"]})
    )


def test_an_administrator_who_got_the_role_after_the_approval_is_not_removed_as_the_last(crowd):
    people.mark_left(people.find_by_email("ada@acme.example"), crowd.by)
    crowd.check()
    report = reports.open_report(crowd.app)
    reports.finish(report, crowd.by, version=report.version)
    crowd.say("ada", further_roles=("billing", "owner"))
    for id in ("owner", "ben"):
        crowd.say(id, role="member", further_roles=())
    queue.drain()
    assert "ada" in crowd.seats and Task.get().state == "no longer needed"
    assert Task.get().error == "Protected: the last Owner of the app."


# Roles that the app did not name


def test_an_unknown_role_is_shown_as_it_is_and_is_no_administrator_who_stays(crowd):
    crowd.say("cem", further_roles=("secret",))
    del crowd.seats["owner"]
    crowd.check()
    assert Change.get(Change.kind == "updated role").after == "Member, secret"
    people.mark_left(people.find_by_email("ben@acme.example"), crowd.by)
    crowd.check()
    change = Change.get(Change.protection_reason.is_null(False))
    assert change.protection_reason == "Protected: the last Admin of the app"


def test_an_unknown_role_is_not_taken_for_a_plain_one(crowd):
    crowd.say("cem", role="secret")
    for id in ("owner", "ben"):
        del crowd.seats[id]
    crowd.check()
    people.mark_left(people.find_by_email("cem@acme.example"), crowd.by)
    crowd.check()
    unknown = "Protected: it has a role that the app did not name, and nobody else is known to administer the app"
    change = Change.get(Change.kind == "removed user", Change.protection_reason.is_null(False))
    assert change.protection_reason == unknown
    assert protection.of(crowd.account("cem")).words == unknown
    assert plan_removal(crowd, "cem") == ("refused", unknown)
    assert plan(crowd, "member", "cem").lines[0].why == unknown


def test_an_unknown_role_keeps_nobody_while_an_administrator_is_known(crowd):
    crowd.say("cem", role="secret")
    people.mark_left(people.find_by_email("cem@acme.example"), crowd.by)
    crowd.check()
    report = reports.open_report(crowd.app)
    reports.finish(report, crowd.by, version=report.version)
    queue.drain()
    assert "cem" not in crowd.seats


def test_where_no_role_is_privileged_an_unknown_one_protects_nobody(crowd):
    crowd.roles = [role for role in crowd.roles if not role.privileged]
    for id in ("owner", "ben"):
        del crowd.seats[id]
    crowd.say("cem", role="secret")
    for _ in range(2):  # a role stays known as long as anyone has it
        crowd.check()
    assert protection.of(crowd.account("cem")) is None
    people.mark_left(people.find_by_email("cem@acme.example"), crowd.by)
    crowd.check()
    assert reports.open_report(crowd.app).waiting == 1


def plan_removal(crowd, id: str) -> tuple[str, str]:
    line = by_hand.plan_removals(crowd.app, [crowd.account(id).id]).lines[0]
    return line.state, line.why
