"""Right before a task is done, and right after: each answer of the app alone, and what becomes of the task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from connectors.base import CHANGE_ROLE, GRANT, INVITE, LOOK_UP, REMOVE, REVOKE, NotRead, PartsUnread, Role
from connectors.base import Account as Seat
from connectors.base import Asset as SeatAsset
from sync.jobs import leases
from sync.models import BIT, Access, Account, App, Asset, Invitation, Person, PersonEmail, Task
from sync.tasks import perform
from sync.tasks.perform import ByHand, NoLongerNeeded, NotConfirmed
from tests.sync.acting import account
from tests.sync.fixtures import email

NOT_NEEDED, HAND, UNCONFIRMED = NoLongerNeeded, ByHand, NotConfirmed
OWNER, ADMIN, MEMBER = Role("owner", "Owner", privileged=True), Role("admin", "Admin"), Role("member", "Member")


class AnApp:
    """Gives `seats` one after the other for the account it is asked for, the last of them again and again; another
    account it gives as Rollcall knows it. `calls` is what it was asked to do."""

    label, managed = "Chat", staticmethod(lambda seat: None)  # what someone manages: as Rollcall knows it

    def __init__(self, *seats: Seat | None | Exception, suspends: bool = False, without: tuple[str, ...] = ()):
        self.seats, self.removal_suspends = list(seats), suspends
        self.capabilities = frozenset((LOOK_UP, REMOVE, CHANGE_ROLE, GRANT, REVOKE, INVITE)) - set(without)
        self.calls: list[tuple] = []
        self.after: tuple[str, ...] | None = None

    def account(self, id: str) -> Seat | None:
        if id != account(3).external_id:
            return seat_of(Account.get(Account.external_id == id))
        answer = self.seats.pop(0) if len(self.seats) > 1 else self.seats[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def roles(self) -> list[Role]:
        return [OWNER, ADMIN, MEMBER, Role("viewer", "Viewer")]

    def roles_after(self, seat: Seat, role: str) -> tuple[str, ...]:
        return self.after or (role,)

    def access_to(self, asset: SeatAsset) -> list:
        return []

    def remove(self, seat: Seat) -> None:
        self.calls.append(("remove", seat.id))

    def change_role(self, seat: Seat, role: str) -> None:
        self.calls.append(("change role", seat.id, role))

    def invite(self, email: str, role: str) -> None:
        self.calls.append(("invite", email, role))

    def grant(self, seat: Seat, asset: SeatAsset, role: str) -> None:
        self.calls.append(("grant", seat.id, asset, role))

    def revoke(self, seat: Seat, asset: SeatAsset) -> None:
        self.calls.append(("revoke", seat.id, asset))


def seat_of(row: Account, **values: object) -> Seat:
    return replace(Seat(id=row.external_id, email=row.email, role=row.role, status=row.status, kind=row.kind), **values)


def seat(**values: object) -> Seat:
    return seat_of(account(3), **values)


@pytest.fixture
def task(chat) -> Callable[..., Task]:
    """A task for the account of person 3, asked for as it is now."""

    def make(kind: str, **values: object) -> Task:
        row = account(3)
        if kind == "remove":
            Account.update(state="removing").where(Account.id == row.id).execute()
            values = {"detail": {"person": row.person_id}, **values}
        return Task.create(app=chat.app, kind=kind, state="running", lease_owner=leases.me(), **{
            "account": row, "external_id": row.external_id, "email_key": row.email_key, **values})

    return make


def comes_to(task: Task, app: AnApp) -> tuple[type | None, str]:
    """How the attempt ends: (the exception's class, its words); (None, "") where it was done or needed nothing."""
    try:
        perform.do(Task.get_by_id(task.id), app)
    except (NoLongerNeeded, ByHand, NotConfirmed, PartsUnread) as why:
        return type(why), str(why)
    return None, ""


# Removal

ANOTHER_ID = "The app returned a different account than the one requested."
ANOTHER_MAIL = "The account now has a different e-mail address than when its removal was approved."
NO_MAIL = "The app no longer reports the account's e-mail address, so it may be another account."
LAST = "Protected: the last Owner of the app."


@pytest.mark.parametrize(("answer", "suspends", "ends", "removes"), [
    ({}, False, (None, ""), True), (None, False, (None, ""), False),
    ({"id": "another"}, False, (NOT_NEEDED, ANOTHER_ID), False),
    ({"email": "x@acme.example"}, False, (NOT_NEEDED, ANOTHER_MAIL), False),
    ({"email": "P3@ACME.example"}, False, (None, ""), True),
    ({"email": "", "missing_fields": frozenset(("email",))}, False, (NOT_NEEDED, NO_MAIL), False),
    ({"missing_fields": frozenset(("role",))}, False, (None, ""), True),
    ({"status": "suspended"}, True, (None, ""), False), ({"status": "suspended"}, False, (None, ""), True),
    ({}, True, (None, ""), True),
])  # fmt: skip
def test_an_account_is_removed_as_the_app_has_it_now(task, answer, suspends, ends, removes):
    app = AnApp(None if answer is None else seat(**answer), None, suspends=suspends)
    assert comes_to(task("remove"), app) == ends
    assert app.calls == ([("remove", account(3).external_id)] if removes else [])


def test_an_account_that_never_had_an_e_mail_is_removed_where_the_app_says_none(task):
    removal = task("remove", email_key="")
    Account.update(email="", email_key="").where(Account.id == removal.account_id).execute()
    row = Account.get_by_id(removal.account_id)
    app = AnApp(None, without=(LOOK_UP,))
    assert comes_to(removal, app) == (None, "") and app.calls == [("remove", row.external_id)]


@pytest.mark.parametrize(("after", "suspends", "without", "ends"), [
    (None, False, (), (None, "")),
    ({}, False, (), (UNCONFIRMED, "The app accepted the removal, but still shows the account.")),
    ({"status": "suspended"}, False, (), (UNCONFIRMED, "The app accepted the removal, but still shows the account.")),
    ({"status": "suspended"}, True, (), (None, "")),
    ({}, True, (), (UNCONFIRMED, "The app accepted the removal, but still shows the account.")),
    ({}, False, (LOOK_UP,), (None, "")),
])  # fmt: skip
def test_a_removal_is_done_once_the_app_no_longer_shows_the_account(task, after, suspends, without, ends):
    app = AnApp(seat(), None if after is None else seat(**after), suspends=suspends, without=without)
    assert comes_to(task("remove"), app) == ends
    assert app.calls == [("remove", account(3).external_id)]


@pytest.mark.parametrize(("values", "answer", "why"), [
    ({"protection_reason": "a pilot"}, {}, "Protected: a pilot."), ({"state": "present"}, {},
                                                             "The account has already left the app."),
    ({"role": "member"}, {"kind": "system"}, "Protected: the app made it for itself."),
])  # fmt: skip
def test_an_account_protected_since_the_approval_is_kept(task, values, answer, why):
    removal = task("remove")
    Account.update(values).where(Account.id == account(3).id).execute()
    app = AnApp(seat(**answer))
    assert comes_to(removal, app) == (NOT_NEEDED, why) and app.calls == []


@pytest.mark.parametrize(("values", "role", "keeps"), [
    ({}, "owner", False), ({"status": "suspended"}, "owner", True), ({"kind": "system"}, "owner", True),
    ({"role": "member"}, "owner", True), ({"role": "member"}, "member", False)])  # fmt: skip
def test_an_administrator_is_removed_while_another_is_there(task, values, role, keeps):
    Account.update(values or {"seat": ""}).where(Account.id == account(0).id).execute()
    app = AnApp(seat(role=role), None)
    assert comes_to(task("remove"), app) == ((NOT_NEEDED, LAST) if keeps else (None, ""))
    assert bool(app.calls) is not keeps


@pytest.mark.parametrize("fields", [None, {"status": "suspended"}, {"kind": "system"}, {"role": "member"},
                                  *({"missing_fields": frozenset((field,))} for field in ("status", "kind", "role"))])
def test_the_other_one_counts_as_the_app_has_it_now(task, monkeypatch, fields):
    app, others = AnApp(seat(role="owner"), None), AnApp.account
    answer = None if fields is None else seat_of(account(0), **fields)
    monkeypatch.setattr(app, "account", lambda id: answer if id == account(0).external_id else others(app, id))
    assert comes_to(task("remove"), app) == (NOT_NEEDED, LAST) and app.calls == []


def test_another_administrator_in_a_part_that_cannot_be_read_does_not_count(task, monkeypatch):
    app, others = AnApp(seat(role="owner"), None), AnApp.account

    def answer(id: str) -> Seat | None:
        if id == account(0).external_id:
            raise PartsUnread("No.", (NotRead("r", "No."),))
        return others(app, id)

    monkeypatch.setattr(app, "account", answer)
    assert comes_to(task("remove"), app) == (NOT_NEEDED, LAST)


@pytest.mark.parametrize(("known", "if_known", "there"), [
    ("them", False, True), ("others", False, False), ("nobody", False, True),
    ("them", True, True), ("others", True, False), ("nobody", True, False),
])  # fmt: skip
def test_where_a_part_cannot_be_read_the_account_is_gone_unless_it_may_be_there(chat, task, known, if_known, there):
    room = Asset.create(app=chat.app, external_id="r", kind="room", name="Red")
    if known != "nobody":
        Access.create(app=chat.app, account=account(3 if known == "them" else 4), asset=room, role="member")
    app = AnApp(PartsUnread("Red can't be read.", (NotRead("r", "No.", if_known),)))
    assert comes_to(task("remove"), app) == ((PartsUnread, "Red can't be read.") if there else (None, ""))
    assert app.calls == []


@pytest.mark.parametrize(("kind", "needed"), [
    ("remove", REMOVE), ("change role", CHANGE_ROLE), ("grant", GRANT), ("revoke", REVOKE), ("invite", INVITE)])
def test_an_operation_that_the_connector_lacks_is_done_by_hand(task, kind, needed):
    app = AnApp(seat(), without=(needed,))
    detail = {"remove": {"person": account(3).person_id}}.get(kind, {"role": "admin", "email": "x@acme.example"})
    assert comes_to(task(kind, detail=detail), app) == (
        HAND, "Rollcall can't do this in Chat. Do it there by hand, then mark it here as done.")
    assert app.calls == []


# Another role

NO_LONGER = "The app accepted the new role, but no longer shows"
OLD = "The app accepted the new role, but still shows the old one."
SET, GONE = "The app set the new role, but", "what should have gone"
MARK = "in the app itself, then mark it here as done."


def change(**detail: object) -> dict[str, object]:
    return {"role": "admin", "before": "member", **detail}


@pytest.mark.parametrize(("answer", "detail", "ends", "calls"), [
    ({}, {}, (None, ""), 1), ({"role": "admin"}, {}, (None, ""), 0),
    ({"role": "guest"}, {}, (NOT_NEEDED, "Its role was changed to Guest in the app in the meantime."), 0),
    ({"further_roles": ("guest",)}, {},
     (NOT_NEEDED, "Its roles were changed to Member, Guest in the app in the meantime."), 0),
    ({"role": ""}, {}, (NOT_NEEDED, "Its roles were changed to none in the app in the meantime."), 0),
    ({"further_roles": ("guest",)}, {"roles": ["member", "guest"], "after": ["admin"]}, (None, ""), 1),
    ({"further_roles": ("guest",)}, {"roles": ["guest", "member"], "after": ["admin", "guest"]},
     (NOT_NEEDED, "It would now keep and remove different roles than when this was requested: request it again."), 0),
    ({"role": "guest"}, {"before": None}, (None, ""), 1),
    ({"missing_fields": frozenset(("role",))}, {},
     (NOT_NEEDED, "The app no longer reports which role the account has."), 0),
    ({"email": "x@acme.example"}, {},
     (NOT_NEEDED, "The account now has a different e-mail address than when this was requested."), 0),
    (None, {}, (NOT_NEEDED, "The account is no longer in the app."), 0),
])  # fmt: skip
def test_a_role_is_changed_from_what_was_seen_to_what_was_asked_for(chat, task, answer, detail, ends, calls):
    app = AnApp(None if answer is None else seat(**answer), seat(role="admin"))
    assert comes_to(task("change role", detail=change(**detail)), app) == ends
    assert app.calls == [("change role", account(3).external_id, "admin")] * calls


@pytest.mark.parametrize(("after", "ends"), [
    ({"role": "admin", "further_roles": ("guest",)}, (None, "")),
    ({"role": "admin", "further_roles": ("guest", "viewer")}, (None, "")),
    (None, (UNCONFIRMED, f"{NO_LONGER} the account.")),
    ({"missing_fields": frozenset(("role",))}, (UNCONFIRMED, f"{NO_LONGER} its role.")),
    ({"further_roles": ("guest",)}, (UNCONFIRMED, OLD)),
    ({"role": "guest", "further_roles": ("member",)}, (UNCONFIRMED, OLD)),
    ({"role": "admin"}, (HAND, f"{SET} removed what should have stayed: Guest. Add it again {MARK}")),
    ({"role": "member", "further_roles": ("admin", "guest")}, (HAND, f"{SET} kept {GONE}: Member. Remove it {MARK}")),
    ({"role": "guest"}, (HAND, f"The app accepted the new role, but shows another one: Guest. Set it {MARK}")),
    ({"role": ""}, (HAND, f"The app accepted the new role, but shows another one: none. Set it {MARK}")),
])  # fmt: skip
def test_a_role_is_changed_once_the_app_shows_it(task, after, ends):
    app = AnApp(seat(further_roles=("guest",)), None if after is None else seat(**after))
    app.after = ("admin", "guest")
    row = task("change role", detail=change(roles=["member", "guest"], after=["admin", "guest"]))
    assert comes_to(row, app) == ends and len(app.calls) == 1


def test_a_role_that_should_have_come_beside_the_new_one_does_not_matter(task):
    app = AnApp(seat(), seat(role="admin"))
    app.after = ("admin", "viewer")
    assert comes_to(task("change role", detail=change(after=["admin", "viewer"])), app) == (None, "")


@pytest.mark.parametrize(("role", "kept"), [("member", True), ("owner", False)])
def test_the_last_administrator_keeps_a_role_that_administers(task, role, kept):
    Account.update(role="member").where(Account.id == account(0).id).execute()
    app = AnApp(seat(role="owner", further_roles=("guest",)), seat(role=role))
    app.after = (role,)
    row = task("change role", detail={"role": role, "before": "owner", "roles": ["owner", "guest"], "after": [role]})
    assert comes_to(row, app) == ((NOT_NEEDED, LAST) if kept else (None, "")) and len(app.calls) == (not kept)


# Access

ROOM = SeatAsset(id="r", kind="room", name="Red")


@pytest.fixture
def room(chat) -> Asset:
    return Asset.create(app=chat.app, external_id="r", kind="room", name="Red")


@pytest.mark.parametrize("kind", ["grant", "revoke"])
@pytest.mark.parametrize(("known", "detail", "ends"), [
    ("member", {"before": "member"}, None), (None, {"before": None}, None), ("member", {}, None), (None, {}, None),
    ("guest", {"before": "member"}, "The access was changed to guest in the meantime."),
    (None, {"before": "member"}, "The access was revoked in the meantime."),
    ("member", {"before": None}, "The access was changed to member in the meantime."),
])  # fmt: skip
def test_access_is_given_and_taken_as_it_was_seen(chat, task, room, kind, known, detail, ends):
    if known:
        Access.create(app=chat.app, account=account(3), asset=room, role=known)
    Access.create(app=chat.app, account=account(4), asset=room, role="other")
    role = {"role": "manager"} if kind == "grant" else {}
    if kind == "revoke" and known is None:
        ends = None  # so it was asked for
    app = AnApp(seat(), None)
    ended = comes_to(task(kind, asset=room, detail={**role, **detail}), app)
    assert ended == ((NOT_NEEDED, ends) if ends else (None, ""))
    done = ("grant", account(3).external_id, ROOM, "manager") if role else ("revoke", account(3).external_id, ROOM)
    assert app.calls == ([] if ends else [done])


def test_access_that_is_as_it_was_asked_for_is_given_again(chat, task, room):
    Access.create(app=chat.app, account=account(3), asset=room, role="manager")
    app = AnApp(seat(), None)
    assert comes_to(task("grant", asset=room, detail={"role": "manager", "before": "member"}), app) == (None, "")
    assert len(app.calls) == 1, "the app may not have got it yet"


@pytest.mark.parametrize("kind", ["grant", "revoke"])
@pytest.mark.parametrize("gone", ["asset", "row"])
def test_nothing_is_given_or_taken_of_an_asset_that_is_gone(task, room, kind, gone):
    row, app = task(kind, asset=room, detail={"role": "manager"}), AnApp(seat(), None)
    if gone == "asset":
        Asset.update(state="gone").where(Asset.id == room.id).execute()
    else:
        Task.update(asset=None).execute()
    assert comes_to(row, app) == (NOT_NEEDED, "The account or asset is no longer in the app.") and app.calls == []


@pytest.mark.parametrize(("status", "match_kind", "name", "refused"), [
    ("deprovisioned", "matched", "Ada", "Ada has left."), ("deprovisioned", "matched", "", "p3@acme.example has left."),
    ("deprovisioned", "guest", "Ada", None), ("active", "matched", "Ada", None)])  # fmt: skip
def test_nobody_who_has_left_is_given_access(chat, task, room, status, match_kind, name, refused):
    Person.update(status=status, name=name).where(Person.id == chat.people[3].id).execute()
    Account.update(match_kind=match_kind).where(Account.id == account(3).id).execute()
    app = AnApp(seat(), None)
    ended = comes_to(task("grant", asset=room, detail={"role": "manager"}), app)
    assert ended == ((NOT_NEEDED, refused) if refused else (None, "")) and len(app.calls) == (not refused)


# Invitations


@pytest.mark.parametrize(("state", "refused"), [
    ("ongoing", None), ("failed", None), ("invited", "The invitation is invited."),
    ("cancelled", "The invitation is cancelled."), ("onboarded", "The invitation is onboarded."), (None, None)])
def test_someone_is_invited_while_the_invitation_is_open(chat, task, state, refused):
    row = task("invite", account=None, external_id="", detail={"email": "x@acme.example", "role": "member"})
    for email_key, of, was in (("y@acme.example", None, "cancelled"), ("x@acme.example", row, state)):
        if was:
            Invitation.create(app=chat.app, email=email_key, email_key=email_key, task=of, state=was)
    app = AnApp(None)
    assert comes_to(row, app) == ((NOT_NEEDED, refused) if refused else (None, ""))
    assert app.calls == ([] if refused else [("invite", "x@acme.example", "member")])


@pytest.mark.parametrize("by_invitation", [True, False])
@pytest.mark.parametrize(("status", "name", "refused"), [
    ("deprovisioned", "Ada", "Ada has left."), ("deprovisioned", "", "x@acme.example has left."),
    ("active", "Ada", None)])  # fmt: skip
def test_nobody_who_has_left_is_invited(chat, task, by_invitation, status, name, refused):
    person, other = (Person.create(name=one, status=two) for one, two in ((name, status), ("Other", "active")))
    PersonEmail.create(person=person, email="x@acme.example", email_key="x@acme.example", main=True)
    row = task("invite", account=None, external_id="", detail={
        "email": "x@acme.example", "role": "member", "person": other.id if by_invitation else person.id})
    if by_invitation:
        Invitation.create(app=chat.app, email="x@acme.example", email_key="x@acme.example", task=row, person=person)
    app = AnApp(None)
    assert comes_to(row, app) == ((NOT_NEEDED, refused) if refused else (None, "")) and len(app.calls) == (not refused)


# What the app no longer says


@pytest.mark.parametrize(("known", "answer", "kept"), [
    ({}, {"missing_fields": frozenset(("role",))}, True),  # it may have any role by now
    ({}, {"role": "member", "defaulted_fields": frozenset(("role",))}, True),
    ({"defaulted_fields": BIT["role"]}, {"role": "member", "defaulted_fields": frozenset(("role",))}, False),
    ({}, {"role": "member"}, False), ({"role": "owner"}, {"role": "member"}, False),
    ({}, {"role": "viewer"}, False),  # of which only the app knows that it isn't an administrator's
    ({"role": "owner", "held_values": {"status": "active"}}, {"role": "member"}, True),  # the known one may be true
    ({"held_values": {"role": "member"}}, {"role": "owner"}, True),
    ({"held_values": {"status": "active"}}, {"role": "member"}, False),  # neither of them administers
    ({"kind": "system"}, {"missing_fields": frozenset(("kind",))}, True),
    ({"kind": "system"}, {"defaulted_fields": frozenset(("kind",))}, True), ({"kind": "system"}, {}, False),
    ({"user_name": "x"}, {"user_name": "bo"}, True), ({"user_name": "x"}, {"user_name": ""}, False),
    ({"email_key": "old@x.example", "email_when_matched": email(3)}, {"email": email(3)}, False),
])  # fmt: skip
def test_a_value_that_the_app_leaves_out_is_unchanged_or_unknown(chat, task, known, answer, kept):
    """Nobody else administers the app; the user name “bo” makes the address of someone who is here."""
    Account.update(role="member").where(Account.id == account(0).id).execute()
    App.update(match_domain="x.example").where(App.id == chat.app.id).execute()
    bo = Person.create(name="Bo")
    PersonEmail.create(person=bo, email="bo@x.example", email_key="bo@x.example")
    removal = task("remove")
    Account.update(known or {"seat": ""}).where(Account.id == account(3).id).execute()
    answer = {"kind": "user", "role": account(3).role, **answer}
    app = AnApp(seat(**answer), None)
    assert (comes_to(removal, app)[0] is NOT_NEEDED, bool(app.calls)) == (kept, not kept)
