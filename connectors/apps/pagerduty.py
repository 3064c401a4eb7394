"""PagerDuty: the users of an account with their base roles, and its teams with the roles in them.
A removal deletes the user; PagerDuty refuses it while they have open incidents, and leaves gaps where they are on call.

Calls, fields and errors as in PagerDuty's own description (github.com/PagerDuty/api-schema, reference/REST): GET
/users, GET /users/me, GET, PUT and DELETE /users/{id}, GET /teams, GET /teams/{id}/members, PUT and DELETE
/teams/{id}/users/{user_id}. From github.com/PagerDuty/developer-docs, docs/REST-API: “Pagination” (offset, limit, more,
total), “Errors”, “Rate Limits” (ratelimit-reset in seconds) and “Versioning”. From support.pagerduty.com: “User Roles”
(the account owner can't be deleted), “Advanced Permissions”, “Offboarding” (what happens to incidents, schedules and
escalation policies) and “API Access Keys”.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import MappingProxyType
from urllib.parse import urlsplit

from connectors.base import (
    CAPABILITIES,
    INVITE,
    Access,
    Account,
    Asset,
    ConnectorError,
    CredentialRejected,
    Field,
    Identity,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.effects import GRANTED, REVOKED, ROLE_CHANGED, Effect, Reach, Undo, declared
from connectors.quality import at_its_maker
from connectors.tools.answers import known_status, list_in, missing_from
from connectors.tools.holes import needed
from connectors.tools.http import Answer, NotFound, clean, segment
from connectors.tools.http_connector import HttpConnector, token_field
from connectors.tools.paging import Page, number, pages_by_offset
from connectors.versions import ApiVersion

PAGE = 100  # the most that PagerDuty returns; it lists 10,000 users at most
OWNER = "owner"
ROLES = (
    Role(OWNER, "Account owner", privileged=True),
    Role("admin", "Global admin", privileged=True),
    Role("user", "Manager", default=True),
    Role("limited_user", "Responder"),
    Role("observer", "Observer"),
    Role("restricted_access", "Restricted access"),
    Role("read_only_user", "Full stakeholder"),
    Role("read_only_limited_user", "Limited stakeholder"),
)
STATUSES = MappingProxyType({False: "active", True: "invited"})  # invitation_sent: “has an outstanding invitation”
MANAGER = "manager"
PAYMENT_REQUIRED = 402  # the account's plan lacks it: teams, a role
NO_ACCOUNT = 2007  # “Account Not Found”: the whole PagerDuty account, not a user


class NotInPlan(Refused):
    """402: the account's plan doesn't have this ability."""


class PagerDuty(HttpConnector):
    slug = "pagerduty"
    label = "PagerDuty"
    logo = "own-pagerduty.svg"
    quality = at_its_maker("PagerDuty's API creates a user with name and password, which Rollcall doesn't know.")
    docs = (
        "As the account owner or a global admin, open Integrations, API Access Keys in PagerDuty. PagerDuty's own "
        "steps: support.pagerduty.com/main/docs/api-access-keys.",
        "Choose “Create New API Key”, describe it as Rollcall, and leave “Read-only” unticked, unless Rollcall should "
        "only read. Copy the key: PagerDuty never shows it again. It belongs to the account, not to a person, and "
        "PagerDuty has no smaller scope for such a key.",
        "If your PagerDuty address ends in eu.pagerduty.com, choose the EU service region.",
        "A removal deletes the user. PagerDuty refuses it while incidents are assigned to them, unless the account "
        "owner has set User Offboarding to restart these incidents. Without the offboarding feature it also refuses "
        "while they are on a schedule or an escalation policy: replace them there first, then try again.",
        "With that feature, their places on schedules and escalation policies stay empty. PagerDuty asks the managers "
        "of their teams, or the admins, to fill them.",
        "The account owner can't be deleted: make someone else the owner in PagerDuty first. Roles on single "
        "schedules, services or escalation policies are not read. PagerDuty doesn't report when someone was last "
        "active.",
    )
    fields = (
        token_field("API access key", "A general access REST API key."),
        Field("region", "Service region", choices=(("us", "US (pagerduty.com)"), ("eu", "EU (eu.pagerduty.com)"))),
    )
    capabilities = frozenset(CAPABILITIES) - {INVITE}
    effects = declared(
        "PagerDuty REST API, “Delete a user”, and PagerDuty Support, “Offboarding”",
        remove=Effect(
            "Deletes their user from the PagerDuty account, and their contact methods and notification rules. "
            "Incidents that are assigned to them are restarted, or PagerDuty refuses.",
            Reach.WORKSPACE, Undo.IMPOSSIBLE, "Add them again, to their teams, schedules and escalation policies too.",
            lost=("their places on schedules and escalation policies",),
        ),
        change_role=ROLE_CHANGED, grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion("PagerDuty REST API", "v2", source="PagerDuty REST API, “Versioning”")
    asset_word = "team"
    role_word = "base role"
    own_account_unknown = "A general access key belongs to the account, not to a person."
    api, api_eu = "https://api.pagerduty.com", "https://api.eu.pagerduty.com"
    patience = 65  # seconds: calls are limited by the minute

    @property
    def _address(self) -> str:
        return self.api_eu if self.settings.get("region") == "eu" else self.api

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Token token={self._token}", "Accept": "application/vnd.pagerduty+json;version=2"}

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        return _problem(answer)

    def test(self) -> Identity:
        user = next(self._rows("/users", "users"), {})
        next(self.assets(), None)
        self._must_be_accounts_key()
        host = urlsplit(clean(user.get("html_url"))).hostname
        return Identity(f"the PagerDuty account {host}" if host else "a PagerDuty account", None,
                        ("read users and teams",))  # fmt: skip

    def _must_be_accounts_key(self) -> None:
        """Raises CredentialRejected for a person's own key. Only such a key has a current user, and such a person may
        not see everyone."""
        try:
            me = self._http.get("/users/me").json(dict).get("user")
        except (Refused, CredentialRejected):
            return
        name = clean(me.get("name")) if isinstance(me, dict) else ""
        raise CredentialRejected(f"This key belongs to {name or 'a person'}: it may only do and see what they may, and "
                                 "it ends with their user. Enter a general access REST API key.")  # fmt: skip

    def roles(self) -> list[Role]:
        return list(ROLES)

    def accounts(self) -> Iterator[Account]:
        self._must_be_accounts_key()
        for row in self._rows("/users", "users", on_total=self.on_total):
            yield _account(row)

    def account(self, id: str) -> Account | None:
        try:
            return _account(self._user(id))
        except NotFound:
            self._must_be_accounts_key()
            return None

    def _user(self, id: str) -> dict:
        user = self._http.get(f"/users/{segment(id)}").json(dict).get("user")
        if not isinstance(user, dict) or user.get("id") != id:
            raise TemporarilyUnavailable(f"PagerDuty answered without the user {id}.")
        return user

    def assets(self) -> Iterator[Asset]:
        """Empty if the plan has no teams."""
        try:
            for row in self._rows("/teams", "teams"):
                yield Asset(row["id"], "team", clean(row.get("name")))
        except NotInPlan:
            return

    def access(self) -> Iterator[Access]:
        for team in self.assets():
            try:
                for row in self._in_team(team):
                    role = clean(row.get("role"))
                    yield Access(row["user"]["id"], team.id, role, role == MANAGER, role_defaulted="role" not in row)
            except NotFound as gone:
                raise TemporarilyUnavailable(f"A team was deleted while it was read. {gone}") from gone

    def managed(self, account: Account) -> list[Asset]:
        """One call for the user's teams, and one for each of them."""
        teams = self._user(account.id).get("teams")
        if not isinstance(teams, list):
            raise TemporarilyUnavailable("PagerDuty answered without the user's teams.")
        found = [Asset(team["id"], "team", clean(team.get("summary"))) for team in teams]
        return [team for team in found
                if any(row["user"]["id"] == account.id and row.get("role") == MANAGER for row in self._in_team(team))]

    def _in_team(self, team: Asset) -> Iterator[dict]:
        return self._rows(f"/teams/{segment(team.id)}/members", "members", id_of=lambda row: row["user"]["id"])

    def _rows(
        self, path: str, name: str, *, id_of: Callable[[dict], str] = lambda row: row["id"],
        on_total: Callable[[int], None] | None = None,
    ) -> Iterator[dict]:  # fmt: skip
        def fetch(offset: int) -> Page:
            answer = self._http.get(path, {"limit": PAGE, "offset": offset, "total": "true"})
            body = answer.json(dict)
            rows, more = list_in(body, name, answer.asked), body.get("more")
            return Page(rows, number(body.get("total")), more=more if isinstance(more, bool) else None)

        for page in pages_by_offset(fetch, size=PAGE, what=name, id_of=id_of, on_total=on_total):
            yield from page

    def remove(self, account: Account) -> None:
        now = self.account(account.id)
        if now is None:
            return
        _must_not_be_owner(now, "can't be deleted")
        try:
            self._operate("DELETE", f"/users/{segment(account.id)}")
        except NotFound:
            return
        except Refused as no:
            raise Refused(f"{no} If incidents are assigned to them, or they are on a schedule or an escalation policy, "
                          "change that in PagerDuty. Then try again.") from no  # fmt: skip

    @classmethod
    def roles_after(cls, account: Account, role: str) -> tuple[str, ...]:
        if role == OWNER:
            raise Refused("PagerDuty's API can't make someone the account owner. The owner does that in PagerDuty.")
        return super().roles_after(account, role)

    def change_role(self, account: Account, role: str) -> None:
        """PagerDuty requires the user's name and e-mail. Fields that aren't sent don't change."""
        self.roles_after(account, needed(role, "role"))
        user = self._user(account.id)
        _must_not_be_owner(_account(user), "keeps that role until someone else is made the owner")
        if user.get("role") != role:
            body = {"type": "user", "name": clean(user.get("name")), "email": clean(user.get("email")), "role": role}
            self._operate("PUT", f"/users/{segment(account.id)}", json={"user": body})

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        body = {"json": {"role": role}} if role else {}
        self._operate("PUT", _membership(account, asset), **body)

    def revoke(self, account: Account, asset: Asset) -> None:
        try:
            self._operate("DELETE", _membership(account, asset))
        except NotFound:
            return

    def _operate(self, method: str, path: str, **more: dict) -> None:
        self._http.operate(method, path, **more)


def _account(row: dict) -> Account:
    return Account(
        id=row["id"],
        email=clean(row.get("email")),
        name=clean(row.get("name")),
        status=known_status(row.get("invitation_sent"), STATUSES),
        role=clean(row.get("role")),
        missing_fields=missing_from(row, email="email", name="name", role="role", status="invitation_sent"),
    )


def _must_not_be_owner(account: Account, what: str) -> None:
    if account.role == OWNER:
        raise Refused(f"The account owner {what}. Make someone else the owner in PagerDuty first.")


def _membership(account: Account, asset: Asset) -> str:
    return f"/teams/{segment(asset.id)}/users/{segment(account.id)}"


def _problem(answer: Answer) -> ConnectorError | None:
    """{"error": {"code": 2001, "message": "…", "errors": ["…"]}}: the list has the reasons of a 400, and the code says
    what a 404 is about."""
    if answer.status not in (400, PAYMENT_REQUIRED, 404) or answer.is_page:
        return None
    try:
        error = answer.json_or_none().get("error")
        code, parts = error.get("code"), [error.get("message"), *(error.get("errors") or ())]
    except (AttributeError, TypeError):
        code, parts = None, []
    words = ": ".join(filter(None, map(clean, parts[:4])))
    says = f"{answer.asked} answered {answer.status}" + (f": “{words.rstrip('.')}”." if words else ".")
    if code == NO_ACCOUNT:
        return CredentialRejected(f"{says} Check the API access key and the service region.")
    if answer.status == 404:
        return None
    return NotInPlan(says) if answer.status == PAYMENT_REQUIRED else Refused(says)
