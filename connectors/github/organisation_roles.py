"""Organisation roles at GitHub: predefined ones and the organisation's own, which people have directly or by a team.

From docs.github.com, "REST API endpoints for organization roles": "Get all organization roles for an organization" and
"List users that are assigned to an organization role" (422 if the plan has none). The list of members
doesn't show them.
"""

from __future__ import annotations

from connectors.base import Refused
from connectors.github.client import GitHubClient
from connectors.tools.http import Forbidden, clean, segment

PREFIX = "organisation-role:"


class OrganisationRoles:
    """The organisation roles of each person. They are read once: by read(), or when they are first needed."""

    def __init__(self, client: GitHubClient):
        self._client = client
        self.names: dict[str, str] = {}  # our id → the role's name
        self._held: dict[int, tuple[str, ...]] | None = None

    def read(self) -> str:
        """Read all roles. Returns the permission that the credential lacks for that; "" if it lacks none, or the plan
        has no such roles."""
        self.names, self._held = {}, {}
        home, why = f"{self._client.home}/organization-roles", ""
        try:
            for role in self._client.http.get(home).json(dict).get("roles") or []:
                id = f"{PREFIX}{role['id']}"
                self.names[id] = clean(role.get("name")) or id
                for user in self._client.rows(f"{home}/{segment(role['id'])}/users", "people with a role"):
                    self._held[user["id"]] = (*self._held.get(user["id"], ()), id)
        except Forbidden as no:
            why = f"read organisation roles: {no} It takes the organisation permission Custom organization roles: read."
        except Refused:
            pass
        return why

    def of(self, user: int) -> tuple[str, ...]:
        if self._held is None:
            self.read()
        return self._held.get(user, ())
