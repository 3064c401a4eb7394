"""Reads the accounts of an app's export: each row is an account, or has a reason why it isn't."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connectors.names import AddressProblem, clean_email, text_key
from connectors.tables.meanings import Meaning, Means
from connectors.tables.rows import RowValues

_STATUSES = {Means.SUSPENDED: "suspended", Means.INVITED: "invited"}


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account of the file. `roles`: (name, privileged). `line`: the line in which the row begins."""

    line: int
    id: str
    email: str = ""
    user_name: str = ""
    name: str = ""
    status: str = "active"  # active, invited, suspended
    system: bool = False
    roles: tuple[tuple[str, bool], ...] = ()
    seat: str = ""
    last_activity: datetime | None = None
    employee_number: str = ""


def accounts_of(rows: list[RowValues]) -> tuple[list[AccountRow], list[tuple[int, str]]]:
    """(accounts, refused rows as (line, reason)) of the rows."""
    found, refused, known = [], [], {}
    for row in rows:
        if row.status is Means.LEAVE_OUT and not row.problem:
            continue
        try:
            account = _account(row)
        except AddressProblem as problem:
            refused.append((row.line, f"The e-mail address in line {row.line} can't be used. {problem}"))
            continue
        if row.problem or not account.id:
            refused.append((row.line, row.problem or f"The row in line {row.line} has no e-mail, user name or id."))
        elif account.id in known:
            who = account.email or account.id
            refused.append((row.line, f"Lines {known[account.id]} and {row.line} are both about {who}."))
        else:
            known[account.id] = row.line
            found.append(account)
    return found, refused


def _account(row: RowValues) -> AccountRow:
    email, user_name = row.text(Meaning.EMAIL), row.text(Meaning.USER_NAME)
    email = clean_email(email) if email else ""
    return AccountRow(
        line=row.line, id=row.text(Meaning.ID) or text_key(email) or text_key(user_name), email=email,
        user_name=user_name, name=row.text(Meaning.NAME) or user_name,
        status=_STATUSES.get(row.status, "active"), system=row.system, roles=row.roles,
        seat=row.text(Meaning.SEAT), last_activity=row.days.get(Meaning.LAST_ACTIVITY),
        employee_number=row.text(Meaning.EMPLOYEE_NUMBER),
    )  # fmt: skip
