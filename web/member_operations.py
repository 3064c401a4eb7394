"""The four operations on members: the buttons that open their dialogs, what each plans, and the words of its dialog.
A request names its accounts as `account`, once for each selected one, and assets as `asset`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import parse_qsl

from flask import Flask, abort, request, url_for

from connectors.base import ASSETS, CHANGE_ROLE, GRANT, REMOVE
from sync.apps import member_list
from sync.apps.member_list import Members
from sync.matching.members import LEFT, TABS
from sync.models import Account, App
from sync.states import AccountKind, AccountStatus, TaskKind
from sync.tasks import by_hand
from sync.tasks.by_hand import OperationProblem, Plan
from web.answers import whole_numbers
from web.row_addresses import account_address
from web.words import plural


def ticked(name: str = "account") -> list[int]:
    """The ids that the address or the form names; of accounts, all that a list shows where `all` of it is selected."""
    if name == "account" and "all" in request.values:
        return member_list.ids(App.get_by_id(request.view_args["app_id"]), whole_list())
    return whole_numbers(request.values.getlist(name))


def selection() -> list[tuple[str, str]]:
    """The selected accounts and assets as names and values, for a form that asks further. They are short enough for an
    address."""
    if "all" in request.values:
        return [("all", "yes"), ("among", request.values.get("among", ""))]
    return [("account", str(id)) for id in ticked()]


def whole_list() -> Members:
    """What the list of members shows that is selected as a whole: its address's query, as one field `among`."""
    given = dict(parse_qsl(request.values.get("among") or abort(400), keep_blank_values=True))
    wanted = Members.of(given)
    if wanted.tab not in (*TABS, LEFT) or given.keys() - wanted.asked.keys() - {"sort", "tab"}:
        abort(400)
    return wanted


@dataclass(frozen=True)
class Words:
    """What a preview says: its title, one line above the list, and its button: “Remove 2 accounts”. While it would
    change nothing, the button has no number, and wizard.js disables it."""

    title: str
    lead: str
    verb: str
    one: str
    many: str
    count: int

    @property
    def button(self) -> str:
        return f"{self.verb} {plural(self.count, self.one, self.many)}" if self.count else self.verb


@dataclass(frozen=True)
class Choice:
    """A button or a line of a menu that opens the dialog of an operation."""

    label: str
    address: str
    icon: str
    id: str
    danger: bool = False


def install(app: Flask) -> None:
    app.jinja_env.globals.update(account_operations=of_menu, bulk_operations=of_selection)


def role_change(account: Account, back: str) -> Choice:
    address = account_address("member_dialogs.choose_role", account, "account", back=back)
    return Choice("Change the role", address, "pencil", "change-role")


def grant(account: Account, back: str) -> Choice:
    address = account_address("member_dialogs.choose_grant", account, "account", back=back)
    return Choice("Grant access", address, "plus", "grant-access")


def removal(account: Account, back: str, label: str) -> Choice:
    address = account_address("member_dialogs.choose_removal", account, "account", back=back)
    return Choice(label, address, "user-minus", "remove-account", danger=True)


def of_page(account: Account, can: Collection[str], back: str) -> list[Choice]:
    """On the page of an account, above its facts."""
    changes = [role_change(account, back)] if CHANGE_ROLE in can else []
    return changes + ([removal(account, back, "Remove")] if REMOVE in can else [])


def of_menu(app: App, account: Account, can: Collection[str], back: str) -> list[Choice]:
    """In the menu of an account; nothing for what the app made for itself."""
    if account.kind != AccountKind.USER:
        return []
    found, joined = [], account.status != AccountStatus.INVITED
    if joined and CHANGE_ROLE in can:
        found.append(role_change(account, back))
    if joined and {GRANT, ASSETS} <= set(can):
        found.append(grant(account, back))
    return found + ([removal(account, back, f"Remove from {app.name}")] if REMOVE in can else [])


def of_selection(app: App, can: Collection[str]) -> list[Choice]:
    """For the accounts that are selected in a list."""
    choices = (
        ({CHANGE_ROLE}, "Change role", "member_dialogs.choose_role", "pencil", "bulk-role"),
        ({GRANT, ASSETS}, "Grant access", "member_dialogs.choose_grant", "plus", "bulk-grant"),
        ({REMOVE}, "Remove", "member_dialogs.choose_removal", "user-minus", "bulk-remove"),
    )
    return [
        Choice(label, url_for(endpoint, app_id=app.id), icon, id)
        for needed, label, endpoint, icon, id in choices
        if needed <= set(can)
    ]


class Operation(ABC):
    """`kind` is that of its plan. A page without an answer to it asks for that first."""

    kind: str

    @abstractmethod
    def plan(self, app: App) -> Plan:
        """The plan of what it would do now. Raises OperationProblem."""

    @abstractmethod
    def address(self, app: App) -> str:
        """The address that carries it out."""

    @abstractmethod
    def title(self, app: App) -> str: ...

    @abstractmethod
    def words(self, app: App, count: int) -> Words:
        """The words of the preview of a plan that changes `count` accounts."""

    @abstractmethod
    def started(self, app: App, count: int) -> str:
        """The message once the tasks have been created."""

    def answers(self) -> dict[str, str]:
        """What the form takes along beside accounts and assets."""
        return {}


class RoleChange(Operation):
    kind = TaskKind.CHANGE_ROLE

    def __init__(self) -> None:
        self.role = request.values.get("role", "")

    def plan(self, app: App) -> Plan:
        return by_hand.plan_roles(app, ticked(), self.role)

    def address(self, app: App) -> str:
        return url_for("member_dialogs.change_roles", app_id=app.id)

    def title(self, app: App) -> str:
        return "Change roles"

    def words(self, app: App, count: int) -> Words:
        return Words(self.title(app), "Review the role changes.", "Change", "role", "roles", count)

    def started(self, app: App, count: int) -> str:
        return f"Changing {plural(count, 'role')} in {app.name}. Progress is shown with each account."

    def answers(self) -> dict[str, str]:
        return {"role": self.role}


class Removal(Operation):
    """`released`: for how many accounts a guard's hold was lifted on the page before; "" for none."""

    kind = TaskKind.REMOVE

    def __init__(self) -> None:
        self.reason = request.form.get("reason", "")
        self.released = request.values.get("released", "")

    def plan(self, app: App) -> Plan:
        return by_hand.plan_removals(app, ticked())

    def address(self, app: App) -> str:
        return url_for("member_dialogs.remove", app_id=app.id)

    def title(self, app: App) -> str:
        return f"Remove from {app.name}"

    def words(self, app: App, count: int) -> Words:
        lead = f"They lose access to {app.name} and to anything only they can open."
        return Words(self.title(app), lead, "Remove", "account", "accounts", count)

    def started(self, app: App, count: int) -> str:
        return f"Removing {plural(count, 'account')} from {app.name}. Progress is shown with each account."

    def answers(self) -> dict[str, str]:
        return {"reason": self.reason, "released": self.released}


class Grant(Operation):
    kind = TaskKind.GRANT

    def __init__(self) -> None:
        self.role = request.values.get("role", "").strip()

    def plan(self, app: App) -> Plan:
        return by_hand.plan_grants(app, ticked(), ticked("asset"), self.role)

    def address(self, app: App) -> str:
        return url_for("member_dialogs.grant", app_id=app.id)

    def title(self, app: App) -> str:
        return "Grant access"

    def words(self, app: App, count: int) -> Words:
        lead = f"They get more access in {app.name}, or another role there."
        return Words(self.title(app), lead, "Grant", "asset role", "asset roles", count)

    def started(self, app: App, count: int) -> str:
        return f"Granting {plural(count, 'asset role')} in {app.name}. Progress is shown with each account."

    def answers(self) -> dict[str, str]:
        return {"role": self.role}


class Revocation(Operation):
    kind = TaskKind.REVOKE

    def plan(self, app: App) -> Plan:
        return by_hand.plan_revocations(app, self._pairs())

    @staticmethod
    def _pairs() -> list[tuple[int, int]]:
        """Each named account with each named asset: one of the two is named once."""
        accounts, wanted = ticked(), ticked("asset")
        if accounts and not wanted:
            raise OperationProblem("Select at least one asset role to revoke.")
        if len(accounts) * len(wanted) > by_hand.MOST:
            raise OperationProblem(f"That is more than {by_hand.MOST:,} changes at once. Select fewer.")
        return [(account_id, asset_id) for account_id in accounts for asset_id in wanted]

    def address(self, app: App) -> str:
        return url_for("member_dialogs.revoke", app_id=app.id)

    def title(self, app: App) -> str:
        return "Revoke access"

    def words(self, app: App, count: int) -> Words:
        lead = f"They keep their accounts in {app.name}, but lose this access."
        return Words(self.title(app), lead, "Revoke", "asset role", "asset roles", count)

    def started(self, app: App, count: int) -> str:
        return f"Revoking {plural(count, 'asset role')} in {app.name}. Progress is shown with each account."
