"""Reads a YAML file that describes an app, and checks it against the schema and for sense. Each problem has a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from connectors.rest import schema
from connectors.rest.template import QUERY, bare, is_template, names_in
from connectors.rest.yaml_source import DescriptionProblem, Marked, Place, as_text, read

CALL = ("path", "query", "headers", "body", "form")
RESERVED = {"account", "asset", "role", "roles", "email", "parent", "item", "kept", "login", "value", "key"}
ACCOUNT = {f"account.{name}" for name in ("id", "email", "name", "role", "status", "seat")}
ASSET = {f"asset.{name}" for name in ("id", "kind", "name")}
OPERATIONS = {
    "remove": ACCOUNT,
    "change_role": ACCOUNT | {"role", "roles"},
    "grant": ACCOUNT | ASSET | {"role"},
    "revoke": ACCOUNT | ASSET,
}
STATUSES, KINDS = {"active", "invited", "suspended"}, {"user", "system"}
LOOPBACK = ("127.0.0.1", "localhost", "::1")
ENTRIES = ("roles", "accounts", "assets", "access", "lists")


@dataclass(frozen=True)
class Description:
    """A checked file: its data, and the path of the certificate authority's file, if it names one."""

    file: Path
    spec: dict[str, Any]
    authority: str | None


def load(file: Path) -> Description:
    """The description in a file. Raises DescriptionProblem with the line and the reason of each problem."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it isn't UTF-8 text"
        raise DescriptionProblem(file.name, [(1, f"the file can't be read: {reason}.")]) from None
    marked = read(text, file.name)
    found = list(schema.problems(marked.data)) or list(_Sense(marked.data, file).problems())
    if found:
        raise DescriptionProblem(file.name, list(dict.fromkeys(_at_lines(marked, found))))
    authority = marked.data.get("tls", {}).get("authority")
    return Description(file, marked.data, str(file.parent / authority) if authority else None)


def _at_lines(marked: Marked, found: list[tuple[Place, str]]) -> Iterator[tuple[int, str]]:
    return ((marked.line(place), reason) for place, reason in found)


class _Sense:
    """Checks what the schema can't express: whether names lead somewhere, and values mean something."""

    def __init__(self, spec: dict, file: Path):
        self._spec, self._file = spec, file
        self._fields = {field["name"]: field for field in spec.get("fields", [])}
        self._named = {entry["name"]: entry for _, entry in self._lists() if "name" in entry}

    def _lists(self) -> Iterator[tuple[Place, dict]]:
        for section in ENTRIES:
            for number, entry in enumerate(self._spec.get(section, [])):
                if "path" in entry:
                    yield (section, number), entry
        for name, entry in self._spec.get("tables", {}).items():
            yield ("tables", name), entry

    def problems(self) -> Iterator[tuple[Place, str]]:
        yield from self._about_fields()
        yield from self._about_addresses()
        yield from self._about_credential()
        yield from self._about_calls()
        yield from self._about_lists()
        yield from self._about_values(self._spec, ())
        yield from self._about_meaning()
        yield from self._about_version()

    def _about_fields(self) -> Iterator[tuple[Place, str]]:
        names = [field["name"] for field in self._spec.get("fields", [])]
        for number, field in enumerate(self._spec.get("fields", [])):
            place = ("fields", number, "name")
            if field["name"] in RESERVED:
                yield place, f"a field can't be called “{field['name']}”: Rollcall uses that name itself."
            if names.index(field["name"]) != number:
                yield place, f"there are two fields called “{field['name']}”."
            try:
                re.compile(field.get("pattern", ""))
            except re.error as problem:
                yield ("fields", number, "pattern"), f"the pattern isn't a regular expression: {problem}."

    def _about_version(self) -> Iterator[tuple[Place, str]]:
        try:
            date.fromisoformat(self._spec.get("api_version", {}).get("ends", "2000-01-01"))
        except ValueError:
            yield ("api_version", "ends"), "there is no such day: write it as 2027-10-01."

    def _about_addresses(self) -> Iterator[tuple[Place, str]]:
        yield from self._about_address(("base_url",), self._spec["base_url"])
        if "oauth2" in self._spec.get("auth", {}):
            yield from self._about_address(("auth", "oauth2", "token_url"), self._spec["auth"]["oauth2"]["token_url"])
        authority = self._spec.get("tls", {}).get("authority")
        if authority and not (self._file.parent / authority).is_file():
            yield ("tls", "authority"), f"there is no file {authority} beside this one."

    def _about_address(self, place: Place, text: str) -> Iterator[tuple[Place, str]]:
        yield from self._about_names(place, text, set())
        if text.startswith("{") and not text.startswith("{{"):
            return  # a field: the client refuses plain HTTP when it is used
        try:
            parts = urlsplit(re.sub(r"\{[^{}]*\}", "x", text))
            host = parts.hostname
        except ValueError:
            parts = host = None
        if not host or parts.scheme not in ("https", "http") or parts.username is not None:
            yield place, "the address must begin with https:// and name a host, or be a single field."
        elif parts.scheme == "http" and not re.match(
            rf"http://\[?({'|'.join(map(re.escape, LOOPBACK))})\]?(:|/|$)", text
        ):
            yield place, "the address must begin with https://, so that nobody on the network can read the credential."

    def _about_credential(self) -> Iterator[tuple[Place, str]]:
        """A value that is sent as a credential must come from a secret field."""
        auth, secret = self._spec.get("auth", {}), {name for name, field in self._fields.items() if field.get("secret")}
        hidden = (
            ("bearer",),
            ("basic", "password"),
            ("header", "value"),
            ("query", "value"),
            ("oauth2", "client_secret"),
        )
        for path in hidden:
            text = auth.get(path[0], "") if len(path) == 1 else auth.get(path[0], {}).get(path[1], "")
            for name in _names(text):
                if name in self._fields and name not in secret:
                    yield ("auth", *path), f"the field “{name}” is sent as a credential: mark it “secret: true”."
            if text and not _names(text):
                yield ("auth", *path), "the credential must not be in the file: ask for it with a secret field."
        if "login" in auth and not secret & {name for key in CALL for name in _names(auth["login"].get(key))}:
            yield ("auth", "login"), "logging in needs a field that is “secret: true”, such as a password."

    def _about_calls(self) -> Iterator[tuple[Place, str]]:
        """Each call may only use names that are known in its place."""
        yield from self._about_names(("headers",), self._spec.get("headers", {}), set())
        auth = self._spec.get("auth", {})
        yield from self._about_names(("auth",), {**auth, "login": {}}, set())
        login = auth.get("login", {})
        yield from self._about_call(("auth", "login"), login, set())
        yield from self._about_names(("auth", "login", "send"), login.get("send", {}), {"login.token"})
        yield from self._about_identity(self._spec.get("identity", {}))
        for place, entry in self._lists():
            inside = {"parent.*"} if "for_each" in entry else set()
            yield from self._about_call(place, entry, inside)
            yield from self._about_call((*place, "detail"), entry.get("detail", {}), inside | {"item.*"})
            if isinstance(entry.get("look_up"), dict):
                yield from self._about_call((*place, "look_up"), entry["look_up"], {"account.id"})
            for operation, names in OPERATIONS.items():
                yield from self._about_operation((*place, operation), entry.get(operation), names)
        yield from self._about_operation(("invite",), self._spec.get("invite"), {"email", "role"})

    def _about_operation(self, place: Place, operation: Any, names: set[str]) -> Iterator[tuple[Place, str]]:
        names = set(names)
        for number, call in enumerate(operation if isinstance(operation, list) else [operation] if operation else []):
            at = (*place, number) if isinstance(operation, list) else place
            yield from self._about_call(at, call, names)
            yield from self._about_empty_values(at, call)
            yield from self._about_keep(at, call)
            names |= {f"kept.{name}" for name in call.get("keep", {})}

    def _about_empty_values(self, place: Place, call: dict) -> Iterator[tuple[Place, str]]:
        """Without one of its values, an operation would reach further than it should."""
        for part in CALL:
            for name in _names(call.get(part)):
                field = self._fields.get(name, {})
                usual = field.get("choices", [{"value": ""}])[0]["value"]
                if not field.get("required", True) and not usual:
                    yield (*place, part), (
                        f"the field “{name}” may be left empty, and the call would then be sent without it: make the "
                        f"field required, or write {{{name}?}} if that is intended."
                    )

    def _about_keep(self, place: Place, call: dict) -> Iterator[tuple[Place, str]]:
        if "keep" in call and "method" not in call:
            yield (*place, "keep"), "add the call's “method”: GET if it only reads. Without one, it is a POST."
        for name, where in call.get("keep", {}).items():
            if isinstance(where, str) and where.split(".")[0] == "headers":
                keys = where.split(".")
                yield (*place, "keep", name), (
                    f"a path names a place in the answer's JSON. For a header, write {{header: {keys[-1]}}}. If the "
                    f"JSON itself has “headers”, write a list of keys, [{', '.join(keys)}]."
                )

    def _about_identity(self, identity: dict) -> Iterator[tuple[Place, str]]:
        """“identity”: a call that returns who the credential belongs to, or fields that say it."""
        yield from self._about_call(("identity",), identity, set())
        if not identity:
            return
        if "id" in identity and "account" in identity:
            yield ("identity", "account"), "“account: false” means that the credential has no account: remove “id”."
        if "path" in identity:
            return
        for key in identity.keys() - {"id", "name", "account", "may"}:
            yield ("identity", key), f"“{key}” needs a call: add its “path”."
        if not identity.keys() & {"id", "account"}:
            yield ("identity",), "say which account the credential has: add “path” and “id”, or an id such as “{user}”."
        for key in identity.keys() & {"id", "name"}:
            names = _names(identity[key])
            if not names:
                yield ("identity", key), "without a “path”, this must be text that contains a field, such as “{user}”."
            yield from self._about_names(("identity", key), identity[key], set())
            for name in names:
                if self._fields.get(name, {}).get("secret"):
                    yield ("identity", key), f"the field “{name}” is secret, but this text is shown to people."

    def _about_call(self, place: Place, call: dict, names: set[str]) -> Iterator[tuple[Place, str]]:
        if "body" in call and "form" in call:
            yield (*place, "form"), "a call has a body or a form, not both."
        for part in CALL:
            if part in call:
                yield from self._about_names((*place, part), call[part], names)
        if any(name.endswith("?") for name in _names(QUERY.split(call.get("path", ""))[0])):
            yield (*place, "path"), "a path needs each of its values: “?” is allowed in the query, headers and body."

    def _about_names(self, place: Place, node: Any, names: set[str]) -> Iterator[tuple[Place, str]]:
        try:
            for inner, name in ((inner, bare(name)) for inner, name in names_in(node)):
                if name not in self._fields and name not in names and f"{name.split('.')[0]}.*" not in names:
                    may = ", ".join(sorted({*self._fields, *names})) or "nothing"
                    yield (*place, *inner), f"“{{{name}}}” isn't known here. You can use {may}."
        except ValueError as problem:
            yield place, f"{problem}."

    def _about_lists(self) -> Iterator[tuple[Place, str]]:
        counted: set[str] = set()
        for place, entry in self._lists():
            name = entry.get("name")
            if name in counted:
                yield (*place, "name"), f"there are two lists called “{name}”."
            counted.add(name or "")
            outer = entry.get("for_each")
            if outer is not None and outer not in self._named:
                yield (*place, "for_each"), f"there is no list called “{outer}”: give that name to the list you mean."
            elif outer is not None and self._is_circle(entry):
                yield (*place, "for_each"), f"“{outer}” itself depends on this list."
            cursor = entry.get("paging", {}).get("cursor")
            if cursor is not None and not {"next", "next_header", "last"} & cursor.keys():
                yield (*place, "paging", "cursor"), "say where the next cursor is: next, next_header or last."
            if place[0] == "access" and "asset" not in entry["access"] and self._spec_of_asset(entry) is None:
                yield (*place, "access"), "say which asset it is: “asset”, or for_each over a list of assets."

    def _is_circle(self, entry: dict) -> bool:
        seen = []
        while entry is not None and "for_each" in entry:
            if entry in seen:
                return True
            seen.append(entry)
            entry = self._named.get(entry["for_each"])
        return False

    def _spec_of_asset(self, entry: dict) -> dict | None:
        return next((one for one in self._spec.get("assets", []) if one.get("name") == entry.get("for_each", "")), None)

    def _about_values(self, node: Any, place: Place) -> Iterator[tuple[Place, str]]:
        """Every mapped value: in account, asset, access, role and identity, and the key and value of a table."""
        if isinstance(node, list):
            for number, one in enumerate(node):
                yield from self._about_values(one, (*place, number))
        elif isinstance(node, dict):
            for key, inner in node.items():
                mapped = key in ("account", "asset", "access", "role") and isinstance(inner, dict)
                for name, value in inner.items() if mapped else ():
                    yield from self._about_value((*place, key, name), value)
                yield from self._about_values(inner, (*place, key)) if not mapped else ()
            for key in ("key", "value") if place[:1] == ("tables",) and len(place) == 2 else ():
                yield from self._about_value((*place, key), node[key])
            for key in ("name", "id") if place == ("identity",) else ():
                yield from self._about_value((*place, key), node.get(key, "."))
            if place == ("time",):
                yield from _about_time(place, node.get("format"), node.get("zone"))

    def _about_value(self, place: Place, value: str | list | dict) -> Iterator[tuple[Place, str]]:
        rich = value if isinstance(value, dict) else {"from": value}
        if "from" not in rich and "const" not in rich:
            yield place, f"“{place[-1]}” must say where the value comes from: from, or const."
        sources = rich.get("from", [])
        for source in sources if isinstance(sources, list) else [sources]:
            try:
                list(names_in(source)) if is_template(source) else ()
            except ValueError as problem:
                yield place, f"{problem}."
        if "table" in rich and rich["table"] not in self._spec.get("tables", {}):
            yield (*place, "table"), f"there is no table called “{rich['table']}”."
        yield from _about_time(place, rich.get("time"), rich.get("zone"))

    def _about_meaning(self) -> Iterator[tuple[Place, str]]:
        for number, entry in enumerate(self._spec["accounts"]):
            for name, words in (("status", STATUSES), ("kind", KINDS)):
                yield from _about_words(("accounts", number, "account", name), entry["account"].get(name), words)
        fixed = [role for role in self._spec.get("roles", []) if "path" not in role]
        if sum(role.get("default", False) for role in fixed) > 1:
            yield ("roles",), "only one role can be the default."
        came: set[str] = set()
        for number, entry in enumerate(self._spec["accounts"]):
            prefix = entry.get("prefix", "")
            for key in entry.keys() & {"look_up", "remove", "change_role"} if prefix in came else ():
                yield (
                    ("accounts", number, key),
                    f"“{key}” must be in the first list with these ids. Move it there, or give this list a prefix.",
                )
            came.add(prefix)


def _names(node: Any) -> set[str]:
    try:
        return {name for _, name in names_in(node)}
    except ValueError:
        return set()


def _about_words(place: Place, value: Any, words: set[str]) -> Iterator[tuple[Place, str]]:
    if not isinstance(value, dict):
        if value is not None:
            yield place, f"“{place[-1]}” needs “values” that map to {', '.join(sorted(words))}, or a const."
        return
    given = [*value.get("values", {}).values(), *(value[key] for key in ("const", "default") if key in value)]
    for one in given:
        if as_text(one) not in words:
            yield place, f"“{place[-1]}” maps to “{as_text(one)}”, but must be one of {', '.join(sorted(words))}."
    if "const" not in value and "values" not in value:
        yield place, f"“{place[-1]}” needs “values” that map to {', '.join(sorted(words))}."


def _about_time(place: Place, form: str | None, zone: str | None) -> Iterator[tuple[Place, str]]:
    if form and form not in ("iso", "seconds", "milliseconds"):
        try:
            datetime.strptime(datetime(2026, 11, 24, 9, 30).strftime(form), form)
        except (ValueError, re.error):
            yield place, f"“{form}” isn't a time format: iso, seconds, milliseconds, or one such as %d.%m.%Y %H:%M."
        else:
            if "%" not in form:
                yield (
                    place,
                    f"“{form}” isn't a time format: iso, seconds, milliseconds, or one such as %d.%m.%Y %H:%M.",
                )
    if zone:
        try:
            ZoneInfo(zone)
        except (ValueError, OSError, KeyError):
            yield place, f"there is no time zone “{zone}”: Europe/Berlin is one."
