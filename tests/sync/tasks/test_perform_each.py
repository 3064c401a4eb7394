"""Right before each kind of task: whose the task is now, what the app says that the account manages, a legal hold."""

from __future__ import annotations

import pytest

from connectors.base import LOOK_UP, CredentialRejected, NotRead, PartsUnread, Refused, TemporarilyUnavailable
from connectors.base import Account as Seat
from sync.models import BIT, Account, App, Person, Task
from sync.tasks.perform import NotHeld
from tests.sync.acting import account
from tests.sync.tasks.test_perform_rows import (  # noqa: F401
    ANOTHER_MAIL,
    NOT_NEEDED,
    UNCONFIRMED,
    AnApp,
    change,
    comes_to,
    room,
    seat,
    task,
)

EACH = {"grant": {"role": "member", "email": "p3@acme.example"}, "revoke": {}, "change role": change(),
        "invite": {"role": "member", "email": "p3@acme.example"}, "remove": {}}  # fmt: skip


def test_a_task_that_another_worker_holds_by_now_changes_nothing(task, room):  # noqa: F811
    app = AnApp(seat())
    for kind, detail in EACH.items():
        row = task(kind, asset=room if kind in ("grant", "revoke") else None, detail=detail)
        Task.update(lease_owner="another worker").execute()
        with pytest.raises(NotHeld):
            comes_to(row, app)
        assert app.calls == []


@pytest.mark.parametrize("kind", ["grant", "revoke", "remove"])
def test_the_app_says_what_the_account_itself_manages(task, room, kind):  # noqa: F811
    app, asked = AnApp(seat(name="Three"), None), []
    app.managed = asked.append
    assert comes_to(task(kind, asset=None if kind == "remove" else room, detail=EACH[kind]), app) == (None, "")
    assert [one.name for one in asked[:1]] == ["Three"]


def test_an_account_on_legal_hold_keeps_its_access(chat, task, room):  # noqa: F811
    Person.update(legal_hold_reason="a case").where(Person.id == chat.people[3].id).execute()
    app = AnApp(seat(), None)
    assert comes_to(task("revoke", asset=room), app) == (NOT_NEEDED, "Protected: legal hold: a case.")
    assert app.calls == []


def test_an_account_without_an_e_mail_that_has_got_one_since_may_be_another_one(task):  # noqa: F811
    app = AnApp(seat())
    assert comes_to(task("remove", email_key=""), app) == (NOT_NEEDED, ANOTHER_MAIL) and app.calls == []


def test_an_account_may_have_any_role_only_where_the_app_says_roles(task):  # noqa: F811
    Account.update(role="member", missing_fields=BIT["role"]).execute()
    app = AnApp(seat(missing_fields=frozenset({"role"})), None)
    assert comes_to(task("remove"), app) == (None, "") and len(app.calls) == 1


@pytest.mark.parametrize("otherwise", [None, Refused("No."), CredentialRejected("You may not see invitations.")])
@pytest.mark.parametrize(("found", "ends"), [
    ({1}, None), ({2}, None), ({4}, None), ({5}, None), ({0, 3, 6, 7}, UNCONFIRMED)])
def test_an_absence_counts_only_where_the_app_finds_another_account(task, found, ends, otherwise):  # noqa: F811
    """Its look-up says of everyone that they don't exist: its call has another address since a new version, say. One
    that the app doesn't show proves nothing."""
    removal, app = task("remove"), AnApp(None)
    ids = [row.external_id for row in Account.select().order_by(Account.external_id)]
    place, own = ids.index(removal.external_id), app.account
    near, asked = {id: 3 + at - place for at, id in enumerate(ids)}, []
    other = App.create(connector="x", name="Other", category="Test", state="active")
    for id in (f"{removal.external_id}a", f"{removal.external_id}b"):  # in another app, nearer by its id
        Account.create(app=other, external_id=id, role="member")

    def look_up(id: str) -> Seat | None:
        asked.append(near[id])
        if near[id] in found:
            return own(id)
        if otherwise and id != removal.external_id:
            raise otherwise
        return None

    app.account = look_up
    assert comes_to(removal, app)[0] is ends and app.calls == [] and asked[:2] == [3, 2]
    Account.update(state="gone").where(Account.id != removal.account_id).execute()
    assert comes_to(removal, app) == (None, ""), "there is nobody else to ask for"


def test_an_absence_counts_where_the_app_says_which_parts_it_cannot_read_and_waits_for_an_answer(task):  # noqa: F811
    def account_of(id: str) -> None:
        if id != removal.external_id:
            raise problem

    removal, app, problem = task("remove"), AnApp(None), PartsUnread("No.", (NotRead("r", "No."),))
    app.account = account_of
    assert comes_to(removal, app) == (None, "")
    problem = TemporarilyUnavailable("Later.")
    with pytest.raises(TemporarilyUnavailable):
        comes_to(removal, app)
    assert app.calls == []


@pytest.mark.parametrize(("missing", "calls"), [(0, 0), (BIT["role"], 0), (BIT["status"], 1)])
def test_an_account_that_cannot_be_asked_for_is_suspended_only_if_the_list_says_so_now(task, missing, calls):  # noqa: F811
    Account.update(status="suspended", missing_fields=missing).where(Account.id == account(3).id).execute()
    app = AnApp(None, suspends=True, without=(LOOK_UP,))
    assert comes_to(task("remove"), app) == (None, "") and len(app.calls) == calls


def test_an_app_that_cannot_be_asked_for_an_account_has_given_it_the_role(task):  # noqa: F811
    app = AnApp(None, without=(LOOK_UP,))
    assert comes_to(task("change role", detail=change()), app) == (None, "") and len(app.calls) == 1


def test_a_plain_role_that_the_app_does_not_name_beside_one_that_stays_is_given(task):  # noqa: F811
    app = AnApp(seat(role="owner", further_roles=("guest",)), seat(role="guest"))
    app.after = ("guest",)
    row = task("change role", detail=change(role="member", before="owner", roles=["owner", "guest"], after=["guest"]))
    assert comes_to(row, app) == (None, "") and len(app.calls) == 1


def test_neither_rollcalls_account_nor_one_that_is_being_removed_gets_another_role(chat, task):  # noqa: F811
    row, app = task("change role", detail=change()), AnApp(seat())
    App.update(automation_external_id=account(3).external_id).where(App.id == chat.app.id).execute()
    assert comes_to(row, app) == (NOT_NEEDED, "Protected: Rollcall acts with this account.")
    Account.update(state="removing").where(Account.id == account(3).id).execute()
    assert comes_to(row, app) == (NOT_NEEDED, "The account is being removed.")
    Account.update(state="gone").where(Account.id == account(3).id).execute()
    assert comes_to(row, app) == (NOT_NEEDED, "The account is no longer in the app.") and app.calls == []
