"""Meta's Graph API for one business, as its own SDK description and developers.facebook.com describe it."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from connectors.effects import Reach
from tests.connectors.fake import Fact, FakeApp, Reply, Request, Seat, Thing

# github.com/facebook/facebook-business-sdk-codegen, api_specs/specs: Business, BusinessUser, BusinessRoleRequest,
# AdAccount, Page, AdsPixel, ProductCatalog, WhatsAppBusinessAccount; “Instagram Business Asset
# Assigned Users”; reading, paging, summary and appsecret_proof: developers.facebook.com
READ = ("fields", "appsecret_proof")
LIST = (*READ, "limit", "after", "before", "summary")
SIGNED = ("appsecret_proof",)
BUSINESS = "500"
ASSETS = {
    "owned_ad_accounts": ("include_shared_ad_accounts", "search_query"), "client_ad_accounts": ("search_query",),
    "owned_pages": (), "client_pages": (), "owned_pixels": (), "client_pixels": (),
    "owned_product_catalogs": (), "client_product_catalogs": (),
    "owned_instagram_assets": (), "client_instagram_assets": (),
    "owned_whatsapp_business_accounts": (), "client_whatsapp_business_accounts": (),
}  # fmt: skip
FACTS = (
    Fact("GET", "/me", "me", READ),
    Fact("GET", "/me/business_users", "businesses_of_me", LIST),
    Fact("GET", f"/{BUSINESS}/business_users", "people", LIST),
    Fact("POST", f"/{BUSINESS}/business_users", "invite", SIGNED,
         ("email", "invited_user_type", "role", "tasks", *SIGNED), ("email",)),
    Fact("GET", f"/{BUSINESS}/pending_users", "pending", ("email", *LIST)),
    Fact("GET", f"/{BUSINESS}/system_users", "system_users", LIST),
    *(Fact("GET", f"/{BUSINESS}/{edge}", "assets", (*own, *LIST)) for edge, own in ASSETS.items()),
    # facebook-business 26.0.3 on PyPI: Business.get_agencies, delete_agencies
    Fact("GET", f"/{BUSINESS}/agencies", "agencies", LIST),
    Fact("DELETE", f"/{BUSINESS}/agencies", "end_partnership", ("business", *SIGNED), (), ("business",)),
    Fact("GET", "/{id}/assigned_users", "assigned", ("business", *LIST), (), ("business",)),
    Fact("POST", "/{id}/assigned_users", "assign", SIGNED, ("tasks", "user", *SIGNED), ("user",)),
    Fact("DELETE", "/{id}/assigned_users", "unassign", ("user", *SIGNED), (), ("user",)),
    Fact("GET", "/{id}/assigned_pages", "pages_of", ("pages", *LIST)),
    Fact("GET", "/{id}", "business", READ),
    Fact("POST", "/{id}", "change", SIGNED, ("role", "tasks", *SIGNED)),
    Fact("DELETE", "/{id}", "delete", SIGNED),
)  # fmt: skip
ROLES = {"ADMIN", "EMPLOYEE", "DEVELOPER", "FINANCE_EDITOR", "FINANCE_ANALYST", "DEFAULT"}
TASKS = {
    "ad_account": {"AA_ANALYZE", "ADVERTISE", "ANALYZE", "DRAFT", "MANAGE"},
    "page": {"ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MANAGE", "MESSAGING", "MODERATE"},
    "pixel": {"AA_ANALYZE", "ADVERTISE", "ANALYZE", "EDIT", "UPLOAD"},
    "catalog": {"AA_ANALYZE", "ADVERTISE", "MANAGE", "MANAGE_AR"},
    "whatsapp": {"DEVELOP", "MANAGE", "MANAGE_PHONE", "MANAGE_TEMPLATES", "MESSAGING", "VIEW_COST"},
}
CODE = {400: 100, 401: 190, 403: 200, 404: 100, 429: 4, 500: 2}
KIND = {"ad_accounts": "ad_account", "pages": "page", "pixels": "pixel", "product_catalogs": "catalog",
        "instagram_assets": "instagram", "whatsapp_business_accounts": "whatsapp"}  # fmt: skip
PERSON_FIELDS = {"id", "name", "email", "role", "finance_permission"}
INVITED_FIELDS = {"id", "email", "role", "status", "expiration_time", "finance_role"}


class FakeMeta(FakeApp):
    base_path = "/v27.0"  # “Marketing API version history”: the current one since 4 November 2026
    account_list = "people"
    reaches = {Reach.ASSET: ("assign", "unassign"), Reach.WORKSPACE: ("invite", "change", "delete"),
               Reach.ORGANISATION: ("end_partnership",)}  # fmt: skip
    facts = FACTS
    app_secret = "0dd5ecre7c0ffee"

    def __init__(self):
        super().__init__()
        self.wants_proof = False
        self.systems: list[Seat] = []
        self.me_id = "9"
        self.mine = {BUSINESS: ("8", "ADMIN")}  # of a person whose token it is: business → (id there, role)
        self.hidden_systems = 0
        self.invited: list[Seat] = []
        self.partners: dict[str, str] = {}  # id of a business → its name
        self.finance: dict[str, str] = {}  # id of a person or an invitation → finance_permission or finance_role
        self.status: dict[str, str] = {}  # id of an invitation → its status
        self.expires: dict[str, str] = {}  # id of an invitation → its expiration_time
        self.clients: set[str] = set()  # ids of things that a client shares; the others are owned

    @property
    def url(self) -> str:
        """Without the version, which the connector adds."""
        return super().url.removesuffix(self.base_path)

    def is_authorised(self, request: Request) -> bool:
        proof = hmac.new(self.app_secret.encode(), self.token.encode(), hashlib.sha256).hexdigest()
        given = request.params.get("appsecret_proof") or (request.body or {}).get("appsecret_proof")
        signed = given == proof if self.wants_proof or given else True
        return request.headers.get("authorization") == f"Bearer {self.token}" and signed

    def unauthorised(self) -> Reply:
        return self.error(401, "Invalid OAuth access token.")

    def error(self, status: int, words: str) -> Reply:
        """Meta sends 400 for nearly everything, and the code says what it is."""
        body = {"error": {"message": words, "type": "OAuthException", "code": CODE[status], "fbtrace_id": "A"}}
        return Reply(500 if status == 500 else 400, body)

    def none(self) -> Reply:
        return self.error(404, "Unsupported request. Object does not exist or cannot be loaded.")

    # People

    def me(self, request: Request) -> dict:
        return {"id": self.me_id, "name": "Rollcall"}

    def businesses_of_me(self, request: Request) -> Any:
        """“User Business Users”: a person is a different business user in each business."""
        rows = [{"id": id, "role": role, "business": {"id": business}} for business, (id, role) in self.mine.items()]
        return self._page(request, rows)

    def business(self, request: Request) -> Any:
        return {"id": BUSINESS, "name": "Acme"} if request.ids["id"] == BUSINESS else self.none()

    def people(self, request: Request) -> dict:
        assert set(request.params["fields"].split(",")) <= PERSON_FIELDS
        rows = [{"id": s.id, "name": s.name, "role": s.role} | ({"email": s.email} if s.email else {})
                | ({"finance_permission": self.finance[s.id]} if s.id in self.finance else {})
                for s in self.listed]  # fmt: skip
        return self._page(request, rows, self.total)

    def pending(self, request: Request) -> dict:
        """“Business Role Request”: “Status of the invitation, such as accepted, declined, expired and so on”."""
        assert set(request.params["fields"].split(",")) <= INVITED_FIELDS
        document = {"status": self.status, "expiration_time": self.expires, "finance_role": self.finance}
        rows = [{"id": s.id, "email": s.email, "role": s.role}
                | {name: values[s.id] for name, values in document.items() if s.id in values}
                for s in self.invited]  # fmt: skip
        return self._page(request, rows)

    def system_users(self, request: Request) -> dict:
        """“Business System Users”: “role … only contains base roles including Admin and Employee”."""
        rows = [{"id": s.id, "name": s.name, "role": s.role} for s in self.systems]
        return self._page(request, rows, len(rows) + self.hidden_systems)

    def agencies(self, request: Request) -> dict:
        return self._page(request, [{"id": id, "name": name} for id, name in self.partners.items()])

    def end_partnership(self, request: Request) -> Any:
        if self.partners.pop(request.params["business"], None) is None:
            return self.none()
        return {"success": True}

    def invite(self, request: Request) -> Any:
        closed = {"EXPIRED", "DECLINED"}
        if request.body["email"] in [s.email for s in self.invited if self.status.get(s.id) not in closed]:
            return self.error(400, "This person was already invited.")
        assert request.body["role"] in ROLES
        self.invited.append(Seat(f"7{len(self.invited)}", request.body["email"], role=request.body["role"]))
        return {"id": self.invited[-1].id}

    def change(self, request: Request) -> Any:
        assert request.body["role"] in ROLES
        self._person(request.ids["id"]).role = request.body["role"]
        return {"success": True}

    def delete(self, request: Request) -> Any:
        seat = self._person(request.ids["id"])
        if seat is None:
            return self.none()
        (self.seats if seat in self.seats else self.invited).remove(seat)
        return {"success": True}

    def _person(self, id: str) -> Seat | None:
        return next((seat for seat in (*self.seats, *self.invited) if seat.id == id), None)

    # Assets

    def assets(self, request: Request) -> dict:
        owner, _, edge = request.path.rpartition("/")[2].partition("_")
        mine = [thing for thing in self.things if thing.id.startswith(f"{KIND[edge]}:")]
        rows = [thing for thing in mine if (thing.id in self.clients) == (owner == "client")]
        name = "ig_username" if KIND[edge] == "instagram" else "name"
        assert request.params["fields"] == f"id,{name}"
        return self._page(request, [{"id": thing.id.partition(":")[2], name: thing.name} for thing in rows])

    def assigned(self, request: Request) -> Any:
        assert request.params["business"] == BUSINESS
        thing = self._thing(request)
        if thing is None:
            return self.none()
        if thing.id.startswith("page:"):
            return self.error(403, "A page access token is required to request this resource.")
        return self._page(request, [{"id": id, "tasks": tasks.split(",")} for id, tasks in thing.members.items()])

    def pages_of(self, request: Request) -> dict:
        person = request.ids["id"]
        mine = [thing for thing in self.things if thing.id.startswith("page:") and person in thing.members]
        rows = [{"id": page.id.partition(":")[2], "tasks": page.members[person].split(",")} for page in mine]
        return self._page(request, rows)

    def assign(self, request: Request) -> dict:
        thing, tasks = self._thing(request), json.loads(request.body["tasks"])
        assert set(tasks) <= TASKS[thing.id.partition(":")[0]]
        thing.members[request.body["user"]] = ",".join(tasks)
        return {"success": True}

    def unassign(self, request: Request) -> Any:
        thing = self._thing(request)
        assert not thing.id.startswith("instagram:"), "no call is documented for it"
        assert not thing.id.startswith("pixel:"), "the description has no DELETE for a pixel's users"
        return {"success": True} if thing.members.pop(request.params["user"], None) else self.none()

    def _thing(self, request: Request) -> Thing | None:
        return next((thing for thing in self.things if thing.id.partition(":")[2] == request.ids["id"]), None)

    def _page(self, request: Request, rows: list[dict], total: int | None = None) -> dict:
        size, start = request.number("limit", 25), int(request.params.get("after", "c0")[1:])
        end = start + size
        answer: dict[str, Any] = {"data": rows[start:end]}
        if rows:
            answer["paging"] = {"cursors": {"before": f"c{start}", "after": f"c{end}"}}
            if end < len(rows):
                answer["paging"]["next"] = f"{self.url}{request.path}?access_token={self.token}&after=c{end}"
        if request.params.get("summary") == "total_count":
            answer["summary"] = {"total_count": total}
        return answer
