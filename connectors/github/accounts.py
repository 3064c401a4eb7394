"""Makes accounts of GitHub's users and of invitations to the organisation."""

from __future__ import annotations

from connectors.base import Account
from connectors.github.people import email_of
from connectors.tools.answers import missing_from
from connectors.tools.refusals import INVITATION

INVITED_AS = {"direct_member": "member", "admin": "admin", "billing_manager": "billing_manager"}


def of_user(row: dict, role: str) -> Account:
    return Account(
        id=str(row["id"]),
        email=email_of(row),
        name=row.get("name") or row["login"],
        role=role,
        kind="user" if row.get("type", "User") == "User" else "system",
        user_name=row["login"],
        missing_fields=missing_from(row, email={"organizationVerifiedDomainEmails", "email"}, kind="type"),
        defaulted_fields=missing_from(row, name="name"),
    )


def of_invitation(row: dict) -> Account:
    role = INVITED_AS.get(row.get("role"), row.get("role") or "")
    name = row.get("login") or ""
    return Account(f"{INVITATION}{row['id']}", row.get("email") or "", name, "invited", role,
                   missing_fields=missing_from(row, email="email", name="login", role="role"))  # fmt: skip
