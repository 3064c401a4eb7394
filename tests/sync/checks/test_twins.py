"""Two apps that list the same ids: what is found, decided and done in one changes no row of the other.
The second is then read itself, and the same is found there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import connectors
from connectors.base import ASSETS, Field
from connectors.base import Access as Right
from connectors.base import Asset as Thing
from connectors.base import Role as Named
from sync.apps import apps
from sync.checks import checks
from sync.jobs import asking, queue
from sync.models import Access, Account, Activity, App, Asset, Assignment, Change, Check, Person, Report, Role, Task
from sync.people import people
from sync.reports import reports
from sync.tasks import by_hand
from tests.sync.listed import LISTS, Listed, ListedOperations

ROWS = (App, Role, Account, Asset, Access, Check, Report, Change, Task, Activity, Assignment)


class TwinApp(ListedOperations):
    slug = "twin"
    fields = (Field("space", "Space"),)
    capabilities = ListedOperations.capabilities | {ASSETS}

    def assets(self) -> Iterator[Thing]:
        yield from LISTS["listed"].things

    def access(self) -> Iterator[Right]:
        yield from LISTS["listed"].rights


class Twins(Listed):
    things: list[Thing]
    rights: list[Right]
    two: App

    def check_of(self, app: App) -> Check:
        check = checks.run(asking.ask(app, self.by).id) or asking.latest(app)
        assert check.state == "succeeded", check.error
        return check

    def account_of(self, app: App, id: str) -> Account:
        return Account.get(Account.app == app, Account.external_id == id)


@pytest.fixture
def twins(monkeypatch: pytest.MonkeyPatch, olga: Person, by: str) -> Twins:
    """Persons 0 to 19 are members of both, 0 and 1 as admins; p2 manages the hall, p3 is in it and in the yard."""
    monkeypatch.setattr(connectors, "app_connectors", lambda: {"twin": TwinApp})
    twins = Twins(olga, by)
    twins.roles = [Named("admin", "Admin", privileged=True), Named("member", "Member", default=True),
                   Named("old", "Old")]  # fmt: skip
    for number in range(20):
        people.add(f"Person {number}", f"p{number}@acme.example", by)
        twins.add(f"p{number}", email=f"p{number}@acme.example", name=f"Person {number}",
                  role="member" if number > 1 else "admin", employee_number=f"E{number}")  # fmt: skip
    twins.things = [Thing("hall", "room", "Hall"), Thing("yard", "room", "Yard"), *(
        Thing(f"t{number}", "room", f"T{number}") for number in range(4))]  # fmt: skip
    twins.rights = [Right("p2", "hall", "manager", True), Right("p3", "hall", "guest"), Right("p3", "yard", "guest"),
                    *(Right(f"p{number}", "t0", "guest") for number in range(4, 10))]  # fmt: skip
    twins.app, twins.two = (apps.connect("twin", name, {"space": name}, [olga], by) for name in ("One", "Two"))
    for app in (twins.app, twins.two):
        twins.check_of(app)
    return twins


def rows_of(app: App) -> dict[str, list]:
    """All that is known of the app."""
    found: dict[str, list] = {}
    for model in ROWS:
        of = model.id == app.id if model is App else model.app == app.id
        found[model.__name__] = sorted(model.select().where(of).tuples(), key=repr)
    return found


def news(check: Check) -> set[tuple]:
    rows = Change.select().where(Change.found_by == check)
    return {(row.kind, row.decision, row.account and row.account.external_id, row.asset and row.asset.external_id,
             row.before, row.after, row.reason, row.protection_reason, row.in_app) for row in rows}  # fmt: skip


def portrait(app: App) -> tuple:
    accounts = Account.select(Account.external_id, Account.state, Account.email, Account.name, Account.status,
                              Account.role, Account.further_roles, Account.kind, Account.person, Account.match_kind,
                              Account.missing_fields, Account.held_values, Account.employee_number)  # fmt: skip
    access = Access.select(Account.external_id, Asset.external_id, Access.role, Access.privileged).join(Account)
    return (
        sorted(accounts.where(Account.app == app).tuples(), key=repr),
        sorted(Asset.select(Asset.external_id, Asset.name, Asset.kind, Asset.state).where(Asset.app == app).tuples()),
        sorted(access.switch(Access).join(Asset).where(Access.app == app).tuples()),
        sorted(Role.select(Role.external_id, Role.label, Role.privileged).where(Role.app == app).tuples()),
        App.select(App.users, App.matched, App.unmatched, App.missing_fields).where(App.id == app.id).tuples().get(),
    )


def everyday(twins: Twins) -> None:
    twins.add("new", email="new@acme.example", name="New")
    twins.say("p4", role="admin")
    twins.say("p5", name="Person Five", status="suspended")
    twins.say("p6", employee_number="E7")
    del twins.seats["p8"], twins.seats["p9"]
    twins.roles = [*twins.roles[:2], Named("boss", "Boss", privileged=True)]
    twins.things = [Thing("hall", "room", "Great hall"), Thing("new", "room", "New"), *twins.things[2:]]
    twins.rights = [Right("p2", "hall", "guest"), Right("p4", "hall", "guest"), *twins.rights[3:]]


def leaving(twins: Twins) -> None:
    for number in (4, 5):
        people.mark_left(people.find_by_email(f"p{number}@acme.example"), twins.by)


def missing_fields(twins: Twins) -> None:
    twins.say("p4", role="", missing_fields=frozenset({"role"}))
    twins.say("p5", name="", missing_fields=frozenset({"name"}))
    twins.say("p6", email="", missing_fields=frozenset({"email"}))
    twins.add("new", email="new@acme.example", name="New", missing_fields=frozenset({"role", "status"}))


def many_roles(twins: Twins) -> None:
    for number in range(2, 16):
        twins.say(f"p{number}", role="admin")


def many_profiles(twins: Twins) -> None:
    for number in range(2, 16):
        twins.say(f"p{number}", name=f"Number {number}")


def many_gone(twins: Twins) -> None:
    for number in range(2, 16):
        del twins.seats[f"p{number}"]


def nothing_in_it(twins: Twins) -> None:
    twins.things, twins.rights = [], []


def no_access(twins: Twins) -> None:
    twins.rights = []


CASES = (everyday, leaving, missing_fields, many_roles, many_profiles, many_gone, nothing_in_it, no_access)


@pytest.mark.parametrize("case", CASES)
def test_a_check_of_one_leaves_the_other_as_it_is_and_the_other_finds_the_same(twins, case):
    assert portrait(twins.app) == portrait(twins.two)
    case(twins)
    before = rows_of(twins.two)
    first = twins.check_of(twins.app)
    assert rows_of(twins.two) == before
    assert news(first)
    before = rows_of(twins.app)
    second = twins.check_of(twins.two)
    assert news(second) == news(first) and portrait(twins.two) == portrait(twins.app)
    assert rows_of(twins.app) == before
    assert (second.counts, second.applied, second.waiting, second.held) == (
        first.counts, first.applied, first.waiting, first.held)  # fmt: skip


def approve(twins: Twins) -> None:
    report = reports.open_report(twins.app)
    if report.held:
        reports.release(report, twins.by)
    if reports.open_report(twins.app):
        reports.finish(reports.open_report(twins.app), twins.by)
    queue.drain(("task",))


def dismiss(twins: Twins) -> None:
    reports.dismiss(reports.open_report(twins.app), twins.by, "A mistake")


def leave_out_and_take_back(twins: Twins) -> None:
    change = reports.open_report(twins.app).changes.where(Change.decision != "applied").first()
    reports.leave_out(change, "Not yet", twins.by)
    reports.take_back(change, twins.by)


@pytest.mark.parametrize("decide", [approve, dismiss])
@pytest.mark.parametrize("case", [leaving, many_roles, many_profiles, many_gone, nothing_in_it, no_access])
def test_a_decision_in_one_is_none_in_the_other(twins, case, decide):
    case(twins)
    for app in (twins.app, twins.two):
        twins.check_of(app)
    assert reports.open_report(twins.app).id != reports.open_report(twins.two).id
    before = rows_of(twins.two)
    decide(twins)
    assert reports.open_report(twins.app) is None and rows_of(twins.two) == before


def test_leaving_out_in_one_is_none_in_the_other(twins):
    leaving(twins)
    for app in (twins.app, twins.two):
        twins.check_of(app)
    before = rows_of(twins.two)
    leave_out_and_take_back(twins)
    assert rows_of(twins.two) == before


def by_hand_of(twins: Twins, kind: str) -> Callable[[], by_hand.Plan]:
    id = twins.account_of(twins.app, "p3").id
    hall, t0 = (Asset.get(Asset.app == twins.app, Asset.external_id == name).id for name in ("hall", "t0"))
    return {
        "remove": lambda: by_hand.plan_removals(twins.app, [id]),
        "change role": lambda: by_hand.plan_roles(twins.app, [id], "admin"),
        "grant": lambda: by_hand.plan_grants(twins.app, [id], [t0], "guest"),
        "revoke": lambda: by_hand.plan_revocations(twins.app, [(id, hall)]),
    }[kind]


@pytest.mark.parametrize("kind", ["remove", "change role", "grant", "revoke"])
def test_a_task_in_one_is_none_in_the_other(twins, kind):
    before, plan = rows_of(twins.two), by_hand_of(twins, kind)
    [made] = by_hand.carry_out(plan, twins.by, plan().seen, reason="Moved on").tasks
    assert rows_of(twins.two) == before
    queue.drain(("task",))
    assert Task.get_by_id(made.id).state == ("done" if kind in ("remove", "change role") else "needs attention")
    assert rows_of(twins.two) == before
