"""Our SCIM server as its own process, before clients of another maker: scim2-tester whole, and many at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.cli.conftest import CommandLine, empty, forks, rollcall, set_up  # noqa: F401
from tests.parts import need

USER = "urn:ietf:params:scim:schemas:core:2.0:User"


class Served:
    """The address and the token of a directory that pushes, and requests with it."""

    def __init__(self, rollcall: CommandLine):  # noqa: F811
        self.rollcall = rollcall
        added = rollcall.json("directory", "add", "scim", "--name", "Okta")
        self.url, self.headers = added["url"], {"Authorization": f"Bearer {added['token']}"}

    def call(self, method: str, path: str, body: dict | None = None, **headers: str) -> requests.Response:
        return requests.request(method, self.url + path, json=body, headers=self.headers | headers, timeout=60)


@pytest.fixture
def served(rollcall: CommandLine) -> Iterator[Served]:  # noqa: F811
    with rollcall.served():
        yield Served(rollcall)


def test_scim2_tester_finds_nothing_to_say(served: Served) -> None:
    """Each check is a success: none is skipped, none is merely acceptable."""
    need("scim2_tester")
    from httpx2 import Client
    from scim2_client.engines.httpx2 import SyncSCIMClient
    from scim2_tester import Status, check_server

    with Client(base_url=served.url, headers=served.headers, trust_env=False) as client:
        results = check_server(SyncSCIMClient(client))
    wrong = [f"{one.status.name} {one.title} {one.resource_type}: {one.reason}"
             for one in results if one.status is not Status.SUCCESS]  # fmt: skip
    assert not wrong, "\n".join(wrong)
    assert len(results) >= 130 and {one.resource_type for one in results} >= {"User", "Group"}


def test_two_write_at_once_and_neither_is_lost(served: Served) -> None:
    user = served.call("POST", "/Users", {"schemas": [USER], "userName": "ana@acme.example"}).json()["id"]
    group = served.call("POST", "/Groups", {"displayName": "Staff"}).json()["id"]

    def write(number: int) -> int:
        add = {"op": "add", "path": "members", "value": [{"value": f"member-{number}"}]}
        mail = {"op": "add", "path": "emails", "value": [{"value": f"a{number}@acme.example", "type": f"t{number}"}]}
        one = served.call("PATCH", f"/Groups/{group}", {"Operations": [add]})
        other = served.call("PATCH", f"/Users/{user}", {"Operations": [mail]})
        return max(one.status_code, other.status_code)

    with ThreadPoolExecutor(8) as threads:
        assert max(threads.map(write, range(24))) < 300
    assert len(served.call("GET", f"/Groups/{group}").json()["members"]) == 24
    assert len(served.call("GET", f"/Users/{user}").json()["emails"]) == 24


def test_of_two_with_the_same_version_one_wins(served: Served) -> None:
    user = served.call("POST", "/Users", {"schemas": [USER], "userName": "ana@acme.example"})
    version, path = user.headers["ETag"], f"/Users/{user.json()['id']}"

    def write(title: str) -> int:
        body = {"Operations": [{"op": "replace", "path": "title", "value": title}]}
        return served.call("PATCH", path, body, **{"If-Match": version}).status_code

    with ThreadPoolExecutor(4) as threads:
        assert Counter(threads.map(write, ("a", "b", "c", "d"))) == {200: 1, 412: 3}


def test_the_same_user_created_at_once_is_one(served: Served) -> None:
    def create(name: str) -> int:
        body = {"schemas": [USER], "userName": name, "emails": [{"value": "ana@acme.example"}]}
        return served.call("POST", "/Users", body).status_code

    with ThreadPoolExecutor(4) as threads:
        assert Counter(threads.map(create, ("ana", "ANA", "Ana", "aNA"))) == {201: 1, 409: 3}
    assert served.call("GET", "/Users").json()["totalResults"] == 1


def test_ten_megabytes_are_refused_and_the_next_is_served(served: Served) -> None:
    large = served.call("POST", "/Users", {"schemas": [USER], "userName": "x", "title": "x" * 10_000_000})
    assert large.status_code == 413 and large.json()["status"] == "413"
    assert served.call("POST", "/Users", {"schemas": [USER], "userName": "x"}).status_code == 201
