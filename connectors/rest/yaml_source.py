"""Reads a YAML file with the line of each value. It refuses the parts of YAML that surprise people or allow attacks.
file.py checks the file's content."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

MOST_CHARACTERS = 200_000
DEEPEST = 30
TOO_DEEP = "lists and mappings are nested too deeply."
CORE = "tag:yaml.org,2002:"
MERGE = "<<"

PLAIN = {
    CORE + "str": str,
    CORE + "int": int,
    CORE + "float": float,
    CORE + "bool": lambda text: text.lower() == "true",
    CORE + "null": lambda text: None,
}

Place = tuple[str | int, ...]  # the keys and positions that lead to a value


class DescriptionProblem(ValueError):
    """The problems of a file, one line of the message for each: file, line and reason."""

    def __init__(self, file: str, problems: list[tuple[int, str]]):
        self.file, self.problems = file, sorted(problems)
        super().__init__("\n".join(f"{file}, line {line}: {reason}" for line, reason in self.problems))


@dataclass(frozen=True)
class Marked:
    """A file's data (dict, list, str, int, float, bool, None), and the line of each place in it, counted from 1."""

    data: Any
    lines: dict[Place, int]

    def line(self, place: Place) -> int:
        """The line of the place, or of the nearest place around it that the file has."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 1)


def read(text: str, file: str) -> Marked:
    """The data of a YAML text, with lines. `file`: its name for messages. Raises DescriptionProblem."""
    if len(text) > MOST_CHARACTERS:
        raise DescriptionProblem(file, [(1, f"the file is longer than {MOST_CHARACTERS:,} characters.")])
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        walk = _Walk()
        data = walk.value(node, ()) if node else {}
    except _Refused as problem:
        raise DescriptionProblem(file, [(problem.line, problem.reason)]) from None
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        raise DescriptionProblem(file, [(mark.line + 1 if mark else 1, f"not YAML: {problem.problem}.")]) from None
    except yaml.YAMLError as problem:
        raise DescriptionProblem(file, [(1, f"not YAML: {str(problem).splitlines()[0]}.")]) from None
    except RecursionError:
        raise DescriptionProblem(file, [(1, TOO_DEEP)]) from None
    return Marked(data, walk.lines)


class _Refused(Exception):
    def __init__(self, mark: yaml.Mark, reason: str):
        self.line, self.reason = mark.line + 1, reason


class _Loader(yaml.SafeLoader):
    """A SafeLoader that knows only YAML 1.2's plain values, so that `no` and `12:30` stay text, and refuses aliases."""

    yaml_implicit_resolvers: dict = {}

    def compose_node(self, parent: Any, index: Any) -> yaml.Node:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Refused(event.start_mark, "anchors (&) and aliases (*) are not allowed: write out the value.")
        return super().compose_node(parent, index)

    def fetch_flow_collection_start(self, token: type[yaml.Token]) -> None:
        """Refuses the bracket that is too deep before the next ones are looked at: each of them takes longer."""
        if self.flow_level > DEEPEST:
            raise _Refused(self.get_mark(), TOO_DEEP)
        super().fetch_flow_collection_start(token)


for tag, pattern, first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]{1,18}", "-+0123456789"),
    ("float", r"[-+]?[0-9]{1,18}\.[0-9]{1,18}", "-+0123456789"),
):
    _Loader.add_implicit_resolver(CORE + tag, re.compile(f"^(?:{pattern})$"), list(first))


class _Walk:
    """Makes data of nodes, and notes their lines."""

    def __init__(self):
        self.lines: dict[Place, int] = {}

    def value(self, node: yaml.Node, place: Place) -> Any:
        self.lines[place] = node.start_mark.line + 1
        if len(place) > DEEPEST:
            raise _Refused(node.start_mark, TOO_DEEP)
        if isinstance(node, yaml.MappingNode) and node.tag == CORE + "map":
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode) and node.tag == CORE + "seq":
            return [self.value(one, (*place, number)) for number, one in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        raise _Refused(node.start_mark, f"the tag {node.tag} is not allowed.")

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key in found:
                raise _Refused(key_node.start_mark, f"the key “{key}” is given twice.")
            found[key] = self.value(value_node, (*place, key))
            self.lines[(*place, key)] = key_node.start_mark.line + 1
        return found

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise _Refused(node.start_mark, "a key must be text.")
        if node.value == MERGE:
            raise _Refused(node.start_mark, "merging with << is not allowed: write out the keys.")
        return as_text(self._scalar(node))

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        try:
            return PLAIN[node.tag](node.value)
        except KeyError:
            raise _Refused(node.start_mark, f"the tag {node.tag} is not allowed.") from None
        except ValueError:
            raise _Refused(node.start_mark, f"“{node.value}” doesn't fit its tag.") from None


def as_text(value: Any) -> str:
    """A plain value as YAML writes it: true, false, null, 3."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
