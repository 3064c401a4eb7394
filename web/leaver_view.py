"""Leavers whose account can't be removed yet, as pages show them: a sentence, the button that solves it, and the way
to accept it for some time. Those that are accepted are shown with who accepted them, why and until when."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from flask import url_for
from markupsafe import Markup

from connectors.base import CHANGE_ROLE
from sync.models import Account, App
from sync.names import account_name, main_emails, person_name, short_name
from sync.people import holds
from sync.reports import stuck
from sync.reports.stuck import Stuck
from sync.safety import leavers
from sync.safety.leavers import Leaver
from sync.states import Protection
from web.permissions import outranks
from web.security import signed_in_person
from web.words import calendar_day, on_day

ASKED = 3  # people who are named


@dataclass(frozen=True)
class Fix:
    """The button that solves it; `dialog` says whether it opens one."""

    label: str
    address: str
    icon: str
    dialog: bool = True


@dataclass(frozen=True)
class StuckRow:
    """An open one."""

    id: int  # of the account
    sentence: str
    fix: Fix | None
    ask: Markup | str  # who can do it, where the reader can't; or where it is done
    accept: str  # the address of the dialog


@dataclass(frozen=True)
class AcceptedRow:
    """One that someone accepted."""

    id: int
    words: Markup
    withdraw: str


@dataclass(frozen=True)
class Leavers:
    """Of one app, on each of its pages."""

    stuck: list[StuckRow]
    accepted: list[AcceptedRow]


def of_app(app: App, can: Collection[str], back: str) -> Leavers:
    """`can`: what Rollcall can do in the app. `back`: the page to return to."""
    found = leavers.to_explain([app.id])
    return Leavers(stuck_rows(stuck.among(found), can, back), accepted_rows(app, found, back))


def of_cards(apps: Iterable[App], can: Callable[[App], Collection[str]], back: str) -> dict[int, list[StuckRow]]:
    """By app id, for the cards of these apps; `can` answers what Rollcall can do in one."""
    by_id, found = {app.id: app for app in apps}, {}
    for one in stuck.of_apps(by_id) if by_id else ():
        found.setdefault(one.account.app_id, []).append(one)
    return {app_id: stuck_rows(several, can(by_id[app_id]), back) for app_id, several in found.items()}


def stuck_rows(found: Iterable[Stuck], can: Collection[str], back: str) -> list[StuckRow]:
    rows = []
    for one in found:
        fix = _fix(one, can, back)
        ask = "" if fix else _ask(one)
        rows.append(StuckRow(one.account.id, one.sentence, fix, ask, acceptance(one.account, back)))
    return rows


def acceptance(account: Account, back: str) -> str:
    return url_for("leavers.acceptance", app_id=account.app_id, account_id=account.id, back=back)


def _fix(one: Stuck, can: Collection[str], back: str) -> Fix | None:
    account, app_id = one.account, one.account.app_id
    if one.protection == Protection.LAST_ADMINISTRATOR:
        if CHANGE_ROLE not in can:
            return None
        return Fix(f"Make someone else {one.role}", url_for("leavers.successor", app_id=app_id, back=back), "user-plus")
    if one.protection == Protection.AUTOMATION_ACCOUNT:
        return Fix("Replace the credential", url_for("app_settings.credential", app_id=app_id), "key")
    if one.protection == Protection.HOLD:
        if not outranks(signed_in_person(), account.person):
            return None
        address = url_for("people.show", person_id=account.person_id)
        return Fix("Open the person", address, "user", dialog=False)
    if one.protection == Protection.BY_HAND:
        address = url_for("account.show", app_id=app_id, account_id=account.id)
        return Fix("Open the account", address, "shield", dialog=False)
    return Fix("Match it again", url_for("members.match", app_id=app_id, account_id=account.id, back=back), "link")


def _ask(one: Stuck) -> Markup | str:
    """The person to ask, or where to do it, if this reader can't do anything here."""
    if one.protection != Protection.HOLD:
        return f"Rollcall can't do that in {one.account.app.name}: do it there, then check for updates."
    found = holds.people_who_may_lift(one.account.person)[:ASKED]
    if not found:
        return "Ask an Owner of the workspace to lift it."
    emails = main_emails(person.id for person in found)
    names = [Markup('<a href="mailto:{}">{}</a>').format(emails[person.id], person_name(person))
             if emails.get(person.id) else person_name(person) for person in found]  # fmt: skip
    return Markup("Ask {} to lift it.").format(Markup(" or ").join(names))


def accepted_rows(app: App, found: Iterable[Leaver], back: str) -> list[AcceptedRow]:
    accepted = sorted((one for one in found if one.acceptance), key=lambda one: one.acceptance.until)
    return [AcceptedRow(
        one.account.id,
        Markup("<strong>{}</strong> has left and keeps an account until {}: {}. {}. Accepted by {}, {}.").format(
            account_name(one.account), calendar_day(one.acceptance.until), one.acceptance.reason.rstrip("."),
            one.protection_reason or "It can't be removed yet", short_name(one.acceptance.accepted_by),
            on_day(one.acceptance.accepted_at)),
        url_for("leavers.withdraw", app_id=app.id, account_id=one.account.id, back=back),
    ) for one in accepted]  # fmt: skip
