"""What a template calls gets what Jinja gives it: its values alone, or the context where it asks for that."""

from __future__ import annotations

import functools

import pytest
from flask import Flask, render_template_string
from jinja2 import DictLoader, Environment, Template, pass_context, pass_environment, pass_eval_context
from jinja2.runtime import Context
from markupsafe import Markup

from tests.web.site import OnlyNamesAndKeys
from web.quick_calls import QuickContext, QuickTemplate


class Called:
    def __call__(self, *values: object, **named: object) -> str:
        return f"object {values} {named}"

    def method(self, *values: object) -> str:
        return f"method {values}"


CALLED = {
    "plain": lambda *values, **named: f"plain {values} {named}",
    "kept": functools.lru_cache(lambda *values, **named: f"kept {values} {named}"),
    "part": functools.partial(lambda *values: f"part {values}", "first"),
    "thing": Called(),
    "method": Called().method,
    "with_context": pass_context(lambda context, *values: f"{context['word']} {values}"),
    "with_environment": pass_environment(lambda environment, *values: f"{environment.autoescape} {values}"),
    "with_escaping": pass_eval_context(lambda evaluated, *values: f"{evaluated.autoescape} {values}"),
    "word": "<word>",
}
TEMPLATE = """
{% macro shown(text, more="–") %}
[{{ text }} {{ more }} {{ varargs }} {{ kwargs }} {{ caller() if caller else "" }}]
{% endmacro %}
{% macro escaped(text) %}<{{ text }}>{% endmacro %}
{{ shown(word) }} {{ shown("<b>", 2, 3, x=word) }} {{ escaped(escaped("<")) }}
{% call shown(1) %}{{ word }}{% endcall %}
{% for number in (1, 2) %}{{ plain(number, a=word) }} {{ kept(number) }} {{ part(number) }} {{ with_context(number) }}
{{ thing(number, b=2) }} {{ method(word) }} {{ with_escaping(loop.index) }} {{ shown(number, x=1) }}{% endfor %}
{% block inner %}{{ plain(word) }} {{ shown is defined }} {{ with_context() }} {{ range(3) | list }}{% endblock %}
"""


SHOWN = """
{% macro two(first, second="<2>") %}({{ first }} {{ second }} {{ nothing }}){% endmacro %}
{% macro around(open="<") %}{{ open }}{{ caller("<call>") if caller }}{% endmacro %}
{% macro rest() %}{{ varargs }}{{ kwargs }}{% endmacro %}
{% macro unnamed() %}{{ varargs }}{% endmacro %}
{% macro by_name() %}{{ kwargs }}{% endmacro %}
{% set kept %}{{ text }}{% endset %}
{{ text }} {{ safe }} {{ shows_itself }} {{ number }} {{ count }} {{ none }} {{ own }} {{ nothing }} {{ kept }}
{{ text ~ safe }} {{ text | e }} {{ safe | upper }} {{ [text, safe] }} {{ text | safe }}
{{ two(text) }} {{ two(safe, text) }} {{ two(second=two(text), first=safe) }} {{ two() }} {{ rest(text, of=safe) }}
{{ rest() }} {{ unnamed() }} {{ by_name() }} {{ around(text) }} {{ "<" ~ two(text) }}
{% call(word) around() %}{{ word }}{{ text }}{% endcall %}
{% call(word) around(open=text) %}{{ word }}{% endcall %}
{% set later = two(text) %}{{ later }}{{ later ~ text }}{{ two(later) }}
"""


class ShowsItself:
    def __html__(self) -> str:
        return "<hr>"


class Own(str):
    """A text of a class of its own, as an enum's."""


@pytest.fixture
def empty() -> Flask:
    return Flask(__name__)


def test_each_gets_the_same(empty: Flask) -> None:
    with empty.test_request_context():
        expected = render_template_string(TEMPLATE, **CALLED)
        assert empty.jinja_env.context_class is Context and "&lt;word&gt;" in expected
        empty.jinja_env.context_class = QuickContext
        assert render_template_string(TEMPLATE, **CALLED) == expected


def made_by(context: type[Context], template: type[Template], autoescape: bool = True) -> Environment:
    made = Environment(autoescape=autoescape, undefined=OnlyNamesAndKeys)  # noqa: S701 - pages do escape
    made.context_class, made.template_class = context, template
    return made


def test_each_value_is_shown_the_same() -> None:
    values = {"text": "<&'\">", "safe": Markup("<b>"), "shows_itself": ShowsItself(), "number": 2.5, "count": -12,
              "own": Own("<i>")}  # fmt: skip
    plain, quick = made_by(Context, Template), made_by(QuickContext, QuickTemplate)
    expected = plain.from_string(SHOWN).render(values)
    assert expected.count("&lt;&amp;&#39;&#34;&gt;") > 10 and expected.count("<b>") > 3 and "&lt;i&gt;" in expected
    assert quick.from_string(SHOWN).render(values) == expected
    plain, quick = (made_by(*kinds, autoescape=False) for kinds in ((Context, Template), (QuickContext, QuickTemplate)))
    assert quick.from_string(SHOWN).render(values) == plain.from_string(SHOWN).render(values) != expected


@pytest.mark.parametrize("call", ["two(1, 2, 3)", "two(1, first=2)", "two(1, 2, second=3)", "two(third=3)"])
def test_a_wrong_call_of_a_macro_raises_the_same(call: str) -> None:
    said = []
    for made in (made_by(Context, Template), made_by(QuickContext, QuickTemplate)):
        with pytest.raises(TypeError) as raised:
            made.from_string("{% macro two(first, second) %}{% endmacro %}{{ " + call + " }}").render()
        said.append(str(raised.value))
    assert said[0] == said[1]


@pytest.mark.parametrize("kind", [Template, QuickTemplate])
def test_a_macro_has_the_globals_of_the_template_that_imports_it(empty: Flask, kind: type[Template]) -> None:
    empty.jinja_env.template_class = kind
    empty.jinja_env.loader = DictLoader({
        "macros": "{% macro shown() %}[{{ mine }}]{% endmacro %}",
        **dict.fromkeys(("page", "other"), "{% from 'macros' import shown %}{{ shown() }}"),
    })  # fmt: skip
    mine = empty.jinja_env.get_template("page", globals={"mine": 1})
    others = empty.jinja_env.get_template("other")
    assert [page.render() for page in (mine, others, mine)] == ["[1]", "[]", "[1]"]


@pytest.mark.parametrize("kind", [Template, QuickTemplate])
def test_templates_around_others_give_the_same(empty: Flask, kind: type[Template]) -> None:
    empty.jinja_env.template_class = kind
    empty.jinja_env.loader = DictLoader({
        "base.html": "({% block body %}base{% endblock %})",
        "page.html": "{% extends 'base.html' %}{% block body %}{{ super() }}{% for n in (1, 2) %}"
                     "{% include 'row.html' %}{% endfor %}{% set kept %}{% include 'row.html' %}{% endset %}{{ kept }}"
                     "{% include 'none' ignore missing %}{% include 'row.html' without context %}{% endblock %}",
        "row.html": "[{{ n }}{{ '<' }}]",
    })  # fmt: skip
    page = empty.jinja_env.get_template("page.html")
    assert page.render() == "".join(page.generate()) == "(base[1&lt;][2&lt;][&lt;][&lt;])"
    assert len(list(page.generate())) == 1 or kind is Template


def test_the_pages_are_written_with_it(site: Flask) -> None:
    assert site.jinja_env.context_class is QuickContext and site.jinja_env.autoescape(None) is True
    assert isinstance(site.jinja_env.get_template("base.html"), QuickTemplate)
