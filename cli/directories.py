"""`directory`: connects a source of people, reads it now, releases what a guard holds, and lists them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click

from cli.columns import mapping, show_proposal, with_mapping, write
from cli.frame import BY, DONE, FAILED, answer, as_json, end, moment, notice, opened, send_mails, table
from cli.values import setting, values_of
from cli.waiting import see_through
from sync.config import Config
from sync.db import utcnow
from sync.directory import directories as core
from sync.directory import figures, push, releases
from sync.directory import preview as directory_preview
from sync.directory.directories import DirectoryProblem
from sync.files.columns import of_directory, remember, takes_a_mapping
from sync.models import Directory, DirectoryReading
from sync.safety import unread_directories
from sync.states import ReadingState
from sync.words import listed, plural


@click.group()
def directory() -> None:
    """Manage the sources of people: LDAP, a CSV file, SCIM, …"""


@directory.command()
@click.argument("kind")
@click.option("--name", required=True, metavar="N", help="The directory's name in Rollcall.")
@setting
@mapping
@as_json
@opened
def add(kind: str, name: str, pairs: tuple[str, ...], mapping: str | None, as_json: bool) -> None:
    """Connect a directory of this KIND (csv, ldap, …), and read it for the first time.

    A directory of the kind scim pushes: its address and token are printed, the token only this once.
    """
    if kind == push.SLUG:
        if pairs:
            raise click.UsageError("A directory of the kind scim takes no --set: it pushes with a token.")
        _say_token(*push.connect(name, BY), as_json)
        return
    values = with_mapping(core.connector_class(kind), values_of(core.connector_class(kind).fields, pairs), mapping)
    if values.get("file"):
        values["file"] = str(Path(values["file"]).resolve())  # the server may run in another folder
    one = core.connect(kind, name, values, BY, approver=BY.name)
    if takes_a_mapping(core.connector_class(kind)):
        for note in of_directory(one).passed_over:
            notice(note)
    _say([_read(one)], as_json, lambda done: done[0])


@directory.command("set")
@click.argument("name")
@setting
@as_json
@opened
def set_(name: str, pairs: tuple[str, ...], as_json: bool) -> None:
    """Change how the directory NAME is read. Other settings are kept. The change is tested before it is saved."""
    one = _by_name(name)
    if push.is_pushed(one):
        raise DirectoryProblem(f"{one.name} pushes, so it has no settings.")
    identity = core.reconnect(one, {**one.settings, **values_of(core.connector_class(one.kind).fields, pairs)}, BY,
                              approver=BY.name)
    document = {"directory": one.name, "as": identity.name, "missing": list(identity.missing)}
    answer(document, [f"It works: {identity.name}.", *identity.missing], as_json)


def _say_token(one: Directory, token: str, as_json: bool) -> None:
    url = Config.from_environ().url + push.PATH
    lines = [f"{one.name} accepts pushes at   {url}", f"with the bearer token   {token}",
             "The token is shown only once: paste it into the identity provider now."]
    answer({"directory": one.name, "url": url, "token": token}, lines, as_json)


@directory.command()
@click.argument("name")
@as_json
@opened
def token(name: str, as_json: bool) -> None:
    """Make a new token for the directory NAME, which pushes. The old one ends when the new one is first used."""
    one = _by_name(name)
    if not push.is_pushed(one):
        raise DirectoryProblem(f"{one.name} is read, so it needs no token.")
    _say_token(one, push.rotate(one, BY), as_json)


@directory.command()
@click.argument("name", required=False)
@click.option("--dry-run", is_flag=True, help="Only show what reading NAME would change.")
@as_json
@opened
def sync(name: str | None, dry_run: bool, as_json: bool) -> None:
    """Read the directory NAME, or all directories, now, and wait. People who have left are deprovisioned."""
    if dry_run and not name:
        raise click.UsageError("--dry-run needs the NAME of one directory.")
    chosen = [_by_name(name)] if name else figures.can_be_read()
    if name and push.is_pushed(chosen[0]):
        raise DirectoryProblem(f"{name} pushes its changes, so there is nothing to read.")
    if not chosen:
        raise DirectoryProblem("No directory can be read: none is connected, or all of them push or are paused.")
    if dry_run:
        _say_preview(chosen[0], as_json)
        return
    done = [_read(one) for one in chosen]
    send_mails()
    _say(done, as_json, lambda done: {"directories": done})


def _say_preview(one: Directory, as_json: bool) -> None:
    found = directory_preview.preview(one, BY)
    for shown in (*found.notes, *found.warnings):
        notice(shown)
    rows = [(row.kind, row.name, row.email, "; ".join(row.details)) for row in found.rows]
    shown = ", ".join(f"{number:,} {kind}" for kind, number in found.counts.items()) or "nothing would change"
    lines = [*(table([("WHAT", "NAME", "E-MAIL", "DETAILS"), *rows]) if rows else []),
             f"{one.name}: {plural(found.people, 'person', 'people')}; {shown}. Nothing was changed."]
    document = {"directory": one.name, "people": found.people, "counts": found.counts, "warnings": found.warnings,
                "changes": [asdict(row) for row in found.rows]}  # fmt: skip
    answer(document, lines, as_json)


def _by_name(name: str) -> Directory:
    found = figures.named(name)
    if found is None:
        raise DirectoryProblem(f"There is no directory named {name!r}.")
    return found


def _read(one: Directory) -> dict:
    reading = core.ask(one, BY)
    ended = see_through(core.run, reading, _progress(one), lambda row: notice("Almost there; Ctrl+C again to leave."))
    return _document(Directory.get_by_id(one.id), ended)


def _progress(one: Directory) -> Callable[[DirectoryReading], None]:
    shown = -1

    def progress(row: DirectoryReading) -> None:
        nonlocal shown
        if row.people_read != shown:
            shown = row.people_read
            read = f", {plural(row.people_read, 'person', 'people')}" if row.people_read else ""
            notice(f"{one.name}: reading{read} …")

    return progress


def _document(one: Directory, ended: DirectoryReading) -> dict:
    return {
        "directory": one.name, "kind": one.kind, "state": ended.state, "people": ended.people_read,
        "counts": {word: number for word, number in ended.counts.items() if word != "warnings"},
        "warnings": ended.counts.get("warnings", []), "error": ended.error,
    }  # fmt: skip


def _say(done: list[dict], as_json: bool, document: Callable[[list[dict]], dict]) -> None:
    lines = []
    for one in done:
        found = ", ".join(f"{number:,} {word}" for word, number in one["counts"].items() if number)
        if one["state"] == ReadingState.SUCCEEDED:
            lines.append(f"{one['directory']}: {plural(one['people'], 'person', 'people')}; {found or 'nothing new'}.")
        for warning in one["warnings"]:
            notice(warning)
        if one["counts"].get("held"):
            held = plural(one["counts"]["held"], "leaver")
            notice(f"{one['directory']}: a guard holds {held}. See `directory release`.")
        if one["state"] != ReadingState.SUCCEEDED:
            notice(f"{one['directory']} could not be read: {one['error']} Nobody's status was changed.")
    answer(document(done), lines, as_json)
    end(DONE if all(one["state"] == ReadingState.SUCCEEDED for one in done) else FAILED)


@directory.command("columns")
@click.argument("name")
@mapping
@write
@as_json
@opened
def columns_(name: str, mapping: str | None, write: Path | None, as_json: bool) -> None:
    """Show what is read from each column of the directory NAME's list; --mapping changes the remembered answers."""
    one = _by_name(name)
    if push.is_pushed(one) or not takes_a_mapping(core.connector_class(one.kind)):
        raise DirectoryProblem(f"{one.name} isn't read from a file, so it has no columns.")
    if mapping is not None:
        remember(one, mapping, BY)
    show_proposal(of_directory(one), write, as_json)


@directory.command()
@click.argument("name")
@click.option("--only", type=click.Choice(["left", "back"]), help="Only people who have left, or who are back.")
@click.option("--yes", is_flag=True, help="Confirm that they have left, or are back.")
@as_json
@opened
def release(name: str, only: str | None, yes: bool, as_json: bool) -> None:
    """Release the people that a guard holds: leavers, and many who are back. Without --yes, only list them."""
    one, back = _by_name(name), None if only is None else only == "back"
    held = core.held(one, back)
    if yes and len({entry.has_left for entry in held}) > 1:
        raise click.UsageError("Some people have left and others are back. Add --only left or --only back.")
    if held and not yes:
        left = releases.left_elsewhere(held)
        notice("\n".join(
            f"{entry.person.name} <{entry.email}>: {entry.reported_status}, {entry.reason}"
            + (f". They have left {listed(left[entry.person_id])}" if entry.person_id in left else "")
            for entry in held))
        raise click.UsageError(f"{plural(len(held), 'person is', 'people are')} held. If that is right, add --yes.")
    number = core.release(one, BY, back=back)
    answer({"directory": one.name, "released": number},
           [f"{plural(number, 'person', 'people')} of {one.name} released."], as_json)


@directory.command("list")
@as_json
@opened
def list_(as_json: bool) -> None:
    """List the directories, and when each was last read."""
    known = [_listed(one) for one in figures.all_by_name()]
    keys = ("directory", "kind", "state", "people", "held", "last_read", "gap")
    rows = [tuple(one[key] for key in keys) for one in known]
    lines = table([("DIRECTORY", "KIND", "STATE", "PEOPLE", "HELD", "LAST READ", "PROBLEM"), *rows])
    answer({"directories": known}, lines if rows else ["No directory is connected: directory add KIND."], as_json)


def _listed(one: Directory) -> dict:
    """`gap`: why it doesn't show who has left; null where it does."""
    gap = unread_directories.found(one, utcnow())
    return {
        "directory": one.name, "kind": one.kind, "state": one.state, "people": figures.count_present(one),
        "held": len(core.held(one)), "error": one.error,
        "last_read": moment(push.last_request(one) if push.is_pushed(one) else one.last_read_at),
        "list_from": moment(one.file_from), "gap": gap and gap.why,
    }  # fmt: skip
