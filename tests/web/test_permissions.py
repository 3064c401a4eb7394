"""Who may open what: the whole URL map, for each kind of person, from one table.
A route that is not in the table fails; so does a table line without a route."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from sync import activity, vault
from sync.apps import apps
from sync.db import db, writing
from sync.directory import push
from sync.models import (  # fmt: skip
    Account,
    Activity,
    App,
    Asset,
    Change,
    Check,
    Directory,
    GroupRule,
    HeldChange,
    Invitation,
    LeftOut,
    Mail,
    Offboarding,
    Person,
    Report,
    Task,
    Team,
    WaitingFile,
    WaitingSignIn,
)
from tests.asking import MACHINE
from tests.sync.fixtures import after, departure
from tests.web import factor_routes
from tests.web.client import Client

EVERYONE, SIGNED_IN, MANAGERS, RUNS_ALL, OWNERS, APP_OWNERS, APP_COLLABORATORS = (
    "everyone", "signed in", "managers", "runs all", "owners", "app owners", "app collaborators",
)  # fmt: skip

TABLE = {
    **{route: EVERYONE for route in factor_routes.OPEN},
    **{route: SIGNED_IN for route in factor_routes.OF_ONESELF},
    **{route: RUNS_ALL for route in factor_routes.OF_OTHERS},
    **{route: OWNERS for route in factor_routes.OF_ALL},
    "GET /": SIGNED_IN,
    "PUT /theme": SIGNED_IN,
    "GET /static/<path:filename>": EVERYONE,
    "GET /healthz": EVERYONE,
    "GET /metrics": EVERYONE,
    "GET /setup": EVERYONE,
    "POST /setup": EVERYONE,
    "GET /sign-in": EVERYONE,
    "GET /sign-in/password": EVERYONE,
    "POST /sign-in/password": EVERYONE,
    "GET /sign-in/password/<token>": EVERYONE,
    "POST /sign-in/password/<token>": EVERYONE,
    "GET /sign-in/<token>": EVERYONE,
    "POST /sign-in/<token>": EVERYONE,
    "GET /sign-in/oidc": EVERYONE,
    "GET /sign-in/oidc/answer": EVERYONE,
    "GET /sign-in/oidc/confirmation": SIGNED_IN,  # one's own, in that browser: tests/security/test_confirmation.py
    "POST /sign-in/oidc/confirmation": SIGNED_IN,
    "DELETE /sign-in/oidc/confirmation": SIGNED_IN,
    "POST /people/waiting-sign-ins/<int:waiting_id>/approval": OWNERS,
    "DELETE /people/waiting-sign-ins/<int:waiting_id>": OWNERS,
    **dict.fromkeys(("POST /people/held/<int:held_id>/release", "DELETE /people/held/<int:held_id>"), MANAGERS),
    **{f"{method} /people/held/together/<asker>/{what}": MANAGERS
       for method in ("GET", "POST") for what in ("release", "dismissal")},
    **{f"{method} /directories/<int:directory_id>/voucher": OWNERS for method in ("GET", "POST", "DELETE")},
    "POST /session": EVERYONE,
    "DELETE /session": EVERYONE,
    "GET /apps": SIGNED_IN,
    "GET /search": SIGNED_IN,
    "GET /activity/lines/<int:line>": MANAGERS,
    "GET /apps/<int:app_id>/activity/lines/<int:line>": APP_OWNERS,
    "GET /apps/<int:app_id>/card": APP_COLLABORATORS,
    "GET /apps/<int:app_id>/head": APP_COLLABORATORS,
    "GET /apps/<int:app_id>": APP_COLLABORATORS,
    "GET /apps/<int:app_id>/name": APP_OWNERS,
    "PUT /apps/<int:app_id>/name": APP_OWNERS,
    "GET /apps/<int:app_id>/schedule": APP_OWNERS,
    "PUT /apps/<int:app_id>/schedule": APP_OWNERS,
    "GET /apps/<int:app_id>/missing-fields": APP_OWNERS,
    "PUT /apps/<int:app_id>/missing-fields": APP_OWNERS,
    "GET /apps/<int:app_id>/policy": APP_OWNERS,
    "PUT /apps/<int:app_id>/policy": APP_OWNERS,
    "GET /apps/<int:app_id>/seat-price": APP_OWNERS,
    "PUT /apps/<int:app_id>/seat-price": APP_OWNERS,
    "GET /apps/<int:app_id>/people/new": APP_OWNERS,
    "POST /apps/<int:app_id>/people": APP_OWNERS,
    "PUT /apps/<int:app_id>/people/<int:person_id>": APP_OWNERS,
    "DELETE /apps/<int:app_id>/people/<int:person_id>": APP_OWNERS,
    "GET /apps/<int:app_id>/people/suggestions": APP_OWNERS,
    "GET /apps/<int:app_id>/credential": APP_OWNERS,
    "PUT /apps/<int:app_id>/credential": APP_OWNERS,
    "POST /apps/<int:app_id>/tests": APP_OWNERS,
    "POST /apps/<int:app_id>/pause": APP_OWNERS,
    "DELETE /apps/<int:app_id>/pause": APP_OWNERS,
    "GET /apps/<int:app_id>/disconnection": APP_OWNERS,
    "DELETE /apps/<int:app_id>": APP_OWNERS,
    "GET /apps/new": MANAGERS,
    "GET /apps/new/<kind>": MANAGERS,
    "POST /apps/new/<kind>": MANAGERS,
    "POST /apps": MANAGERS,
    "GET /apps/<int:app_id>/connection": APP_OWNERS,
    "POST /apps/<int:app_id>/connection": APP_OWNERS,
    "GET /apps/<int:app_id>/connection/owners": APP_OWNERS,
    "POST /apps/<int:app_id>/connection/reading": APP_OWNERS,
    "GET /apps/<int:app_id>/connection/reading": APP_OWNERS,
    "POST /apps/<int:app_id>/connection/readings": APP_OWNERS,
    "GET /apps/<int:app_id>/connection/matching": APP_OWNERS,
    "GET /apps/<int:app_id>/members": APP_COLLABORATORS,
    "GET /apps/<int:app_id>/members.csv": APP_COLLABORATORS,
    "GET /people/filters": MANAGERS,
    "GET /activity/filters": MANAGERS,
    "GET /apps/filters": SIGNED_IN,
    "GET /reports/filters": SIGNED_IN,
    "GET /apps/<int:app_id>/activity/filters": APP_OWNERS,
    "GET /apps/<int:app_id>/reports/filters": APP_OWNERS,
    "GET /apps/<int:app_id>/assets/filters": APP_COLLABORATORS,
    "GET /apps.csv": SIGNED_IN,
    "GET /apps/<int:app_id>/assets.csv": APP_COLLABORATORS,
    "GET /reports.csv": SIGNED_IN,
    "GET /activity.csv": MANAGERS,
    "GET /apps/<int:app_id>/reports.csv": APP_OWNERS,
    "GET /apps/<int:app_id>/activity.csv": APP_OWNERS,
    "GET /views/new": SIGNED_IN,  # of a list that is open to them, and one's own: tests/web/test_saved_views.py
    "POST /views": SIGNED_IN,
    **{f"{method} /views/<int:view_id>": SIGNED_IN for method in ("GET", "PATCH", "DELETE")},
    "GET /apps/<int:app_id>/members/filters": APP_COLLABORATORS,
    "GET /apps/<int:app_id>/members/provisioning": APP_COLLABORATORS,
    "GET /apps/<int:app_id>/members/<int:account_id>": APP_COLLABORATORS,
    **{address: APP_OWNERS for operations in ("role-changes", "removals", "grants", "revocations", "invitations")
       for address in (f"GET /apps/<int:app_id>/{operations}/new", f"POST /apps/<int:app_id>/{operations}")},
    "POST /apps/<int:app_id>/invitations/<int:invitation_id>/sendings": APP_OWNERS,
    "GET /apps/<int:app_id>/invitations/<int:invitation_id>/cancellation": APP_OWNERS,
    "DELETE /apps/<int:app_id>/invitations/<int:invitation_id>": APP_OWNERS,
    "GET /apps/<int:app_id>/members/decisions/new": APP_OWNERS,
    "POST /apps/<int:app_id>/members/decisions": APP_OWNERS,
    "DELETE /apps/<int:app_id>/members/decisions/<batch>": APP_OWNERS,
    "GET /apps/<int:app_id>/members/rules": APP_OWNERS,
    "PUT /apps/<int:app_id>/members/rules": APP_OWNERS,
    "GET /apps/<int:app_id>/members/<int:account_id>/match": APP_OWNERS,
    "PUT /apps/<int:app_id>/members/<int:account_id>/match": APP_OWNERS,
    "GET /apps/<int:app_id>/members/<int:account_id>/protection": APP_OWNERS,
    "PUT /apps/<int:app_id>/members/<int:account_id>/protection": APP_OWNERS,
    "DELETE /apps/<int:app_id>/members/<int:account_id>/protection": APP_OWNERS,
    "DELETE /apps/<int:app_id>/members/<int:account_id>/leaving-out": APP_OWNERS,
    "GET /apps/<int:app_id>/members/<int:account_id>/acceptance": APP_OWNERS,
    "PUT /apps/<int:app_id>/members/<int:account_id>/acceptance": APP_OWNERS,
    "DELETE /apps/<int:app_id>/members/<int:account_id>/acceptance": APP_OWNERS,
    "GET /apps/<int:app_id>/administrators/new": APP_OWNERS,
    "GET /apps/<int:app_id>/rules": APP_OWNERS,
    "POST /apps/<int:app_id>/rules": APP_OWNERS,
    "GET /apps/<int:app_id>/rules/new": APP_OWNERS,
    "GET /apps/<int:app_id>/rules/preview": APP_OWNERS,
    "GET /apps/<int:app_id>/rules/policy": APP_OWNERS,
    "PUT /apps/<int:app_id>/rules/policy": APP_OWNERS,
    "GET /apps/<int:app_id>/rules/<int:rule_id>": APP_OWNERS,
    "PUT /apps/<int:app_id>/rules/<int:rule_id>": APP_OWNERS,
    "DELETE /apps/<int:app_id>/rules/<int:rule_id>": APP_OWNERS,
    "GET /apps/<int:app_id>/rules/<int:rule_id>/removal": APP_OWNERS,
    "DELETE /apps/<int:app_id>/rules/left-out/<int:left_out_id>": APP_OWNERS,
    "GET /directories/teams": MANAGERS,
    "POST /directories/teams": MANAGERS,
    "GET /directories/teams/new": MANAGERS,
    "GET /directories/teams/<int:team_id>": MANAGERS,
    "PUT /directories/teams/<int:team_id>": MANAGERS,
    "DELETE /directories/teams/<int:team_id>": MANAGERS,
    "GET /directories/teams/<int:team_id>/removal": MANAGERS,
    "GET /apps/<int:app_id>/assets": APP_COLLABORATORS,
    "GET /apps/<int:app_id>/assets/<int:asset_id>": APP_COLLABORATORS,
    "POST /apps/<int:app_id>/checks": APP_OWNERS,
    "GET /apps/<int:app_id>/checks/<int:check_id>": APP_OWNERS,
    "GET /apps/<int:app_id>/checks/<int:check_id>/progress": APP_OWNERS,
    "DELETE /apps/<int:app_id>/checks/<int:check_id>": APP_OWNERS,
    "GET /reports/<int:report_id>": APP_OWNERS,
    "GET /reports/<int:report_id>/changes": APP_OWNERS,
    "POST /reports/<int:report_id>/application": APP_OWNERS,
    "POST /reports/<int:report_id>/release": APP_OWNERS,
    "GET /reports/<int:report_id>/dismissal": APP_OWNERS,
    "POST /reports/<int:report_id>/dismissal": APP_OWNERS,
    "GET /reports/<int:report_id>/tasks": APP_OWNERS,
    "GET /reports": SIGNED_IN,
    "GET /apps/<int:app_id>/reports": APP_OWNERS,
    "GET /apps/<int:app_id>/activity": APP_OWNERS,
    "GET /apps/<int:app_id>/tasks": APP_OWNERS,
    "GET /apps/<int:app_id>/tasks/outcome": APP_OWNERS,
    "POST /apps/<int:app_id>/tasks/<int:task_id>/attempts": APP_OWNERS,
    "POST /apps/<int:app_id>/tasks/<int:task_id>/completion": APP_OWNERS,
    "DELETE /apps/<int:app_id>/tasks/<int:task_id>": APP_OWNERS,
    "GET /people": MANAGERS,
    "GET /people.csv": MANAGERS,
    "POST /people": MANAGERS,
    "GET /people/new": MANAGERS,
    "GET /people/colleagues/new": RUNS_ALL,
    "POST /people/colleagues": RUNS_ALL,
    "GET /people/imports/new": MANAGERS,
    "POST /people/imports": MANAGERS,
    "GET /people/<int:person_id>": MANAGERS,
    "PATCH /people/<int:person_id>": MANAGERS,
    "GET /people/<int:person_id>/edit": MANAGERS,
    "GET /people/<int:person_id>/departure": MANAGERS,
    "POST /people/<int:person_id>/departure": MANAGERS,
    "DELETE /people/<int:person_id>/departure": MANAGERS,
    "GET /people/<int:person_id>/hold": MANAGERS,
    "PUT /people/<int:person_id>/hold": MANAGERS,
    "DELETE /people/<int:person_id>/hold": MANAGERS,
    "GET /people/<int:person_id>/remove-on": MANAGERS,
    "PUT /people/<int:person_id>/remove-on": MANAGERS,
    "DELETE /people/<int:person_id>/remove-on": MANAGERS,
    "GET /people/<int:person_id>/offboardings/new": MANAGERS,
    "POST /people/<int:person_id>/offboardings": MANAGERS,
    "GET /people/<int:person_id>/offboardings/<int:offboarding_id>": MANAGERS,
    "GET /people/<int:person_id>/offboardings/<int:offboarding_id>/tasks": MANAGERS,
    "DELETE /people/<int:person_id>/offboardings/<int:offboarding_id>": MANAGERS,
    "POST /people/<int:person_id>/offboardings/<int:offboarding_id>/tasks/<int:task_id>/attempts": APP_OWNERS,
    "POST /people/<int:person_id>/offboardings/<int:offboarding_id>/tasks/<int:task_id>/completion": APP_OWNERS,
    "DELETE /people/<int:person_id>/offboardings/<int:offboarding_id>/tasks/<int:task_id>": APP_OWNERS,
    "GET /people/<int:person_id>/workspace-role": RUNS_ALL,
    "PUT /people/<int:person_id>/workspace-role": RUNS_ALL,
    "GET /people/<int:person_id>/password": RUNS_ALL,
    "PUT /people/<int:person_id>/password": RUNS_ALL,
    "POST /people/<int:person_id>/sign-in-links": RUNS_ALL,
    **{f"{method} /scim/v2{path}": EVERYONE for path in ("", "/<rest:path>")
       for method in ("GET", "POST", "PUT", "PATCH", "DELETE")},  # without a token, the view itself answers 401
    "GET /directories/new/scim": MANAGERS,
    "POST /directories/new/scim": MANAGERS,
    "GET /directories/<int:pushed_id>/tokens/new": MANAGERS,
    "POST /directories/<int:pushed_id>/tokens": MANAGERS,
    "DELETE /directories/<int:pushed_id>/tokens/<int:token_id>": MANAGERS,
    "DELETE /directories/<int:pushed_id>/ended-tokens/<int:token_id>": MANAGERS,
    "DELETE /directories/<int:pushed_id>/refusal": MANAGERS,
    "GET /directories": MANAGERS,
    "GET /directories/new": MANAGERS,
    "GET /directories/new/<kind>": MANAGERS,
    "POST /directories/new/<kind>": MANAGERS,
    "POST /directories/new/<kind>/tests": MANAGERS,
    "GET /directories/<int:directory_id>": MANAGERS,
    "DELETE /directories/<int:directory_id>": MANAGERS,
    "POST /directories/<int:directory_id>/readings": MANAGERS,
    "GET /directories/<int:directory_id>/ends": MANAGERS,
    "PUT /directories/<int:directory_id>/ends": MANAGERS,
    "GET /directories/<int:directory_id>/release": MANAGERS,
    "POST /directories/<int:directory_id>/release": MANAGERS,
    "POST /directories/<int:directory_id>/pause": MANAGERS,
    "DELETE /directories/<int:directory_id>/pause": MANAGERS,
    "GET /directories/<int:directory_id>/credential": MANAGERS,
    "PUT /directories/<int:directory_id>/credential": MANAGERS,
    "GET /directories/<int:directory_id>/removal": MANAGERS,
    "POST /directories/<int:directory_id>/lists": MANAGERS,
    "DELETE /directories/<int:directory_id>/lists": MANAGERS,
    "GET /directories/<int:directory_id>/preview": MANAGERS,
    "POST /directories/<int:directory_id>/preview": MANAGERS,
    "PUT /directories/<int:directory_id>/place": MANAGERS,
    "GET /directories/<int:directory_id>/columns": MANAGERS,
    "PUT /directories/<int:directory_id>/columns": MANAGERS,
    "POST /directories/<int:directory_id>/columns": MANAGERS,
    "GET /files/<int:file_id>": SIGNED_IN,  # and the person who uploaded it, as test_columns_pages.py tries
    "PUT /files/<int:file_id>/answers": SIGNED_IN,
    "POST /files/<int:file_id>/use": SIGNED_IN,
    "DELETE /files/<int:file_id>": SIGNED_IN,
    "GET /apps/<int:app_id>/columns": APP_OWNERS,
    "PUT /apps/<int:app_id>/columns": APP_OWNERS,
    "POST /apps/<int:app_id>/columns": APP_OWNERS,
    **{f"{method} /sample": OWNERS for method in ("GET", "POST", "DELETE")},
    "GET /activity": MANAGERS,
    "GET /activity/verification": MANAGERS,
    "GET /activity/mails/<int:mail_id>": MANAGERS,
    "GET /settings": SIGNED_IN,
    "PATCH /settings": RUNS_ALL,
    "PUT /settings/clock": RUNS_ALL,
    "PUT /settings/password": SIGNED_IN,
    "GET /settings/sessions": SIGNED_IN,
    "DELETE /settings/sessions": SIGNED_IN,
    "DELETE /settings/sessions/<int:session_id>": SIGNED_IN,  # one's own alone: tests/security/test_sessions.py
    "POST /settings/test-mails": RUNS_ALL,
    "PUT /settings/mail-server": OWNERS,
    "DELETE /settings/mail-server": OWNERS,
    "GET /settings/sign-in": OWNERS,
    "PUT /settings/sign-in": OWNERS,
    "DELETE /settings/sign-in": OWNERS,
    "GET /settings/sign-in/removal": OWNERS,
    "POST /settings/sign-in/tests": OWNERS,
}

WORKSPACE_ROLES = ("owner", "super admin", "admin", "user", "guest")
ACTORS = ("nobody", *WORKSPACE_ROLES, "app owner", "app collaborator")

# What each audience's pages answer to those who may not: 403 where one may know that it is there, 404 where not.
MAY = {
    EVERYONE: set(ACTORS),
    SIGNED_IN: set(ACTORS) - {"nobody"},
    MANAGERS: {"owner", "super admin", "admin"},
    RUNS_ALL: {"owner", "super admin"},
    OWNERS: {"owner"},
    APP_OWNERS: {"owner", "super admin", "app owner"},
    APP_COLLABORATORS: {"owner", "super admin", "app owner", "app collaborator"},
}


def routes(site: Flask) -> Iterator[tuple[str, str, str]]:
    for rule in site.url_map.iter_rules():
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            yield f"{method} {rule.rule}", method, rule.endpoint


def line_of_both(app: App) -> int:
    """A line of Activity with an entry about the app, and one that any manager may see."""
    with writing():
        activity.record("schedule", "noted", app=app)
        activity.record("schedule", "noted")
    return Activity.select(Activity.first_entry).order_by(Activity.id.desc()).scalar()


@after(departure(1))
def report(chat) -> Report:
    """Person 1 has left."""
    return Report.get(Report.state == "open")


@pytest.fixture
def world(chat, report: Report, someone, by: str) -> dict[str, int | str]:
    """One row of each kind that an address may name; everything of an app belongs to one app."""
    account = Account.get(Account.email == "p1@acme.example")
    asset = Asset.select().first() or Asset.create(app=chat.app, external_id="general", kind="channel", name="general")
    task = Task.create(app=chat.app, report=report, kind="remove", account=account, state="needs attention",
                       change=report.changes.where(Change.account == account).get())  # fmt: skip
    target = someone("Tess Target", "user")
    apps.set_manager(chat.app, target, "collaborator", MACHINE)
    offboarding = Offboarding.create(person=target, state="applied")
    Change.update(offboarding=offboarding).where(Change.id == task.change_id).execute()
    return {
        "app_id": chat.app.id,
        "report_id": report.id,
        "change_id": report.changes.get().id,
        "account_id": account.id,
        "asset_id": asset.id,
        "task_id": task.id,
        "invitation_id": Invitation.create(
            app=chat.app, email="kim@x.example", email_key="kim@x.example", task=task
        ).id,
        "check_id": Check.select().first().id,
        "person_id": target.id,
        "offboarding_id": offboarding.id,
        "directory_id": Directory.create(kind="csv", name="Staff", settings={"file": "/nowhere.csv"}).id,
        **_pushed(),
        **_rules(chat.app, account),
        "file_id": WaitingFile.create(purpose="import", person=target, sealed=vault.seal({}), mapping="").id,
        "session_id": 987654321,
        "passkey_id": 987654321,
        "view_id": 987654321,
        "held_id": HeldChange.create(person=target, field="name", value="Tess", asked_by="Okta").id,
        "waiting_id": WaitingSignIn.create(issuer="https://id.example", subject="tess", person=target).id,
        "mail_id": Mail.create(key="k", kind="test", to="tess@acme.example", subject="S", text="T", html="H").id,
        "path": "Users",
        "batch": "0123456789abcdef",
        "line": line_of_both(chat.app),
        "kind": "csv",
        "slug": "sample-chat",
        "token": "x",
        "asker": "0123456789abcdef",
        "filename": "rollcall.css",
    }


def _pushed() -> dict[str, int]:
    directory, _ = push.connect("Okta", MACHINE)
    return {"pushed_id": directory.id, "token_id": directory.tokens.get().id}


def _rules(app: App, account: Account) -> dict[str, int]:
    team = Team.create(name="Revenue")
    left_out = LeftOut.create(app=app, kind="to change role", account=account, role="admin", reason="not yet")
    return {
        "team_id": team.id, "rule_id": GroupRule.create(app=app, team=team, role="member").id,
        "left_out_id": left_out.id,
    }  # fmt: skip


def _actor(name: str, world: dict, someone) -> Person | None:
    if name == "nobody":
        return None
    if name in WORKSPACE_ROLES:
        return someone("Act Or", name)
    person = someone("Act Or", "user")
    apps.set_manager(apps.App.get_by_id(world["app_id"]), person, name.removeprefix("app "), MACHINE)
    return person


def _expected(actor: str, audience: str) -> str:
    if actor in MAY[audience]:
        return "let in"
    if actor == "nobody":
        return "sent to sign in"
    if audience in (APP_OWNERS, APP_COLLABORATORS) and actor != "app collaborator":
        return "shown nothing"
    return "refused"


def _happened(answer) -> str:
    if answer.status_code == 303 and (answer.location or "").startswith("/sign-in?"):
        return "sent to sign in"
    if answer.status_code == 303 and answer.location == "/sign-in" and answer.request.path != "/session":
        return "sent to sign in"
    return {404: "shown nothing", 403: "refused"}.get(answer.status_code, "let in")


@pytest.mark.parametrize("actor", ACTORS)
def test_whole_map(site: Flask, world: dict, someone, actor: str) -> None:
    person = _actor(actor, world, someone)
    browser = Client(site, person)
    token = browser.token()
    wrong = []
    for name, method, endpoint in routes(site):
        expected = _expected(actor, TABLE[name])
        if endpoint.startswith("setup."):
            expected = "sent to sign in"
        if endpoint == "second_step.show":
            expected = "sent to sign in"  # who has not passed the first step
        if endpoint == "password_strength.create" and person is None:
            expected = "shown nothing"
        arguments = next(rule for rule in site.url_map.iter_rules(endpoint) if method in rule.methods).arguments
        address = site.url_map.bind("localhost").build(endpoint, {key: world[key] for key in arguments}, method=method)
        with db.atomic() as transaction:  # what is let in does happen, and is taken back
            answer = browser.get(address) if method == "GET" else browser.send(method, address, csrf=token)
            transaction.rollback()
        if _happened(answer) != expected or answer.status_code == 500:
            wrong.append(f"{name}: {actor} was {_happened(answer)} ({answer.status_code}), not {expected}")
        if endpoint == "signin.delete":
            browser = Client(site, person)
            token = browser.token()
    assert not wrong, "\n".join(wrong)


def test_table_is_the_map(site: Flask) -> None:
    there = {name for name, _method, _endpoint in routes(site)}
    assert there - set(TABLE) == set(), "routes that the table doesn't know"
    assert set(TABLE) - there == set(), "lines of the table without a route"


@pytest.mark.parametrize("actor", WORKSPACE_ROLES)
def test_nobody_reaches_above_themselves(site: Flask, someone, olga: Person, actor: str) -> None:
    """Nobody changes someone with a higher role, or gives one."""
    browser = Client(site, someone("Act Or", actor))
    rank = WORKSPACE_ROLES.index(actor)
    may_manage, runs_all = actor in MAY[MANAGERS], actor in MAY[RUNS_ALL]
    for other in WORKSPACE_ROLES:
        target = someone(f"{other.title()} Target", other)
        reaches = rank <= WORKSPACE_ROLES.index(other)
        edit = browser.get(f"/people/{target.id}/edit").status_code
        assert edit == (200 if may_manage and reaches else 403), f"{actor} edits {other}"
        link = browser.send("POST", f"/people/{target.id}/sign-in-links").status_code
        assert link == (200 if runs_all and reaches else 403), f"{actor} makes a link for {other}"
        newcomer = someone(f"New {other.title()}")
        role = browser.send("PUT", f"/people/{newcomer.id}/workspace-role", role=other).status_code
        assert role == (303 if runs_all and reaches else 403), f"{actor} makes somebody {other}"
