"""The direct members of a GitHub team, with their roles.

The REST list also has members of child teams, and marks them by `role` and `inherited`: "only when the feature is
enabled for the organization" (OpenAPI description, schema team-member). If it isn't, GraphQL has both
(docs.github.com/graphql, object Team: members with `membership: IMMEDIATE`; TeamMemberEdge: role).
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.base import TemporarilyUnavailable
from connectors.github.client import GitHubClient
from connectors.tools.http import NotFound, segment
from connectors.tools.paging import Page, pages_by_cursor

DIRECT = """query ($org: String!, $team: String!, $after: String) { organization(login: $org) { team(slug: $team) {
  members(membership: IMMEDIATE, first: 100, after: $after) {
    edges { role node { databaseId } } pageInfo { hasNextPage endCursor } } } } }"""


def direct_members(client: GitHubClient, team: dict) -> Iterator[tuple[str, str]]:
    """(id of the account, “member” or “maintainer”) of each direct member."""
    for page in client.pages(f"{client.home}/teams/{segment(team['slug'])}/members", "team members"):
        if not all("role" in row and "inherited" in row for row in page):
            yield from _by_graphql(client, team)
            return
        yield from ((str(row["id"]), row["role"]) for row in page if not row["inherited"])


def _by_graphql(client: GitHubClient, team: dict) -> Iterator[tuple[str, str]]:
    def fetch(cursor: str | None) -> Page:
        after = {"after": cursor} if cursor else {}
        found = client.graphql(DIRECT, org=client.org, team=team["slug"], **after)
        members = ((found.get("organization") or {}).get("team") or {}).get("members")
        if not members:
            raise TemporarilyUnavailable(f"GitHub didn't return the members of the team {team['name']}. Nothing was "
                                         "changed.")  # fmt: skip
        info = members["pageInfo"]
        return Page(members["edges"], next=info["endCursor"] if info["hasNextPage"] else None)

    for page in pages_by_cursor(fetch, what="team members", id_of=lambda edge: edge["node"]["databaseId"]):
        yield from ((str(edge["node"]["databaseId"]), edge["role"].lower()) for edge in page)


def is_in(client: GitHubClient, membership: str) -> bool:
    """Whether someone is in a team, directly or through a child team: “Team members will include the members of child
    teams” (“Get team membership for a user”, 200); or a collaborator of a repository in any way (“Check if a user is a
    repository collaborator”, 204)."""
    try:
        return client.http.get(membership).status in (200, 204)
    except NotFound:
        return False
