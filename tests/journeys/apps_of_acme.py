"""Acme's two sample apps on the day after three people left, and apps in every other state: to look at pages with.
Made through sync/ alone, as the program itself would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.company import Company, furnish, let_time_pass
from sync.apps import apps, drafts
from sync.checks import checks
from sync.db import utcnow, writing
from sync.directory import directories
from sync.jobs import asking
from sync.matching import members
from sync.models import Account, App, Check, Person, Report, Task
from sync.people import people
from sync.reports import reports
from tests.demo.apps import AdsApp, ChatApp


@dataclass
class Apps:
    """What the pages are looked at with; `report` is the chat's open one, `held` one that the guard holds."""

    chat: App
    ads: App
    report: Report
    held: Report
    draft: App
    live: Check
    served: ChatApp


@contextmanager
def built(folder: Path, olga: Person, by: str) -> Iterator[Apps]:
    company = Company(folder / "company")
    with ChatApp(folder / "chat") as chat, AdsApp(folder / "ads") as ads, ChatApp(folder / "big") as big:
        furnish(company, chat.store, ads.store)
        directory = directories.connect("csv", "Acme staff", {"file": str(company.file)}, by)
        directories.run(directories.ask(directory, by).id)
        chat_app = apps.connect("sample-chat", "Acme Chat", chat.settings, [olga], by)
        apps.set_seat_price(chat_app, 875, by)
        ads_app = apps.connect("sample-ads", "Acme Ads", ads.settings, [olga], by)
        for app in (chat_app, ads_app):
            _check(app, by)
        ana = people.find_by_email("ana@acme.example")
        apps.set_manager(chat_app, ana, "collaborator", by)
        members.protect(Account.get(Account.email == "olga@acme.example"), "Owns the billing", by)
        let_time_pass(company, chat.store, ads.store)
        _check(chat_app, by)
        held = _held(big, olga, by)
        _others(olga, by)
        draft = drafts.start("sample-ads", olga)
        live = asking.ask(ads_app, by)
        with writing():
            Check.update(state="running", phase="accounts", items_read=3400, total=5120, started_at=utcnow()).where(
                Check.id == live.id
            ).execute()
            Task.create(app=chat_app, kind="remove", account=Account.get(Account.email == "kim@freelance.example"),
                        state="needs attention", asked_by=by, attempts=7, error="The app said no: billing owner.")
        yield Apps(chat_app, ads_app, _open(chat_app), held, draft, live, chat)


def _held(big: ChatApp, olga: Person, by: str) -> Report:
    """A chat with 150 people; all but 40 leave at once."""
    names = [f"Guest Worker {number:03}" for number in range(150)]
    with writing():
        known = [people.add(name, f"w{number}@acme.example", by) for number, name in enumerate(names)]
    for number, name in enumerate(names):
        big.store.add(f"w{number}@acme.example", name, "owner" if number == 149 else "member", via="page")
    app = apps.connect("sample-chat", "Warehouse", big.settings, [olga], by)
    _check(app, by)
    with writing():
        for person in known[:110]:
            people.mark_left(person, by)
    _check(app, by)
    return _open(app)


def _others(olga: Person, by: str) -> None:
    with writing():
        for name, values in {
            "Design studio": {"error": "The access token expired yesterday."},
            "Old forum": {"state": "paused"},
            "A workspace with quite a long name that has to be cut somewhere": {"category": "Paid social"},
        }.items():
            App.create(**{"connector": "scim", "name": name, "category": "Seat-based", "state": "active", "users": 42,
                          "matched": 36, "unmatched": 6, "last_check_at": utcnow()} | values)


def _check(app: App, by: str) -> None:
    checks.run(asking.ask(app, by).id)


def _open(app: App) -> Report:
    return reports.open_report(app)
