"""The error pages: what happened, what was not changed, what to do next.
htmx shows the same words as a toast."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from flask import Flask, Response, current_app, flash, g, make_response, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError

from sync import faults
from sync.directory import push
from sync.models import App
from sync.rank import NotAllowed
from sync.sample_data import SampleProblem
from sync.sign_in import refusals
from sync.states import Tone
from web import scim, security
from web.answers import with_toast
from web.behind_proxy import as_asked
from web.patience import TooManyWait
from web.permissions import NotSignedIn, NotTheirs, SecondFactorNeeded

WORDS = {
    400: ("The request could not be read", "Nothing was changed. Go back, reload the page and try again."),
    403: ("You don't have permission", "Nothing was changed. Ask an Owner of the app or of the workspace."),
    404: ("Page not found", "The address is wrong, the page was removed, or you don't have access to it."),
    405: ("This isn't possible here", "Nothing was changed. Go back and use the buttons on the page."),
    413: ("The file is too large", "Nothing was changed. The limit is 32 MB."),
    414: ("The address is too long", "Nothing was changed. Choose fewer at once, or search for less."),
    429: ("Too many attempts", "Nothing was changed. Wait a few minutes, then try again."),
    500: ("Something went wrong in Rollcall",
          "Your request may not have been carried out. Nothing else was changed. The reason is in the server's log. "
          "Try again. If it keeps happening, send that log to the person who manages Rollcall."),
}
GONE = ("This no longer exists, or you no longer have access to it",  # a form whose subject was removed in another tab
        "Nothing was changed. Reload the page to see what is there now.")  # fmt: skip
STALE = ("This page was open too long", "Nothing was changed. Reload the page and try again.")


def install(app: Flask) -> None:
    app.register_error_handler(NotSignedIn, to_sign_in)
    app.register_error_handler(SecondFactorNeeded, to_second_factor)
    app.register_error_handler(NotAllowed, not_allowed)
    app.register_error_handler(CSRFError, stale_form)
    app.register_error_handler(HTTPException, error_page)
    app.register_error_handler(SampleProblem, sample_in_the_way)
    app.register_error_handler(TooManyWait, other_servers_first)
    app.register_error_handler(500, unexpected)  # Flask has logged the traceback
    app.after_request(only_html_for_htmx)


def stale_form(_problem: CSRFError) -> Response:
    """A second click on “Sign out” has the token of the session that the first has ended."""
    if request.endpoint == "signin.delete" and not security.signed_in_person():
        return redirect(url_for("signin.show"), 303)
    return answer(400, *STALE)


def error_page(problem: HTTPException) -> Response:
    if problem.code is None or problem.code < 400:
        return problem.get_response()
    if request.path.startswith(f"{push.PATH}/"):
        return scim.refusal(problem)  # an address that no route knows, such as one with a line break in it
    if isinstance(problem, NotTheirs):
        _note_refusal(refusals.NOT_THEIRS, problem.app)
    if problem.code == 404 and request.method not in ("GET", "HEAD"):
        return answer(404, *GONE)
    return answer(problem.code)


def not_allowed(refusal: NotAllowed) -> Response:
    """The core refused what the page let through."""
    return answer(403, WORDS[403][0], str(refusal))


def sample_in_the_way(problem: SampleProblem) -> Response:
    return answer(409, "Remove the sample data first", str(problem))


def other_servers_first(_problem: TooManyWait) -> Response:
    return answer(429, "Other tests aren't done yet", "Nothing was changed. Rollcall waits for the answers of other "
                  "servers. Try again in a minute.")  # fmt: skip


def _note_refusal(kind: str, app: App | None = None) -> None:
    me = security.signed_in_person()
    if me is not None and request.url_rule is not None:
        refusals.refused(me, kind, f"{request.method} {request.url_rule.rule}", security.source(), app)


def unexpected(problem: InternalServerError) -> Response:
    """A bug, or a fault of this machine. A fault is named, and the person may try again."""
    fault = faults.note(problem.original_exception or problem)
    if fault is None:
        return answer(500)
    advice = f"Your request was not carried out, and nothing is lost. {fault.advice}"
    response = answer(503, fault.sentence.rstrip("."), advice)
    response.headers["Retry-After"] = "60"
    return response


def answer(status: int, title: str = "", advice: str = "") -> Response:
    if status == 403:
        _note_refusal(refusals.NOT_ALLOWED)
    if status in (500, 503):
        g.person = None  # the page must work even when the database, which knows who is signed in, does not
    if not title:
        title, advice = WORDS.get(status, WORDS[400 if status < 500 else 500])
    if request.htmx:
        response = with_toast(make_response("", status), f"{title}. {advice}", Tone.ATTENTION)
        response.headers["HX-Reswap"] = "none"
        return response
    return make_response(render_template("error.html", status=status, title=title, advice=advice), status)


def only_html_for_htmx(response: Response) -> Response:
    """htmx makes HTML of whatever it gets, and carries out its attributes as the person who is signed in. A link with
    `?dialog=/people.csv` in it would do that with names from apps and directories, which a list has as they are."""
    if not request.htmx or response.mimetype == "text/html":
        return response
    response.close()
    return answer(405)


def to_sign_in(_problem: NotSignedIn) -> Response:
    """Go to the sign-in page, and afterwards back to the requested page, or to the one whose form was sent. The form
    isn't carried out, and the person must know that."""
    if request.method not in ("GET", "HEAD"):
        flash("You are no longer signed in, so nothing was changed. Sign in, then do it again.", Tone.ATTENTION)
    if request.htmx:
        gone = make_response("", 401)
        gone.headers["HX-Redirect"] = url_for("signin.show", next=_page_at(request.headers.get("HX-Current-URL")))
        return gone
    wanted = as_asked() if request.path != "/" else None
    wanted = wanted if request.method in ("GET", "HEAD") else _page_at(request.referrer)
    return redirect(url_for("signin.show", next=wanted), 303)


def _page_at(address: str | None) -> str | None:
    """The path and query of a page of ours, by its whole address as the browser gives it; None if it can't be opened
    again, such as the address of a form."""
    try:
        parts = urlsplit(address or "")
        path = parts.path.removeprefix(request.script_root)
        current_app.create_url_adapter(request).match(path, method="GET")
    except (ValueError, HTTPException):
        return None
    return None if path == "/" else urlunsplit(("", "", parts.path, parts.query, ""))


def to_second_factor(_problem: SecondFactorNeeded) -> Response:
    """To the page where one is added: nothing else is open until then."""
    address = url_for("your_sign_in.show")
    if request.htmx:
        moved = make_response("", 403)
        moved.headers["HX-Redirect"] = address
        return moved
    return redirect(address, 303)
