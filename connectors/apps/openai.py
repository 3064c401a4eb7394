"""OpenAI API platform: an organization's users, service accounts and invitations; its projects as assets.
A removal takes the user out of the organization and all its projects.

From OpenAI's API reference (developers.openai.com, Administration: “Users”, “Invites”, “Projects”, “Project users”), as
openai/openai-python has it in src/openai/resources/admin/organization: users and invites (retrieve, list, update,
create, delete), projects (list) and their users (retrieve, list, create, update, delete), and “Admin API Keys”
(redacted_value, owner). Errors: “Error codes”.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from connectors.base import (
    CAPABILITIES,
    UNKNOWN,
    Access,
    Account,
    Asset,
    ConnectorError,
    Identity,
    Refused,
    Role,
)
from connectors.effects import GRANTED, INVITATION_SENT, REVOKED, ROLE_CHANGED, Effect, Reach, Seat, Undo, declared
from connectors.quality import at_its_maker
from connectors.tools.answers import disappeared, missing_from, words
from connectors.tools.holes import needed
from connectors.tools.http import Answer, Forbidden, NotFound, clean, segment
from connectors.tools.http_connector import token_field
from connectors.tools.refusals import must_be_offered, must_have_joined
from connectors.tools.users_and_invites import UsersAndInvites
from connectors.versions import ApiVersion

PROJECTS, KEYS = "/organization/projects", "/organization/admin_api_keys"
SHOWN = re.compile(r"(\S*?)(?:\.{3}|…|\*+)(\S{3,})")  # both ends of a key, as in sk-admin...def
ROLES = (Role("owner", "Owner", privileged=True), Role("reader", "Reader", default=True))
PROJECT_ROLES = ("member", "owner")


class OpenAI(UsersAndInvites):
    slug = "openai"
    label = "OpenAI API"
    logo = "own-openai.svg"
    quality = at_its_maker(managers=False)
    docs = (
        "As an Owner of the organization, open platform.openai.com/settings/organization/admin-keys. Choose the right "
        "organization at the top if you are in several.",
        "Choose “Create new admin key”, name it Rollcall, create it and copy it (it begins with sk-admin): OpenAI "
        "never shows it again. A normal API key can't read who is in the organization.",
        "The key reads and changes users, invitations and projects. Rollcall looks up its owner in the list of admin "
        "keys, and never removes that person.",
        "A removed person loses access to the organization and all its projects. OpenAI doesn't say what happens to "
        "API keys that they created, so check the keys of their projects and the admin keys. Keys of service accounts "
        "belong to nobody.",
        "Custom roles and groups of the organization aren't read: someone can have more than the role shown, or reach "
        "a project through a group. ChatGPT workspaces (Business, Enterprise) have other keys, and aren't read.",
    )
    fields = (token_field("Admin API key", "It begins with sk-admin."),)
    capabilities = frozenset(CAPABILITIES)
    effects = declared(
        "OpenAI API reference, “Delete user”",
        remove=(
            Effect(
                "Removes them from the OpenAI organization and all its projects.", Reach.ORGANISATION,
                Undo.IMPOSSIBLE, "Invite them again, and add them to their projects.",
                lost=("their roles in projects",), frees_seat=Seat.NOT_PAID, people="A user of the organization",
            ),
            Effect(
                "Cancels the invitation.", Reach.ORGANISATION, Undo.POSSIBLE, "Invite them again.",
                frees_seat=Seat.NOT_PAID, invited=True,
                source="OpenAI API reference, “Delete invite”",
            ),
        ),
        change_role=replace(ROLE_CHANGED, reach=Reach.ORGANISATION, source="OpenAI API reference, “Modify user”"),
        invite=replace(
            INVITATION_SENT, reach=Reach.ORGANISATION, frees_seat=Seat.NOT_PAID,
            source="OpenAI API reference, “Create invite”",
        ),
        grant=replace(GRANTED, source="OpenAI API reference, “Create project user”"),
        revoke=replace(REVOKED, source="OpenAI API reference, “Delete project user”"),
    )  # fmt: skip
    api_version = ApiVersion("OpenAI API", "v1", source="OpenAI API reference, “Backward compatibility”")
    asset_word = "project"
    maker = "OpenAI"
    users, invites = "/organization/users", "/organization/invites"
    page_size = 100  # the most that OpenAI returns
    over = ("accepted", "expired")
    api = "https://api.openai.com/v1"

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        """Errors whose status alone would mislead: a key of too few scopes, and an address that isn't there."""
        message = words(answer) if answer.status in (401, 404) else ""
        if answer.status == 401 and "Missing scopes" in message:
            return Forbidden(f"{answer.asked}: OpenAI says “{message}”. Use an admin key with all permissions.")
        if answer.status == 404 and message.startswith("Invalid URL"):
            return Refused(f"{answer.asked}: OpenAI says “{message}”. This says nothing about an account.")
        return None

    def test(self) -> Identity:
        for path, what in ((self.users, "users"), (self.invites, "invitations"), (PROJECTS, "projects")):
            self._page(path, what, limit=1)
        may = ("read users", "remove", "change roles", "invite", "projects")
        try:
            owner, why = self._owner_of_key(), "OpenAI's list of admin keys doesn't show it."
        except (Forbidden, Refused) as no:
            owner, why = None, str(no)
        missing = () if owner else (f"know whose admin key this is: {why} Protect that person in Rollcall.",)
        return Identity("An Owner's admin key", owner, may, missing)

    def _owner_of_key(self) -> str | None:
        """The id of the user whose admin key this is; None unless the ends that OpenAI shows fit one user's keys."""
        found = set()
        for page in self._pages(KEYS, "admin keys"):
            for key in page:
                ends, owner = SHOWN.fullmatch(clean(key.get("redacted_value"))), key.get("owner") or {}
                if ends and self._token.startswith(ends[1]) and self._token.endswith(ends[2]):
                    found.add(clean(owner.get("id")))
        return next(iter(found)) or None if len(found) == 1 else None

    def roles(self) -> list[Role]:
        return list(ROLES)

    def _account(self, user: dict) -> Account:
        return Account(
            user["id"], clean(user.get("email")), clean(user.get("name")), _status(user), clean(user.get("role")),
            kind="system" if user.get("is_service_account") is True else "user",
            missing_fields=missing_from(user, email="email", name="name", role="role"),
            defaulted_fields=missing_from(user, kind="is_service_account"),
        )  # fmt: skip

    def assets(self) -> Iterator[Asset]:
        """The projects in use: an archived one has no users."""
        for page in self._pages(PROJECTS, "projects"):
            yield from (Asset(project["id"], "project", clean(project.get("name"))) for project in page)

    def access(self) -> Iterator[Access]:
        for project in self.assets():
            try:
                for page in self._pages(f"{PROJECTS}/{segment(project.id)}/users", "users of a project"):
                    yield from (_access(user, project) for user in page)
            except NotFound as gone:
                raise disappeared(f"The project {project.name}", gone) from gone

    def remove(self, account: Account) -> None:
        self._delete(self._path(account.id))

    def change_role(self, account: Account, role: str) -> None:
        must_be_offered(role, [one.id for one in ROLES], "OpenAI")
        self._set_role(account, role)

    def invite(self, email: str, role: str) -> None:
        """Without a project: OpenAI would add the default one if none were named."""
        must_be_offered(role, [one.id for one in ROLES], "OpenAI")
        if not self._is_invited(email):
            body = {"email": needed(email, "e-mail"), "role": role, "projects": []}
            self._http.operate("POST", self.invites, json=body)

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        must_be_offered(role, PROJECT_ROLES, "OpenAI")
        self._put_in(_in_project(account, asset), account, role, "role")

    def revoke(self, account: Account, asset: Asset) -> None:
        self._delete(_in_project(account, asset))

def _in_project(account: Account, asset: Asset) -> str:
    must_have_joined(account, "OpenAI")
    return f"{PROJECTS}/{segment(asset.id)}/users/{segment(account.id)}"


def _status(user: dict) -> str:
    """Everyone in the list is in the organization. The reference doesn't say what someone who is banned, or isn't
    enabled, may still do."""
    details = user.get("user") if isinstance(user.get("user"), dict) else {}
    if details.get("banned"):
        return f"{UNKNOWN}: banned"
    return f"{UNKNOWN}: not enabled" if details.get("enabled") is False else "active"


def _access(user: dict, project: Asset) -> Access:
    role = clean(user.get("role"))
    return Access(user["id"], project.id, role, role == "owner")
