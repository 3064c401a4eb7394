"""Invitations to single repositories of a GitHub organisation. The organisation's own list of invitations lacks them.

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
    """The account's id: one for each invitee, however many repositories they are invited to. An invitation without an
    invitee has an id of its own."""
    invitee = row.get("invitee")
    return f"{PREFIX}{invitee['id']}" if invitee else f"{PREFIX}only:{row['id']}"


def open_invitations(client: GitHubClient, *, strict: bool = False) -> Iterator[tuple[str, dict]]:
    """(path of the invitation, the invitation) of each that hasn't expired.

    A repository whose invitations the credential may not read is left out. With `strict`, GitHub's error is raised.
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
