"""What one SCIM request may contain, checked before anything is read from it or written: no lock is held in that time.
Far above what identity providers send; RFC 7644, 3.12 has the errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from scim2_models import InvalidSyntaxException, InvalidValueException

from sync.directory.scim_store import LONGEST_NAME, MOST_VALUES

LONGEST_TEXT = 10_000  # characters of any other text: an X.509 certificate or a small photo in Base64
LONGEST_PATH = 1000  # of an operation: its filter is tried on each value
MOST_ATTRIBUTES = 500  # of one object: the standard's User has some 40, with the enterprise's extension
DEEPEST = 20  # objects and lists in each other: a member of a PATCH in a Bulk is the 8th
MOST_DIGITS = 2**63  # what SQLite's integers hold
NAMES = frozenset(("username", "displayname", "externalid", "familyname", "givenname", "formatted", "nickname"))
LONG_LISTS = frozenset(("operations", "members"))  # bounded by the bytes of a request, and of operations by 413
NUMBER = re.compile(r"\s*[+-]?\d+\s*")
PAGING = ("startindex", "count")


def examine_query(query: Mapping[str, str]) -> None:
    """Raises InvalidValueException for a page that no integer can name."""
    for name, value in query.items():
        is_number = name.casefold() in PAGING and NUMBER.fullmatch(value)
        if is_number and (len(value) > 30 or abs(int(value)) >= MOST_DIGITS):
            raise InvalidValueException(detail=f"{name} is a number beyond 64 bits")


def examine_body(body: bytes) -> None:
    """Raises InvalidSyntaxException or InvalidValueException, with what is too much.

    What isn't JSON at all is left to the reader, which knows the words for it.
    """
    if not body:
        return
    try:
        document = json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise InvalidSyntaxException(detail=f"The body is nested more than {DEEPEST} levels deep") from None
    except ValueError:
        return
    level: list[tuple[str, bool, Any]] = [("", False, document)]
    for _ in range(DEEPEST):
        level = [further for name, many, value in level for further in _examined(name, many, value)]
        if not level:
            return
    raise InvalidSyntaxException(detail=f"The body is nested more than {DEEPEST} levels deep")


def _examined(name: str, many: bool, value: Any) -> Iterable[tuple[str, bool, Any]]:
    """The parts of a valid value: each with its name, and whether it may be a long list."""
    if isinstance(value, str):
        _refuse_long(name, value)
    elif isinstance(value, (int, float)) and not abs(value) < MOST_DIGITS:
        raise InvalidValueException(detail=f"{name[:80]} is a number beyond 64 bits")
    elif isinstance(value, list):
        if len(value) > MOST_VALUES and not many:
            raise InvalidValueException(detail=f"{name[:80]} has more than {MOST_VALUES} values")
        return [(name, False, item) for item in value]
    elif isinstance(value, dict):
        return _attributes(value)
    return ()


def _attributes(document: dict[str, Any]) -> list[tuple[str, bool, Any]]:
    if len(document) > MOST_ATTRIBUTES or any(len(name) > LONGEST_NAME for name in document):
        raise InvalidValueException(detail=f"An object has more than {MOST_ATTRIBUTES} attributes, or a name of more "
                                           f"than {LONGEST_NAME} characters")  # fmt: skip
    path = next((value for name, value in document.items() if name.casefold() == "path" and isinstance(value, str)), "")
    of_members = path.rpartition(":")[2].casefold().startswith("members")
    return [(name, name.casefold() in LONG_LISTS or (of_members and name.casefold() == "value"), value)
            for name, value in document.items()]  # fmt: skip


def _refuse_long(name: str, value: str) -> None:
    most = LONGEST_NAME if name.casefold() in NAMES else LONGEST_PATH if name.casefold() == "path" else LONGEST_TEXT
    if len(value) > most:
        raise InvalidValueException(detail=f"{name[:80]} is longer than {most:,} characters")


def _refuse_constant(text: str) -> NoReturn:
    raise InvalidSyntaxException(detail=f"{text} isn't a JSON number (RFC 8259, 6)")
