"""The Users and Groups of one directory, kept as its identity provider wrote them.
scim2-server speaks the protocol and calls this; what each write means for people is scim_people.py's."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC
from typing import Any
from unicodedata import normalize

from peewee import ModelSelect, fn
from scim2_models import (
    InvalidValueException,
    NotFoundException,
    PreconditionFailedException,
    Resource,
    ResourceType,
    ResponseParameters,
    ScimProvider,
    SearchRequest,
    UniquenessException,
)
from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator, ValuePath
from scim2_server.storage import ScimStorage, SearchPage

from connectors.names import AddressProblem, clean_email
from sync.db import utcnow, writing
from sync.directory import scim_people
from sync.models import Directory, ScimMember, ScimResource
from sync.states import ScimKind

USER, GROUP = ScimKind.USER, ScimKind.GROUP
CORE = tuple(f"urn:ietf:params:scim:schemas:core:2.0:{kind}".casefold() for kind in (USER, GROUP))
KEPT_ELSEWHERE = ("id", "meta", "members", "groups", "password")  # and a password nowhere
CHUNK, ROWS = 500, 200  # ids, rows in one SQL statement
LONGEST_NAME = 4000  # characters of what is compared or shown: Entra ID's longest is 256, RFC 7643 names no end
MOST_VALUES = 100  # of one attribute of a User: some directories keep dozens of aliases
LIVE = ScimResource.deleted_at.is_null()


class Store(ScimStorage):
    """`writes` is false for a request that only reads: it takes no lock then."""

    def __init__(self, directory: Directory, provider: ScimProvider, writes: bool = True):
        self.directory, self.provider, self.writes = directory, provider, writes

    def operation(self) -> AbstractContextManager[None]:
        """One transaction: two writes of one resource happen one after the other."""
        return writing() if self.writes else nullcontext()

    def get(
        self, resource_type: ResourceType, resource_id: str, *, response_parameters: ResponseParameters | None = None
    ) -> Resource:
        left_out = (response_parameters and response_parameters.excluded_attributes) or ()
        excluded = {str(path).casefold() for path in left_out}
        return self._read([self._row(resource_type, resource_id)], members="members" not in excluded)[0]

    def search(
        self, resource_types: list[ResourceType], search_request: SearchRequest, *, position: Any = None
    ) -> SearchPage:
        kinds = [resource_type.name for resource_type in resource_types]
        here = (ScimResource.directory == self.directory, ScimResource.kind.in_(kinds), LIVE)
        query = ScimResource.select().where(*here)
        start, count = search_request.start_index_0 or 0, search_request.count
        if search_request.filter is None and search_request.sort_by is None:
            total, page = query.count(), query.order_by(ScimResource.id).offset(start)
            rows = [] if count == 0 else list(page.limit(count))
            return SearchPage(total, self._read(rows))
        query = _narrowed(query, search_request, kinds)
        found = self._read(list(query.order_by(ScimResource.id)))
        if search_request.filter is not None:
            found = [resource for resource in found if search_request.filter.match(resource)]
        if search_request.sort_by is not None:
            found = search_request.sort(found)
        return SearchPage(len(found), found[start : None if count is None else start + count])

    def create(self, resource_type: ResourceType, resource: Resource) -> Resource:
        """A User who was deleted before is restored: it is the same person, under the same id."""
        with writing():
            now, values = utcnow(), _values(resource_type, resource)
            self._refuse_taken(resource_type, values)
            _refuse_no_email(values["document"])
            row = self._deleted_before(values) if resource_type.name == USER else None
            if row is None:
                row = ScimResource.create(
                    directory=self.directory, kind=resource_type.name, scim_id=str(uuid.uuid4()),
                    created_at=now, modified_at=now, **values,
                )  # fmt: skip
            else:
                self._change(row, deleted_at=None, created_at=now, modified_at=now, **values)
            self._follow(row, resource)
            return self.get(resource_type, row.scim_id)

    def update(
        self, resource_type: ResourceType, resource: Resource, *, expected_version: str | None = None
    ) -> Resource:
        with writing():
            row = self._row(resource_type, resource.id)
            self._expect(row, expected_version)
            values = _values(resource_type, resource)
            self._refuse_taken(resource_type, values, row)
            _refuse_no_email(values["document"], row.document)
            self._change(row, **values)
            self._follow(row, resource)
            return self.get(resource_type, row.scim_id)

    def delete(
        self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None
    ) -> None:
        with writing():
            row = self._row(resource_type, resource_id)
            self._expect(row, expected_version)
            self._change(row, deleted_at=utcnow(), document={})
            if row.kind == USER:
                scim_people.apply_user(self.directory, row)  # first: if a guard holds them, they stay in their groups
                self._leave_groups(row)
            else:
                self._leave_groups(row)
                scim_people.apply_group(row)
                row.delete_instance()

    def _row(self, resource_type: ResourceType, resource_id: str | None) -> ScimResource:
        row = ScimResource.get_or_none(
            ScimResource.directory == self.directory, ScimResource.kind == resource_type.name,
            ScimResource.scim_id == (resource_id or ""), LIVE,
        )  # fmt: skip
        if row is None:
            raise NotFoundException(detail=f"There is no {resource_type.name} with the id {resource_id!r}")
        return row

    def _expect(self, row: ScimResource, version: str | None) -> None:
        if version is not None and version != _version(row, self._groups_of([row]).get(row.scim_id, [])):
            raise PreconditionFailedException

    def _refuse_taken(self, resource_type: ResourceType, values: dict, row: ScimResource | None = None) -> None:
        if resource_type.name != USER:
            return
        if not values["name_key"].strip():
            raise InvalidValueException(detail="userName is empty")
        taken = ScimResource.select().where(
            ScimResource.directory == self.directory, ScimResource.kind == USER,
            ScimResource.name_key == values["name_key"], LIVE, ScimResource.id != (row.id if row else 0),
        )  # fmt: skip
        if taken.exists():
            raise UniquenessException(detail="A User with this userName already exists", attribute="userName")

    def _deleted_before(self, values: dict) -> ScimResource | None:
        """By the identity provider's id, which may be reused: by default, Entra ID sends the mailNickname. By userName
        where one of the two came without an id. Either way, one who may be the same human."""
        gone = ScimResource.select().where(
            ScimResource.directory == self.directory, ScimResource.kind == USER, ScimResource.deleted_at.is_null(False)
        ).order_by(ScimResource.deleted_at.desc(), ScimResource.id.desc())
        same_name, given = gone.where(ScimResource.name_key == values["name_key"]), values["external_id"]
        by_id = list(gone.where(ScimResource.external_id == given)) if given else []
        by_name = same_name.where(ScimResource.external_id.is_null()) if given else same_name
        return next((row for row in (*by_id, *by_name) if scim_people.may_be(row, values["document"])), None)

    def _change(self, row: ScimResource, **values: Any) -> None:
        values = {"modified_at": utcnow()} | values
        ScimResource.update(version=ScimResource.version + 1, **values).where(ScimResource.id == row.id).execute()
        for name, value in values.items():
            setattr(row, name, value)

    def _follow(self, row: ScimResource, resource: Resource) -> None:
        if row.kind == USER:
            scim_people.apply_user(self.directory, row)
        else:
            _write_members(row, resource)
            scim_people.apply_group(row)

    def _leave_groups(self, row: ScimResource) -> None:
        groups = [one.group for one in ScimMember.select(ScimMember, ScimResource).join(ScimResource).where(
            ScimMember.member_id == row.scim_id, ScimResource.directory == self.directory)]
        for group in groups:
            ScimMember.delete().where(ScimMember.group == group, ScimMember.member_id == row.scim_id).execute()
            self._change(group)
            scim_people.apply_group(group)

    def _read(self, rows: Sequence[ScimResource], members: bool = True) -> list[Resource]:
        """The resources of these rows, with the members of groups and the groups of users."""
        inside = _members_of([row for row in rows if row.kind == GROUP]) if members else {}
        groups = self._groups_of([row for row in rows if row.kind == USER])
        models = {kind.name: self.provider.model_for(kind) for kind in self.provider.resource_types}
        return [_resource(row, models[row.kind], inside.get(row.id), groups.get(row.scim_id, [])) for row in rows]

    def _groups_of(self, rows: Iterable[ScimResource]) -> dict[str, list[tuple[str, str]]]:
        """The id and name of the groups that each user is in, by the user's id."""
        groups: dict[str, list[tuple[str, str]]] = {}
        ids = [row.scim_id for row in rows]
        for start in range(0, len(ids), CHUNK):
            known = ScimMember.select(ScimMember, ScimResource).join(ScimResource).where(
                ScimMember.member_id.in_(ids[start : start + CHUNK]), ScimResource.directory == self.directory
            )
            for one in known.order_by(ScimResource.id):
                name = one.group.document.get("displayName") or ""
                groups.setdefault(one.member_id, []).append((one.group.scim_id, name))
        return groups


def key(text: str) -> str:
    """A name as scim2-models compares those that aren't case-exact."""
    return normalize("NFC", normalize("NFC", text).lower())


def _values(resource_type: ResourceType, resource: Resource) -> dict[str, Any]:
    """The columns of what was written."""
    document = resource.model_dump()
    for name in KEPT_ELSEWHERE:
        document.pop(name, None)
    name = document.get("userName" if resource_type.name == USER else "displayName") or ""
    _refuse_too_much(resource_type, document)
    return {"external_id": document.get("externalId") or None, "name_key": key(name), "document": document}


def _refuse_too_much(resource_type: ResourceType, document: dict) -> None:
    """What several requests, each within its limits, have made of one resource."""
    for name in ("userName", "displayName", "externalId"):
        if len(document.get(name) or "") > LONGEST_NAME:
            raise InvalidValueException(detail=f"{name} is longer than {LONGEST_NAME} characters")
    for name, values in document.items():
        if isinstance(values, list) and len(values) > MOST_VALUES:
            raise InvalidValueException(detail=f"{name} has more than {MOST_VALUES} values")


def _refuse_no_email(document: dict, before: dict | None = None) -> None:
    """Refuse a new e-mail that clearly isn't an address, so that someone can correct it.

    Who is switched off is switched off, whatever else is written with it.
    """
    known = {email.get("value") for email in (before or {}).get("emails") or []}
    for email in document.get("emails") or [] if document.get("active") is not False else []:
        value = email.get("value")
        if value and value not in known:
            try:
                clean_email(value)
            except AddressProblem as problem:
                raise InvalidValueException(detail=f"{problem} Nothing was changed.") from problem


def _write_members(row: ScimResource, resource: Resource) -> None:
    given = resource.model_dump().get("members") or []
    wanted = {member["value"]: {name: value for name, value in member.items() if name != "value"}
              for member in given if member.get("value")}
    known = {one.member_id: one for one in ScimMember.select().where(ScimMember.group == row)}
    left = [one.id for member_id, one in known.items() if member_id not in wanted]
    for start in range(0, len(left), CHUNK):
        ScimMember.delete().where(ScimMember.id.in_(left[start : start + CHUNK])).execute()
    new = [{"group": row, "member_id": member_id, "detail": detail}
           for member_id, detail in wanted.items() if member_id not in known]
    for start in range(0, len(new), ROWS):
        ScimMember.insert_many(new[start : start + ROWS]).execute()
    for member_id, detail in wanted.items():
        if member_id in known and known[member_id].detail != detail:
            ScimMember.update(detail=detail).where(ScimMember.id == known[member_id].id).execute()


def _members_of(groups: Sequence[ScimResource]) -> dict[int, list[dict]]:
    inside: dict[int, list[dict]] = {}
    ids = [row.id for row in groups]
    for start in range(0, len(ids), CHUNK):
        known = ScimMember.select().where(ScimMember.group.in_(ids[start : start + CHUNK])).order_by(ScimMember.id)
        for one in known:
            inside.setdefault(one.group_id, []).append({"value": one.member_id, **one.detail})
    return inside


def _resource(
    row: ScimResource, model: type[Resource], members: list[dict] | None, groups: list[tuple[str, str]]
) -> Resource:
    whole: dict[str, Any] = {
        **row.document,
        "id": row.scim_id,
        "meta": {
            "resourceType": row.kind,
            "created": row.created_at.replace(tzinfo=UTC),
            "lastModified": row.modified_at.replace(tzinfo=UTC),
            "version": _version(row, groups),
        },
    }
    if members:
        whole["members"] = members
    if groups:
        whole["groups"] = [
            {"value": scim_id, "$ref": f"Groups/{scim_id}", "display": name, "type": "direct"}
            for scim_id, name in groups
        ]
    return model.model_validate(whole)


def _version(row: ScimResource, groups: list[tuple[str, str]]) -> str:
    """Another one whenever the resource is, the groups that a user is in included."""
    inside = f".{zlib.crc32(repr(groups).encode()):x}" if groups else ""
    return f'W/"{row.version}{inside}"'


def _narrowed(query: ModelSelect, search_request: SearchRequest, kinds: list[str]) -> ModelSelect:
    """Fewer rows to try the filter on: what it asks of a name or an id is asked of the index."""
    if search_request.filter is None or len(kinds) != 1:
        return query
    for name, wanted in _equalities(search_request.filter.ast):
        if name == ("username" if kinds == [USER] else "displayname"):
            query = query.where(ScimResource.name_key == key(wanted))
        elif name == "externalid":
            query = query.where(ScimResource.external_id == wanted)
        elif name == "id":
            query = query.where(ScimResource.scim_id == wanted)
        elif name == "members" and kinds == [GROUP]:
            query = query.where(ScimResource.id.in_(
                ScimMember.select(ScimMember.group).where(ScimMember.member_id == wanted)))
        elif name == "emails" and wanted.isascii() and wanted.isprintable() and not set(wanted) & set('"\\'):
            query = query.where(fn.instr(fn.lower(ScimResource.document.cast("text")), wanted.lower()) > 0)
    return query


def _equalities(node: FilterNode) -> Iterator[tuple[str, str]]:
    """The attributes that a match must have, in small letters, and the text that each must be: of an attribute
    with several values, one of them."""
    if isinstance(node, LogicalExpr) and node.op == LogicalOperator.and_:
        for term in node.terms:
            yield from _equalities(term)
    elif isinstance(node, ValuePath):
        for name, wanted in _equalities(node.val_filter):
            if name == "value":
                yield node.attr_path.attr.casefold(), wanted
    elif isinstance(node, Comparison) and node.op == CompareOperator.eq and isinstance(node.value, str):
        path = node.attr_path
        of_the_core = path.uri is None or path.uri.casefold() in CORE
        if of_the_core and (path.sub_attr is None or path.sub_attr.casefold() == "value"):
            yield path.attr.casefold(), node.value
