"""The AWS IAM Identity Center connector: the contract, then what its SCIM does in its own way."""

from __future__ import annotations

import re

import pytest

from connectors.apps.aws_identity_center import AwsIdentityCenter
from tests.connectors.apps.fake_aws_identity_center import FakeAws
from tests.connectors.contract import ConnectorContract


class TestAwsIdentityCenter(ConnectorContract):
    kind = AwsIdentityCenter
    fake = FakeAws
    sends_total = False  # by cursor, ListUsers gives no totalResults
    has_roles = False
    refuses_owner = False
    statuses = ("active", "suspended")
    may_be_empty = ("cursor",)  # “The first request made with cursor must be empty”

    def test_more_people_than_one_page_holds_are_read_by_cursor(self, app, connector):
        """Without a cursor AWS answers with 100 people and says that these are all."""
        self.fill(app, 250)
        assert len(list(connector.accounts())) == 250
        assert all("cursor" in request.params for request in app.asked("users"))

    def test_a_short_page_with_a_next_one_is_not_the_last(self, app, connector):
        app.short_pages = True
        self.fill(app, 7)
        assert len(list(connector.accounts())) == 7

    def test_the_members_of_a_large_group_are_found_by_the_group(self, app, connector):
        self.fill(app, 130)
        app.things = [self.make_thing(0), self.make_thing(1)]
        app.things[1].members = {seat.id: "member" for seat in app.seats[:120]}
        read = {(access.account, access.asset) for access in connector.access()}
        assert read == {(seat.id, "thing-1") for seat in app.seats[:120]}

    def test_someone_in_a_group_is_not_added_again(self, app, connector):
        self.fill(app, 1)
        app.things = [self.make_thing(0)]
        app.things[0].members = {app.seats[0].id: "member"}
        connector.grant(next(connector.accounts()), next(connector.assets()), "")
        assert app.asked("patch_group") == []

    def test_a_deactivated_user_stays_in_the_list(self, app, connector):
        self.fill(app, 1)
        connector.remove(next(connector.accounts()))
        assert [call.body["Operations"] for call in app.asked("patch_user")] == [
            [{"op": "replace", "path": "active", "value": False}]
        ]
        assert next(connector.accounts()).status == "suspended"

    def test_administrators_must_be_protected_by_hand(self, app, connector):
        assert connector.roles() == []
        assert any("Protect yours by hand" in one for one in connector.test().missing)

    @pytest.mark.parametrize(
        ("address", "right"),
        [
            ("https://scim.us-east-1.amazonaws.com/1ab2c3d4-e5f6/scim/v2", True),
            ("https://scim.cn-north-1.amazonaws.com.cn/1ab2c3d4-e5f6/scim/v2/", True),
            ("https://scim.us-east-1.amazonaws.com/scim/v2", False),
            ("http://scim.us-east-1.amazonaws.com/1ab2c3d4-e5f6/scim/v2", False),
            ("https://scim.us-east-1.amazonaws.com.evil.example/1ab2c3d4-e5f6/scim/v2", False),
        ],
    )
    def test_the_address_is_checked(self, address, right):
        assert bool(re.fullmatch(AwsIdentityCenter.fields[0].pattern, address)) is right
