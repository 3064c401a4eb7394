"""The page where an Owner sets up, tests and removes signing in through the company's identity provider."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, render_template, request, url_for

from connectors.base import ConnectorError
from sync.people.people import WORKSPACE_ROLES
from sync.private_networks import approver
from sync.problems import Overtaken
from sync.sign_in import oidc
from sync.sign_in.oidc import OidcProblem, Settings
from sync.states import Tone, WorkspaceRole
from sync.vault import VaultProblem
from web import stale
from web.answers import INVALID, dialog, go_to, page_or_part
from web.confirming import asks_again
from web.oidc import base_url
from web.patience import waits_for_a_server
from web.permissions import workspace_role
from web.security import by, signed_in_person

pages = Blueprint("oidc_settings", __name__, url_prefix="/settings/sign-in")

REFUSALS = (OidcProblem, ConnectorError, VaultProblem)  # shown on the page
ROLES = [(role, role.capitalize()) for role in reversed(WORKSPACE_ROLES)]
NOBODY = "nobody"
DEFAULT_ROLES = [(role or NOBODY, role.capitalize() or "No role: they can't sign in") for role in oidc.DEFAULT_ROLES]
EMPTY_LINES = 3  # for further groups
ICONS = {Tone.OK: "check", Tone.ATTENTION: "alert-triangle"}  # of a finding, by its tone


@dataclass(frozen=True)
class FindingRow:
    """What the test of the settings found."""

    words: str
    icon: str


@pages.get("")
@workspace_role(WorkspaceRole.OWNER)
def show() -> str:
    return _page()


@pages.put("")
@workspace_role(WorkspaceRole.OWNER)
@asks_again
@waits_for_a_server
def update() -> Response | tuple[str, int]:
    if stale.is_stale(oidc.settings()):
        return _page(problem=stale.CHANGED), INVALID
    try:
        oidc.save(_given(), _secret(), base_url(), by(), approver(signed_in_person()))
    except Overtaken as problem:
        return _page(problem=str(problem)), INVALID
    except REFUSALS as problem:
        return _page(given=_given(), problem=f"{problem} Nothing was changed."), INVALID
    return go_to(url_for("oidc_settings.show"), "Saved. Try it in a private window before you sign out here.")


@pages.post("/tests")
@workspace_role(WorkspaceRole.OWNER)
@waits_for_a_server
def create_test() -> str | tuple[str, int]:
    """Test the values without storing them."""
    findings = oidc.test(_given(), _secret(), base_url(), approver(signed_in_person()))
    failed = any(finding.tone == Tone.ATTENTION for finding in findings)
    shown = [FindingRow(finding.words, ICONS.get(finding.tone, "info-circle")) for finding in findings]
    values = _values(_given())
    values |= {"findings": shown, "failed": failed, "seen": request.form.get("seen", values["seen"])}
    return page_or_part("settings/sign_in.html", "settings/_sign_in_test.html", **values), INVALID if failed else 200


@pages.get("/removal")
@workspace_role(WorkspaceRole.OWNER)
def removal() -> tuple[str, int]:
    known = oidc.settings() or Settings()
    return dialog("settings/_sign_in_removal.html", f"Remove {known.label}?")


@pages.delete("")
@workspace_role(WorkspaceRole.OWNER)
@asks_again
def delete() -> Response:
    oidc.remove(by())
    return go_to(url_for("settings.show"), "Removed. Everyone now signs in with a password.")


def _page(given: Settings | None = None, problem: str = "") -> str:
    return render_template("settings/sign_in.html", problem=problem, **_values(given))


def _values(given: Settings | None) -> dict:
    known = oidc.settings()
    shown = given or known or Settings()
    keep = " Leave this empty to keep the stored one." if oidc.has_secret() else ""
    return {
        "is_set_up": known is not None, "seen": stale.mark(known), "given": shown,
        "secret_help": f"Stored encrypted.{keep}",
        "redirect": base_url() + oidc.RETURN, "back": base_url() + oidc.SIGNED_OUT, "roles": ROLES,
        "default_roles": DEFAULT_ROLES, "default_role": shown.default_role or NOBODY,
        "lines": [*shown.roles, *[("", "user")] * EMPTY_LINES],
    }  # fmt: skip


def _given() -> Settings:
    form = request.form
    texts = {name: form.get(name, "") for name in oidc.LONGEST}
    roles = zip(form.getlist("group"), form.getlist("role"), strict=False)
    default_role = form.get("default_role", NOBODY)
    chosen = {"default_role": default_role.removeprefix(NOBODY), "trust_email": bool(form.get("trust_email"))}
    return Settings(**texts, **chosen, roles=tuple(roles))


def _secret() -> str | None:
    """The new client secret; None to keep the stored one."""
    return request.form.get("client_secret") or None
