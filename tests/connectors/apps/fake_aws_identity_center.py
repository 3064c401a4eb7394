"""The SCIM of AWS IAM Identity Center: the calls that Rollcall makes of its developer guide, with their limits."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.connectors.fake import Fact, Reply, Request, Seat, Thing
from tests.connectors.fake_scim import LIST, PATCHING, FakeScim

# docs.aws.amazon.com, “IAM Identity Center SCIM Implementation Developer Guide”: ListUsers, ListGroups, …
LISTING = ("cursor", "count", "filter")
LARGEST = 100


class FakeAws(FakeScim):
    base_path = "/1111-2222/scim/v2"
    content_type = "application/json"
    facts = (
        Fact("GET", "/ServiceProviderConfig", "config"),
        Fact("GET", "/ResourceTypes", "resource_types"),
        Fact("GET", "/Users", "users", LISTING),
        Fact("GET", "/Users/{id}", "user"),
        Fact("PATCH", "/Users/{id}", "patch_user", (), PATCHING, PATCHING),
        Fact("GET", "/Groups", "groups", LISTING),
        Fact("GET", "/Groups/{id}", "group"),
        Fact("PATCH", "/Groups/{id}", "patch_group", (), PATCHING, PATCHING),
    )

    def __init__(self):
        super().__init__()
        self.supports = {"patch": True, "bulk": False, "changePassword": False, "sort": False, "etag": False}
        self.refuses_filtered_path = self.removes_by_value = True  # PatchGroup's examples remove by value
        self.short_pages = False

    def config(self, request: Request) -> Any:
        return super().config(request) | {"filter": {"supported": True, "maxResults": LARGEST}}

    def users(self, request: Request) -> Any:
        seats = self.listed
        if wanted := request.params.get("filter"):
            group = self.thing(re.fullmatch(r'groups\.value eq "(.*)"', wanted)[1])
            seats = [seat for seat in seats if group and seat.id in group.members]
        return self._by_cursor(request, seats, self._user)

    def groups(self, request: Request) -> Any:
        return self._by_cursor(request, self.things, self._group)

    def _by_cursor(self, request: Request, rows: list, show: Callable[[Any], dict]) -> Reply | dict:
        """“Including the cursor parameter changes the default response format”; a page may be short although there
        is a next one."""
        count = request.number("count", LARGEST)
        if not 1 <= count <= LARGEST:
            return self.error(400, "ValidationException: count")
        cursor = request.params.get("cursor")
        if cursor is None:
            return self._list([show(row) for row in rows[:count]])
        start = [row.id for row in rows].index(cursor) + 1 if cursor else 0
        shown = [show(row) for row in rows[start : start + (1 if self.short_pages else count)]]
        answer = {"schemas": [LIST], "itemsPerPage": len(shown), "Resources": shown}
        return answer | ({"nextCursor": shown[-1]["id"]} if start + len(shown) < len(rows) else {})

    def _user(self, seat: Seat) -> dict:
        """Without roles, as “Limitations from SCIM specification” says."""
        user = super()._user(seat)
        return {name: value for name, value in user.items() if name not in ("roles", "meta")}

    def _group(self, thing: Thing) -> dict:
        """“GetGroup and ListGroups return an empty member list.”"""
        return super()._group(thing) | {"members": []}
