"""Measures how long it takes until every app knows that someone has left: the directory's push over SCIM, a comparison
of each app's last reading, its report and the e-mail to its Owner. No app is called."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from app import create_app
from bench import clock
from bench.pages import people_here
from bench.workspace import BY, open_workspace
from sync.checks import comparison
from sync.config import Config
from sync.db import connected, db, utcnow, writing
from sync.directory import push
from sync.jobs import comparing
from sync.models import App, AppPerson, Check, Mail, Person, Report
from sync.safety import leavers

LEAVERS = 20
PUSHED = 6  # times as many people are in the directory: a sixth of them may leave at once
USERS = f"{push.PATH}/Users"


def measure(apps: int, accounts: int, folder: Path, leaving: int = LEAVERS) -> dict[str, float]:
    """Processor seconds from the first push that says that someone left: people with an account in each of the apps.

    The other values are counts: `reports` that are open, `mails`, and `calls`, the checks that have begun.
    """
    open_workspace(folder)
    client = create_app(Config.from_environ({"ROLLCALL_HOME": str(folder)})).test_client()
    with connected():
        ids = _apps(apps, accounts)
        _, token = push.connect("Okta", BY)
    ask = {"headers": {"Authorization": f"Bearer {token}"}, "content_type": "application/scim+json"}
    users = [client.post(USERS, json={"userName": f"Person.{number}@acme.example"}, **ask).json["id"]
             for number in range(leaving * PUSHED)]  # fmt: skip
    watch = clock.Stopwatch()
    for user in users[:leaving]:
        disable = {"Operations": [{"op": "replace", "value": {"active": False}}]}
        client.patch(f"{USERS}/{user}", json=disable, **ask)
    took = watch.seconds()
    with connected():
        comparison.compare_due(utcnow() + comparing.PAUSE)
        done = watch.seconds()
        watch = clock.Stopwatch()
        assert len(leavers.open_in(ids)) == apps
        return {
            "left": took, "compared": done, "counted": watch.seconds(), "mails": Mail.select().count(),
            "reports": Report.select().where(Report.is_open, Report.waiting == leaving).count(),
            "calls": Check.select().where(Check.started_at.is_null(False)).count(),
        }  # fmt: skip


def _apps(count: int, accounts: int) -> list[int]:
    """So many apps that were read, each with these accounts, all of people that the workspace knows."""
    people_here(accounts)
    owner = Person.get(Person.workspace_role == "owner")
    with writing():
        for number in range(count):
            app = App.create(connector="bench", name=f"App {number}", category="seat-based", state="active",
                             last_check_at=utcnow() - timedelta(hours=20))  # fmt: skip
            AppPerson.create(app=app, person=owner, manages_as="owner")
            db.execute_sql("""INSERT INTO role (app_id, external_id, label, privileged, is_default, position)
                VALUES (?, 'admin', 'Admin', 1, 0, 0), (?, 'member', 'Member', 0, 1, 1)""", (app.id, app.id))
            db.execute_sql("""
                INSERT INTO account (app_id, external_id, email, email_key, name, status, role, kind, seat, state,
                    match_kind, match_by_hand, person_id, first_seen, defaulted_fields)
                SELECT ?, 'U' || p.id, e.email, e.email_key, p.name, 'active',
                    CASE WHEN p.id % 50 THEN 'member' ELSE 'admin' END, 'user', '', 'present', 'matched', 0, p.id, ?, 0
                FROM person p JOIN person_email e ON e.person_id = p.id WHERE p.workspace_role IS NULL
                """, (app.id, str(utcnow())))  # fmt: skip
            App.update(users=accounts, matched=accounts).where(App.id == app.id).execute()
    return [app.id for app in App.select(App.id).where(App.name.startswith("App"))]
