"""Makes an account of Slack's user object (docs.slack.dev/reference/objects/user-object).
The user's own workspace or organisation shows whether they are from another company."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.base import Account, Role
from connectors.tools.answers import clean, missing_from

EXTERNAL = "external"
ROLES = (
    Role("primary_owner", "Primary owner", privileged=True),
    Role("owner", "Workspace owner", privileged=True),
    Role("admin", "Workspace admin", privileged=True),
    Role("member", "Member", default=True),
    Role("guest", "Multi-channel guest"),
    Role("single_channel_guest", "Single-channel guest"),
    Role(EXTERNAL, "From another company (Slack Connect)"),
)
FLAGS = {
    "is_primary_owner": "primary_owner", "is_owner": "owner", "is_admin": "admin",
    "is_ultra_restricted": "single_channel_guest", "is_restricted": "guest",
}  # fmt: skip
STRANGERS = ("is_stranger", "is_external")
ALWAYS_SENT = {*FLAGS, "team_id"}  # except for the flags of a deactivated user
SLACKBOT = "USLACKBOT"


@dataclass(frozen=True, slots=True)
class Home:
    """The workspace that the token belongs to, and its Enterprise organisation or "": team_id and enterprise_id of
    auth.test."""

    team: str
    enterprise: str

    def excludes(self, user: dict) -> bool:
        """Whether the user belongs to another company.

        is_stranger is false for people in a shared channel that the app sees, so the ids decide. People of an
        organisation's other workspaces belong to the company.
        """
        if any(user.get(flag) for flag in STRANGERS):
            return True
        organisation = clean((user.get("enterprise_user") or {}).get("enterprise_id"))
        if self.enterprise and organisation:
            return organisation != self.enterprise
        team = clean(user.get("team_id"))
        return bool(team and self.team) and team not in (self.team, self.enterprise)


def home_of(me: dict[str, Any]) -> Home:
    return Home(clean(me.get("team_id")), clean(me.get("enterprise_id")))


def account_of(user: dict, home: Home) -> Account:
    profile = user.get("profile") or {}
    is_bot = user.get("is_bot") or user["id"] == SLACKBOT
    status = "suspended" if user.get("deleted") else "invited" if user.get("is_invited_user") else "active"
    return Account(
        id=user["id"],
        email=profile.get("email") or "",
        name=profile.get("real_name") or user.get("real_name") or user.get("name") or "",
        status=status,
        role=EXTERNAL if home.excludes(user) else _role(user),
        kind="system" if is_bot else "user",
        missing_fields=missing_from(user, email=("profile", "email"), kind="is_bot") | {"seat", "last_activity"},
        defaulted_fields=missing_from(user, name=[("profile", "real_name"), "real_name"], status="deleted",
                                      role=ALWAYS_SENT),
    )


def _role(user: dict) -> str:
    """The role, from Slack's flags. A primary owner also has the flags of owner and admin, and a single-channel guest
    that of a guest."""
    return next((role for flag, role in FLAGS.items() if user.get(flag)), "member")
