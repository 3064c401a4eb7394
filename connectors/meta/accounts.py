"""Makes accounts of what Meta lists: people of a business, and invitations to it."""

from __future__ import annotations

from connectors.base import Account
from connectors.tools.answers import missing_from
from connectors.tools.http import clean
from connectors.tools.refusals import INVITATION


def of_person(row: dict) -> Account:
    email, name, role = clean(row.get("email")), clean(row.get("name")), clean(row.get("role")).upper()
    return Account(id=row["id"], email=email, name=name, role=role, seat=_finance(row.get("finance_permission")),
                   missing_fields=missing_from(row, email="email", name="name", role="role"))  # fmt: skip


def of_invitation(row: dict) -> Account:
    role = clean(row.get("role")).upper()
    return Account(id=f"{INVITATION}{row['id']}", email=clean(row.get("email")), status="invited", role=role,
                   seat=_finance(row.get("finance_role")),
                   missing_fields=missing_from(row, email="email", role="role"))  # fmt: skip


def _finance(role: object) -> str:
    """The words for EDITOR, ANALYST or what else Meta calls a role in the business's finances; "" for none."""
    word = clean(role).replace("_", " ").lower()
    return f"Finance {word.removeprefix('finance ')}" if word else ""
