"""Reads one GitLab group: its lists, its places (subgroups and projects), and the people of each place.
It returns rows as GitLab sends them; apps/gitlab.py knows their meaning and names the documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from connectors.base import Asset, ConnectorError, CredentialRejected, TemporarilyUnavailable
from connectors.tools.answers import disappeared
from connectors.tools.http import Forbidden, Http, NotFound, clean, segment
from connectors.tools.paging import Page, next_link, number, pages_by_link

PAGE = 100  # the most items that the API returns at once


def path_of(place: str) -> str:
    """“group:5” → “/groups/5”"""
    kind, _, id = place.partition(":")
    return f"/{kind}s/{segment(id)}"


@dataclass(frozen=True, slots=True)
class Place:
    """A subgroup or project. `invites`: whether groups are invited to it; None if that takes a call of its own."""

    asset: Asset
    invites: bool | None = None

    @property
    def path(self) -> str:
        return path_of(self.asset.id)


class Group:
    """The group that is connected, named by its path or number."""

    def __init__(self, http: Http, name: str):
        self._http, self.path = http, f"/groups/{segment(name)}"

    def pages(self, what: str, *, of: str = "", id_of: Callable[[dict], object] = lambda row: row["id"],
              on_total: Callable[[int], None] | None = None, **params: str) -> Iterator[list]:  # fmt: skip
        """A list of the group, or of the place whose path is `of`, page by page."""

        def fetch(link: str | None) -> Page:
            path = f"{of or self.path}/{what}"
            answer = self._http.get(link) if link else self._http.get(path, {**params, "per_page": PAGE})
            return Page(answer.json(list), number(answer.headers.get("X-Total")), next_link(answer))

        return pages_by_link(fetch, what=what.replace("_", " "), id_of=id_of, on_total=on_total)

    def rows(self, what: str, **options: object) -> Iterator[dict]:
        for page in self.pages(what, **options):
            yield from page

    def rows_below(self, place: Place, what: str, **options: object) -> Iterator[dict]:
        """The rows of a list of a place. Raises TemporarilyUnavailable if the place has gone since it was listed."""
        try:
            yield from self.rows(what, of=place.path, **options)
        except NotFound as gone:
            raise _gone(gone) from gone

    def places(self) -> Iterator[Place]:
        order = {"order_by": "id", "sort": "asc"}
        for row in self.rows("descendant_groups", **order):
            yield Place(Asset(f"group:{row['id']}", "subgroup", row["full_path"]))
        for row in self.rows("projects", **order, include_subgroups="true", with_shared="false"):
            asset = Asset(f"project:{row['id']}", "project", row["path_with_namespace"])
            yield Place(asset, row.get("shared_with_groups") != [])

    def people_of(self, place: Place) -> Iterator[dict]:
        """The members of a place itself; if groups are invited to it, everyone who has access."""
        invites = self.invited_to(place.path) != [] if place.invites is None else place.invites
        return self.rows_below(place, "members/all" if invites else "members")

    def invited_to(self, path: str) -> list[str] | None:
        """The names of the groups that are invited to a group or project; None if GitLab doesn't show them."""
        try:
            found = self._http.get(path, {"with_projects": "false"} if path.startswith("/groups/") else {}).json(dict)
        except NotFound as gone:
            raise _gone(gone) from gone
        shared = found.get("shared_with_groups")
        return None if shared is None else [clean(group.get("group_name")) for group in shared]

    def invitations(self) -> Iterator[dict]:
        return self.rows("invitations", id_of=_address)

    def invitations_below(self) -> Iterator[dict]:
        for place in self.places():
            yield from self.rows_below(place, "invitations", id_of=_address)

    def member(self, path: str, id: str, **params: str) -> dict | None:
        """The row of a direct member of a group or project; None for anyone else."""
        return self._found(f"{path}/members/{segment(id)}", params)

    def let_in(self, path: str, id: str) -> dict | None:
        """The row of a member in any way: directly, through a parent group, or through an invited one; else None."""
        return self._found(f"{path}/members/all/{segment(id)}", {})

    def _found(self, path: str, params: dict[str, str]) -> dict | None:
        try:
            return self._http.get(path, params).json(dict)
        except NotFound:
            return None

    def days_of_last_activity(self) -> Callable[[dict], dict]:
        """A function that adds the day of last activity to a member's row. GitLab shows these days only to owners of a
        top-level group. Without them, the reading continues."""
        try:
            rows = self.rows("billable_members")
            days = {row["id"]: row["last_activity_on"] for row in rows if "last_activity_on" in row}
        except ConnectorError as no:
            if isinstance(no, CredentialRejected) and not isinstance(no, Forbidden):
                raise
            days = {}
        return lambda row: {**row, "last_activity_on": days[row["id"]]} if row["id"] in days else row


def _address(row: dict) -> str:
    return row["invite_email"]


def _gone(gone: NotFound) -> TemporarilyUnavailable:
    return disappeared("A project or subgroup", gone)
