"""What all these tests share: values that nobody expects, and documents that are nearly right."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from tests.fuzz import conftest

fuzzed = settings(settings.get_profile(f"rollcall-fuzz-{conftest.PROFILE}"))

ODD_TEXTS = (
    "",
    " ",
    "\t\n",
    "\0",
    "a\0b",
    "\x1b[31m",
    "\u202e",
    "\u200b",
    "\ufeff",
    "\ud800",
    "é",
    "e\u0301",
    "ß",
    "İ",
    "ﬁ",
    "ア" * 50,
    "💥",
    "x" * 5000,
    "null",
    "true",
    "None",
    "NaN",
    "-1",
    "0",
    "1e999",
    "9" * 40,
    "../../etc/passwd",
    "%00",
    "%2e%2e/",
    "{{7*7}}",
    "${jndi:x}",
    "<script>",
    "' OR 1=1 --",
    '"',
    "\\",
    "\\\\",
    "=cmd()",
    "@",
    "a@b",
    "a@b@c",
    "@acme.example",
    "ana@",
    "ana@acme..example",
    "ana@xn--",
    "ana@[127.0.0.1]",
    "ana@\u00e4cme.example",
    "a" * 300 + "@acme.example",
    "ana@" + "a." * 200 + "example",
    "http://[::1",
    "file:///etc/passwd",
    "javascript:x",
    "2026-02-30",
    "0000-00-00",
    "9999-12-31T23:59:60Z",
    "-0001-01-01",
)
odd_texts = st.sampled_from(ODD_TEXTS) | st.text(max_size=30)
odd_numbers = st.sampled_from((0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**30, 0.5, -0.0, 1e308)) | st.integers()
odd_scalars = st.none() | st.booleans() | odd_numbers | odd_texts
odd_values = st.recursive(
    odd_scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(odd_texts, inner, max_size=4),
    max_leaves=8,
)


def deep(levels: int, kind: type = list) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value] if kind is list else {"a": value}
    return value


def places(node: Any, here: tuple = ()) -> list[tuple]:
    """Where there is a value in a document, the document itself left out."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [place for key, value in inner for place in ((*here, key), *places(value, (*here, key)))]


@st.composite
def nearly(draw: Callable, documents: st.SearchStrategy, most: int = 3, values: st.SearchStrategy = odd_values) -> Any:
    """A right document with up to `most` changes: a value lost, another one, given twice, under another name."""
    document = copy.deepcopy(draw(documents))
    for _ in range(draw(st.integers(0, most))):
        found = places(document)
        if not found:
            return document
        *way, last = draw(st.sampled_from(found))
        parent = document
        for step in way:
            parent = parent[step]
        change = draw(
            st.sampled_from(("lose", "put", "put", "put", "twice", "rename", "into a list", "into an object"))
        )
        if change == "lose":
            del parent[last]
        elif change == "put":
            parent[last] = copy.deepcopy(draw(values))  # what is drawn may be drawn again
        elif change == "twice" and isinstance(parent, list):
            parent.insert(last, copy.deepcopy(parent[last]))
        elif change == "rename" and isinstance(parent, dict):
            name = draw(st.sampled_from((str(last).upper(), f" {last}", f"{last}s")) | odd_texts)
            parent[name] = parent.pop(last)
        elif change == "into a list":
            parent[last] = [parent[last]]
        elif change == "into an object":
            parent[last] = {"value": parent[last]}
    return document


@st.composite
def nearly_bytes(draw: Callable, contents: st.SearchStrategy[bytes], most: int = 4) -> bytes:
    """Right bytes with up to `most` changes: cut short, a piece lost, doubled or replaced."""
    content = bytearray(draw(contents))
    for _ in range(draw(st.integers(0, most))):
        if not content:
            break
        at = draw(st.integers(0, 999_999)) * len(content) // 1_000_000  # a workbook's size changes with the time of day
        size = draw(st.sampled_from((1, 1, 2, 4, 16)))
        change = draw(st.sampled_from(("cut", "lose", "double", "put", "put", "flip")))
        if change == "cut":
            del content[at:]
        elif change == "lose":
            del content[at : at + size]
        elif change == "double":
            content[at:at] = content[at : at + size]
        elif change == "put":
            content[at : at + size] = draw(st.binary(min_size=size, max_size=size))
        else:
            content[at] ^= 1 << draw(st.integers(0, 7))
    return bytes(content)
