"""Canva: the people of a team over Canva's SCIM, active and not. A removal deprovisions them.
Canva's groups always come without members, so no group is shown.

From www.canva.dev/docs/scim: “Canva's SCIM API” (www.canva.com/_scim/v2, and its plans), “List users” (at most 10 on a
page, inactive ones too, `resources` in lower case, `role`), “Get a user”, “Update individual attributes for a user”,
“Delete a user” (there is none), “List groups” (`members` is always empty), “Authentication”. None of them describes
what the server can do.
"""

from __future__ import annotations

from types import MappingProxyType

from connectors.base import LOOK_UP, REMOVE
from connectors.effects import Effect, Reach, Undo, declared
from connectors.quality import Missing, Rule, at_its_maker
from connectors.scim.preset import PresetClient, ScimPreset
from connectors.scim.values import roles_of
from connectors.tools.http_connector import token_field
from connectors.versions import ApiVersion


class CanvaClient(PresetClient):
    most = 10
    _config = MappingProxyType({})
    has_groups = False


class Canva(ScimPreset):
    slug = "canva"
    label = "Canva"
    logo = "own-canva.svg"
    quality = at_its_maker(
        "Canva's SCIM makes everyone but a member a brand designer, and knows new people by their single sign-on name.",
        {Rule.ASSETS: Missing("Canva's SCIM shows its groups without their members.")},
    )
    docs = (
        "Canva has SCIM in Canva Enterprise with a single team and in Canva for Education. Some older Canva for Teams "
        "accounts kept it. Single sign-on must be set up.",
        "As a team owner or administrator, open www.canva.com/settings/your-account and, under your team, “SSO & "
        "provisioning”. Under SCIM choose “Enable SCIM user provisioning” and copy the access token.",
        "A team has one such token at a time. If an identity provider uses it already, don't touch the switch: "
        "turning it off or on revokes the token. Enter the token that the identity provider has.",
        "A removal deprovisions the person. They stay in the list as inactive.",
        "Canva lists ten people on a page, so a large team takes a while to read. It shows neither the members of "
        "groups nor when someone was last active.",
        "The roles are the ones that your identity provider gave. They don't say who owns or administers the team: "
        "protect those people by hand.",
    )
    fields = (token_field("Access token", "Sent as “Authorization: Bearer …”."),)
    capabilities = frozenset({LOOK_UP, REMOVE})
    effects = declared(
        "Canva SCIM API, “Update individual attributes for a user”",
        remove=Effect(
            "Deactivates them in the Canva team.", Reach.WORKSPACE, Undo.POSSIBLE,
            "Reactivate them over SCIM, through your identity provider.",
        ),
    )  # fmt: skip
    api_version = ApiVersion("Canva SCIM API", "v2", source="Canva's SCIM API")
    client = CanvaClient
    api = "https://www.canva.com/_scim/v2"
    administrators = "Admin, Administrator, School administrator"  # by their names: Canva doesn't say what they may do
    unknown = "see who owns or administers the team: Canva doesn't say so here. Protect those people by hand."

    def _roles_of(self, user: dict) -> list[tuple[str, str, bool]]:
        """One text in `role`."""
        return roles_of({"roles": user.get("role")})
