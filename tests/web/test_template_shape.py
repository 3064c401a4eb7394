"""Templates show finished rows: `if` and `for`, short lines, and nothing that is worked out, compared or looked up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

FOLDER = Path(__file__).parents[2] / "templates"
TEMPLATES = sorted(path.relative_to(FOLDER) for path in FOLDER.rglob("*") if path.suffix in (".html", ".txt"))

LONGEST = 160
CHAINS = {"batch", "groupby", "map", "max", "min", "reject", "rejectattr", "select", "selectattr", "slice", "sort",
          "sum", "unique"}  # fmt: skip
HTML_WORDS = {"GET", "POST", "email", "file", "password", "select", "textarea"}  # components.html writes what they name


def wrong(text: str, may_ask: frozenset[str] | set[str] = frozenset()) -> list[str]:
    """What a template does that a view should have done, each with its line; `may_ask` may be compared with."""
    lines = enumerate(text.splitlines(), 1)
    long = [f"{number}: longer than {LONGEST}" for number, line in lines if len(line) > LONGEST]
    return long + [f"{line}: {what}" for line, what in _logic(Environment().parse(text), may_ask)]


def _logic(tree: nodes.Template, may_ask: frozenset[str] | set[str]) -> Iterator[tuple[int, str]]:
    for node in tree.find_all(nodes.Node):
        if isinstance(node, nodes.Filter) and node.name in CHAINS:
            yield node.lineno, f"the filter {node.name}"
        if isinstance(node, (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow)):
            yield node.lineno, f"arithmetic: {node.operator}"
        if isinstance(node, nodes.Compare) and (words := _strings(node) - may_ask):
            yield node.lineno, f"a comparison with {', '.join(sorted(words))}"
        if isinstance(node, nodes.Getitem) and not isinstance(node.arg, nodes.Const):
            yield node.lineno, "a look-up"
        if isinstance(node, nodes.Assign) and not _is_plain(node.node):
            yield node.lineno, "a set that computes"
        if isinstance(node, nodes.With) and not all(map(_is_plain, node.values)):
            yield node.lineno, "a with that computes"


def _strings(node: nodes.Node) -> set[str]:
    return {const.value for const in node.find_all(nodes.Const) if isinstance(const.value, str) and const.value}


def _is_plain(node: nodes.Node) -> bool:
    """A literal, a name, or an attribute of one; or what a function of a view makes, an address among it."""
    if isinstance(node, nodes.Call):
        return isinstance(node.node, nodes.Name) and node.node.name != "namespace"
    return isinstance(node, (nodes.Const, nodes.Name)) or isinstance(node, nodes.Getattr) and _is_plain(node.node)


def test_a_template_shows_and_does_nothing_else() -> None:
    found = {str(path): wrong((FOLDER / path).read_text(encoding="utf-8"), may_ask_in(path)) for path in TEMPLATES}
    assert {path: faults for path, faults in found.items() if faults} == {}


def may_ask_in(template: Path) -> frozenset[str] | set[str]:
    return HTML_WORDS if template.name == "components.html" else frozenset()


@pytest.mark.parametrize(
    "text",
    [
        "x" * (LONGEST + 1),
        "{{ rows | selectattr('ticked') | list }}",
        "{% for row in rows | sort %}{% endfor %}",
        "{{ price * 3 }}",
        "{% if total - shown %}{% endif %}",
        "{% if report.state == 'open' %}{% endif %}",
        "{% if 'remove' in can %}{% endif %}",
        "{% for row in rows if row.kind in ('new user', 'gone') %}{% endfor %}",
        "{{ words[report.state] }}",
        "{% set live = check is not none %}",
        "{% set names = [] %}",
        "{% set names = namespace(last=0) %}",
        "{% with live = a or b %}{% endwith %}",
    ],
)
def test_logic_is_seen(text: str) -> None:
    assert wrong(text)


@pytest.mark.parametrize(
    "text",
    [
        "{% if row.ticked is none %}{{ row.name }}{% elif not loop.last %}, {% endif %}",
        "{% if loop.index == here or search == '' %}{% endif %}",
        "{{ 'Save' if draft else 'Check again' }} {{ name | short_name }}",
        "{% set tab = 'apps.show' %}{% with row = pair.first %}{{ row }}{% endwith %}",
        "{% set to = url_for('apps.show', app_id=app.id) %}",
        "{% call dialog('Disconnect ' ~ app.name ~ '?') %}{% endcall %}",
    ],
)
def test_expressions_that_only_show_are_allowed(text: str) -> None:
    assert wrong(text) == []
