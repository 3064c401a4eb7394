"""Miro: the members of an Enterprise organisation with their roles and licences, and its groups, over Miro's SCIM.
A removal deactivates the user, which frees the licence; guests aren't in the list.

From developers.miro.com, “SCIM API”: Introduction, List users (members, no guests, at most 1000 on a page, the values
of their roles), Create user, Patch user, List groups, Patch group (developers.miro.com/reference/patchgroup: adding
reactivates people, and with a removal their boards change hands). From help.miro.com: “Deactivated users”, and the
address of the steps.
"""

from __future__ import annotations

from dataclasses import replace

from connectors.base import ASSETS, GRANT, INVITE, LOOK_UP, REMOVE, REVOKE, Account, Asset, Refused
from connectors.effects import GRANTED, INVITATION_SENT, REVOKED, Effect, Reach, Seat, Undo, declared
from connectors.quality import at_its_maker
from connectors.scim.preset import GROUPS, ScimPreset
from connectors.scim.values import is_active
from connectors.tools.http_connector import token_field
from connectors.versions import ApiVersion

ADMINISTRATOR, MEMBER = "ORGANIZATION_INTERNAL_ADMIN", "ORGANIZATION_INTERNAL_USER"


class Miro(ScimPreset):
    slug = "miro"
    label = "Miro"
    logo = "miro.svg"
    quality = at_its_maker("Miro doesn't document what a change of the main role does to the admin roles.")
    docs = (
        "SCIM is part of Miro's Enterprise plan, together with single sign-on.",
        "As a company admin open Miro, Company settings, “Apps and integrations”, “Enterprise integrations”. Switch "
        "SCIM provisioning on and copy its API token. In the newer admin console, it is under “Security”. Miro's "
        "own steps: developers.miro.com/docs/scim.",
        "Rollcall sees the organisation's members, active and deactivated. Miro shows no guests over SCIM: check the "
        "guests in Miro.",
        "A removal deactivates the person: they can no longer open the organisation, and the licence is free. Their "
        "boards stay. Miro deactivates a company admin only after someone has removed that role in Miro.",
        "Groups are Miro's user groups; in older organisations they are its teams.",
    )
    fields = (token_field("SCIM API token", "Sent as “Authorization: Bearer …”."), GROUPS)
    capabilities = frozenset({LOOK_UP, ASSETS, REMOVE, INVITE, GRANT, REVOKE})
    effects = declared(
        "Miro SCIM API, “Patch user”; Miro Help Center, “Deactivated users”",
        remove=Effect(
            "Deactivates them in the Miro organisation and all its teams. Their shared boards stay.",
            Reach.ORGANISATION, Undo.POSSIBLE, "Reactivate them under Deactivated users in Miro.",
            frees_seat=Seat.FREED,
        ),
        invite=Effect(
            "Creates a user for them in the Miro organisation, and adds them to the default team.", Reach.ORGANISATION,
            Undo.POSSIBLE, "Deactivate them.", frees_seat=Seat.KEPT,
            ends_sessions=INVITATION_SENT.ends_sessions,
        ),
        grant=replace(
            GRANTED, does="Adds them to a group. Miro gives someone external a full licence, and makes them a member.",
            undo_by="Remove them from the group.", source="Miro SCIM API, “Patch group”",
        ),
        revoke=replace(
            REVOKED, does="Removes them from a group and from all its boards. Someone who hasn't finished signing up "
                          "and is in no other group leaves the organisation too.",
            undo_by="Add them to the group again.",
            lost=("their ownership of the group's boards, which goes to its oldest admin",),
            source="Miro SCIM API, “Patch group”",
        ),
    )  # fmt: skip
    api_version = ApiVersion("Miro SCIM API", "2.0", source="Miro SCIM API, Introduction")
    api = "https://miro.com/api/v1/scim"
    administrators = ADMINISTRATOR

    def _new_user(self, email: str, role: str) -> dict:
        """Miro knows people by userName alone, and marks the main role by its type."""
        if role not in ("", MEMBER, ADMINISTRATOR):
            raise Refused(f"Miro can make new users members or company admins, but not “{role}”.")
        roles = [{"type": "organization_user_role", "value": role, "primary": True}] if role else []
        return {"userName": email, "active": True, **({"roles": roles} if roles else {})}

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        """Miro reactivates people who are added to a group."""
        if not is_active(self._must_have("Users", account.id)):
            raise Refused("This person is deactivated, and Miro would activate them again in the group. Nothing was "
                          "changed. Activate them in Miro first.")  # fmt: skip
        super().grant(account, asset, role)
