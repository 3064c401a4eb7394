"""How people sign in through the company's provider: the page where an Owner sets it up, tries it and takes it away."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, url_for

from connectors.base import ConnectorError
from sync import oidc
from sync.oidc import OidcProblem, Settings
from sync.people import WORKSPACE_ROLES
from sync.reach import approver
from sync.vault import VaultProblem
from web.answers import INVALID, dialog, go_to, page_or_part
from web.confirming import asks_again
from web.oidc import base_url
from web.permissions import workspace_role
from web.security import by, signed_in_person

pages = Blueprint("oidc_settings", __name__, url_prefix="/settings/sign-in")

REFUSALS = (OidcProblem, ConnectorError, VaultProblem)  # their words are for the page
ROLES = [(role, role.capitalize()) for role in reversed(WORKSPACE_ROLES)]
NOBODY = "nobody"
DEFAULT_ROLES = [(role or NOBODY, role.capitalize() or "Nobody: they can't sign in") for role in oidc.DEFAULT_ROLES]
EMPTY_LINES = 3  # for further groups


@pages.get("")
@workspace_role("owner")
def show() -> str:
    return _page()


@pages.put("")
@workspace_role("owner")
@asks_again
def update() -> Response | tuple[str, int]:
    try:
        oidc.save(_given(), _secret(), base_url(), by(), approver(signed_in_person()))
    except REFUSALS as problem:
        return _page(given=_given(), problem=f"{problem} Nothing was changed."), INVALID
    return go_to(url_for("oidc_settings.show"), "Saved. Try it in a private window before you sign out here.")


@pages.post("/tests")
@workspace_role("owner")
def create_test() -> str | tuple[str, int]:
    """Try the values without keeping them."""
    findings = oidc.test(_given(), _secret(), base_url(), approver(signed_in_person()))
    failed = any(finding.tone == "attention" for finding in findings)
    values = _values(_given()) | {"findings": findings, "failed": failed}
    return page_or_part("settings/sign_in.html", "settings/_sign_in_test.html", **values), INVALID if failed else 200


@pages.get("/removal")
@workspace_role("owner")
def removal() -> tuple[str, int]:
    return dialog("settings/_sign_in_removal.html", "Take the provider away?", known=oidc.settings() or Settings())


@pages.delete("")
@workspace_role("owner")
@asks_again
def delete() -> Response:
    oidc.remove(by())
    return go_to(url_for("settings.show"), "People sign in with their passwords alone from now on.")


def _page(given: Settings | None = None, problem: str = "") -> str:
    return render_template("settings/sign_in.html", problem=problem, **_values(given))


def _values(given: Settings | None) -> dict:
    known = oidc.settings()
    return {
        "is_set_up": known is not None, "given": given or known or Settings(), "stored": oidc.has_secret(),
        "redirect": base_url() + oidc.RETURN, "back": base_url() + oidc.SIGNED_OUT, "roles": ROLES,
        "default_roles": DEFAULT_ROLES, "empty_lines": EMPTY_LINES,
    }  # fmt: skip


def _given() -> Settings:
    form = request.form
    texts = {name: form.get(name, "") for name in oidc.LONGEST}
    roles = zip(form.getlist("group"), form.getlist("role"), strict=False)
    default_role = form.get("default_role", NOBODY)
    chosen = {"default_role": default_role.removeprefix(NOBODY), "trust_email": bool(form.get("trust_email"))}
    return Settings(**texts, **chosen, roles=tuple(roles))


def _secret() -> str | None:
    """None: the one that is stored."""
    return request.form.get("client_secret") or None
