"""Cloudflare: an account's members, their roles and the invitations. A removal takes the member out of the account.

From developers.cloudflare.com/api (Accounts: “Account Details”, “List”, “Add” and “Remove Member”, “Member Details”,
“List Roles”), as cloudflare/cloudflare-python has them in src/cloudflare/types/accounts and types/shared;
developers.cloudflare.com/fundamentals: “Manage”, “Policies”, “SCIM troubleshooting” (the Super Administrator's role).
That a member who isn't there is answered 404: cloudflare/terraform-provider-cloudflare, account_member.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from connectors.base import (
    INVITE,
    LOOK_UP,
    REMOVE,
    Account,
    ConnectorError,
    CredentialRejected,
    Field,
    Identity,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.effects import INVITATION_SENT, Effect, Reach, Undo, declared
from connectors.names import email_key
from connectors.quality import Missing, Rule, at_its_maker
from connectors.tools.answers import known_status, missing_from, words
from connectors.tools.holes import needed
from connectors.tools.http import Answer, NotFound, clean, segment
from connectors.tools.http_connector import HttpConnector, token_field
from connectors.tools.paging import Page, number, pages_by_number
from connectors.versions import ApiVersion

PAGE = 50  # the most that Cloudflare returns
SUPER_ADMINISTRATOR = "33666b9c79b9a5273fc7344ff42f953d"  # “the role ID of Super Administrator”
STATUSES = {"accepted": "active", "pending": "invited"}
BAD_TOKEN = (6003, 6111)  # “Invalid request headers”: a token that can't be one, answered 400


class Cloudflare(HttpConnector):
    slug = "cloudflare"
    label = "Cloudflare"
    logo = "cloudflare.svg"
    quality = at_its_maker(
        "Cloudflare doesn't say what a change of roles does to a member's policies.",
        {Rule.ASSETS: Missing("Rights on a single domain are in Cloudflare's policies, which aren't read.")},
    )
    docs = (
        "As a Super Administrator, open dash.cloudflare.com, choose the account, and go to Manage Account, “API "
        "Tokens”. Choose “Create Token”, then a custom token.",
        "Name it Rollcall and give it the permission Account, Account Settings, Edit, for this account alone. Create "
        "it and copy it: Cloudflare never shows it again. With Read instead of Edit, Rollcall can't remove anyone.",
        "Copy the account's id: in the list of accounts, open the menu beside its name and choose “Copy account ID”.",
        "Your own account isn't protected, as an account's token belongs to nobody. Cloudflare's pages don't say "
        "whether it refuses to remove the last Super Administrator.",
        "Policies for single domains and groups aren't read, so someone can have more than the roles shown. The Super "
        "Administrators of an Organization reach its accounts without being members: they don't show.",
        "Account API tokens that someone created continue to work when they leave: check these in Cloudflare.",
    )
    fields = (
        Field("account", "Account ID", "32 letters and digits.", pattern=r"[0-9a-f]{32}"),
        token_field("API token", "With Account Settings: Edit."),
    )
    capabilities = frozenset({LOOK_UP, REMOVE, INVITE})
    own_account_unknown = "An account's API token belongs to nobody. Rollcall can't protect the person who created it."
    effects = declared(
        "Cloudflare API, “Remove Member”",
        remove=(
            Effect(
                "Removes them from the Cloudflare account and all its domains. Account API tokens that they created "
                "continue to work.",
                Reach.WORKSPACE, Undo.IMPOSSIBLE, "Invite them again with their roles.",
                lost=("their roles and policies in the account",),
            ),
            Effect(
                "Cancels the invitation.", Reach.WORKSPACE, Undo.POSSIBLE, "Invite them again.",
                invited=True,
            ),
        ),
        invite=INVITATION_SENT,
    )  # fmt: skip
    api_version = ApiVersion("Cloudflare API", "v4", source="developers.cloudflare.com, “API reference”")
    api = "https://api.cloudflare.com/client/v4"

    @property
    def _account_path(self) -> str:
        return f"/accounts/{segment(self.settings.get('account', '').strip(), 'the account id')}"

    @property
    def _members(self) -> str:
        return f"{self._account_path}/members"

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        if answer.status == 400 and _codes(answer) & set(BAD_TOKEN):
            return CredentialRejected(f"{answer.asked}: Cloudflare says “{words(answer)}”. The token is wrong.")
        return None

    def test(self) -> Identity:
        name = self._account_name()
        next(self._pages(self._members, "members"), None)
        self.roles()
        return Identity(f"A token for {name}", None, ("read members", "remove", "invite"))

    def _account_name(self) -> str:
        """Of the account, which the token must see."""
        try:
            return clean(_result(self._http.get(self._account_path)).get("name")) or "the account"
        except NotFound as no:
            raise CredentialRejected(f"Cloudflare knows no account with this id, or not for this token. {no}") from no

    @cached_property
    def _roles(self) -> list[Role]:
        rows = [row for page in self._pages(f"{self._account_path}/roles", "roles") for row in page]
        return [Role(row["id"], clean(row.get("name")) or row["id"], row["id"] == SUPER_ADMINISTRATOR) for row in rows]

    def roles(self) -> list[Role]:
        return list(self._roles)

    def accounts(self) -> Iterator[Account]:
        for page in self._pages(self._members, "members", counted=True):
            yield from map(_account, page)

    def account(self, id: str) -> Account | None:
        try:
            member = _result(self._http.get(f"{self._members}/{segment(id)}"))
        except NotFound:
            self._account_name()
            return None
        if member.get("id") != id:
            raise TemporarilyUnavailable("Cloudflare answered with something other than the member asked for.")
        return _account(member)

    def remove(self, account: Account) -> None:
        try:
            self._http.operate("DELETE", f"{self._members}/{segment(account.id)}")
        except NotFound:
            self._account_name()

    def invite(self, email: str, role: str) -> None:
        if needed(role, "role") not in (one.id for one in self._roles):
            raise Refused("This Cloudflare account has no such role, so nothing was changed. Choose another role.")
        for account in self.accounts():
            if account.status == "invited" and email_key(account.email) == email_key(email):
                return
        self._http.operate("POST", self._members, json={"email": needed(email, "e-mail"), "roles": [role]})

    def _pages(self, path: str, what: str, counted: bool = False) -> Iterator[list]:
        def fetch(page: int) -> Page:
            answer = self._http.get(path, {"page": page, "per_page": PAGE}).json(dict)
            rows, info = answer.get("result"), answer.get("result_info")
            total = number(info.get("total_count")) if isinstance(info, dict) else None
            if answer.get("success") is not True or not isinstance(rows, list) or total is None:
                raise TemporarilyUnavailable(f"Cloudflare answered without its list of {what}, or without its length.")
            return Page(rows, total)

        return pages_by_number(fetch, size=PAGE, what=what, on_total=self.on_total if counted else None)


def _codes(answer: Answer) -> set[int]:
    """Of the errors that the answer names."""
    try:
        errors = answer.json(dict).get("errors")
    except TemporarilyUnavailable:
        return set()
    return {error.get("code") for error in errors if isinstance(error, dict)} if isinstance(errors, list) else set()


def _result(answer: Answer) -> dict:
    body = answer.json(dict)
    if body.get("success") is not True or not isinstance(body.get("result"), dict):
        raise TemporarilyUnavailable(f"{answer.asked} answered without what was asked for.")
    return body["result"]


def _account(member: dict) -> Account:
    user = member.get("user") if isinstance(member.get("user"), dict) else {}
    roles = [clean(role["id"]) for role in member.get("roles") or ()]
    roles.sort(key=lambda id: id != SUPER_ADMINISTRATOR)  # the rest stays in Cloudflare's order
    emails = [("user", "email"), "email"] if user else "email"
    name = f"{clean(user.get('first_name'))} {clean(user.get('last_name'))}".strip()
    return Account(
        member["id"], clean(user.get("email")) or clean(member.get("email")), name,
        known_status(member.get("status"), STATUSES), roles[0] if roles else "", further_roles=tuple(roles[1:]),
        missing_fields=missing_from(member, email=emails, role="roles",
                                    name={("user", "first_name"), ("user", "last_name")}),
    )  # fmt: skip
