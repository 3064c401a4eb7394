"""HubSpot: an account's users with their permission sets and paid seats; its teams as assets.
A removal takes the user out of the account: HubSpot's API has no call that deactivates someone.

Calls, fields and scopes: HubSpot/HubSpot-public-api-spec-collection, User Provisioning, 2026-09/userProvisioning.json.
From developers.hubspot.com: the guide “User provisioning” (an update holds only the fields to change), “Error
handling”, “Make API requests using a service key”, “Developer platform and API versioning” (a version is supported for
18 months; 2026-09 was released on 8 September 2026), “Usage guidelines” (policyName of a 429). What a removal loses:
knowledge.hubspot.com, “Remove HubSpot users”. That a private app's token depends on its creator:
docs.sim.ai/integrations/hubspot-service-account.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from connectors.base import (
    CAPABILITIES,
    Access,
    Account,
    Asset,
    ConnectorError,
    Field,
    Identity,
    RateLimited,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.effects import GRANTED, INVITATION_SENT, REVOKED, ROLE_CHANGED, Effect, Reach, Undo, declared
from connectors.quality import at_its_maker
from connectors.tools.answers import list_in, missing_from, unreadable
from connectors.tools.holes import needed
from connectors.tools.http import Answer, NotFound, clean, segment
from connectors.tools.http_connector import HttpConnector, token_field, version_field
from connectors.tools.paging import Page, by_id, pages_by_cursor
from connectors.versions import ApiVersion

VERSION = "2026-09"
PAGE = 100
SUPER_ADMIN, NO_SET = "super-admin", "no-permission-set"  # names of ours: HubSpot has no permission set for these
PRIMARY, ADDITIONAL = "primary team", "additional team"
DAILY, AN_HOUR = "DAILY", 3600  # seconds: nothing says how long the limit of a day lasts


def _end_of(version: str) -> date:
    """18 months after the month of its release."""
    year, month = map(int, version.split("-"))
    return date(year + (month + 18 - 1) // 12, (month + 18 - 1) % 12 + 1, 1)


class HubSpot(HttpConnector):
    slug = "hubspot"
    label = "HubSpot"
    logo = "hubspot.svg"
    quality = at_its_maker("HubSpot's API makes nobody a super admin, and takes nobody out of the primary team.")
    docs = (
        "As a super admin, open app.hubspot.com, “Development”, then “Keys” and “Service keys”. Choose “Create service "
        "key”. HubSpot's own steps: "
        "developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/account-service-keys.",
        "Enter a name, choose “Add new scope” and add, to read: settings.users.read and settings.users.teams.read. To "
        "remove and invite people and to change permission sets and teams, also add: settings.users.write.",
        "Choose “Create”, open the key, choose “Show” and copy it. HubSpot calls service keys a beta. The access token "
        "of a private app that you already have, with the same scopes, also works.",
        "Removing someone takes them out of this HubSpot account. They are unassigned from conversations and assets, "
        "and are no longer in reports. The API can't deactivate someone, which keeps these and can be undone: if you "
        "prefer that, leave the removal out in Rollcall, and deactivate the person in HubSpot. A point of contact of "
        "“Account & Billing” must be replaced before they can be removed.",
        "The API doesn't say who is deactivated, who hasn't accepted an invitation, or when someone was last active: "
        "everyone in its list is shown as active.",
        "A permission set with a paid seat can only be given with the scope settings.billing.write as well. Who is "
        "a super admin, and someone's primary team, can only be changed in HubSpot.",
    )
    fields = (
        token_field("Service key", "Or the access token of a private app."),
        Field("teams", "Teams", "Teams are shown as assets, with their members.", required=False,
              choices=(("read", "are read"), ("leave out", "are left out")), asks_secrets_again=False),
        version_field(VERSION, r"20[0-9]{2}-(03|09)",
                      f"Only if HubSpot says that {VERSION} has ended: the version to use instead."),
    )  # fmt: skip
    capabilities = frozenset(CAPABILITIES)
    own_account_unknown = (
        "HubSpot's API doesn't say who created the key. Rollcall can't protect this super admin. Once they are "
        "removed, the token of a private app may lose permissions."
    )
    effects = declared(
        "HubSpot, User Provisioning API 2026-09",
        remove=Effect(
            "Removes them from this HubSpot account. They keep their HubSpot login and their other accounts.",
            Reach.WORKSPACE, Undo.IMPOSSIBLE, "Invite them again, and assign everything again.",
            lost=("their assignment to records, conversations and other assets", "their place in reports",
                  "their permission set and teams"),
            source="HubSpot, “Remove HubSpot users”, and User Provisioning API 2026-09",
        ),
        change_role=ROLE_CHANGED, invite=INVITATION_SENT, grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion(
        "HubSpot User Provisioning API", VERSION, date(2028, 3, 8), setting="version", end_of=_end_of,
        source="developers.hubspot.com, “Developer platform and API versioning”: 18 months from 8 September 2026",
    )  # fmt: skip
    asset_word = "team"
    asset_roles_by_hand = asset_roles_kept = frozenset({("team", PRIMARY)})
    role_word = "permission set"
    api = "https://api.hubapi.com"

    @property
    def _users(self) -> str:
        return f"/settings/users/{self.settings.get('version') or VERSION}"

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        return _problem(answer)

    @property
    def _reads_teams(self) -> bool:
        return self.settings.get("teams") != "leave out"

    def test(self) -> Identity:
        self._page(None, limit=1)
        teams = "Give the key the scope settings.users.teams.read, or leave teams out."
        missing = unreadable(
            ("read permission sets", self.roles, "Give the key the scope settings.users.read."),
            ("read teams", lambda: next(self.assets(), None), teams),
        )
        return Identity("A HubSpot service key", None, ("read users, permission sets and teams",), missing)

    def roles(self) -> list[Role]:
        found = self._listed(self._http.get(f"{self._users}/roles"), "permission sets")
        return [
            Role(SUPER_ADMIN, "Super admin", privileged=True),
            *(Role(row["id"], clean(row.get("name"))) for row in found),
            Role(NO_SET, "No permission set", default=True),
        ]

    def accounts(self) -> Iterator[Account]:
        for page in pages_by_cursor(self._page, what="users", id_of=by_id):
            yield from map(_account, page)

    def _page(self, after: str | None, limit: int = PAGE) -> Page:
        answer = self._http.get(self._users, {"limit": limit} | ({"after": after} if after else {}))
        paging = answer.json(dict).get("paging")
        following = paging.get("next") if isinstance(paging, dict) else None
        return Page(self._listed(answer, "users"), next=clean((following or {}).get("after")))

    def _listed(self, answer: Answer, what: str) -> list[dict]:
        return list_in(answer.json(dict), "results", "HubSpot", what)

    def assets(self) -> Iterator[Asset]:
        return (Asset(team["id"], "team", clean(team.get("name"))) for team in self._teams())

    def access(self) -> Iterator[Access]:
        for team in self._teams():
            yield from (Access(user, team["id"], role) for role in (PRIMARY, ADDITIONAL) for user in _in(team, role))

    def _teams(self) -> list[dict]:
        return self._all_teams() if self._reads_teams else []

    def _all_teams(self) -> list[dict]:
        """All at once: this list has no pages."""
        return self._listed(self._http.get(f"{self._users}/teams"), "teams")

    def _teams_of(self, account: Account) -> tuple[list[str], list[str]]:
        """Ids of someone's primary team and of the additional ones, by the list of teams: a user may come without them
        (userProvisioning.json, PublicUser), and an update would then take them out of the others."""
        teams = self._all_teams()
        primary, additional = ([team["id"] for team in teams if account.id in _in(team, role)]
                               for role in (PRIMARY, ADDITIONAL))  # fmt: skip
        return primary, additional

    def account(self, id: str) -> Account | None:
        user = self._user(id)
        return _account(user) if user else None

    def _user(self, id: str, **params: str) -> dict | None:
        try:
            user = self._http.get(self._path(id), params).json(dict)
        except NotFound:
            return None
        if not clean(user.get("id")):
            raise TemporarilyUnavailable("HubSpot answered without the user that was asked for.")
        return user

    def _path(self, id: str) -> str:
        return f"{self._users}/{segment(id)}"

    def remove(self, account: Account) -> None:
        try:
            self._http.operate("DELETE", self._path(account.id))
        except NotFound:
            return

    @classmethod
    def roles_after(cls, account: Account, role: str) -> tuple[str, ...]:
        """An update takes one permission set, in place of those before. Super admins are made in HubSpot alone."""
        if SUPER_ADMIN in account.roles:
            raise Refused("They are a super admin, which HubSpot's API can't change: change it in HubSpot first.")
        if role in (SUPER_ADMIN, NO_SET):
            raise Refused("HubSpot's API can only give a permission set: change this in HubSpot.")
        return (role,)

    def change_role(self, account: Account, role: str) -> None:
        now = _account(self._existing(account))
        self.roles_after(now, needed(role, "permission set"))
        if now.roles == (role,):
            return
        after = self._update(account, roleId=role)
        if after.roles != (role,):
            raise Refused(f"HubSpot accepted the change, but they now have: {', '.join(after.roles)}.")

    def _existing(self, account: Account) -> dict:
        if user := self._user(account.id):
            return user
        raise Refused("HubSpot no longer has this user.")

    def _update(self, account: Account, **fields: Any) -> Account:
        """Changes only these fields. Returns the user as HubSpot has them afterwards."""
        answer = self._http.operate("PUT", self._path(account.id), json=fields, may_be_empty=tuple(fields))
        return _account({"id": account.id, **answer.json(dict)})

    def invite(self, email: str, role: str) -> None:
        if role == SUPER_ADMIN:
            raise Refused("HubSpot's API makes nobody a super admin: invite them with less, then change it in HubSpot.")
        if self._user(needed(email, "e-mail address"), idProperty="EMAIL"):
            return
        given = {"roleId": role} if role not in ("", NO_SET) else {}
        self._http.operate("POST", self._users, json={"email": email, "sendWelcomeEmail": True, **given})

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        if role not in ("", ADDITIONAL):
            raise Refused("Rollcall adds people to additional teams; change a primary team in HubSpot.")
        self._existing(account)
        primary, teams = self._teams_of(account)
        if role and asset.id in primary:
            raise Refused("This is their primary team, which HubSpot's API can only replace: change it in "
                          "HubSpot.")  # fmt: skip
        if asset.id not in (*primary, *teams):
            self._update(account, secondaryTeamIds=[*teams, needed(asset.id, "team")])

    def revoke(self, account: Account, asset: Asset) -> None:
        if self._user(account.id) is None:
            return
        primary, teams = self._teams_of(account)
        if asset.id in primary:
            raise Refused("This is their primary team, which HubSpot's API can only replace: change it in HubSpot.")
        if asset.id in teams:
            self._update(account, secondaryTeamIds=[team for team in teams if team != asset.id])


def _account(row: dict) -> Account:
    """A user without a name or a paid seat has no key for it; e-mail, roleIds and superAdmin are always there."""
    names = (clean(row.get("firstName")), clean(row.get("lastName")))
    first, *further = _roles(row)
    return Account(
        row["id"], clean(row.get("email")), " ".join(filter(None, names)), role=first, further_roles=tuple(further),
        seat=", ".join(map(clean, row.get("seatNames") or ())),
        missing_fields=missing_from(row, email="email", role={"superAdmin", "roleIds"}),
        defaulted_fields=missing_from(row, name={"firstName", "lastName"}, seat="seatNames"),
    )  # fmt: skip


def _roles(row: dict) -> list[str]:
    """The most powerful first."""
    sets = [clean(role) for role in row.get("roleIds") or ()]
    return [SUPER_ADMIN, *sets] if row.get("superAdmin") is True else sets or [NO_SET]


def _in(team: dict, role: str) -> list[str]:
    """The ids of the users who are in a team with this role."""
    users = team.get("userIds" if role == PRIMARY else "secondaryUserIds")
    if not isinstance(users, list):
        raise TemporarilyUnavailable("HubSpot did not say who is in a team.")
    return [clean(user) for user in users]


def _problem(answer: Answer) -> ConnectorError | None:
    """A 404 that isn't HubSpot's own error says nothing about a user; the limit of a day isn't over in a minute."""
    if answer.status not in (404, 429):
        return None
    body = answer.json_or_none()
    body = body if isinstance(body, dict) else {}
    if answer.status == 404 and not body.get("category"):
        return TemporarilyUnavailable(f"{answer.asked} answered 404, but without an error in HubSpot's format.")
    if answer.status == 429 and body.get("policyName") == DAILY:
        return RateLimited(f"{answer.asked}: “{clean(body.get('message'))}”. The calls of this day are used up. "
                           "Rollcall tries again later.", AN_HOUR)  # fmt: skip
    return None
