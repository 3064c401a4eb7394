"""How the person at this browser signs in: their passkeys, authenticator app, recovery codes and password.
The password is set in own_password.py; the browsers are on "Your sessions"."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for

from sync import names
from sync.people.people import PeopleProblem
from sync.sign_in import authenticator, passkeys, second_factor, sessions
from sync.states import SecondFactor
from web import browsers, confirming, passkey_form
from web.answers import INVALID, go_to
from web.confirming import asks_again
from web.permissions import while_setting_up
from web.security import current_session, signed_in_person
from web.words import plural, this_workspace

pages = Blueprint("your_sign_in", __name__, url_prefix="/settings/your-sign-in")

OTHERS = "Your other browsers were signed out."
FEW_CODES = 2  # recovery codes left, at which the page asks for new ones


@pages.get("")
@while_setting_up
def show() -> str:
    return page()


@pages.post("/authenticator")
@while_setting_up
@asks_again
def create_app() -> Response:
    """Offer a secret, which is valid once its first code has been entered."""
    authenticator.offer(signed_in_person())
    return redirect(url_for("your_sign_in.show_app"), 303)


@pages.get("/authenticator")
@while_setting_up
def show_app() -> Response | str:
    """The secret, only while the session is fresh: nobody who uses this browser later sees it."""
    page = _app_page() if sessions.is_fresh(current_session()) else None
    return page or redirect(url_for("your_sign_in.show"), 303)


@pages.put("/authenticator")
@while_setting_up
@asks_again
def confirm_app() -> Response | str | tuple[str, int]:
    me = signed_in_person()
    try:
        authenticator.confirm(me, request.form.get("code", ""))
    except PeopleProblem as problem:
        shown = _app_page(str(problem))
        return (shown, INVALID) if shown else redirect(url_for("your_sign_in.show"), 303)
    return _added(SecondFactor.APP, "Your authenticator app is set up.")


@pages.delete("/authenticator")
@while_setting_up
@asks_again
def delete_app() -> Response | tuple[str, int]:
    try:
        second_factor.remove_app(signed_in_person(), current_session())
    except PeopleProblem as problem:
        return page(str(problem)), INVALID
    done = f"The authenticator app was removed. Its codes no longer work. {OTHERS}"
    return go_to(url_for("your_sign_in.show"), done)


@pages.post("/passkeys/challenges")
@while_setting_up
def create_challenge() -> Response | tuple[dict, int]:
    if first := confirming.address_for(url_for("your_sign_in.show")):
        return {"problem": "Confirm that it is you first.", "go_to": first}, 403
    try:
        return passkey_form.options(passkeys.to_add(signed_in_person(), passkey_form.site_or_refusal()))
    except PeopleProblem as problem:
        return passkey_form.refusal(problem)


@pages.post("/passkeys")
@while_setting_up
@asks_again
def create_passkey() -> Response | str | tuple[str, int]:
    given = request.form
    try:
        made = passkeys.add(signed_in_person(), passkey_form.site_or_refusal(), passkey_form.kept(),
                            given.get("credential", ""), given.get("name", ""))
    except PeopleProblem as problem:
        return page(str(problem)), INVALID
    return _added(f"{SecondFactor.PASSKEY} “{made.name}”", f"The passkey “{made.name}” was added.")


@pages.delete("/passkeys/<int:passkey_id>")
@while_setting_up
@asks_again
def delete_passkey(passkey_id: int) -> Response | tuple[str, int]:
    try:
        second_factor.remove_passkey(signed_in_person(), passkey_id, current_session())
    except PeopleProblem as problem:
        return page(str(problem)), INVALID
    return go_to(url_for("your_sign_in.show"), f"The passkey was removed. It no longer signs you in. {OTHERS}")


@pages.post("/recovery-codes")
@while_setting_up
@asks_again
def create_codes() -> str | tuple[str, int]:
    try:
        return _codes_page(second_factor.renew_codes(signed_in_person()), "Your earlier codes no longer work.")
    except PeopleProblem as problem:
        return page(str(problem)), INVALID


def _added(what: str, outcome: str) -> Response | str:
    codes = second_factor.added(signed_in_person(), what, current_session())
    return _codes_page(codes, outcome) if codes else go_to(url_for("your_sign_in.show"), outcome)


def _codes_page(codes: list[str], outcome: str) -> str:
    """The only page that ever shows these codes."""
    return render_template("settings/recovery_codes.html", codes=codes, outcome=outcome)


def _app_page(problem: str = "") -> str | None:
    me = signed_in_person()
    secret = authenticator.offered(me)
    if secret is None:
        return None
    size, dark = authenticator.picture(authenticator.address(me, secret))
    return render_template(
        "settings/authenticator.html", problem=problem, size=size, dark=dark,
        secret=" ".join(secret[place:place + 4] for place in range(0, len(secret), 4)), replaces=authenticator.has(me),
    )  # fmt: skip


def page(problem: str = "", password_problem: str = "") -> str:
    me = signed_in_person()
    factors, count = second_factor.of(me), len(sessions.sessions_of(me))
    return render_template(
        "settings/your_sign_in.html", problem=problem, factors=factors, app=authenticator.of(me),
        passkeys_work=passkey_form.site() is not None, not_here=passkey_form.NOT_HERE,
        suggested=browsers.in_words(request.user_agent.string),
        may_add_passkey=len(factors.passkeys) < passkeys.MOST, few_codes=factors.codes_left <= FEW_CODES,
        must=second_factor.must_set_up(current_session(), this_workspace()), password_problem=password_problem,
        my_email=names.main_email(me), browsers=_signed_in_with(count), url=current_app.config["ROLLCALL"].url,
    )  # fmt: skip


def _signed_in_with(count: int) -> str:
    if count == 1:
        return "This is the only browser where you are signed in."
    return f"You are signed in with {plural(count, 'browser')}."
