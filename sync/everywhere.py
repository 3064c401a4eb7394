"""One search over all that a person may see: apps, people, accounts, assets and reports.
It finds nothing that this person's pages wouldn't show, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from peewee import Field

from sync import rank
from sync.apps import owners
from sync.models import Account, App, Asset, Change, Person, Report
from sync.reports import overview
from sync.search import finding
from sync.search.index import Kind
from sync.search.texts import contains, text_of, words_of
from sync.states import ChangeDecision

# What is shown of each: a search reads nothing else of a row.
PERSON = (Person.id, Person.name, Person.status, Person.workspace_role)
ACCOUNT = (Account.id, Account.app, Account.name, Account.email, Account.external_id, Account.state)
ASSET = (Asset.id, Asset.app, Asset.name, Asset.external_id, Asset.kind)
MOST = 100  # rows of each kind: of more, only that there are more is known


@dataclass(frozen=True)
class Hits:
    """The rows of one kind, the likeliest first; `more`: there are more than these."""

    rows: list
    more: bool = False


@dataclass(frozen=True)
class Everything:
    """What a search found. `behind`: new rows aren't in the index yet, so that some may be missing."""

    apps: Hits
    people: Hits
    accounts: Hits
    assets: Hits
    reports: Hits
    behind: bool = False


def search(person: Person, asked: str) -> Everything:
    """What this person may see and has all the words: accounts, assets and apps by their parts in the apps, people
    only for those who manage them, reports for the Owners of their apps."""
    words = words_of(asked)
    shown = owners.apps_of(person).select(App.id, App.name, App.connector, App.state)
    visible = list(shown) if words else []
    by_id = {app.id: app for app in visible}
    may_see_people = bool(words) and person.workspace_role in rank.MANAGERS
    people = finding.first(Kind.PERSON, asked, MOST) if may_see_people else finding.Found([])
    accounts = finding.first(Kind.ACCOUNT, asked, MOST, list(by_id))
    assets = finding.first(Kind.ASSET, asked, MOST, list(by_id))
    return Everything(
        Hits(_likeliest([app for app in visible if contains(text_of([app.name]), words)], words, lambda app: app.name)),
        _hits(people, _rows(PERSON, people.ids), words),
        _hits(accounts, _in_apps(ACCOUNT, accounts.ids, by_id), words),
        _hits(assets, _in_apps(ASSET, assets.ids, by_id), words),
        Hits(*_reports(person, visible, words, accounts.ids)),
        people.behind or accounts.behind or assets.behind,
    )


def _hits(found: finding.Found, rows: list, words: Sequence[str]) -> Hits:
    return Hits(_likeliest(rows, words, lambda row: row.name), found.more)


def _rows(columns: Sequence[Field], ids: Sequence[int]) -> list:
    table = columns[0].model
    return list(table.select(*columns).where(table.id.in_(ids))) if ids else []


def _in_apps(columns: Sequence[Field], ids: Sequence[int], apps: dict[int, App]) -> list:
    rows = [row for row in _rows(columns, ids) if row.app_id in apps]
    for row in rows:
        row.app = apps[row.app_id]  # known already: not asked for once a row
    return rows


def _likeliest(rows: list, words: Sequence[str], name_of: Callable) -> list:
    """Names that begin with the search, then those with a word that begins with it, then all others; by name."""

    def order(row) -> tuple:
        text = text_of([name_of(row)])
        begins = not text.startswith(f" {' '.join(words)}")
        return begins, not all(f" {word}" in text for word in words), text, row.id

    return sorted(rows, key=order)


def _reports(
    person: Person, visible: list[App], words: Sequence[str], accounts: list[int]
) -> tuple[list[Report], bool]:
    """Reports by number or by their app's name, and open ones about an account that was found; open ones first."""
    rest = [word for word in words if len(word) < 3 or not "reports".startswith(word)]
    numbers = [int(word) for word in rest if word.isascii() and word.isdecimal() and len(word) < 10]
    named = [app.id for app in visible if contains(text_of([app.name]), rest)]
    if not words or not (named or accounts or numbers):
        return [], False
    about = Change.select(Change.report).where(
        Change.account.in_(accounts), Change.decision != ChangeDecision.APPLIED, Change.report.is_null(False)
    )
    wanted = Report.app.in_(named) | (Report.is_open & Report.id.in_(about))
    if len(rest) == len(numbers) == 1:
        wanted |= Report.id == numbers[0]
    found = overview.owned(person).where(wanted, Report.counts != {})
    rows = list(found.order_by(Report.is_open.desc(), Report.id.desc()).limit(MOST + 1))
    return rows[:MOST], len(rows) > MOST
