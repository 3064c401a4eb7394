"""The battery for directories itself: a plain directory passes, a careless one is noticed. The pair to copy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.base import ConnectorError, DirectoryConnector, DirectoryPerson, Field, Identity, TemporarilyUnavailable
from connectors.tools.http import Http, NotFound
from connectors.tools.paging import Page, pages_by_cursor
from tests.connectors.directory_contract import DirectoryContract, Staff
from tests.connectors.fake import Fact, FakeApp, Request

PAGE = ("limit", "after")


class FakePlain(FakeApp):
    account_list = "people"
    facts = (
        Fact("GET", "/people", "people", PAGE),
        Fact("GET", "/groups", "groups", PAGE),
        Fact("GET", "/groups/{group}/members", "members", PAGE),
    )

    def people(self, request: Request) -> dict:
        return self._page(request, [self._person(person) for person in self.listed])

    def groups(self, request: Request) -> dict:
        return self._page(request, [{"id": group.id, "name": group.name} for group in self.things])

    def members(self, request: Request) -> Any:
        group = self.thing(request.ids["group"])
        return self._page(request, [{"id": id} for id in group.members]) if group else self.error(404, "No such group.")

    def _person(self, person: Staff) -> dict:
        return {"id": person.id, "emails": [person.email, *person.further_emails], "name": person.name,
                "state": person.status, "login": person.user_name, "number": person.employee_number}  # fmt: skip

    def _page(self, request: Request, rows: list[dict]) -> dict:
        start, size = request.number("after", 0), request.number("limit", 20)
        more = start + size < len(rows)
        return {"rows": rows[start : start + size], "total": len(rows) + self.lie, "next": start + size if more else 0}


class Plain(DirectoryConnector):
    label = "Plain"  # without a slug it is in no catalogue
    docs = ("Ask the directory's admin for a token.",)
    fields = (Field("base_url", "Address"), Field("token", "Token", secret=True))

    def __init__(self, settings: dict[str, str]):
        super().__init__(settings)
        token = settings["token"]
        self._http = Http(settings["base_url"], headers={"Authorization": f"Bearer {token}"}, secrets=[token])

    def close(self) -> None:
        self._http.close()

    def test(self) -> Identity:
        self._http.get("/people", {"limit": 1})
        return Identity("Plain", may=("read people",))

    def people(self) -> Iterator[DirectoryPerson]:
        groups = self._groups()
        for row in self._rows("/people"):
            email, *further = dict.fromkeys(row["emails"])
            yield DirectoryPerson(row["id"], email, row["name"], row["state"], row["login"], tuple(further),
                                  row["number"], tuple(groups.get(row["id"], ())))  # fmt: skip

    def _groups(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        try:
            for group in self._rows("/groups"):
                for row in self._rows(f"/groups/{group['id']}/members"):
                    found.setdefault(row["id"], []).append(group["name"])
        except NotFound as gone:
            raise TemporarilyUnavailable(f"A group disappeared while it was read. {gone}") from gone
        return found

    def _rows(self, path: str) -> Iterator[dict]:
        def fetch(after: str | None) -> Page:
            got = self._http.get(path, {"limit": 100, **({"after": after} if after else {})}).json(dict)
            return Page(got["rows"], got["total"], got["next"])

        for page in pages_by_cursor(fetch, what=path):
            yield from page


class TestPlain(DirectoryContract):
    kind, fake = Plain, FakePlain
    statuses = {"active": "active", "suspended": "suspended", "deprovisioned": "deprovisioned"}
    sends_total = True
    group_lists = ("groups", "members")

    def test_says_what_a_person_needs_to_connect_it(self, monkeypatch):
        monkeypatch.setattr(Plain, "slug", "plain")
        super().test_says_what_a_person_needs_to_connect_it()


class FirstPageOnly(Plain):
    def _rows(self, path: str) -> Iterator[dict]:
        return iter(self._http.get(path, {"limit": 100}).json(dict)["rows"])


class Forgiving(Plain):
    """Groups that can't be read count as none, and a page that can't be read is the last."""

    def _rows(self, path: str) -> Iterator[dict]:
        try:
            yield from super()._rows(path)
        except ConnectorError:
            return


class EveryoneActive(Plain):
    def people(self) -> Iterator[DirectoryPerson]:
        return (replace(person, status="active") for person in super().people())


BATTERY = TestPlain()


@pytest.mark.parametrize(
    "kind,test,more",
    [
        (FirstPageOnly, BATTERY.test_reads_every_page, {"count": "page+1"}),
        (FirstPageOnly, BATTERY.test_reads_every_page_of_a_group, {}),
        (FirstPageOnly, BATTERY.test_reads_every_page_of_groups, {}),
        (Forgiving, BATTERY.test_a_fault_that_stays_fails_the_reading, {"fault": "500", "where": "later page"}),
        (Forgiving, BATTERY.test_a_token_that_expires_half_way_fails_the_reading, {}),
        (Forgiving, BATTERY.test_groups_that_cannot_be_read_fail_the_reading, {"fault": "500"}),
        (Forgiving, BATTERY.test_groups_that_cannot_be_read_fail_the_reading, {"fault": "not allowed"}),
        (EveryoneActive, BATTERY.test_reads_every_status, {}),
    ],
)
def test_the_battery_notices_a_careless_directory(kind, test, more):
    app = FakePlain()
    app.start()
    connector = kind(BATTERY.settings(app))
    try:
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            test(app, connector, **more)
    finally:
        connector.close()
        app.stop()
