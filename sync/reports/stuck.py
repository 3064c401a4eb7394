"""Leavers whose account can't be removed yet: why, in a sentence that says what to do first.
The web has the links that do it. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sync import roles
from sync.apps import assets
from sync.models import Account, App
from sync.names import person_name
from sync.safety import administrators, leavers
from sync.safety.leavers import Leaver
from sync.states import Protection

CANDIDATES = 200  # who may be made an administrator, in one list
# What {name} has to do with {app}: {why} is the reason that is shown with the account.
SENTENCES = {
    Protection.HOLD: "{name} has left, but is on legal hold: {why}. The account in {app} stays until that is lifted.",
    Protection.BY_HAND: "{name} has left, but the account in {app} is protected: {why}. Lift the protection first.",
    Protection.AUTOMATION_ACCOUNT: "{name} has left, and Rollcall acts with this account in {app}: replace the "
                                   "credential first.",
    Protection.SYSTEM: "{name} has left, and {app} made the account for itself. Change whose account it is.",
    Protection.ANOTHERS_ADDRESS: "{name} has left, but the account in {app} may be someone else's: {why}. Match it "
                                 "again first.",
    Protection.OTHER_EMAIL: "{name} has left, but the account in {app} has a different e-mail address than when it was "
                            "matched. Match it again first.",
    Protection.LAST_ADMINISTRATOR: "{name} has left and is {why} of {app}: make someone else {role} first.",
}  # fmt: skip


@dataclass(frozen=True)
class Stuck:
    """`role` is what someone else has to become in the app; empty unless this is its last administrator."""

    account: Account
    protection: Protection
    sentence: str
    report_id: int  # the open one
    role: str = ""


def of_apps(app_ids: Iterable[int]) -> list[Stuck]:
    """Those that nobody has accepted, by the person's name and the app's."""
    return among(leavers.to_explain(app_ids))


def among(found: Iterable[Leaver]) -> list[Stuck]:
    """Those of these leavers, in the same order."""
    return [_stuck(one) for one in found if one.is_open and one.protection_reason]


def _stuck(leaver: Leaver) -> Stuck:
    code = Protection(leaver.change.protection or Protection.BY_HAND)
    why, role = leaver.protection_reason.removeprefix("Protected: ").removeprefix("legal hold: "), ""
    if code == Protection.LAST_ADMINISTRATOR:
        named = roles.last_one_named(leaver.protection_reason)
        role = "an administrator" if named is None else named
        why = f"the last {named or 'known administrator'}"
    words = SENTENCES[code].format(name=person_name(leaver.person), app=leaver.account.app.name, why=why, role=role)
    return Stuck(leaver.account, code, words, leaver.change.report_id, role)


def candidates(app: App) -> list[Account]:
    """Accounts that could be made an administrator of the app, by name: of people who are here, and not one already."""
    already = set(administrators.administrators_left(app))
    found = assets.may_be_given(app, "", CANDIDATES)
    left = {one.account.id for one in leavers.of_app(app)}
    return [account for account in found if account.id not in already | left]
