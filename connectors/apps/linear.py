"""Linear: a workspace's members, guests, apps and invitations; its teams as assets.
A removal suspends the user: the paid seat is free, and their issues and comments stay.

From Linear's own GraphQL schema (npm @linear/sdk 98.0.0, MIT: users, organizationInvites, teams, userSuspend,
userChangeRole, organizationInviteCreate, teamMembershipCreate, …; its error types: src/error.ts) and
linear.app/developers: "Pagination", "Rate limiting".
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from connectors.base import (
    CAPABILITIES,
    Access,
    Account,
    Asset,
    ConnectorError,
    CredentialRejected,
    Identity,
    RateLimited,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.effects import GRANTED, INVITATION_SENT, REVOKED, ROLE_CHANGED, Effect, Reach, Seat, Undo, declared
from connectors.names import email_key
from connectors.quality import at_its_maker
from connectors.tools.answers import disappeared, missing_from, no_list
from connectors.tools.graphql import error_in
from connectors.tools.http import Answer, Forbidden, clean, seconds_to_wait
from connectors.tools.http_connector import HttpConnector, token_field
from connectors.tools.paging import Page, pages_by_cursor
from connectors.tools.refusals import INVITATION, keeps_asset_role, must_not_be_invitation
from connectors.tools.times import from_iso
from connectors.versions import ApiVersion

PAGE = 100  # of at most 250; a query's cost is limited, too
ROLES = (
    Role("owner", "Owner", privileged=True),
    Role("admin", "Admin", privileged=True),
    Role("user", "Member", default=True),
    Role("guest", "Guest"),
    Role("app", "App"),
)
INSIDE = {"team": "memberships", "user": "teamMemberships"}  # the list in one object
BUDGETS = ("Requests", "Complexity", "Endpoint-Requests")  # X-RateLimit-…-Remaining and -Reset
REJECTED = {"authentication error"}
DENIED = {"forbidden", "feature not accessible"}
REFUSED = {"invalid input", "user error", "usage limit exceeded", "graphql error"}
PASSING = {"internal error", "lock timeout", "network error", "bootstrap error"}

VIEWER = "query Viewer { viewer { id name email admin owner guest organization { name } } }"
USER = "id name displayName email active admin owner guest app archivedAt lastSeen"
USERS = f"""query Users($first: Int, $after: String) {{
  users(first: $first, after: $after, includeDisabled: true, includeArchived: true) {{
    nodes {{ {USER} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
ONE_USER = f"""query OneUser($id: ID) {{
  users(filter: {{ id: {{ eq: $id }} }}, includeDisabled: true, includeArchived: true) {{ nodes {{ {USER} }} }} }}"""
INVITES = """query Invites($first: Int, $after: String) {
  organizationInvites(first: $first, after: $after) {
    nodes { id email role acceptedAt archivedAt expiresAt } pageInfo { hasNextPage endCursor } } }"""
TEAMS = """query Teams($first: Int, $after: String) {
  teams(first: $first, after: $after) { nodes { id name } pageInfo { hasNextPage endCursor } } }"""
MEMBERS = """query Members($team: String!, $first: Int, $after: String) {
  team(id: $team) { memberships(first: $first, after: $after) {
    nodes { id owner user { id } } pageInfo { hasNextPage endCursor } } } }"""
TEAMS_OF_USER = """query TeamsOfUser($user: String!, $first: Int, $after: String) {
  user(id: $user) { teamMemberships(first: $first, after: $after) {
    nodes { id owner team { id name } } pageInfo { hasNextPage endCursor } } } }"""
SUSPEND = "mutation Suspend($id: String!) { userSuspend(id: $id) { success } }"
CHANGE_ROLE = """mutation ChangeRole($id: String!, $role: UserRoleType!) {
  userChangeRole(id: $id, role: $role) { success } }"""
INVITE = """mutation Invite($input: OrganizationInviteCreateInput!) {
  organizationInviteCreate(input: $input) { success } }"""
CANCEL = "mutation Cancel($id: String!) { organizationInviteDelete(id: $id) { success } }"
JOIN = "mutation Join($input: TeamMembershipCreateInput!) { teamMembershipCreate(input: $input) { success } }"
LEAVE = "mutation Leave($id: String!) { teamMembershipDelete(id: $id) { success } }"


class Linear(HttpConnector):
    slug = "linear"
    label = "Linear"
    logo = "linear.svg"
    quality = at_its_maker()
    docs = (
        "As an owner or admin of the workspace, open Linear, Settings, Account, “Security & access”.",
        "Under “Personal API keys” create a key with full access (read, write and admin) to all teams, and copy it: "
        "it begins with lin_api_.",
        "The key acts as you: Rollcall never removes the person that it belongs to.",
        "Where people come from an identity provider over SCIM, Linear may refuse to suspend or change them: do it "
        "there. Private teams that the key's owner isn't in aren't read. Linear's API can't make anyone a team owner.",
        "On Linear's Free plan every member is an admin, so Rollcall's protection of the last admin protects nobody in "
        "particular there.",
    )
    fields = (token_field("API key", "Begins with lin_api_."),)
    capabilities = frozenset(CAPABILITIES)
    effects = declared(
        "linear/linear, schema.graphql: userSuspend, userUnsuspend",
        remove=(
            Effect(
                "Suspends them in the Linear workspace. Their issues and comments stay.", Reach.WORKSPACE,
                Undo.POSSIBLE, "Unsuspend them in Linear, Settings, Members.", frees_seat=Seat.FREED,
                people="A user of the workspace",
            ),
            Effect(
                "Cancels the invitation.", Reach.WORKSPACE, Undo.POSSIBLE, "Invite them again.",
                invited=True, source="linear/linear, schema.graphql: organizationInviteDelete",
            ),
        ),
        change_role=ROLE_CHANGED, invite=INVITATION_SENT, grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion("Linear API", "", source="linear/linear, schema.graphql (no versions)")
    asset_word = "team"
    asset_roles_by_hand = frozenset({("team", "owner")})
    api = "https://api.linear.app"

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": self._token}

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        return _problem(answer)

    @property
    def removal_suspends(self) -> bool:
        return True

    def test(self) -> Identity:
        me = self._ask(VIEWER)["viewer"]
        self._must_see_everyone(me)
        may_change = me["admin"] or me["owner"]
        missing = [] if may_change else [f"remove and change: {me['name']} isn't an admin of the workspace."]
        name = f"{me['name']} in {me['organization']['name']}"
        return Identity(name, me["id"], ("read members and teams",), tuple(missing))

    def _must_see_everyone(self, me: dict) -> None:
        if me["guest"]:
            raise CredentialRejected(f"{me['name']} is a guest and doesn't see everyone: use the key of an admin.")

    def roles(self) -> list[Role]:
        return list(ROLES)

    def accounts(self) -> Iterator[Account]:
        """Invitations come first: someone who accepts in between is then in two lists, rather than in none."""
        self._must_see_everyone(self._ask(VIEWER)["viewer"])
        yield from self._invitations()
        yield from map(_account, self._rows(USERS, "users", "users"))

    def _invitations(self) -> Iterator[Account]:
        """The open ones: the list keeps those that were accepted or cancelled, and those that "can no longer be
        accepted" since `expiresAt`."""
        now = datetime.now(UTC).replace(tzinfo=None)
        for row in self._rows(INVITES, "organizationInvites", "invitations"):
            ends = from_iso(row.get("expiresAt"))
            if not row["acceptedAt"] and not row["archivedAt"] and (ends is None or ends > now):
                yield Account(f"{INVITATION}{row['id']}", row["email"], "", "invited", row["role"])

    def assets(self) -> Iterator[Asset]:
        return (Asset(team["id"], "team", team["name"]) for team in self._rows(TEAMS, "teams", "teams"))

    def access(self) -> Iterator[Access]:
        for team in self._rows(TEAMS, "teams", "teams"):
            try:
                for row in self._memberships(team["id"]):
                    yield Access(row["user"]["id"], team["id"], "owner" if row["owner"] else "member", row["owner"])
            except Refused as gone:
                raise disappeared(f"The team {team['name']}", gone) from gone

    def _memberships(self, team: str) -> Iterator[dict]:
        return self._rows(MEMBERS, "team", "team members", team=team)

    def _rows(self, query: str, field: str, what: str, **variables: str) -> Iterator[dict]:
        def fetch(cursor: str | None) -> Page:
            found = self._ask(query, **variables, first=PAGE, **({"after": cursor} if cursor else {})).get(field)
            found = found[INSIDE[field]] if field in INSIDE and found else found
            if not isinstance(found, dict) or not isinstance(found.get("nodes"), list):
                raise no_list("Linear", what)
            info = found["pageInfo"]
            return Page(found["nodes"], next=info["endCursor"] if info["hasNextPage"] else None)

        for page in pages_by_cursor(fetch, what=what):
            yield from page

    def managed(self, account: Account) -> list[Asset]:
        if account.id.startswith(INVITATION):
            return []
        rows = self._rows(TEAMS_OF_USER, "user", "teams of the user", user=account.id)
        return [Asset(row["team"]["id"], "team", row["team"]["name"]) for row in rows if row["owner"]]

    def account(self, id: str) -> Account | None:
        if id.startswith(INVITATION):
            return next((invitation for invitation in self._invitations() if invitation.id == id), None)
        users = self._ask(ONE_USER, id=id)["users"]["nodes"]
        if not users:
            self._must_see_everyone(self._ask(VIEWER)["viewer"])
        return _account(users[0]) if users else None

    def remove(self, account: Account) -> None:
        now = self.account(account.id)
        if now is None or now.status == "suspended":
            return
        if account.id.startswith(INVITATION):
            self._operate(CANCEL, id=account.id.removeprefix(INVITATION))
        else:
            self._operate(SUSPEND, id=account.id)

    def change_role(self, account: Account, role: str) -> None:
        must_not_be_invitation(account, "Linear")
        self._operate(CHANGE_ROLE, id=account.id, role=role)

    def invite(self, email: str, role: str) -> None:
        if not any(email_key(invitation.email) == email_key(email) for invitation in self._invitations()):
            self._operate(INVITE, input={"email": email, "role": role or "user"})

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        if role not in ("", "member"):
            raise Refused("Linear's API adds members to a team; make owners in Linear.")
        membership = self._membership(account, asset)
        if membership is None:
            self._operate(JOIN, input={"teamId": asset.id, "userId": account.id})
        elif role and membership["owner"]:
            raise keeps_asset_role("an owner", "Linear")

    def revoke(self, account: Account, asset: Asset) -> None:
        if membership := self._membership(account, asset):
            self._operate(LEAVE, id=membership["id"])

    def _membership(self, account: Account, asset: Asset) -> dict | None:
        return next((row for row in self._memberships(asset.id) if row["user"]["id"] == account.id), None)

    def _operate(self, mutation: str, **variables: object) -> None:
        try:
            [payload] = self._ask(mutation, may_repeat=False, **variables).values()
        except Forbidden as no:
            raise Refused(str(no)) from no
        if not payload.get("success"):
            raise Refused("Linear accepted the request, but reports that it failed.")

    def _ask(self, query: str, may_repeat: bool = True, **variables: object) -> dict:
        body = {"query": query, "variables": variables}
        return self._http.post("/graphql", json=body, idempotent=may_repeat).json(dict).get("data") or {}


def _account(user: dict) -> Account:
    role = next((flag for flag in ("app", "owner", "admin", "guest") if user[flag]), "user")
    return Account(
        id=user["id"],
        email=user.get("email") or "",
        name=user.get("name") or user.get("displayName") or "",
        status="active" if user["active"] and not user.get("archivedAt") else "suspended",
        role=role,
        kind="system" if user["app"] else "user",
        last_activity=from_iso(user.get("lastSeen")),
        missing_fields=missing_from(user, email="email", status={"active", "archivedAt"}, last_activity="lastSeen"),
        defaulted_fields=missing_from(user, name="name"),
    )


def _problem(answer: Answer) -> ConnectorError | None:
    """Linear names the error in the answer's body, with status 200 or 400: {"errors": [{"extensions": {"type"}}]}."""
    error = error_in(answer)
    if error is None:
        return None
    more = error.extensions
    kinds = {clean(more.get(key)).lower().replace("_", " ") for key in ("type", "code")}
    words = clean(more.get("userPresentableMessage")) or error.message
    says = f"{answer.asked}: Linear says “{words.rstrip('.')}”."
    if answer.status == 429 or "ratelimited" in kinds:
        return RateLimited(says, _wait(answer))
    if answer.status == 401 or kinds & REJECTED:
        return CredentialRejected(f"{says} The API key is wrong or was revoked.")
    if answer.status == 403 or kinds & DENIED:
        return Forbidden(f"{says} The key must be an admin's, with access to all teams.")
    if kinds & REFUSED or (400 <= answer.status < 500 and not kinds & PASSING):
        return Refused(says)
    return TemporarilyUnavailable(says)


def _wait(answer: Answer) -> float:
    """Seconds until the used-up budget is renewed. Linear gives that moment in milliseconds."""
    if (wait := seconds_to_wait(answer)) is not None:
        return wait
    for budget in BUDGETS:
        reset = answer.headers.get(f"X-RateLimit-{budget}-Reset", "")
        if reset.isdecimal() and answer.headers.get(f"X-RateLimit-{budget}-Remaining") == "0":
            return max(1.0, int(reset) / 1000 - time.time())
    return 60
