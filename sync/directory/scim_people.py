"""What an identity provider pushed, made people and groups of: by the same rules as a reading of a directory.
Someone whose deactivation counts gets a check of each of their apps within a minute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from peewee import ModelSelect, fn

from connectors.base import DirectoryPerson
from connectors.names import email_key
from sync import activity
from sync.db import db, utcnow, writing
from sync.directory import push, releases
from sync.directory.compare import apply_pushed
from sync.directory.reading import stage, staging
from sync.jobs import asking, queue
from sync.mail import news
from sync.matching import addresses
from sync.matching.addresses import name_key
from sync.models import (
    Directory,
    DirectoryEntry,
    DirectoryGroup,
    DirectoryGroupMember,
    GroupRule,
    Person,
    ScimMember,
    ScimResource,
    TeamGroup,
)
from sync.names import signature_of_directory
from sync.safety.guards import workspace_guard
from sync.states import DirectoryState, PersonStatus

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
QUIET = timedelta(minutes=1)
CHUNK = 400  # rows in one SQL statement
UNCLEAR_AT_ONCE = 50  # looked at again with each write
UNCLEAR = "Its e-mail address belongs to someone else here, or it has none that is free: correct it in the directory."


def apply_user(directory: Directory, user: ScimResource) -> None:
    """Bring the person of a user that was written or deleted in line with it, and those who were unclear before."""
    with writing():
        directory = Directory.get_by_id(directory.id)
        waiting = ScimResource.select().where(*push.is_unclear(directory), ScimResource.id != user.id)
        users = [user, *waiting.order_by(ScimResource.id).limit(UNCLEAR_AT_ONCE)]
        before = _statuses(directory, users)
        with staging():
            stage([person_of(one) for one in users])
            if user.deleted_at:
                db.execute_sql("UPDATE read_person SET deleted = TRUE WHERE external_id = ?", (user.scim_id,))
            outcome = apply_pushed(directory, workspace_guard(), signature_of_directory(directory))
        _link(directory, users, outcome.warnings)
        _end_held_groups(directory, user)
        asking.check_apps_of(_changed(before, _statuses(directory, users)), signature_of_directory(directory))


def person_of(user: ScimResource) -> DirectoryPerson:
    """What the rules need of a user. Only a clear `active: false`, or a deletion, is a leaver; and only a clear
    `active: true`, or being created again, brings one back."""
    document = user.document
    emails = list(_emails(document))
    enterprise = document.get(ENTERPRISE) or {}
    gone = user.deleted_at is not None or document.get("active") is False or _left_before(user)
    return DirectoryPerson(
        id=user.scim_id, email=emails[0] if emails else "", name=_name(document),
        status=PersonStatus.DEPROVISIONED if gone else PersonStatus.ACTIVE, user_name=document.get("userName") or "",
        further_emails=tuple(emails[1:]), employee_number=str(enterprise.get("employeeNumber") or ""),
    )  # fmt: skip


def _left_before(user: ScimResource) -> bool:
    """Whether the user was a leaver and nothing says otherwise since: a PUT may leave `active` out."""
    if user.document.get("active") is not None or user.entry is None:
        return False
    return user.entry.reported_status == PersonStatus.DEPROVISIONED and user.entry.reported_at >= user.created_at


def _emails(document: dict[str, Any]) -> Iterator[str]:
    """Each address once: the primary one, then that of work, the others, and a userName that is one."""
    given = [email for email in document.get("emails") or [] if isinstance(email, dict) and email.get("value")]
    given.sort(key=lambda email: (email.get("primary") is not True, str(email.get("type")).casefold() != "work"))
    seen = set()
    for address in (*(email["value"] for email in given), document.get("userName") or ""):
        normal = email_key(address)
        if normal and normal not in seen:
            seen.add(normal)
            yield address


def _name(document: dict[str, Any]) -> str:
    name = document.get("name") or {}
    parts = " ".join(part for part in (name.get("givenName"), name.get("familyName")) if part)
    return document.get("displayName") or name.get("formatted") or parts or document.get("nickName") or ""


def _statuses(directory: Directory, users: Iterable[ScimResource]) -> dict[int, str]:
    """The status of each person who is one of these users, by id."""
    ids = [user.scim_id for user in users]
    entries = DirectoryEntry.select(DirectoryEntry.person).where(
        DirectoryEntry.directory == directory, DirectoryEntry.external_id.in_(ids)
    )
    return dict(Person.select(Person.id, Person.status).where(Person.id.in_(entries)).tuples())


def _changed(before: dict[int, str], after: dict[int, str]) -> list[int]:
    return [person for person, status in after.items() if before.get(person, status) != status]


def _link(directory: Directory, users: list[ScimResource], warnings: list[str]) -> None:
    """Note which entry each user became, or why it became none."""
    known = DirectoryEntry.select().where(
        DirectoryEntry.directory == directory, DirectoryEntry.external_id.in_([user.scim_id for user in users])
    )
    entries = {entry.external_id: entry for entry in known}
    reasons = " ".join(warnings)
    for user in users:
        entry = entries.get(user.scim_id)
        warning = None if entry else reasons or UNCLEAR
        if user.entry_id == (entry and entry.id) and user.warning == warning:
            continue
        if warning and not user.warning:
            activity.record(signature_of_directory(directory), "directory needs a look", about=directory.name,
                            why=warning)
        ScimResource.update(entry=entry, warning=warning).where(ScimResource.id == user.id).execute()
        if entry:
            _join_groups(directory, user, entry)


@queue.each_minute
def retry_unclear_users(now: datetime) -> None:
    """Users that couldn't become people because someone else had their address, and now can: what was in
    the way went with a release, with a decision by hand, or in another directory."""
    active = Directory.select().where(Directory.kind == push.SLUG, Directory.state == DirectoryState.ACTIVE)
    for directory in list(active.order_by(Directory.id)):
        for user in push.unclear(directory)[:UNCLEAR_AT_ONCE]:
            if addresses.is_free_for(directory, user.scim_id):
                apply_user(directory, user)
                break  # the others that are unclear were looked at beside it


def may_be(deleted: ScimResource, document: dict[str, Any]) -> bool:
    """Whether the user who is created under a deleted one's userName may be the same human: a userName alone, like an
    address, proves nobody, where name or employee number say that it is another."""
    entry = deleted.entry
    if entry is None:
        return True
    created = person_of(ScimResource(scim_id=deleted.scim_id, document=document))
    if created.employee_number and entry.employee_number:
        return created.employee_number.casefold() == entry.employee_number.casefold()
    return name_key(created.name) == name_key(entry.name) or not (name_key(created.name) and name_key(entry.name))


def _join_groups(directory: Directory, user: ScimResource, entry: DirectoryEntry) -> None:
    groups = list(
        DirectoryGroup.select()
        .join(ScimResource, on=(ScimResource.scim_id == DirectoryGroup.external_id))
        .join(ScimMember, on=(ScimMember.group == ScimResource.id))
        .where(DirectoryGroup.directory == directory, ScimMember.member_id == user.scim_id)
    )
    for group in groups:
        if group.gone_at is not None:  # nobody in it was a person
            apply_group(ScimResource.get(ScimResource.scim_id == group.external_id))
    joined = [
        group.id for group in groups
        if DirectoryGroupMember.get_or_none(group=group, entry=entry) is None
        and DirectoryGroupMember.create(group=group, entry=entry)
    ]  # fmt: skip
    asking.check_apps_of_groups(joined, signature_of_directory(directory))


def _end_held_groups(directory: Directory, user: ScimResource) -> None:
    """Someone who is no longer held is only in the groups that were pushed."""
    pushed = ScimMember.select(ScimResource.scim_id).join(ScimResource).where(ScimMember.member_id == user.scim_id)
    old = DirectoryGroupMember.select(DirectoryGroupMember.id, DirectoryGroup.id).join(DirectoryGroup).switch(
        DirectoryGroupMember).join(DirectoryEntry).where(
        DirectoryEntry.directory == directory, DirectoryEntry.external_id == user.scim_id,
        DirectoryEntry.id.not_in(_held(directory)), DirectoryGroup.gone_at.is_null(),
        DirectoryGroup.external_id.not_in(pushed))  # fmt: skip
    rows = list(old.order_by(DirectoryGroupMember.id).tuples())
    if rows:
        DirectoryGroupMember.delete().where(DirectoryGroupMember.id.in_([row for row, _ in rows])).execute()
        asking.check_apps_of_groups([group for _, group in rows], signature_of_directory(directory))


def _held(directory: Directory) -> ModelSelect:
    """The entries of those who have left, which a guard holds."""
    return DirectoryEntry.select(DirectoryEntry.id).where(
        DirectoryEntry.directory == directory, DirectoryEntry.is_held,
        DirectoryEntry.reported_status == PersonStatus.DEPROVISIONED)  # fmt: skip


@queue.each_minute
def report_held(now: datetime) -> None:
    """Report what a guard holds of a pushing directory after a minute without more: one e-mail, not hundreds."""
    for directory in list(Directory.select().where(Directory.kind == push.SLUG)):
        last = DirectoryEntry.select(fn.MAX(DirectoryEntry.reported_at)).where(
            DirectoryEntry.directory == directory, DirectoryEntry.is_held).scalar()
        if last is None or last > now - QUIET:
            continue
        with writing():
            if news.directory_held(directory):
                releases.note_held(directory, signature_of_directory(directory))


def apply_group(group: ScimResource) -> None:
    """Bring the directory's group, and which people are in it, in line with a group that was written or deleted.
    Someone who is held back stays in theirs. If rules need it and its last members leave, it counts as gone, as in a
    directory that is read: they stay known, and nobody loses anything by its rules."""
    with writing():
        if group.deleted_at:
            _delete_group(group)
            return
        name = group.document.get("displayName") or ""
        row, _ = DirectoryGroup.get_or_create(
            directory=group.directory_id, external_id=group.scim_id, defaults={"name": name}
        )
        entries = DirectoryEntry.select(DirectoryEntry.id).join(
            ScimMember, on=(ScimMember.member_id == DirectoryEntry.external_id)
        ).where(ScimMember.group == group.id, DirectoryEntry.directory == group.directory_id)
        inside, held = DirectoryGroupMember.group == row, _held(group.directory)
        before = DirectoryGroupMember.select().where(inside).count()
        stay = DirectoryGroupMember.entry.in_(entries) | DirectoryGroupMember.entry.in_(held)
        unheld = DirectoryGroupMember.select().where(inside, DirectoryGroupMember.entry.not_in(held))
        if unheld.exists() and not entries.exists() and _is_needed(row):
            _set_gone(row, name)
            return
        DirectoryGroup.update(name=name, gone_at=None).where(DirectoryGroup.id == row.id).execute()
        left = DirectoryGroupMember.delete().where(inside, ~stay).execute()
        rows = [{"group": row, "entry": entry} for entry in entries]
        for start in range(0, len(rows), CHUNK):
            DirectoryGroupMember.insert_many(rows[start : start + CHUNK]).on_conflict_ignore().execute()
        if left or len(rows) != before or row.gone_at:
            asking.check_apps_of_groups([row.id], signature_of_directory(group.directory))


def _delete_group(group: ScimResource) -> None:
    """Delete a group that is gone. If rules need it, it is only marked as gone, so that its last members stay known."""
    row = DirectoryGroup.get_or_none(directory=group.directory_id, external_id=group.scim_id)
    if row is None:
        return
    if _is_needed(row):
        _set_gone(row, row.name)
    else:
        row.delete_instance()


def _is_needed(group: DirectoryGroup) -> bool:
    return any(of.select().where(of.group == group).exists() for of in (GroupRule, TeamGroup))


def _set_gone(group: DirectoryGroup, name: str) -> None:
    DirectoryGroup.update(name=name, gone_at=group.gone_at or utcnow()).where(DirectoryGroup.id == group.id).execute()
    if group.gone_at is None:
        asking.check_apps_of_groups([group.id], signature_of_directory(group.directory))
