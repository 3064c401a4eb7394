"""AWS IAM Identity Center: the users of an identity store and its groups, over the SCIM address for provisioning.
A removal deactivates the user, who then can't sign in to any AWS account or application assigned to them.

From docs.aws.amazon.com, “IAM Identity Center SCIM Implementation Developer Guide”: Supported API operations, ListUsers
(at most 100 on a page, by cursor, no startIndex; filter groups.value), ListGroups and GetGroup (always without
members), PatchUser, PatchGroup, “Limitations from SCIM specification” (no /Me, no roles, one e-mail address). The
address of the console is in the “IAM Identity Center User Guide”. Access keys of IAM users: “IAM User Guide”, “Remove
or deactivate an IAM user”.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from connectors.base import ASSETS, GRANT, LOOK_UP, REMOVE, REVOKE
from connectors.effects import GRANTED, REVOKED, Effect, Reach, Seat, Sessions, Undo, declared
from connectors.quality import at_its_maker
from connectors.scim.cursor import CursorClient
from connectors.scim.preset import GROUPS, PresetClient, ScimPreset, address_field
from connectors.scim.values import id_of
from connectors.tools.http_connector import token_field
from connectors.versions import ApiVersion


class AwsClient(CursorClient, PresetClient):
    """A group's members are the users that ListUsers finds by it, since groups always come without."""

    most = 100
    removes_by_value = True  # PatchGroup, “Examples”

    def all(
        self, kind: str, on_total: Callable[[int], None] | None = None, narrowed: Mapping[str, str] | None = None
    ) -> Iterator[dict]:
        for resource in super().all(kind, on_total, narrowed):
            yield {name: value for name, value in resource.items() if name != "members" or kind != "Groups"}

    def read(self, kind: str, id: str) -> dict | None:
        resource = super().read(kind, id)
        if resource and kind == "Groups":
            found = self.all("Users", narrowed={"filter": f"groups.value eq {json.dumps(id)}"})
            resource["members"] = [{"value": id_of(user)} for user in found]
        return resource


class AwsIdentityCenter(ScimPreset):
    slug = "aws-identity-center"
    reads_item_by_item = False  # its client changes the items
    label = "AWS IAM Identity Center"
    logo = "own-aws-identity-center.svg"
    quality = at_its_maker("AWS takes new users from the identity provider alone, and its SCIM has no roles.")
    docs = (
        "This works only if the identity source is an external identity provider. Open "
        "console.aws.amazon.com/singlesignon and, in IAM Identity Center, “Settings”. Enable “Automatic "
        "provisioning”, or, if it is on, choose “Identity source”, “Actions”, “Manage provisioning”.",
        "Copy the SCIM endpoint. Under “Access tokens” generate a token and copy it: AWS shows it only once. A token "
        "is valid for one year, and AWS keeps at most two: keep the one that the identity provider uses.",
        "A removal deactivates the user, who can then no longer sign in. AWS says that sign-in sessions continue for "
        "up to an hour, and sessions in AWS accounts for as long as their permission set allows.",
        "Remove people in the identity provider too. It may activate the user again when it provisions next. IAM users "
        "and their access keys are kept in each AWS account. They aren't read, and continue to work.",
        "SCIM shows users and groups, but no permission sets, so Rollcall doesn't see who may do what in which "
        "account. Protect your administrators by hand, so that one always stays.",
    )
    fields = (
        address_field(
            "The “SCIM endpoint” under Automatic provisioning.",
            r"https://scim\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[A-Za-z0-9-]+/scim/v2/?",
            "https://scim.eu-central-1.amazonaws.com/1111-2222/scim/v2",
        ),
        token_field("Access token", "Sent as “Authorization: Bearer …”."),
        GROUPS,
    )
    capabilities = frozenset({LOOK_UP, ASSETS, REMOVE, GRANT, REVOKE})
    effects = declared(
        "IAM Identity Center SCIM Implementation Developer Guide, “PatchUser”; IAM Identity Center User Guide, "
        "“Authentication sessions”",
        remove=Effect(
            "Deactivates them in IAM Identity Center, for every AWS account and application assigned to them. "
            "Sign-in sessions continue for up to an hour, and sessions in AWS accounts longer.",
            Reach.TENANT, Undo.POSSIBLE, "Enable them again under Users in IAM Identity Center.",
            frees_seat=Seat.NOT_PAID, ends_sessions=Sessions.STAY,
        ),
        grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion(
        "IAM Identity Center SCIM", "v2", source="IAM Identity Center SCIM Implementation Developer Guide"
    )
    client = AwsClient
    has_roles = False
    unknown = "see who is an administrator: AWS doesn't say so here. Protect yours by hand, so that one always stays."
