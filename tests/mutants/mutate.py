"""The mutants of a module: its code with one thing changed.
Docstrings, annotations, imports, decorators and the wording of messages are left alone."""

from __future__ import annotations

import bisect
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, WhitespaceInclusivePositionProvider
from mutmut.mutation import mutators

from sync import states
from tests.mutants import sql

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("sync/safety", "sync/tasks", "sync/reports", "sync/matching", "sync/checks")
STRINGS = (cst.SimpleString, cst.FormattedString, cst.ConcatenatedString)
QUERIES = ("select", "where", "join", "join_from", "order_by", "group_by", "switch", "on_conflict")
LEFT_ALONE = (cst.Annotation, cst.Import, cst.ImportFrom, cst.Decorator)


@dataclass(frozen=True)
class Mutant:
    """`start` and `end` are offsets in the module's source, in characters; `line` and `statement` count from 1."""

    path: str
    scope: str
    operator: str
    statement: int
    line: int
    start: int
    end: int
    new: str

    def applied_to(self, source: str) -> str:
        return source[: self.start] + self.new + source[self.end :]

    def lines(self, source: str) -> tuple[str, str]:
        """The lines that differ, before and after, without indentation: with path and scope, they name the mutant."""
        first, last = source.rfind("\n", 0, self.start) + 1, source.find("\n", self.end)
        before = source[first:last].splitlines()
        after = (source[first : self.start] + self.new + source[self.end : last]).splitlines()
        changes = list(difflib.ndiff(before, after))
        return tuple(" ".join(line[2:].strip() for line in changes if line[0] == sign) for sign in "-+")  # type: ignore


def modules(packages: tuple[str, ...] = PACKAGES) -> list[str]:
    """The paths of their modules; a module may be named itself."""
    return [str(path.relative_to(ROOT)) for package in packages for path in sorted(
        (ROOT / package).glob("*.py") if (ROOT / package).is_dir() else [ROOT / package])]  # fmt: skip


def mutants_of(path: str, source: str) -> list[Mutant]:
    """All its mutants, in the order of the code. A few can't be compiled."""
    visitor = _Visitor(path, source)
    MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True).visit(visitor)
    return sorted(visitor.found.values(), key=lambda mutant: (mutant.start, mutant.end, mutant.new))


class _Visitor(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (WhitespaceInclusivePositionProvider,)

    def __init__(self, path: str, source: str):
        super().__init__()
        self.path, self.source = path, source
        self.found: dict[tuple[int, int, str], Mutant] = {}
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._scopes: list[str] = []
        self._statements: list[int] = []
        self._read: set[int] = set()  # ids of the literals that are part of one already read as SQL
        self._empty = cst.Module(body=[])

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, LEFT_ALONE) or isinstance(node, cst.Expr) and isinstance(node.value, STRINGS):
            return False
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._scopes.append(node.name.value)
        if isinstance(node, cst.BaseStatement):
            self._statements.append(self._line(node))
        for operator, old, new in (*_of_mutmut(node), *_of_ours(node)):
            self._add(operator, *self._span(old), self._empty.code_for_node(new))
        if isinstance(node, STRINGS) and id(node) not in self._read:
            self._look_for_sql(node)
        return True

    def on_leave(self, node: cst.CSTNode) -> None:
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._scopes.pop()
        if isinstance(node, cst.BaseStatement):
            self._statements.pop()

    def _look_for_sql(self, node: cst.CSTNode) -> None:
        leaves = list(_leaves(node))
        self._read.update(map(id, (*leaves, *_further(node))))
        parts = []
        for leaf in leaves:
            start, end = self._span(leaf)
            text = self.source[start:end]
            quote = leaf.quote if isinstance(leaf, cst.SimpleString) else leaf.end
            inner = text.index(quote) + len(quote)
            parts.append((text[inner : -len(quote)], start + inner, isinstance(leaf, cst.FormattedString)))
        if sql.LOOKS_LIKE_SQL.search(" ".join(text for text, _, _ in parts)):
            for start, end, new in sql.mutations(sql.tokens_of(parts)):
                self._add("sql", start, end, new)
        elif isinstance(node, cst.SimpleString) and (other := sql.OTHER_WORDS.get(str(node.evaluated_value))):
            self._add("word", *self._span(node), f'"{other}"')

    def _add(self, operator: str, start: int, end: int, new: str) -> None:
        line = bisect.bisect_right(self._starts, start)
        mutant = Mutant(self.path, ".".join(self._scopes), operator, self._statements[-1], line, start, end, new)
        self.found.setdefault((start, end, new), mutant)

    def _span(self, node: cst.CSTNode) -> tuple[int, int]:
        place = self.get_metadata(WhitespaceInclusivePositionProvider, node)
        return tuple(self._starts[at.line - 1] + at.column for at in (place.start, place.end))  # type: ignore

    def _line(self, node: cst.CSTNode) -> int:
        """Of the first token: what precedes it are empty lines and comments."""
        start, end = self._span(node)
        text = self.source[start:end]
        skipped = 0
        for line in text.splitlines():
            if line.strip() and not line.strip().startswith("#"):
                break
            skipped += 1
        return bisect.bisect_right(self._starts, start) + skipped


def _leaves(node: cst.CSTNode) -> Iterator[cst.SimpleString | cst.FormattedString]:
    if isinstance(node, cst.ConcatenatedString):
        yield from _leaves(node.left)
        yield from _leaves(node.right)
    elif isinstance(node, cst.SimpleString | cst.FormattedString):
        yield node


def _further(node: cst.CSTNode) -> Iterator[cst.ConcatenatedString]:
    """A third literal is in a pair inside the pair."""
    while isinstance(node, cst.ConcatenatedString):
        yield node
        node = node.right


def _of_mutmut(node: cst.CSTNode) -> Iterator[tuple[str, cst.CSTNode, cst.CSTNode]]:
    """mutmut's operators, except that on strings, and those that only take a string away: SQL None always fails."""
    for kind, operator in mutators.mutation_operators:
        if not isinstance(node, kind) or operator is mutators.operator_string:
            continue
        if operator is mutators.operator_assignment and isinstance(node.value, STRINGS):
            continue
        for new in operator(node):
            if operator is mutators.operator_arg_removal and not _is_quiet(node, new):
                continue
            yield operator.__name__.removeprefix("operator_"), node, new


def _is_quiet(call: cst.Call, new: cst.Call) -> bool:
    """Whether a call with other arguments may pass unnoticed. Without a positional one it always fails, except for a
    condition of `where`; a query of None always fails, and so does SQL that is None. `is_null(None)` is `False`."""
    method = call.func.attr.value if isinstance(call.func, cst.Attribute) else ""
    [changed] = [arg for arg in call.args if arg not in new.args]
    if isinstance(changed.value, STRINGS) or method == "is_null":
        return False
    if len(new.args) == len(call.args):
        return method not in QUERIES
    return changed.keyword is not None or method == "where"


def _of_ours(node: cst.CSTNode) -> Iterator[tuple[str, cst.CSTNode, cst.CSTNode]]:
    """(operator, node, the one in its place): negated conditions, steps left out, another state or kind."""
    if isinstance(node, cst.Expr) and isinstance(node.value, cst.Call) or isinstance(node, cst.Raise):
        yield "step left out", node, cst.Pass()
    elif isinstance(node, cst.BooleanOperation):
        yield from _negated(node.left)
        yield from _negated(node.right)
    elif isinstance(node, cst.If | cst.While | cst.CompIf):
        yield from _negated(node.test)
    elif isinstance(node, cst.Attribute) and isinstance(node.value, cst.Name):
        enum = getattr(states, node.value.value, None)
        names = list(getattr(enum, "__members__", ()))
        if node.attr.value in names:
            following = names[(names.index(node.attr.value) + 1) % len(names)]
            yield "word", node, node.with_changes(attr=cst.Name(following))


def _negated(condition: cst.BaseExpression) -> Iterator[tuple[str, cst.CSTNode, cst.CSTNode]]:
    """What is neither a comparison nor already negated: mutmut's operators change those."""
    if isinstance(condition, cst.Name | cst.Attribute | cst.Call | cst.NamedExpr | cst.Subscript):
        inside = condition.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        yield "negated", condition, cst.UnaryOperation(cst.Not(), inside, [cst.LeftParen()], [cst.RightParen()])
