"""Directories that push: an identity provider writes its people here by SCIM, and shows a token with each request.
Only the token's hash is kept. While a new token is unused the old one works: rotation has no gap."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from peewee import Expression, fn

from sync import activity, faults, rank, sample_data
from sync.db import connected, utcnow, writing
from sync.directory.naming import new_name
from sync.jobs import queue
from sync.matching import vouching
from sync.models import Directory, DirectoryToken, ScimResource
from sync.names import signature_of_directory
from sync.rank import Asker
from sync.states import ScimKind
from sync.words import LONGEST_REASON

SLUG = "scim"
PATH = "/scim/v2"
PREFIX = "rollcall_scim_"  # so that scanners of leaked secrets, and people, know what it is
NOTED_EVERY = timedelta(minutes=1)  # uses, refusals, and why changes are missing, are written down at most this often
WORKS = DirectoryToken.ended_at.is_null()

# By directory, of a change that failed and that couldn't be noted yet: when it failed (UTC), and why.
_failed: dict[int, tuple[datetime, str]] = {}


@dataclass(frozen=True)
class Kind:
    """What the pages say of this kind of directory, as a directory connector's class does of a kind that is read."""

    slug: str = SLUG
    label: str = "SCIM"
    logo: str = "own-scim.svg"
    docs: tuple[str, ...] = (
        "An identity provider that provisions apps by SCIM 2.0: Okta, Entra ID, OneLogin, JumpCloud and others.",
        "An address of Rollcall that it can reach from the internet, over HTTPS.",
        "In the identity provider, an app for Rollcall with provisioning. You paste the address and the token there.",
    )
    fields: tuple = ()


KIND = Kind()


def connect(name: str, by: Asker) -> tuple[Directory, str]:
    """A directory that pushes, and its token: shown this once. Raises DirectoryProblem for the name,
    NotAllowed. The asker becomes responsible for it."""
    rank.require(by, *rank.MANAGERS)
    sample_data.refuse_real()
    with writing():
        name = new_name(name, KIND.label)
        directory = Directory.create(kind=SLUG, name=name)
        vouching.make_responsible(directory, by)
        activity.record(by, "connected directory", about=name, why="it pushes by SCIM")
        return directory, _new_token(directory, by)


def is_pushed(directory: Directory) -> bool:
    return directory.kind == SLUG


def rotate(directory: Directory, by: Asker) -> str:
    """A new token beside those that work, which end when the new one is first used. The asker has the token, and is
    responsible for the directory from now on. If it rises by that, the others end at once: someone of a lower rank has
    them."""
    rank.require(by, *rank.MANAGERS)
    with writing():
        if vouching.would_rise(directory, by):
            _end(DirectoryToken.directory == directory, directory)
        vouching.make_responsible(directory, by)
        activity.record(by, "made token", about=directory.name)
        return _new_token(directory, by)


def _new_token(directory: Directory, by: Asker) -> str:
    token = PREFIX + secrets.token_urlsafe(32)
    DirectoryToken.create(directory=directory, token_hash=_hash(token), created_by=by)
    return token


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def end_token(token: DirectoryToken, by: Asker) -> None:
    """End the token: requests with it are refused from now on, and noted."""
    rank.require(by, *rank.MANAGERS)
    with writing():
        if _end(DirectoryToken.id == token.id, token.directory):
            activity.record(by, "ended token", about=token.directory.name)


def delete_ended(token: DirectoryToken, by: Asker) -> None:
    """Delete a token that was ended: requests with it are still refused, but no longer noted."""
    rank.require(by, *rank.MANAGERS)
    with writing():
        if DirectoryToken.delete().where(DirectoryToken.id == token.id, ~WORKS).execute():
            activity.record(by, "deleted ended token", about=token.directory.name)


def _end(these: Expression, directory: Directory) -> int:
    """How many tokens end. If none is left that was ever used, what is sent until another one is used is refused."""
    was_used, now = last_request(directory), utcnow()
    ended = DirectoryToken.update(ended_at=now).where(these, WORKS).execute()
    if was_used and not last_request(directory) and _has_users(directory):
        _note_missing(directory, now, "the token that it used was ended")
    return ended


def directory_of(token: str) -> Directory | None:
    """The directory of a token that works. The first use of a token ends the older ones of its directory. A request
    with one that was ended is noted: its directory sends changes that are refused."""
    known = _hash(token)
    with connected():
        row = (DirectoryToken.select(DirectoryToken, Directory).join(Directory)
               .where(DirectoryToken.token_hash == known).first())
    if row is None or not hmac.compare_digest(row.token_hash, known):
        return None
    now = utcnow()
    noted = row.used_at if row.ended_at is None else row.refused_at
    if noted is None or noted < now - NOTED_EVERY:
        with faults.tolerated():
            (_note_use if row.ended_at is None else _note_ended)(row, now)
    return row.directory if row.ended_at is None else None


def _note_use(token: DirectoryToken, now: datetime) -> None:
    with writing():
        DirectoryToken.update(used_at=now).where(DirectoryToken.id == token.id).execute()
        older = (DirectoryToken.directory == token.directory_id) & (DirectoryToken.id < token.id)
        if token.used_at is None and _end(older, token.directory):
            activity.record(signature_of_directory(token.directory), "ended token", about=token.directory.name,
                            why="the new one was used for the first time")


def _note_ended(token: DirectoryToken, now: datetime) -> None:
    with writing():
        DirectoryToken.update(refused_at=now).where(DirectoryToken.id == token.id).execute()
        if _has_users(token.directory):
            _note_missing(token.directory, now, "It sent a request with a token that was ended", once=True)


def note_refused(directory: Directory, why: str) -> None:
    """Note that a change was refused: its identity provider may never send it again, and someone may have left. Nobody
    can have left before the first user was sent."""
    with writing():
        if _has_users(directory):
            _note_missing(directory, utcnow(), f"It sent a change that was refused: {why[:LONGEST_REASON]}")


def note_failed(directory: Directory, problem: Exception) -> None:
    """The same for a change that failed in Rollcall itself. What hinders it may hinder the note, too: this process
    writes it as soon as it can."""
    _failed.setdefault(directory.id, (utcnow(), f"{type(problem).__name__} in Rollcall itself"))
    if faults.of(problem) is None:
        with faults.tolerated():
            note_failures()


@queue.in_each_process
def note_failures(now: datetime | None = None) -> None:
    for directory_id, (failed_at, why) in list(_failed.items()):
        with writing():
            directory = Directory.get_or_none(Directory.id == directory_id)
            if directory is not None and _has_users(directory):
                _note_missing(directory, failed_at, f"It sent a change that failed: {why}")
        _failed.pop(directory_id, None)


def _has_users(directory: Directory) -> bool:
    return ScimResource.select().where(ScimResource.directory == directory, ScimResource.kind == ScimKind.USER).exists()


def note_restored(why: str) -> None:
    """Note that the database is from an earlier time: what was pushed since the last request that it knows is missing.
    Inside the caller's transaction."""
    for directory in Directory.select().where(Directory.kind == SLUG).order_by(Directory.id):
        _note_missing(directory, last_request(directory) or directory.created_at, why)


def _note_missing(directory: Directory, since: datetime, why: str, once: bool = False) -> None:
    """`once`: the log names this reason only if nothing was missing before, because anyone with an ended token can send
    requests without end."""
    known, now = Directory.get_by_id(directory.id), utcnow()
    values = {"missing_since": known.missing_since or since, "missing_until": now}
    Directory.update(values).where(Directory.id == directory.id).execute()
    if known.missing_until is None or not once and known.missing_until < now - NOTED_EVERY:
        activity.record(signature_of_directory(directory), "directory needs a look", about=directory.name, why=why)


def confirm_sent_again(directory: Directory, seen: datetime, by: Asker) -> bool:
    """Someone has made the identity provider send everyone again. `seen` is the `missing_until` that the page showed:
    False if a change was refused since, perhaps while everyone was sent."""
    rank.require(by, *rank.MANAGERS)
    with writing():
        is_noted = (Directory.id == directory.id) & Directory.missing_since.is_null(False)
        is_seen = is_noted & (Directory.missing_until == seen)
        if Directory.update(missing_since=None, missing_until=None).where(is_seen).execute():
            activity.record(by, "confirmed that changes were sent again", about=directory.name)
        return not Directory.select().where(is_noted).exists()


def tokens(directory: Directory) -> list[DirectoryToken]:
    """The tokens that work, the newest first."""
    query = DirectoryToken.select().where(DirectoryToken.directory == directory, WORKS)
    return list(query.order_by(DirectoryToken.id.desc()))


def ended_in_use(directory: Directory) -> list[DirectoryToken]:
    """The ended tokens that requests were refused with, the last refusal first."""
    of_directory = (DirectoryToken.directory == directory) & DirectoryToken.refused_at.is_null(False)
    return list(DirectoryToken.select().where(of_directory, ~WORKS).order_by(DirectoryToken.refused_at.desc(),
                                                                             DirectoryToken.id))  # fmt: skip


def last_request(directory: Directory) -> datetime | None:
    """To the minute; None before the first, and when its token was ended since."""
    of_directory = (DirectoryToken.directory == directory) & WORKS
    used = DirectoryToken.select(fn.MAX(DirectoryToken.used_at)).where(of_directory).scalar()
    return datetime.fromisoformat(used) if isinstance(used, str) else used


def counts(directory: Directory) -> dict[str, int]:
    """How many users and groups were pushed and are there, by kind: "User", "Group"."""
    query = ScimResource.select(ScimResource.kind, fn.COUNT(ScimResource.id)).where(
        ScimResource.directory == directory, ScimResource.deleted_at.is_null()
    )
    return dict(query.group_by(ScimResource.kind).tuples())


def unclear(directory: Directory) -> list[ScimResource]:
    """Users that couldn't become people yet; `warning` says why."""
    return list(ScimResource.select().where(*is_unclear(directory)).order_by(ScimResource.id))


def is_unclear(directory: Directory) -> tuple:
    return (
        ScimResource.directory == directory, ScimResource.kind == ScimKind.USER,
        ScimResource.entry.is_null(), ScimResource.deleted_at.is_null(),
    )
