"""Invitations to single repositories of a GitHub organisation, which the organisation's own list of invitations lacks.

From docs.github.com: "List repository invitations" (for someone with admin rights to the repository) and "Delete a
repository invitation"; fields: OpenAPI description, schema repository-invitation (`invitee` may be null, `expired`).
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.base import TemporarilyUnavailable
from connectors.github.client import GitHubClient
from connectors.tools.http import Forbidden, NotFound, segment

PREFIX = "invitation:repository:"


def id_of(row: dict) -> str:
    """One id for each invitee, however many repositories; of an invitation without one, its own."""
    invitee = row.get("invitee")
    return f"{PREFIX}{invitee['id']}" if invitee else f"{PREFIX}only:{row['id']}"


def open_invitations(client: GitHubClient, *, strict: bool = False) -> Iterator[tuple[str, dict]]:
    """(path of the invitation, the invitation) of each that isn't expired.

    A repository whose invitations the credential may not read is left out; `strict`: raises what GitHub answered.
    """
    for repo in client.rows(f"{client.home}/repos", "repositories", type="all"):
        path = f"/repos/{segment(client.org)}/{segment(repo['name'])}/invitations"
        try:
            for row in client.rows(path, "repository invitations"):
                if not row.get("expired"):
                    yield f"{path}/{segment(row['id'])}", row
        except NotFound as gone:
            if strict:
                raise TemporarilyUnavailable(f"The invitations to {repo['name']} can't be read. {gone}") from gone
        except Forbidden:
            if strict:
                raise
