"""What an identity provider might push: forms that are nearly right. Each is taken, or refused in the standard's form
without a trace; never a fault of ours."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.db import db
from tests.fuzz.odd import deep, fuzzed, nearly, nearly_bytes, odd_texts, odd_values
from tests.web.provider import BULK, ENTERPRISE, ERROR, GROUP, PATCH, USER, Provider

TABLES = ("scim_resource", "scim_member", "person", "person_email", "directory_entry", "directory_group", "activity")
IDS = st.sampled_from(("ID", "GROUP", "none", "1", "0", "../Users", "ID/x", "%00", "ID?x", "x" * 300))
USERS: dict[str, Any] = {
    "schemas": [USER, ENTERPRISE],
    "userName": "ana@acme.example",
    "externalId": "e-1",
    "active": True,
    "displayName": "Ana Novak",
    "name": {"givenName": "Ana", "familyName": "Novak", "formatted": "Ana Novak"},
    "emails": [{"value": "ana@acme.example", "type": "work", "primary": True}, {"value": "a@acme.example"}],
    "phoneNumbers": [{"value": "+1 555", "type": "work"}],
    "title": "Engineer",
    "locale": "en",
    "roles": [{"value": "x"}],
    ENTERPRISE: {"employeeNumber": "7", "department": "IT", "manager": {"value": "ID"}},
    "meta": {"resourceType": "User"},
    "password": "geheim",
}
GROUPS: dict[str, Any] = {
    "schemas": [GROUP],
    "displayName": "Engineering",
    "externalId": "g-1",
    "members": [{"value": "ID", "display": "Ana", "type": "User"}],
}
PATHS = (
    "active",
    "userName",
    "emails",
    'emails[type eq "work"].value',
    "emails[primary eq true]",
    "name.familyName",
    "name",
    "members",
    'members[value eq "ID"]',
    f"{ENTERPRISE}:manager",
    f"{ENTERPRISE}:department",
    "displayName",
    "externalId",
    "id",
    "meta",
    "schemas",
    "nothing",
    "emails[",
    "emails[type eq]",
    "name.",
    ".",
    "a.b.c.d",
    'emails[type eq "x"].value.x',
    "members[value eq null]",
    "urn:x:y",
    f"{USER}:userName",
    f'{USER}:emails[value co "@"]',
    "password",
    "groups",
    "emails.value",
    'emails[type eq "work"][x pr]',
)
VALUES = (
    True,
    False,
    "false",
    "False",
    None,
    "new@acme.example",
    {"value": "ID"},
    [{"value": "ID"}],
    ["x"],
    {"active": False},
    1,
    [],
    {},
)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(("add", "replace", "remove", "Add", "REPLACE", "move", "", None))},
    optional={"path": st.sampled_from(PATHS) | odd_texts, "value": st.sampled_from(VALUES) | odd_values},
)
ATTRIBUTES = st.sampled_from(
    (
        "userName",
        "emails.value",
        "emails",
        "active",
        "meta.created",
        "id",
        "nothing",
        "name.givenName",
        "x.y.z",
        f"{ENTERPRISE}:department",
        "members.value",
        "1a",
        "$x",
        "",
    )
)
LITERALS = st.sampled_from(
    ('"ana"', '"', "true", "null", "1", "1e999", "9" * 40, '"2026-02-30T00:00:00Z"', '"\\u0000"', '"\\ud800"', "x", "")
)
FILTERS = st.recursive(
    st.builds(
        "{} {} {}".format,
        ATTRIBUTES,
        st.sampled_from(("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr", "EQ", "is", "")),
        LITERALS,
    ),
    lambda inner: (
        st.builds("{} {} {}".format, inner, st.sampled_from(("and", "or", "AND", "xor")), inner)
        | st.builds("({})".format, inner)
        | st.builds("not ({})".format, inner)
        | st.builds("emails[{}]".format, inner)
    ),
    max_leaves=6,
)
QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "filter": FILTERS | odd_texts,
        "startIndex": st.sampled_from(("0", "-5", "1", "2", "x", "9" * 30, "1.5", "")),
        "count": st.sampled_from(("0", "-1", "1", "1000000", "9" * 30, "x", "")),
        "sortBy": ATTRIBUTES,
        "cursor": odd_texts,
        "sortOrder": st.sampled_from(("ascending", "descending", "up", "")),
        "attributes": ATTRIBUTES,
        "excludedAttributes": ATTRIBUTES,
    },
)
PATCHES = st.builds(lambda operations: {"schemas": [PATCH], "Operations": operations}, st.lists(OPERATIONS, max_size=3))
BULKS = st.builds(
    lambda operations, stop: (
        {"schemas": [BULK], "Operations": operations} | ({} if stop is None else {"failOnErrors": stop})
    ),
    st.lists(
        st.fixed_dictionaries(
            {
                "method": st.sampled_from(("POST", "PUT", "PATCH", "DELETE", "GET", "post", "")),
                "path": st.sampled_from(
                    (
                        "/Users",
                        "/Groups",
                        "/Users/ID",
                        "/Groups/GROUP",
                        "/Bulk",
                        "/Users/bulkId:b1",
                        "Users",
                        "",
                        "/../Users",
                    )
                ),
            },
            optional={
                "bulkId": st.sampled_from(("b1", "b2", "", None, 1)),
                "version": odd_texts,
                "data": nearly(st.sampled_from((USERS, GROUPS)), 2) | PATCHES | odd_values,
            },
        ),
        max_size=4,
    ),
    st.none() | st.integers(-1, 3),
)
RAW = st.sampled_from(
    (
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b'{"schemas": ' + b"[" * 20_000,
        b"{" * 20_000,
        b"1" * 10_000,
        b'"\\ud800"',
        json.dumps(deep(500)).encode(),
        json.dumps({**USERS, "userName": "x" * 1_000_000}).encode(),
        json.dumps({**USERS, "emails": [{"value": f"a{n}@acme.example"} for n in range(3000)]}).encode(),
        json.dumps({**USERS, "externalId": 10**400}).encode(),
        b'{"a": 1e999, "a": NaN}',
    )
)


@pytest.fixture
def pushing(okta: Provider) -> Provider:
    """A directory with one person and one group; requests name their ids ID and GROUP."""
    okta.ids = {"ID": okta.add("leo@acme.example"), "GROUP": okta.add_group("Everyone")}
    return okta


def rows() -> dict[str, list[tuple]]:
    """All rows, without the note that a change was refused."""
    found = {table: db.execute_sql(f'SELECT * FROM "{table}"').fetchall() for table in TABLES}
    return found | {"activity": [row for row in found["activity"] if "directory needs a look" not in row]}


def send(provider: Provider, method: str, path: str, document: Any) -> None:
    """Sends it, and looks at the answer and at what it left behind."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    for name, id in provider.ids.items():
        body, path = body.replace(f'"{name}"'.encode(), f'"{id}"'.encode()), path.replace(name, id)
        body = body.replace(f"/{name}".encode(), f"/{id}".encode())
    before = rows()
    answer = provider.call(method, path, body if method != "GET" else None)
    assert answer.status_code < 500 or answer.status_code == 501, (method, path, body[:2000], answer.text)
    assert len(answer.data) < 5_000_000
    shown = json.loads(answer.text) if answer.text else None
    assert (shown is None) == ("Content-Type" not in answer.headers)
    if answer.status_code >= 400 and answer.status_code not in (404, 405) or (shown or {}).get("schemas") == [ERROR]:
        assert shown["schemas"] == [ERROR] and shown["status"] == str(answer.status_code), shown
        assert rows() == before, "refused, but something was written"
    if method == "GET":
        assert rows() == before, "reading has written"


@fuzzed
@given(document=nearly(st.sampled_from((USERS, GROUPS))), method=st.sampled_from(("POST", "PUT")), id=IDS)
def test_resources(pushing, document, method, id):
    kind = "Groups" if isinstance(document, dict) and document.get("schemas") == [GROUP] else "Users"
    send(pushing, method, f"/{kind}" if method == "POST" else f"/{kind}/{quote(id)}", document)


@fuzzed
@given(document=nearly(PATCHES, 2), kind=st.sampled_from(("/Users/ID", "/Groups/GROUP")))
def test_patches(pushing, document, kind):
    send(pushing, "PATCH", kind, document)


@fuzzed
@given(document=nearly(BULKS, 1))
def test_bulk(pushing, document):
    send(pushing, "POST", "/Bulk", document)


@fuzzed
@given(
    query=QUERIES,
    path=st.sampled_from(("/Users", "/Groups", "/", "/Schemas", "/ResourceTypes", "/Users/ID", "/Me", "/nothing")),
)
def test_queries(pushing, query, path):
    asked = "&".join(f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in query.items())
    send(pushing, "GET", f"{path}?{asked}", None)
    document = {name: int(value) if value.lstrip("-").isdigit() else value for name, value in query.items()}
    send(pushing, "POST", f"{path.replace('/ID', '')}/.search".replace("//", "/"), document)


@fuzzed
@given(
    body=nearly_bytes(RAW | st.sampled_from((USERS, GROUPS)).map(lambda document: json.dumps(document).encode())),
    where=st.sampled_from(
        (
            ("POST", "/Users"),
            ("PUT", "/Users/ID"),
            ("PATCH", "/Users/ID"),
            ("POST", "/Bulk"),
            ("POST", "/Groups"),
            ("POST", "/.search"),
            ("DELETE", "/Users/none"),
        )
    ),
)
def test_bytes(pushing, body, where):
    send(pushing, *where, body)
