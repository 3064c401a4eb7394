"""Which files on the server a page may name: those below the folders of ROLLCALL_FILES, and what is already stored.
The command line may name any, as its user can read them anyway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from connectors.base import Field
from sync.problems import Problem


class PathRefused(Problem):
    """A page named a file that it may not read. The text is for the page and reveals nothing about the file."""


def refuse_foreign(fields: Iterable[Field], values: Mapping[str, str], folders: Iterable[Path],
                   stored: Mapping[str, str]) -> None:  # fmt: skip
    """Raises PathRefused when one of `values` is a path on the server that lies below none of `folders`.

    A path that is `stored` unchanged was entered by someone who may, or before there was this rule.
    """
    allowed = [folder.resolve() for folder in folders]
    for field in fields:
        path = (values.get(field.name) or "").strip()
        if not field.path or not path or path == stored.get(field.name):
            continue
        if not any(_resolved(path).is_relative_to(folder) for folder in allowed):
            raise PathRefused(_why(field, allowed))


def _resolved(path: str) -> Path:
    """Where it leads, links followed; a path that can't be one leads nowhere that is allowed."""
    try:
        return Path(path).resolve()
    except (OSError, ValueError, RuntimeError):
        return Path("/")


def _why(field: Field, allowed: list[Path]) -> str:
    if not allowed:
        return (f"{field.label}: ROLLCALL_FILES isn't set, so a page can't read files on the server. Nothing was read. "
                "Upload the file instead, or use the command line.")
    folders = " or ".join(str(folder) for folder in allowed)
    return f"{field.label}: a page can only read files below {folders}. Nothing was read."
