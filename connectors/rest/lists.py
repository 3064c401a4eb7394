"""Reads the lists that a YAML file describes: page by page, for each parent, nested or joined.
A list is read whole, or the reading raises TemporarilyUnavailable."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

import msgspec

from connectors.base import TemporarilyUnavailable
from connectors.memory import KnownItems, Unchanged
from connectors.rest.client import Client
from connectors.rest.template import find, keys_of
from connectors.rest.values import Value, holds, in_order
from connectors.rest.yaml_source import as_text
from connectors.tools.answers import decoded
from connectors.tools.http import Answer, NotFound
from connectors.tools.items import Fresh, opening
from connectors.tools.paging import (
    ListChanged,
    NoList,
    Page,
    next_link,
    number,
    pages_by_cursor,
    pages_by_link,
    pages_by_number,
    pages_by_offset,
)

View = dict[str, Any]  # an item: its fields, or its `value` and `key`, and the `parent` that it was read for


class Lists:
    """The lists of one connected app. `named`: the lists that “for_each” may name. `tables`: the file's tables."""

    def __init__(self, client: Client, named: Mapping[str, dict], tables: Mapping[str, dict]):
        self._client, self._named, self._table_specs = client, named, tables
        self._tables: dict[str, dict[str, list]] = {}

    def clear_tables(self) -> None:
        self._tables.clear()

    def table(self, name: str) -> dict[str, list]:
        """A table, key → its values. Its list is read whole when the table is first needed, and is kept until
        clear_tables()."""
        if name not in self._tables:
            spec = self._table_specs[name]
            key, value = Value(spec["key"], f"key of {name}"), Value(spec["value"], f"value of {name}")
            ranks = {as_text(one): rank for rank, one in enumerate(spec.get("prefer", []))}
            made: dict[str, list] = {}
            for item in self.items(spec, name):
                made.setdefault(key.text(item, self.table), []).extend(value.translated(item, self.table))
            self._tables[name] = {of: in_order(values, ranks) for of, values in made.items()}
        return self._tables[name]

    def items(self, spec: dict, what: str, id_of: Callable[[View], str] | None = None,
              on_total: Callable[[int], None] | None = None) -> Iterator[View]:  # fmt: skip
        """Every item of the list. `what`: the list's name for messages. `id_of`: returns an item's id, by which items
        that come twice are found."""
        if "for_each" not in spec:
            yield from self._one_list(spec, what, None, id_of, on_total)
            return
        outer = self._named[spec["for_each"]]
        for parent in self.items(outer, spec["for_each"]):
            try:
                yield from self._one_list(spec, what, parent, id_of, None)
            except NotFound as gone:
                raise ListChanged(f"One of the {spec['for_each']} disappeared while it was read. {gone}") from gone

    def opened(self, spec: dict, what: str, id_of: Callable[[View], str], on_total: Callable[[int], None] | None,
               known: KnownItems, list_name: str) -> Iterator[View | Fresh | Unchanged]:  # fmt: skip
        """As items(), for a list that is_read_item_by_item: each item is Fresh or Unchanged. `id_of` returns
        Account.id."""
        options = {"what": what, "on_total": on_total, **opening(known, what, id_of, list_name)}
        for page in self._pages(spec, what, None, options, raw=True):
            for item in page:
                value = item.value if type(item) is Fresh else item
                if type(item) is Unchanged or self._is_meant(spec, value):  # it was meant the first time
                    yield item

    def _one_list(self, spec: dict, what: str, parent: View | None, id_of: Callable[[View], str] | None,
                  on_total: Callable[[int], None] | None) -> Iterator[View]:  # fmt: skip
        nested = keys_of(spec["nested"]) if "nested" in spec else None
        if id_of is None or nested:
            same = _whole if "paging" in spec else None
        else:
            same = lambda item: id_of(_view(item, parent))  # noqa: E731
        options = {"what": what, "on_total": on_total, "id_of": same}
        for page in self._pages(spec, what, parent, options):
            for outer in (_view(item, parent) for item in page):
                for item in (outer,) if nested is None else _inner(outer, nested, what):
                    if self._is_meant(spec, item):
                        yield self._in_detail(spec, item) if "detail" in spec else item

    def _is_meant(self, spec: dict, item: View) -> bool:
        return holds(item, spec.get("only", {})) and not ("skip" in spec and holds(item, spec["skip"]))

    def _in_detail(self, spec: dict, item: View) -> View:
        detail = spec["detail"]
        try:
            answer = self._client.read(detail, {**self._client.scope, "item": item, "parent": item.get("parent")})
        except NotFound as gone:
            raise ListChanged(f"Someone was removed while the list was read. {gone}") from gone
        more = find(answer.json(), keys_of(detail.get("item", ".")))
        if not isinstance(more, dict):
            raise TemporarilyUnavailable(f"{answer.asked} answered without the item.")
        return {**item, **more}

    def _pages(self, spec: dict, what: str, parent: View | None, options: dict, raw: bool = False) -> Iterator[list]:
        kind, paging = _paging(spec)
        ask = _Asking(self._client, spec, paging, {**self._client.scope, "parent": parent}, what, raw)
        if kind == "page":
            first = paging.get("first", 1)
            return pages_by_number(lambda at: ask.at("page", at), size=paging["size"], first=first, **options)
        if kind == "offset":
            first = paging.get("first", 0)
            return pages_by_offset(lambda at: ask.at("offset", at + first), size=paging["size"], **options)
        if kind == "cursor":
            return pages_by_cursor(lambda cursor: ask.after(cursor), **options)
        if kind == "link":
            return pages_by_link(lambda address: ask.by_address(address), **options)
        return pages_by_cursor(lambda _: ask.at("", None), **options)


class _Asking:
    """The calls that read one list: it puts the pager's values into them and reads the answers. `raw`: items stay
    bytes."""

    def __init__(self, client: Client, spec: dict, paging: dict, scope: Mapping[str, Any], what: str, raw: bool):
        self._client, self._spec, self._paging, self._scope, self._what = client, spec, paging, scope, what
        self._raw = raw

    def at(self, parameter: str, position: int | None) -> Page:
        answer = self._call({self._paging.get("parameter", parameter): position} if parameter else {})
        return self._page(answer, self._body(answer), None)

    def after(self, cursor: str | None) -> Page:
        answer = self._call({self._paging.get("parameter", "cursor"): cursor} if cursor else {})
        body = self._body(answer)
        page = self._page(answer, body, None)
        following = self._following(answer, body, page.items)
        if page.more is False:
            following = None
        elif page.more and not following:
            raise ListChanged(f"The app says that there are more {self._what}, but doesn't return the next cursor. "
                              "Nothing was changed.")  # fmt: skip
        return Page(page.items, page.total, following)

    def _following(self, answer: Answer, body: Any, items: list) -> str | None:
        if "next_header" in self._paging:
            return answer.headers.get(self._paging["next_header"])
        if "last" in self._paging:
            found = find(_read(items[-1]), keys_of(self._paging["last"])) if items else None
        else:
            found = find(body, keys_of(self._paging["next"]))
        return None if found in (None, "", False) else as_text(found)

    def by_address(self, address: str | None) -> Page:
        if address is None:
            answer = self._call({})
        else:
            answer = self._client.read(self._spec, self._scope, address=address)
        body = self._body(answer)
        if "next" in self._paging or "next_header" in self._paging:
            following = self._following(answer, body, [])
        else:
            following = next_link(answer)
        return self._page(answer, body, urljoin(answer.url, following) if following else None)

    def _call(self, position: dict[str, Any]) -> Answer:
        if "size_parameter" in self._paging:
            position = {**position, self._paging["size_parameter"]: self._paging["size"]}
        return self._client.read(self._spec, self._scope, position=position, in_body=self._paging.get("in") == "body")

    def _body(self, answer: Answer) -> Any:
        return self._but_items(answer) if self._raw else answer.json()

    def _but_items(self, answer: Answer) -> Any:
        return answer.json_but_items(*keys_of(self._spec.get("items", ".")), kind=object)

    def _page(self, answer: Answer, body: Any, following: str | None) -> Page:
        found = find(body, keys_of(self._spec.get("items", ".")))
        if found is None and self._spec.get("missing_is_empty"):
            found = []
        if self._spec.get("keyed") and isinstance(found, dict):
            found = [{**(one if isinstance(one, dict) else {"value": one}), "key": key} for key, one in found.items()]
        total = self._total(answer, body)
        if found is None:
            raise NoList(f"{answer.asked} answered without its list of {self._what}.", total)
        if not isinstance(found, list):
            raise TemporarilyUnavailable(f"{answer.asked} answered without its list of {self._what}.")
        if self._raw and not all(type(one) is msgspec.Raw and bytes(one)[:1] == b"{" for one in found):
            found = [_view(_read(one), None) for one in found]  # one isn't an object, so all are read again
        more = find(body, keys_of(self._paging["more"])) if "more" in self._paging else None
        return Page(found, total, following, more if isinstance(more, bool) else None)

    def _total(self, answer: Answer, body: Any) -> int | None:
        if "total_header" in self._spec:
            return number(answer.headers.get(self._spec["total_header"]))
        return number(find(body, keys_of(self._spec["total"]))) if "total" in self._spec else None


def is_read_item_by_item(spec: dict, mapping: dict) -> bool:
    """Whether everything that the mapping takes from the list follows from one item of a page and the file alone. It
    must need no other answer, table or time zone, and the rest of the page must be readable without its items."""
    items, (_, paging) = keys_of(spec.get("items", ".")), _paging(spec)
    beside = [keys_of(path)[:1] for path in (spec.get("total"), paging.get("next"), paging.get("more")) if path]
    return (
        not spec.keys() & {"for_each", "nested", "detail", "keyed"}
        and len(items) <= 1
        and not any(path in ((), ("*",), items) or not items for path in beside)
        and not any(isinstance(of, dict) and of.keys() & {"table", "zone"} for of in mapping.values())
    )


def _paging(spec: dict) -> tuple[str, dict]:
    [(kind, paging)] = spec.get("paging", {"none": {}}).items()
    return kind, paging


def _read(item: Any) -> Any:
    return decoded(bytes(item)) if type(item) is msgspec.Raw else item


def _whole(item: Any) -> str:
    """The whole item, as the key of an item without an id."""
    return json.dumps(item, sort_keys=True)


def _view(item: Any, parent: View | None) -> View:
    fields = item if isinstance(item, dict) else {"value": item}
    return {**fields, "parent": parent} if parent is not None else fields


def _inner(outer: View, nested: tuple[str, ...], what: str) -> Iterator[View]:
    found = find(outer, nested)
    if found is not None and not isinstance(found, list):
        raise TemporarilyUnavailable(f"The app returned something other than a list in place of the nested {what}.")
    return (_view(item, outer) for item in found or [])
