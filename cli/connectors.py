"""`connectors`: lists the catalogue, shows the fields and capabilities of one app, and checks your own YAML file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from cli.frame import FAILED, Failed, answer, as_json, end, notice, table
from cli.trial import Trial, try_out
from cli.values import setting, values_of
from connectors import allow_networks, load_folder, reaching
from connectors.base import CAPABILITIES, REMOVE, Connector, Field
from connectors.explaining import explained_for_each_choice
from connectors.quality import MEANINGS, Exempt, Level, Rule, legend
from connectors.rest.connector import connector_of
from connectors.rest.file import load
from connectors.rest.yaml_source import DescriptionProblem
from sync.apps import apps
from sync.config import Config


class _Catalogue(click.Group):
    """`connectors` and `connectors SLUG` are `connectors show [SLUG]`."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        if not arguments or arguments[0] not in (*self.commands, *context.help_option_names):
            arguments = ["show", *arguments]
        return super().parse_args(context, arguments)


@click.group(cls=_Catalogue)
def connectors() -> None:
    """Show the apps you can connect: `connectors [SLUG]`. `connectors check FILE` checks your own YAML file."""


@connectors.command()
@click.argument("slug", required=False)
@as_json
def show(slug: str | None, as_json: bool) -> None:
    """Show the catalogue, or the fields and capabilities of SLUG."""
    load_folder(Config.from_environ().home / "connectors")
    kinds = [apps.connector_class(slug)] if slug else apps.catalogue()
    for problem in () if slug else apps.broken_files():
        notice(f"Left out: {problem}")
    lines = _in_full(kinds[0]) if slug else _overview(kinds)
    answer({"connectors": [_document(kind) for kind in kinds]}, lines, as_json)


@connectors.command()
@click.argument("file", type=click.Path(path_type=Path))
@setting
@as_json
def check(file: Path, pairs: tuple[str, ...], as_json: bool) -> None:
    """Check the YAML file of an app. With its fields set, also read the app and print what was understood.

    Nothing is changed here or in the app. docs/connectors.md describes the file.
    """
    try:
        kind = connector_of(load(file))
    except DescriptionProblem as problem:
        raise Failed(str(problem)) from None
    values = values_of(kind.fields, pairs)
    document: dict[str, Any] = {"file": str(file), **_document(kind)}
    can = ", ".join(_capabilities(kind)) or "only read accounts"
    lines = [f"{file} is valid: {kind.label} ({kind.slug}).", f"It can: {can}."]
    document["warnings"] = [kind.own_account_unknown] if kind.own_account_unknown else []
    if not values:
        lines += _red(document["warnings"])
        needed = " ".join(f"--set {field.name}=…" for field in kind.fields if field.required and not field.when)
        answer(document, [*lines, f"To read the app for real, add {needed or '--set'}."], as_json)
        return
    allow_networks(Config.from_environ().private_networks)
    with reaching(private=True):
        trial = try_out(kind, apps.clean(kind, values))
    answer({**document, **trial.document()}, [*lines, "", *_in_words(trial)], as_json)
    if trial.error:
        notice(trial.error)
        end(FAILED)


def _in_words(trial: Trial) -> list[str]:
    lines = []
    if trial.identity:
        lines += [f"Connected as {trial.identity.name}. It can {', '.join(trial.identity.may)}."]
        lines += [f"It lacks: {missing}" for missing in trial.identity.missing]
    for part in trial.parts:
        first = ", the first:" if part.count >= len(part.rows) else ""
        lines += ["", f"{part.what.capitalize()}: {part.count:,}{first}"]
        lines += [f"  {line}" for line in table(part.rows)] if part.count else []
    if trial.operations:
        lines += ["", "Operations as they would be sent (none was sent):"]
        lines += [f"  {line}" for shown in trial.operations for line in shown.lines()]
    if trial.alarms or trial.warnings:
        lines += ["", *_red(trial.alarms), *(f"Note: {warning}" for warning in trial.warnings)]
    return [*lines, "", "Nothing was changed."]


def _red(alarms: list[str]) -> list[str]:
    return [click.style(f"Attention: {alarm}", fg="red") for alarm in alarms]


def _document(kind: type[Connector]) -> dict:
    return {
        "slug": kind.slug,
        "label": kind.label,
        "category": kind.category,
        "level": kind.level(),
        "rules": [_rule(kind, rule) for rule in Rule],
        "fields": [
            {"name": field.name, "label": field.label, "secret": field.secret,
             "required": field.required and not field.when,
             "help": field.help, "choices": [value for value, _ in field.choices]}
            for field in kind.fields
        ],
        "capabilities": _capabilities(kind),
        "effects": {operation: [asdict(effect) for effect in effects] for operation, effects in kind.effects.items()},
        "api_version": kind.api_version and {
            "name": kind.api_version.name, "version": kind.api_version.version,
            "ends": kind.api_version.ends and kind.api_version.ends.isoformat(), "source": kind.api_version.source,
        },
    }  # fmt: skip


def _capabilities(kind: type[Connector]) -> list[str]:
    return [capability for capability in CAPABILITIES if capability in kind.capabilities]


def _rule(kind: type[Connector], rule: Rule) -> dict[str, str]:
    state = kind.quality.get(rule)
    word = "done" if state is None else "exempt" if isinstance(state, Exempt) else "missing"
    return {"rule": rule.label, "promise": rule.promise, "tier": rule.tier, "state": word,
            "reason": state.reason if state else ""}  # fmt: skip


def _overview(kinds: list[type[Connector]]) -> list[str]:
    rows = [(kind.slug, kind.label, kind.category, kind.level()) for kind in kinds]
    reached = {kind.level() for kind in kinds}
    meanings = [f"{level}: {MEANINGS[level]}." for level in Level if level in reached]
    return [*table([("SLUG", "APP", "CATEGORY", "LEVEL"), *rows]), "", *meanings]


def _in_full(kind: type[Connector]) -> list[str]:
    lines = [f"{kind.label} ({kind.slug}), {kind.category}", "", f"It can: {', '.join(_capabilities(kind))}.", ""]
    lines += [f"Level {kind.level()}: {MEANINGS[kind.level()]}.", *legend(kind.quality), ""]
    if removal := explained_for_each_choice(kind, REMOVE):
        lines += ["What a removal does:", *map(str, removal), ""]
    if kind.api_version:
        lines += [f"API: {kind.api_version.with_end()}.", ""]
    lines += [f"{number}. {step}" for number, step in enumerate(kind.docs, 1)] + [""]
    for field in kind.fields:
        notes = f"{' (secret)' if field.secret else ''}{_need(field)}"
        lines.append(f"--set {field.name}=…  {field.label}{notes}. {field.help}".rstrip())
        lines += [f"    {value}: {label}" for value, label in field.choices]
    return lines


def _need(field: Field) -> str:
    if field.when:
        return f" (where {field.when[0]} is “{field.when[1]}”)"
    return "" if field.required else " (optional)"
