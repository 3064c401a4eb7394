"""Writes the table of connectors in docs/connectors.md from what their code declares.
Run it after a change of a connector's declarations: `.venv/bin/python -m docs.connector_table`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from connectors import app_connectors
from connectors.base import REMOVE, Connector
from connectors.effects import Effect, Undo
from connectors.explaining import lead_of
from connectors.quality import TIERS, missing

PAGE = Path(__file__).with_name("connectors.md")
BEGIN, END = "<!-- The table begins here. docs/connector_table.py writes it. -->\n", "<!-- The table ends here. -->\n"
HEAD = ("app", "level", "a removal reaches", "can be undone", "frees the seat", "ends sessions", "API, until")


def written(page: str) -> str:
    """The page with the table between its two markers as the code has it now."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}"


def table() -> str:
    shipped = [kind for kind in app_connectors().values()
               if kind.__module__.startswith("connectors.") and not kind.slug.startswith("sample-")]  # fmt: skip
    lines = [HEAD, ("---",) * len(HEAD), *(row for kind in shipped for row in _rows(kind))]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _rows(kind: type[Connector]) -> Iterator[tuple[str, ...]]:
    """One for each effect of its removal."""
    about = (_level(kind), kind.api_version.with_end())
    effects = kind.effects.get(REMOVE, ())
    if not effects:
        yield kind.label, about[0], "by hand", "by hand", "–", "–", about[1]
    for effect in effects:
        of_which = lead_of(kind, REMOVE, effect)
        yield (
            f"{kind.label}: {of_which[0].lower()}{of_which[1:]}" if of_which else kind.label, about[0],
            effect.reach.value, _undo(effect), effect.frees_seat.value, _sessions(effect), about[1],
        )  # fmt: skip


def _level(kind: type[Connector]) -> str:
    lacks = [rule.label for tier in TIERS for rule in missing(kind.quality, tier)]
    return f"{kind.level()}, lacks {', '.join(lacks)}" if lacks else kind.level()


def _sessions(effect: Effect) -> str:
    return "–" if effect.invited else effect.ends_sessions.value


def _undo(effect: Effect) -> str:
    if effect.undo is not Undo.POSSIBLE:
        return "no" if effect.undo is Undo.IMPOSSIBLE else effect.undo.value
    return f"within {effect.undo_days} days" if effect.undo_days else "yes"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
