"""GitHub's REST and GraphQL API for one organisation, "acme", as its public descriptions declare them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from connectors.apps.github import GitHub
from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat, Shown

# Paths, query parameters and body fields: npm @octokit/openapi 23.0.2, api.github.com (MIT), but for those marked.
PAGING = ("per_page", "page")
ORG, MEMBER = "/orgs/{org}", "/orgs/{org}/memberships/{username}"
COLLABORATOR = "/repos/{owner}/{repo}/collaborators/{username}"
TEAM_MEMBER = "/organizations/{org_id}/team/{team_id}/memberships/{username}"
INVITING = ("invitee_id", "email", "role", "team_ids")
FACTS = (
    Fact("GET", "/user", "me"),
    Fact("GET", ORG, "organisation"),
    Fact("GET", f"{ORG}/members", "members", ("filter", "role", *PAGING)),
    Fact("GET", f"{ORG}/outside_collaborators", "outside", ("filter", *PAGING)),
    Fact("PUT", f"{ORG}/outside_collaborators/{{username}}", "make_outside", (), ("async",)),
    Fact("DELETE", f"{ORG}/outside_collaborators/{{username}}", "remove_outside"),
    Fact("GET", f"{ORG}/invitations", "invitations", ("role", "invitation_source", *PAGING)),
    Fact("POST", f"{ORG}/invitations", "invite", (), INVITING),
    Fact("DELETE", f"{ORG}/invitations/{{invitation_id}}", "cancel"),
    Fact("GET", MEMBER, "membership"),
    Fact("PUT", MEMBER, "set_membership", (), ("role",)),
    Fact("DELETE", MEMBER, "remove_membership"),
    Fact("GET", f"{ORG}/repos", "repos", ("type", "sort", "direction", *PAGING)),
    Fact("GET", "/repos/{owner}/{repo}/collaborators", "collaborators", ("affiliation", "permission", *PAGING)),
    Fact("GET", "/repos/{owner}/{repo}/invitations", "repo_invitations", PAGING),
    Fact("DELETE", "/repos/{owner}/{repo}/invitations/{invitation_id}", "cancel_repo_invitation"),
    Fact("GET", COLLABORATOR, "collaborator"),
    Fact("PUT", COLLABORATOR, "add_collaborator", (), ("permission",)),
    Fact("DELETE", COLLABORATOR, "remove_collaborator"),
    Fact("GET", f"{ORG}/organization-roles", "organisation_roles"),
    Fact("GET", f"{ORG}/organization-roles/{{role_id}}/users", "holders", PAGING),
    Fact("GET", f"{ORG}/teams", "teams", ("team_type", *PAGING)),
    Fact("GET", f"{ORG}/teams/{{team_slug}}/members", "team_members", ("role", *PAGING)),
    # By id: the note below "Get team membership for a user" in the same description.
    Fact("GET", TEAM_MEMBER, "team_membership"),
    Fact("PUT", TEAM_MEMBER, "join_team", (), ("role",)),
    Fact("DELETE", TEAM_MEMBER, "leave_team"),
    # docs.github.com: "Get a user using their ID", "Get a repository", "Get an organization installation for the
    # authenticated app", "Create an installation access token for an app", "Forming calls with GraphQL".
    Fact("GET", "/user/{account_id}", "user"),
    Fact("GET", "/repos/{owner}/{repo}", "repo"),
    Fact("GET", f"{ORG}/installation", "installation"),
    Fact("POST", "/app/installations/{id}/access_tokens", "access_token", (),
         ("repositories", "repository_ids", "permissions")),
    Fact("POST", "/graphql", "people", (), ("query", "variables"), ("query",)),
)  # fmt: skip
OWNER = 1  # id of the token's user, who isn't one of the tests' accounts


class FakeGitHub(FakeApp):
    token = "ghp_7f1c0b52e9d4"
    account_list = "members"
    reads = ("access_token", "people")
    reaches = {
        Reach.ASSET: (
            "add_collaborator", "remove_collaborator", "join_team", "leave_team", "cancel_repo_invitation",
        ),
        Reach.ORGANISATION: (
            "make_outside", "remove_outside", "invite", "cancel", "set_membership", "remove_membership",
        ),
    }
    sends_etags = True
    facts = FACTS

    def __init__(self):
        super().__init__()
        self.scopes: str | None = "admin:org, read:user, repo"
        self.my_role, self.my_state = "admin", "active"
        self.permissions = {"members": "write", "administration": "write", "metadata": "read"}
        self.app_tokens: list[str] = []
        self.jwts: list[str] = []
        self.outsiders: list[Seat] = []
        self.invited: list[Seat] = []
        self.base_permission: set[str] = set()  # ids of accounts that may still use every repository
        self.inherited: set[str] = set()  # ids of accounts whose team membership comes from a child team
        self.enterprise = ""  # the name of the enterprise that has the sign-on in place of the organisation
        self.saml: dict[str, dict] | None = None  # account id → external identity; None without SAML sign-on
        self.sends_team_roles = True  # “only when the feature is enabled for the organization”
        self.repo_invited: dict[str, list[dict]] = {}  # name of a repository → invitations to it
        self.invitees: list[Seat] = []
        self.verified: dict[str, list[str]] = {}  # account id → e-mails at verified domains
        self.graphql_errors: list[dict] = []

    def is_authorised(self, request: Request) -> bool:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return token == self.token or token in self.app_tokens or token.count(".") == 2

    def error(self, status: int, words: str) -> Reply:
        return Reply(status, {"message": words, "documentation_url": "https://docs.github.com/rest"})

    # Who asks

    def me(self, request: Request) -> Reply:
        headers = {} if self.scopes is None else {"X-OAuth-Scopes": self.scopes}
        return Reply(200, {"login": "olga", "id": OWNER, "node_id": "U_1", "type": "User"}, headers)

    def organisation(self, request: Request) -> Any:
        return {"login": "acme", "id": 77} if request.ids["org"] == "acme" else self.error(404, "Not Found")

    def installation(self, request: Request) -> Any:
        self.jwts.append(request.headers["authorization"].removeprefix("Bearer "))
        if request.ids["org"] != "acme":
            return self.error(404, "Not Found")
        return {"id": 5, "app_slug": "rollcall", "permissions": self.permissions, "repository_selection": "all"}

    def access_token(self, request: Request) -> Reply:
        self.app_tokens = [f"ghs_token{len(self.jwts)}"]
        return Reply(201, {"token": self.app_tokens[0], "expires_at": "2030-01-01T00:00:00Z"})

    # People

    def members(self, request: Request) -> Reply:
        role = request.params.get("role", "all")
        seats = [seat for seat in self.listed if role in ("all", seat.role)]
        return self._page(request, Shown(self._user, seats), self.lie if role == "all" else 0)

    def outside(self, request: Request) -> Reply:
        return self._page(request, [self._user(seat) for seat in self.outsiders])

    def invitations(self, request: Request) -> Reply:
        shown = {"member": "direct_member"}
        return self._page(request, [
            {"id": int(seat.id), "login": None, "email": seat.email, "role": shown.get(seat.role, seat.role)}
            for seat in self.invited
        ])  # fmt: skip

    def user(self, request: Request) -> Any:
        seat = self.seat(request.ids["account_id"]) or self._outsider(request.ids["account_id"])
        return self._user(seat) if seat else self.error(404, "Not Found")

    def membership(self, request: Request) -> Any:
        if request.ids["username"] == "olga":
            return {"state": self.my_state, "role": self.my_role}
        seat = self._by_login(request)
        return {"state": "active", "role": seat.role} if seat else self.error(404, "Not Found")

    def set_membership(self, request: Request) -> Any:
        seat = self._by_login(request)
        if seat is None:
            return self._pending(request)
        seat.role = request.body["role"]
        return {"state": "active", "role": seat.role}

    def _pending(self, request: Request) -> dict:
        """They are invited to the organisation: “pending until they accept the invitation”."""
        self.invited.append(Seat("950", name=request.ids["username"], role="member", status="invited"))
        return {"state": "pending", "role": request.body["role"]}

    def remove_membership(self, request: Request) -> Reply:
        seat = self._by_login(request)
        if seat is None:
            return self.error(404, "Not Found")
        if seat.role == "admin":
            return self.error(403, "Cannot remove the last owner of the organization")
        self.seats.remove(seat)
        return Reply(204)

    def make_outside(self, request: Request) -> Reply:
        seat = self._by_login(request)
        if seat is None:
            return self.error(403, f"{request.ids['username']} is not a member of the organization")
        self.seats.remove(seat)
        self.outsiders.append(seat)
        return Reply(204)

    def remove_outside(self, request: Request) -> Reply:
        if self._by_login(request):
            return self.error(422, "You cannot specify an organization member to remove as an outside collaborator.")
        self.outsiders = [seat for seat in self.outsiders if f"login-{seat.id}" != request.ids["username"]]
        return Reply(204)

    def invite(self, request: Request) -> Reply:
        seat = Seat(str(900 + len(self.invited)), request.body["email"], role=request.body["role"], status="invited")
        seat.role = "member" if seat.role == "direct_member" else seat.role
        self.invited.append(seat)
        return Reply(201, {"id": int(seat.id), "email": seat.email})

    def cancel(self, request: Request) -> Reply:
        left = [seat for seat in self.invited if seat.id != request.ids["invitation_id"]]
        if len(left) == len(self.invited):
            return self.error(404, "Not Found")
        self.invited = left
        return Reply(204)

    def _answer(self, fact: Fact, request: Request) -> Reply:
        """Each query counts as a call of its own for fail() and when()."""
        if fact.answer == "people":
            asks = {"samlIdentityProvider": "sign_on", "team(slug: $team)": "direct_members"}
            answer = next((name for part, name in asks.items() if part in request.body["query"]), "people")
            fact = Fact("POST", "/graphql", "errors_inside" if self.graphql_errors else answer)
        return super()._answer(fact, request)

    def errors_inside(self, request: Request) -> dict:
        return {"data": None, "errors": self.graphql_errors}

    def sign_on(self, request: Request) -> dict:
        """Organization.samlIdentityProvider.externalIdentities: “Filter to external identities with the users login”,
        “with valid org membership only”."""
        asked = request.body["variables"].get("enterprise", "")
        if self.enterprise and not asked:
            words = ("The Organization's SAML identity provider is disabled when an Enterprise SAML identity provider "
                     "is available")  # fmt: skip
            return {"data": {"organization": {"samlIdentityProvider": None}}, "errors": [{"message": words}]}
        if asked and asked != self.enterprise:
            return {"data": {"enterprise": {"ownerInfo": None}}}
        if self.saml is None:
            return {"data": {"organization": {"samlIdentityProvider": None}}}
        login = request.body["variables"].get("login")
        rows = [{"guid": f"g-{id}", "user": {"databaseId": int(id)}, "samlIdentity": None, "scimIdentity": None, **more}
                for id, more in self.saml.items() if login in (None, f"login-{id}")]  # fmt: skip
        start = int(request.body["variables"].get("after", "0"))
        info = {"hasNextPage": start + 100 < len(rows), "endCursor": str(start + 100)}
        identities = {"nodes": rows[start : start + 100], "pageInfo": info}
        provider = {"samlIdentityProvider": {"externalIdentities": identities}}
        return {"data": {"enterprise": {"ownerInfo": provider}} if asked else {"organization": provider}}

    def organisation_roles(self, request: Request) -> dict:
        named = ((81, "Security manager", "Predefined"), (82, "Auditor", "Organization"))
        roles = [{"id": id, "name": name, "source": source, "permissions": []} for id, name, source in named]
        return {"total_count": 2, "roles": roles}

    def holders(self, request: Request) -> Reply:
        id = f"organisation-role:{request.ids['role_id']}"
        rows = [{**self._user(seat), "assignment": "direct"} for seat in self.listed if id in seat.further_roles]
        return self._page(request, rows)

    def people(self, request: Request) -> Any:
        variables = request.body["variables"]
        assert variables["org"] == "acme" and "organizationVerifiedDomainEmails" in request.body["query"]
        known = {f"U_{seat.id}": seat for seat in (
            *self.listed, *self.seats, *self.outsiders, *self.invitees,
        )}  # fmt: skip
        return {"data": {"nodes": [self._person(known.get(id)) for id in variables["ids"]]}}

    def _person(self, seat: Seat | None) -> dict | None:
        return seat and {
            "databaseId": int(seat.id),
            "name": seat.name or None,
            "email": "" if seat.id in self.verified else seat.email,
            "organizationVerifiedDomainEmails": self.verified.get(seat.id, []),
        }

    def _user(self, seat: Seat) -> dict:
        return {"login": f"login-{seat.id}", "id": int(seat.id), "node_id": f"U_{seat.id}", "type": "User"}

    def _by_login(self, request: Request) -> Seat | None:
        return self.seat(request.ids["username"].removeprefix("login-"))

    def _outsider(self, id: str) -> Seat | None:
        return next((seat for seat in self.outsiders if seat.id == id), None)

    # Repositories and teams

    def repos(self, request: Request) -> Reply:
        return self._page(request, [self._thing(thing) for thing in self._of("repository")])

    def teams(self, request: Request) -> Reply:
        rows = [{"id": int(t.id.split(":")[1]), "name": t.name, "slug": f"slug-{t.name}"} for t in self._of("team")]
        return self._page(request, rows)

    def repo(self, request: Request) -> Any:
        thing = self._repo(request)
        return self._thing(thing) if thing else self.error(404, "Not Found")

    def collaborators(self, request: Request) -> Reply:
        thing = self._repo(request)
        if thing is None:
            return self.error(404, "Not Found")
        rows = [
            {**self._user(Seat(id)), "role_name": role, "permissions": {"pull": True, "admin": role == "admin"}}
            for id, role in thing.members.items()
        ]
        return self._page(request, rows)

    def collaborator(self, request: Request) -> Reply:
        id = request.ids["username"].removeprefix("login-")
        there = id in self._repo(request).members or id in self.base_permission
        return Reply(204) if there else self.error(404, "Not Found")

    def add_collaborator(self, request: Request) -> Reply:
        """“Response when a new invitation is created”: 201."""
        role = {"pull": "read", "push": "write"}.get(request.body["permission"], request.body["permission"])
        id, members = request.ids["username"].removeprefix("login-"), self._repo(request).members
        if self._by_login(request) is None and id not in members:
            invitation = self.invited_to_repo(600, self._outsider(id), permissions=role)
            self.repo_invited.setdefault(request.ids["repo"], []).append(invitation)
            return Reply(201, invitation)
        members[id] = role
        return Reply(204)

    def remove_collaborator(self, request: Request) -> Reply:
        self._repo(request).members.pop(request.ids["username"].removeprefix("login-"), None)
        return Reply(204)

    def team_members(self, request: Request) -> Reply:
        team = next((t for t in self._of("team") if f"slug-{t.name}" == request.ids["team_slug"]), None)
        if team is None:
            return self.error(404, "Not Found")
        sent = ("role", "inherited") if self.sends_team_roles else ()
        rows = [
            {**self._user(Seat(id)), **{key: {"role": role, "inherited": id in self.inherited}[key] for key in sent}}
            for id, role in team.members.items()
        ]
        return self._page(request, rows)

    def direct_members(self, request: Request) -> dict:
        """GraphQL, Team.members with `membership: IMMEDIATE`."""
        variables = request.body["variables"]
        team = next((t for t in self._of("team") if f"slug-{t.name}" == variables["team"]), None)
        if team is None:
            return {"data": {"organization": {"team": None}}}
        edges = [{"role": role.upper(), "node": {"databaseId": int(id)}}
                 for id, role in team.members.items() if id not in self.inherited]  # fmt: skip
        start = int(variables.get("after", "0"))
        info = {"hasNextPage": start + 100 < len(edges), "endCursor": str(start + 100)}
        return {"data": {"organization": {"team": {"members": {
            "edges": edges[start : start + 100], "pageInfo": info}}}}}  # fmt: skip

    def team_membership(self, request: Request) -> Any:
        """“Team members will include the members of child teams.”"""
        role = self.thing(f"team:{request.ids['team_id']}").members.get(request.ids["username"].removeprefix("login-"))
        return {"state": "active", "role": role} if role else self.error(404, "Not Found")

    def repo_invitations(self, request: Request) -> Reply:
        if self._repo(request) is None:
            return self.error(404, "Not Found")
        return self._page(request, self.repo_invited.get(request.ids["repo"], []))

    def cancel_repo_invitation(self, request: Request) -> Reply:
        rows = self.repo_invited.get(request.ids["repo"], [])
        found = next((row for row in rows if str(row["id"]) == request.ids["invitation_id"]), None)
        if found is None:
            return self.error(404, "Not Found")
        rows.remove(found)
        return Reply(204)

    def invited_to_repo(self, id: int, seat: Seat | None, **more: Any) -> dict:
        """OpenAPI description, schema repository-invitation."""
        return {"id": id, "invitee": self._user(seat) if seat else None, "permissions": "write",
                "repository": {"name": "site"}, **more}  # fmt: skip

    def join_team(self, request: Request) -> Any:
        """“If the user is unaffiliated with the team's organization, this endpoint will send an invitation.”"""
        assert request.ids["org_id"] == "77"
        if self._by_login(request) is None:
            return self._pending(request)
        self.thing(f"team:{request.ids['team_id']}").members[request.ids["username"].removeprefix("login-")] = (
            request.body["role"]
        )
        return {"state": "active", "role": request.body["role"]}

    def leave_team(self, request: Request) -> Reply:
        members = self.thing(f"team:{request.ids['team_id']}").members
        if request.ids["username"].removeprefix("login-") in self.inherited:
            return self.error(404, "Not Found")
        if members.pop(request.ids["username"].removeprefix("login-"), None) is None:
            return self.error(404, "Not Found")
        return Reply(204)

    def _of(self, kind: str) -> list:
        return [thing for thing in self.things if thing.id.startswith(f"{kind}:")]

    def _thing(self, thing: Any) -> dict:
        return {"id": int(thing.id.split(":")[1]), "name": thing.name, "full_name": f"acme/{thing.name}"}

    def _repo(self, request: Request) -> Any:
        return next((t for t in self._of("repository") if t.name == request.ids["repo"]), None)

    # "Using pagination in the REST API": Link with first, prev, next, last; none where one page is all

    def _page(self, request: Request, rows: list[dict], lie: int = 0) -> Reply:
        size, number = min(request.number("per_page", 30), 100), request.number("page", 1)
        last = max(1, -(-(len(rows) + (lie if size == 1 else 0)) // size))
        links = []
        for rel, target in (("next", number + 1), ("last", last)):
            if number < last:
                kept = "&".join(f"{name}={value}" for name, value in request.params.items() if name != "page")
                links.append(f'<{self.url}{request.path}?{kept}&page={target}>; rel="{rel}"')
        return Reply(200, rows[(number - 1) * size : number * size], {"Link": ", ".join(links)} if links else {})


@contextmanager
def reading(app: FakeGitHub) -> Iterator[GitHub]:
    """The connector of this app, which runs."""
    with closing(GitHub({"org": "acme", "token": app.token})) as connector:
        connector.api = app.url
        yield connector
