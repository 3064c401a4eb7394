"""Connectors of OpenAI and Anthropic: their APIs list users and open invitations separately, in pages with `data`,
`has_more` and `last_id`. The id of an account that is an invitation begins with INVITATION."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from connectors.base import Account, TemporarilyUnavailable
from connectors.names import email_key
from connectors.tools.answers import known_status, missing_from
from connectors.tools.http import NotFound, clean, segment
from connectors.tools.http_connector import HttpConnector
from connectors.tools.paging import Page, by_id, pages_by_cursor
from connectors.tools.refusals import INVITATION, must_not_be_invitation

INVITE_STATUSES = {"pending": "invited"}


class UsersAndInvites(HttpConnector):
    """A subclass names the two lists, and makes an account of a user."""

    maker: str = ""  # as messages name it
    users: str = ""  # the address of the list, below `api`; that of one user is below it
    invites: str = ""
    page_size: int = 100
    cursor: str = "after"  # the name of the parameter
    over: tuple[str, ...] = ()  # statuses of an invitation that nobody can accept now

    def _account(self, user: dict) -> Account:
        raise NotImplementedError

    def accounts(self) -> Iterator[Account]:
        """Invitations come first: someone who accepts one during the reading is then in both lists, not in neither."""
        yield from self._invitations()
        for page in self._pages(self.users, "users"):
            yield from map(self._account, page)

    def _invitations(self) -> Iterator[Account]:
        for page in self._pages(self.invites, "invitations"):
            yield from (_invitation(invite) for invite in page if invite.get("status") not in self.over)

    def _is_invited(self, email: str) -> bool:
        return any(email_key(invited.email) == email_key(email) for invited in self._invitations())

    def account(self, id: str) -> Account | None:
        try:
            found = self._http.get(self._path(id)).json(dict)
        except NotFound:
            return None
        if found.get("id") != id.removeprefix(INVITATION):
            raise TemporarilyUnavailable(f"{self.maker} answered with something other than the account asked for.")
        if not id.startswith(INVITATION):
            return self._account(found)
        return None if found.get("status") in self.over else _invitation(found)

    def _delete(self, path: str) -> None:
        """Delete what is at the path. If it is already gone, that counts as done."""
        try:
            self._http.operate("DELETE", path)
        except NotFound:
            return

    def _set_role(self, account: Account, role: str) -> None:
        must_not_be_invitation(account, self.maker)
        self._http.operate("POST", self._path(account.id), json={"role": role})

    def _put_in(self, path: str, account: Account, role: str, field: str) -> None:
        """Give an account a role in a project or workspace. `path`: of its membership there; `field`: the role's
        key."""
        try:
            present = self._http.get(path).json(dict).get(field)
        except NotFound:
            self._http.operate("POST", path.rpartition("/")[0], json={"user_id": account.id, field: role})
            return
        if present != role:
            self._http.operate("POST", path, json={field: role})

    def _path(self, id: str) -> str:
        if id.startswith(INVITATION):
            return f"{self.invites}/{segment(id.removeprefix(INVITATION))}"
        return f"{self.users}/{segment(id)}"

    def _pages(self, path: str, what: str, id_of: Callable[[dict], str] = by_id) -> Iterator[list]:
        def fetch(last: str | None) -> Page:
            return self._page(path, what, **({self.cursor: last} if last else {}), limit=self.page_size)

        return pages_by_cursor(fetch, what=what, id_of=id_of)

    def _page(self, path: str, what: str, **params: str | int) -> Page:
        answer = self._http.get(path, params).json(dict)
        rows, more, last = answer.get("data"), answer.get("has_more"), answer.get("last_id")
        if not isinstance(rows, list) or not isinstance(more, bool) or (more and not clean(last)):
            raise TemporarilyUnavailable(f"{self.maker} answered without its list of {what}, or without saying whether "
                                         "there are more.")  # fmt: skip
        return Page(rows, next=last if more else None, more=more)


def _invitation(invite: dict) -> Account:
    status = known_status(invite.get("status"), INVITE_STATUSES)
    return Account(INVITATION + invite["id"], clean(invite.get("email")), "", status, clean(invite.get("role")),
                   missing_fields=missing_from(invite, email="email", role="role"))  # fmt: skip
