"""Who is the last administrator, asked in every way that Rollcall asks it: each gives the same answer for accounts with
several roles, known and unknown ones, whatever the others have."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync import roles
from sync.apps import apps
from sync.db import db
from sync.groups import assignments, still_wanted
from sync.groups import rules as group_rules
from sync.models import Account, App, Change, DirectoryGroup, Person, Task
from sync.people import people
from sync.safety import protection, wanted
from sync.safety.administrators import administrators_left
from sync.tasks import by_hand, perform
from tests.asking import MACHINE
from tests.sync.listed import Listed, Seat
from tests.sync.scripted import Scripted

SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
IDS = ("owner", "admin", "billing", "editor", "member", "unnamed", "")
some = st.lists(st.sampled_from(IDS), min_size=1, max_size=4)
others = st.lists(
    st.tuples(some, st.sampled_from(("active", "active", "suspended", "invited")),
              st.sampled_from(("user", "user", "user", "system"))), max_size=3,
)  # fmt: skip


@pytest.fixture
def app(acting: Listed, scripted: type[Scripted]) -> Iterator[App]:
    """Ada is in a group whose rule gives the role Member; each example gives her account other roles."""
    company = scripted(count=0)
    company.add("ada", "ada@acme.example", "Ada", groups=("All",))
    assert company.read().state == "succeeded"
    acting.add("ada", email="ada@acme.example", name="Ada")
    acting.check()
    group = DirectoryGroup.get()
    group_rules.save(acting.app, group_rules.Draft(group=group, role="member"), acting.by)
    yield App.get_by_id(acting.app.id)


def seats(app: App, hers: list[str], beside: list[tuple]) -> Account:
    """The accounts of the app, in Rollcall and in the app itself; hers."""
    listed = Listed.now()
    listed.seats.clear()
    Account.delete().where(Account.external_id != "ada").execute()
    for number, (theirs, status, kind) in enumerate([(hers, "active", "user"), *beside]):
        seat = Seat(id=f"s{number}" if number else "ada", status=status, kind=kind, role=theirs[0],
                    email="" if number else "ada@acme.example", further_roles=tuple(theirs[1:]))  # fmt: skip
        main, *further = seat.roles or ("",)
        listed.seats[seat.id] = seat
        values = {"role": main, "further_roles": further, "status": status, "kind": kind, "state": "present"}
        if number:
            Account.create(app=app, external_id=seat.id, **values)
        else:
            Account.update(values).where(Account.external_id == "ada").execute()
    return Account.get(Account.external_id == "ada")


def last_by_hand(hers: list[str], beside: list[tuple], after: set[str]) -> bool:
    """What must come out, without the program's words."""
    privileged, named = {"owner", "admin"}, set(IDS) - {"unnamed"}
    may = set(hers) & privileged or set(hers) - named
    stays = any(set(theirs) & privileged and (status, kind) == ("active", "user") for theirs, status, kind in beside)
    return bool(may) and not stays and not after & privileged


@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
@given(hers=some, beside=others)
def test_of_a_removal(app, hers, beside):
    with db.atomic() as attempt:
        ada = seats(app, hers, beside)
        person = Person.get(Person.name == "Ada")
        expected = last_by_hand(hers, beside, set())
        alone = protection.of(ada)
        assert (alone is not None) == expected, "one account"
        last = protection.last_administrator(ada, administrators_left(app, {ada.id}), roles.of(app))
        assert (alone and alone.words) == (last and last.words), "in the same words"
        assert (by_hand.plan_removals(app, [ada.id]).lines[0].state == "refused") == expected, "by hand"
        people.mark_left(person, MACHINE)
        wanted.want_nothing()
        wanted.want_leavers(app)
        [(protected,)] = db.execute_sql("SELECT protection_reason FROM wanted").fetchall()
        assert (protected is not None) == expected, "in a check"
        assert protected == (alone and alone.words), "in the same words"
        attempt.rollback()


@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
@given(hers=some, beside=others)
def test_of_a_change_of_role(app, hers, beside):
    with db.atomic() as attempt:
        ada = seats(app, hers, beside)
        change = apps.role_change(ada, "member")
        expected = last_by_hand(hers, beside, set(change.after))
        if not change.nothing:
            line = by_hand.plan_roles(app, [ada.id], "member").lines[0]
            assert (line.state == "refused") == expected, "by hand"
        wanted.want_nothing()
        assignments.want(app, False)
        found = db.execute_sql("SELECT protection_reason, detail FROM wanted WHERE account_id = ?",
                               (ada.id,)).fetchall()
        if "member" in hers:
            assert found == [], "a rule is content with any of the roles"
        else:
            [(protected, detail)] = found
            assert (protected is not None) == expected, "in a check"
            asked = Change(app=app, kind=assignments.ROLE, account=ada, detail=Change.detail.python_value(detail))
            assert (still_wanted.protected(asked) is not None) == expected, "at the approval"
            assert refused_in_the_end(app, ada, asked.detail) == expected, "right before the operation"
        attempt.rollback()


def refused_in_the_end(app: App, account: Account, detail: dict) -> bool:
    body = {name: detail[name] for name in ("role", "before", "roles", "after") if name in detail}
    task = Task(id=0, app=app, kind="change role", account=account, external_id=account.external_id,
                email_key=account.email_key, detail=body)  # a row that isn't stored is held by nobody
    try:
        perform.do(task, apps.connector_for(app))
    except perform.NoLongerNeeded as why:
        assert str(why).startswith("Protected: ")
        return True
    except perform.NotHeld:
        pass  # nothing speaks against it: only a worker's lease is missing
    return False
