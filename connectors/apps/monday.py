"""monday.com: the users of an account, with those who are deactivated or invited; its teams as assets.
A removal deactivates the user, which can be undone.

From developer.monday.com/api-reference, for API version 2026-10: “Users” (users with status, page, limit and sort;
user_config; invite_users, update_users_role and deactivate_users, of which the last two are for admins alone), “Users,
other types” (UserStatus, UserKindFilter, DeactivateUsersError), “Teams”, “Error handling”, “Versioning”, “Breaking
change: Updated user unauthorized error code”. They don't say how many users a team's list holds at most, so a team's
members are read with the users, whose list has pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

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
from connectors.effects import GRANTED, INVITATION_SENT, REVOKED, ROLE_CHANGED, Effect, Reach, Undo, declared
from connectors.quality import at_its_maker
from connectors.tools.answers import known_status, missing_from, no_list
from connectors.tools.graphql import error_in
from connectors.tools.holes import needed
from connectors.tools.http import Answer, Forbidden, clean, seconds_to_wait
from connectors.tools.http_connector import HttpConnector, token_field, version_field
from connectors.tools.paging import ListChanged, Page, pages_by_number
from connectors.tools.refusals import keeps_asset_role
from connectors.tools.times import from_iso
from connectors.versions import ApiVersion

VERSION = "2026-10"
PAGE = 200  # “defaults to 200 and has a maximum of 1000”
ROLES = (
    Role("admin", "Admin", privileged=True),
    Role("member", "Member", default=True),
    Role("view_only", "Viewer"),
    Role("guest", "Guest"),
    Role("portal", "Portal user"),
)
GIVEN = ("admin", "member", "view_only", "guest")  # BaseRoleName, for update_users_role
STATUSES = {"ACTIVE": "active", "INACTIVE": "suspended", "PENDING": "invited"}
MADE_BY_MONDAY = ("api_user", "agent_member")  # endings of the kinds of users that aren't people (UserKindFilter)
TOO_MANY = {"COMPLEXITY_BUDGET_EXHAUSTED", "RATE_LIMIT_EXCEEDED", "IP_RATE_LIMIT_EXCEEDED", "FIELD_LIMIT_EXCEEDED",
            "DAILY_LIMIT_EXCEEDED", "MAXCONCURRENCYEXCEEDED", "RATE LIMIT EXCEEDED"}  # fmt: skip
DENIED = {"USER_UNAUTHORIZED", "USERUNAUTHORIZEDEXCEPTION", "MISSINGREQUIREDPERMISSIONS"}
PASSING = {"API_TEMPORARILY_BLOCKED", "INTERNALSERVERERROR", "INTERNAL_SERVER_ERROR", "INTERNAL SERVER ERROR"}
NOT_THERE = "USER_NOT_FOUND"

USER = "id email name status is_deleted last_activity user_config { kind }"
EVERY_STATUS = "status: [ACTIVE, INACTIVE, PENDING]"  # without it, deactivated users are left out
IN_ORDER = "sort: [{field: CREATED_AT, direction: ASC}]"  # someone who is added during the reading comes last
ME = "query Me { me { id name user_config { kind } account { name } } }"
USERS = f"""query Users($page: Int, $limit: Int) {{
  users(page: $page, limit: $limit, {EVERY_STATUS}, {IN_ORDER}) {{ {USER} }} }}"""
IDS = f"query Ids($page: Int, $limit: Int) {{ users(page: $page, limit: $limit, {EVERY_STATUS}, {IN_ORDER}) {{ id }} }}"
ONE_USER = f"query OneUser($ids: [ID!]) {{ users(ids: $ids, {EVERY_STATUS}) {{ {USER} }} }}"
BY_EMAIL = f"query ByEmail($emails: [String!]) {{ users(emails: $emails, {EVERY_STATUS}) {{ {USER} }} }}"
TEAMS = "query Teams { teams { id name owners { id } } }"
TEAMS_OF_USERS = f"""query TeamsOfUsers($page: Int, $limit: Int) {{
  users(page: $page, limit: $limit, {EVERY_STATUS}, {IN_ORDER}) {{ id teams {{ id }} }} }}"""
TEAMS_OF_ONE = f"query TeamsOfOne($ids: [ID!]) {{ users(ids: $ids, {EVERY_STATUS}) {{ id teams {{ id }} }} }}"
DEACTIVATE = """mutation Deactivate($ids: [ID!]!) {
  deactivate_users(user_ids: $ids) { deactivated_users { id } errors { code message user_id } } }"""
CHANGE_ROLE = """mutation ChangeRole($ids: [ID!]!, $role: BaseRoleName) {
  update_users_role(user_ids: $ids, new_role: $role) { updated_users { id } errors { code message user_id } } }"""
INVITE = """mutation Invite($emails: [String!]!, $role: UserRole) {
  invite_users(emails: $emails, user_role: $role) { invited_users { id } errors { code message email } } }"""
JOIN = """mutation Join($team: ID!, $ids: [ID!]!) {
  add_users_to_team(team_id: $team, user_ids: $ids) { successful_users { id } failed_users { id } } }"""
LEAVE = """mutation Leave($team: ID!, $ids: [ID!]!) {
  remove_users_from_team(team_id: $team, user_ids: $ids) { successful_users { id } failed_users { id } } }"""


class Monday(HttpConnector):
    slug = "monday"
    label = "monday.com"
    logo = "own-monday.svg"
    quality = at_its_maker()
    docs = (
        "As an admin of the account open monday.com, click your picture, and choose “Developers”. In the developer "
        "center open “My access tokens”, or add /apps/manage/tokens to the address of your account. monday.com's own "
        "steps: developer.monday.com/api-reference/docs/authentication.",
        "Choose “Show”, and copy your personal token. It has no scopes: it may do everything that you may.",
        "The token acts as you: Rollcall never removes the person that it belongs to. Only an admin's token can "
        "deactivate people and change roles.",
        "Rollcall sees members, viewers, guests and people who are invited or deactivated, and the account's teams. "
        "It doesn't see who is on which board, and shows someone with a custom role as the kind of user that "
        "monday.com reports.",
        "A removal deactivates the user, and the automations and integrations that they made: hand over the ones that "
        "you need beforehand. monday.com's API invites nobody as an admin, and Rollcall makes nobody the owner of a "
        "team.",
    )
    fields = (
        token_field("API token", "The personal token of an admin."),
        version_field(VERSION, r"20[0-9]{2}-(01|04|07|10)",
                      f"Only if monday.com says that {VERSION} has ended: the version to use instead."),
    )  # fmt: skip
    capabilities = frozenset(CAPABILITIES)
    effects = declared(
        "monday.com API reference, “Users”: deactivate_users, activate_users",
        remove=Effect(
            "Deactivates them in the monday.com account and all its workspaces. The automations and integrations "
            "that they made are deactivated too.",
            Reach.ORGANISATION, Undo.POSSIBLE, "Reactivate them in monday.com, under Administration, Users.",
        ),
        change_role=replace(ROLE_CHANGED, reach=Reach.ORGANISATION),
        invite=replace(INVITATION_SENT, reach=Reach.ORGANISATION), grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion(
        "monday.com API", VERSION, setting="version",
        source="monday.com, “Versioning” (an end is announced at least six months before)",
    )  # fmt: skip
    asset_word = "team"
    asset_roles_by_hand = frozenset({("team", "owner")})
    api = "https://api.monday.com"

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": self._token, "API-Version": self.settings.get("version") or VERSION}

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        return _problem(answer)

    @property
    def removal_suspends(self) -> bool:
        return True

    def test(self) -> Identity:
        me = self._me()
        next(self._pages(USERS), None)
        missing = [] if _kind(me) == "admin" else [f"remove and change roles: {me['name']} isn't an admin."]
        name = f"{clean(me['name'])} in {clean(me['account']['name'])}"
        return Identity(name, me["id"], ("read users and teams",), tuple(missing))

    def _me(self) -> dict:
        """Whose token it is. Someone from outside may not see everyone."""
        me = self._ask(ME).get("me")
        if not isinstance(me, dict):
            raise TemporarilyUnavailable("monday.com answered without saying whose token it is.")
        if _kind(me) not in ("admin", "member"):
            raise CredentialRejected(f"{clean(me['name'])} isn't a member of the account: use the token of an admin.")
        return me

    def roles(self) -> list[Role]:
        return list(ROLES)

    def accounts(self) -> Iterator[Account]:
        self._me()
        for page in self._pages(USERS):
            yield from map(_account, filter(_is_there, page))

    def _pages(self, query: str) -> Iterator[list]:
        """All users, each with what `query` asks for. The list has no total, and someone who is deleted in between
        moves another one to a page that was read before: with more than one page, the ids are read once more."""
        came: set[str] = set()
        for page in self._list_of_users(query):
            came.update(user["id"] for user in page)
            yield page
        if len(came) > PAGE and not all(user["id"] in came for page in self._list_of_users(IDS) for user in page):
            raise ListChanged("monday.com's list of users changed while it was read. Nothing was changed.")

    def _list_of_users(self, query: str) -> Iterator[list]:
        def fetch(number: int) -> Page:
            return Page(self._list(query, "users", page=number, limit=PAGE))

        return pages_by_number(fetch, size=PAGE, what="users")

    def _list(self, query: str, field: str, **variables: object) -> list[dict]:
        found = self._ask(query, **variables).get(field)
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise no_list("monday.com", field)
        return found

    def assets(self) -> Iterator[Asset]:
        return (Asset(team["id"], "team", clean(team["name"])) for team in self._list(TEAMS, "teams"))

    def access(self) -> Iterator[Access]:
        owners = self._owners()
        for page in self._pages(TEAMS_OF_USERS):
            for user in page:
                for team in _teams_of(user):
                    owns = (team, user["id"]) in owners
                    yield Access(user["id"], team, "owner" if owns else "member", owns)

    def _owners(self) -> set[tuple[str, str]]:
        """(team, user) of each owner of a team."""
        return {(team["id"], owner["id"]) for team in self._list(TEAMS, "teams") for owner in team["owners"]}

    def managed(self, account: Account) -> list[Asset]:
        return [Asset(team["id"], "team", clean(team["name"])) for team in self._list(TEAMS, "teams")
                if any(owner["id"] == account.id for owner in team["owners"])]  # fmt: skip

    def account(self, id: str) -> Account | None:
        found = next(map(_account, filter(_is_there, self._list(ONE_USER, "users", ids=[id]))), None)
        if found is None:
            self._me()  # someone from outside may not see them
        return found

    def remove(self, account: Account) -> None:
        now = self.account(account.id)
        if now and now.status != "suspended":
            self._operate(DEACTIVATE, but_done=NOT_THERE, ids=[account.id])

    @classmethod
    def roles_after(cls, account: Account, role: str) -> tuple[str, ...]:
        if role not in GIVEN:
            raise Refused(f"monday.com's API can't make anyone “{role}”: change this in monday.com.")
        return (role,)

    def change_role(self, account: Account, role: str) -> None:
        self.roles_after(account, needed(role, "role"))
        self._operate(CHANGE_ROLE, ids=[account.id], role=role.upper())

    def invite(self, email: str, role: str) -> None:
        if role == "admin" or role not in ("", *GIVEN):
            raise Refused("monday.com's API invites nobody with this role: invite them as a member, then change it.")
        for user in self._list(BY_EMAIL, "users", emails=[needed(email, "e-mail address")]):
            if user.get("status") == "INACTIVE":
                raise Refused(f"{email} is deactivated: activate them in monday.com, under Administration, Users.")
            return
        self._operate(INVITE, emails=[email], role=(role or "member").upper())

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        if role not in ("", "member"):
            raise Refused("Rollcall adds members to a team; make owners in monday.com.")
        if role and (asset.id, account.id) in self._owners():
            raise keeps_asset_role("an owner", "monday.com")
        if asset.id not in self._teams(account):
            self._operate(JOIN, team=needed(asset.id, "team"), ids=[account.id])

    def revoke(self, account: Account, asset: Asset) -> None:
        if asset.id in self._teams(account):
            self._operate(LEAVE, team=asset.id, ids=[account.id])

    def _teams(self, account: Account) -> set[str]:
        users = self._list(TEAMS_OF_ONE, "users", ids=[needed(account.id, "user")])
        return {team for user in users for team in _teams_of(user)}

    def _operate(self, mutation: str, but_done: str = "", **variables: object) -> None:
        """`but_done`: the code of an error that means that it was already done."""
        try:
            [result] = self._ask(mutation, may_repeat=False, **variables).values()
        except Forbidden as no:
            raise Refused(str(no)) from no
        result = result if isinstance(result, dict) else {}
        for error in result.get("errors") or ():
            if clean(error.get("code")) != but_done:
                raise Refused(f"monday.com says “{clean(error.get('message')) or clean(error.get('code'))}”.")
        if result.get("failed_users"):
            raise Refused("monday.com accepted the request, but reports that it failed for this person.")

    def _ask(self, query: str, may_repeat: bool = True, **variables: object) -> dict:
        body = {"query": query, **({"variables": variables} if variables else {})}
        return self._http.post("/v2", json=body, idempotent=may_repeat).json(dict).get("data") or {}


def _is_there(user: dict) -> bool:
    """Not one that “has been soft-deleted”."""
    return user.get("is_deleted") is not True


def _kind(user: dict) -> str:
    given = user.get("user_config")
    return clean(given.get("kind")).lower() if isinstance(given, dict) else ""


def _teams_of(user: dict) -> list[str]:
    """`teams` may be null, and so may each in it (`[Team]`)."""
    if "teams" not in user:
        raise TemporarilyUnavailable("monday.com did not say which teams a user is in.")
    return [team["id"] for team in user["teams"] or () if team]


def _account(user: dict) -> Account:
    kind = _kind(user)
    return Account(
        user["id"], clean(user.get("email")), clean(user.get("name")), known_status(user.get("status"), STATUSES), kind,
        kind="system" if kind.endswith(MADE_BY_MONDAY) else "user",
        last_activity=from_iso(user.get("last_activity")),
        missing_fields=missing_from(user, email="email", name="name", status="status", role=[("user_config", "kind")],
                      last_activity="last_activity"),
    )  # fmt: skip


def _problem(answer: Answer) -> ConnectorError | None:
    """“200 – OK for application-level errors”: {"errors": [{"message", "extensions": {"code", "status_code"}}]}."""
    error = error_in(answer)
    if error is None:
        return None
    code = clean(error.extensions.get("code")).upper()
    says = f"{answer.asked}: monday.com says “{(error.message or code).rstrip('.')}”."
    if answer.status == 429 or code in TOO_MANY:
        given = seconds_to_wait(answer)
        return RateLimited(says, _seconds(error.extensions.get("retry_in_seconds")) if given is None else given)
    if answer.status == 401 or code == "USER_ACCESS_DENIED":
        return CredentialRejected(f"{says} The token must be an active admin's, and this address must be allowed.")
    if answer.status == 403 or code in DENIED:
        return Forbidden(f"{says} The token must be an admin's.")
    if answer.status in (423, 500, 502, 503, 504) or code in PASSING:
        return TemporarilyUnavailable(says)
    return Refused(says)


def _seconds(given: object) -> float:
    return float(given) if isinstance(given, int | float) and 0 < given <= 24 * 3600 else 60
