"""What no template may contain, since the policy would stop it, half of it silently; and what is vendored."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*.html") if "mail" not in path.parts)


def texts() -> dict[str, str]:
    """What each template holds, by its path."""
    assert TEMPLATES
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in TEMPLATES}


FORBIDDEN = {
    "an event attribute: it is inline script": r"\son[a-z]+\s*=",
    "hx-on: it needs eval": r"\shx-on[:-]",
    "an inline style": r"\sstyle\s*=|<style",
    "an inline script": r"<script(?![^>]*\ssrc=)",
    "a trigger filter: it needs eval, and fires always without": r"hx-trigger=\"[^\"]*\[",
    "a js: or javascript: value: it needs eval": r"[\"'](js|javascript):",
    "an address of somewhere else": r"(?:href|src|action|hx-[a-z]+)=[\"'](?:https?:)?//",
    "an address that leaves the path of ROLLCALL_URL: url_for writes it": r"(?:href|src|action|hx-[a-z]+)=[\"']/|"
    r"(?:form_to|filter_form)\([\"']/|(?:link_button|dialog_link|icon_link|bulk_button)\([^()]*, [\"']/",
    "hx-vars, which is evaluated": r"\shx-vars",
    "|safe: everything is escaped": r"\|\s*safe\b|autoescape false",
}


def test_forbidden() -> None:
    found = [
        f"{name}: {what}: {match.group()}"
        for name, text in texts().items()
        for what, pattern in FORBIDDEN.items()
        for match in re.finditer(pattern, text)
    ]
    assert found == []


@pytest.mark.parametrize(
    "wrong",
    [
        '<a onclick="x()">',
        "<p style='color: red'>",
        "<script>alert(1)</script>",
        '<b hx-on:click="x()">',
        '<b hx-trigger="click[ctrlKey]">',
        "<b hx-vals='js:{a: 1}'>",
        '<img src="https://elsewhere.example/x.png">',
        '<script src="//elsewhere.example/x.js"></script>',
        "{{ name | safe }}",
        '<a href="/apps">',
        '{% call form_to("/setup", target="") %}',
        '{{ link_button("Go to Apps", "/apps", "primary") }}',
    ],
)
def test_lint_sees(wrong: str) -> None:
    assert any(re.search(pattern, wrong) for pattern in FORBIDDEN.values())


def test_every_posting_form_has_a_token() -> None:
    without = [
        f"{name}: {form[:200]}"
        for name, text in texts().items()
        for form in re.findall(r"<form\b.*?</form>", text, re.DOTALL)
        if re.search(r'method="post"', form) and "csrf_token" not in form
    ]
    assert without == []


def test_every_class_of_the_stylesheet_is_used() -> None:
    """What the macros put together (badge-ok) counts by its first part; no class is unused."""
    sheet = re.sub(r"/\*.*?\*/", "", (ROOT / "static/rollcall.css").read_text(), flags=re.DOTALL)
    places = [*TEMPLATES, *(ROOT / "static").glob("*.js"), *(ROOT / "web").glob("*.py")]
    words = set(re.findall(r"[\w-]+", " ".join(path.read_text(encoding="utf-8") for path in places)))
    classes = set(re.findall(r"(?<![\w.])\.([a-z][a-z0-9-]+)", sheet))
    assert len(classes) > 100
    assert {name for name in classes if name not in words and name.partition("-")[0] + "-" not in words} == set()


def test_icons_exist() -> None:
    known = set(re.findall(r'<symbol id="([a-z0-9-]+)"', (ROOT / "static/icons.svg").read_text()))
    used = set()
    for path in TEMPLATES:
        text = path.read_text(encoding="utf-8")
        used |= set(re.findall(r'icon\("([a-z0-9-]+)"', text))
        used |= set(re.findall(r'icon_name="([a-z0-9-]+)"', text))
    assert used and used <= known


def test_scripts_are_as_published() -> None:
    sums = dict(
        re.findall(r"^\| (\S+\.js) \|.*\| ([0-9a-f]{64}) \|$", (ROOT / "static/VENDORED.md").read_text(), re.MULTILINE)
    )
    assert len(sums) == 2
    for name, expected in sums.items():
        assert hashlib.sha256((ROOT / "static" / name).read_bytes()).hexdigest() == expected, name
