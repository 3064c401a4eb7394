"""Previews an offboarding: each account, whether it is removed, and why not.
Nothing is decided or written here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sync.apps import owners
from sync.apps.conditions import first_line
from sync.effects import saved_by_removal_of
from sync.models import Account, Asset, Person
from sync.people import people
from sync.reports.reports import CONFIRM, HELD
from sync.safety import guards, protection, sole_managers
from sync.states import CONNECTED, AccountMatch, AccountState, AppState, PersonStatus, Protection, TaskKind
from sync.tasks import perform


class WaitsFor(StrEnum):
    """HAND: someone who removes it in the app itself. RELEASE: an Owner who releases what a guard holds."""

    HAND = "hand"
    RELEASE = "release"


@dataclass
class Line:
    """One account. It is removed unless it is protected or already under way; `warnings` are what to know before."""

    account: Account
    protection_reason: str | None = None
    under_way: bool = False
    left_out_reason: str = ""  # the reason, when it was left out since they left
    by_hand: bool = False  # the connector can't remove: someone must, in the app itself
    held: bool = False  # a guard would hold it
    warnings: list[str] = field(default_factory=list)
    alone: list[Asset] = field(default_factory=list)

    @property
    def removable(self) -> bool:
        return self.protection_reason is None and not self.under_way

    @property
    def is_removed_now(self) -> bool:
        """Without a further answer: nobody left it out, and everything that it manages has another manager."""
        return self.removable and not self.left_out_reason and not self.alone

    @property
    def waits_for(self) -> WaitsFor | None:
        """What a removal waits for after Finish, None if it is made at once."""
        return WaitsFor.HAND if self.by_hand else WaitsFor.RELEASE if self.held else None


@dataclass
class Preview:
    """Accounts in apps that `asker` may decide about, the number in others, and what the person is responsible for."""

    person: Person
    lines: list[Line]
    elsewhere: int
    services: list[Account]

    @property
    def saved(self) -> int:
        """Hundredths per month, if everything is removed that Finish removes at once."""
        now = (line for line in self.lines if line.is_removed_now and not line.waits_for)
        return sum(saved_by_removal_of(line.account) for line in now)


def preview(person: Person, asker: Person) -> Preview:
    """What `asker` may take from this person now."""
    accounts = people.accounts_of(person)
    mine, elsewhere = decidable(person, asker)
    alone = sole_managers.sole_assets(account.id for account in mine)
    lines = [_line(account, person, alone.get(account.id, [])) for account in mine]
    _mark_held(lines)
    services = [account for account in accounts if account.match_kind == AccountMatch.SERVICE_ACCOUNT]
    return Preview(person, lines, elsewhere, services)


def decidable(person: Person, asker: Person) -> tuple[list[Account], int]:
    """(this person's own accounts in the apps whose Owner `asker` is, their number in others)."""
    own = [
        account
        for account in people.accounts_of(person)
        if account.match_kind == AccountMatch.MATCHED and account.app.state in CONNECTED
    ]
    owned = owners.owned_ids(asker)
    return [account for account in own if account.app_id in owned], sum(account.app_id not in owned for account in own)


def _line(account: Account, person: Person, alone: list[Asset]) -> Line:
    if account.state == AccountState.REMOVING:
        return Line(account, under_way=True)
    why = protection.of(account, Protection.HOLD, *protection.OF_THE_ACCOUNT)
    line = Line(account, why and why.words, alone=alone, by_hand=not perform.is_able(account.app, TaskKind.REMOVE))
    has_left = person.status == PersonStatus.DEPROVISIONED
    is_theirs = account.left_out_person_id == person.id
    if account.left_out_reason and is_theirs and has_left and account.left_out_at >= person.status_since:
        line.left_out_reason = account.left_out_reason
    if account.app.state == AppState.PAUSED:
        line.warnings.append("The app is paused: the removal waits until it is resumed.")
    elif account.app.error:
        line.warnings.append(f"The last check of the app failed: {first_line(account.app.error)}")
    return line


def _mark_held(lines: list[Line]) -> None:
    """What the guards would hold, app by app in the order of the approval."""
    gone = 0
    for app_id in dict.fromkeys(line.account.app_id for line in lines):
        here = [line for line in lines if line.account.app_id == app_id]
        going = [line for line in here if line.removable and not line.left_out_reason]
        if not going:
            continue
        app, known = going[0].account.app, {line.account.id for line in going}
        if guards.is_mass(app, len(going) + guards.waiting_beside(app, known, CONFIRM, HELD), gone):
            for line in going:
                line.held = True
        gone += len(going)
