"""Reads `--set KEY=VALUE` for a connector's fields.
A secret may come from a file (KEY=@FILE) or from standard input (KEY=-), and is never shown."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

import connectors
from cli.frame import notice
from connectors.base import Field

setting = click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE",
                       help="Set a field of the connector; for a secret use KEY=@FILE, or KEY=- for standard input.")


def values_of(fields: Iterable[Field], pairs: Iterable[str]) -> dict[str, str]:
    """The values by name. Raises UsageError for an argument that isn't a pair, comes twice or can't be read."""
    fields = list(fields)
    secret = {field.name for field in fields if field.secret}
    files = {field.name for field in fields if field.upload}
    values: dict[str, str] = {}
    for pair in pairs:
        name, is_pair, value = pair.partition("=")
        if not is_pair or not name:
            raise click.UsageError("--set needs KEY=VALUE, such as --set base_url=https://example.com.")
        if name in values:
            raise click.UsageError(f"--set {name}=… is given twice.")
        values[name] = _file(name, value) if name in files and value.startswith("@") else _secret(
            name, value) if name in secret else value
    return values


def _file(name: str, value: str) -> str:
    return connectors.as_setting(connectors.file_content(Path(value[1:])))


def _secret(name: str, value: str) -> str:
    if value == "-":
        return click.get_text_stream("stdin").read().strip()
    if value.startswith("@"):
        try:
            return Path(value[1:]).read_text().strip()
        except (OSError, UnicodeDecodeError) as problem:
            reason = getattr(problem, "strerror", None) or "it isn't text"
            raise click.UsageError(f"The file of --set {name}=@FILE can't be read: {reason}.") from None
    notice(f"{name} is on the command line, where others on this machine can see it. {name}=@FILE or {name}=- hides "
           "it.")
    return value
