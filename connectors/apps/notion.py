"""Notion: a workspace's members with their roles, and its groups, over SCIM (Enterprise); or, on every plan, a list
of its members and connections from the public API, whose removals are tasks for the Owner.

SCIM as notion.com/help/provision-users-and-groups-with-scim says: its calls and attributes, the role extension, at most
100 a page, and users found by “email”. DELETE removes a user from the workspace and signs them out. The person who made
the token can't be removed, and removing an owner revokes the tokens that they made. The public API as
developers.notion.com/reference: get-users, get-self, user, capabilities, request-limits. Integrations are called
connections now: developers.notion.com/guides/connections-and-tokens/internal-connections.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.base import (
    CAPABILITIES,
    LOOK_UP,
    Access,
    Account,
    Asset,
    CredentialRejected,
    Field,
    Identity,
    Role,
    TemporarilyUnavailable,
)
from connectors.effects import GRANTED, INVITATION_SENT, REVOKED, ROLE_CHANGED, Effect, Reach, Sessions, Undo, declared
from connectors.quality import at_its_maker
from connectors.scim.client import ScimClient
from connectors.scim.extended import FIELDS, ExtendedScim
from connectors.tools.answers import list_in, missing_from
from connectors.tools.http import Forbidden, Http, clean
from connectors.tools.http_connector import api_client, bearer, token_field
from connectors.tools.paging import Page, pages_by_cursor
from connectors.versions import ApiVersion

PAGE = 100  # the most that either API gives
VERSION = "2022-06-28"
PATIENCE = 65  # seconds: a connection's requests are counted by the minute
SHOW_EMAILS = "give the connection the capability “Read user information including email addresses”."


class NotionClient(ScimClient):
    most = PAGE
    name_filter = "email"

    def me(self) -> dict | None:
        return None


class Notion(ExtendedScim):
    slug = "notion"
    label = "Notion"
    logo = "notion.svg"
    quality = at_its_maker()
    docs = (
        "On the Enterprise plan Rollcall reads and changes members and groups over SCIM. As an organisation owner open "
        "the workspace switcher, “Manage organization”, “General”, “SCIM provisioning”, and create a token for this "
        "workspace.",
        "On other plans choose the public API. At notion.so/developers/connections create an internal connection in "
        "this workspace with the capability “Read user information including email addresses”. It needs no access to "
        "content. Copy its API token. A personal access token can't list people.",
        "A SCIM token belongs to the owner who created it. It can't remove that owner, and Notion revokes it when they "
        "leave or get another role.",
        "The public API changes nothing: Rollcall lists the people to remove by hand, and notices when it is done. It "
        "reports neither roles nor groups.",
        "Neither API shows guests or when someone was last active: check the guests in Notion. A removal takes people "
        "out of the workspace and signs them out; they keep their own Notion account.",
    )
    fields = (
        Field("api", "Members are read", required=False,
              choices=(("scim", "over SCIM (Enterprise)"), ("public", "from the public API (every plan)"))),
        token_field("Token", "The SCIM token, or the internal connection's API token."),
        Field("groups", FIELDS["groups"].label, FIELDS["groups"].help, required=False,
              choices=FIELDS["groups"].choices, when=("api", "scim"), asks_secrets_again=False),
    )  # fmt: skip
    capabilities = frozenset(CAPABILITIES)
    effects = declared(
        "Notion Help Center, “Provision users & groups with SCIM”",
        remove=Effect(
            "Removes them from the workspace and signs them out of it. They keep their own Notion account.",
            Reach.WORKSPACE, Undo.IMPOSSIBLE, "Invite them again, and add them to their groups again.",
            lost=("their access to pages that nobody else has",
                  "if they are an owner, the SCIM tokens that they made, with all that uses them"),
            ends_sessions=Sessions.END,
        ),
        change_role=ROLE_CHANGED, invite=INVITATION_SENT, grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion(
        "Notion SCIM API", "v2",
        source="Notion Help Center, “Provision users & groups with SCIM” (public API: 2022-06-28)",
    )  # fmt: skip
    client = NotionClient
    api = "https://api.notion.com"
    extension = "urn:ietf:params:scim:schemas:extension:notion:2.0:User"
    role_key = "role"
    ranks = (
        Role("owner", "Workspace owner", privileged=True),
        Role("membership_admin", "Membership admin"),  # can make nobody an owner
        Role("member", "Member", default=True),
        Role("restricted_member", "Restricted member"),
    )

    def __init__(self, settings: dict[str, str], on_total=None):
        super().__init__(settings, on_total)
        self._reads_only = settings.get("api") == "public"
        if self._reads_only:
            self.capabilities = frozenset({LOOK_UP})

    @property
    def _address(self) -> str:
        return f"{self.api}/scim/v2"

    @api_client
    def _public(self) -> PublicApi:
        return PublicApi(f"{self.api}/v1", self.settings.get("token", ""))

    @property
    def removal_suspends(self) -> bool:
        return False

    def test(self) -> Identity:
        return self._public.test() if self._reads_only else super().test()

    def roles(self) -> list[Role]:
        return [] if self._reads_only else super().roles()

    def accounts(self) -> Iterator[Account]:
        return self._public.accounts() if self._reads_only else super().accounts()

    def assets(self) -> Iterator[Asset]:
        return iter(()) if self._reads_only else super().assets()

    def access(self) -> Iterator[Access]:
        return iter(()) if self._reads_only else super().access()

    def account(self, id: str) -> Account | None:
        return self._public.account(id) if self._reads_only else super().account(id)

    def _role_of(self, extension: dict) -> str:
        return clean(extension.get("role"))

    def _extension_of(self, role: str) -> dict:
        return {"role": role}


class PublicApi:
    """Members and connections as a connection may read them; every method raises the ConnectorErrors."""

    def __init__(self, address: str, token: str):
        headers = {**bearer(token), "Notion-Version": VERSION}
        self.http = Http(address, headers=headers, secrets=[token], patience=PATIENCE)

    def close(self) -> None:
        self.http.close()

    def test(self) -> Identity:
        me = self.http.get("/users/me").json(dict)
        bot = me.get("bot") if isinstance(me.get("bot"), dict) else {}
        if me.get("type") != "bot":
            raise CredentialRejected("This is a personal access token, which can't list people. Create an internal "
                                     "connection, and enter its API token.")  # fmt: skip
        people = [row for row in next(self._pages(), []) if row.get("type") == "person"]
        hidden = people and not any(map(_email, people))
        missing = [f"read e-mails: {SHOW_EMAILS}"]
        name = " in ".join(filter(None, [clean(me.get("name")) or "Connection", clean(bot.get("workspace_name"))]))
        return Identity(name, clean(me.get("id")) or None, ("read members",), tuple(missing if hidden else ()))

    def accounts(self) -> Iterator[Account]:
        """Fails if no member has an e-mail, because no account could be matched then."""
        people = has_email = False
        for page in self._pages():
            for row in page:
                kind, email = "user" if row.get("type") == "person" else "system", _email(row)
                people, has_email = people or kind == "user", has_email or bool(email)
                yield Account(row["id"], email, clean(row.get("name")), kind=kind,
                              missing_fields=missing_from(row, name="name", kind="type",
                                            **({"email": ("person", "email")} if kind == "user" else {})))  # fmt: skip
        if people and not has_email:
            raise CredentialRejected(f"Notion returns no e-mail addresses: {SHOW_EMAILS} Nothing was changed.")

    def account(self, id: str) -> Account | None:
        """From the list: Notion's call for one user also returns guests, who aren't members."""
        return next((account for account in self.accounts() if account.id == id), None)

    def _pages(self) -> Iterator[list]:
        def fetch(cursor: str | None) -> Page:
            params = {"page_size": PAGE} | ({"start_cursor": cursor} if cursor else {})
            try:
                answer = self.http.get("/users", params).json(dict)
            except Forbidden as no:
                raise CredentialRejected(f"{no} Give the connection the capability to read user information.") from no
            rows, more = list_in(answer, "results", "Notion", "users"), answer.get("has_more")
            if not isinstance(more, bool) or (more and not clean(answer.get("next_cursor"))):
                raise TemporarilyUnavailable("Notion answered without saying whether there are more users, or where.")
            return Page(rows, next=clean(answer["next_cursor"]) if more else None)

        return pages_by_cursor(fetch, what="users")


def _email(user: dict) -> str:
    person = user.get("person")
    return clean(person.get("email")) if isinstance(person, dict) else ""
