"""LinkedIn Ads: the ad accounts that a member manages, who may use them, and in which role.
Removal takes a person out of each of these ad accounts; they keep their own LinkedIn profile.

Calls, fields and roles as in learn.microsoft.com/linkedin: “Ad Account Users API” (both finders, compound key, PUT,
partial update, DELETE), “Account Access Controls” (only a manager sees the others), “Create and Manage Ad Accounts”
(search, statuses), “Cursor Based Pagination”, “Pagination” (start, count), “Methods” (X-RestLi-Method), “Protocol
Versions” and linkedin.github.io/rest.li/spec/protocol (how keys and lists are written in 2.0.0), “API versioning”
and “Recent Marketing API Changes” (versions, 426), “Programmatic Refresh Tokens”, “Token Introspection”, “Rate Limits”
(429). Names: “Profile API” says that those of members other than the one who signed in may never be stored, so they are
not asked for. Billing admins: the note on roles in “Ad Account Users API” (each ad account has one, who is billed), and
LinkedIn Help, “Remove a User from an Ad Account” (another one first) and “Edit a user's role” (what a change does).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from functools import cached_property

from connectors.base import (
    CAPABILITIES,
    CHANGE_ROLE,
    INVITE,
    PAID_SOCIAL,
    Access,
    Account,
    Asset,
    ConnectorError,
    CredentialRejected,
    Field,
    Identity,
    NotRead,
    PartsUnread,
    Refused,
    Role,
)
from connectors.effects import GRANTED, REVOKED, Effect, Reach, Seat, Undo, declared
from connectors.quality import at_its_maker
from connectors.tools.answers import list_in
from connectors.tools.http import Answer, Forbidden, Http, NotFound, clean, segment
from connectors.tools.http_connector import HttpConnector, bearer, token_field, version_field
from connectors.tools.oauth import refreshed
from connectors.tools.paging import Page, number, pages_by_cursor, pages_by_offset
from connectors.tools.renewal import Renewed
from connectors.versions import ApiVersion

USERS_PAGE, ACCOUNTS_PAGE = 100, 100
ROLES = (
    Role("ACCOUNT_BILLING_ADMIN", "Billing admin", privileged=True),
    Role("ACCOUNT_MANAGER", "Account manager", privileged=True),
    Role("CAMPAIGN_MANAGER", "Campaign manager"),
    Role("CREATIVE_MANAGER", "Creative manager"),
    Role("VIEWER", "Viewer", default=True),
)
BILLING_ADMIN = "ACCOUNT_BILLING_ADMIN"
RANK = {role.id: place for place, role in enumerate(ROLES)}
MANAGES = {role.id for role in ROLES if role.privileged}
VERSION = "202607"  # supported for at least a year from its month
VERSION_NOT_ACTIVE = 426  # {"code": "NONEXISTENT_VERSION"}: it has ended, or there never was one of this month
IN_CAMPAIGN_MANAGER = "In Campaign Manager, open Account settings, Manage access"


def _end_of(version: str) -> date:
    """The first day of the month a year later, from which on LinkedIn may end a version."""
    return date(int(version[:4]) + 1, int(version[4:6]), 1)


class LinkedInAds(HttpConnector):
    slug = "linkedin_ads"
    label = "LinkedIn Ads"
    logo = "own-linkedin-ads.svg"
    category = PAID_SOCIAL
    quality = at_its_maker("LinkedIn's API doesn't invite by e-mail, and a role belongs to one ad account.",
                           managers=False)  # fmt: skip
    docs = (
        "At linkedin.com/developers create an app, and under Products request the Advertising API. LinkedIn reviews "
        "each app.",
        "Let a member who is Account manager or Billing admin of your ad accounts authorise the app with the scope "
        "rw_ads (r_ads is enough for reading), by the OAuth 2.0 authorisation code flow.",
        "LinkedIn gives approved partners a refresh token, which is good for a year. Everyone else has an access "
        "token, which is good for 60 days (developer portal: “OAuth token tools”): enter a new one before it ends.",
        "LinkedIn gives neither e-mails nor when someone was last active, and forbids storing other people's names. "
        "So people are shown by their LinkedIn ID, with their roles and ad accounts: compare these with Campaign "
        "Manager, Account settings, Manage access, and match each person by hand once. The IDs belong to this app: "
        "another app would get different ones.",
        "Ad accounts that the member doesn't manage are left out, as LinkedIn doesn't show who uses them. If Rollcall "
        "knows people there, from a time when the member managed it, they are kept and the check warns. An ad account "
        "that the member no longer sees at all leaves Rollcall, with the people who are in no other. LinkedIn's API "
        "can't invite by e-mail. Pages and access through a Business Manager are not read.",
        "An ad account always has a billing admin, who is billed. Rollcall never removes the only one and never makes "
        "someone billing admin. Do that in Campaign Manager: LinkedIn then puts the ad account on hold until the new "
        "billing admin has entered the billing information.",
    )
    fields = (
        Field("way", "Credential", choices=(("refresh", "Refresh token"), ("token", "Access token for 60 days"))),
        Field("client_id", "Client ID", "Of the app, in the developer portal under Auth.", pattern=r"\S+",
              when=("way", "refresh"), of_credential=True),
        Field("client_secret", "Client secret", secret=True, pattern=r"\S+", when=("way", "refresh")),
        Field("refresh_token", "Refresh token", secret=True, pattern=r"\S+", when=("way", "refresh")),
        token_field("Access token", when=("way", "token")),
        version_field(VERSION, r"20[0-9]{4}(\.[0-9]{2})?",
                      f"Only if LinkedIn says that {VERSION} isn't active: a month that it lists."),
    )  # fmt: skip
    capabilities = frozenset(CAPABILITIES) - {CHANGE_ROLE, INVITE}
    effects = declared(
        "Microsoft Learn, “Ad Account Users API”",
        remove=Effect(
            "Removes them from each ad account that is connected, except where they are the only billing admin. They "
            "keep their own LinkedIn profile.",
            Reach.WORKSPACE, Undo.POSSIBLE, "Give them their role in each ad account again.", frees_seat=Seat.NOT_PAID,
        ),
        grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion(
        "LinkedIn Marketing API", VERSION, _end_of(VERSION),
        source="Microsoft Learn, “LinkedIn Marketing API versioning” (a month's version lives a year)",
        setting="version", end_of=_end_of,
    )  # fmt: skip
    asset_word = "ad account"
    asset_roles_by_hand = frozenset({("ad account", BILLING_ADMIN)})
    role_word = "highest role"
    api = "https://api.linkedin.com/rest"
    oauth = "https://www.linkedin.com/oauth/v2"

    @property
    def _headers(self) -> dict[str, str]:
        credential = {} if self._refreshes else bearer(self._token)
        return {"LinkedIn-Version": self._version, "X-Restli-Protocol-Version": "2.0.0", **credential}

    @cached_property
    def _auth(self) -> Renewed | None:
        if not self._refreshes:
            return None
        values = [self.settings.get(name, "") for name in ("client_id", "client_secret", "refresh_token")]
        return refreshed(f"{self.oauth}/accessToken", *values)

    @property
    def _refreshes(self) -> bool:
        return self.settings.get("way") != "token"

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        return _version_not_active(answer, self._version)

    @property
    def _version(self) -> str:
        return self.settings.get("version") or VERSION

    def test(self) -> Identity:
        me, managed, others = self._ad_accounts()
        missing = []
        if others:
            missing.append("see who uses some ad accounts: make the LinkedIn member Account manager of "
                           f"{_several(others)}.")  # fmt: skip
        if self._refreshes and "rw_ads" not in self._scopes():
            missing.append("remove people and change roles: let the member authorise the app with the scope rw_ads.")
        name = f"a manager of {_several(managed)}"
        return Identity(name, me, ("read people and ad accounts",), tuple(missing))

    def _ad_accounts(self) -> tuple[str, list[tuple[str, str]], list[tuple[str, str]]]:
        """The LinkedIn member; id and name of each ad account that they manage, and of the others that they see.

        LinkedIn shows the people of an ad account to its managers alone.
        """
        mine = list(self._users("q=authenticatedUser", "ad accounts", "account"))
        roles = {_tail(row["account"]): row.get("role") for row in mine}
        managed, others = [], []
        for id, name in self._named():
            (managed if roles.get(id) in MANAGES else others).append((id, name))
        if not managed:
            raise CredentialRejected("The LinkedIn member manages no ad account, so LinkedIn shows nobody. Make them "
                                     "Account manager in Campaign Manager, or let a manager authorise it.")  # fmt: skip
        return mine[0]["user"], managed, others

    def _scopes(self) -> list[str]:
        token = self._auth.headers["Authorization"].removeprefix("Bearer ")
        form = {"client_id": self.settings["client_id"], "client_secret": self.settings["client_secret"]}
        http = Http(self.oauth, secrets=[token, form["client_secret"]])
        try:
            introspected = http.post("/introspectToken", data={**form, "token": token}, idempotent=True).json(dict)
        finally:
            http.close()
        return re.split(r"[,\s]+", clean(introspected.get("scope")))

    def roles(self) -> list[Role]:
        return list(ROLES)

    def accounts(self) -> Iterator[Account]:
        """Each person once, with the highest role that they have: LinkedIn knows them by ad account."""
        highest: dict[str, str] = {}
        _, managed, others = self._ad_accounts()
        self.not_read = _not_read(others)
        for id, _ in managed:
            for person, role in self._users_of(id):
                if person not in highest or RANK.get(role, len(RANK)) < RANK.get(highest[person], len(RANK)):
                    highest[person] = role
        self.on_total(len(highest))
        yield from (Account(id=person, role=role) for person, role in highest.items())

    def assets(self) -> Iterator[Asset]:
        return (Asset(id, "ad account", name) for id, name in self._managed())

    def access(self) -> Iterator[Access]:
        for id, _ in self._managed():
            for person, role in self._users_of(id):
                yield Access(person, id, role, role in MANAGES)

    def _managed(self) -> list[tuple[str, str]]:
        return self._ad_accounts()[1]

    def _named(self) -> Iterator[tuple[str, str]]:
        """Every ad account of every status; removed ones stay in LinkedIn's list only for their figures."""

        def fetch(token: str | None) -> Page:
            answer = self._http.get("/adAccounts", {"q": "search", "pageSize": ACCOUNTS_PAGE}
                                    | ({"pageToken": token} if token else {}))  # fmt: skip
            return Page(_elements(answer), None, (answer.json(dict).get("metadata") or {}).get("nextPageToken"))

        for page in pages_by_cursor(fetch, what="ad accounts"):
            for row in page:
                if row.get("status") != "REMOVED":
                    yield str(row["id"]), clean(row.get("name")) or str(row["id"])

    def _users_of(self, ad_account: str) -> Iterator[tuple[str, str]]:
        finder = f"q=accounts&accounts=List({_urn(ad_account)})"
        for row in self._users(finder, "people of the ad account", "user"):
            yield row["user"], clean(row.get("role"))

    def _users(self, finder: str, what: str, key: str) -> Iterator[dict]:
        """`finder` is written out, as the brackets of a list must come unencoded. Some answers in the documentation
        hold everything, whatever was asked for: their `paging` then says that the page has room for far more."""

        def fetch(start: int) -> Page:
            answer = self._http.get(f"/adAccountUsers?{finder}", {"start": start, "count": USERS_PAGE})
            rows, paging = _elements(answer), answer.json(dict).get("paging") or {}
            place_for = number(paging.get("count")) or 0
            is_all = place_for > max(USERS_PAGE, len(rows))
            return Page(rows, number(paging.get("total")), more=False if is_all else None)

        for page in pages_by_offset(fetch, size=USERS_PAGE, what=what, id_of=lambda row: row[key]):
            yield from page

    def account(self, id: str) -> Account | None:
        found = next((account for account in self.accounts() if account.id == id), None)
        if found is None:
            _raise_any(self.not_read)
        return found

    def remove(self, account: Account) -> None:
        """From every ad account. If one refuses, the person is still removed from the others."""
        refused = []
        _, managed, others = self._ad_accounts()
        for id, name in managed:
            try:
                self._take_out(account.id, id)
            except Refused as no:
                refused.append(f"{name}: {no}")
        if refused:
            raise Refused(" ".join(refused))
        _raise_any(_not_read(others))

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        if role == BILLING_ADMIN:
            raise Refused(f"Rollcall makes nobody billing admin, because that person is billed. {IN_CAMPAIGN_MANAGER}, "
                          "and choose them there.")  # fmt: skip
        users = dict(self._users_of(asset.id))
        here = users.get(account.id)
        path = _pair(account.id, asset.id)
        if here is None:
            body = {"account": f"urn:li:sponsoredAccount:{asset.id}", "user": account.id, "role": role or "VIEWER"}
            self._http.operate("PUT", path, json=body)
        elif role and here != role:
            _must_keep_billing_admin(users, account.id)
            change = {"patch": {"$set": {"role": role}}}
            headers = {"X-RestLi-Method": "PARTIAL_UPDATE"}
            self._http.operate("POST", path, json=change, headers=headers, idempotent=True)

    def revoke(self, account: Account, asset: Asset) -> None:
        self._take_out(account.id, asset.id)

    def _take_out(self, person: str, ad_account: str) -> None:
        users = dict(self._users_of(ad_account))
        if person in users:
            _must_keep_billing_admin(users, person)
            with suppress(NotFound):
                self._http.operate("DELETE", _pair(person, ad_account))


def _must_keep_billing_admin(roles: dict[str, str], person: str) -> None:
    """Raises Refused if the person is the ad account's only billing admin; `roles` has the role of each of its users.

    An account manager doesn't replace them, and LinkedIn doesn't document what its API answers.
    """
    if [one for one, role in roles.items() if role == BILLING_ADMIN] == [person]:
        raise Refused(
            "This is the ad account's only billing admin, so nothing was changed there. "
            f"{IN_CAMPAIGN_MANAGER}, and make someone else billing admin. Then try again."
        )


def _urn(ad_account: str) -> str:
    return segment(f"urn:li:sponsoredAccount:{ad_account}")


def _pair(person: str, ad_account: str) -> str:
    """Where one person's access to one ad account is: a compound key, its values encoded."""
    return f"/adAccountUsers/(account:{_urn(ad_account)},user:{segment(person)})"


def _not_read(others: list[tuple[str, str]]) -> tuple[NotRead, ...]:
    """They matter only where people are known, from a time when the member managed the ad account."""
    return tuple(
        NotRead(id, f"LinkedIn shows who uses “{name}” to its managers alone. Make the LinkedIn member whose token "
                    "Rollcall has Account manager there, or take that member out of it.", if_known=True)
        for id, name in others
    )  # fmt: skip


def _raise_any(parts: tuple[NotRead, ...]) -> None:
    if parts:
        raise PartsUnread(f"This person may still have access to an ad account. {parts[0].why}", parts)


def _several(ad_accounts: list[tuple[str, str]]) -> str:
    more = f" and {len(ad_accounts) - 3} more" if len(ad_accounts) > 3 else ""
    return ", ".join(name for _, name in ad_accounts[:3]) + more


def _tail(urn: str) -> str:
    return urn.rpartition(":")[2]


def _elements(answer: Answer) -> list[dict]:
    return list_in(answer.json(dict), "elements", answer.asked)


def _version_not_active(answer: Answer, version: str) -> ConnectorError | None:
    """LinkedIn answers this for a month whose version has ended, and for a month that has none."""
    if answer.status != VERSION_NOT_ACTIVE:
        return None
    return Forbidden(
        f"{answer.asked}: LinkedIn says that version {version} of its API isn't active. On the app's Settings, enter a "
        "version that is listed as active at learn.microsoft.com/linkedin/marketing/integrations/migrations."
    )
