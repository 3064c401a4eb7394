"""A mistake in a YAML file is reported with its line and the reason; a hostile file is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

import connectors
from connectors.base import ASSETS, INVITE, LOOK_UP, REMOVE
from connectors.rest.connector import connector_of
from connectors.rest.file import load
from connectors.rest.yaml_source import DEEPEST, DescriptionProblem, read

EXAMPLES = sorted((Path(__file__).resolve().parents[3] / "docs" / "connectors").glob("*.yaml"))
GOOD = """\
rollcall: 1
app: desk
label: Desk
fields:
  - {name: base_url, label: Address}
  - {name: token, label: Token, secret: true}
base_url: "{base_url}"
auth: {bearer: "{token}"}
accounts:
  - path: /users
    account:
      id: id
      email: email
"""


def problems(folder: Path, text: str | bytes) -> str:
    file = folder / "desk.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DescriptionProblem) as raised:
        load(file)
    return str(raised.value)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_examples_are_right(file):
    kind = connector_of(load(file))
    assert (kind.slug, kind.capabilities >= {REMOVE, LOOK_UP}) == (file.stem, True) and kind.docs


def test_the_smallest_file_of_the_page_is_right(tmp_path):
    page = (EXAMPLES[0].parents[1] / "connectors.md").read_text()
    (tmp_path / "desk.yaml").write_text(page.split("```yaml\n")[1].split("```")[0])
    assert [field.name for field in connector_of(load(tmp_path / "desk.yaml")).fields] == ["base_url", "token"]


def test_the_capabilities_follow_from_the_description(tmp_path):
    (tmp_path / "desk.yaml").write_text(GOOD)
    assert connector_of(load(tmp_path / "desk.yaml")).capabilities == frozenset()
    assets = "assets:\n  - {path: /teams, kind: team, asset: {id: id}}\n"
    more = f"{GOOD}    look_up: list\n{assets}invite: {{path: /users}}\n"
    (tmp_path / "desk.yaml").write_text(more)
    assert connector_of(load(tmp_path / "desk.yaml")).capabilities == {LOOK_UP, ASSETS, INVITE}


@pytest.mark.parametrize(
    "old, new, line, reason",
    [
        ("    account:", "    acount:", 11, "did you mean “account”?"),
        ("label: Desk", "label: Desk\nlabel: Desk 2", 4, "is given twice"),
        ("label: Desk\n", "", 1, "lacks “label”"),
        ("rollcall: 1", "rollcall: 2", 1, "must be 1"),
        ("app: desk", "app: Desk!", 2, "right form"),
        ("path: /users", "path: users", 10, "right form"),
        ("path: /users", "path: https://evil.example/users", 10, "right form"),
        ("path: /users", "path: /users\n    method: TRACE", 11, "must be one of GET"),
        ("path: /users", "path: /users/{who}", 10, "“{who}” isn't known here. You can use base_url"),
        ("path: /users", "path: /users/{", 10, "there is a single"),
        ("path: /users", "path: /users/{parent.id}", 10, "isn't known here"),
        ("path: /users", "path: /users\n    for_each: teams", 11, "no list called “teams”"),
        ("path: /users", "path: /users\n    name: us\n    for_each: us", 12, "itself depends on this list"),
        ("path: /users", "path: /users\n    paging: {page: {size: 0}}", 11, "0 is less than"),
        ("path: /users", "path: /users\n    paging: {page: {size: 5}, offset: {size: 5}}", 11, "exactly one of"),
        ("path: /users", "path: /users\n    paging: {cursor: {size: 5}}", 11, "say where the next cursor is"),
        ("id: id", "id: {values: {a: b}}", 12, "from, or const"),
        ("id: id", "id: {from: id, table: roles}", 12, "no table called “roles”"),
        ("email: email", "status: state", 13, "needs “values”"),
        ("email: email", "status: {from: state, values: {on: enabled}}", 13, "maps to “enabled”"),
        ("email: email", "last_activity: {from: at, time: whenever}", 13, "isn't a time format"),
        ("email: email", "last_activity: {from: at, zone: Mars/Olympus}", 13, "no time zone"),
        ("email: email", "last_activity: {from: at, zone: ../../etc/passwd}", 13, "no time zone"),
        ('base_url: "{base_url}"', "base_url: http://desk.example", 7, "must begin with https://"),
        ('base_url: "{base_url}"', "base_url: http://127.0.0.1.evil.example", 7, "must begin with https://"),
        ('base_url: "{base_url}"', "base_url: http://localhost@evil.example", 7, "name a host"),
        ('base_url: "{base_url}"', "base_url: file:///etc/passwd", 7, "must begin with https://"),
        ("secret: true", "secret: false", 8, "mark it “secret: true”"),
        ('"{token}"', "abc123", 8, "must not be in the file"),
        ("name: token", "name: account", 6, "can't be called “account”"),
        ("name: token", "name: base_url", 6, "two fields called"),
        ("label: Token", "label: Token, pattern: '('", 6, "isn't a regular expression"),
        ("label: Desk", "label: Desk\ntls: {authority: no.pem}", 4, "no file no.pem"),
        ("label: Desk", "label: [Desk]", 3, "must be text"),
        ("label: Desk", "label: &x Desk", 3, "anchors"),
        ("label: Desk", "label: !!python/object/apply:os.system [id]", 3, "tag"),
        ("label: Desk", "label: Desk\n  x: y", 4, "not YAML"),
        ("accounts:", "lists:\n  <<: {a: b}\naccounts:", 10, "merging"),
        ("accounts:", "lists:\n  " + "[\n" * 40 + "accounts:", 41, "too deeply"),  # none of them is closed
    ],
)
def test_each_problem_has_its_line_and_reason(tmp_path, old, new, line, reason):
    assert GOOD.count(old) >= 1
    shown = problems(tmp_path, GOOD.replace(old, new, 1))
    assert f"desk.yaml, line {line}: " in shown and reason in shown


def test_several_problems_are_reported_at_once_in_order(tmp_path):
    shown = problems(tmp_path, GOOD.replace("label: Desk", "lable: Desk").replace("email: email", "mail: email"))
    assert [line.split(":")[0] for line in shown.splitlines()] == [f"desk.yaml, line {number}" for number in (1, 3, 13)]


@pytest.mark.parametrize(
    "text",
    [
        b"", b"\xff\xfe\x00", b"a: \x00", b"- 1", b"just text", b"[" * 5000, b"{a: " * 5000, b"x: " + b"y" * 300_000,
        b"a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]", b"--- {}\n--- {}", b"? [a]\n: b", b"rollcall: !!set {x}",
        b"? !!python/name:os.system\n: x", b"%TAG ! tag:evil,2026:\n---\n!x {}", b"rollcall: !!timestamp 2026-01-01",
        "rollcall: 1\u202e".encode(),
    ],
    ids=range(16),
)  # fmt: skip
def test_a_hostile_file_is_a_problem_and_no_crash(tmp_path, text):
    assert "desk.yaml, line " in problems(tmp_path, text)


@pytest.mark.parametrize("kind", ["in brackets", "by dashes"])
def test_lists_may_be_nested_thirty_deep(kind):
    def nested(lists: int) -> object:
        text = "[" * lists + "x" + "]" * lists if kind == "in brackets" else "- " * lists + "x"
        return read(text, "desk.yaml").data

    found, depth = nested(DEEPEST), 0
    while isinstance(found, list):
        [found], depth = found, depth + 1
    assert (found, depth) == ("x", 30)
    with pytest.raises(DescriptionProblem, match="nested too deeply"):
        nested(DEEPEST + 1)


def test_words_that_older_yaml_took_for_truth_stay_words(tmp_path):
    (tmp_path / "desk.yaml").write_text(GOOD.replace("label: Desk", "label: no\ncategory: Paid social\nrole_word: on"))
    kind = connector_of(load(tmp_path / "desk.yaml"))
    assert (kind.label, kind.role_word) == ("no", "on")


# The folder of an installation


@pytest.fixture
def folder(tmp_path):
    yield tmp_path
    connectors.load_folder(tmp_path / "nothing here")
    assert "desk" not in connectors.app_connectors()


def test_files_in_the_folder_are_in_the_catalogue(folder):
    (folder / "desk.yaml").write_text(GOOD)
    connectors.load_folder(folder)
    known = connectors.app_connectors()
    assert known["desk"].label == "Desk" and "scim" in known and connectors.broken_files() == ()


@pytest.mark.parametrize("second, reason", [
    ("label: 7", "line 1: "),
    (GOOD, "“app: desk” is already the name of Desk"),
    (GOOD.replace("app: desk", "app: scim"), "“app: scim” is already the name of SCIM 2.0"),
])  # fmt: skip
def test_a_broken_file_is_reported_and_hinders_no_other(folder, second, reason):
    (folder / "a.yaml").write_text(GOOD)
    (folder / "b.yaml").write_text(second)
    connectors.load_folder(folder)
    [shown] = connectors.broken_files()
    assert shown.startswith("b.yaml, line ") and reason in shown
    assert connectors.app_connectors()["desk"].label == "Desk"
    assert connectors.app_connectors()["scim"].label == "SCIM 2.0"
