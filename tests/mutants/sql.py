"""Changes SQL inside string literals, one token at a time.
It reads the literals' source text. Fields of f-strings are left alone, and literals side by side are read as one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sync import states

LOOKS_LIKE_SQL = re.compile(
    r"\b(SELECT|UPDATE|INSERT|DELETE|WHERE|EXISTS|CASE|JOIN|AND|OR|NOT|IS NULL|IN \(|ORDER BY|coalesce\()")
_TOKEN = re.compile(
    r"(?P<field>\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})|(?P<text>'[^']*')|(?P<comment>--[^\n]*)|(?P<number>\b\d+\b)"
    r"|(?P<word>:?[A-Za-z_]\w*)|(?P<sign><>|<=|>=|->>|->|\|\||[<>=&|~(),*+-])")
_SWAPS = {"=": "<>", "<>": "=", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "&": "|", "|": "&", "~": "",
          "AND": "OR", "OR": "AND", "UNION": "INTERSECT", "DESC": "", "DISTINCT": "", "LEFT": "", "TRUE": "FALSE",
          "FALSE": "TRUE", "true": "false", "false": "true", "max": "min", "min": "max"}  # fmt: skip
_COMPARES = ("=", "<>", "<", "<=", ">", ">=")


def other_words() -> dict[str, str]:
    """State or kind → the next one of the same enum, of the first enum that has it. An empty one is left alone: most
    empty strings mean something else."""
    others: dict[str, str] = {}
    for enum in vars(states).values():
        members = list(filter(None, enum)) if isinstance(enum, type) and issubclass(enum, StrEnum) else []
        for member, following in zip(members, members[1:] + members[:1]):
            others.setdefault(str(member), str(following))
    return others


OTHER_WORDS = other_words()


@dataclass(frozen=True)
class Token:
    """`start` is its offset in the source of the module, in characters."""

    kind: str
    text: str
    start: int


def tokens_of(parts: list[tuple[str, int, bool]]) -> list[Token]:
    """Of literals side by side: the source text inside the quotes, its offset, and whether it is an f-string."""
    found = []
    for text, offset, formatted in parts:
        position = 0
        while match := _TOKEN.search(text, position):
            if match.lastgroup == "field" and not formatted:
                position = match.start() + 1
                continue
            position = match.end()
            if match.lastgroup != "comment":
                found.append(Token(match.lastgroup or "", match.group(), offset + match.start()))
    return found


def mutations(tokens: list[Token]) -> Iterator[tuple[int, int, str]]:
    """(start, end, new text) of each change, as offsets in the source."""
    assigns = _assignments(tokens)
    for place, token in enumerate(tokens):
        before = tokens[place - 1] if place else Token("", "", 0)
        after = tokens[place + 1] if place + 1 < len(tokens) else Token("", "", 0)
        end = token.start + len(token.text)
        if token.kind == "number" and before.text in _COMPARES and place - 1 not in assigns:
            yield token.start, end, str(int(token.text) + 1)
        elif token.kind == "text" and token.text[1:-1] in OTHER_WORDS and before.text not in ("->>", "->"):
            yield token.start, end, f"'{OTHER_WORDS[token.text[1:-1]]}'"
        elif token.text in ("NOT", "IS", "IN", "EXISTS"):
            yield from _negated(before, token, after)
        elif token.text in _SWAPS and place not in assigns and _may_swap(tokens, place, before, after):
            yield token.start, end, _SWAPS[token.text]


def _negated(before: Token, token: Token, after: Token) -> Iterator[tuple[int, int, str]]:
    """NOT is dropped where it stands, and added to IS, IN and EXISTS where it doesn't. Not in a table's definition."""
    end = token.start + len(token.text)
    if before.text == "IF" or after.text == "IF":
        return
    if token.text == "NOT" and (after.text != "NULL" or before.text == "IS"):
        yield token.start, end, ""
    elif token.text == "IS" and after.text != "NOT":
        yield token.start, end, "IS NOT"
    elif token.text in ("IN", "EXISTS") and before.text != "NOT":
        yield token.start, end, f"NOT {token.text}"


def _may_swap(tokens: list[Token], place: int, before: Token, after: Token) -> bool:
    """Neither BETWEEN … AND nor INSERT OR IGNORE is a condition, and min and max need their parenthesis."""
    text = tokens[place].text
    if text == "AND":
        return place < 2 or tokens[place - 2].text != "BETWEEN"
    if text == "OR":
        return before.text not in ("INSERT", "UPDATE")
    return text not in ("max", "min") or after.text == "("


def _assignments(tokens: list[Token]) -> set[int]:
    """The places of each `=` that assigns: in SET, but in no parenthesis or CASE there."""
    places, inside, depth = set(), False, 0
    for place, token in enumerate(tokens):
        if token.text == "SET":
            inside, depth = True, 0
        elif inside and depth == 0 and token.text in ("WHERE", "FROM", "RETURNING"):
            inside = False
        elif token.text in ("(", "CASE"):
            depth += 1
        elif token.text in (")", "END"):
            depth -= 1
        elif inside and depth == 0 and token.text == "=":
            places.add(place)
    return places
