"""An identity provider before the pages: its requests to /scim/v2 with its directory's token, and the answers."""

from __future__ import annotations

import json
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from sync.directory import push
from sync.models import Directory, DirectoryEntry, Person
from sync.rank import Asker
from tests.asking import MACHINE

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class Provider:
    """One directory that pushes. `post`, `get`, … give the whole answer; `add`, `patch` expect it to be taken."""

    def __init__(self, site: Flask, name: str, by: Asker = MACHINE):
        self.directory, self.token = push.connect(name, by)
        self.client = site.test_client(use_cookies=False)

    def call(self, method: str, path: str, document: Any = None, **headers: str) -> TestResponse:
        body = document if document is None or isinstance(document, bytes) else json.dumps(document).encode()
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(f"/scim/v2{path}", method=method, data=body, headers=sent)

    def get(self, path: str, **asked: str) -> Any:
        answer = self.client.get(
            f"/scim/v2{path}", query_string=asked, headers={"Authorization": f"Bearer {self.token}"}
        )
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text)

    def add(self, email: str, **document: Any) -> str:
        """A user whose userName is this address; its id."""
        answer = self.call("POST", "/Users", {"schemas": [USER], "userName": email, "active": True} | document)
        assert answer.status_code == 201, answer.text
        return json.loads(answer.text)["id"]

    def add_group(self, name: str, *members: str) -> str:
        document = {"schemas": [GROUP], "displayName": name, "members": [{"value": member} for member in members]}
        answer = self.call("POST", "/Groups", document)
        assert answer.status_code == 201, answer.text
        return json.loads(answer.text)["id"]

    def patch(self, path: str, *operations: dict) -> Any:
        """What is there afterwards."""
        answer = self.call("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})
        assert answer.status_code in (200, 204), answer.text
        return self.get(path)

    def deactivate(self, user: str) -> None:
        self.patch(f"/Users/{user}", {"op": "replace", "value": {"active": False}})

    def entry(self, user: str) -> DirectoryEntry:
        return DirectoryEntry.get(DirectoryEntry.directory == self.directory, DirectoryEntry.external_id == user)

    def person(self, user: str) -> Person:
        return Person.get_by_id(self.entry(user).person_id)

    def row(self) -> Directory:
        return Directory.get_by_id(self.directory.id)


def problem(answer: TestResponse) -> tuple[int, str | None]:
    """The status and scimType of a refusal, which must be one in the standard's form."""
    document = json.loads(answer.text)
    assert answer.content_type == "application/scim+json" and document["schemas"] == [ERROR], answer.text
    assert document["status"] == str(answer.status_code) and document["detail"]
    return answer.status_code, document.get("scimType")
