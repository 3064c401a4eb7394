"""What is known of a GitHub member beside the list of members: the second look, organisation roles, and e-mails by SAML
sign-on."""

from __future__ import annotations

import pytest

from connectors.apps.github import GitHub
from connectors.base import CredentialRejected, TemporarilyUnavailable
from tests.connectors.apps.fake_github import FakeGitHub, reading
from tests.connectors.fake import FOREVER, Seat
from tests.connectors.keys import pem


@pytest.fixture
def app():
    app = FakeGitHub()
    app.seats = [Seat("1000", "ana@private.example", "Ana", role="member"), Seat("1001", role="member")]
    app.start()
    yield app
    app.stop()


@pytest.fixture
def connector(app):
    with reading(app) as connector:
        yield connector


# “Get a user using their ID”


APP = {"credential": "app", "app_id": "1234", "private_key": pem()}


@pytest.mark.parametrize(("credential", "words"), [
    ({}, "not a member of acme"), (APP, "Members: read")], ids=["token", "app"])  # fmt: skip
def test_nobody_is_gone_for_a_credential_without_access_to_the_organisation(app, connector, credential, words):
    """docs.github.com/rest/users/users: “If you are not authorized, the request will return a 404 Not Found status”,
    which is about managed users of an enterprise."""
    leaver = connector.account("1000")
    app.my_state, app.permissions = "pending", {"metadata": "read"}
    app.fail(app.error(404, "Not Found"), on="user", times=FOREVER)
    later = GitHub({"org": "acme", "token": app.token, **credential})
    later.api = app.url
    for act in (lambda: later.account(leaver.id), lambda: later.remove(leaver)):
        with pytest.raises(CredentialRejected, match=words):
            act()
    later.close()


# “Get all organization roles for an organization”, “List users that are assigned to an organization role”


def test_organisation_roles_have_their_names(app, connector):
    app.seats[0].further_roles = ("organisation-role:81", "organisation-role:82")
    assert connector.account("1000").roles == ("member", "organisation-role:81", "organisation-role:82")
    assert {role.id: role.label for role in connector.roles()}["organisation-role:82"] == "Auditor"


@pytest.mark.parametrize("status, is_told", [(403, True), (404, False), (422, False)])
@pytest.mark.parametrize("call", ["organisation_roles", "holders"])
def test_without_organisation_roles_the_reading_continues(app, connector, call, status, is_told):
    """404 and 422 are for an organisation without the feature; 403 is for a credential without the permission."""
    app.fail(app.error(status, "Resource not accessible by personal access token"), on=call, times=FOREVER)
    assert [account.roles for account in connector.accounts()] == [("member",), ("member",)]
    assert any("organisation roles" in missing for missing in connector.test().missing) == is_told


def test_a_fault_in_the_middle_fails_the_reading(app, connector):
    app.fail(app.error(500, "Unwell"), on="holders", times=FOREVER)
    with pytest.raises(TemporarilyUnavailable):
        list(connector.accounts())


# GraphQL, Organization.samlIdentityProvider


@pytest.mark.parametrize("identity, email", [
    ({"samlIdentity": {"nameId": "ana@acme.example", "emails": []}}, "ana@acme.example"),
    ({"samlIdentity": {"nameId": "x1", "emails": [{"value": "ana@acme.example"}]}}, "ana@acme.example"),
    ({"scimIdentity": {"emails": [{"value": "ana@acme.example"}]}}, "ana@acme.example"),
    ({"samlIdentity": {"nameId": "ABC-123", "emails": None}}, "ana@private.example"),
    ({"user": None, "samlIdentity": {"nameId": "ana@acme.example"}}, "ana@private.example"),
])  # fmt: skip
def test_the_email_of_the_sign_on_comes_before_the_public_one(app, connector, identity, email):
    app.saml = {"1000": identity}
    assert connector.account("1000").email == email
    assert [account.email for account in connector.accounts()] == [email, ""]
    assert connector.account("1000").email == email


def test_an_email_at_a_verified_domain_comes_before_the_sign_on(app, connector):
    app.saml = {"1000": {"samlIdentity": {"nameId": "other@acme.example"}}}
    app.verified = {"1000": ["ana@acme.example"]}
    assert next(connector.accounts()).email == "ana@acme.example"


def test_more_than_a_page_of_identities_is_read(app, connector):
    app.seats = [Seat(str(2000 + n), role="member") for n in range(201)]
    app.saml = {seat.id: {"samlIdentity": {"nameId": f"{seat.id}@acme.example"}} for seat in app.seats}
    assert [account.email for account in connector.accounts()] == [f"{seat.id}@acme.example" for seat in app.seats]


def test_a_credential_that_may_not_see_identities_reads_the_rest(app, connector):
    error = {"type": "FORBIDDEN", "message": "Resource not accessible by integration"}
    app.fail(lambda reply: type(reply)(200, {"data": None, "errors": [error]}), on="sign_on", times=FOREVER)
    assert [account.email for account in connector.accounts()] == ["ana@private.example", ""]


# GraphQL, Enterprise.ownerInfo.samlIdentityProvider


@pytest.fixture
def of_enterprise(app):
    app.enterprise, app.saml = "acme-corp", {"1000": {"samlIdentity": {"nameId": "ana@acme.example"}}}
    connector = GitHub({"org": "acme", "token": app.token, "enterprise": "acme-corp"})
    connector.api = app.url
    yield connector
    connector.close()


def test_the_email_of_an_enterprises_sign_on_is_read_where_the_enterprise_is_named(app, of_enterprise):
    assert [account.email for account in of_enterprise.accounts()] == ["ana@acme.example", ""]
    assert of_enterprise.account("1000").email == "ana@acme.example"
    assert not any("enterprise" in missing for missing in of_enterprise.test().missing)


def test_an_enterprise_that_the_credential_may_not_see_is_named_and_the_rest_is_read(app, of_enterprise):
    """ownerInfo is null for everyone but an enterprise owner."""
    app.enterprise = "another"
    assert [account.email for account in of_enterprise.accounts()] == ["ana@private.example", ""]
    assert any("the enterprise acme-corp" in missing for missing in of_enterprise.test().missing)


def test_an_organisation_whose_enterprise_has_the_sign_on_is_read(app, connector):
    """GitHub refuses the question for the organisation's own provider then, with an error of no known type."""
    app.enterprise = "acme-corp"
    assert [account.email for account in connector.accounts()] == ["ana@private.example", ""]
