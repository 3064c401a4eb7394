"""Measures the pages with 200 apps that are checked daily, one of them with many accounts, by Flask's test client."""

from __future__ import annotations

import statistics
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from bench import clock, sample
from bench.bare import bare_page
from bench.daily import add_checks
from bench.workspace import open_workspace, run_check
from sync.config import Config
from sync.db import connected, db, keeping_connections, utcnow, writing
from sync.models import App, AppPerson, Person, PersonEmail, Report
from sync.search import index
from sync.sign_in import sign_in

APPS = 200
DAYS = 41  # with a check of each app, today included
LEFT_EVERY = 200  # one of so many people has left
TIMES = 20
READS = ("SELECT", "WITH")

# Median of processor time in milliseconds, that ÷ the time of a bare route, compressed bytes, queries.
Measured = tuple[float, float, int, int]

# What Chromium and Firefox send with a click over TLS.
BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd", "Sec-Fetch-Site": "same-origin"}


def times(count: int, folder: Path, apps: int = APPS) -> dict[str, Measured]:
    """Page → what it takes, with so many accounts in one of so many apps."""
    pages, site = filled(count, folder, apps)
    client = site.test_client()
    with keeping_connections():  # as the server does
        client.get(owners_link())
        return {name: _measure(client, address) for name, address in pages.items()}


def filled(count: int, folder: Path, apps: int = APPS) -> tuple[dict[str, str], Flask]:
    """The address of each page, and the program that answers, over a new workspace."""
    app, report = _fill(count, folder, apps)
    here = f"/apps/{app.id}"
    pages = {
        "Home": "/",
        "Apps": "/apps",
        "Apps, searched": "/apps?search=app+17",
        "an app": here,
        "Members": f"{here}/members",
        "Members, the last page": f"{here}/members?page=99999",
        "Members, searched": f"{here}/members?search=Person.4999",
        "Members, searched in vain": f"{here}/members?search=nobody+at+all",
        "Members, unmatched": f"{here}/members?tab=unmatched",
        "the Sync Data wizard": f"/reports/{report.id}",
        "the wizard, all accounts new": f"/reports/{report.id - 1}",
        "Reports": "/reports",
        "People": "/people",
        "Activity": "/activity",
    }
    return pages, create_app(Config.from_environ({"ROLLCALL_HOME": str(folder)}))


def owners_link() -> str:
    """A path that signs the Owner in, once."""
    with connected():
        return f"/sign-in/{sign_in.signed_link(Person.get(Person.workspace_role == 'owner'))}"


def _fill(count: int, folder: Path, apps: int) -> tuple[App, Report]:
    """Nine of ten accounts are matched to someone; some of these people have left, so that a report waits."""
    app = open_workspace(folder)
    with connected():
        people_here(count * 9 // 10)
        sample.SampleApp.pages = staticmethod(lambda: sample.pages(count, 0))
        run_check(app)
        left = range(LEFT_EVERY, count, LEFT_EVERY)
        Person.update(status="deprovisioned", status_reason="Disabled in Company LDAP").where(
            Person.id.in_(left)
        ).execute()
        run_check(app)
        _other_apps(apps)
        while index.bring_up_some():  # as the sweeps of the next minutes do
            pass
        return App.get_by_id(app.id), Report.get(Report.app == app, Report.state == "open")


def people_here(count: int) -> None:
    """So many people that the workspace knows, as bench.sample names them."""
    first = Person.select().count() + 1
    with writing():
        for start in range(0, count, 500):
            numbers = range(start, min(start + 500, count))
            Person.insert_many([{"id": first + number, "name": f"Person {number}"} for number in numbers]).execute()
            PersonEmail.insert_many([
                {"person": first + number, "email": f"Person.{number}@acme.example",
                 "email_key": f"person.{number}@acme.example", "main": True} for number in numbers
            ]).execute()  # fmt: skip


def _other_apps(apps: int) -> None:
    owner, ids = Person.get(Person.workspace_role == "owner"), []
    with writing():
        for number in range(1, apps):
            category = ("Seat-based", "Paid social")[number % 2]
            app = App.create(connector="bench", name=f"App {number}", category=category, state="active", users=40,
                             matched=36, unmatched=4, last_check_at=utcnow())  # fmt: skip
            AppPerson.create(app=app, person=owner, manages_as="owner")
            if number % 10 == 0:
                Report.create(app=app, waiting=2, counts={"removed user": 2})
            ids.append(app.id)
        add_checks(ids, 0, DAYS, accounts=40)


def _measure(client: FlaskClient, address: str) -> Measured:
    size, queries, bare = beside(client, address)
    pairs = [(_seconds(client, address), _seconds(bare, "/")) for _ in range(TIMES)]
    milliseconds = statistics.median(ours for ours, _ in pairs) * 1000
    return milliseconds, statistics.median(ours / floor for ours, floor in pairs), size, queries


def beside(client: FlaskClient, address: str) -> tuple[int, int, FlaskClient]:
    """The size of a page, compressed, the number of its queries, and a bare page with the same SQL and rows."""
    queries: list = []
    client.get(address, headers=BROWSER)  # what a process reads once a day isn't part of a page
    db.query_hooks.append(lambda event: queries.append((event.sql, event.params)))
    answer = client.get(address, headers=BROWSER)
    db.query_hooks.pop()
    if answer.status_code != 200:
        raise RuntimeError(f"{address} answered {answer.status}")
    reads = [(sql, values) for sql, values in queries if sql.lstrip().upper().startswith(READS)]
    return len(answer.data), len(queries), bare_page(reads)


def _seconds(client: FlaskClient, address: str) -> float:
    return clock.seconds(lambda: client.get(address, headers=BROWSER))
