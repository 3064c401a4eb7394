"""How a view answers: a whole page or the part that htmx swaps, a dialog or the page that stands for it, a move.
Each works without JavaScript."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import unquote

from flask import Response, flash, make_response, redirect, render_template, request, url_for

from sync.listing import whole_number
from sync.states import Tone

MOST = 2**63 - 1  # what SQLite keeps in an integer
DIALOGS = ("report", "check", "dialog")  # what an address says of an open dialog (static/rollcall.js)
INVALID = 422  # a form that came back with what to fix: htmx swaps it in (see the htmx-config meta in base.html)


def whole_numbers(texts: Iterable[str]) -> list[int]:
    """The whole numbers among the texts; other texts are left out."""
    return [number for text in texts if (number := whole_number(text)) is not None]


def asked(name: str) -> int | None:
    """The whole number that the query has under this name, or None."""
    return whole_number(request.args.get(name, ""))


def wants_part() -> bool:
    """True when htmx asks for the part it will swap, not for a page to show (go_to takes #page of one)."""
    return bool(request.htmx) and request.htmx.target != "page"


def page_or_part(whole: str, part: str, /, **values) -> str:
    """`part` is a template whose name begins with _ and that `whole` includes as well."""
    return render_template(part if wants_part() else whole, **values)


def dialog(part: str, title: str, status: int = 200, /, **values) -> tuple[str, int]:
    """`part` renders a <dialog> (macro `dialog`); without htmx it is open on a page of its own."""
    values |= {"title": title, "part": part}
    return render_template(part if wants_part() else "dialog_page.html", **values), status


def go_to(address: str, message: str = "", tone: Tone = Tone.OK, undo: str = "", follow: str = "") -> Response:
    """After something was done: go to a page, which shows `message` in a toast. `undo` is the address whose DELETE
    takes it back; `follow` is the address that reports the progress (web/outcomes.py)."""
    if not request.htmx:
        if message:
            flash({"text": message, "undo": undo, "follow": follow} if undo or follow else message, tone)
        return redirect(address, 303)
    answer = make_response("", 204)
    answer.headers["HX-Location"] = json.dumps(
        {"path": address, "target": "#page", "select": "#page", "swap": "morph:outerHTML"}
    )
    return with_toast(answer, message, tone, undo, follow) if message else answer


def with_toast(answer: Response | str, message: str, tone: Tone = Tone.OK, undo: str = "",
               follow: str = "") -> Response:  # fmt: skip
    """The same answer, with a toast that htmx shows."""
    answer = make_response(answer)
    more = {"undo": undo, "follow": follow}
    toast = {"text": message, "tone": tone} | {name: value for name, value in more.items() if value}
    answer.headers["HX-Trigger"] = json.dumps({"toast": toast})  # ASCII: a header holds no more
    return answer


def without_dialog(address: str) -> str:
    """The address of a page, without the dialog that was open over it."""
    path, mark, query = address.partition("?")
    kept = [part for part in query.split("&") if part.partition("=")[0] not in DIALOGS]
    return f"{path}?{'&'.join(kept)}" if mark and kept else path


def safe_address(text: str | None, otherwise: str | None = None) -> str:
    """An address of our own to continue at, from what a browser sent: never another host, never outside our path.
    Otherwise `otherwise`, or the first page."""
    ours = bool(text) and text.startswith(f"{request.script_root}/") and not text.startswith(("//", "/\\"))
    if not ours or any(ord(sign) < 32 for sign in text) or ".." in re.split(r"[/\\]", unquote(text.partition("?")[0])):
        return url_for("home.show") if otherwise is None else otherwise
    return text
