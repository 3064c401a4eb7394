"""Dropbox: a team's members, invited and suspended ones too, with their admin roles; its groups as assets.
A removal takes the member out of the team, which frees the licence and can be undone for 7 days; or it suspends them.

Calls, unions and errors: dropbox/dropbox-api-spec (team.stone, team_members.stone, team_groups.stone, async.stone,
auth.stone). Members are read by members/list: its role is a closed union that says who is a team admin. The routes of
version 2 are previews there, and return a role by a name that may change. Tokens: dropbox.tech, “Using OAuth 2.0 with
offline access”. Licences, sessions and links: help.dropbox.com, “How to suspend a Dropbox team member” and “Admins: How
to delete a member from a Dropbox team”.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from connectors.base import (
    CAPABILITIES,
    UNKNOWN,
    Access,
    Account,
    Asset,
    ConnectorError,
    Field,
    Identity,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.effects import (
    GRANTED,
    INVITATION_SENT,
    REVOKED,
    ROLE_CHANGED,
    Effect,
    Reach,
    Seat,
    Sessions,
    Undo,
    declared,
)
from connectors.quality import at_its_maker
from connectors.tools.answers import disappeared, known_status, missing_from, no_list
from connectors.tools.holes import needed
from connectors.tools.http import Answer, Conflict, Forbidden, clean
from connectors.tools.http_connector import HttpConnector
from connectors.tools.oauth import refreshed
from connectors.tools.paging import Page, pages_by_cursor
from connectors.tools.renewal import Renewed
from connectors.versions import ApiVersion

PAGE = 1000  # the most of every list
STATUSES = {"active": "active", "invited": "invited", "suspended": "suspended"}
REMOVED = "removed"  # a fourth status: Dropbox still has the account, but it is no longer in the team
SEATS = {"full": "Full: uses a licence", "limited": "Limited: uses no licence"}
ROLES = (
    Role("team_admin", "Team admin", privileged=True),
    Role("user_management_admin", "User management admin"),
    Role("support_admin", "Support admin, or an admin role of another kind"),
    Role("member_only", "Member", default=True),
)
MEMBER, OWNER = "member", "owner"  # of a group
NOBODY = ("user_not_found", "user_not_in_team")  # of UserSelectorError and MemberSelectorError
NOT_IN_GROUP = ("group_not_found", "member_not_in_group", "members_not_in_team", "users_not_found")
LAST_ADMIN = "They are the last admin of the team: make someone else an admin first."
MEANINGS = {
    "remove_last_admin": LAST_ADMIN, "suspend_last_admin": LAST_ADMIN, "last_admin": LAST_ADMIN,
    "team_license_limit": "The team has no licence left.",
    "cannot_set_permissions": "Their role can't be changed, for example while they are suspended.",
    "user_on_another_team": "They are in another Dropbox team.",
    "group_not_in_team": "The group isn't this team's.",
    "user_must_be_active_to_be_owner": "Someone who is suspended can't manage a group.",
    "user_cannot_be_manager_of_company_managed_group": "Only team admins manage this group.",
}  # fmt: skip


class ErrorAnswer(Conflict):
    """What a call answers with 409; `tag` is Dropbox's name for the error."""

    def __init__(self, message: str, tag: str):
        super().__init__(message)
        self.tag = tag


class Dropbox(HttpConnector):
    slug = "dropbox"
    label = "Dropbox"
    logo = "dropbox.svg"
    quality = at_its_maker()
    docs = (
        "As a team admin, open www.dropbox.com/developers/apps, choose “Create app”, “Scoped access” and a name. The "
        "page “Settings” shows the app key and the app secret.",
        "Under “Permissions” select, to read: team_info.read, members.read and groups.read. To invite people, to "
        "suspend them and to change roles: members.write. To remove them: members.delete. To change groups: "
        "groups.write. Then choose “Submit”.",
        "As the team admin, open https://www.dropbox.com/oauth2/authorize?client_id=APP_KEY&response_type=code"
        "&token_access_type=offline with your app key in place of APP_KEY, choose “Allow” and copy the code.",
        "Exchange the code within minutes, and enter the refresh_token from the answer here. It doesn't expire, but it "
        "stops working once that admin has left the team. The command: curl https://api.dropboxapi.com/oauth2/token "
        "-d code=CODE -d grant_type=authorization_code -u APP_KEY:APP_SECRET",
        "Removing someone frees the licence, and an admin can recover them for 7 days. Rollcall transfers no files: "
        "transfer them in the admin console, for most teams within 180 days. Files on their devices are not deleted. "
        "Suspending someone can be undone at any time, but the licence stays in use.",
        "The API doesn't return when someone was last active. It may show new kinds of admin as support admins. "
        "People outside the team who have access to a folder aren't read.",
    )
    fields = (
        Field("app_key", "App key", pattern=r"\S+", of_credential=True),
        Field("app_secret", "App secret", secret=True, pattern=r"\S+"),
        Field("refresh_token", "Refresh token", secret=True, pattern=r"\S+"),
        Field("leavers", "People who leave", required=False, asks_secrets_again=False, choices=(
            ("remove", "are removed from the team, and can be recovered for 7 days"),
            ("suspend", "are suspended, and continue to use a licence"),
        )),
        Field("groups", "Groups", "Groups are shown as assets, with their members. This takes one call for each.",
              required=False, choices=(("read", "are read"), ("leave out", "are left out")), asks_secrets_again=False),
    )  # fmt: skip
    capabilities = frozenset(CAPABILITIES)
    effects = declared(
        "dropbox/dropbox-api-spec, team_members.stone",
        remove=(
            Effect(
                "Removes them from the Dropbox team. Files on their devices are not deleted.",
                Reach.WORKSPACE, Undo.POSSIBLE, "Recover them in Dropbox's admin console.", 7,
                lost=("links with view access that they shared",), frees_seat=Seat.FREED, ends_sessions=Sessions.END,
                when=("leavers", "remove"),
                source="team_members.stone, members/remove; Dropbox Help, “How to delete a member from a Dropbox team”",
            ),
            Effect(
                "Suspends them in the Dropbox team. Their files and shared folders stay.",
                Reach.WORKSPACE, Undo.POSSIBLE, "Unsuspend them in Dropbox's admin console.",
                frees_seat=Seat.KEPT, ends_sessions=Sessions.END, when=("leavers", "suspend"),
                source="team_members.stone, members/suspend; Dropbox Help, “How to suspend a Dropbox team member”",
            ),
            Effect(
                "Cancels the invitation.", Reach.WORKSPACE, Undo.POSSIBLE, "Recover or invite them again.",
                invited=True, source="team_members.stone, members/remove",
            ),
        ),
        change_role=ROLE_CHANGED, invite=INVITATION_SENT, grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion("Dropbox Business API", "2", source="dropbox/dropbox-api-spec")
    asset_word = "group"
    api = "https://api.dropboxapi.com"

    @property
    def _headers(self) -> dict[str, str]:
        return {}

    @cached_property
    def _auth(self) -> Renewed:
        key, secret, token = (self.settings.get(name, "") for name in ("app_key", "app_secret", "refresh_token"))
        return refreshed(f"{self.api}/oauth2/token", key, secret, token, by_basic=True)

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        return _problem(answer)

    @property
    def _suspends(self) -> bool:
        return self.settings.get("leavers") == "suspend"

    @property
    def removal_suspends(self) -> bool:
        return self._suspends

    @property
    def _reads_groups(self) -> bool:
        return self.settings.get("groups") != "leave out"

    def _ask(self, route: str, **argument: Any) -> dict:
        """A call that changes nothing. A route without an argument takes null."""
        body = {"json": argument} if argument else {"data": "null", "headers": {"Content-Type": "application/json"}}
        return self._http.call("POST", f"/2/team/{route}", idempotent=True, **body).json(dict)

    def _do(self, route: str, **argument: Any) -> Answer:
        """Every operation may be repeated: a second call finds it done."""
        return self._http.operate("POST", f"/2/team/{route}", json=argument, idempotent=True)

    def test(self) -> Identity:
        self._members(None, limit=1)
        name, admin, missing = "A Dropbox team", None, []
        try:
            name = clean(self._ask("get_info").get("name")) or name
            admin = self._ask("token/get_authenticated_admin").get("admin_profile")
        except (Forbidden, ErrorAnswer) as no:
            missing.append(f"know which admin authorised the app: {no} Give it the scope team_info.read, and let an "
                           "active admin authorise it again.")  # fmt: skip
        try:
            next(self.assets(), None)
        except Forbidden as no:
            missing.append(f"read groups: {no} Give the app the scope groups.read, or leave groups out.")
        id = clean(admin.get("team_member_id")) if isinstance(admin, dict) else ""
        return Identity(name, id or None, ("read members and groups",), tuple(missing))

    def roles(self) -> list[Role]:
        return list(ROLES)

    def accounts(self) -> Iterator[Account]:
        for page in pages_by_cursor(self._members, what="members", id_of=lambda row: row["profile"]["team_member_id"]):
            yield from (_account(row) for row in page if _tag(row["profile"].get("status")) != REMOVED)

    def _members(self, cursor: str | None, limit: int = PAGE) -> Page:
        if cursor:
            return _page(self._ask("members/list/continue", cursor=cursor), "members")
        return _page(self._ask("members/list", limit=limit, include_removed=False), "members")

    def assets(self) -> Iterator[Asset]:
        return (Asset(group["group_id"], "group", clean(group.get("group_name"))) for group in self._groups())

    def _groups(self) -> Iterator[dict]:
        def fetch(cursor: str | None) -> Page:
            body = self._ask("groups/list/continue", cursor=cursor) if cursor else self._ask("groups/list", limit=PAGE)
            return _page(body, "groups")

        if self._reads_groups:
            for page in pages_by_cursor(fetch, what="groups", id_of=lambda row: row["group_id"]):
                yield from page

    def access(self) -> Iterator[Access]:
        for group in self._groups():
            for row in self._in_group(group["group_id"]):
                role = _tag(row.get("access_type"))
                yield Access(row["profile"]["team_member_id"], group["group_id"], role, role == OWNER)

    def _in_group(self, group: str) -> Iterator[dict]:
        def fetch(cursor: str | None) -> Page:
            if cursor:
                return _page(self._ask("groups/members/list/continue", cursor=cursor), "members")
            return _page(self._ask("groups/members/list", group=_group(group), limit=PAGE), "members")

        try:
            for page in pages_by_cursor(fetch, what="group's members", id_of=lambda r: r["profile"]["team_member_id"]):
                yield from page
        except ErrorAnswer as gone:
            raise disappeared("A group", gone) from gone

    def account(self, id: str) -> Account | None:
        return self._looked_up(_user(id))

    def managed(self, account: Account) -> list[Asset]:
        """One call for the member's groups, and one for each of them."""
        row = self._info(_user(account.id)) if self._reads_groups else None
        groups = row["profile"].get("groups") if row else []
        if not isinstance(groups, list):
            raise TemporarilyUnavailable("Dropbox answered without the member's groups.")
        return [Asset(group, "group") for group in groups if self._owns(account.id, group)]

    def _owns(self, member: str, group: str) -> bool:
        return any(row["profile"]["team_member_id"] == member and _tag(row.get("access_type")) == OWNER
                   for row in self._in_group(group))  # fmt: skip

    def _looked_up(self, user: dict) -> Account | None:
        row = self._info(user)
        return _account(row) if row else None

    def _info(self, user: dict) -> dict | None:
        """members/get_info gives one item for each id: the member's, or id_not_found."""
        answer = self._http.call("POST", "/2/team/members/get_info", json={"members": [user]}, idempotent=True)
        found = answer.json(list)
        if len(found) == 1 and _tag(found[0]) == "id_not_found":
            return None
        if len(found) != 1 or _tag(found[0]) != "member_info" or not isinstance(found[0].get("profile"), dict):
            raise TemporarilyUnavailable("Dropbox answered without the member that was asked for.")
        return None if _tag(found[0]["profile"].get("status")) == REMOVED else found[0]

    def remove(self, account: Account) -> None:
        now = self.account(account.id)
        if now is None or self._suspends and now.status == "suspended":
            return
        if now.status.startswith(UNKNOWN):
            raise Refused(f"Rollcall doesn't know their status in Dropbox, “{now.status}”: remove them in Dropbox.")
        try:
            if self._suspends and now.status == "active":
                self._do("members/suspend", user=_user(account.id), wipe_data=False)
            else:
                self._finished("members/remove", self._do("members/remove", user=_user(account.id), wipe_data=False))
        except ErrorAnswer as no:
            if no.tag not in NOBODY:
                raise

    def _finished(self, route: str, answer: Answer) -> dict:
        """The result of a call that may continue in the background at Dropbox; TemporarilyUnavailable until it ends."""
        result = answer.json(dict)
        if _tag(result) == "async_job_id":
            result = self._ask(f"{route}/job_status/get", async_job_id=clean(result.get("async_job_id")))
        if _tag(result) == "failed":
            raise Refused(f"{answer.asked} failed: “{clean(result.get('failed'))}”.")
        if _tag(result) != "complete":
            raise TemporarilyUnavailable(f"{answer.asked}: Dropbox is still working on it.")
        return result

    def change_role(self, account: Account, role: str) -> None:
        self._do("members/set_admin_permissions", user=_user(account.id), new_role={".tag": needed(role, "role")})

    def invite(self, email: str, role: str) -> None:
        member = {"member_email": needed(email, "e-mail address"), "send_welcome_email": True,
                  "role": {".tag": role or "member_only"}}  # fmt: skip
        results = self._finished("members/add", self._do("members/add", new_members=[member])).get("complete")
        tag = _tag(results[0]) if isinstance(results, list) and results else ""
        if tag == "user_already_on_team":
            self._must_be_in_team(email)
        elif tag != "success":
            raise Refused(f"Dropbox invited nobody: “{tag}”. {MEANINGS.get(tag, '')}".strip())

    def _must_be_in_team(self, email: str) -> None:
        """Dropbox says “already on the team” also of someone who is suspended, or was removed and can still be
        recovered."""
        now = self._looked_up({".tag": "email", "email": email})
        if now is None:
            raise Refused("They were removed from the team a short while ago: recover them in Dropbox's admin console.")
        if now.status == "suspended":
            raise Refused("They are suspended in Dropbox, so nothing was sent: unsuspend them in Dropbox's admin "
                          "console.")  # fmt: skip

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        if role not in ("", MEMBER, OWNER):
            raise Refused(f"A Dropbox group has members and owners, but no “{role}”.")
        access = {".tag": role or MEMBER}
        member = {"user": _user(account.id), "access_type": access}
        try:
            self._do("groups/members/add", group=_group(asset.id), members=[member], return_members=False)
        except ErrorAnswer as no:
            if no.tag != "duplicate_user":
                raise
            if role:
                self._do("groups/members/set_access_type", group=_group(asset.id), user=_user(account.id),
                         access_type=access, return_members=False)  # fmt: skip

    def revoke(self, account: Account, asset: Asset) -> None:
        users = [_user(account.id)]
        try:
            self._do("groups/members/remove", group=_group(asset.id), users=users, return_members=False)
        except ErrorAnswer as no:
            if no.tag not in NOT_IN_GROUP:
                raise


def _user(id: str) -> dict[str, str]:
    return {".tag": "team_member_id", "team_member_id": needed(id, "member's id")}


def _group(id: str) -> dict[str, str]:
    return {".tag": "group_id", "group_id": needed(id, "group's id")}


def _tag(union: Any) -> str:
    """Which of a union's cases it is; "" where the answer doesn't say."""
    return clean(union.get(".tag")) if isinstance(union, dict) else ""


def _page(body: dict, name: str) -> Page:
    if not isinstance(body.get(name), list) or not isinstance(body.get("has_more"), bool):
        raise no_list("Dropbox", name)
    if body["has_more"] and not clean(body.get("cursor")):
        raise TemporarilyUnavailable(f"Dropbox has more {name}, but did not say where they begin.")
    return Page(body[name], next=clean(body["cursor"]) if body["has_more"] else None)


def _account(row: dict) -> Account:
    profile = row["profile"]
    name = profile["name"] if isinstance(profile.get("name"), dict) else {}
    seat = _tag(profile.get("membership_type"))
    return Account(
        profile["team_member_id"], clean(profile.get("email")), clean(name.get("display_name")),
        known_status(_tag(profile.get("status")), STATUSES), _tag(row.get("role")), seat=SEATS.get(seat, seat),
        missing_fields=missing_from(row, email=("profile", "email"), name=("profile", "name", "display_name"),
                      role=("role", ".tag"), seat=("profile", "membership_type", ".tag")),
    )  # fmt: skip


def _problem(answer: Answer) -> ConnectorError | None:
    """Dropbox's own errors: 409 for what a call documents, 401 and 400 for a scope that is missing."""
    if answer.status not in (400, 401, 409):
        return None
    body = answer.json_or_none()
    body = body if isinstance(body, dict) else {"error_summary": answer.text}  # a 400 is plain text
    summary, error = clean(body.get("error_summary")), body.get("error")
    says = f"{answer.asked} answered {answer.status}: “{summary}”."
    tag = _tag(error) or summary.partition("/")[0]
    if answer.status != 409:
        lacks = tag == "missing_scope" or "required scope" in summary
        return Forbidden(f"{says} The app lacks a scope.") if lacks else None
    if tag == "invalid_cursor":
        return TemporarilyUnavailable(f"{says} The list changed while it was read.")
    return ErrorAnswer(f"{says} {MEANINGS.get(tag, '')}".strip(), tag)
