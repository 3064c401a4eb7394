"""`connectors`: the catalogue of apps, and for one of them what it asks for and what it can do."""

from __future__ import annotations

import click

from cli.frame import answer, as_json, table
from connectors.base import CAPABILITIES, Connector
from sync import apps


@click.command()
@click.argument("slug", required=False)
@as_json
def connectors(slug: str | None, as_json: bool) -> None:
    """The apps that can be connected; for one SLUG, its fields and capabilities."""
    kinds = [apps.connector_class(slug)] if slug else apps.catalogue()
    lines = _in_full(kinds[0]) if slug else _overview(kinds)
    answer({"connectors": [_document(kind) for kind in kinds]}, lines, as_json)


def _document(kind: type[Connector]) -> dict:
    return {
        "slug": kind.slug,
        "label": kind.label,
        "category": kind.category,
        "level": kind.level,
        "fields": [
            {"name": field.name, "label": field.label, "secret": field.secret, "required": field.required,
             "help": field.help, "choices": [value for value, _ in field.choices]}
            for field in kind.fields
        ],
        "capabilities": _capabilities(kind),
    }  # fmt: skip


def _capabilities(kind: type[Connector]) -> list[str]:
    return [capability for capability in CAPABILITIES if capability in kind.capabilities]


def _overview(kinds: list[type[Connector]]) -> list[str]:
    return table([("SLUG", "APP", "CATEGORY", "LEVEL"), *((kind.slug, kind.label, kind.category, kind.level)
                                                          for kind in kinds)])


def _in_full(kind: type[Connector]) -> list[str]:
    lines = [f"{kind.label} ({kind.slug}), {kind.category}", "", f"It can: {', '.join(_capabilities(kind))}.", ""]
    lines += [f"{number}. {step}" for number, step in enumerate(kind.docs, 1)] + [""]
    for field in kind.fields:
        notes = f"{' (secret)' if field.secret else ''}{'' if field.required else ' (optional)'}"
        lines.append(f"--set {field.name}=…  {field.label}{notes}. {field.help}".rstrip())
        lines += [f"    {value}: {label}" for value, label in field.choices]
    return lines
