"""What people say accounts are, one or many at once: previewed in a dialog, decided as one batch, and undone as one.
Also what an app's accounts are matched by when they tell no e-mail address."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, abort, request, url_for

from sync import match_decisions, match_rules, matching
from sync.match_decisions import Decision, DecisionProblem
from sync.match_rules import RuleProblem
from sync.matching import TABS
from sync.models import Account, App
from sync.names import account_name
from sync.problems import AppProblem
from web.answers import INVALID, dialog, go_to, safe_address
from web.app_page import match_in_words
from web.app_settings import known_person
from web.member_acts import ticked
from web.permissions import app_part
from web.security import by
from web.words import plural

pages = Blueprint("decisions", __name__, url_prefix="/apps/<int:app_id>/members")

SHOWN = 8  # names in a preview


@dataclass(frozen=True)
class Kind:
    """How one kind of decision is put into words; {} is an account, or how many."""

    title: str
    button: str
    said: str


KINDS = {
    "guest": Kind("Mark {} as guest or partner", "Save", "{} marked as {word}."),
    "service account": Kind("Mark {} as a service account", "Mark as service account", "{} marked as service account."),
    "nobody": Kind("Re-assign {}", "Move to Unmatched", "{} moved to Unmatched: say whose it is, or what."),
    "rules": Kind("Let the rules decide about {}", "Let the rules decide", "{} left to the rules."),
}


@pages.get("/decisions/new")
@app_part("owner")
def new(app: App) -> tuple[str, int]:
    """The preview: `kind`, and `account` once for each, or `all` with the tab and the search that found them."""
    kind = request.args.get("kind", "")
    if kind not in KINDS:
        abort(400)
    return _preview(app, kind, request.args)


def _preview(app: App, kind: str, given, problem: str = "") -> tuple[str, int]:
    accounts = match_decisions.chosen(app, _ids(app))
    count, one = len(accounts), accounts[0] if len(accounts) == 1 else None
    whom = account_name(one) if one else plural(count, "account")
    return dialog(
        "members/_decision.html", KINDS[kind].title.format(whom), INVALID if problem else 200, app=app, kind=kind,
        words=KINDS[kind], whom=whom, count=count, one=one, shown=accounts[:SHOWN], given=given, problem=problem,
        accounts=[] if "all" in given else accounts, seen=match_decisions.fingerprint(accounts),
        match_in_words=match_in_words, back=back_of(app), why=match_rules.why(app, accounts[:SHOWN]),
    )


def _ids(app: App) -> list[int]:
    if "all" not in request.values:
        return ticked()
    tab = request.values.get("tab", "")
    if tab not in TABS:
        abort(400)
    return [row.id for row in matching.found(app, tab, request.values.get("search", ""))]


@pages.post("/decisions")
@app_part("owner")
def create(app: App) -> Response | tuple[str, int]:
    """The yes: `what` says whether a guest is a local partner; `seen` which preview it was given to."""
    given = request.form
    kind = given.get("kind", "")
    if kind not in KINDS:
        abort(400)
    ids = _ids(app)
    try:
        decision = _decision(kind, given)
        made = match_decisions.decide(app, ids, decision, by(), given.get("seen", ""))
    except (AppProblem, DecisionProblem) as problem:
        return _preview(app, kind, given, str(problem))
    if not made.batch:
        return go_to(back_of(app), "That is so already: nothing was done twice.")
    whom = _whom(app, ids) if made.count == 1 else plural(made.count, "account")
    said = KINDS[kind].said.format(whom, word=decision.kind)
    return go_to(_after(app, kind, ids), said, undo=undo_address(app, made.batch))


def _decision(kind: str, given) -> Decision:
    if kind == "service account":
        email = given.get("email", "").strip()
        return Decision(kind, known_person(email) if email else None)
    if kind != "guest":
        return Decision(kind)
    what, note = given.get("what", "guest"), given.get("note", "").strip()
    if what not in ("guest", "local partner"):
        abort(400)
    return Decision(what, note=note)


def _whom(app: App, ids: list[int]) -> str:
    accounts = match_decisions.chosen(app, ids)
    return account_name(accounts[0]) if len(accounts) == 1 else plural(1, "account")


def _after(app: App, kind: str, ids: list[int]) -> str:
    """Where one was; an account that is re-assigned is shown where it is to be matched anew."""
    if kind == "nobody" and len(ids) == 1:
        account = Account.get_by_id(ids[0])
        return url_for("members.index", app_id=app.id, tab="unmatched", search=account.email or account.name or None)
    return back_of(app)


def undo_address(app: App, batch: str) -> str:
    return url_for("decisions.undo", app_id=app.id, batch=batch, back=back_of(app))


@pages.delete("/decisions/<batch>")
@app_part("owner")
def undo(app: App, batch: str) -> Response:
    try:
        count = match_decisions.undo(app, batch, by())
    except DecisionProblem as problem:
        return go_to(back_of(app), str(problem), "attention")
    return go_to(back_of(app), f"Undone: {plural(count, 'account is', 'accounts are')} as before.")


@pages.get("/rules")
@app_part("owner")
def rules(app: App) -> tuple[str, int]:
    return _rules(app, app.match_domain or "")


def _rules(app: App, domain: str, problem: str = "") -> tuple[str, int]:
    return dialog("members/_rules.html", "How accounts are matched", INVALID if problem else 200, app=app,
                  domain=domain, problem=problem, back=back_of(app))


@pages.put("/rules")
@app_part("owner")
def set_rules(app: App) -> Response | tuple[str, int]:
    domain = request.form.get("domain", "")
    try:
        changed = match_rules.set_domain(app, domain, by())
    except RuleProblem as problem:
        return _rules(app, domain, str(problem))
    now = f"{plural(changed, 'account is', 'accounts are')} matched otherwise now" if changed else "no match changed"
    return go_to(back_of(app), f"Saved: {now}.")


def back_of(app: App) -> str:
    return safe_address(request.values.get("back"), url_for("members.index", app_id=app.id))
