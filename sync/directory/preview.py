"""What a directory's list would change, before it is applied: the reading itself is done and undone, in one go.
Applying does exactly what was previewed, or says that something has changed and does nothing."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import NamedTuple

from connectors.base import DirectoryConnector
from sync import rank, vault
from sync.db import connected, db, utcnow, writing
from sync.directory import directories, last_days, list_age
from sync.directory.compare import Outcome, apply
from sync.directory.directories import DirectoryProblem
from sync.directory.finding import find_known
from sync.directory.reading import read, staging
from sync.matching import vouching
from sync.models import Directory, DirectoryReading, entry_is_held
from sync.names import main_email
from sync.people import held
from sync.rank import Asker
from sync.safety import old_files
from sync.safety.guards import workspace_guard
from sync.staging import tables
from sync.staging.directory import PREVIEW_BEFORE, PREVIEW_HELD, READ_EMAIL, READ_GROUP, READ_PERSON
from sync.states import DirectoryState, PersonStatus, ReadingState

KINDS = ("held", "deprovisioned", "suspended", "returned", "joined", "updated")  # the order on the page
PENDING = "pending"  # beside the secrets: an uploaded list that isn't applied yet,
PENDING_MAPPING = "pending_mapping"  # and what its columns mean, where that is new
_PEOPLE = """
    SELECT p.id, p.name, p.status, coalesce(p.employee_number, '') AS number,
        coalesce((SELECT email FROM person_email AS e WHERE e.person_id = p.id ORDER BY NOT e.main, e.id LIMIT 1), '')
        AS email,
        (SELECT count(*) FROM person_email AS e WHERE e.person_id = p.id) AS emails,
        coalesce((SELECT group_concat(name, ', ') FROM (
            SELECT g.name FROM directory_group_member AS m JOIN directory_group AS g ON g.id = m.group_id
            JOIN directory_entry AS e ON e.id = m.entry_id WHERE e.person_id = p.id AND e.directory_id = :directory
            ORDER BY g.name) AS named), '') AS groups,
        coalesce((SELECT CAST(max(e.last_day) AS TEXT) FROM directory_entry AS e
            WHERE e.person_id = p.id AND e.directory_id = :directory), '') AS last_day,
        coalesce((SELECT group_concat(status, ',') FROM (
            SELECT e.status FROM directory_entry AS e WHERE e.person_id = p.id AND e.directory_id = :directory
            ORDER BY e.id) AS entries), '') AS here
    FROM person AS p"""


@dataclass(frozen=True)
class Row:
    """What becomes of one person. `kind` is one of KINDS, `details` are in words."""

    kind: str
    name: str
    email: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preview:
    """`mark` stands for all that it says and for what was read: it differs as soon as anything differs."""

    people: int
    rows: list[Row]
    warnings: list[str]
    mark: str
    notes: tuple[str, ...] = ()  # what of the list was not read

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(row.kind for row in self.rows)
        return {kind: found[kind] for kind in KINDS if found[kind]}


class _Staged(NamedTuple):
    """How many people a list has, what stands for all that it says, and the connector that read it, which is closed,
    with its findings."""

    count: int
    digest: str
    read_by: DirectoryConnector


class PreviewChanged(DirectoryProblem):
    """The changes are no longer those in the preview. Nothing was changed. `preview` has the current ones."""

    def __init__(self, preview: Preview):
        super().__init__("The list or the people have changed since this was shown. Nothing was applied: look again.")
        self.preview = preview


class _Undo(Exception):
    """Rolls back what was only tried."""


def upload(directory: Directory, text: str, by: Asker, mapping: str | None = None) -> Preview:
    """Keep an uploaded list beside the one in use, and show what it would change. `mapping` is what its columns mean,
    None for what was remembered. Raises DirectoryProblem, NotAllowed, or ConnectorError where the list can't be used:
    then it isn't kept."""
    rank.require(by, *rank.MANAGERS)
    found = _preview(directory, text, mapping, by)
    with writing():
        _seal(directory, {PENDING: text, PENDING_MAPPING: mapping})
    return found


def pending(directory: Directory) -> str | None:
    """An uploaded list that isn't applied yet."""
    return vault.unseal(Directory.get_by_id(directory.id).credential).get(PENDING)


def discard(directory: Directory, by: Asker) -> None:
    """Delete an uploaded list that isn't applied yet; the one in use stays."""
    rank.require(by, *rank.MANAGERS)
    with writing():
        _seal(directory, {PENDING: None, PENDING_MAPPING: None})


def preview(directory: Directory, by: Asker, text: str | None = None) -> Preview:
    """What reading the directory now, or the uploaded list, would change. Changes nothing. Raises like upload()."""
    rank.require(by, *rank.MANAGERS)
    return _preview(directory, text, _pending_mapping(directory, text), by)


def _preview(directory: Directory, text: str | None, mapping: str | None, by: Asker) -> Preview:
    with connected(), _read(directory, text, mapping) as staged:
        return _tried(directory, staged, by, text)[0]


def _pending_mapping(directory: Directory, text: str | None) -> str | None:
    """The answers about the columns of the uploaded list."""
    if text is None:
        return None
    return vault.unseal(Directory.get_by_id(directory.id).credential).get(PENDING_MAPPING)


def apply_previewed(directory: Directory, mark: str, by: Asker, text: str | None = None) -> Preview:
    """Apply the preview, if it is still the same. The person who applies a list is responsible for it. Raises
    PreviewChanged, NotAllowed; then nothing was changed."""
    rank.require(by, *rank.MANAGERS)
    mapping = _pending_mapping(directory, text)
    with connected(), _read(directory, text, mapping) as staged:
        done: list[Preview] = []
        try:
            with writing():
                rows, outcome = _apply_staged(directory, by, text)
                found = _in_order(staged, rows, outcome)
                done.append(found)
                if found.mark != mark:
                    raise _Undo
                _note(directory, staged, outcome, by, text, mapping)
        except _Undo:
            raise PreviewChanged(done[0]) from None
        return done[0]


@contextmanager
def _read(directory: Directory, text: str | None, mapping: str | None) -> Iterator[_Staged]:
    """Everyone staged."""
    if directories.connector_class(directory.kind) and directory.state != DirectoryState.ACTIVE:
        raise DirectoryProblem(f"{directory.name} is {directory.state}: resume it first.")
    instead = {"text": text, "mapping": mapping}
    connector = directories.connector_for(
        directory, {name: value for name, value in instead.items() if value is not None})
    with staging():
        try:
            with directories.reaching(directory):
                count = read(connector, lambda count: None)
        finally:
            connector.close()
        last_days.settle(directory)
        find_known(directory)
        yield _Staged(count, _digest_of_staged(), connector)


def _tried(directory: Directory, staged: _Staged, by: Asker, text: str | None) -> tuple[Preview, Outcome]:
    found = []
    try:
        with writing():
            found.append(_apply_staged(directory, by, text))
            raise _Undo
    except _Undo:
        rows, outcome = found[0]
        return _in_order(staged, rows, outcome), outcome


def _apply_staged(directory: Directory, by: Asker, text: str | None) -> tuple[list[Row], Outcome]:
    if text is not None:
        vouching.make_responsible(directory, by)
    directory = Directory.get_by_id(directory.id)
    tables.fill(PREVIEW_BEFORE, _PEOPLE, {"directory": directory.id})
    tables.fill(PREVIEW_HELD, f"SELECT e.person_id FROM {_HELD}", {"directory": directory.id})
    outcome = apply(directory, directories.connector_class(directory.kind).worldwide_ids, workspace_guard(), by)
    rows = [*_held(directory), *_held_above(directory), *_changed(directory)]
    tables.end(PREVIEW_BEFORE, PREVIEW_HELD)
    return rows, outcome


def _in_order(staged: _Staged, found: list[Row], outcome: Outcome) -> Preview:
    rows = sorted(found, key=lambda row: (KINDS.index(row.kind), row.name.casefold(), row.email, row.details))
    content = json.dumps([staged.digest, [asdict(row) for row in rows], outcome.warnings], ensure_ascii=False)
    mark = hashlib.sha256(content.encode()).hexdigest()
    return Preview(staged.count, rows, outcome.warnings, mark, staged.read_by.notes)


def _digest_of_staged() -> str:
    digest = hashlib.sha256()
    for table in (READ_PERSON, READ_EMAIL, READ_GROUP):
        for row in db.execute_sql(f"SELECT * FROM {table.name} ORDER BY 1, 2"):
            digest.update(repr(row).encode())
    return digest.hexdigest()


_HELD = f"directory_entry AS e WHERE e.directory_id = :directory AND {entry_is_held('e')}"


def _held(directory: Directory) -> Iterator[Row]:
    for name, email, reason, old in db.execute_sql(f"""
        SELECT p.name, e.email, e.reason, e.person_id IN (SELECT person_id FROM preview_held)
        FROM directory_entry AS e JOIN person AS p ON p.id = e.person_id
        WHERE e.id IN (SELECT e.id FROM {_HELD})""", {"directory": directory.id}):
        yield Row("held", name, email, (f"{reason}; {'held already' if old else 'held by the guard until released'}",))


def _held_above(directory: Directory) -> Iterator[Row]:
    """Its changes to people above the person responsible for it, beside their status."""
    for change in held.waiting(directory=directory):
        yield Row("held", change.person.name, main_email(change.person),
                  (f"{change.field}: {change.value}; held: above the person responsible for {directory.name}",))


def _changed(directory: Directory) -> Iterator[Row]:
    for name, email, status, before, *pairs in db.execute_sql(f"""
        SELECT a.name, a.email, a.status, b.status, b.name, a.name, b.email, a.email, b.number, a.number,
               b.groups, a.groups, b.last_day, a.last_day, b.here, a.here, a.emails - coalesce(b.emails, 0)
        FROM ({_PEOPLE}) AS a LEFT JOIN preview_before AS b ON b.id = a.id
        WHERE b.id IS NULL OR (a.name, a.status, a.number, a.email, a.emails, a.groups, a.last_day, a.here)
                              <> (b.name, b.status, b.number, b.email, b.emails, b.groups, b.last_day, b.here)""",
            {"directory": directory.id}):
        if before is None:
            yield Row("joined", name, email, () if status == PersonStatus.ACTIVE else (status,))
            continue
        if status != before:
            yield Row("returned" if status == PersonStatus.ACTIVE else status, name, email, (f"{before} → {status}",))
        *values, was, here, more = pairs
        details = [f"{word}: {values[2 * place] or 'none'} → {values[2 * place + 1] or 'none'}"
                   for place, word in enumerate(("name", "e-mail", "employee number", "groups", "last day"))
                   if values[2 * place] != values[2 * place + 1]
                   and not (word == "groups" and status == PersonStatus.DEPROVISIONED)]
        if was != here and status == before and here in tuple(PersonStatus):
            details.insert(0, f"{here} in this directory, stays {status}")
        if more:
            word, plural = "more" if more > 0 else "fewer", "es" if abs(more) > 1 else ""
            details.append(f"{abs(more)} {word} e-mail address{plural}")
        if details:
            yield Row("updated", name, email, tuple(details))


def _note(
    directory: Directory, staged: _Staged, outcome: Outcome, by: Asker, text: str | None, mapping: str | None
) -> None:
    """The reading is one like any other."""
    if DirectoryReading.select().where(DirectoryReading.directory == directory,
                                       DirectoryReading.is_live).exists():
        raise DirectoryProblem(f"{directory.name} is being read just now. Nothing was applied: try again in a moment.")
    now = utcnow()
    reading = DirectoryReading.create(
        directory=directory, state=ReadingState.RUNNING, started_by=by, started_at=now, people_read=staged.count
    )
    directories.keep_findings(Directory.get_by_id(directory.id), staged.read_by)
    directories.succeed(Directory.get_by_id(directory.id), reading, outcome)
    if text is not None:
        Directory.update(old_files.noted(now, directory, now)).where(Directory.id == directory.id).execute()
        _seal(directory, {"text": text, PENDING: None, PENDING_MAPPING: None})
        settings = Directory.get_by_id(directory.id).settings | {list_age.UPLOADED_AT: now.isoformat()}
        if mapping is not None:
            settings["mapping"] = mapping
        new = {"settings": settings, **list_age.NOTHING_MISSING}
        Directory.update(new).where(Directory.id == directory.id).execute()


def _seal(directory: Directory, values: dict[str, str | None]) -> None:
    kept = vault.unseal(Directory.get_by_id(directory.id).credential) | values
    sealed = vault.seal({name: value for name, value in kept.items() if value is not None})
    Directory.update(credential=sealed).where(Directory.id == directory.id).execute()
