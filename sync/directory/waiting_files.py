"""Uploaded files that wait until someone has answered what their columns mean: a new directory's list, a new list or
export of one that is connected, an import of people. The person who uploaded it continues within a day, and finds
what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from peewee import Expression

import connectors
from connectors.base import Identity
from sync import vault
from sync.apps import apps
from sync.db import writing
from sync.directory import directories, naming
from sync.directory import preview as directory_preview
from sync.directory.preview import Preview
from sync.files.columns import MAPPING, of_values
from sync.jobs import queue
from sync.models import App, Directory, Person, WaitingFile
from sync.people import importing
from sync.people.importing import ImportOutcome
from sync.rank import Asker
from sync.states import FileState, Tone, UploadFor

if TYPE_CHECKING:
    from connectors import Proposal

DIRECTORY, LIST, EXPORT, IMPORT = DOORS = tuple(UploadFor)
EXPIRES_AFTER = timedelta(days=1)
MOST = 3  # of one person: each may have 32 MB
FILE = "content"  # of an import: the one value
EMPTY = {"sealed": b"", "mapping": ""}  # of a file that no longer waits
UNSAID = "", Tone.OK


@dataclass(frozen=True)
class Done:
    """What the upload became: the one that fits its purpose."""

    directory: Directory | None = None
    preview: Preview | None = None
    identity: Identity | None = None
    outcome: ImportOutcome | None = None


def for_directory(person: Person, kind: str, name: str, values: Mapping[str, str], file_name: str = "") -> WaitingFile:
    """The list of a new directory; `values` are those of its connector's fields."""
    return _keep(person, DIRECTORY, values, file_name, kind=kind, name=name)


def for_list(person: Person, directory: Directory, text: str, file_name: str = "") -> WaitingFile:
    """A new list of a directory whose lists are uploaded."""
    known = directory.settings.get(MAPPING, "")
    return _keep(person, LIST, {"text": text, MAPPING: known}, file_name, kind=directory.kind, directory=directory)


def for_export(person: Person, app: App, values: Mapping[str, str], file_name: str = "") -> WaitingFile:
    """A new export of an app, with the values of its connector's fields that are entered with it."""
    return _keep(person, EXPORT, {MAPPING: app.settings.get(MAPPING, ""), **values}, file_name, app=app)


def for_import(person: Person, content: bytes, file_name: str = "") -> WaitingFile:
    """A list of people to import."""
    values = {FILE: connectors.as_setting(content), MAPPING: importing.remembered_mapping()}
    return _keep(person, IMPORT, values, file_name)


def _keep(person: Person, purpose: str, values: Mapping[str, str], file_name: str, **columns: object) -> WaitingFile:
    """The person's oldest files beyond MOST that wait are deleted."""
    kept = {name: value for name, value in values.items() if name != MAPPING}
    with writing():
        mine = WaitingFile.select(WaitingFile.id).where(WaitingFile.person == person, _waits())
        older = [waiting.id for waiting in mine.order_by(WaitingFile.id.desc()).offset(MOST - 1).limit(100)]
        WaitingFile.delete().where(WaitingFile.id.in_(older)).execute()
        return WaitingFile.create(purpose=purpose, person=person, file_name=file_name, sealed=vault.seal(kept),
                                  mapping=values.get(MAPPING) or "", **columns)


def of(person: Person, waiting_id: int) -> WaitingFile | None:
    """The file or what became of it, for the person who uploaded it; None for anyone else, and after a day."""
    return WaitingFile.get_or_none(WaitingFile.id == waiting_id, WaitingFile.person == person)


def _waits() -> Expression:
    return WaitingFile.state == FileState.WAITING


def proposal(waiting: WaitingFile) -> Proposal:
    """The file's content by the answers so far. Raises ConnectorError or PeopleProblem for one that can't be
    used."""
    values = vault.unseal(waiting.sealed) | {MAPPING: waiting.mapping}
    if waiting.purpose == IMPORT:
        return importing.propose(connectors.content_of(values[FILE]), waiting.mapping)
    if waiting.purpose == EXPORT:
        known = {**waiting.app.settings, **vault.unseal(waiting.app.credential)}
        return of_values(apps.connector_class(waiting.app.connector), known | values)
    known = directories.values_of(waiting.directory) if waiting.directory else {}
    return of_values(directories.connector_class(waiting.kind), known | values)


def answer(waiting: WaitingFile, answers: Mapping[str, str]) -> Proposal:
    """Keep these answers, by the keys of questions, columns and values, and look again. Raises like proposal()."""
    mapping = connectors.answered(proposal(waiting).purpose, waiting.mapping, answers)
    with writing():
        WaitingFile.update(mapping=mapping).where(WaitingFile.id == waiting.id, _waits()).execute()
    waiting.mapping = mapping
    return proposal(waiting)


def _connect(waiting: WaitingFile, values: dict[str, str], by: Asker) -> Directory:
    """A directory with this list; if the same click came twice, the one that its first request has made."""
    try:
        return directories.connect(waiting.kind, waiting.name, values, by)
    except directories.DirectoryProblem:
        name = naming.cleaned(waiting.name, directories.connector_class(waiting.kind).label)
        made = Directory.get_or_none(
            Directory.name == name, Directory.kind == waiting.kind, Directory.responsible_id == waiting.person_id,
            Directory.created_at >= waiting.created_at)  # fmt: skip
        if made is None:
            raise
        return made


def use(waiting: WaitingFile, by: Asker, in_words: Callable[[Done], tuple[str, Tone]] = lambda _done: UNSAID) -> Done:
    """Use the file as it is understood now, for what it was uploaded for; then it no longer waits, and its content is
    deleted. The message that `in_words` makes of it is kept for a second request: of two at once, that of the first.

    A list of a connected directory is only previewed (directory_preview.apply_previewed does it, and remembers what
    its columns mean). Raises what its use raises, ColumnsUnclear while a question is open; the file waits on then.
    """
    found = proposal(waiting)
    connectors.rows_of(found)
    mapping, values = found.settled(), vault.unseal(waiting.sealed)
    if waiting.purpose == DIRECTORY:
        done = Done(directory=_connect(waiting, values | {MAPPING: mapping}, by))
    elif waiting.purpose == LIST:
        done = Done(preview=directory_preview.upload(waiting.directory, values["text"], by, mapping))
    elif waiting.purpose == EXPORT:
        done = Done(identity=apps.replace_credential(waiting.app, values | {MAPPING: mapping}, by))
    else:
        content = connectors.content_of(values[FILE])
        done = Done(outcome=importing.import_csv(content, by, mapping, waiting.file_name or "The list"))
    message, tone = in_words(done)
    with writing():
        WaitingFile.update(
            **EMPTY, state=FileState.USED, message=message, tone=tone, directory=done.directory or waiting.directory_id,
        ).where(WaitingFile.id == waiting.id, WaitingFile.state != FileState.USED).execute()
    return done


def discard(waiting: WaitingFile) -> None:
    """Delete the file's content; nothing else changes."""
    with writing():
        WaitingFile.update(**EMPTY, state=FileState.DISCARDED).where(WaitingFile.id == waiting.id, _waits()).execute()


@queue.each_minute
def delete_expired(now: datetime) -> None:
    """Files contain people's data, so abandoned ones are deleted."""
    with writing():
        WaitingFile.delete().where(WaitingFile.created_at < now - EXPIRES_AFTER).execute()
