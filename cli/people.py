"""`setup` creates the first Owner without a browser, `people import` imports a CSV file, and `people recover` lets
someone in who has lost their second factor."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from cli.columns import mapping, show_unread
from cli.frame import BY, Failed, answer, as_json, notice, opened, send_mails
from sync.mail import outbox
from sync.mail import reach as mail_reach
from sync.names import signature
from sync.people import importing, last_owner
from sync.people import people as core
from sync.sign_in import second_factor, sign_in
from sync.words import plural


@click.command()
@click.option("--workspace", required=True, metavar="NAME", help="The company or team.")
@click.option("--email", required=True, metavar="E", help="The first Owner's e-mail address, for signing in.")
@click.option("--name", default="", metavar="N", help="The first Owner's name.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it.")
@as_json
def setup(workspace: str, email: str, name: str, password_stdin: bool, as_json: bool) -> None:
    """Create the workspace and its first Owner without a browser."""
    _set_up(workspace, email, name, _password(password_stdin), as_json)


def _password(from_stdin: bool) -> str:
    stdin = click.get_text_stream("stdin")
    if from_stdin:
        return stdin.readline().rstrip("\r\n")
    if not stdin.isatty():
        raise click.UsageError("The password can't be asked for without a terminal: use --password-stdin.")
    return click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)


@opened
def _set_up(workspace: str, email: str, name: str, password: str, as_json: bool) -> None:
    person = sign_in.set_up(workspace, email, name, password, BY)
    _warn_of_reach([core.main_email(person)])
    answer(
        {"workspace": workspace.strip(), "owner": core.main_email(person)},
        [f"{workspace.strip()} is set up. {signature(person)} is its first Owner and can sign in."], as_json,
    )  # fmt: skip


def _warn_of_reach(emails: Iterable[str]) -> None:
    if warning := mail_reach.warning(emails):
        notice(warning)


@click.group()
def people() -> None:
    """Manage the workspace's people."""


@people.command()
@click.argument("email")
@as_json
@opened
def recover(email: str, as_json: bool) -> None:
    """Let someone in who has lost their second factor: remove it, and print a one-time link.

    This is for the last Owner; an Owner can help everyone else on the person's page. The link signs in once,
    within an hour.
    """
    person = core.find_by_email(email)
    if person is None or not last_owner.may_sign_in(person):
        raise Failed(f"{email} doesn't belong to anyone who may sign in. Nothing was changed.")
    reset = second_factor.reset(person, BY)
    link = outbox.link(f"/sign-in/{sign_in.signed_link(person, BY)}")
    outcome = "The second factor was reset." if reset else "There was no second factor to reset."
    answer({"person": core.main_email(person), "reset": reset, "link": link},
           [f"{outcome} {signature(person)} can sign in once with this link, within an hour:", link], as_json)
    send_mails()


@people.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@mapping
@as_json
@opened
def import_file(file: Path, mapping: str | None, as_json: bool) -> None:
    """Add the people in FILE, and update known ones: email, name, status, groups, …

    Only the people in the file are changed. For a complete list of the company, connect the file as a
    directory: directory add csv --set file=FILE. `columns FILE --for people` shows what is read from each
    column, and what must be answered first.
    """
    outcome = importing.import_file(file, BY, mapping)
    _warn_of_reach(outcome.emails)
    show_unread(outcome.unread, outcome.notes)
    passed_over = {"held": outcome.held, "unread": list(outcome.unread), "notes": list(outcome.notes)}
    answer(
        {"added": outcome.added, "updated": outcome.updated, "unchanged": outcome.unchanged,
         **{word: count for word, count in passed_over.items() if count}},
        [f"{plural(outcome.added, 'person', 'people')} added, "
         f"{outcome.updated:,} updated, {outcome.unchanged:,} unchanged.",
         *([f"{plural(outcome.held, 'person has', 'people have')} left, but the list has them as here. That is held: "
            "release it on People."] if outcome.held else [])], as_json,
    )  # fmt: skip
