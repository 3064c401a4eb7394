"""Addresses that differ in an account's id alone, for lists: url_for() builds each kind once a request."""

from __future__ import annotations

from flask import Flask, g, url_for

from sync.models import Account

PLACE = 9_007_199_254_740_991  # stands where the id will be


def install(app: Flask) -> None:
    app.jinja_env.globals["account_address"] = account_address


def account_address(endpoint: str, account: Account, name: str = "account_id", **values: str) -> str:
    """What url_for() gives for the account's app, the account as `name` ("account" in a query) and the values."""
    key = (endpoint, account.app_id, name, *values.items())
    built = g.setdefault("row_addresses", {})
    if key not in built:
        # In this order, so that the id is in front of what the browser sent, such as `back`.
        address = url_for(endpoint, app_id=account.app_id, **{name: PLACE}, **values)
        built[key] = address.partition(str(PLACE))[::2]
    before, after = built[key]
    return f"{before}{account.id}{after}"
