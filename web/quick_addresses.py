"""The addresses that url_for() builds in many steps: the same one is built once in a process.
The frame of each page has 30 of them. The builder of a view's addresses is made when the first of them is built."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from flask import Flask, has_request_context
from flask.globals import request_ctx
from werkzeug.routing import Rule

MOST, LONGEST = 4000, 100  # addresses that are kept, and characters of one: browsers send more than we want to keep
SIMPLE = frozenset({str, int, type(None)})  # two values of one of these types have the same address if they are equal


class LateRule(Rule):
    """An address whose two builders are made when it is first built. werkzeug makes both of all addresses at once, by
    compiling Python: a fifth of a server's start, most of it for addresses of which no page has a link."""

    _made: ClassVar[dict[tuple, Callable]] = {}  # by all that a builder is made of; it asks its rule for the rest

    def _compile_builder(self, append_unknown: bool = True) -> Callable:
        def build(rule: LateRule, /, **values: Any) -> tuple[str, str]:
            builder = rule._builder(append_unknown)
            setattr(rule, "_build_unknown" if append_unknown else "_build", builder.__get__(rule))
            return builder(rule, **values)

        return build

    def _builder(self, append_unknown: bool) -> Callable:
        if self.defaults:
            return super()._compile_builder(append_unknown)
        made = self.rule, tuple(self._trace), append_unknown
        if made not in self._made:
            self._made[made] = super()._compile_builder(append_unknown)
        return self._made[made]


def install(app: Flask) -> None:
    """Takes the place of the app's url_for(), which flask.url_for() and templates call, and of werkzeug's rules, for
    the views that are added from now on."""
    app.url_rule_class = LateRule
    build, built = app.url_for, {}

    def url_for(endpoint: str, **values: Any) -> str:
        kinds = tuple(map(type, values.values()))
        get = values.get
        whole = get("_external") is not None or get("_scheme") is not None  # with a host, which the browser names
        if whole or endpoint[:1] == "." or not SIMPLE.issuperset(kinds) or not has_request_context():
            return build(endpoint, **values)
        # The path where the app is mounted, and the method, which chooses between several addresses of a view.
        here = request_ctx.url_adapter
        key = (here.script_name, here.default_method, endpoint, kinds, *values.items())
        address = built.get(key)
        if address is None:
            address = build(endpoint, **values)
            if len(address) <= LONGEST:
                if len(built) >= MOST:
                    built.clear()
                built[key] = address
        return address

    app.url_for = app.jinja_env.globals["url_for"] = url_for
