"""Salesforce: an organisation's users with their profiles and permission sets, and its public groups, over SCIM.
A removal deactivates the user, since Salesforce deletes nobody.

From help.salesforce.com, “Manage Salesforce User Identities with SCIM”: SCIM and REST API Reference Sheet (its
addresses: ServiceProviderConfigs in the plural, Users, Groups, no DELETE of a user), Understand the SCIM Implementation
(entitlements are profiles and permission sets), Deactivate and Reactivate Users with SCIM; “OAuth 2.0 Client
Credentials Flow for Server-to-Server Integration”; “UserInfo Response” (user_id). From trailhead.salesforce.com's
community (0D54V00007T4J5ASAV): a page has 200 users, and a startIndex above about 2200 fails: “Start index too big”.
From developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm: 403 may also mean that the limit
of calls is reached.
"""

from __future__ import annotations

from dataclasses import replace

from connectors.base import (
    ASSETS,
    GRANT,
    LOOK_UP,
    REMOVE,
    REVOKE,
    ConnectorError,
    CredentialRejected,
    Field,
    Identity,
    RateLimited,
    Refused,
    TemporarilyUnavailable,
)
from connectors.effects import GRANTED, REVOKED, Effect, Reach, Undo, declared
from connectors.quality import at_its_maker
from connectors.scim.client import ScimClient
from connectors.scim.preset import GROUPS, PresetClient, ScimPreset
from connectors.scim.values import roles_of
from connectors.tools.answers import RATE_LIMITED
from connectors.tools.http import Answer, Http, clean, words
from connectors.tools.http_connector import api_client
from connectors.tools.oauth import client_credentials
from connectors.versions import ApiVersion

LIMIT_WAIT = 3600  # seconds: Salesforce counts the calls of the last 24 hours
OWN_USER = "see which user the app runs as: give the app the scope “id”, or protect that user by hand."


class SalesforceClient(PresetClient):
    most = 200
    config_path = "ServiceProviderConfigs"
    removes_by_value = True  # help.salesforce.com, “Examples: Manage Group Members with SCIM”
    user_info = ""  # the address that describes the user that the app runs as

    def me(self) -> dict | None:
        """The user that the app runs as, from OpenID Connect's user info, whose user_id is the id in SCIM; None where
        Salesforce doesn't report it."""
        try:
            info = self.http.get(self.user_info).json(dict)
        except (Refused, CredentialRejected, TemporarilyUnavailable):
            return None
        name = clean(info.get("name")) or clean(info.get("preferred_username"))
        return {"id": info.get("user_id"), "userName": name} if clean(info.get("user_id")) and name else None


class Salesforce(ScimPreset):
    slug = "salesforce"
    label = "Salesforce"
    logo = "own-salesforce.svg"
    quality = at_its_maker(
        "A new user needs an alias, a profile and a user name of Salesforce's own. A profile is changed in Salesforce."
    )
    docs = (
        "Sign in at login.salesforce.com. Open Setup, “External Client App Manager” (or “App Manager”), and create an "
        "app with OAuth. Give it the scopes “Manage user data via APIs (api)” and “Access the identity URL service "
        "(id)”, and enable the client credentials flow.",
        "Edit the app's policies: choose as “Run As” a user with the permission “Manage Users”. Rollcall does what "
        "that user may do, so don't choose someone who may leave.",
        "Copy the consumer key and secret. The address is under Setup, “My Domain”.",
        "A removal deactivates the user, because Salesforce deletes nobody. It refuses to deactivate the last system "
        "administrator, and a user that a setting still names.",
        "Salesforce shows at most about 2,200 users over SCIM. With more, the check fails and says so. The list also "
        "has users that Salesforce made for itself: leave those alone.",
        "Profiles and permission sets are shown as roles. If a profile other than “System Administrator” may "
        "administer the whole organisation, enter its name.",
    )
    fields = (
        Field(
            "base_url",
            "My Domain address",
            "The address of the organisation or of a sandbox, as Setup shows it under “My Domain”.",
            pattern=r"https://[a-z0-9-]+(\.[a-z0-9-]+)*\.my\.salesforce\.com/?",
            placeholder="https://acme.my.salesforce.com",
        ),
        Field("client_id", "Consumer key", pattern=r"\S+", of_credential=True),
        Field("client_secret", "Consumer secret", secret=True, pattern=r"\S+"),
        Field(
            "privileged",
            "Administrator profiles",
            "Names of profiles and permission sets that may administer the whole organisation, separated by commas.",
            required=False,
            placeholder="System Administrator",
            asks_secrets_again=False,
        ),
        GROUPS,
    )
    capabilities = frozenset({LOOK_UP, ASSETS, REMOVE, GRANT, REVOKE})
    effects = declared(
        "Salesforce Help, “Examples: Deactivate and Reactivate Users with SCIM”",
        remove=Effect(
            "Deactivates them in the Salesforce organisation. Their records stay theirs.", Reach.ORGANISATION,
            Undo.POSSIBLE, "Reactivate them under Users in Setup.",
        ),
        grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion("Salesforce SCIM", "v2", source="SCIM and REST API Reference Sheet")
    client = SalesforceClient
    active_by_path = False
    administrators = "System Administrator"

    @property
    def _domain(self) -> str:
        return self.settings.get("base_url", "").rstrip("/")

    @api_client
    def _client(self) -> ScimClient:
        secret = self.settings.get("client_secret", "")
        token = client_credentials(
            f"{self._domain}/services/oauth2/token", self.settings.get("client_id", ""), secret, by_basic=False
        )
        http = Http(f"{self._domain}/services/scim/v2", auth=token, secrets=[secret], on_error=_limit_reached)
        client = self.client(http)
        client.user_info = f"{self._domain}/services/oauth2/userinfo"
        return client

    def test(self) -> Identity:
        identity = super().test()
        if identity.external_id:
            return identity
        return replace(identity, missing=(*identity.missing, OWN_USER))

    def _roles_of(self, user: dict) -> list[tuple[str, str, bool]]:
        """The user's profile and permission sets. SCIM calls them entitlements: Salesforce's `roles` are the user's
        place in the role hierarchy."""
        held = user.get("entitlements")
        named = [one for one in held if isinstance(one, dict) and one.get("value")] if isinstance(held, list) else []
        return roles_of({"roles": named})


def _limit_reached(answer: Answer) -> ConnectorError | None:
    """The error of a 403 that is about the organisation's limit of calls; None for any other answer."""
    if answer.status != 403 or b"REQUEST_LIMIT_EXCEEDED" not in answer.body:
        return None
    return RateLimited(f"{answer.asked}: Salesforce says “{words(answer)}”. {RATE_LIMITED}", LIMIT_WAIT)
