"""Figma: an organisation's members and administrators over SCIM, with their seat types; its SCIM groups as assets.
A removal deactivates the user, which takes them out of the organisation; Figma still lists them as inactive.

From developers.figma.com/docs/rest-api: “SCIM API Reference”, “Endpoints” (GET Tenant ID, then GET, POST and PATCH
Users, and GET and PATCH Groups), “Supported Schemas” (seatType, figmaAdmin) and “Examples” (Add User to Group, Soft
Delete User).
They show no GET of one user or group, no /Me and no /ResourceTypes: none of these is asked for. Last activity is in
connectors/figma/activity.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from connectors.base import CAPABILITIES, Account, Field, Identity, Refused, Role
from connectors.effects import GRANTED, INVITATION_SENT, REVOKED, ROLE_CHANGED, Effect, Reach, Undo, declared
from connectors.figma.activity import ActivityLog, with_activity
from connectors.quality import at_its_maker
from connectors.scim.client import ScimClient
from connectors.scim.extended import FIELDS, ExtendedScim
from connectors.scim.values import YES, id_of, roles_of
from connectors.tools.http import segment
from connectors.tools.http_connector import api_client, token_field
from connectors.versions import ApiVersion

UNKNOWN = "see who is an administrator: Figma doesn't say so here. Protect yours by hand, so that one always stays."


class FigmaClient(ScimClient):
    """Figma's SCIM: JSON by its plain name, and one resource is read out of its list."""

    content_type = "application/json"
    has_groups = True

    def me(self) -> dict | None:
        return None

    def read(self, kind: str, id: str) -> dict | None:
        return next((resource for resource in self.all(kind) if id_of(resource) == id), None)


class Figma(ExtendedScim):
    slug = "figma"
    label = "Figma"
    logo = "figma.svg"
    quality = at_its_maker("SCIM makes administrators and assigns seat types only on Figma's Enterprise plan.")
    docs = (
        "Figma has SCIM on the Organization and Enterprise plans, together with single sign-on over SAML.",
        "As an organisation admin, open Figma, Admin, Settings, “Login and provisioning”. Under “SAML SSO” copy the "
        "tenant ID.",
        "Under “SCIM provisioning” choose “Generate API token” and copy it: Figma shows it only once. Where an "
        "identity provider uses SCIM already, make sure first that a new token doesn't revoke the one it uses.",
        "Rollcall sees the people that Figma lists over SCIM: no guests, and perhaps not those who were never "
        "provisioned. Compare their number with Figma's admin page. Reading the list binds these people to SCIM, as "
        "Figma puts it.",
        "A removal deactivates the user: Figma takes them out of the organisation, and still lists them as inactive. "
        "Only Enterprise shows seat types and lets SCIM make administrators. Where Figma doesn't show who is one, "
        "protect yours by hand.",
        "On Enterprise, Rollcall can also show when people were last active, from Figma's activity log. As "
        "an organisation admin, open figma.com/developers/tokens, create a plan access token with the scope "
        "org:activity_log_read, and enter it as well. It lasts a year at most. Without it, or once it has ended, "
        "Rollcall reads everything else.",
    )
    fields = (
        Field("tenant", "Tenant ID", "From “SAML SSO” in the admin settings.", pattern=r"[A-Za-z0-9_-]+"),
        token_field("API token", "Sent as “Authorization: Bearer …”."),
        FIELDS["groups"],
        Field("plan_token", "Plan access token", "Only for last activity, on Enterprise.", secret=True, required=False,
              pattern=r"\S+"),
    )  # fmt: skip
    capabilities = frozenset(CAPABILITIES)
    effects = declared(
        "SCIM API Reference, “Soft Delete User”",
        remove=Effect(
            "Deactivates them, which removes them from the Figma organisation.", Reach.ORGANISATION, Undo.POSSIBLE,
            "Reactivate them over SCIM, through your identity provider.",
        ),
        change_role=replace(ROLE_CHANGED, reach=Reach.ORGANISATION),
        invite=replace(INVITATION_SENT, reach=Reach.ORGANISATION), grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion("Figma SCIM API", "v2", source="SCIM API Reference")
    client = FigmaClient
    api, rest_api = "https://www.figma.com/scim/v2", "https://api.figma.com"
    extension = "urn:ietf:params:scim:schemas:extension:figma:enterprise:2.0:User"
    role_key = "figmaAdmin"
    ranks = (Role("admin", "Organisation admin", privileged=True), Role("member", "Member", default=True))

    @property
    def _address(self) -> str:
        return f"{self.api}/{segment(self.settings.get('tenant', ''))}"

    def test(self) -> Identity:
        try:
            self._client.http.get(self._address)
        except Refused as refusal:
            raise Refused(f"{refusal} Check the tenant ID: Figma shows it under “SAML SSO”.") from None
        identity = super().test()
        return replace(identity, missing=(*identity.missing, *self._unknown()))

    def _unknown(self) -> Iterator[str]:
        some = self._client.first_page("Users").items
        if some and not any("figmaAdmin" in (user.get(self.extension) or {}) for user in some):
            yield UNKNOWN
        if self._reads_log and (why := self._log.why_unknown()):
            yield f"see when people were last active: {why}"

    @property
    def _reads_log(self) -> bool:
        return bool(self.settings.get("plan_token"))

    @api_client
    def _log(self) -> ActivityLog:
        return ActivityLog(self.rest_api, self.settings.get("plan_token", ""))

    def accounts(self) -> Iterator[Account]:
        seen = self._log.last_seen() if self._reads_log else None
        for account in super().accounts():
            yield account if seen is None else with_activity(account, seen)

    def _account(self, user: dict, roles: list[tuple[str, str, bool]] | None = None) -> Account:
        """The seat type is among the roles: {"type": "seatType", "value": "Full"}: one of Full, Dev, Collab, View."""
        seat = next((value for value, _, _ in (roles_of(user) if roles is None else roles)), "")
        account = super()._account(user, roles)
        without = set() if seat else {"seat"}
        return replace(account, seat=seat, defaulted_fields=account.defaulted_fields - {"seat"} | without)

    def _role_of(self, extension: dict) -> str:
        return "admin" if extension.get("figmaAdmin") in YES else "member"

    def _extension_of(self, role: str) -> dict:
        return {"figmaAdmin": role == "admin"}

    def _new_user(self, email: str, role: str) -> dict:
        """Figma knows people by userName alone; only Enterprise has a figmaAdmin, so it is named where it is wanted."""
        user = super()._new_user(email, role)
        left_out = {"emails"} if role == "admin" else {"emails", self.extension}
        return {name: value for name, value in user.items() if name not in left_out}
