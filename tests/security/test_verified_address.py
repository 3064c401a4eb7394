"""An address counts as verified only by its own source, and only if that source states it clearly."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.oidc.provider import _email_of_one_source
from tests.web.test_oidc import JANA, is_in, jana, provider, set_up, try_to  # noqa: F401

EMAIL, OTHER = JANA["email"], "mallory@evil.example"


def vouched(email: str, verified: Any = True) -> dict[str, Any]:
    return {"email": email, "email_verified": verified}


@pytest.mark.parametrize(("token", "userinfo", "expected"), [
    (vouched(EMAIL), {}, vouched(EMAIL)),
    ({}, vouched(EMAIL), vouched(EMAIL)),
    ({"email": EMAIL}, vouched(EMAIL), vouched(EMAIL)),
    ({"email": EMAIL}, vouched(OTHER), {"email": EMAIL}),
    (vouched(EMAIL, False), vouched(EMAIL), vouched(EMAIL, False)),
    (vouched(EMAIL), vouched(OTHER), vouched(EMAIL)),
    ({"email_verified": True}, {"email": OTHER}, {"email": OTHER}),
    ({"email_verified": True}, vouched(OTHER, False), vouched(OTHER, False)),
    ({"email": EMAIL}, {"email_verified": True}, {"email": EMAIL}),
    ({"email": EMAIL, "xms_edov": True}, {"email": EMAIL}, {"email": EMAIL, "xms_edov": True}),
    ({"xms_edov": True}, {"email": OTHER}, {"email": OTHER}),
    ({}, {"email": OTHER, "xms_edov": True}, {"email": OTHER, "xms_edov": True}),
    ({"email": ""}, vouched(EMAIL), vouched(EMAIL)),
    ({}, {}, {}),
])  # fmt: skip
def test_address_and_verification_are_of_one_source(token: dict, userinfo: dict, expected: dict):
    assert _email_of_one_source(token, userinfo) == expected


def test_a_verification_in_the_token_is_not_of_the_userinfos_address(anybody, set_up, provider, jana):  # noqa: F811
    provider.claims, provider.userinfo = {"email_verified": True}, {"email": EMAIL}
    set_up()
    answer = try_to(anybody)
    assert answer.status_code == 403 and "vouch" in answer.text and not is_in(anybody)


@pytest.mark.parametrize("verified", [1, 1.0, "1", "True", "TRUE", [True], {"value": True}])
def test_only_true_is_true(anybody, set_up, provider, jana, verified: Any):  # noqa: F811
    provider.claims = vouched(EMAIL, verified)
    set_up()
    assert try_to(anybody).status_code == 403 and not is_in(anybody)


def test_true_as_a_text_counts_as_apple_and_cognito_send_it(anybody, set_up, provider, jana):  # noqa: F811
    provider.claims = vouched(EMAIL, "true")
    set_up()
    assert try_to(anybody).status_code == 303 and is_in(anybody)
