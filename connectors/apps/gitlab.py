"""GitLab: everyone in one group, its subgroups and its projects, on gitlab.com or on your own server.
Removal takes a person out of the group and, as GitLab does by default, out of everything below it.

From docs.gitlab.com/api (also github.com/gitlabhq/gitlabhq, doc/api): group_members, project_members, invitations,
groups (descendant groups, projects, shared_with_groups), users, personal_access_tokens (self). Paging and limits from
"REST API". The names of token bots and service accounts from "Project access tokens" and "Service accounts API". That
…/members/all holds the members of invited and parent groups: app/finders/group_members_finder.rb. Not used: DELETE
…/billable_members, which is "handled asynchronously", so its result could not be verified. That deploy tokens are
"independent of a user account": docs.gitlab.com/user/project/deploy_tokens. What a stranger is shown of a public group:
"Groups API" (lists of what is "visible"), and gitlab.com/gitlab-org/gitlab, merge request 144638 (invited groups).
A role that an administrator must approve: "Members API", "Invitations API" (message and queued_users).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from types import MappingProxyType

from connectors.base import (
    CAPABILITIES,
    Access,
    Account,
    Asset,
    CredentialRejected,
    Field,
    Identity,
    Refused,
    Role,
)
from connectors.effects import GRANTED, INVITATION_SENT, REVOKED, ROLE_CHANGED, Effect, Reach, Seat, Undo, declared
from connectors.gitlab.group import Group, path_of
from connectors.quality import OF_LAST_READING, Missing, Rule
from connectors.tools.answers import disappeared, known_status, missing_from
from connectors.tools.holes import needed
from connectors.tools.http import Forbidden, NotFound, clean, segment
from connectors.tools.http_connector import HttpConnector, token_field
from connectors.tools.paging import Seen, number
from connectors.tools.refusals import INVITATION
from connectors.tools.times import from_iso
from connectors.versions import ApiVersion

OWNER = 50
BELOW = "0"  # our role for people who aren't members of the group itself
THROUGH = "through"  # our role, beside their level, for people who are members through another group only
ROLES = (
    Role("50", "Owner", privileged=True),
    Role("40", "Maintainer"),
    Role("30", "Developer", default=True),
    Role("25", "Security manager"),
    Role("20", "Reporter"),
    Role("15", "Planner"),
    Role("10", "Guest"),
    Role("5", "Minimal access"),
    Role(BELOW, "Only in subgroups or projects"),
    Role(THROUGH, "Through an invited or parent group"),
)
CUSTOM = "custom:"
STOPPED = ("blocked", "ldap_blocked", "deactivated", "banned", "blocked_pending_approval")
STATES = {"active": "active", **dict.fromkeys(STOPPED, "suspended")}
BOT = re.compile(r"(project|group)_\d+_bot(_\w+)?|service_account_\w+")


class GitLab(HttpConnector):
    slug = "gitlab"
    label = "GitLab"
    logo = "gitlab.svg"
    quality = MappingProxyType({Rule.REAL_SERVER: Missing("No test runs against a GitLab server yet."),
                                Rule.MANAGERS: OF_LAST_READING})  # fmt: skip
    docs = (
        "As an owner of the group, open the group in GitLab, then Settings, Access tokens, “Add new token”: role "
        "Owner, scope api (read_api can check, but not remove). On GitLab.com's free plan use a personal access token "
        "of an owner instead: your avatar, Preferences, Access tokens.",
        "Note the day on which the token expires: GitLab allows a year at most, and Rollcall cannot renew it.",
        "Enter the top-level group's path as in its address. Subgroups and projects below it are read too.",
        "E-mails: GitLab shows owners the e-mails of enterprise users, and their SAML name where people sign in with "
        "one. On your own server, an administrator's token and “from each user's page” give everyone's e-mail, with "
        "one call for each person; gitlab.com allows 300 of these in ten minutes. Everyone else is matched by hand, "
        "once.",
        "Last activity: GitLab shows it to owners of a top-level group, for the people who are billed.",
        "Access is shown where it was given: who is in the group may use what lies below it, and isn't listed there "
        "again. A custom role in the group shows beside the role that it is based on, and ends when Rollcall gives "
        "another role.",
        "Members of a group that is invited to yours, or is above it, are shown with the role “Through an invited or "
        "parent group”. Rollcall can't remove them: remove them from that group in GitLab, or end its invitation.",
        "Deploy tokens belong to no account. They aren't read, and those that someone created or knows continue to "
        "work when they leave: check them under Settings, Repository, of each group and project.",
    )
    fields = (
        Field("base_url", "Address", "Where your GitLab is.", pattern=r"https?://\S+", placeholder="https://gitlab.com"),
        Field("group", "Group", "Its path or number.", pattern=r"[\w./-]+", placeholder="acme"),
        token_field("Access token", "Begins with glpat-."),
        Field(
            "emails", "E-mails are taken", required=False,
            choices=(("members", "from the list of members"), ("profiles", "from each user's page, one call a person")),
            asks_secrets_again=False,
        ),
    )  # fmt: skip
    capabilities = frozenset(CAPABILITIES)
    effects = declared(
        "GitLab Docs, “Members API”",
        remove=(
            Effect(
                "Removes them from the group and its subgroups and projects.", Reach.WORKSPACE, Undo.IMPOSSIBLE,
                "Add them again with their earlier role.", lost=("their roles in subgroups and projects",),
                frees_seat=Seat.FREED,
                seat_note="Members of an invited group stay in and stay billed. Rollcall reports it.",
            ),
            Effect(
                "Cancels the invitations to the group, its subgroups and projects.", Reach.WORKSPACE, Undo.POSSIBLE,
                "Invite them again.", invited=True, source="GitLab Docs, “Invitations API”",
            ),
        ),
        change_role=ROLE_CHANGED, invite=INVITATION_SENT, grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion("GitLab REST API", "v4", source="GitLab Docs, “REST API”")
    asset_word = "project or subgroup"
    patience = 65  # seconds: gitlab.com counts calls by the minute

    def __init__(self, settings: dict[str, str], on_total=None):
        super().__init__(settings, on_total)
        self._custom: dict[str, str] = {}  # id → name of each custom role that someone was seen to have

    @property
    def _address(self) -> str:
        return self.settings.get("base_url", "").strip().rstrip("/") + "/api/v4"

    @property
    def _headers(self) -> dict[str, str]:
        return {"PRIVATE-TOKEN": self._token}

    @cached_property
    def _group(self) -> Group:
        return Group(self._http, self.settings.get("group", ""))

    def test(self) -> Identity:
        me = self._http.get("/user").json(dict)
        try:
            group = self._http.get(self._group.path, {"with_projects": "false"}).json(dict)
        except NotFound as failure:
            raise Refused(f"{failure} There is no such group, or the token's user is not in it.") from None
        self._must_see_everyone()
        missing = self._missing_scopes()
        try:
            self._http.get(f"{self._group.path}/billable_members", {"per_page": 1})
        except (Refused, Forbidden) as no:
            missing.append(f"see when people were last active: {no}")
        try:
            member = self._http.get(f"{self._group.path}/members/all/{me['id']}").json(dict)
        except NotFound:
            member = {}
        if member.get("access_level", 0) < OWNER and not me.get("is_admin"):
            missing.append(f"remove, and see everyone: {me['username']} isn't an owner of {group['full_path']}.")
        return Identity(f"{me['username']} in {group['full_path']}", str(me["id"]), ("read members",), tuple(missing))

    def _missing_scopes(self) -> list[str]:
        try:
            scopes = self._http.get("/personal_access_tokens/self").json(dict).get("scopes") or []
        except (NotFound, Forbidden):
            return []
        return [] if "api" in scopes else ["remove and change: make a token with the scope api."]

    def roles(self) -> list[Role]:
        """GitLab's own, and the custom ones that someone has: each edition lists custom roles in another way."""
        return [*ROLES, *(Role(id, name) for id, name in sorted(self._custom.items(), key=lambda role: role[1]))]

    def _must_see_everyone(self) -> None:
        """A person who isn't in a public or internal group is shown a part of it as if that were all: no private
        subgroups and projects, and nobody of a private group that is invited. A private group answers 404 to them."""
        me = self._http.get("/user").json(dict)
        if me.get("is_admin") or self._group.let_in(self._group.path, str(me["id"])):
            return
        group = self._http.get(self._group.path, {"with_projects": "false"}).json(dict)
        if group.get("visibility") != "private":
            who = f"The token's user, {me['username']},"
            raise CredentialRejected(f"{who} isn't in the group, and sees a part of it only: use an owner's token.")

    def accounts(self) -> Iterator[Account]:
        """Invitations, the group's members, members of invited and parent groups, then people who are only below it."""
        self._must_see_everyone()
        came, total, group = Seen(), 0, self._group
        active = group.days_of_last_activity()
        yield from self._invitations()
        for page in group.pages("members", on_total=self.on_total, show_seat_info="true"):
            yield from (self._member_of_group(active(row)) for row in page if came.add(str(row["id"])))
            total += len(page)
        everyone = ((row, self._member_of_group, THROUGH) for row in group.rows("members/all"))
        below = ((row, self._account, BELOW) for place in group.places() for row in group.people_of(place))
        for row, make, role in chain(everyone, below):
            if came.add(str(row["id"])):
                total += 1
                self.on_total(total)
                yield make(active(row), role)

    def _invitations(self) -> Iterator[Account]:
        """Those to the group, then those to a place below it; each address once."""
        came = Seen()
        below = ({**row, "access_level": BELOW} for row in self._group.invitations_below())
        for row in chain(self._group.invitations(), below):
            if came.add(row["invite_email"].lower()):
                yield _invitation(row)

    def _member_of_group(self, row: dict, *beside: str) -> Account:
        custom = row.get("member_role") or {}
        if custom.get("id"):
            id = f"{CUSTOM}{custom['id']}"
            self._custom[id] = clean(custom.get("name")) or id
            beside = (id, *beside)
        return self._account(row, str(row["access_level"]), beside)

    def _account(self, row: dict, role: str, further: tuple[str, ...] = ()) -> Account:
        row = row | self._profile(row["id"])
        return Account(
            id=str(row["id"]),
            email=row.get("email") or row.get("public_email") or _saml_email(row),
            name=row.get("name") or row.get("username") or "",
            status=known_status(row.get("state"), STATES),
            role=role,
            further_roles=further,
            kind="system" if row.get("bot") or BOT.fullmatch(row.get("username") or "") else "user",
            last_activity=from_iso(row.get("last_activity_on")),
            seat={True: "Billable", False: "Not billed"}.get(row.get("is_using_seat"), ""),
            user_name=row.get("username") or "",
            missing_fields=missing_from(row, email=["email", "public_email", "group_saml_identity"], status="state",
                          last_activity="last_activity_on", seat="is_using_seat", user_name="username"),
            defaulted_fields=missing_from(row, name="name"),
        )

    def _profile(self, user: int) -> dict:
        """What the user's own page adds; "email" and "last_activity_on" are shown to administrators only."""
        if self.settings.get("emails") != "profiles":
            return {}
        try:
            page = self._http.get(f"/users/{user}").json(dict)
        except NotFound as gone:
            raise disappeared("A user", gone) from gone
        wanted = ("email", "public_email", "bot", "last_activity_on", "state")
        return {key: page[key] for key in wanted if page.get(key)}

    def assets(self) -> Iterator[Asset]:
        return (place.asset for place in self._group.places())

    def access(self) -> Iterator[Access]:
        for place in self._group.places():
            for row in self._group.rows_below(place, "members"):
                level = row["access_level"]
                yield Access(str(row["id"]), place.asset.id, str(level), privileged=level >= OWNER)

    def account(self, id: str) -> Account | None:
        group = self._group
        if id.startswith(INVITATION):
            return next((found for found in self._invitations() if found.id == id), None)
        if row := group.member(group.path, id, show_seat_info="true"):
            return self._member_of_group(row)
        if row := group.let_in(group.path, id):
            return self._member_of_group(row, THROUGH)
        rows = (group.let_in(place.path, id) for place in group.places())
        if row := next(filter(None, rows), None):
            return self._account(row, BELOW)
        self._must_see_everyone()
        return None

    def remove(self, account: Account) -> None:
        """Raises Refused where an invited or parent group still lets them in: GitLab itself reports success then."""
        group, id = self._group, account.id
        if id.startswith(INVITATION):
            for path in (group.path, *(place.path for place in group.places())):
                self._operate("DELETE", f"{path}/invitations/{_invited(account)}")
            return
        below = [] if self._operate("DELETE", f"{group.path}/members/{segment(id)}") else list(group.places())
        for place in below:
            self._operate("DELETE", f"{place.path}/members/{segment(id)}")
        for path, name in ((group.path, "the group"), *((place.path, place.asset.name) for place in below)):
            if group.let_in(path, id):
                raise Refused(self._still_in(account, path, name))

    def _still_in(self, account: Account, path: str, name: str) -> str:
        who, groups = account.name or account.email or f"User {account.id}", self._group.invited_to(path)
        through = f"a group that is invited to it ({', '.join(groups)})" if groups else "a parent or an invited group"
        return (
            f"{who} has no membership of their own now, but is still in {name} through {through}. Remove them from "
            "that group in GitLab, or end its invitation."
        )

    @classmethod
    def roles_after(cls, account: Account, role: str) -> tuple[str, ...]:
        if THROUGH in account.roles:
            raise Refused("An invited or parent group gives them this role: change it in that group in GitLab.")
        if account.role == BELOW:
            raise Refused("They are only in subgroups or projects: change their access there.")
        if role in (BELOW, THROUGH):
            raise Refused("This isn't a role of the group: give access to single projects, then remove the account.")
        if role.startswith(CUSTOM):
            raise Refused("A custom role is given in GitLab itself: Rollcall gives GitLab's own roles.")
        return super().roles_after(account, role)

    def change_role(self, account: Account, role: str) -> None:
        """Under a custom role GitLab changes nothing ("cannot be changed since member is associated with a custom
        role"): it is ended with the same call."""
        self.roles_after(account, role)
        if account.id.startswith(INVITATION):
            path = f"{self._group.path}/invitations/{_invited(account)}"
        else:
            path = f"{self._group.path}/members/{segment(account.id)}"
        none = {"member_role_id": None} if account.further_roles else {}
        self._operate("PUT", path, {"access_level": _level(role), **none})

    def invite(self, email: str, role: str) -> None:
        body = {"email": email, "access_level": _level(role or "30")}
        answer = self._http.post(f"{self._group.path}/invitations", json=body).json(dict)
        words = _words(answer.get("message"))
        if answer.get("status") == "error" and "already" not in words:
            raise Refused(f"GitLab did not invite {email}: {words}")
        _must_not_be_queued(_words(answer.get("queued_users")))

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        members, level = f"{path_of(asset.id)}/members", {"access_level": _level(role)}
        if self._group.member(path_of(asset.id), account.id):
            self._operate("PUT", f"{members}/{segment(account.id)}", level)
        else:
            self._operate("POST", members, {"user_id": number(account.id), **level})

    def revoke(self, account: Account, asset: Asset) -> None:
        self._operate("DELETE", f"{path_of(asset.id)}/members/{segment(account.id)}")

    def _operate(self, method: str, path: str, body: dict | None = None) -> bool:
        """False when there was nothing to delete. GitLab refuses with 403, unless that names the token's scope."""
        try:
            # null takes the role away
            answer = self._http.call(method, path, json=body, may_be_empty=("member_role_id",))
        except NotFound:
            if method != "DELETE":
                raise
            return False
        except Forbidden as no:
            if "scope" in str(no):
                raise CredentialRejected(f"{no} The token needs the scope api.") from no
            raise Refused(
                f"{no} GitLab answers this to people who aren't owners, and if the last owner would be removed."
            ) from no
        if method != "DELETE":
            done = answer.json(dict)
            _must_not_be_queued(_words(done.get("queued_users") or done.get("message")))
        return True


def _invitation(row: dict) -> Account:
    """An invitation has no id but its e-mail address, which GitLab expects in every call."""
    email = row["invite_email"]
    role, name = str(row.get("access_level") or ""), row.get("user_name") or ""
    return Account(f"{INVITATION}{email.lower()}", email, name, "invited", role,
                   missing_fields=missing_from(row, name="user_name", role="access_level"))  # fmt: skip


def _invited(account: Account) -> str:
    """The e-mail as a segment of a path: the id holds it too."""
    return segment(account.email or account.id.removeprefix(INVITATION), "the e-mail address")


def _saml_email(row: dict) -> str:
    """The name by which the identity provider knows the member, where it is an e-mail address."""
    name = (row.get("group_saml_identity") or {}).get("extern_uid") or ""
    return name if re.fullmatch(r"[^@\s]+@[^@\s]+", name) else ""


def _words(message: object) -> str:
    """A message, or the first of those that an answer has by user or address."""
    return clean(next(iter(message.values()), "") if isinstance(message, dict) else message)


def _must_not_be_queued(words: str) -> None:
    """Raises Refused if an administrator must approve the role first: GitLab answers with success and these words."""
    if words:
        raise Refused(f"GitLab says “{words.rstrip('.')}”, so it isn't done yet. Approve it in GitLab, in the Admin "
                      "area under Users, Role promotions.")  # fmt: skip


def _level(role: str) -> int:
    level = number(needed(role, "role"))
    if not level:
        raise Refused(f"GitLab has no role {role}.")
    return level
