"""Microsoft Advertising's Customer Management service over REST, version 13, for one manager account."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat

# MicrosoftDocs/Advertising, advertising/bingads-13/customer-management-service: getusersinfo, getuser, deleteuser,
# searchuserinvitations, getaccountsinfo and their data objects; guides: authentication-oauth-get-tokens,
# operation-error-codes. Methods and paths of REST also in BingAds/BingAds-Java-SDK (CustomerManagementService).
CUSTOMER, CLIENT = "777000", "11111111-2222-4333-8444-555555555555"
FACTS = (
    Fact("POST", "/token", "token_call", (),
         ("grant_type", "refresh_token", "client_id", "client_secret", "scope"),
         ("grant_type", "refresh_token", "client_id", "client_secret", "scope")),
    Fact("POST", "/UsersInfo/Query", "users_info", (), ("CustomerId", "StatusFilter"), ("CustomerId", "StatusFilter")),
    Fact("POST", "/User/Query", "user", (), ("UserId",)),
    Fact("POST", "/UserInvitations/Search", "invitations", (), ("Predicates",), ("Predicates",)),
    Fact("POST", "/AccountsInfo/Query", "accounts_info", (), ("CustomerId", "OnlyParentAccounts")),
    Fact("DELETE", "/User", "delete_user", (), ("UserId", "TimeStamp"), ("UserId", "TimeStamp")),
)  # fmt: skip
STATUSES = {"active": "Active", "pending": "Pending", "suspended": "Inactive", "deleted": "Deleted"}
LIFE_CYCLES = frozenset(STATUSES.values())  # UserLifeCycleStatus
ELSEWHERE = {"RoleId": 41, "CustomerId": "999", "AccountIds": None, "LinkedAccountIds": None,
             "CustomerLinkPermission": None}  # fmt: skip


class FakeMicrosoftAds(FakeApp):
    """`seats` are users of the manager account, and its invitations where their status is "invited". The credential's
    person is the first user. `things` are its ad accounts; `linked` holds the ids of those of other customers."""

    token, base_path = "EwB4A8l6BAAU", ""
    client_secret, refresh_token, developer_token = "8xq~7f1c0b52", "M.C5_BAY.0b52e9", "012DEV3c9f"
    account_list = "users_info"
    reads = ("token_call", "users_info", "user", "invitations", "accounts_info")
    reaches = {Reach.WORKSPACE: ("delete_user",)}
    facts = FACTS

    def __init__(self):
        super().__init__()
        self.me: dict | None = None  # the User of the credential's person, if it is none of `seats`
        self.my_role = "41"
        self.linked: set[str] = set()
        self.inactive: set[str] = set()  # ids of ad accounts that were deleted
        self.named: dict[str, list[str]] = {}  # user id → AccountIds; the others reach every own ad account
        self.permission: dict[str, str] = {}  # user id → CustomerLinkPermission
        self.expires: dict[str, str] = {}  # invitation id → ExpirationDate
        self.primary: set[str] = set()  # ids of users who are the primary user of an ad account
        self.changes = 0  # of any user: each makes another time stamp
        self.lists_nothing_as_null = True

    def is_authorised(self, request: Request) -> bool:
        if request.path == "/token":
            return True
        return super().is_authorised(request) and request.headers.get("developertoken") == self.developer_token

    def unauthorised(self) -> Reply:
        """“Code 105: Typically indicates usage of an incorrect access token or developer token”."""
        return self.fault(401, 105, "Authentication failed. Either supplied credentials are invalid or the account is "
                                    "inactive.")  # fmt: skip

    def error(self, status: int, words: str) -> Reply:
        return self.fault(status, {401: 105, 403: 106, 429: 117, 500: 0}.get(status, 201), words)

    @staticmethod
    def fault(status: int, code: int, words: str) -> Reply:
        """An ApiFault; “OperationError objects for Customer Management do not contain the ErrorCode element”."""
        errors = [{"Code": code, "Details": None, "Message": words}]
        return Reply(status, {"OperationErrors": errors, "TrackingId": "5d0f", "Type": "ApiFault"})

    def token_call(self, request: Request) -> Any:
        form = request.body
        assert form["grant_type"] == "refresh_token" and form["client_id"] == CLIENT
        assert form["scope"].split()[0] == "https://ads.microsoft.com/msads.manage"
        if (form["client_secret"], form["refresh_token"]) != (self.client_secret, self.refresh_token):
            return Reply(400, {"error": "invalid_grant", "error_description": "AADSTS70000: The grant is expired."})
        return {"access_token": self.token, "expires_in": 3600, "refresh_token": "M.C5_new", "token_type": "bearer"}

    # Users

    def users_info(self, request: Request) -> Any:
        if request.body["CustomerId"] != CUSTOMER:
            return self.fault(403, 106, "The user is not authorized to perform this action.")
        wanted = request.body["StatusFilter"]
        assert wanted in LIFE_CYCLES
        rows = [{"Id": seat.id, "UserName": seat.email} for seat in self.listed if STATUSES.get(seat.status) == wanted]
        return {"UsersInfo": self._all(rows)}

    def _all(self, rows: list) -> list | None:
        """Each of these arrays is nillable."""
        return rows or (None if self.lists_nothing_as_null else [])

    def user(self, request: Request) -> Any:
        """“If UserId is null or not provided, the response will include details for the authenticated user”."""
        if "UserId" not in request.body:
            seat = next((seat for seat in self.seats if seat.status == "active"), None)
            if self.me or not seat:
                return {"User": self.me, "CustomerRoles": [ELSEWHERE]}
            seat = replace(seat, role=self.my_role, further_roles=())
        else:
            seat = self.seat(request.body["UserId"])
        if seat is None or seat.status not in STATUSES:
            return self.fault(400, 210, "The entity does not exist.")
        first, _, last = seat.name.partition(" ")
        return {
            "User": {
                "Id": seat.id, "CustomerId": CUSTOMER, "UserName": seat.email,
                "Name": {"FirstName": first, "LastName": last, "MiddleInitial": None},
                "ContactInfo": {"Email": "contact@other.example", "EmailFormat": "Html"},
                "UserLifeCycleStatus": STATUSES[seat.status], "TimeStamp": self._stamp(seat),
                "LastModifiedTime": "2026-11-01T09:30:00.123",
            },
            "CustomerRoles": [ELSEWHERE, *self._customer_roles(seat)],
        }  # fmt: skip

    def _stamp(self, seat: Seat) -> str:
        return f"AAAA{seat.id}{self.changes}Zw"

    def _customer_roles(self, seat: Seat) -> list[dict]:
        return [
            {"RoleId": int(role) if role.isdigit() else role, "CustomerId": CUSTOMER,
             "AccountIds": self.named.get(seat.id), "LinkedAccountIds": sorted(self.linked) or None,
             "CustomerLinkPermission": self.permission.get(seat.id)}
            for role in (seat.role, *seat.further_roles)
        ]  # fmt: skip

    def delete_user(self, request: Request) -> Any:
        """“You cannot delete a user who is the primary user of any accounts”; which code that has is not documented."""
        seat = self.seat(request.body["UserId"])
        if seat is None:
            return self.fault(400, 210, "The entity does not exist.")
        if request.body["TimeStamp"] != self._stamp(seat):
            return self.fault(400, 209, "The time stamp does not match.")
        if seat.id in self.primary:
            return self.fault(400, 202, "The operation cannot be completed.")
        self.seats.remove(seat)
        return {}

    # Invitations and ad accounts

    def invitations(self, request: Request) -> Any:
        """“You must include exactly one predicate”; “returns all pending invitations, whether or not they have
        expired”."""
        [predicate] = request.body["Predicates"]
        assert (predicate["Field"], predicate["Operator"]) == ("CustomerId", "Equals")
        if predicate["Value"] != CUSTOMER:
            return self.fault(403, 106, "The user is not authorized to perform this action.")
        return {"UserInvitations": self._all([self._invitation(s) for s in self.listed if s.status == "invited"])}

    def _invitation(self, seat: Seat) -> dict:
        first, _, last = seat.name.partition(" ")
        return {"Id": seat.id, "Email": seat.email, "FirstName": first, "LastName": last, "CustomerId": CUSTOMER,
                "RoleId": int(seat.role), "AccountIds": None, "Lcid": "EnglishUS",
                "ExpirationDate": self.expires.get(seat.id, "2999-01-01T00:00:00")}  # fmt: skip

    def accounts_info(self, request: Request) -> Any:
        own_only = request.body["OnlyParentAccounts"]
        rows = [
            {"Id": thing.id, "Name": thing.name, "Number": f"F{thing.id}", "PauseReason": None,
             "AccountLifeCycleStatus": "Inactive" if thing.id in self.inactive else "Active"}
            for thing in self.things if not (own_only and thing.id in self.linked)
        ]  # fmt: skip
        return {"AccountsInfo": self._all(rows)}
