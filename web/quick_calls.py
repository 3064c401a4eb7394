"""How templates call macros and functions, in fewer steps than Jinja takes, which looks for marks that nearly none has.
A function or macro gets the same: tests/web/test_quick_calls.py compares."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import FunctionType
from typing import Any

from flask import Flask
from jinja2.runtime import Context, Macro

PLAIN = (FunctionType, type(lru_cache(len)))
MARK = "jinja_pass_arg"  # of jinja2.utils.pass_context and the like
INSIDE = ("_block_vars", "_loop_vars")  # what Jinja hands to a call for functions with the mark


def install(app: Flask) -> None:
    app.jinja_env.context_class = QuickContext


class QuickContext(Context):
    """The variables of a template."""

    def call(self, called: Callable, /, *values: Any, **named: Any) -> Any:
        """What `called` answers. A macro's own mark only says whether values are escaped, which they always are."""
        kind = type(called)
        if kind is not Macro and (kind not in PLAIN or hasattr(called, MARK)):
            return super().call(called, *values, **named)
        for name in INSIDE:
            named.pop(name, None)
        return called(*values, **named)
