"""Google Ads: who may use a manager account and each ad account below it, and the invitations that wait.
A removal takes a person out of all of them; they keep their own Google account.

Calls, fields and errors as in Google's own definitions (github.com/googleapis/googleapis, google/ads/googleads:
google_ads_service, customer_user_access_service, customer_user_access_invitation_service, customer_client, errors) and
in “SearchGoogleAdsRequest” and “MutateCustomerUserAccess” for v26; from developers.google.com/google-ads/api:
“Managing user access”, “Manage user access invitations”, “Multi-party approvals” (with the fields of
multi_party_auth_review and customer_user_access, and googleads/google-ads-ruby,
fetch_and_approve_pending_multi_party_auth_reviews), “REST: authorization and HTTP
headers”, “Developer token” (sunset on 9 September 2026: optional, and ignored), “Access levels and permissible use”,
“REST: search” (10,000 rows a page) and “REST: mutates”; “CustomerStatus” (reference/rpc/v26/CustomerStatusEnum: Google
may activate a suspended account, and an admin a cancelled one) and docs/oauth/access-model (a user may reach an
account through each manager linked to it).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from connectors.base import (
    CAPABILITIES,
    GRANT,
    PAID_SOCIAL,
    Access,
    Account,
    Asset,
    AwaitsApproval,
    Connector,
    CredentialRejected,
    Field,
    Identity,
    NotRead,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.counts import plural
from connectors.effects import INVITATION_SENT, REVOKED, ROLE_CHANGED, Effect, Reach, Seat, Undo, declared
from connectors.google_ads.answers import NotUsable, part, problem, says_in
from connectors.google_ads.approvals import Trouble, customer_of, held_back, is_open, must_not_wait
from connectors.names import email_key
from connectors.quality import at_its_maker
from connectors.tools.answers import missing_from
from connectors.tools.holes import needed
from connectors.tools.http import Http, clean
from connectors.tools.http_connector import ClosesClients, api_client, version_field
from connectors.tools.oauth import refreshed
from connectors.tools.paging import Page, Seen, number, pages_by_cursor
from connectors.tools.refusals import INVITATION, must_not_be_invitation
from connectors.versions import ApiVersion

VERSION = "v26"
CLIENTS_ONLY = "CLIENTS_ONLY"  # ours: Google has no role for it
ROLES = (
    Role("ADMIN", "Admin", privileged=True),
    Role("STANDARD", "Standard", default=True),
    Role("READ_ONLY", "Read only"),
    Role("EMAIL_ONLY", "E-mail only"),
    Role(CLIENTS_ONLY, "In ad accounts below only"),
)
USERS = (
    "SELECT customer_user_access.user_id, customer_user_access.email_address, customer_user_access.access_role, "
    "customer_user_access.pending_multi_party_auth_review FROM customer_user_access"
)
INVITATIONS = (
    "SELECT customer_user_access_invitation.invitation_id, customer_user_access_invitation.email_address, "
    "customer_user_access_invitation.access_role FROM customer_user_access_invitation "
    "WHERE customer_user_access_invitation.invitation_status = 'PENDING'"
)
CLIENTS = (
    "SELECT customer_client.id, customer_client.descriptive_name, customer_client.manager FROM customer_client "
    "WHERE customer_client.level > 0 AND customer_client.status IN ('ENABLED', 'SUSPENDED')"
)
SELF = "SELECT customer.id, customer.descriptive_name FROM customer"
REVIEWS = (
    "SELECT multi_party_auth_review.multi_party_auth_review_id, multi_party_auth_review.review_status "
    "FROM multi_party_auth_review"
)


class GoogleAds(ClosesClients, Connector):
    slug = "google_ads"
    label = "Google Ads"
    category = PAID_SOCIAL
    logo = "googleads.svg"
    quality = at_its_maker("Google Ads gives access to an account below the manager only by an invitation.",
                           managers=False)  # fmt: skip
    docs = (
        "At console.cloud.google.com create a project and enable the Google Ads API in it. On its Google Ads API "
        "Overview page apply for access. Explorer access is enough for reading: it allows 2,880 operations a day, and "
        "a check takes about three for each account below. Removing people needs Basic access, for which the project's "
        "brand must be verified.",
        "In the same project create an OAuth client of the type Web application with the redirect address "
        "https://developers.google.com/oauthplayground. Publish the consent screen: while it is in testing, the "
        "refresh token of the next step expires after a week.",
        "At developers.google.com/oauthplayground choose in the settings to use your own client, enter the scope "
        "https://www.googleapis.com/auth/adwords, sign in as an admin of the manager account and exchange the code: "
        "the refresh token is what you enter here.",
        "The customer ID is shown at the top of the manager account. An ad account without a manager works as well.",
        "Google may ask a second admin to approve a removal, a change of role or an invitation. Google sends no e-mail "
        "about it. Rollcall shows that it waits, asks Google every hour, and finishes once it is approved in Google "
        "Ads. After 20 days, the request expires there.",
        "Google Ads reports neither names nor when someone was last active. Everyone with access of their own to an "
        "account below is listed, a client's own people too, but nobody who reaches it through another manager "
        "account. Cancelled and closed accounts are not read. An admin of a cancelled account can activate it again, "
        "so remove people before you cancel it. If the state of another account keeps it from being read, the check "
        "warns and keeps what is known of its people. Removals continue, except for people who are known in that "
        "account. If none of its people are known, nobody is removed. The refusal names the account to fix.",
        "To give someone access to an account below, invite them from there. Google doesn't report whose refresh "
        "token it is, so you are asked: Rollcall never removes this admin.",
    )
    fields = (
        Field("customer_id", "Customer ID", "Of the manager account.", pattern=r"[0-9]{3}-?[0-9]{3}-?[0-9]{4}",
              placeholder="123-456-7890"),
        Field("client_id", "OAuth client ID", pattern=r"\S+", placeholder="….apps.googleusercontent.com",
              of_credential=True),
        Field("client_secret", "OAuth client secret", secret=True, pattern=r"\S+"),
        Field("refresh_token", "Refresh token", secret=True, pattern=r"\S+"),
        Field("admin", "Administrator", "The e-mail address of the admin who signed in for the refresh token.",
              pattern=r"[^@\s]+@[^@\s]+", placeholder="rollcall@acme.example", of_credential=True),
        Field("developer_token", "Developer token", "Leave it empty: Google has ignored it since 9 September 2026.",
              secret=True, required=False, pattern=r"\S+"),
        version_field(VERSION, r"v[0-9]{1,3}",
                      f"Only if Google says that {VERSION} has ended: the version to use instead."),
    )  # fmt: skip
    capabilities = frozenset(CAPABILITIES) - {GRANT}
    effects = declared(
        "Google Ads API, “Managing user access”",
        remove=Effect(
            "Removes them from the manager account and every ad account below it.", Reach.WORKSPACE, Undo.IMPOSSIBLE,
            "Invite them again to each account.", frees_seat=Seat.NOT_PAID,
        ),
        change_role=ROLE_CHANGED, invite=INVITATION_SENT, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion(
        "Google Ads API", VERSION, date(2027, 10, 1),
        source="Google Ads API, “Deprecation and sunset” (a major version lives about twelve months)",
        setting="version",
    )  # fmt: skip
    asset_word = "ad account"
    api, login = "https://googleads.googleapis.com", "https://oauth2.googleapis.com"

    @api_client
    def _http(self) -> Http:
        client, secret, token, developer = (
            self.settings.get(name, "") for name in ("client_id", "client_secret", "refresh_token", "developer_token")
        )
        auth = refreshed(f"{self.login}/token", client, secret, token)
        headers = {"login-customer-id": self._manager, **({"developer-token": developer} if developer else {})}
        version = self.settings.get("version") or VERSION
        return Http(f"{self.api}/{version}", headers=headers, auth=auth, secrets=[secret, token, developer],
                    on_error=problem, says=says_in)  # fmt: skip

    @property
    def _manager(self) -> str:
        return self.settings.get("customer_id", "").replace("-", "")

    def test(self) -> Identity:
        me = next(self._rows(self._manager, SELF, "customer"), None)
        if me is None:
            raise CredentialRejected("Google Ads shows no account of this customer ID. Check it.")
        users = {row["userId"]: row.get("emailAddress") for row in self._users(self._manager)}
        mine = next((id for id, email in users.items() if self._is_mine(email)), None)
        unknown = (
            f"keep its own admin: {self.settings.get('admin')} isn't a user here. Enter the address that Google shows."
        )
        next(self._invitations(self._manager), None)
        clients = sum(1 for _ in self._clients())
        manager = f"{clean(me.get('descriptiveName')) or 'Google Ads'} ({self._manager})"
        name = f"{manager}, with {plural(clients, 'account')} below"
        return Identity(name, mine, ("read who may use them", "remove people", "change roles", "invite"),
                        () if mine else (unknown,))  # fmt: skip

    def _is_mine(self, email: object) -> bool:
        mine = email_key(self.settings.get("admin", ""))
        return bool(mine) and email_key(clean(email)) == mine

    def _must_not_be_me(self, account: Account) -> None:
        if self._is_mine(account.email):
            raise Refused("This is the admin whose refresh token Rollcall acts with. Connect as another admin first.")

    def roles(self) -> list[Role]:
        return list(ROLES)

    def accounts(self) -> Iterator[Account]:
        """Invitations come first: someone who accepts in between is then in two lists, rather than in none."""
        self.not_read = ()
        clients = list(self._clients())
        for customer in (self._manager, *clients):
            for row in self._if_usable(customer, self._invitations):
                yield self._invitation(customer, row)
        seen = Seen()
        for customer in (self._manager, *clients):
            for row in self._if_usable(customer, self._users):
                if seen.add(row["userId"]):
                    yield self._person(customer, row)

    def _if_usable(self, customer: str, read: Callable[[str], Iterator[dict]]) -> Iterator[dict]:
        """The rows of one account. One below the manager whose state keeps it from being read is noted in not_read."""
        try:
            yield from read(customer)
        except NotUsable as no:
            if customer == self._manager:
                raise
            if customer not in {part.asset for part in self.not_read}:
                self.not_read += (NotRead(customer, str(no)),)

    def _invitation(self, customer: str, row: dict) -> Account:
        id = f"{INVITATION}{customer}:{row['invitationId']}"
        return Account(id, clean(row.get("emailAddress")), status="invited", role=self._role(customer, row),
                       missing_fields=self._missing_from(customer, row))  # fmt: skip

    def _person(self, customer: str, row: dict) -> Account:
        return Account(row["userId"], clean(row.get("emailAddress")), role=self._role(customer, row),
                       missing_fields=self._missing_from(customer, row))  # fmt: skip

    def _missing_from(self, customer: str, row: dict) -> frozenset[str]:
        return missing_from(row, email="emailAddress", **({"role": "accessRole"} if customer == self._manager else {}))

    def _role(self, customer: str, row: dict) -> str:
        return clean(row.get("accessRole")) if customer == self._manager else CLIENTS_ONLY

    def _customers(self) -> Iterator[tuple[str, str]]:
        """The id of each account, and its name for a sentence."""
        yield self._manager, f"the manager account {self._manager}"
        for row in self._client_rows():
            yield row["id"], f"the account {clean(row.get('descriptiveName')) or 'without a name'} ({row['id']})"

    def _clients(self) -> Iterator[str]:
        return (row["id"] for row in self._client_rows())

    def _client_rows(self) -> Iterator[dict]:
        """Every account below, at each level; one that is linked twice is given once."""
        seen = Seen()
        for row in self._rows(self._manager, CLIENTS, "customerClient"):
            if not isinstance(row.get("id"), str):
                raise TemporarilyUnavailable("Google Ads gave an account without its ID.")
            if seen.add(row["id"]):
                yield row

    def _users(self, customer: str, id: str = "") -> Iterator[dict]:
        which = f" WHERE customer_user_access.user_id = {id}" if id else ""
        return self._rows(customer, USERS + which, "customerUserAccess", "userId")

    def _invitations(self, customer: str, id: str = "") -> Iterator[dict]:
        which = f" AND customer_user_access_invitation.invitation_id = {id}" if id else ""
        return self._rows(customer, INVITATIONS + which, "customerUserAccessInvitation", "invitationId")

    def _rows(self, customer: str, query: str, kind: str, id: str = "") -> Iterator[dict]:
        """The rows that a query finds. `kind` is the key of a row's values, `id` one that no two rows share."""

        def fetch(token: str | None) -> Page:
            body: dict[str, Any] = {"query": query, "searchSettings": {"returnTotalResultsCount": True}}
            if token:
                body["pageToken"] = token
            answer = self._http.post(f"/customers/{customer}/googleAds:search", body, idempotent=True).json(dict)
            found = answer.get("results", [])
            if not isinstance(found, list) or not answer.keys() & {"results", "fieldMask"}:
                raise TemporarilyUnavailable("Google Ads answered without what was asked for.")
            return Page(found, number(answer.get("totalResultsCount")), answer.get("nextPageToken"))

        for page in pages_by_cursor(fetch, what="rows", id_of=(lambda row: row[kind][id]) if id else None):
            for row in page:
                yield part(row, kind)

    def assets(self) -> Iterator[Asset]:
        for row in self._client_rows():
            kind = "manager account" if row.get("manager") is True else "ad account"
            yield Asset(row["id"], kind, clean(row.get("descriptiveName")) or row["id"])

    def access(self) -> Iterator[Access]:
        for customer in self._clients():
            for row in self._if_usable(customer, self._users):
                role = clean(row.get("accessRole"))
                yield Access(row["userId"], customer, role, role == "ADMIN")

    def account(self, id: str) -> Account | None:
        if invited := re.fullmatch(INVITATION + "([0-9]+):([0-9]+)", id):
            row = next(_or_refused(self._invitations(*invited.groups())), None)
            return self._invitation(invited[1], row) if row else None
        found = Trouble(self._manager)
        for customer, name in self._customers() if re.fullmatch("[0-9]+", id) else ():
            with found.collected(customer, name):
                for row in self._users(customer, id):
                    return self._person(customer, row)
        found.raise_any()
        return None

    def remove(self, account: Account) -> None:
        """Remove the person everywhere. Refusals, held requests and accounts that can't be used are raised at the
        end."""
        if account.id.startswith(INVITATION):
            self._cancel(account)
            return
        self._must_not_be_me(account)
        found = Trouble(self._manager)
        for customer, name in self._customers():
            with found.collected(customer, name):
                self._take_out(customer, account)
        found.raise_any()

    def _cancel(self, account: Account) -> None:
        _, customer, id = account.id.split(":")
        try:
            self._mutate(customer, "customerUserAccessInvitations", {
                "remove": f"customers/{customer}/customerUserAccessInvitations/{id}"
            })  # fmt: skip
        except Refused:
            if self.account(account.id) is not None:
                raise

    def _take_out(self, customer: str, account: Account) -> None:
        if (row := self._row_of(customer, account)) is None:
            return
        must_not_wait(row)
        try:
            self._mutate(customer, "customerUserAccesses", {"remove": _access_name(customer, account)})
        except Refused:
            if self._row_of(customer, account):
                raise

    def _row_of(self, customer: str, account: Account) -> dict | None:
        if not re.fullmatch("[0-9]+", account.id):
            return None  # an invitation gives access to nothing, and a query for nobody's id would find everyone
        return next(self._users(customer, account.id), None)

    def change_role(self, account: Account, role: str) -> None:
        """Change it in the manager account; access to the accounts below doesn't change."""
        must_not_be_invitation(account, "Google Ads")
        row = self._row_of(self._manager, account)
        if role == CLIENTS_ONLY or row is None:
            raise Refused(f"This role is only for people who are in the account {self._manager} itself.")
        self._must_not_be_me(account)
        must_not_wait(row)
        update = {"resourceName": _access_name(self._manager, account), "accessRole": needed(role, "role")}
        self._mutate(self._manager, "customerUserAccesses", {"update": update, "updateMask": "accessRole"})

    def invite(self, email: str, role: str) -> None:
        """Into the manager account."""
        pending = self._invitations(self._manager)
        if not any(email_key(clean(row.get("emailAddress"))) == email_key(email) for row in pending):
            create = {"emailAddress": email, "accessRole": role or "STANDARD"}
            self._mutate(self._manager, "customerUserAccessInvitations", {"create": create}, idempotent=False)

    def revoke(self, account: Account, asset: Asset) -> None:
        try:
            self._take_out(asset.id, account)
        except NotUsable as no:
            raise Refused(f"The account {asset.name or asset.id} can't be used. {no}") from no

    def require_approved(self, requests: tuple[str, ...]) -> None:
        waiting = []
        for customer in dict.fromkeys(map(customer_of, requests)):
            found = self._rows(customer, REVIEWS, "multiPartyAuthReview")
            states = {row.get("resourceName"): clean(row.get("reviewStatus")) for row in _or_refused(found)}
            mine = [request for request in requests if customer_of(request) == customer]
            waiting += [request for request in mine if is_open(states.get(request, ""), customer)]
        if waiting:
            raise AwaitsApproval(held_back(map(customer_of, waiting)), tuple(waiting))

    def _mutate(self, customer: str, kind: str, operation: dict, idempotent: bool = True) -> None:
        path = f"/customers/{customer}/{kind}:mutate"
        answer = self._http.operate("POST", path, json={"operation": operation}, idempotent=idempotent)
        result = answer.json(dict).get("result")
        if isinstance(result, dict) and (review := clean(result.get("multiPartyAuthReview"))):
            raise AwaitsApproval(held_back([customer]), (review,))


def _or_refused(rows: Iterator[dict]) -> Iterator[dict]:
    """An account that can't be used in its state says nothing about the credential."""
    try:
        yield from rows
    except NotUsable as no:
        raise Refused(str(no)) from no


def _access_name(customer: str, account: Account) -> str:
    return f"customers/{customer}/customerUserAccesses/{account.id}"
