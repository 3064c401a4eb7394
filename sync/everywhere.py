"""One search over all that a person may see: apps, people, accounts, assets and reports.
It finds nothing that this person's pages wouldn't show, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from peewee import Field

from sync import rank
from sync.apps import owners
from sync.listing import one_of
from sync.models import Account, App, Asset, Change, Person, Report
from sync.reports import overview
from sync.search import finding
from sync.search.index import Kind
from sync.search.texts import contains, text_of, words_of
from sync.states import ChangeDecision

# What is shown of each: a search reads nothing else of a row.
APP = (App.id, App.name, App.connector, App.state)
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
    """What this person may see and has all the words: accounts, assets and apps that they manage, people
    only for those who manage them, reports for the Owners of their apps."""
    words = words_of(asked)
    texts = {id: text_of([name]) for id, name in owners.seen_names(person)} if words else {}
    may_see_people = bool(words) and person.workspace_role in rank.MANAGERS
    people = finding.first(Kind.PERSON, asked, MOST) if may_see_people else finding.Found([])
    accounts = finding.first(Kind.ACCOUNT, asked, MOST, list(texts))
    assets = finding.first(Kind.ASSET, asked, MOST, list(texts))
    return Everything(
        Hits(_likeliest(_rows(APP, _with_words(texts, words)), words)),
        _hits(people, _rows(PERSON, people.ids), words),
        _hits(accounts, _in_apps(ACCOUNT, accounts.ids, texts), words),
        _hits(assets, _in_apps(ASSET, assets.ids, texts), words),
        Hits(*_reports(person, texts, words, accounts.ids)),
        people.behind or accounts.behind or assets.behind,
    )


def _with_words(texts: Mapping[int, str], words: Sequence[str]) -> list[int]:
    return [id for id, text in texts.items() if contains(text, words)]


def _hits(found: finding.Found, rows: list, words: Sequence[str]) -> Hits:
    return Hits(_likeliest(rows, words), found.more)


def _rows(columns: Sequence[Field], ids: Sequence[int]) -> list:
    table = columns[0].model
    return list(table.select(*columns).where(one_of(table.id, json.dumps(ids)))) if ids else []


def _in_apps(columns: Sequence[Field], ids: Sequence[int], visible: Container[int]) -> list:
    """Those of the apps that are visible, with their apps."""
    rows = _rows(columns, ids)
    apps = {app.id: app for app in _rows(APP, list({row.app_id for row in rows if row.app_id in visible}))}
    found = [row for row in rows if row.app_id in apps]
    for row in found:
        row.app = apps[row.app_id]  # known already: not asked for once a row
    return found


def _likeliest(rows: list, words: Sequence[str]) -> list:
    """Names that begin with the search, then those with a word that begins with it, then all others; by name."""

    def order(row) -> tuple:
        text = text_of([row.name])
        begins = not text.startswith(f" {' '.join(words)}")
        return begins, not all(f" {word}" in text for word in words), text, row.id

    return sorted(rows, key=order)


def _reports(
    person: Person, texts: Mapping[int, str], words: Sequence[str], accounts: list[int]
) -> tuple[list[Report], bool]:
    """Reports by number or by their app's name, and open ones about an account that was found; open ones first."""
    rest = [word for word in words if len(word) < 3 or not "reports".startswith(word)]
    numbers = [int(word) for word in rest if word.isascii() and word.isdecimal() and len(word) < 10]
    named = _with_words(texts, rest)
    if not words or not (named or accounts or numbers):
        return [], False
    about = Change.select(Change.report).where(
        Change.account.in_(accounts), Change.decision != ChangeDecision.APPLIED, Change.report.is_null(False)
    )
    wanted = one_of(Report.app, json.dumps(named)) | (Report.is_open & Report.id.in_(about))
    if len(rest) == len(numbers) == 1:
        wanted |= Report.id == numbers[0]
    found = overview.owned(person).where(wanted, Report.counts != {})
    rows = list(found.order_by(Report.is_open.desc(), Report.id.desc()).limit(MOST + 1))
    return rows[:MOST], len(rows) > MOST
