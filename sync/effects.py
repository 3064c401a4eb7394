"""What an operation does in an app beyond its call, and how long an API lives: by the connectors' declarations.
Both follow from the settings, so nothing is decrypted and nobody is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import connectors
from connectors.base import REMOVE, ApiVersion, Connector, Effect
from connectors.effects import Seat, about
from connectors.explaining import Explanation, explained, seats_in_words
from sync import workspace
from sync.models import Account, App, Directory
from sync.states import AccountStatus


def effects_of(app: App, operation: str) -> tuple[Effect, ...]:
    """The effects of an operation, one of connectors.base.CAPABILITIES; none if people do it by hand."""
    connector = _connector(app)
    return connector.effects_of(operation) if connector else ()


def of_removal(account: Account) -> tuple[Effect, ...]:
    """What a removal does to this account: some apps treat an invitation in another way."""
    return about(effects_of(account.app, REMOVE), account.status == AccountStatus.INVITED)


def removal_in_words(app: App, day: date | None = None) -> list[Explanation]:
    """A paragraph for each kind of account. `day` is the day of the removal, today if None."""
    return explained(effects_of(app, REMOVE), day or workspace.today())


def removal_of_account_in_words(account: Account, day: date | None = None) -> list[Explanation]:
    return explained(of_removal(account), day or workspace.today())


def saved_by_removal_of(account: Account) -> int:
    """What the removal saves a month, in hundredths; 0 where the seat isn't known to be freed."""
    return _saved(account.app, of_removal(account))


def _saved(app: App, effects: tuple[Effect, ...]) -> int:
    is_freed = bool(effects) and all(effect.frees_seat is Seat.FREED for effect in effects)
    return (app.seat_price or 0) if is_freed else 0


@dataclass(frozen=True)
class Seats:
    """What removals from one app save, in hundredths a month; `note` says what else becomes of the seats.

    `each` and `each_invited` are for one account, in the same unit.
    """

    each: int
    each_invited: int
    saved: int
    note: str


def seats_after(app: App, joined: int, invited: int) -> Seats:
    """After the removal of so many accounts that have joined, and so many that are invited."""
    effects = effects_of(app, REMOVE)
    of_joined, of_invited = about(effects, False), about(effects, True)
    each, each_invited = _saved(app, of_joined), _saved(app, of_invited)
    found = (*(of_joined if joined else ()), *(of_invited if invited else ()))
    note = seats_in_words(found) if app.seat_price and joined + invited else ""
    return Seats(each, each_invited, joined * each + invited * each_invited, note)


def removal_suspends(app: App) -> bool:
    """Whether a removed account stays in the app's list, as suspended."""
    connector = _connector(app)
    return bool(app.removal_suspends) if connector is None else connector.removal_suspends


def version_of(app: App) -> ApiVersion | None:
    """The version of the app's API that is in use."""
    connector = _connector(app)
    return connector.version_in_use() if connector else None


def version_warning(app: App, day: date | None = None) -> str:
    """A sentence where that version ends soon or has ended; else "". `day` is today, if the caller knows it."""
    version = version_of(app)
    return version.warning(app.name, day or workspace.today()) if version else ""


def directory_version_warning(directory: Directory) -> str:
    """The same of the API that a directory is read from; "" for a directory that pushes."""
    kind = connectors.directory_connectors().get(directory.kind)
    version = kind and kind.api_version and kind.api_version.chosen(directory.settings)
    return version.warning(directory.name, workspace.today()) if version else ""


def _connector(app: App) -> Connector | None:
    """It has no secrets and connects to nothing; None where this version of Rollcall doesn't know its kind."""
    try:
        kind = connectors.app_connector(app.connector)  # without importing the others while a report is written
    except KeyError:
        return None
    return kind(app.settings)
