"""GitHub: an organisation's members, owners, outside collaborators and invitations; their roles in its repositories.
Removal takes a person out of the organisation with all teams and repositories; they keep their own GitHub account.

REST calls as in GitHub's OpenAPI description (@octokit/openapi, api.github.com), and from docs.github.com
"Get a user using their ID", "Get a repository" and "Get an organization installation for the authenticated app";
what each needs: "Permissions required for GitHub Apps" (Members, Administration). Keys: "Managing deploy keys".
Facts that the list of members lacks are read in connectors/github: names and e-mails (people), organisation roles,
team roles (teams), invitations to single repositories (pending). That someone from outside is only invited, to a
repository with 201 and to a team or the organisation as "pending": "Add a repository collaborator", "Add or update team
membership for a user" and "Set organization membership for a user".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cached_property

from connectors.base import (
    CAPABILITIES,
    Access,
    Account,
    Asset,
    Connector,
    CredentialRejected,
    Field,
    Identity,
    Refused,
    Role,
)
from connectors.effects import GRANTED, INVITATION_SENT, REVOKED, ROLE_CHANGED, Effect, Reach, Seat, Undo, declared
from connectors.github import accounts, pending, teams
from connectors.github.client import VERSION, GitHubClient
from connectors.github.organisation_roles import PREFIX, OrganisationRoles
from connectors.github.people import People
from connectors.names import email_key
from connectors.quality import at_its_maker
from connectors.tools.answers import disappeared
from connectors.tools.http import Answer, Forbidden, NotFound, segment
from connectors.tools.http_connector import ClosesClients, api_client, token_field, version_field
from connectors.tools.paging import Seen
from connectors.tools.refusals import INVITATION
from connectors.versions import ApiVersion

OUTSIDE = "outside_collaborator"
ROLES = (
    Role("admin", "Owner", privileged=True),
    Role("member", "Member", default=True),
    Role(OUTSIDE, "Outside collaborator"),
    Role("billing_manager", "Billing manager"),
    Role("hiring_manager", "Hiring manager"),  # of an invitation only, as the next: it may have been any role
    Role("reinstate", "Earlier role, reinstated"),
)
PERMISSION = {"read": "pull", "write": "push"}  # role_name → what a collaborator is added with, where they differ
NOT_ALLOWED = ("not accessible by", "must have admin", "must be an", "saml enforcement")  # a 403 about the credential


class GitHub(ClosesClients, Connector):
    slug = "github"
    label = "GitHub"
    logo = "github.svg"
    quality = at_its_maker(managers=False)
    docs = (
        "Either use a token: as an owner of the organisation, open github.com/settings/tokens. A classic token needs "
        "the scopes admin:org (to read and remove), repo (roles in private repositories) and read:user "
        "(names and e-mails).",
        "A fine-grained token needs your organisation as its resource owner, all repositories, the organisation "
        "permission Members: read and write, and the repository permissions Metadata: read and Administration: "
        "read and write.",
        "If the organisation uses single sign-on, choose “Configure SSO” beside a classic token and authorise it.",
        "Or use a GitHub App, which belongs to no person: in the organisation's settings, under Developer settings, "
        "create one without a webhook and with the same permissions. Install it for all repositories, generate a "
        "private key, and enter the App's ID and the whole text of the .pem file.",
        "E-mails: GitHub shows an organisation only e-mails at domains that it has verified (Settings, Verified and "
        "approved domains), what its own SAML sign-on knows, and what people publish in their profile. Everyone else "
        "has none here, and you match them by hand, once. If the enterprise has the sign-on, enter its name and use "
        "the token of an enterprise owner, with the scope read:enterprise.",
        "Organisation roles show beside someone's role, and are given and taken away in GitHub. A fine-grained token "
        "or an App reads them with the organisation permission Custom organization roles: read.",
        "GitHub reports neither when someone was last active nor who manages billing. Members from an enterprise team "
        "or an identity provider must be removed there. Pending invitations to single repositories are read where "
        "access to repositories is, and where the credential may administer the repository. Deploy keys that someone "
        "added aren't read, and continue to work when they leave: check them in the repositories' settings.",
    )
    fields = (
        Field("org", "Organisation", "Its name in the address: github.com/NAME.", pattern=r"[A-Za-z0-9_-]+"),
        Field("credential", "Connect with", required=False,
              choices=(("token", "an owner's access token"), ("app", "a GitHub App"))),
        token_field("Access token", "Begins with ghp_ or github_pat_.", when=("credential", "token")),
        Field("app_id", "App ID or client ID", "On the App's own settings page.", pattern=r"[A-Za-z0-9.]+",
              when=("credential", "app"), of_credential=True),
        Field("private_key", "Private key", "The text of the .pem file.", secret=True, multiline=True,
              when=("credential", "app")),
        Field("emails", "Names and e-mails", required=False, asks_secrets_again=False,
              choices=(("read", "are read: verified domains, else the public profile"), ("leave out", "are not read"))),
        Field("enterprise", "Enterprise", "Only if it has the SAML sign-on: its name in github.com/enterprises/NAME.",
              required=False, pattern=r"[A-Za-z0-9_-]+", asks_secrets_again=False),
        version_field(VERSION, r"20[0-9]{2}-[0-9]{2}-[0-9]{2}",
                      f"Only if GitHub has ended {VERSION}: the version to use instead."),
        Field(
            "access", "Access to repositories", "Reading everyone's access takes one call for each hundred people of "
                                                "each repository.", required=False,
            choices=(("all", "everyone's: direct, by team, by the base permission"), ("direct", "only direct access"),
                     ("leave out", "is not read")),
            asks_secrets_again=False,
        ),
    )  # fmt: skip
    capabilities = frozenset(CAPABILITIES)
    effects = declared(
        "“Removing a member from your organization” and “Reinstating a former member of your organization”",
        remove=(
            Effect(
                "Removes them from the GitHub organisation and all its teams and repositories. Deploy keys that they "
                "added continue to work.", Reach.ORGANISATION,
                Undo.POSSIBLE, "Invite them again, and choose to reinstate their roles and access.", undo_days=90,
                lost=("their private forks of the organisation's repositories",), frees_seat=Seat.FREED,
                seat_note="GitHub charges for the freed seat until you lower the number of seats in the billing "
                "settings.", people="A member or an outside collaborator",
            ),
            Effect(
                "Cancels their invitations to the organisation or to its repositories.", Reach.ORGANISATION,
                Undo.POSSIBLE, "Invite them again.", invited=True,
                source="“Cancel an organization invitation” and “Delete a repository invitation”",
            ),
        ),
        change_role=replace(ROLE_CHANGED, reach=Reach.ORGANISATION),
        invite=replace(INVITATION_SENT, reach=Reach.ORGANISATION), grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion("GitHub REST API", VERSION, date(2028, 3, 10), "GitHub Docs, “API Versions”", "version")
    asset_word = "repository or team"
    api = "https://api.github.com"

    @api_client
    def _client(self) -> GitHubClient:
        return GitHubClient(self.api, self.settings, self.memory)

    @cached_property
    def _people(self) -> People:
        read = self.settings.get("emails") != "leave out"
        return People(self._client, read, self.settings.get("enterprise", ""))

    @cached_property
    def _organisation_roles(self) -> OrganisationRoles:
        return OrganisationRoles(self._client)

    def test(self) -> Identity:
        client = self._client
        identity = self._app_identity() if client.app else self._token_identity()
        try:
            client.http.get(f"{client.home}/invitations", {"per_page": 1})
            client.http.get(f"{client.home}/outside_collaborators", {"per_page": 1})
        except (Forbidden, NotFound) as failure:
            raise CredentialRejected(
                f"{failure} Reading invitations and outside collaborators takes an owner's token with the scope "
                "admin:org, or the organisation permission Members."
            ) from None
        lacks = filter(None, (self._organisation_roles.read(), self._people.lacks()))
        return replace(identity, missing=(*identity.missing, *lacks))

    def _app_identity(self) -> Identity:
        permissions, installation = self._client.app.permissions, self._client.app.installation
        missing = []
        if permissions.get("members") != "write":
            missing.append("remove and invite: give the App the organisation permission Members: read and write.")
        if permissions.get("administration") != "write":
            missing.append("change access: give the App the repository permission Administration: read and write.")
        if installation.get("repository_selection") == "selected":
            missing.append("read every repository: the App is installed for some only.")
        return Identity(f"the App {installation.get('app_slug')} in {self._client.org}", None, ("read members",),
                        tuple(missing))  # fmt: skip

    def _token_identity(self) -> Identity:
        client = self._client
        me, role = self._must_see_everyone()
        scopes = {scope.strip() for scope in me.headers.get("X-OAuth-Scopes", "").split(",")}
        missing = []
        if role != "admin":
            missing.append(f"remove and invite: {me.json(dict)['login']} isn't an owner of {client.org}.")
        if "X-OAuth-Scopes" in me.headers:
            if "admin:org" not in scopes:
                missing.append("remove and invite: give the token the scope admin:org.")
            if "repo" not in scopes:
                missing.append("read private repositories: give the token the scope repo.")
        user = me.json(dict)
        return Identity(f"{user['login']} in {client.org}", str(user["id"]), ("read members",), tuple(missing))

    def _must_see_everyone(self) -> tuple[Answer, str]:
        """Whose token it is, and their role. Raises where GitHub would silently show only the public members."""
        client = self._client
        me = client.http.get("/user")
        login = me.json(dict)["login"]
        try:
            mine = client.http.get(f"{client.home}/memberships/{segment(login)}").json(dict)
        except NotFound:
            mine = {}
        if mine.get("state") != "active":
            raise CredentialRejected(
                f"{login} is not a member of {client.org}, or there is no organisation of that name. "
                "Check the name, and use the token of one of its owners."
            )
        return me, mine.get("role", "")

    def _must_see_members(self) -> None:
        if self._client.app is None:
            self._must_see_everyone()
        elif "members" not in self._client.app.permissions:
            raise CredentialRejected("The App lacks the organisation permission Members: read.")

    def roles(self) -> list[Role]:
        """GitHub's own, and the organisation roles that the last reading found."""
        return [*ROLES, *(Role(id, name) for id, name in self._organisation_roles.names.items())]

    def accounts(self) -> Iterator[Account]:
        """Invitations come first: someone who accepts in between is then in two lists, rather than in none."""
        client, came = self._client, Seen()
        self._must_see_members()
        self._people.read_sign_on()
        for row in client.rows(f"{client.home}/invitations", "invitations"):
            yield accounts.of_invitation(row)
        if self.settings.get("access") != "leave out":
            yield from self._invited_to_repositories()
        self._organisation_roles.read()
        owners = {row["id"] for row in client.rows(f"{client.home}/members", "owners", role="admin")}
        total = client.count(f"{client.home}/members", filter="all")
        self.on_total(total)
        for page in client.pages(f"{client.home}/members", "members", total, filter="all"):
            roles = ("admin" if row["id"] in owners else "member" for row in page if came.add(str(row["id"])))
            yield from map(self._member, self._people.all(page), roles)
        for page in client.pages(f"{client.home}/outside_collaborators", "outside collaborators", filter="all"):
            yield from (accounts.of_user(row, OUTSIDE) for row in self._people.all(page) if came.add(str(row["id"])))

    def _invited_to_repositories(self, strict: bool = False) -> Iterator[Account]:
        """Each invitee once."""
        came = Seen()
        for _, row in pending.open_invitations(self._client, strict=strict):
            if came.add(pending.id_of(row)):
                nobody = {"id": "", "login": "", "name": f"Someone invited to {row['repository']['name']}"}
                account = accounts.of_user(self._people.one(row["invitee"]) if row.get("invitee") else nobody, OUTSIDE)
                yield replace(account, id=pending.id_of(row), status="invited")

    def assets(self) -> Iterator[Asset]:
        client = self._client
        for row in client.rows(f"{client.home}/repos", "repositories", type="all"):
            yield Asset(f"repository:{row['id']}", "repository", row["name"])
        for row in client.rows(f"{client.home}/teams", "teams"):
            yield Asset(f"team:{row['id']}", "team", row["name"])

    def access(self) -> Iterator[Access]:
        client, wanted = self._client, self.settings.get("access") or "all"
        try:
            if wanted != "leave out":
                for repo in client.rows(f"{client.home}/repos", "repositories", type="all"):
                    path = f"/repos/{segment(client.org)}/{segment(repo['name'])}/collaborators"
                    for row in client.rows(path, "collaborators", affiliation=wanted):
                        role = row.get("role_name") or ""
                        may_hand_on = bool((row.get("permissions") or {}).get("admin"))
                        yield Access(str(row["id"]), f"repository:{repo['id']}", role, may_hand_on)
            for team in client.rows(f"{client.home}/teams", "teams"):
                for id, role in teams.direct_members(client, team):
                    yield Access(id, f"team:{team['id']}", role, role == "maintainer")
        except NotFound as gone:
            raise disappeared("A repository or team", gone) from gone

    def account(self, id: str) -> Account | None:
        if id.startswith(pending.PREFIX):
            found = self._invited_to_repositories(strict=True)
            return next((invited for invited in found if invited.id == id), None)
        if id.startswith(INVITATION):
            found = self._client.rows(f"{self._client.home}/invitations", "invitations")
            return next((accounts.of_invitation(row) for row in found if f"{INVITATION}{row['id']}" == id), None)
        user = self._user(id)
        role = self._role(user["login"]) if user else None
        if role is None and user and self._is_outside(id):
            role = OUTSIDE
        return self._member(self._people.one(user), role) if role else None

    def _member(self, row: dict, role: str) -> Account:
        further = () if role == OUTSIDE else self._organisation_roles.of(row["id"])
        return replace(accounts.of_user(row, role), further_roles=further)

    def _user(self, id: str) -> dict | None:
        """By id, as names can change. GitHub answers 404 for managed users to all without access to them."""
        try:
            return self._client.http.get(f"/user/{segment(id)}").json(dict)
        except NotFound:
            self._must_see_members()
            return None

    def _role(self, login: str) -> str | None:
        try:
            path = f"{self._client.home}/memberships/{segment(login)}"
            membership = self._client.http.get(path).json(dict)
        except NotFound:
            return None
        return membership.get("role") if membership.get("state") == "active" else None

    def _is_outside(self, id: str) -> bool:
        path = f"{self._client.home}/outside_collaborators"
        return any(str(row["id"]) == id for row in self._client.rows(path, "outside collaborators", filter="all"))

    def remove(self, account: Account) -> None:
        if account.id.startswith(pending.PREFIX):
            invitations = list(pending.open_invitations(self._client, strict=True))
            for path in [path for path, row in invitations if pending.id_of(row) == account.id]:
                self._operate("DELETE", path)
        elif account.id.startswith(INVITATION):
            self._operate("DELETE", f"{self._client.home}/invitations/{segment(account.id.removeprefix(INVITATION))}")
        elif user := self._user(account.id):
            place = "outside_collaborators" if self._role(user["login"]) is None else "memberships"
            self._operate("DELETE", f"{self._client.home}/{place}/{segment(user['login'])}")

    @classmethod
    def roles_after(cls, account: Account, role: str) -> tuple[str, ...]:
        """Organisation roles stay with a member."""
        if role not in ("admin", "member", OUTSIDE):
            raise Refused("GitHub's API can make people only owners, members or outside collaborators.")
        kept = () if role == OUTSIDE else (id for id in account.roles if id.startswith(PREFIX))
        return (role, *kept)

    def change_role(self, account: Account, role: str) -> None:
        self.roles_after(account, role)
        login = self._login(account)
        if role != OUTSIDE:
            answer = self._operate("PUT", f"{self._client.home}/memberships/{login}", json={"role": role})
            if answer.json(dict).get("state") == "pending":
                raise Refused("GitHub invited them to the organisation. Their role changes when they accept.")
        elif not self._is_outside(account.id):
            self._operate("PUT", f"{self._client.home}/outside_collaborators/{login}", json={"async": False})

    def invite(self, email: str, role: str) -> None:
        invited_as = next((sent for sent, shown in accounts.INVITED_AS.items() if shown == (role or "member")), None)
        if invited_as is None:
            raise Refused("An outside collaborator is invited to a repository, not to the organisation.")
        pending = self._client.rows(f"{self._client.home}/invitations", "invitations")
        if not any(email_key(row.get("email")) == email_key(email) for row in pending):
            self._operate("POST", f"{self._client.home}/invitations", json={"email": email, "role": invited_as})

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        place = self._place(account, asset)
        if asset.kind == "team" and self._role(place.rpartition("/")[2]) is None:
            raise Refused("Only members of the organisation can be in a team, so nothing was changed. Make them a "
                          "member first.")  # fmt: skip
        body = {"role": role} if asset.kind == "team" else {"permission": PERMISSION.get(role, role)}
        if self._operate("PUT", place, json=body).status == 201:
            raise Refused(f"GitHub invited them to {asset.name}. They have no access until they accept.")

    def revoke(self, account: Account, asset: Asset) -> None:
        place = self._place(account, asset)
        self._operate("DELETE", place)
        if asset.kind == "repository" and teams.is_in(self._client, place):
            raise Refused(
                f"{account.name} was taken out of {asset.name} itself, but may still use it through a team, "
                "the organisation's base permission or as an owner."
            )
        if asset.kind == "team" and teams.is_in(self._client, place):
            raise Refused(f"{account.name} is still in {asset.name} through a team below it: revoke that one too.")

    def _place(self, account: Account, asset: Asset) -> str:
        """Where an account's access to an asset lies. Names can change hands, so ids decide."""
        client, login = self._client, self._login(account)
        id = asset.id.partition(":")[2]
        if asset.kind == "team":
            org = client.http.get(client.home).json(dict)["id"]
            return f"/organizations/{org}/team/{segment(id)}/memberships/{login}"
        named = segment(asset.name, "the repository's name")
        path = f"/repos/{segment(client.org)}/{named}"
        if str(client.http.get(path).json(dict)["id"]) != id:
            raise Refused(f"{asset.name} is a different repository than at the last check. Check for updates first.")
        return f"{path}/collaborators/{login}"

    def _login(self, account: Account) -> str:
        user = None if account.id.startswith(INVITATION) else self._user(account.id)
        if user is None:
            raise Refused(f"{account.name or account.email} has not accepted the invitation, or is gone from GitHub.")
        return segment(user["login"])

    def _operate(self, method: str, path: str, json: dict | None = None) -> Answer | None:
        """Not found counts as done for a removal; a 403 that is not about the credential is a refusal."""
        try:
            return self._client.http.call(method, path, json=json)
        except NotFound:
            if method != "DELETE":
                raise
            return None
        except Forbidden as no:
            if any(words in str(no).lower() for words in NOT_ALLOWED):
                raise
            raise Refused(str(no)) from no
