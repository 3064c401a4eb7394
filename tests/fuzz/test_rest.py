"""Connectors described in YAML: files that are nearly right, and apps that answer what nobody expects.
A file is taken or refused with what is wrong; a reading gives accounts or one of the connectors' four errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Account, ConnectorError
from connectors.rest.connector import connector_of
from connectors.rest.file import load
from connectors.rest.yaml_source import DescriptionProblem
from connectors.tools.http import Http
from tests.connectors.fake import Reply
from tests.fuzz.odd import fuzzed, nearly, nearly_bytes, odd_texts, odd_values

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "docs" / "connectors").glob("*.yaml"))
TEXTS = st.sampled_from(EXAMPLES).map(Path.read_bytes)
DOCUMENTS = st.sampled_from([yaml.safe_load(file.read_text()) for file in EXAMPLES])
TEMPLATES = st.sampled_from(
    (
        "{",
        "}",
        "{}",
        "{base_url}",
        "{token}",
        "{account.id}",
        "{{x}}",
        "{a.b.c}",
        "{ token }",
        "https://{base_url}@x",
        "*.*.*",
        "a..b",
        ".",
        "https://acme.example/{token}",
        "//x",
        "/users/{account.email}",
        "?a={token}",
        "list",
        200,
        [404],
        {"from": "x", "values": {}},
    )
)
WORDS = st.sampled_from(
    (
        b"&a [*a]",
        b"*x",
        b"!!python/object/apply:os.system [x]",
        b"<<: *a",
        b"? x",
        b"---\n",
        b"...\n",
        b"%YAML 9.9\n",
        b"\t",
        b"\0",
        b"\xff",
        b"{" * 200,
        b"[" * 2000,
        b"1" * 5000,
        b"0x" + b"f" * 3000,
        b"1e999",
        b"2026-02-30",
        b"a: &a {b: *a}",
        b"!!binary x",
        b"!!set {a}",
        b"!!timestamp x",
        b"1:" * 50 + b"1",
        b"- " * 500,
    )
)


def taken(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    try:
        kind = connector_of(load(file))
    except DescriptionProblem as refused:
        assert 0 < len(str(refused)) < 20_000
        return
    assert kind.slug and kind.fields is not None and kind.capabilities is not None


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tried.yaml"


@fuzzed
@given(document=nearly(DOCUMENTS, values=odd_values | TEMPLATES))
def test_descriptions(file, document):
    taken(file, json.dumps(document).encode())  # JSON is YAML


@fuzzed
@given(
    content=nearly_bytes(TEXTS, 6) | st.builds(b"".join, st.lists(WORDS | TEXTS, max_size=4)) | st.binary(max_size=100)
)
def test_bytes(file, content):
    taken(file, content)


# What apps answer

RIGHT = {
    "data": [
        {
            "id": "u-1",
            "email": "ana@acme.example",
            "first_name": "Ana",
            "last_name": "Novak",
            "status": "active",
            "role": "r-1",
            "last_access": "2026-11-01T10:00:00Z",
            "role_name": "Admin",
            "policies": [{"policy": {"admin_access": True}}],
        },
        {"id": "u-2", "email": "leo@acme.example", "status": "invited", "role": None, "name": "Leo"},
    ],
    "users": [{"name": "@ana:acme.example", "deactivated": 0, "admin": 1, "displayname": "Ana", "last_seen_ts": 1}],
    "total": 2,
    "meta": {"filter_count": 2},
    "next_token": None,
}
BODIES = st.one_of(
    nearly(st.just(RIGHT), 4),
    odd_values,
    st.just(RIGHT["data"]),
    nearly(st.just(RIGHT["data"]), 3),
    nearly(
        st.just(
            [{"name": "ana", "kind": "user", "admin": True, "last_activity": None, "roles": ["user"], "groups": []}]
        ),
        3,
    ),
)
STATUSES = st.sampled_from((200, 200, 200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 410, 418, 429, 500, 503))
HEADERS = st.dictionaries(
    st.sampled_from(
        ("Retry-After", "Link", "Location", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Date", "ETag", "Set-Cookie")
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
    | st.sampled_from(
        (
            "0",
            "-1",
            "9" * 20,
            "Wed, 31 Feb 2026 99:99:99 GMT",
            '<x>; rel="next"',
            "<//evil.example/>; rel=next",
            "/",
            "file:///etc/passwd",
        )
    ),
    max_size=2,
)
ANSWERS = st.builds(
    Reply,
    STATUSES,
    BODIES.map(lambda body: json.dumps(body)) | odd_texts.map(lambda text: text.encode("utf-8", "replace")),
    HEADERS,
)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = {**Http.__init__.__kwdefaults__, "retries": 0, "patience": 0, "pause": lambda seconds: None}
    monkeypatch.setattr(Http.__init__, "__kwdefaults__", defaults)


@fuzzed
@given(example=st.sampled_from(EXAMPLES), answers=st.lists(ANSWERS, min_size=1, max_size=4))
def test_readings(anything, quick, example, answers):
    kind, left = connector_of(load(example)), list(answers)
    anything.answer = lambda request: (
        left.pop(0) if len(left) > 1 else Reply(200, json.dumps({"data": [], "users": [], "total": 0}))
    )
    values = {
        field.name: anything.url if field.name in ("base_url", "url", "address") else "x" for field in kind.fields
    }
    connector = kind(values)
    try:
        for read in (connector.accounts, connector.roles, connector.test):
            try:
                found = read()
                if read == connector.accounts:
                    for account in found:
                        assert isinstance(account, Account) and account.id and isinstance(account.id, str)
                        assert isinstance(account.email, str) and isinstance(account.status, str)
                elif read == connector.roles:
                    list(found)
            except ConnectorError as problem:
                assert 0 < len(str(problem)) < 2000
    finally:
        connector.close()
