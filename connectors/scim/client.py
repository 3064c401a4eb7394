"""The SCIM 2.0 protocol (RFC 7644): lists, single resources, and changes by PATCH or PUT with ETags.
It uses what the server announces about itself, and assumes defaults if the server announces nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from msgspec import Raw

from connectors.base import CredentialRejected, Refused, TemporarilyUnavailable
from connectors.memory import KnownItems
from connectors.names import text_key
from connectors.scim.values import id_of
from connectors.tools.http import (
    Answer,
    Conflict,
    Forbidden,
    Http,
    NotFound,
    NotOffered,
    Stale,
    Strayed,
    clean,
    segment,
)
from connectors.tools.items import opening
from connectors.tools.paging import Page, number, pages_by_index

AHEAD = 2  # pages requested before they are needed
SIZE = 200  # items requested for a page, if the server doesn't report its maximum
MOST = 500  # the same, if the server reports a maximum of at least this
ACCEPT = {"Accept": "application/scim+json, application/json"}
PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
CORE_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:"
READ_ONLY = ("meta", "groups", "password")  # attributes that a PUT leaves to the server


class NotScim(TemporarilyUnavailable):
    """The answer isn't SCIM. During a reading this is temporary; when an app is connected, the address is wrong."""


class ScimClient:
    """One SCIM service. Every method raises the four ConnectorErrors and nothing else."""

    most = MOST
    content_type = "application/scim+json"
    name_filter = "userName"  # the attribute that a user is found by
    config_path = "ServiceProviderConfig"
    removes_by_value = False  # True: the app's documents show a PATCH that takes one member out by `value`

    def __init__(self, http: Http):
        self.http = http

    def close(self) -> None:
        self.http.close()

    @cached_property
    def _config(self) -> dict:
        """The server's own description (RFC 7643, 5); {} if it has none, or its website answers instead."""
        try:
            answer = self.http.get(self.config_path, headers=ACCEPT)
            return {} if answer.is_page else answer.json(dict)
        except (NotFound, NotOffered, Forbidden, Strayed):
            return {}

    def _supports(self, feature: str, otherwise: bool) -> bool:
        setting = self._config.get(feature)
        return setting.get("supported") in (True, "true", "True") if isinstance(setting, dict) else otherwise

    @cached_property
    def _size(self) -> int:
        setting = self._config.get("filter")
        most = number(setting.get("maxResults")) if isinstance(setting, dict) else None
        return min(self.most, most or SIZE)

    @cached_property
    def has_groups(self) -> bool:
        """Whether the server has groups, by /ResourceTypes or, without it, by /Groups itself."""
        try:
            answer = self.http.get("ResourceTypes", headers=ACCEPT)
            types = {} if answer.is_page else answer.json()
            listed = types.get("Resources") if isinstance(types, dict) else types
            if isinstance(listed, list):
                return any(isinstance(one, dict) and str(one.get("endpoint")).strip("/") == "Groups" for one in listed)
        except (NotFound, NotOffered, Forbidden, Strayed):
            pass
        try:
            self.first_page("Groups")
        except (NotFound, NotOffered, Strayed):
            return False
        return True

    def first_page(self, kind: str) -> Page:
        """The first page of a list, with one item: a cheap way to see whether it can be read."""
        return self._page(self.http.get(kind, params={"startIndex": 1, "count": 1}, headers=ACCEPT))

    def me(self) -> dict | None:
        """The user that the token belongs to (RFC 7644, 3.11), where the server reports it."""
        try:
            me = self.http.get("Me", headers=ACCEPT).json()
        except (Refused, CredentialRejected, TemporarilyUnavailable):
            return None
        return me if isinstance(me, dict) and me.get("id") and isinstance(me.get("userName"), str) else None

    def all(
        self, kind: str, on_total: Callable[[int], None] | None = None, known: KnownItems | None = None
    ) -> Iterator[Any]:
        """Every resource of a kind ("Users", "Groups"), page by page, in the order of the ids if the server can sort.

        They are dicts; with `known`, opened items (see connectors/tools/items.py).
        """
        sort = {"sortBy": "id"} if self._supports("sort", False) else {}

        def fetch(start: int) -> Page:
            params = {"startIndex": start, "count": self._size}
            try:
                return self._page(self.http.get(kind, params={**params, **sort}, headers=ACCEPT), start, raw)
            except Refused:
                if start > 1 or not sort:
                    raise
                sort.clear()  # the server can sort, but not by id
                return self._page(self.http.get(kind, params=params, headers=ACCEPT), start, raw)

        raw = known is not None
        for page in pages_by_index(fetch, size=self._size, ahead=AHEAD, **pager_options(kind, on_total, known)):
            yield from page

    def _page(self, answer: Answer, start: int = 1, raw: bool = False) -> Page:
        """A ListResponse (RFC 7644, 3.4.2). `Resources`, in any case (RFC 7643, 2.1), may be missing only from an empty
        list and past the end. `nextCursor` is RFC 9865's. `raw` leaves the items as they were sent."""
        try:
            body = answer.json_but_items("Resources", "resources") if raw else answer.json(dict)
        except TemporarilyUnavailable as failure:
            raise NotScim(str(failure)) from None
        total, resources = number(body.get("totalResults")), body.get("Resources", body.get("resources"))
        if resources is None and total is not None and total < start:
            resources = []
        if not isinstance(resources, list) or not all(isinstance(one, (dict, Raw)) for one in resources):
            raise NotScim(f"{answer.asked} answered with data that isn't a SCIM list.")
        return Page(resources, total, clean(body.get("nextCursor")) or None)

    def read(self, kind: str, id: str) -> dict | None:
        """One resource as it is now; None if it doesn't exist. A server answers 404 as well where the whole endpoint
        doesn't exist (RFC 7644, 3.12), so the list must still be there."""
        try:
            answer = self.http.get(f"{kind}/{segment(id)}", headers=ACCEPT)
        except NotFound:
            self.first_page(kind)
            return None
        resource = answer.json(dict)
        if id_of(resource) != id:
            raise TemporarilyUnavailable(f"{answer.asked} returned a resource other than the requested one.")
        if "ETag" in answer.headers and isinstance(resource.get("meta", {}), dict):
            resource["meta"] = {**resource.get("meta", {}), "version": answer.headers["ETag"]}
        return resource

    def create(self, kind: str, resource: dict) -> dict:
        schemas = [CORE_SCHEMA + kind.rstrip("s"), *(name for name in resource if name.startswith("urn:"))]
        return self._operate("POST", kind, {"schemas": schemas, **resource}).json(dict)

    def delete(self, kind: str, resource: dict) -> None:
        path = f"{kind}/{segment(id_of(resource))}"
        try:
            self._operate("DELETE", path, None, _version(resource))
        except Stale:
            self._operate("DELETE", path, None, _version(self._fresh(kind, resource)))

    def change(
        self, kind: str, resource: dict, operations: list[dict], edit: Callable[[dict], Any], attempts: int = 2
    ) -> dict | None:
        """Change a resource by PATCH; if the server has no PATCH, by PUT of the whole resource as `edit` leaves it.

        If someone else has changed it in between (412), it is read again and the change is repeated.
        Returns the resource as the server answers with it, None if it doesn't.
        """
        path = f"{kind}/{segment(id_of(resource))}"
        try:
            answer = self._patch_or_put(path, resource, operations, edit)
        except Stale:
            if attempts == 1:
                raise
            return self.change(kind, self._fresh(kind, resource), operations, edit, attempts - 1)
        try:
            return answer.json(dict) if answer.body else None
        except TemporarilyUnavailable:
            return None

    def _fresh(self, kind: str, resource: dict) -> dict:
        fresh = self.read(kind, id_of(resource))
        if fresh is None:
            raise NotFound("It was deleted in the app while Rollcall was changing it.")
        return fresh

    def _patch_or_put(self, path: str, resource: dict, operations: list[dict], edit: Callable[[dict], Any]) -> Answer:
        if self._supports("patch", True):
            try:
                body = {"schemas": [PATCH_SCHEMA], "Operations": operations}
                return self._operate("PATCH", path, body, _version(resource))
            except NotOffered:
                pass
        whole = {name: value for name, value in resource.items() if name not in READ_ONLY}
        edit(whole)
        return self._operate("PUT", path, whole, _version(resource))

    def remove_member(self, group: dict, user: str, edit: Callable[[dict], Any]) -> None:
        """Take a user out of a group: by a path with a filter (RFC 7644, 3.5.2.2), or by value, as Entra ID does, if
        `removes_by_value`. It is never tried by value after a refusal, because a server that knows no such value takes
        every member out: github.com/goauthentik/authentik, issue 23798."""
        by_path = {"op": "remove", "path": f"members[value eq {json.dumps(user)}]"}
        by_value = {"op": "remove", "path": "members", "value": [{"value": user}]}
        try:
            self.change("Groups", group, [by_value if self.removes_by_value else by_path], edit)
        except (NotFound, NotOffered, Conflict, Stale):
            raise
        except Refused as refusal:
            raise Refused(f"{refusal} Take the person out of the group in the app.") from refusal

    def find_user(self, user_name: str) -> dict | None:
        """The only user with this userName, by filter (RFC 7644, 3.4.2.2); None if there is none or several."""
        params = {"filter": f"{self.name_filter} eq {json.dumps(user_name)}"}
        found = self._page(self.http.get("Users", params=params, headers=ACCEPT)).items
        exact = [user for user in found if text_key(str(user.get("userName"))) == text_key(user_name)]
        return exact[0] if len(exact) == 1 else None

    def _operate(self, method: str, path: str, body: dict | None, version: str | None = None) -> Answer:
        headers = {**ACCEPT, "Content-Type": self.content_type} | ({"If-Match": version} if version else {})
        return self.http.operate(method, path, json=body, headers=headers, idempotent=method != "POST")


def pager_options(kind: str, on_total: Callable[[int], None] | None, known: KnownItems | None) -> dict[str, Any]:
    """The pager's options for a list of resources."""
    return {"what": kind.lower(), "on_total": on_total, **opening(known, kind.lower(), id_of)}


def _version(resource: dict) -> str | None:
    meta = resource.get("meta")
    version = meta.get("version") if isinstance(meta, dict) else None
    return version if isinstance(version, str) and version.isascii() and version.isprintable() else None
