"""How templates import macros, call them and functions, escape what they show, and include each other, in fewer steps
than Jinja takes. It looks for names and marks that nearly none has, and hands each piece of a text to all templates
around it. A page is the same: tests/web/test_quick_calls.py compares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from types import FunctionType
from typing import Any

from flask import Flask
from jinja2 import Environment, Template
from jinja2.environment import TemplateModule
from jinja2.runtime import Context, Macro, missing
from markupsafe import Markup, _escape_inner, escape

PLAIN = (FunctionType, type(lru_cache(len)))
MARK = "jinja_pass_arg"  # of jinja2.utils.pass_context and the like
INSIDE = ("_block_vars", "_loop_vars")  # what Jinja hands to a call for functions with the mark


def install(app: Flask) -> None:
    app.jinja_env.context_class = QuickContext
    app.jinja_env.template_class = QuickTemplate


class QuickTemplate(Template):
    """A template that others import, include or extend."""

    @classmethod
    def _from_namespace(cls, environment: Environment, namespace: dict, names: dict) -> Template:
        template = super()._from_namespace(environment, namespace, names)
        template.root_render_func = _in_one_piece(template.root_render_func)
        namespace["escape"] = _shown  # what Jinja's code calls for each value that it shows, and for nothing else
        return template

    def _get_default_module(self, context: Context | None = None) -> TemplateModule:
        """Its macros. Jinja makes them again for a template that has globals of its own: by default, none has."""
        has_own = context is not None and not context.globals_keys <= self.environment.globals.keys()
        return super()._get_default_module(context if has_own else None)


def _in_one_piece(render: Callable[..., Iterator[str]]) -> Callable[..., Iterator[str]]:
    """It gives the whole text, which has thousands of pieces where it is a long list."""

    def rendered(*values: Any) -> Iterator[str]:
        yield "".join(render(*values))

    return rendered


def _shown(value: Any) -> str:
    """The same text as escape(), without a Markup around it, which nothing asks for when texts are joined to a page."""
    kind = type(value)
    if kind is Markup:
        return value
    if kind is int:
        return str(value)
    return _escape_inner(value) if kind is str else escape(value)


def _of_macro(macro: Macro, values: tuple, named: dict[str, Any]) -> Any:
    """What Macro.__call__ gives, for a macro that takes neither a block nor further values."""
    if macro.caller or macro.catch_kwargs or macro.catch_varargs:
        return macro(*values, **named)
    if len(values) < macro._argument_count:
        values = (*values, *(named.pop(name, missing) for name in macro.arguments[len(values) :]))
    if named or len(values) > macro._argument_count:
        return macro(*values, **named)  # which says what is wrong
    text = macro._func(*values)
    return Markup(text) if macro._default_autoescape else text


class QuickContext(Context):
    """The variables of a template."""

    def call(self, called: Callable, /, *values: Any, **named: Any) -> Any:
        """What `called` answers. A macro's own mark only says whether values are escaped, which they always are."""
        kind = type(called)
        if kind is not Macro and (kind not in PLAIN or hasattr(called, MARK)):
            return super().call(called, *values, **named)
        if named:
            for name in INSIDE:
                named.pop(name, None)
        return called(*values, **named) if kind is not Macro else _of_macro(called, values, named)
