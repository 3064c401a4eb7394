"""1Password: the people of a 1Password Business account and its groups, over a SCIM bridge that the team runs.
A removal suspends the person.

From support.1password.com: “1Password SCIM Bridge endpoints” (/scim/Users, /scim/Groups and the discovery of RFC 7644,
section 3.2), “Best practices for using automated provisioning with SCIM” (invite, suspend, groups; all but guests),
“Get help with 1Password SCIM Bridge” (address, bearer token). Who owns or administers the account isn't in them.
The page where it is set up: github.com/1Password/scim-examples.
"""

from __future__ import annotations

from connectors.base import ASSETS, GRANT, LOOK_UP, REMOVE, REVOKE
from connectors.effects import GRANTED, REVOKED, Effect, Reach, Undo, declared
from connectors.quality import at_its_maker
from connectors.scim.preset import GROUPS, ScimPreset, address_field
from connectors.tools.http_connector import token_field
from connectors.versions import ApiVersion


class OnePassword(ScimPreset):
    slug = "1password"
    label = "1Password"
    logo = "1password.svg"
    quality = at_its_maker("1Password's documents don't say what a new user needs, and its SCIM has no roles.")
    docs = (
        "You need 1Password Business and a running SCIM bridge. If you have none, set one up: open "
        "start.1password.com/integrations/directory, and follow “Automated User Provisioning”.",
        "Enter the bridge's address with /scim at its end, and the bearer token that belongs to the bridge's session "
        "file. An identity provider that uses the bridge has the same two values, and can continue to use them.",
        "If you lose the token, create new credentials in 1Password under Integrations. Then the identity provider "
        "needs the new token too.",
        "The bridge shows no guests. 1Password doesn't say whether it shows people who were invited by hand: compare "
        "the number with the page People.",
        "A removal suspends the person. While provisioning is on, only SCIM can activate them again: Rollcall can't, "
        "but your identity provider can. It may also activate people who are still assigned there.",
    )
    fields = (
        address_field("Of your SCIM bridge.", r"https://[^\s/]+(/[^\s/]+)*/scim/?", "https://scim.example.com/scim"),
        token_field("Bearer token", "Sent as “Authorization: Bearer …”."),
        GROUPS,
    )
    capabilities = frozenset({LOOK_UP, ASSETS, REMOVE, GRANT, REVOKE})
    effects = declared(
        "1Password Support, “Best practices for using automated provisioning with SCIM”",
        remove=Effect(
            "Suspends the person in the 1Password account.", Reach.ORGANISATION, Undo.POSSIBLE,
            "Set the user active again over SCIM, by your identity provider.",
        ),
        grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion("1Password SCIM Bridge", "", source="1Password SCIM Bridge endpoints")
    has_roles = False
    unknown = "see who owns or administers the account: 1Password doesn't say so here. Protect those people by hand."
