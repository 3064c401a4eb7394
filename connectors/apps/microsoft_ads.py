"""Microsoft Advertising: who may use a manager account and its ad accounts, and the invitations that wait.
A removal deletes the user of this manager account; the person keeps their own Microsoft account.

Calls, fields and errors as in Microsoft's own documents (github.com/MicrosoftDocs/Advertising, bingads-13):
“GetUsersInfo”, “GetUser”, “CustomerRole”, “UserLifeCycleStatus”, “SearchUserInvitations”, “UserInvitation” (the API
can't cancel one), “GetAccountsInfo”, “AccountLifeCycleStatus”, “DeleteUser” (Super Admin, time stamp, primary users),
“UpdateUserRoles” (an empty list of accounts means all of them), “Account Hierarchy and User Permissions” (roles), “User
roles” of Microsoft Advertising's help (hlp_ba_conc_ssuserroles: who may view all users), “Get access and refresh
tokens”, “Handling Service Errors and Exceptions” and “Operation Error Codes”. The addresses of the REST calls, their
methods and the statuses of errors also as in Microsoft's client, github.com/BingAds/BingAds-Java-SDK.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from types import MappingProxyType

from connectors.base import (
    ASSETS,
    LOOK_UP,
    PAID_SOCIAL,
    REMOVE,
    Access,
    Account,
    Asset,
    ConnectorError,
    CredentialRejected,
    Field,
    Identity,
    RateLimited,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.effects import Effect, Reach, Seat, Undo, declared
from connectors.quality import Missing, Rule, at_its_maker
from connectors.tools.answers import RATE_LIMITED, known_status, missing_from, no_list
from connectors.tools.holes import needed
from connectors.tools.http import Answer, Forbidden, NotFound, Stale, clean, seconds_to_wait
from connectors.tools.http_connector import HttpConnector
from connectors.tools.oauth import refreshed
from connectors.tools.paging import Page, number, pages_by_cursor
from connectors.tools.refusals import INVITATION
from connectors.tools.renewal import Renewed
from connectors.tools.times import from_iso
from connectors.versions import ApiVersion

SCOPE = "https://ads.microsoft.com/msads.manage offline_access"
SUPER_ADMIN, AGGREGATOR = "41", "33"
ROLES = (  # the first that someone has is the main one
    Role(SUPER_ADMIN, "Super Admin", privileged=True),
    Role(AGGREGATOR, "Aggregator", privileged=True),
    Role("203", "Standard user"),
    Role("16", "Advertiser campaign manager"),
    Role("100", "Viewer", default=True),
)
RANK = {role.id: place for place, role in enumerate(ROLES)}
MANAGES = {role.id for role in ROLES if role.privileged}
SEES_EVERYONE = {*MANAGES, "203"}
STATUSES = MappingProxyType({"Active": "active", "Pending": "invited", "Inactive": "suspended"})
DELETED = "Deleted"
NO_ACCOUNTS = "LinkedEntityOnly"  # a CustomerLinkPermission: none of the manager account's own ad accounts
SIGN_IN = {105, 108, 109, 116, 120, 122, 123, 124, 125, 126}  # error codes about the token and its person
INTERNAL, NOT_AUTHORISED, TOO_MANY, OTHER_TIME_STAMP, NO_SUCH_ENTITY, VERSION_ENDED = 0, 106, 117, 209, 210, 303
WAIT = 61  # seconds: “you can resubmit the request after waiting 60 seconds”
PRIMARY = "If they are the primary contact of an ad account, choose another one first."
IN_USERS = "in Microsoft Advertising, under Settings, Account access"


class MicrosoftAds(HttpConnector):
    slug = "microsoft_ads"
    label = "Microsoft Advertising"
    logo = "own-microsoft-ads.svg"
    category = PAID_SOCIAL
    quality = at_its_maker(
        "Microsoft's API can't cancel an invitation, and invites only with first and last name. Its change of role "
        "takes an empty list of ad accounts for all of them, so Rollcall doesn't use it.",
        {Rule.CREDENTIAL_END: Missing("Microsoft replaces the refresh token at each renewal, and Rollcall keeps one.")},
        managers=False,
    )
    docs = (
        "At ads.microsoft.com sign in as a Super Admin of the manager account, open Settings, Developer settings "
        "(ads.microsoft.com/cc/Settings/DevSettings), and choose “Request Token”: this is the developer token.",
        "At portal.azure.com open App registrations, New registration. As supported account types choose “Accounts in "
        "any organizational directory and personal Microsoft accounts”, which can't be changed later. Under Redirect "
        "URIs add http://localhost as a web application. Copy the application (client) ID. Under Certificates & "
        "secrets create a client secret and note when it expires.",
        "Open https://login.microsoftonline.com/common/oauth2/v2.0/authorize?client_id=CLIENT_ID&response_type=code&"
        "redirect_uri=http://localhost&prompt=login&scope=https://ads.microsoft.com/msads.manage%20offline_access "
        "with your client ID, and sign in as a Super Admin, with multi-factor authentication. Your browser then shows "
        "a page that can't be opened: copy the code from its address.",
        "Exchange the code within minutes, and enter the refresh_token of the answer here. Microsoft doesn't say how "
        "long it is valid. It can expire after 90 days, or when the password changes: Rollcall then asks you to enter "
        "a new one. The command: curl https://login.microsoftonline.com/common/oauth2/v2.0/token -d "
        "client_id=CLIENT_ID --data-urlencode client_secret=CLIENT_SECRET -d code=CODE -d "
        "redirect_uri=http://localhost -d grant_type=authorization_code -d "
        "scope=https://ads.microsoft.com/msads.manage%20offline_access",
        "The customer ID is the number after cid= in the address of ads.microsoft.com, not the account number.",
        "Rollcall reads the users of this manager account. People who have access through an agency's linked manager "
        "account are users there: connect that one too. Microsoft doesn't report when someone was last active.",
        "A user who is the primary contact of an ad account can't be deleted: choose another contact in the ad "
        f"account's settings first. Invitations are shown while they are open. Cancel them {IN_USERS}: the API can't.",
    )
    fields = (
        Field("customer_id", "Customer ID", "Of the manager account.", pattern=r"[0-9]+"),
        Field("developer_token", "Developer token", secret=True, pattern=r"\S+"),
        Field("client_id", "Application (client) ID", pattern=r"\S+", of_credential=True),
        Field("client_secret", "Client secret", secret=True, pattern=r"\S+"),
        Field("refresh_token", "Refresh token", secret=True, pattern=r"\S+"),
    )
    capabilities = frozenset({LOOK_UP, ASSETS, REMOVE})
    effects = declared(
        "Microsoft Advertising, “DeleteUser” and “User”",
        remove=Effect(
            "Deletes their user in this manager account and all its ad accounts. Their users in other manager "
            "accounts stay, and so does their Microsoft account. An open invitation can't be removed from here.",
            Reach.WORKSPACE, Undo.IMPOSSIBLE, "Invite them again.", frees_seat=Seat.NOT_PAID,
        ),
    )  # fmt: skip
    api_version = ApiVersion(
        "Bing Ads API", "v13",
        source="Microsoft Advertising, “Migrate to REST” (SOAP ends on 31 January 2027, REST has no end announced)",
    )  # fmt: skip
    asset_word = "ad account"
    api = "https://clientcenter.api.bingads.microsoft.com/CustomerManagement/v13"
    login = "https://login.microsoftonline.com/common/oauth2/v2.0"
    patience = 65  # seconds: calls are limited by the minute

    @property
    def _headers(self) -> dict[str, str]:
        return {"DeveloperToken": self.settings.get("developer_token", "")}

    @cached_property
    def _auth(self) -> Renewed:
        values = [self.settings.get(name, "") for name in ("client_id", "client_secret", "refresh_token")]
        return refreshed(f"{self.login}/token", *values, secrets=self._secrets, scope=SCOPE)

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        return _problem(answer)

    @property
    def _customer(self) -> str:
        return needed(self.settings.get("customer_id", ""), "customer ID")

    def test(self) -> Identity:
        """Whose token it is: GetUser returns one of this person's users, of whichever manager account."""
        answer = self._me()
        me, users = _user_name(answer), list(self._users())
        self._must_be_whole(answer, users)
        mine = next((row for row in users if me and _is_named(row, me)), None)
        if mine is None:
            raise self._stranger(me)
        next(self._invitations(), None)
        missing = ()
        if SUPER_ADMIN not in self._roles_in(answer):
            missing = (f"remove people: make {me} Super Admin {IN_USERS}.",)
        return Identity(f"{me}, manager account {self._customer}", str(mine["Id"]),
                        ("read users, roles, ad accounts and invitations",), missing)  # fmt: skip

    def _me(self) -> dict:
        """One of the users of the person who signed in, of whichever manager account."""
        return self._ask("/User/Query", {})

    def _must_be_whole(self, me: dict, users: list[dict]) -> None:
        """Raises CredentialRejected if the list may lack users, because of who signed in."""
        name, roles = _user_name(me), set(self._roles_in(me))
        if name and not any(_is_named(row, name) for row in users):
            raise self._stranger(name)
        if roles and not roles & SEES_EVERYONE:
            raise CredentialRejected(f"{name} may not see every user of the manager account. Nothing was changed. Sign "
                                     "in as one of its Super Admins.")  # fmt: skip

    def _stranger(self, name: str) -> CredentialRejected:
        return CredentialRejected(
            f"{name or 'The person who signed in'} isn't a user of the manager account {self._customer}. Check the "
            "customer ID, or sign in as one of its Super Admins."
        )

    def roles(self) -> list[Role]:
        return list(ROLES)

    def accounts(self) -> Iterator[Account]:
        """Invitations come first: someone who accepts in between is then in two lists, rather than in none."""
        for row in self._invitations():
            yield self._invitation(row)
        users = list(self._users())
        self._must_be_whole(self._me(), users)
        for row in users:
            if found := self._user(str(row["Id"])):
                yield self._person(found)

    def _users(self) -> Iterator[dict]:
        """Id and user name of each user who isn't deleted: GetUsersInfo gives those of one status, in one piece."""
        statuses = list(STATUSES)

        def fetch(cursor: str | None) -> Page:
            status = cursor or statuses[0]
            rows = self._list("/UsersInfo/Query", "UsersInfo", {"CustomerId": self._customer, "StatusFilter": status})
            return Page(rows, next=dict(zip(statuses, statuses[1:])).get(status))

        for page in pages_by_cursor(fetch, what="users", id_of=lambda row: row["Id"]):
            yield from page

    def _user(self, id: str) -> dict | None:
        """GetUser's answer about a user who was listed a moment ago; None if they have been deleted since."""
        try:
            answer = self._ask("/User/Query", {"UserId": id})
        except NotFound as gone:
            raise TemporarilyUnavailable(f"The list of users changed while it was read. {gone}") from gone
        user = answer.get("User")
        if not isinstance(user, dict) or clean(user.get("Id")) != id:
            raise TemporarilyUnavailable(f"Microsoft Advertising answered without the user {id}.")
        return None if user.get("UserLifeCycleStatus") == DELETED else answer

    def _person(self, answer: dict) -> Account:
        user, roles = answer["User"], self._roles_in(answer)
        signs_in_with, name = clean(user.get("UserName")), user.get("Name") or {}
        silent = missing_from(answer, name={("User", "Name", "FirstName"), ("User", "Name", "LastName")},
                      email=("User", "UserName"), user_name=("User", "UserName"),
                      status=("User", "UserLifeCycleStatus"))  # fmt: skip
        return Account(
            id=clean(user["Id"]),
            email=signs_in_with if "@" in signs_in_with else "",
            name=" ".join(filter(None, (clean(name.get("FirstName")), clean(name.get("LastName"))))),
            status=known_status(user.get("UserLifeCycleStatus"), STATUSES),
            role=next(iter(roles), ""),
            user_name=signs_in_with,
            further_roles=tuple(roles[1:]),
            missing_fields=silent if roles else silent | {"role"},
        )

    def _entries(self, answer: dict) -> list[dict]:
        """The CustomerRoles that are about this manager account; the others are about linked or other ones."""
        found = answer.get("CustomerRoles") or ()
        return [entry for entry in found if clean(entry.get("CustomerId")) == self._customer]

    def _roles_in(self, answer: dict) -> list[str]:
        """Each role once, the most powerful first. Roles that Microsoft doesn't document come last."""
        found = dict.fromkeys(filter(None, (clean(entry.get("RoleId")) for entry in self._entries(answer))))
        return sorted(found, key=lambda role: RANK.get(role, len(RANK)))

    def _invitations(self) -> Iterator[dict]:
        """Those that can be accepted. Microsoft also lists expired ones."""
        predicate = {"Field": "CustomerId", "Operator": "Equals", "Value": self._customer}
        rows = self._list("/UserInvitations/Search", "UserInvitations", {"Predicates": [predicate]})
        for page in pages_by_cursor(lambda _: Page(rows), what="invitations", id_of=lambda row: row["Id"]):
            yield from (row for row in page if not _has_expired(row))

    def _invitation(self, row: dict) -> Account:
        names = (clean(row.get("FirstName")), clean(row.get("LastName")))
        return Account(
            id=f"{INVITATION}{row['Id']}",
            email=clean(row.get("Email")),
            name=" ".join(filter(None, names)),
            status="invited",
            role=clean(row.get("RoleId")),
            missing_fields=missing_from(row, email="Email", name={"FirstName", "LastName"}, role="RoleId"),
        )

    def assets(self) -> Iterator[Asset]:
        for row in self._ad_accounts(own_only=False):
            yield Asset(clean(row["Id"]), "ad account", clean(row.get("Name")) or clean(row["Id"]))

    def _ad_accounts(self, *, own_only: bool) -> Iterator[dict]:
        """Those of the manager account, and with own_only=False the linked ones too. Inactive ones are deleted."""
        body = {"CustomerId": self._customer, "OnlyParentAccounts": own_only}
        rows = self._list("/AccountsInfo/Query", "AccountsInfo", body)
        for page in pages_by_cursor(lambda _: Page(rows), what="ad accounts", id_of=lambda row: row["Id"]):
            yield from (row for row in page if row.get("AccountLifeCycleStatus") != "Inactive")

    def access(self) -> Iterator[Access]:
        """By the role in this manager account: in all of its ad accounts unless some are named, and in linked ones."""
        known = {clean(row["Id"]) for row in self._ad_accounts(own_only=False)}
        own = [clean(row["Id"]) for row in self._ad_accounts(own_only=True)]
        for row in self._users():
            found = self._user(str(row["Id"]))
            best: dict[str, str] = {}
            for entry in sorted(self._entries(found or {}), key=lambda entry: RANK.get(clean(entry.get("RoleId")), 99)):
                for ad_account in _reached(entry, own):
                    best.setdefault(ad_account, clean(entry.get("RoleId")))
            for ad_account, role in best.items():
                if ad_account in known:
                    yield Access(str(row["Id"]), ad_account, role, role in MANAGES)

    def account(self, id: str) -> Account | None:
        """None for someone who is in none of the lists. GetUser's answer about a deleted user isn't documented."""
        if id.startswith(INVITATION):
            invited = map(self._invitation, self._invitations())
            return next((account for account in invited if account.id == id), None)
        found = self._user(id) if self._is_listed(id) else None
        return self._person(found) if found else None

    def _is_listed(self, id: str) -> bool:
        users = list(self._users())
        if any(str(row["Id"]) == id for row in users):
            return True
        self._must_be_whole(self._me(), users)
        return False

    def remove(self, account: Account) -> None:
        """With the time stamp of the user as it is now: Microsoft refuses if someone changed it since."""
        if account.id.startswith(INVITATION):
            if self.account(account.id):
                raise Refused(f"Microsoft's API can't cancel an invitation. Cancel it {IN_USERS}.")
            return
        found = self._user(account.id) if self._is_listed(account.id) else None
        if found is None:
            return
        stamp = needed(clean(found["User"].get("TimeStamp")), "time stamp")
        try:
            self._http.operate("DELETE", "/User", json={"UserId": account.id, "TimeStamp": stamp})
        except Stale as no:
            raise TemporarilyUnavailable(f"Someone changed this user at the same time. {no}") from no
        except Refused as no:
            if self._is_listed(account.id):
                raise Refused(f"{no} {PRIMARY}") from no

    def _ask(self, path: str, body: dict) -> dict:
        """Microsoft reads by POST: such a call may be repeated."""
        return self._http.post(path, body, idempotent=True).json(dict)

    def _list(self, path: str, name: str, body: dict) -> list:
        """A list that comes in one piece. It is null if it is empty."""
        answer = self._ask(path, body)
        rows = [] if name in answer and answer[name] is None else answer.get(name)
        if not isinstance(rows, list):
            raise no_list("Microsoft Advertising", f"{name} ({path})")
        return rows


def _reached(entry: dict, own: list[str]) -> Iterator[str]:
    """The ad accounts that one CustomerRole gives. No AccountIds means all of the manager account's own."""
    if entry.get("CustomerLinkPermission") != NO_ACCOUNTS:
        yield from map(clean, entry.get("AccountIds") or own)
    yield from map(clean, entry.get("LinkedAccountIds") or ())


def _user_name(answer: dict) -> str:
    return clean((answer.get("User") or {}).get("UserName"))


def _is_named(row: dict, name: str) -> bool:
    return clean(row.get("UserName")).lower() == name.lower()


def _has_expired(row: dict) -> bool:
    ends = from_iso(row.get("ExpirationDate"))
    return ends is not None and ends < datetime.now(UTC).replace(tzinfo=None)


def _problem(answer: Answer) -> ConnectorError | None:
    """What an ApiFault (OperationErrors) or an AdApiFaultDetail (Errors) means; None leaves it to the status."""
    errors = _errors(answer)
    if not errors:
        return None
    codes = {number(error.get("Code")) for error in errors}
    found = "; ".join(f"{clean(error.get('Message')).rstrip('.')} ({clean(error.get('Code'))})" for error in errors[:3])
    says = f"{answer.asked} answered {answer.status}: “{found}”."
    if codes & SIGN_IN:
        return CredentialRejected(f"{says} Check the refresh token and the developer token.")
    if NOT_AUTHORISED in codes:
        return Forbidden(f"{says} The refresh token's person must be Super Admin of the manager account.")
    if TOO_MANY in codes or answer.status == 429:
        return RateLimited(f"{says} {RATE_LIMITED}", seconds_to_wait(answer) or WAIT)
    if INTERNAL in codes:
        return TemporarilyUnavailable(says)
    if VERSION_ENDED in codes:
        return Refused(f"{says} Update Rollcall.")
    if OTHER_TIME_STAMP in codes:
        return Stale(says)
    return NotFound(says) if codes == {NO_SUCH_ENTITY} else Refused(says)


def _errors(answer: Answer) -> list[dict]:
    if answer.status < 400 or answer.is_page:
        return []
    try:
        found = answer.json(dict)
    except TemporarilyUnavailable:
        return []
    lists = [found.get(name) for name in ("OperationErrors", "Errors")]
    return [error for errors in lists if isinstance(errors, list) for error in errors if isinstance(error, dict)]
