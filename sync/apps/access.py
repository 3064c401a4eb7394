"""Lists who has which account and which access, in every app, and deletes access that is gone."""

from __future__ import annotations

from collections.abc import Iterator

from peewee import JOIN

from sync.db import db
from sync.models import Access, Account, App, Asset, Person, PersonEmail


def accounts_everywhere() -> Iterator[tuple]:
    """Each account in a connected app that isn't gone, by app and name, read row by row.

    (account id, app, connector, external id, e-mail, name, status, match, main e-mail of the person and their status,
    last activity, app id, role, further roles)
    """
    query = (
        Account.select(
            Account.id, App.name, App.connector, Account.external_id, Account.email, Account.name, Account.status,
            Account.match_kind, PersonEmail.email, Person.status, Account.last_activity, App.id, Account.role,
            Account.further_roles,
        )
        .join(App)
        .switch(Account).join(Person, JOIN.LEFT_OUTER)
        .join(PersonEmail, JOIN.LEFT_OUTER, on=(PersonEmail.person == Person.id) & PersonEmail.main)
        .where(~Account.is_gone, App.is_connected)
        .order_by(App.name, Account.name, Account.id)
    )  # fmt: skip
    return query.tuples().iterator()


def assets_of(account_id: int) -> list[tuple[str, str, str]]:
    """(name, kind, role) of each asset that the account can access, by kind and name."""
    query = Access.select(Asset.name, Asset.kind, Access.role).join(Asset).where(Access.account == account_id)
    return list(query.order_by(Asset.kind, Asset.name, Asset.id).tuples())


def drop_asset(asset_id: int) -> None:
    """Mark the asset as gone and delete its access. Inside the caller's transaction."""
    db.execute_sql("UPDATE asset SET state = 'gone' WHERE id = ?", (asset_id,))
    db.execute_sql("DELETE FROM access WHERE asset_id = ?", (asset_id,))


def drop(account_id: int, asset_id: int) -> None:
    """Delete this access. Inside the caller's transaction."""
    db.execute_sql("DELETE FROM access WHERE account_id = ? AND asset_id = ?", (account_id, asset_id))
