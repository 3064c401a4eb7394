"""An address that is filled in for a row is the one that url_for() builds for it."""

from __future__ import annotations

import pytest
from flask import url_for

from sync.models import Account
from web.row_addresses import PLACE, account_address


@pytest.mark.parametrize("back", ["/apps/1/members", f"/apps/1/members?search={PLACE}", "/a?x=é&account_id=7"])
def test_it_is_the_address_of_the_row(site, back: str) -> None:
    with site.test_request_context():
        for account in (Account(id=7, app=3), Account(id=8, app=3), Account(id=7, app=4)):
            app_id, id = account.app_id, account.id
            assert account_address("account.show", account) == url_for("account.show", app_id=app_id, account_id=id)
            assert account_address("decisions.new", account, "account", kind="guest", back=back) == url_for(
                "decisions.new", app_id=app_id, account=id, kind="guest", back=back)
            assert account_address("members.match", account, back=back) == url_for(
                "members.match", app_id=app_id, account_id=id, back=back)
