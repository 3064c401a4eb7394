"""All dialogs and what opens them: each has an address, red is for access that is taken away, and reasons are asked for
in one way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).parents[2] / "templates"
TEXTS = {str(path.relative_to(TEMPLATES)): path.read_text(encoding="utf-8")
         for path in sorted(TEMPLATES.rglob("*.html"))}  # fmt: skip
# Who writes a <dialog>. What components.html makes is named by the address that answered with it (static/rollcall.js).
MAKE = {
    "components.html": "the macro of all others",
    "wizard/_wizard.html": "?report=3", "checks/_dialog.html": "?check=5",
    "search/_dialog.html": "?dialog=/search",
}  # fmt: skip
# Where a button or an entry of a menu is red, and what access it takes away.
RED = {
    ("offboarding/new.html", "Finish"): "accounts in all apps",
    ("settings/sessions.html", "Sign out everywhere else"): "sessions",
    ("settings/_sign_in_removal.html", "Remove it"): "the way in of all who sign in with the provider",
    ("apps/show.html", "Remove"): "who is an Owner or Collaborator of the app",
    ("operations/_joining.html", ""): "an invitation",
    ("operations/_cancellation.html", "Delete it here"): "an invitation",
    ("members/_account_menu.html", ""): "an account or access: web/member_operations.py says which",
    ("people/_departure.html", "Mark as having left"): "all accounts, after approval",
}
RED_ONES = re.compile(r'button\((?:"([^"]*)"|[^,()]+)[^{}]*?"danger"|menu_dialog\([^{}]*danger=|class="danger"')
OPENERS = re.compile(r"<(?:a|button)\b[^>]*?hx-target=\"#dialog\"[^>]*>", re.S)


def test_every_dialog_is_known() -> None:
    assert {name for name, text in TEXTS.items() if re.search(r"<dialog\b", text)} == set(MAKE)
    for name in ("wizard/_wizard.html", "checks/_dialog.html"):
        assert re.search(r'<dialog[^>]* data-name="(report|check)" data-number=', TEXTS[name]), name
    assert 'data-address="' in TEXTS["search/_dialog.html"]


def test_a_partial_that_is_shown_as_a_dialog_is_made_by_the_macro() -> None:
    code = "\n".join(path.read_text() for path in (TEMPLATES.parent / "web").glob("*.py"))
    shown = set(re.findall(r"return (?:answers\.)?dialog\(\s*\"([a-z_/]+\.html)\"", code))
    assert len(shown) > 30
    for name in shown - set(MAKE):
        assert re.search(r"\{% call dialog\(", TEXTS[name]), name


def test_a_link_to_a_dialog_leads_to_its_address_without_scripts() -> None:
    """A link by `href`, a button by `formaction`: the same address as htmx asks, but for the way back."""
    for name, text in TEXTS.items():
        for opener in OPENERS.findall(text):
            if "hx-get" in opener:
                asked, plain = (re.search(rf'{word}="(.*?)"[\s>]', opener, re.S)
                                for word in ("hx-get", "(?:href|formaction)"))  # fmt: skip
                assert plain, f"{name}: {opener}"
                assert _bare(asked.group(1)) == _bare(plain.group(1)), f"{name}: {opener}"


def _bare(address: str) -> str:
    return re.sub(r", back=.*?\)(?= ?\}\})", ")", address).replace("line.part", "line.address")


def test_red_is_for_access_that_is_taken_away() -> None:
    found = set()
    for name, text in TEXTS.items():
        if name == "components.html":
            continue
        for match in RED_ONES.finditer(text):
            label = match[1] or ("Remove" if match.group().startswith("class") else "")
            found.add((name, label))
    assert found == set(RED)


@pytest.mark.parametrize("name", TEXTS)
def test_reasons_are_asked_for_in_one_way(name: str) -> None:
    """By reason_to_leave or reason_to_stay; beside a row that is kept, with the same three to choose from."""
    text = TEXTS[name]
    if name != "components.html":
        visible = text.replace('type="hidden" name="reason"', "")
        assert not re.search(r'field\("reason"|name="reason"', visible)
    for asked in re.findall(r'<input[^>]*name="reason-[^>]*>', text, re.S):
        assert 'list="reasons-to-stay"' in asked and 'maxlength="200"' in asked, name
