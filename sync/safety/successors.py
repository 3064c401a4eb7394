"""Successors for an asset that loses its only manager: accounts that a page offers, and those that are allowed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from connectors.names import email_key
from sync.db import db
from sync.models import Account, App
from sync.names import account_name
from sync.problems import Problem
from sync.states import AccountKind, AccountStatus, PersonStatus

MOST_OF_ASSET, MOST = 20, 60  # accounts that are offered

# Whether the account `a` of the person `p`, or of none, can be made a manager.
_MAY = f"""a.state = 'present' AND a.status = '{AccountStatus.ACTIVE}' AND a.kind = '{AccountKind.USER}'
    AND NOT (a.match_kind = 'matched' AND coalesce(p.status, '') = '{PersonStatus.DEPROVISIONED}')"""
_WITH_ACCESS = f"""
    SELECT asset_id, id FROM (
        SELECT x.asset_id, a.id, row_number() OVER (
            PARTITION BY x.asset_id ORDER BY x.privileged DESC, a.last_activity DESC NULLS LAST, a.id) AS place
        FROM access x JOIN account a ON a.id = x.account_id LEFT JOIN person p ON p.id = a.person_id
        WHERE x.asset_id IN (SELECT CAST(value AS INTEGER) FROM json_each(:assets))
          AND a.id NOT IN (SELECT CAST(value AS INTEGER) FROM json_each(:without)) AND {_MAY}) AS best
    WHERE place <= {MOST_OF_ASSET}
"""
_OTHERS = f"""
    SELECT a.id FROM account a LEFT JOIN person p ON p.id = a.person_id
    WHERE a.app_id = :app AND a.id NOT IN (SELECT CAST(value AS INTEGER) FROM json_each(:without)) AND {_MAY}
    ORDER BY a.last_activity DESC NULLS LAST, a.id LIMIT {MOST + 1}
"""


class SuccessorProblem(Problem):
    """This account can't get the asset. Nothing was changed. The text is for the page."""


@dataclass(frozen=True)
class Candidates:
    """Accounts that can be made managers, by name: those with access to each asset, and others. `more`: not all of
    them are offered."""

    with_access: dict[int, list[Account]]
    others: list[Account]
    more: bool


def candidates(app: App, asset_ids: Iterable[int], without: Collection[int]) -> Candidates:
    """`without` are the accounts that may leave the app by the same approval."""
    values = {"app": app.id, "assets": json.dumps(list(asset_ids)), "without": json.dumps(sorted(without))}
    pairs = db.execute_sql(_WITH_ACCESS, values).fetchall()
    others = [id for (id,) in db.execute_sql(_OTHERS, values).fetchall()]
    wanted = {id for _, id in pairs} | set(others[:MOST])
    rows = {row.id: row for row in Account.select().where(Account.id.in_(list(wanted)))}
    with_access: dict[int, list[Account]] = {}
    for asset_id, id in pairs:
        with_access.setdefault(asset_id, []).append(rows[id])
    return Candidates({asset_id: _by_name(found) for asset_id, found in with_access.items()},
                      _by_name(rows[id] for id in others[:MOST]), len(others) > MOST)  # fmt: skip


def _by_name(accounts: Iterable[Account]) -> list[Account]:
    return sorted(accounts, key=lambda account: (account_name(account).casefold(), account.id))


def allowed(app: App, account_id: int, leaving: Collection[int] = ()) -> Account:
    """The account, which can be made a manager; raises SuccessorProblem."""
    found = db.execute_sql(
        f"SELECT {_MAY} FROM account a LEFT JOIN person p ON p.id = a.person_id WHERE a.app_id = ? AND a.id = ?",
        (app.id, account_id)).fetchone()  # fmt: skip
    if found is None or account_id in leaving:
        raise SuccessorProblem(f"The successor has no account in {app.name}, or is leaving it. Nothing was changed. "
                               "Choose someone else.")  # fmt: skip
    account = Account.get_by_id(account_id)
    if not found[0]:
        raise SuccessorProblem(f"{account_name(account)} can't manage anything in {app.name}: the account isn't in "
                               "use, or its person has left. Nothing was changed. Choose someone else.")  # fmt: skip
    return account


def named(app: App, email: str) -> Account:
    """The account with this e-mail or this id in the app, which can be made a manager; raises SuccessorProblem."""
    same = (Account.email_key == email_key(email)) | (Account.external_id == email.strip())
    found = list(Account.present(app).where(same).limit(2)) if email.strip() else []
    if len(found) != 1:
        many = "more than one account" if found else "no account"
        raise SuccessorProblem(f"{app.name} has {many} with the e-mail or id “{email.strip()}”. Nothing was changed. "
                               "Choose someone else.")  # fmt: skip
    return allowed(app, found[0].id)


def names(account_ids: Iterable[int]) -> dict[int, str]:
    """What each of these accounts is called."""
    return {row.id: account_name(row) for row in Account.select().where(Account.id.in_(list(account_ids)))}
