"""LinkedIn's ad accounts, their users and its token endpoints, as learn.microsoft.com/linkedin describes them."""

from __future__ import annotations

from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat, Thing

# “Ad Account Users API”, “Create and Manage Ad Accounts”, “Cursor Based Pagination”, “Pagination”, “Programmatic
# Refresh Tokens”, “Token Introspection”; the key as in linkedin.github.io/rest.li/spec/protocol
CLIENT = ("client_id", "client_secret")
USERS, PAIR = "/rest/adAccountUsers", "/rest/adAccountUsers/(account:{account},user:{user})"
MINE = Fact("GET", USERS, "mine", ("q", "start", "count"), (), ("q",))
FACTS = (
    MINE,
    Fact("GET", USERS, "users", ("q", "accounts", "start", "count"), (), ("q", "accounts")),
    Fact("GET", "/rest/adAccounts", "ad_accounts", ("q", "search", "pageSize", "pageToken"), (), ("q",)),
    Fact("PUT", PAIR, "create", (), ("account", "user", "role"), ("account", "user", "role")),
    Fact("POST", PAIR, "update", (), ("patch",), ("patch",)),
    Fact("DELETE", PAIR, "delete"),
    Fact("POST", "/oauth/v2/accessToken", "give_token", (), ("grant_type", "refresh_token", *CLIENT),
         ("grant_type", "refresh_token", *CLIENT)),
    Fact("POST", "/oauth/v2/introspectToken", "inspect", (), ("token", *CLIENT), ("token", *CLIENT)),
)  # fmt: skip
ROLES = {"ACCOUNT_BILLING_ADMIN", "ACCOUNT_MANAGER", "CAMPAIGN_MANAGER", "CREATIVE_MANAGER", "VIEWER"}
ACCOUNT, ME, HOME = "urn:li:sponsoredAccount:", "urn:li:person:ME_1", "1"


class FakeLinkedIn(FakeApp):
    """The members in `seats` use the ad account "1"; each thing is another ad account with its own members.

    The credential's own member isn't among them, because the contract counts `seats`: see `shows_me`.
    """

    account_list = "users"
    reads = ("give_token", "inspect")
    reaches = {Reach.ASSET: ("create", "update", "delete")}
    facts = FACTS
    secret, refresh_token = "cl1ents3cret", "r3fresht0ken"

    def __init__(self):
        super().__init__()
        self.my_roles = {}  # ad account → role; of the others the member is account manager
        self.statuses = {}  # ad account → status; the others are ACTIVE
        self.scope = "r_ads,rw_ads"
        self.lasts = 5184000  # seconds, of an access token
        self.shows_me = False
        self.most, self.sends_total = 1000, True  # whether paging has a total
        self.pages = True  # whether start and count are heeded: the sample answers of the documentation hold it all

    def _fact(self, request: Request) -> tuple[Fact, dict[str, str]] | None:
        found = super()._fact(request)
        return (FACTS[1], {}) if found and found[0] is MINE and request.params.get("q") == "accounts" else found

    def is_authorised(self, request: Request) -> bool:
        if not request.path.startswith("/rest/"):
            return True
        assert request.headers["x-restli-protocol-version"] == "2.0.0" and request.headers["linkedin-version"]
        return request.headers.get("authorization") == f"Bearer {self.token}"

    def unauthorised(self) -> Reply:
        return self.error(401, "Invalid access token")

    def error(self, status: int, words: str) -> Reply:
        return Reply(status, {"message": words, "serviceErrorCode": 65600, "status": status})

    # Tokens

    def give_token(self, request: Request) -> Any:
        form = request.body
        assert form["grant_type"] == "refresh_token" and form["client_id"] == "77abc"
        if (form["client_secret"], form["refresh_token"]) != (self.secret, self.refresh_token):
            return Reply(400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."})
        return {"access_token": self.token, "expires_in": self.lasts, "refresh_token": self.refresh_token,
                "refresh_token_expires_in": 31535999}  # fmt: skip

    def inspect(self, request: Request) -> dict:
        assert request.body["token"] == self.token and request.body["client_secret"] == self.secret
        return {"active": True, "client_id": "77abc", "status": "active", "scope": self.scope, "auth_type": "3L"}

    # Ad accounts

    @property
    def _all(self) -> list[tuple[str, str]]:
        return [(HOME, "Acme"), *((thing.id, thing.name) for thing in self.things)]

    def ad_accounts(self, request: Request) -> dict:
        assert request.params["q"] == "search"
        size, start = request.number("pageSize", 100), int(request.params.get("pageToken", "t0")[1:])
        rows = [{"id": int(id), "name": name, "status": self.statuses.get(id, "ACTIVE"), "type": "BUSINESS"}
                for id, name in self._all]  # fmt: skip
        more = {"nextPageToken": f"t{start + size}"} if start + size < len(rows) else {}
        return {"elements": rows[start : start + size], "metadata": more}

    # Their users

    def mine(self, request: Request) -> dict:
        assert request.params["q"] == "authenticatedUser"
        rows = [self._row(id, ME, self.my_roles.get(id, "ACCOUNT_MANAGER")) for id, _ in self._all]
        return self._page(request, rows, len(rows))

    def users(self, request: Request) -> Any:
        listed = request.params["accounts"]
        assert listed.startswith("List(" + ACCOUNT) and listed.endswith(")")
        ad_account = listed[len("List(" + ACCOUNT) : -1]
        if self.my_roles.get(ad_account, "ACCOUNT_MANAGER") not in ("ACCOUNT_MANAGER", "ACCOUNT_BILLING_ADMIN"):
            rows = [self._row(ad_account, ME, self.my_roles[ad_account])]
            return self._page(request, rows, 1)
        if ad_account == HOME:
            rows = [self._row(HOME, seat.id, seat.role) for seat in self.listed]
        else:
            rows = [self._row(ad_account, id, role) for id, role in self.thing(ad_account).members.items()]
        rows += [self._row(ad_account, ME, "ACCOUNT_MANAGER")] if self.shows_me else []
        return self._page(request, rows, len(rows) + self.lie)

    @staticmethod
    def _row(ad_account: str, user: str, role: str) -> dict:
        stamps = {"created": {"time": 1509484815000}, "lastModified": {"time": 1509484815000}}
        return {"account": ACCOUNT + ad_account, "changeAuditStamps": stamps, "role": role, "user": user}

    def _page(self, request: Request, rows: list[dict], total: int) -> dict:
        start, count = (request.number("start", 0), request.number("count", 10)) if self.pages else (0, 2147483647)
        count = min(count, self.most) if self.pages else count
        shown, values = rows[start : start + count], {"total": total} if self.sends_total else {}
        return {"elements": shown, "paging": {"start": start, "count": count, "links": [], **values}}

    def create(self, request: Request) -> Reply:
        ad_account, user = self._pair(request)
        body = request.body
        assert body["role"] in ROLES and (body["account"], body["user"]) == (ACCOUNT + ad_account, user)
        if ad_account == HOME:
            self.seats.append(Seat(user, role=body["role"]))
        else:
            self.thing(ad_account).members[user] = body["role"]
        return Reply(201)

    def update(self, request: Request) -> Reply:
        ad_account, user = self._pair(request)
        assert request.headers["x-restli-method"] == "PARTIAL_UPDATE"
        role = request.body["patch"]["$set"]["role"]
        assert role in ROLES
        self._must_keep_billing_admin(ad_account, user)
        if ad_account == HOME:
            self.seat(user).role = role
        else:
            assert user in self.thing(ad_account).members
            self.thing(ad_account).members[user] = role
        return Reply(204)

    def delete(self, request: Request) -> Reply:
        ad_account, user = self._pair(request)
        self._must_keep_billing_admin(ad_account, user)
        gone = self.seat(user) if ad_account == HOME else self.thing(ad_account).members.pop(user, None)
        if gone is None:
            return self.error(404, "Ad account user was not found")
        if ad_account == HOME:
            self.seats.remove(gone)
        return Reply(204)

    def _must_keep_billing_admin(self, ad_account: str, user: str) -> None:
        """“Ad accounts must have a billing admin. To remove a billing admin, you'll need to add another billing admin
        first” (LinkedIn Help, “Remove a User from an Ad Account”). What the API answers is not documented."""
        roles = {seat.id: seat.role for seat in self.seats} if ad_account == HOME else self.thing(ad_account).members
        assert [id for id, role in roles.items() if role == "ACCOUNT_BILLING_ADMIN"] != [user], "the only billing admin"

    def _pair(self, request: Request) -> tuple[str, str]:
        assert "urn%3Ali%3AsponsoredAccount%3A" in request.path, "a key's values are encoded"
        return request.ids["account"].removeprefix(ACCOUNT), request.ids["user"]

    def add(self, id: str, name: str, **members: str) -> Thing:
        self.things.append(Thing(id, name, members={f"urn:li:person:{who}": role for who, role in members.items()}))
        return self.things[-1]
