"""`apps`: connect, list, pause, resume and disconnect apps."""

from __future__ import annotations

from pathlib import Path

import click

from cli.columns import mapping, show_proposal, with_mapping, write
from cli.frame import BY, answer, as_json, moment, notice, opened, table
from cli.values import setting, values_of
from sync.apps import apps as core
from sync.apps import lists
from sync.apps.conditions import in_plain_text
from sync.apps.status import Standing, standings
from sync.files.columns import of_app, remember, takes_a_mapping
from sync.models import App, Person
from sync.people import people
from sync.problems import AppProblem
from sync.safety import lost_fields
from sync.tasks import disconnecting


@click.group()
def apps() -> None:
    """Manage the connected apps."""


@apps.command()
@click.argument("slug")
@click.option("--name", required=True, metavar="N", help="The app's name in Rollcall.")
@click.option("--owner", "owners", required=True, multiple=True, metavar="E",
              help="The e-mail address of an Owner, who approves its reports; may be repeated.")
@setting
@mapping
@as_json
@opened
def connect(
    slug: str, name: str, owners: tuple[str, ...], pairs: tuple[str, ...], mapping: str | None, as_json: bool
) -> None:
    """Connect an app. Its credential is tested first; nothing is stored if the test fails.

    `connectors SLUG` lists the fields to set.
    """
    slug = {"csv": "csv_export"}.get(slug, slug)
    kind = core.connector_class(slug)
    values = with_mapping(kind, values_of(kind.fields, pairs), mapping)
    if values.get("path") and takes_a_mapping(kind):
        values["path"] = str(Path(values["path"]).resolve())  # the server may run in another folder
    app = core.connect(slug, name, values, [_person(owner) for owner in owners], BY, approver=BY.name)
    if takes_a_mapping(kind):
        for note in of_app(app).passed_over:
            notice(note)
    answer(
        {"app": app.name, "connector": app.connector, "category": app.category, "identity": app.automation_name},
        [f"{app.name} is connected as {app.automation_name}. Next, check it."], as_json,
    )  # fmt: skip


def _person(email: str) -> Person:
    person = people.find_by_email(email)
    if person is None:
        raise AppProblem(f"Nobody here has the e-mail address {email}. Nothing was changed. Add or import them first.")
    return person


@apps.command("columns")
@click.argument("name")
@mapping
@write
@as_json
@opened
def columns_(name: str, mapping: str | None, write: Path | None, as_json: bool) -> None:
    """Show what is read from each column of the app NAME's export; --mapping changes the remembered answers."""
    app = core.by_name(name)
    if not takes_a_mapping(core.connector_class(app.connector)):
        raise AppProblem(f"{app.name} isn't read from a file, so it has no columns.")
    if mapping is not None:
        remember(app, mapping, BY)
    show_proposal(of_app(app), write, as_json)


@apps.command("list")
@as_json
@opened
def list_(as_json: bool) -> None:
    """List the connected apps, their states, and whether a report waits."""
    connected = lists.connected()
    known = standings(connected)
    document = {"apps": [_document(app, known[app.id]) for app in connected]}
    rows = [
        (app.name, app.connector, known[app.id].status, app.users, app.matched, app.unmatched,
         moment(app.last_check_at))
        for app in connected
    ]
    lines = table([("APP", "CONNECTOR", "STATE", "ACCOUNTS", "MATCHED", "UNMATCHED", "LAST CHECK"), *rows])
    answer(document, lines if rows else ["No app is connected yet: apps connect SLUG."], as_json)


def _document(app: App, standing: Standing) -> dict:
    report = standing.report
    return {
        "name": app.name, "connector": app.connector, "category": app.category, "state": app.state,
        "accounts": app.users, "matched": app.matched, "unmatched": app.unmatched,
        "last_check": moment(app.last_check_at), "report": report.id if report else None, "error": app.error,
        "standing": standing.status, "tone": standing.tone, "sentence": in_plain_text(standing.sentence),
        "left": standing.facts.left_accounts, "held": standing.facts.held,
        "facts": [row.code for row in standing.others],
    }  # fmt: skip


@apps.command("go-on-without")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Confirm that the app really no longer provides it.")
@as_json
@opened
def go_on_without(name: str, yes: bool, as_json: bool) -> None:
    """Accept that an app no longer provides what its last check found missing. The known values are kept."""
    app = core.by_name(name)
    missing = lost_fields.waiting(app)
    if not missing:
        raise AppProblem(f"Nothing is missing from {app.name}'s last answers. Nothing was changed.")
    if not yes:
        raise click.UsageError(f"{', '.join(missing)} are missing. Check the credential first, or add --yes.")
    lost_fields.accept(app, BY)
    answer({"app": app.name, "without": missing}, [f"{app.name} is checked without {', '.join(missing)}."], as_json)


@apps.command()
@click.argument("name")
@as_json
@opened
def pause(name: str, as_json: bool) -> None:
    """Stop checks and tasks of the app NAME until it is resumed."""
    core.pause(core.by_name(name), BY)
    _say_state(name, "is paused. Its data is kept.", as_json)


@apps.command()
@click.argument("name")
@as_json
@opened
def resume(name: str, as_json: bool) -> None:
    """Resume checks and tasks of the app NAME."""
    core.resume(core.by_name(name), BY)
    _say_state(name, "is active again.", as_json)


@apps.command()
@click.argument("name")
@as_json
@opened
def disconnect(name: str, as_json: bool) -> None:
    """Delete the credential of the app NAME and stop checking it. Its members, reports and activity stay visible."""
    disconnecting.disconnect(core.by_name(name), BY)
    _say_state(name, "is disconnected. Its credential was deleted; nobody was removed from the app.", as_json)


def _say_state(name: str, words: str, as_json: bool) -> None:
    app = lists.named(name)
    answer({"app": app.name, "state": app.state}, [f"{app.name} {words}"], as_json)
