"""A fake app whose API is GraphQL: one call, and a schema cut to what is asked for.
A field, argument or input that the schema does not have fails the test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request

CALL = ("query", "variables", "operationName")
PLAIN: tuple[str, tuple[str, ...]] = ("", ())  # of a plain value without arguments
Schema = Mapping[str, Mapping[str, tuple[str, tuple[str, ...]]]]  # type → field → (its type, its arguments)


class FakeGraphQL(FakeApp):
    """A subclass sets `facts` to calls_at(its path), `schema`, and a method `_<field>` for each field of the roots.

    The call that lists accounts is "graphql" to fail() and when(); each other one is "do_" and the name of its field.
    """

    account_list = "graphql"
    schema: Schema = {}
    inputs: Mapping[str, tuple[str, ...]] = {}  # mutation → the fields of its variable `input`
    listed_by = "users"  # the field that lists accounts,
    looked_up_by: tuple[str, ...] = ("filter",)  # and the arguments that ask it for one of them alone

    def reach_of(self, request: Request) -> Reach | None:
        query = request.body["query"]
        return self.reach_of_answer(first_field(query)) if is_mutation(query) else None

    def _answer(self, fact: Fact, request: Request) -> Reply:
        query = request.body["query"]
        asks_for_one = any(f"{argument}:" in query for argument in self.looked_up_by)
        is_list = first_field(query) == self.listed_by and not asks_for_one
        return super()._answer(fact if is_list else Fact("POST", fact.path, f"do_{first_field(query)}"), request)

    def graphql(self, request: Request) -> Any:
        return self._run(request)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._run
        raise AttributeError(name)

    def _run(self, request: Request) -> Any:
        query, variables = request.body["query"], request.body.get("variables") or {}
        tokens = re.findall(r"\w+|[{}():,$!]", query[query.index("{") :])
        rest = _check(self.schema, tokens, "Mutation" if is_mutation(query) else "Query")
        assert rest == [], "something stands behind the end of the query"
        field = first_field(query)
        undeclared = set(variables.get("input", {})) - set(self.inputs.get(field, ()))
        assert not undeclared, f"{field} has no input {undeclared}"
        found = getattr(self, f"_{field}")(variables)
        return found if isinstance(found, Reply) else {"data": {field: found}}


def calls_at(path: str) -> tuple[Fact, ...]:
    return (Fact("POST", path, "graphql", (), CALL, ("query",)),)


def plain(*names: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Fields with a plain value and no arguments."""
    return dict.fromkeys(names, PLAIN)


def first_field(query: str) -> str:
    return re.search(r"\{\s*(\w+)", query)[1]


def is_mutation(query: str) -> bool:
    return query.lstrip().startswith("mutation")


def _check(schema: Schema, tokens: list[str], kind: str) -> list[str]:
    """The tokens behind this selection set; raises AssertionError for what the type does not have."""
    assert tokens[0] == "{", f"{kind} needs a selection"
    tokens = tokens[1:]
    while tokens[0] != "}":
        field, tokens = tokens[0], tokens[1:]
        assert field in schema[kind], f"{kind} has no field {field}"
        below, arguments = schema[kind][field]
        if tokens[0] == "(":
            end = tokens.index(")")
            names = _names(tokens[1:end], tokens[2 : end + 1])
            assert names <= set(arguments), f"{field} has no argument {names - set(arguments)}"
            tokens = tokens[end + 1 :]
        tokens = _check(schema, tokens, below) if below else tokens
    return tokens[1:]


def _names(tokens: list[str], following: list[str]) -> set[str]:
    """The arguments' names, without those inside their values."""
    depth, names = 0, set()
    for token, after in zip(tokens, following):
        depth += (token == "{") - (token == "}")
        if depth == 0 and after == ":":
            names.add(token)
    return names
