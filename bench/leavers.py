"""Measures how long it takes until every app knows that someone has left: the directory's word, a comparison of each
app's last reading, its report and the e-mail to its Owner."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

from bench.pages import people_here
from bench.workspace import BY, open_workspace
from sync.checks import comparison
from sync.db import connected, db, utcnow, writing
from sync.jobs import comparing
from sync.models import App, AppPerson, Mail, Person, Report
from sync.people import people
from sync.safety import leavers

LEAVERS = 20


def measure(apps: int, accounts: int, folder: Path) -> dict[str, float]:
    """Seconds from the moment at which 20 people left who have an account in each of so many apps."""
    open_workspace(folder)
    with connected():
        ids = _apps(apps, accounts)
        left = list(Person.select().where(Person.name.startswith("Person")).limit(LEAVERS))
        began = time.perf_counter()
        with writing():
            for person in left:
                people.mark_left(person, BY)
        told = time.perf_counter() - began
        comparison.compare_due(utcnow() + comparing.PAUSE)
        done = time.perf_counter() - began
        assert Report.select().where(Report.is_open).count() == apps
        began = time.perf_counter()
        assert len(leavers.open_in(ids)) == apps
        return {"left": told, "compared": done, "counted": time.perf_counter() - began, "mails": Mail.select().count()}


def _apps(count: int, accounts: int) -> list[int]:
    """So many apps that were read, each with these accounts, all of people that the workspace knows."""
    people_here(accounts)
    owner = Person.get(Person.workspace_role == "owner")
    with writing():
        for number in range(count):
            app = App.create(connector="bench", name=f"App {number}", category="seat-based", state="active",
                             last_check_at=utcnow() - timedelta(hours=20))  # fmt: skip
            AppPerson.create(app=app, person=owner, part="owner")
            db.execute_sql("""INSERT INTO role (app_id, external_id, label, privileged, is_default, position)
                VALUES (?, 'admin', 'Admin', 1, 0, 0), (?, 'member', 'Member', 0, 1, 1)""", (app.id, app.id))
            db.execute_sql("""
                INSERT INTO account (app_id, external_id, email, email_key, name, status, role, kind, seat, state,
                    match_kind, match_by_hand, person_id, first_seen, assumed)
                SELECT ?, 'U' || p.id, e.email, e.email_key, p.name, 'active',
                    CASE WHEN p.id % 50 THEN 'member' ELSE 'admin' END, 'user', '', 'present', 'matched', 0, p.id, ?, 0
                FROM person p JOIN person_email e ON e.person_id = p.id WHERE p.workspace_role IS NULL
                """, (app.id, str(utcnow())))  # fmt: skip
            App.update(users=accounts, matched=accounts).where(App.id == app.id).execute()
    return [app.id for app in App.select(App.id).where(App.name.startswith("App"))]
