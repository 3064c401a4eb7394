"""Decisions about whose accounts are, one or many at once: previewed in a dialog, made and undone as one batch.
Also how an app's accounts are matched when it reports no e-mail address."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, abort, request, url_for

from sync.matching import decisions as match_decisions
from sync.matching import rules as match_rules
from sync.matching.decisions import Decision, DecisionKind, DecisionProblem
from sync.matching.rules import RuleProblem
from sync.models import Account, App
from sync.names import account_name, main_email
from sync.problems import AppProblem
from sync.states import AccountMatch, AppManager, Tone
from web import stale
from web.answers import INVALID, dialog, go_to, safe_address
from web.app_page import match_in_words
from web.app_settings import known_person
from web.member_operations import ticked, whole_list
from web.member_view import other_email
from web.permissions import app_manager
from web.security import by
from web.view import first_lower, joined
from web.words import plural

pages = Blueprint("decisions", __name__, url_prefix="/apps/<int:app_id>/members")

SHOWN = 8  # names in a preview


@dataclass(frozen=True)
class Kind:
    """The wording of one kind of decision; {} is an account, or how many."""

    title: str
    button: str
    done: str


KINDS = {
    DecisionKind.GUEST: Kind("Mark {} as guest or partner", "Save", "{} marked as {word}."),
    DecisionKind.SERVICE_ACCOUNT: Kind(
        "Mark {} as a service account", "Mark as service account", "{} marked as service account."
    ),
    DecisionKind.NOBODY: Kind(
        "Re-assign {}", "Move to Unmatched", "{} moved to Unmatched. Match it there, or mark what it is."
    ),
    DecisionKind.RULES: Kind("Match {} by the rules again", "Match by the rules", "{} matched by the rules again."),
}
BY_RULES = ("Your decision is undone. From now on it is matched by e-mail, employee number and user name. If these "
            "point to nobody, or to different people, it becomes Unmatched.")  # fmt: skip


@pages.get("/decisions/new")
@app_manager(AppManager.OWNER)
def new(app: App) -> tuple[str, int]:
    """The preview: `kind`, and `account` once for each, or `all` of the list `among`."""
    kind = request.args.get("kind", "")
    if kind not in KINDS:
        abort(400)
    return _preview(app, kind, request.args)


@dataclass(frozen=True)
class Line:
    """One of several accounts in a preview."""

    name: str
    email: str
    match: str
    note: str


@dataclass(frozen=True)
class GuestPart:
    partner: bool
    note: str


@dataclass(frozen=True)
class ServicePart:
    email: str


@dataclass(frozen=True)
class Preview:
    """What the dialog shows before a decision. `account_ids` is empty where `all` of the list `among` are meant."""

    kind: str
    button: str
    lead: str
    seen: str
    all: bool
    among: str
    account_ids: list[int]
    nobody: bool
    accounts: list[Line]
    more: str
    guest: GuestPart | None
    service: ServicePart | None
    person: str
    because: str
    sentence: str
    effects: list[str]
    stays: bool


def _preview(app: App, kind: str, given, problem: str = "") -> tuple[str, int]:
    accounts = match_decisions.chosen(app, ticked())
    title = KINDS[kind].title.format(_named(accounts, len(accounts)))
    return dialog(
        "members/_decision.html", title, INVALID if problem else 200, app=app,
        preview=_previewed(app, kind, accounts, given), problem=problem, back=back_of(app),
    )


def _previewed(app: App, kind: str, accounts: list[Account], given) -> Preview:
    one = accounts[0] if len(accounts) == 1 else None
    why = match_rules.why(app, accounts[:SHOWN])
    matched = kind == DecisionKind.NOBODY and one and one.person and one.match_kind == AccountMatch.MATCHED
    return Preview(
        kind,
        KINDS[kind].button,
        lead=_lead(app, one),
        seen=match_decisions.fingerprint(accounts),
        all="all" in given,
        among=given.get("among", ""),
        account_ids=[] if "all" in given else [account.id for account in accounts],
        nobody=not accounts,
        accounts=[] if one else [_line(account, why[account.id]) for account in accounts[:SHOWN]],
        more=_more(len(accounts), whole_list().search if "all" in given else ""),
        guest=_guest(one, given) if kind == DecisionKind.GUEST else None,
        service=_service(one, given) if kind == DecisionKind.SERVICE_ACCOUNT else None,
        person=one.person.name if matched else "",
        because=f", {first_lower(why[one.id])}" if matched and why[one.id] else "",
        sentence=_reassigned(len(accounts), bool(matched)) if kind == DecisionKind.NOBODY else BY_RULES,
        effects=_effects(app) if kind == DecisionKind.NOBODY else [],
        stays=kind not in (DecisionKind.NOBODY, DecisionKind.RULES),
    )


def _lead(app: App, one: Account | None) -> str:
    return joined(other_email(one), f"now: {match_in_words(one)}") if one else f"in {app.name}"


def _line(account: Account, why: str) -> Line:
    return Line(account_name(account), other_email(account), match_in_words(account), account.match_note or why)


def _more(count: int, search: str) -> str:
    if count <= SHOWN:
        return ""
    return f"and {count - SHOWN:,} more{f' found by “{search}”' if search else ''}."


def _guest(one: Account | None, given) -> GuestPart:
    what = given.get("what") or (one.match_kind if one else "")
    note = given.get("note")
    return GuestPart(
        what == AccountMatch.LOCAL_PARTNER, note if note is not None else (one.match_note or "" if one else "")
    )


def _service(one: Account | None, given) -> ServicePart:
    known = one.person if one and one.match_kind == AccountMatch.SERVICE_ACCOUNT else None
    return ServicePart(given.get("email") or (main_email(known) if known else ""))


def _reassigned(count: int, matched: bool) -> str:
    if count == 1:
        it = "it" if matched else "this account"
        return f"To give {it} to someone else, move it to Unmatched first. Then match it there."
    return "To give these accounts to other people, move them to Unmatched first. Then match each one there."


def _effects(app: App) -> list[str]:
    return [
        "While it is unmatched, it isn't removed when a person leaves.",
        "Checks no longer match it automatically, not even by its e-mail address.",
        f"Nothing changes in {app.name}.",
    ]


@pages.post("/decisions")
@app_manager(AppManager.OWNER)
def create(app: App) -> Response | tuple[str, int]:
    """Form fields: `what` is guest or local partner; `seen` is the mark of the preview that was approved."""
    given = request.form
    kind = given.get("kind", "")
    if kind not in KINDS:
        abort(400)
    ids = ticked()
    try:
        decision = _decision(kind, given)
        made = match_decisions.decide(app, ids, decision, by(), given.get("seen", ""))
    except (AppProblem, DecisionProblem) as problem:
        return _preview(app, kind, given, str(problem))
    if not made.batch:
        return go_to(back_of(app), "Already set. Nothing was changed.")
    named = _named(match_decisions.chosen(app, ids), made.count)
    done = KINDS[kind].done.format(named, word=decision.kind)
    return go_to(_after(app, kind, ids), done, undo=undo_address(app, made.batch))


def _decision(kind: str, given) -> Decision:
    if kind == DecisionKind.SERVICE_ACCOUNT:
        email = given.get("email", "").strip()
        return Decision(kind, known_person(email) if email else None)
    if kind != DecisionKind.GUEST:
        return Decision(kind)
    what, note = given.get("what", DecisionKind.GUEST), given.get("note", "").strip()
    if what not in (DecisionKind.GUEST, DecisionKind.LOCAL_PARTNER):
        abort(400)
    return Decision(what, note=note)


def _named(accounts: list[Account], count: int) -> str:
    """The one account by its name; several by how many they are."""
    return account_name(accounts[0]) if len(accounts) == count == 1 else plural(count, "account")


def _after(app: App, kind: str, ids: list[int]) -> str:
    """The page to return to. For one account that is re-assigned, it is the tab where it can be matched again."""
    if kind == DecisionKind.NOBODY and len(ids) == 1:
        account = Account.get_by_id(ids[0])
        return url_for("members.index", app_id=app.id, tab="unmatched", search=account.email or account.name or None)
    return back_of(app)


def undo_address(app: App, batch: str) -> str:
    return url_for("decisions.undo", app_id=app.id, batch=batch, back=back_of(app))


@pages.delete("/decisions/<batch>")
@app_manager(AppManager.OWNER)
def undo(app: App, batch: str) -> Response:
    try:
        count = match_decisions.undo(app, batch, by())
    except DecisionProblem as problem:
        return go_to(back_of(app), str(problem), Tone.ATTENTION)
    return go_to(back_of(app), f"Undone for {plural(count, 'account')}.")


@pages.get("/rules")
@app_manager(AppManager.OWNER)
def rules(app: App) -> tuple[str, int]:
    return _rules(app, app.match_domain or "")


def _rules(app: App, domain: str, problem: str = "") -> tuple[str, int]:
    return dialog("members/_rules.html", "How accounts are matched", INVALID if problem else 200, app=app,
                  domain=domain, seen=stale.mark(app.match_domain), problem=problem, back=back_of(app))


@pages.put("/rules")
@app_manager(AppManager.OWNER)
def set_rules(app: App) -> Response | tuple[str, int]:
    domain = request.form.get("domain", "")
    if stale.is_stale(app.match_domain):
        return _rules(app, app.match_domain or "", stale.CHANGED)
    try:
        changed = match_rules.set_domain(app, domain, by())
    except RuleProblem as problem:
        return _rules(app, domain, str(problem))
    now = f"The match of {plural(changed, 'account')} changed." if changed else "No match changed."
    return go_to(back_of(app), f"Saved. {now}")


def back_of(app: App) -> str:
    return safe_address(request.values.get("back"), url_for("members.index", app_id=app.id))
