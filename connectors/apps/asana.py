"""Asana: a workspace's or organisation's members, admins and guests; its teams and projects as assets.
Removal takes a person out of the workspace and all its teams and projects.

Calls and fields as in Asana's OpenAPI description (github.com/Asana/openapi); paging, errors and limits from
developers.asana.com: “Pagination” (limit, next_page.offset), “Errors”, “Rate limits” (429 with Retry-After). The list
of memberships has no e-mails, so they are read from GET /users.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.base import (
    CAPABILITIES,
    CHANGE_ROLE,
    Access,
    Account,
    Asset,
    CredentialRejected,
    Field,
    Identity,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.effects import GRANTED, INVITATION_SENT, REVOKED, Effect, Reach, Sessions, Undo, declared
from connectors.names import email_key
from connectors.quality import at_its_maker
from connectors.tools.answers import disappeared, missing_from
from connectors.tools.http import Answer, Forbidden, NotFound, clean, segment
from connectors.tools.http_connector import HttpConnector, token_field
from connectors.tools.paging import Page, pages_by_cursor
from connectors.tools.refusals import keeps_asset_role
from connectors.versions import ApiVersion

PAGE = 100  # "The value must be between 1 and 100"
ROLES = (Role("admin", "Admin", privileged=True), Role("member", "Member", default=True), Role("guest", "Guest"))
MEMBERSHIP = "user,user.name,is_active,is_admin,is_guest,is_view_only"


class Asana(HttpConnector):
    slug = "asana"
    label = "Asana"
    logo = "asana.svg"
    quality = at_its_maker("Asana's API can't make admins or guests.", managers=False)
    docs = (
        "On an Enterprise plan, as a super admin, create a service account in the Admin Console (Apps, Service "
        "accounts) and give it full permissions. Its token belongs to no person, and sees every team and project.",
        "On other plans, as an admin, open app.asana.com/0/my-apps and create a personal access token. It sees what "
        "you see: private teams and projects that you aren't in aren't read.",
        "While you are signed in, open app.asana.com/api/1.0/workspaces in the browser. The number after “gid”, beside "
        "your organisation's name, is the workspace ID.",
        "When Rollcall removes someone by a service account's token, everything they own passes to the admin named in "
        "the Admin Console. With a personal access token, it passes to the token's owner. Anything that only the "
        "removed person could see is lost: make it public in Asana beforehand.",
        "Asana's API reports neither when someone was last active nor whether an invitation is still pending (such "
        "people look like members), and can't make admins or guests: an invited person becomes a member if their "
        "e-mail is at one of your domains, else a guest. Access to a project through a team shows as membership of "
        "the team. To change who is in a team, the token's owner must be in it.",
    )
    fields = (
        Field("workspace", "Workspace ID", "A long number.", pattern=r"[0-9]+"),
        token_field("Access token", "A service account's, or an admin's personal one."),
    )  # fmt: skip
    capabilities = frozenset(CAPABILITIES) - {CHANGE_ROLE}
    effects = declared(
        "Asana/openapi, removeUserForWorkspace",
        remove=Effect(
            "Removes them from the workspace and all its teams and projects. Everything they own passes to the "
            "owner of the personal access token or, with a service account's token, to the admin named in the Admin "
            "Console.",
            Reach.WORKSPACE, Undo.IMPOSSIBLE,
            "Invite them again, and add them to their teams and projects.",
            lost=("what only they could see",),
            ends_sessions=Sessions.NOT_KNOWN,
        ),
        invite=INVITATION_SENT, grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion("Asana API", "1.0", source="Asana/openapi, defs/asana_oas.yaml")
    asset_word = "team or project"
    asset_roles_by_hand = frozenset({("team", "admin"), ("team", "guest")})
    api = "https://app.asana.com/api/1.0"
    patience = 65  # seconds: limits are per minute, and a workspace with many projects meets them again and again

    @property
    def _home(self) -> str:
        return f"/workspaces/{segment(self.settings.get('workspace', ''))}"

    def test(self) -> Identity:
        me = self._get("/users/me", opt_fields="name")
        mine = self._must_see_everyone()
        workspace = self._get(self._home, opt_fields="name,is_organization")
        missing = []
        if mine is not None and not mine.get("is_admin"):
            missing.append(f"remove: {clean(me.get('name'))} isn't an admin of the workspace.")
        try:
            next(self.assets(), None)
        except Forbidden as no:
            missing.append(f"read teams and projects: {no}")
        name = f"{clean(me.get('name'))} in {clean(workspace.get('name'))}"
        return Identity(name, str(me["gid"]), ("read members, teams and projects",), tuple(missing))

    def _must_see_everyone(self) -> dict | None:
        """The membership of the token's owner; None for a service account. Guests "only see what is explicitly shared
        with them" (help.asana.com: "Guests FAQ")."""
        try:
            mine = next(self._memberships(user="me"), None)
        except (Forbidden, NotFound) as no:
            raise CredentialRejected(f"{no} Check the workspace ID, and that the token's owner is in it.") from None
        if mine is not None and mine.get("is_guest"):
            raise CredentialRejected("The token's owner is a guest, who doesn't see everyone: use an admin's token.")
        return mine

    def roles(self) -> list[Role]:
        return list(ROLES)

    def accounts(self) -> Iterator[Account]:
        """Only e-mails are kept in memory. Someone who joins after these were read has none until the next check."""
        self._must_see_everyone()
        emails = self._emails()
        for row in self._memberships():
            if row.get("is_active") is not False:
                yield _account(row, emails.get(row["user"]["gid"]))

    def _memberships(self, **params: str) -> Iterator[dict]:
        path = f"{self._home}/workspace_memberships"
        return self._rows(path, "members", opt_fields=MEMBERSHIP, id_of=_user_id, **params)

    def _emails(self) -> dict[str, str | None]:
        """By user id; None where Asana leaves the e-mail out."""
        users = self._rows("/users", "users", workspace=self.settings.get("workspace", ""), opt_fields="email")
        return {row["gid"]: clean(row["email"]) if "email" in row else None for row in users}

    def assets(self) -> Iterator[Asset]:
        for team in self._teams():
            yield Asset(f"team:{team['gid']}", "team", clean(team.get("name")))
        for project in self._projects():
            yield Asset(f"project:{project['gid']}", "project", clean(project.get("name")))

    def _teams(self) -> Iterator[dict]:
        """Only an organisation has teams."""
        if self._get(self._home, opt_fields="is_organization").get("is_organization"):
            yield from self._rows(f"{self._home}/teams", "teams", opt_fields="name")

    def _projects(self) -> Iterator[dict]:
        return self._rows(f"{self._home}/projects", "projects", opt_fields="name")

    def access(self) -> Iterator[Access]:
        try:
            for team in self._teams():
                for row in self._in_team(team["gid"]):
                    role = "admin" if row.get("is_admin") else "guest" if row.get("is_guest") else "member"
                    yield Access(row["user"]["gid"], f"team:{team['gid']}", role, role == "admin")
            for project in self._projects():
                for row in self._in_project(project["gid"]):
                    if row["member"].get("resource_type") == "user":
                        level = clean(row.get("access_level"))
                        yield Access(row["member"]["gid"], f"project:{project['gid']}", level, level == "admin")
        except NotFound as gone:
            raise disappeared("A team or project", gone) from gone

    def _in_team(self, team: str) -> Iterator[dict]:
        fields = "user,is_admin,is_guest"
        return self._rows(f"/teams/{segment(team)}/team_memberships", "people of the team", opt_fields=fields)

    def _in_project(self, project: str, **params: str) -> Iterator[dict]:
        return self._rows("/memberships", "people of the project", parent=project, **params)

    def _rows(self, path: str, what: str, id_of=None, **params: str) -> Iterator[dict]:
        def fetch(offset: str | None) -> Page:
            answer = self._http.get(path, {**params, "limit": PAGE, **({"offset": offset} if offset else {})})
            return Page(_data(answer, list), next=(answer.json(dict).get("next_page") or {}).get("offset"))

        for page in pages_by_cursor(fetch, what=what, id_of=id_of or _gid):
            yield from page

    def _get(self, path: str, **params: str) -> dict:
        return _data(self._http.get(path, params), dict)

    def account(self, id: str) -> Account | None:
        try:
            user = self._get(f"{self._home}/users/{segment(id)}", opt_fields="email,name")
            row = next(self._memberships(user=id), None)
        except NotFound:
            row = None
        if row is None:
            self._must_see_everyone()
            return None
        email = clean(user["email"]) if "email" in user else None
        return _account(row, email) if row.get("is_active") is not False else None

    def remove(self, account: Account) -> None:
        try:
            self._post(f"{self._home}/removeUser", user=account.id)
        except (Refused, Forbidden) as no:
            if self.account(account.id) is not None:
                raise Refused(str(no)) from no

    def invite(self, email: str, role: str) -> None:
        """Asana itself decides by the e-mail's domain who becomes a member and who a guest."""
        if role == "admin":
            raise Refused("Asana's API can't make admins: invite a member, and make them an admin in Asana.")
        try:
            self._post(f"{self._home}/addUser", user=email)
        except Refused:
            if email_key(email) not in map(email_key, filter(None, self._emails().values())):
                raise

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        kind, _, id = asset.id.partition(":")
        if kind == "team":
            if role not in ("", "member"):
                raise Refused("Asana's API adds people to a team as members only.")
            if role and any(row.get("is_admin") for row in self._in_team(id) if row["user"]["gid"] == account.id):
                raise keeps_asset_role("an admin", "Asana")
            self._post(f"/teams/{segment(id)}/addUser", user=account.id)
            return
        level = {"access_level": role} if role else {}  # without one the project's own default is given
        known = next(self._in_project(id, member=account.id), None)
        if known is None:
            self._post("/memberships", parent=id, member=account.id, **level)
        elif level:
            self._http.put(f"/memberships/{segment(known['gid'])}", json={"data": level})

    def revoke(self, account: Account, asset: Asset) -> None:
        kind, _, id = asset.id.partition(":")
        if kind == "team":
            try:
                self._post(f"/teams/{segment(id)}/removeUser", user=account.id)
            except (Refused, Forbidden) as no:
                if any(row["user"]["gid"] == account.id for row in self._in_team(id)):
                    raise Refused(str(no)) from no
            return
        for row in self._in_project(id, member=account.id):
            try:
                self._http.delete(f"/memberships/{segment(row['gid'])}")
            except NotFound:
                continue

    def _post(self, path: str, **data: Any) -> None:
        self._http.post(path, json={"data": data}, idempotent=True)


def _account(row: dict, email: str | None) -> Account:
    """The call names every field of MEMBERSHIP, so Asana withheld one that isn't there."""
    role = "admin" if row.get("is_admin") else "guest" if row.get("is_guest") else "member"
    return Account(
        id=row["user"]["gid"],
        email=email or "",
        name=clean(row["user"].get("name")),
        role=role,
        seat="View only" if row.get("is_view_only") else "",
        missing_fields=missing_from(row, name=("user", "name"), role={"is_admin", "is_guest"}, seat="is_view_only")
        | ({"email"} if email is None else set()),
    )


def _gid(row: dict) -> str:
    return row["gid"]


def _user_id(row: dict) -> str:
    return row["user"]["gid"]


def _data(answer: Answer, kind: type) -> Any:
    data = answer.json(dict).get("data")
    if not isinstance(data, kind):
        raise TemporarilyUnavailable(f"{answer.asked} answered without its data.")
    return data
