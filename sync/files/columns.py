"""What the columns of a file mean, for a directory and an app: asked once, remembered, asked about again only when the
next file has something new."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import connectors
from connectors.base import Connector, DirectoryConnector
from sync import activity, rank, vault
from sync.db import writing
from sync.matching import vouching
from sync.models import App, Directory
from sync.rank import Asker
from sync.workspace import today

if TYPE_CHECKING:
    from connectors import Proposal

MAPPING = "mapping"  # the connector's field


def takes_a_mapping(kind: type[Connector] | type[DirectoryConnector]) -> bool:
    """Whether this kind of connector reads a file whose columns may need answers."""
    return bool(kind.file_purpose)


def of_values(kind: type[Connector] | type[DirectoryConnector], values: Mapping[str, str]) -> Proposal:
    """What the file says that these values of the connector's fields name. Raises ConnectorError for no such file."""
    connector = kind(dict(values))
    try:
        return connectors.propose(connector.content(), kind.file_purpose, values.get(MAPPING, ""), today())
    finally:
        connector.close()


def of_directory(directory: Directory, text: str | None = None) -> Proposal:
    """What the directory's list says, or this new one, by what was remembered."""
    values = {**directory.settings, **vault.unseal(directory.credential), **({} if text is None else {"text": text})}
    return of_values(connectors.directory_connectors()[directory.kind], values)


def of_app(app: App, values: Mapping[str, str] | None = None) -> Proposal:
    """What the app's export says, with other values for some of its fields."""
    kind = connectors.app_connectors()[app.connector]
    return of_values(kind, {**app.settings, **vault.unseal(app.credential), **(values or {})})


def answered(proposal: Proposal, answers: Mapping[str, str]) -> str:
    """The mapping (JSON) with answers to the proposal's questions, by their keys. Raises Refused."""
    return connectors.answered(proposal.purpose, proposal.mapping.to_json(), answers)


def remember(target: Directory | App, mapping: str, by: Asker) -> None:
    """Store the answers about the columns: every later reading uses them. A directory ranks no
    higher than the asker from now on. Raises Refused for no such mapping, NotAllowed."""
    table = type(target)
    if table is App:
        rank.require_manager(by, target)
    else:
        rank.require(by, *rank.MANAGERS)
    kinds = connectors.app_connectors() if table is App else connectors.directory_connectors()
    mapping = connectors.answered(kinds[getattr(target, "connector", None) or target.kind].file_purpose, mapping, {})
    with writing():
        row = table.get_by_id(target.id)
        if row.settings.get(MAPPING, "") == mapping:
            return
        table.update(settings=row.settings | {MAPPING: mapping}).where(table.id == target.id).execute()
        if table is Directory:
            vouching.make_responsible_if_lower(target, by)
        about = {"app": target} if table is App else {}
        activity.record(by, "set what columns mean", about=target.name, **about)
    target.settings = row.settings | {MAPPING: mapping}


def remember_first(directory: Directory, settled: str) -> None:
    """Keep the meaning of the columns of a directory's first list, so that a column missing from a later list is
    noticed. Nothing is kept of a list that isn't the directory's any longer."""
    if settled and not directory.settings.get(MAPPING):
        with writing():
            now = Directory.get_by_id(directory.id)
            if (now.settings, now.credential) == (directory.settings, directory.credential):
                settings = now.settings | {MAPPING: settled}
                Directory.update(settings=settings).where(Directory.id == directory.id).execute()


def is_to_be_looked_at(proposal: Proposal) -> bool:
    """Whether a person should see what the columns mean before a file is used for the first time: unless it is in
    Rollcall's own words, every column of it, and nothing is open."""
    own = all(column.meaning and _plain(column.header) == _plain(column.meaning) for column in proposal.columns)
    return bool(not own or proposal.questions or proposal.notes)


def _plain(word: str) -> str:
    return "".join(sign for sign in word.casefold() if sign.isalnum())
