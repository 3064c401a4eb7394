"""1Password: the people of a 1Password Business account and its groups, over SCIM: hosted by 1Password, or by a SCIM
bridge that the team runs. A removal suspends the person.

From support.1password.com: “1Password SCIM Bridge endpoints” (/scim/Users, /scim/Groups and the discovery of RFC 7644,
section 3.2), “Best practices for using automated provisioning with SCIM” (invite, suspend, groups; all but guests),
“Get help with 1Password SCIM Bridge” (address, bearer token), “Automate provisioning in 1Password Business”
(/provisioning: hosted by 1Password, no bridge beside it, the groups that it doesn't manage, its token) and “Migrate
from 1Password SCIM Bridge to hosted provisioning” (/cs/scim-hosted-migrate: the policy that deletes suspended users).
The hosted address: getsecureslate.com/docs/connecting-secureslate-and-1password. Who owns or administers the account
isn't in them. The page where a bridge is set up:
github.com/1Password/scim-examples.
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
        "You need 1Password Business with automated provisioning: hosted by 1Password, or by a SCIM bridge that your "
        "team runs. If you have neither, open start.1password.com/integrations/directory, and follow “Automated User "
        "Provisioning”. Once an account uses hosted provisioning, it can't use a bridge.",
        "Enter its address and its bearer token. 1Password shows both when you set up hosted provisioning; the address "
        "is https://provisioning.1password.com/scim/v2. The address of a bridge ends in /scim, and its token belongs "
        "to its session file. An identity provider that uses the same provisioning has the same two values, and can "
        "continue to use them.",
        "If you lose the token of a bridge, create new credentials in 1Password under Integrations. Then the identity "
        "provider needs the new token too. Hosted provisioning has no new token: turn it off and set it up again. It "
        "doesn't manage groups that may recover accounts or manage all groups.",
        "Guests aren't shown. 1Password doesn't say whether people who were invited by hand are: compare the number "
        "with the page People.",
        "A removal suspends the person. While provisioning is on, only SCIM can activate them again: Rollcall can't, "
        "but your identity provider can. It may also activate people who are still assigned there. If your account has "
        "the policy that deletes suspended people automatically, 1Password deletes the person later.",
    )
    fields = (
        address_field("Of hosted provisioning, or of your SCIM bridge.", r"https://[^\s/]+(/[^\s/]+)*/scim(/v2)?/?",
                      "https://provisioning.1password.com/scim/v2"),
        token_field("Bearer token", "Sent as “Authorization: Bearer …”."),
        GROUPS,
    )
    capabilities = frozenset({LOOK_UP, ASSETS, REMOVE, GRANT, REVOKE})
    effects = declared(
        "1Password Support, “Best practices for using automated provisioning with SCIM”",
        remove=Effect(
            "Suspends them in the 1Password account.", Reach.ORGANISATION, Undo.POSSIBLE,
            "Reactivate them over SCIM, through your identity provider, before a policy of the account deletes "
            "suspended people.",
        ),
        grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion("1Password SCIM API", "", source="1Password SCIM Bridge endpoints")
    has_roles = False
    unknown = "see who owns or administers the account: 1Password doesn't say so here. Protect those people by hand."
