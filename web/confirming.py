"""Asks people to confirm that it is them before a sensitive change: by password, second factor or a fresh sign-in.
The request is stored until then and then continued, with everything that was typed. A fresh sign-in isn't asked."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from functools import wraps
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, g, make_response, redirect, render_template, request, url_for
from flask.globals import request_ctx
from werkzeug.datastructures import FileStorage, ImmutableMultiDict

from sync import names
from sync.people.people import PeopleProblem
from sync.sign_in import kept_requests, oidc, passkeys, second_factor, sessions, sign_in
from sync.sign_in.attempts import TooManyAttempts
from sync.states import Tone
from web import known_browser, passkey_form
from web import oidc as web_oidc
from web.answers import INVALID, go_to, safe_address
from web.permissions import while_setting_up
from web.security import current_session, signed_in_person, source

pages = Blueprint("confirming", __name__, url_prefix="/confirmations")

MANY = 5  # more removals than this at once ask again
LARGEST = 8_000_000  # bytes of files that are kept
OWN_FIELDS = ("password", "code", "credential")
GONE = "Your request is no longer stored. Nothing was changed. Please do it again."
TOO_LARGE = "Confirmed. The file was too large to keep while you confirmed, so upload it again."
WRONG = "Wrong password."


def asks_again(view: Callable | None = None, *, when: Callable[..., bool] | None = None) -> Callable:
    """Decorates a view below its permission. `when` gets the view's values; where it is false, nobody is asked."""
    if view is None:
        return lambda inner: asks_again(inner, when=when)

    @wraps(view)
    def guarded(*args, **values):
        if sessions.is_fresh(current_session()) or (when is not None and not when(*args, **values)):
            return view(*args, **values)
        return _ask(_as_sent())

    guarded.asks_again = True
    return guarded


def address_for(going_to: str) -> str | None:
    """Where one of our scripts must go before `going_to`, to confirm; None if nothing needs a confirmation."""
    session = current_session()
    if sessions.is_fresh(session):
        return None
    kept = {"method": "GET", "path": urlsplit(going_to).path.removeprefix(request.script_root), "query": "",
            "form": [], "files": [], "back": going_to}
    return url_for("confirming.show", token=kept_requests.keep(session, kept))


@pages.get("/<token>")
@while_setting_up
def show(token: str) -> Response | str:
    """The dialog as a page: after a fresh sign-in at the provider, or when a script led here."""
    kept = kept_requests.look(current_session(), token)
    return _page(token, kept) if kept else _gone()


@pages.post("/<token>")
@while_setting_up
def create(token: str) -> Response | str | tuple[str, int]:
    """Check the proof, then continue the stored request as if it had been sent now."""
    session = current_session()
    kept = kept_requests.look(session, token)
    if kept is None:
        return _gone()
    if not sessions.is_fresh(session):
        try:
            _prove()
        except PeopleProblem as problem:
            status = 429 if isinstance(problem, TooManyAttempts) else INVALID
            return _page(token, kept, str(problem)), status
        sessions.confirm(session)
    if kept_requests.take(session, token) is None:
        return _gone()
    return _go_on(kept)


@pages.get("/<token>/sign-in")
@while_setting_up
def begin(token: str) -> Response | tuple[str, int]:
    """A fresh sign-in at the provider, which leads back to the page above."""
    return web_oidc.to_provider(url_for("confirming.show", token=token), again=True)


@pages.post("/<token>/challenges")
@while_setting_up
def create_challenge(token: str) -> Response | tuple[dict, int]:
    try:
        asked = passkeys.to_prove(passkey_form.site_or_refusal(), passkeys.Purpose.CONFIRM, signed_in_person())
        return passkey_form.options(asked)
    except PeopleProblem as problem:
        return passkey_form.refusal(problem)


def _prove() -> None:
    """Raises PeopleProblem unless the form proves that it is the person who is signed in."""
    me, given, browser = signed_in_person(), request.form, known_browser.id_for(signed_in_person())
    if "credential" in given:
        passkey_form.prove(passkeys.Purpose.CONFIRM, me, source())
    elif "code" in given:
        second_factor.prove(me, given["code"], source(), browser)
    elif sign_in.authenticate(names.main_email(me), given.get("password", ""), source(), browser) != me:
        raise PeopleProblem(WRONG)


def _as_sent() -> dict:
    """The request in a form that can be stored as JSON."""
    files = [(name, file.filename or "", file.mimetype, file.read()) for name, file in request.files.items(multi=True)]
    too_large = sum(len(content) for *_, content in files) > LARGEST
    return {
        "method": request.method, "path": request.path, "query": request.query_string.decode("latin-1"),
        "form": list(request.form.items(multi=True)), "back": _back(), "too_large": too_large,
        "files": [] if too_large else [(*about, base64.b64encode(content).decode()) for *about, content in files],
    }  # fmt: skip


def _back() -> str:
    """The page that the request came from, for Cancel."""
    came = urlsplit(request.referrer or "")
    return safe_address(f"{came.path}?{came.query}" if came.query else came.path)


def _ask(kept: dict) -> Response:
    """The dialog, or the same as a page, in place of the part of a page that the request would have filled."""
    token = kept_requests.keep(current_session(), kept)
    if not request.htmx:
        return make_response(_page(token, kept), INVALID)
    answer = make_response(render_template("confirming/_confirm.html", **_values(token, kept)), INVALID)
    answer.headers["HX-Retarget"], answer.headers["HX-Reselect"] = "#dialog", "dialog"
    answer.headers["HX-Reswap"] = "innerHTML"
    return answer


def _page(token: str, kept: dict, problem: str = "") -> str:
    return render_template("dialog_page.html", part="confirming/_confirm.html", **_values(token, kept, problem))


def _values(token: str, kept: dict, problem: str = "") -> dict:
    me, provider = signed_in_person(), oidc.settings()
    factors = second_factor.of(me)
    return {
        "title": "Confirm that it is you", "token": token, "back": kept["back"], "problem": problem,
        "fresh": sessions.is_fresh(current_session()), "has_password": bool(me.password_hash),
        "has_app": factors.app, "has_passkey": bool(factors.passkeys) and passkey_form.site() is not None,
        "provider": provider if not me.password_hash else None, "my_email": names.main_email(me),
    }  # fmt: skip


def _gone() -> Response:
    return go_to(url_for("apps.index"), GONE, Tone.ATTENTION)


def _go_on(kept: dict) -> Response | str | tuple[str, int]:
    """Call the view that the stored request was for, its permission check included, with what was sent then."""
    if kept["method"] == "GET":
        return redirect(kept["back"], 303)
    if kept.get("too_large"):
        return go_to(kept["back"], TOO_LARGE)
    request.method, request.path = kept["method"], kept["path"]
    request.query_string = kept["query"].encode("latin-1")
    for known in ("args", "values", "full_path", "url", "base_url"):
        request.__dict__.pop(known, None)
    request.form = ImmutableMultiDict([tuple(pair) for pair in kept["form"]])
    request.files = ImmutableMultiDict([(name, _file(name, *rest)) for name, *rest in kept["files"]])
    g.pop("manages_as", None)
    request.url_rule, request.view_args = request_ctx.url_adapter.match(
        kept["path"], method=kept["method"], return_rule=True)
    return current_app.view_functions[request.url_rule.endpoint](**request.view_args)


def _file(name: str, filename: str, mimetype: str, content: str) -> FileStorage:
    return FileStorage(io.BytesIO(base64.b64decode(content)), filename, name, mimetype)
