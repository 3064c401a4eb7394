"""The GitHub connector: the contract, then invitations, outside collaborators, Apps, limits and hidden e-mails."""

from __future__ import annotations

import base64
import json
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256

from connectors.apps.github import GitHub
from connectors.base import Account, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_github import FakeGitHub
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing
from tests.connectors.keys import key, pem


class TestGitHub(ConnectorContract):
    kind, fake, address = GitHub, FakeGitHub, "api"
    role, other_role, owner_role = "member", "admin", "admin"
    asset_role = "write"
    higher_asset_role = "admin"
    several_roles, unnamed_role = ("member", "organisation-role:81"), ()  # only roles that the list names have people

    def settings(self, app):
        return {"org": "acme", "token": app.token}

    def make_seat(self, n: int) -> Seat:
        return Seat(str(1000 + n), f"person{n}@acme.example", f"Person {n}", role="member")

    def make_thing(self, n: int) -> Thing:
        return Thing(f"repository:{n + 1}", f"thing-{n}")

    # Invitations: a list of their own in GitHub

    def test_a_later_version_can_be_entered(self, app):
        connector = self.connect(app, version="2026-03-10")
        list(connector.accounts())
        assert {request.headers["x-github-api-version"] for request in app.requests} == {"2026-03-10"}
        connector.close()

    def test_invites_once_and_again(self, app, connector):
        for _ in range(2):
            connector.invite("new@acme.example", "member")
        assert [(seat.email, seat.role) for seat in app.invited] == [("new@acme.example", "member")]
        assert [(a.id, a.email, a.status, a.role) for a in connector.accounts()] == [
            ("invitation:900", "new@acme.example", "invited", "member")
        ]

    def test_an_invitation_is_looked_up_and_cancelled(self, app, connector):
        connector.invite("new@acme.example", "admin")
        [invitation] = connector.accounts()
        assert connector.account(invitation.id) == invitation
        for _ in range(2):
            connector.remove(invitation)
        assert app.invited == [] and connector.account(invitation.id) is None

    def test_an_outside_collaborator_cannot_be_invited_to_the_organisation(self, connector):
        with pytest.raises(Refused, match="invited to a repository"):
            connector.invite("new@acme.example", "outside_collaborator")

    # Outside collaborators

    def test_outside_collaborators_are_accounts_too(self, app, connector):
        self.fill(app, 1)
        app.outsiders = [Seat("50", "kim@freelance.example", "Kim"), app.seats[0]]
        listed = {account.id: account for account in connector.accounts()}
        assert {id: account.role for id, account in listed.items()} == {
            "1000": "member", "50": "outside_collaborator",
        }  # fmt: skip
        assert connector.account("50") == listed["50"]
        for _ in range(2):
            connector.remove(listed["50"])
        assert app.asked("remove_outside") and connector.account("50") is None

    def test_a_member_becomes_an_outside_collaborator(self, app, connector):
        self.fill(app, 1)
        [member] = connector.accounts()
        for _ in range(2):
            connector.change_role(member, "outside_collaborator")
        assert [account.role for account in connector.accounts()] == ["outside_collaborator"]

    def test_a_role_that_the_api_cannot_give_is_refused(self, app, connector):
        self.fill(app, 1)
        with pytest.raises(Refused):
            connector.change_role(next(connector.accounts()), "billing_manager")

    # Teams

    def test_teams_are_assets_and_members_of_child_teams_are_not_counted_twice(self, app, connector):
        self.fill(app, 2)
        app.things = [Thing("team:8", "Platform", members={"1000": "maintainer", "1001": "member"})]
        app.inherited = {"1001"}
        [team] = connector.assets()
        assert (team.id, team.kind, team.name) == ("team:8", "team", "Platform")
        assert [(a.account, a.role, a.privileged) for a in connector.access()] == [("1000", "maintainer", True)]
        somebody = next(connector.accounts())
        for _ in range(2):
            connector.grant(somebody, team, "member")
        assert app.things[0].members["1000"] == "member"
        for _ in range(2):
            connector.revoke(somebody, team)
        assert "1000" not in app.things[0].members

    # OpenAPI description, schema team-member: role and inherited “only when the feature is enabled”

    def test_where_the_list_lacks_roles_graphql_shows_them(self, app, connector):
        self.fill(app, 2)
        app.sends_team_roles = False
        app.things = [Thing("team:8", "Platform", members={"1000": "maintainer", "1001": "member"})]
        app.inherited = {"1001"}
        assert [(a.account, a.role, a.privileged) for a in connector.access()] == [("1000", "maintainer", True)]

    def test_a_large_team_is_read_whole_by_graphql(self, app, connector):
        app.sends_team_roles = False
        app.things = [Thing("team:8", "Platform", members={str(n): "member" for n in range(1, 202)})]
        assert len(set(connector.access())) == 201

    def test_a_team_that_disappears_while_reading_fails_it(self, app, connector):
        app.sends_team_roles = False
        app.things = [Thing("team:8", "Platform", members={"1000": "member"})]
        app.when(app.things.clear, on="direct_members")
        with pytest.raises(TemporarilyUnavailable, match="didn't return the members of the team"):
            list(connector.access())

    def test_someone_who_stays_in_through_a_child_team_is_reported(self, app, connector):
        self.fill(app, 1)
        app.things = [Thing("team:8", "Platform", members={"1000": "member"})]
        app.inherited = {"1000"}
        with pytest.raises(Refused, match="through a team below it"):
            connector.revoke(next(connector.accounts()), next(connector.assets()))

    # Invitations to single repositories: “List repository invitations”

    @pytest.fixture
    def invited(self, app):
        app.things = [Thing("repository:1", "site"), Thing("repository:2", "shop")]
        app.invitees = [Seat("70", "kim@freelance.example", "Kim"), Seat("71", "lee@freelance.example", "Lee")]
        kim, lee = app.invitees
        app.repo_invited = {
            "site": [app.invited_to_repo(5, kim), app.invited_to_repo(6, lee, expired=True)],
            "shop": [app.invited_to_repo(7, kim, expired=False), app.invited_to_repo(8, None)],
        }
        return app

    def test_open_invitations_to_repositories_are_accounts(self, invited, connector):
        listed = {account.id: account for account in connector.accounts()}
        assert {id: (a.email, a.status, a.role) for id, a in listed.items()} == {
            "invitation:repository:70": ("kim@freelance.example", "invited", "outside_collaborator"),
            "invitation:repository:only:8": ("", "invited", "outside_collaborator"),
        }  # fmt: skip
        assert connector.account("invitation:repository:70") == listed["invitation:repository:70"]
        with pytest.raises(Refused, match="not accepted"):
            connector.change_role(listed["invitation:repository:70"], "member")

    def test_all_of_someones_invitations_are_cancelled(self, invited, connector):
        for _ in range(2):
            connector.remove(Account("invitation:repository:70"))
        assert {name: [row["id"] for row in rows] for name, rows in invited.repo_invited.items()} == {
            "site": [6], "shop": [8],
        }  # fmt: skip
        assert connector.account("invitation:repository:70") is None

    @pytest.mark.parametrize("status", [403, 404])
    def test_invitations_that_may_not_be_read_fail_no_reading_and_are_not_gone(self, invited, connector, status):
        self.fill(invited, 1)
        words = {403: "Must have admin rights to Repository.", 404: "Not Found"}[status]
        invited.fail(invited.error(status, words), on="repo_invitations", times=FOREVER)
        assert [account.id for account in connector.accounts()] == ["1000"]
        with pytest.raises((CredentialRejected, TemporarilyUnavailable)):
            connector.account("invitation:repository:70")

    def test_where_access_is_left_out_repositories_are_not_asked(self, invited):
        connector = self.connect(invited, access="leave out")
        assert list(connector.accounts()) == [] and not invited.asked("repo_invitations")
        connector.close()

    # Access

    def test_an_admin_of_a_repository_may_hand_it_on(self, app, connector):
        self.fill(app, 1)
        app.things = [Thing("repository:1", "site", members={"1000": "admin"})]
        assert [(a.role, a.privileged) for a in connector.access()] == [("admin", True)]

    def test_access_that_stays_after_revoking_is_reported(self, app, connector):
        self.fill(app, 1)
        app.things, app.base_permission = [self.make_thing(0)], {"1000"}
        with pytest.raises(Refused, match="base permission"):
            connector.revoke(next(connector.accounts()), next(connector.assets()))

    def test_a_repository_that_took_anothers_name_is_not_touched(self, app, connector):
        self.fill(app, 1)
        app.things = [self.make_thing(0)]
        [asset] = connector.assets()
        app.things[0].id = "repository:99"
        with pytest.raises(Refused, match="a different repository"):
            connector.grant(next(connector.accounts()), asset, "write")

    def test_a_repository_that_disappears_while_reading_fails_it(self, app, connector):
        app.things = [self.make_thing(0)]
        app.when(app.things.clear, on="collaborators")
        with pytest.raises(TemporarilyUnavailable, match="disappeared"):
            list(connector.access())

    @pytest.mark.parametrize("choice, asked", [("all", "all"), ("direct", "direct"), ("leave out", None)])
    def test_how_much_access_is_read_can_be_chosen(self, app, choice, asked):
        app.things = [self.make_thing(0)]
        connector = self.connect(app, access=choice)
        list(connector.access())
        assert [r.params["affiliation"] for r in app.asked("collaborators")] == ([asked] if asked else [])
        connector.close()

    # E-mails

    def test_an_email_at_a_verified_domain_comes_first(self, app, connector):
        self.fill(app, 1)
        app.verified = {"1000": ["z@acme.example", "ana@acme.example"]}
        assert [account.email for account in connector.accounts()] == ["ana@acme.example"]

    def test_emails_can_be_left_out(self, app):
        self.fill(app, 1)
        connector = self.connect(app, emails="leave out")
        assert [(a.email, a.name, a.user_name) for a in connector.accounts()] == [("", "login-1000", "login-1000")]
        assert not app.asked("people")
        connector.close()

    @pytest.mark.parametrize(
        "kind, error", [("INSUFFICIENT_SCOPES", CredentialRejected), ("RATE_LIMITED", RateLimited),
                        ("FORBIDDEN", CredentialRejected), ("NOT_FOUND", TemporarilyUnavailable),
                        ("", TemporarilyUnavailable)],
    )  # fmt: skip
    def test_an_error_inside_a_graphql_answer_is_one(self, app, connector, kind, error):
        self.fill(app, 1)
        app.graphql_errors = [{"type": kind, "message": "The 'email' field requires read:user"}]
        with pytest.raises(error, match="read:user"):
            list(connector.accounts())

    def test_a_profile_that_is_missing_fails_the_reading(self, app, connector):
        self.fill(app, 1)
        app.fail(Reply(200, {"data": {"nodes": [None]}}), on="people")
        with pytest.raises(TemporarilyUnavailable, match="didn't return the profile"):
            list(connector.accounts())

    # Limits

    def test_a_secondary_limit_without_headers_waits_a_minute(self, app, connector):
        words = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        app.fail(app.error(403, words), times=FOREVER)
        with pytest.raises(RateLimited) as limited:
            list(connector.accounts())
        assert limited.value.retry_after >= 60 and len(app.requests) == 1

    @pytest.mark.parametrize("status", [403, 429])
    def test_the_primary_limit_waits_until_it_resets(self, app, connector, status):
        headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 900)}
        app.fail(Reply(status, {"message": "API rate limit exceeded"}, headers), times=FOREVER)
        with pytest.raises(RateLimited) as limited:
            list(connector.accounts())
        assert limited.value.retry_after == pytest.approx(900, abs=60)

    # The credential

    def test_says_who_the_token_is(self, app, connector):
        identity = connector.test()
        assert (identity.name, identity.external_id, identity.missing) == ("olga in acme", "1", ())

    def test_says_which_scopes_are_missing(self, app, connector):
        app.scopes, app.my_role = "read:org", "member"
        missing = " ".join(connector.test().missing)
        assert "isn't an owner" in missing and "admin:org" in missing and "scope repo" in missing

    def test_a_fine_grained_token_shows_no_scopes(self, app, connector):
        app.scopes = None
        assert connector.test().missing == ()

    @pytest.mark.parametrize("ask", ["test", "accounts"])
    def test_someone_who_would_see_public_members_only_is_reported(self, app, connector, ask):
        app.my_state = "pending"
        with pytest.raises(CredentialRejected, match="not a member of acme"):
            list(getattr(connector, ask)() or ())

    def test_a_token_that_may_not_read_invitations_is_reported(self, app, connector):
        app.fail(app.error(403, "You must be an owner"), on="invitations")
        with pytest.raises(CredentialRejected, match="admin:org"):
            connector.test()

    def test_an_operation_that_the_credential_may_not_do_is_no_refusal(self, app, connector):
        self.fill(app, 1)
        account = next(connector.accounts())
        app.fail(app.error(403, "Resource not accessible by personal access token"), on="remove_membership")
        with pytest.raises(CredentialRejected):
            connector.remove(account)

    def test_results_hidden_by_single_sign_on_fail_the_reading(self, app, connector):
        self.fill(app, 1)
        app.fail(Reply(200, [], {"X-GitHub-SSO": "partial-results; organizations=1"}), on="members")
        with pytest.raises(CredentialRejected, match="single sign-on"):
            list(connector.accounts())

    def test_without_a_token_it_says_so(self):
        with pytest.raises(CredentialRejected, match="The access token is missing. Enter it"):
            GitHub({"org": "acme"}).test()

    def test_an_invited_user_cannot_be_given_a_role(self, connector):
        with pytest.raises(Refused, match="not accepted"):
            connector.change_role(Account("invitation:9", "new@acme.example"), "admin")

    # What didn't change is not sent again

    def read_with(self, app, memory) -> list[str]:
        connector = self.connect(app, emails="leave out")
        connector.memory = memory
        try:
            return [account.id for account in connector.accounts()]
        finally:
            connector.close()

    @pytest.mark.parametrize(
        "before, after", [(250, 250), (250, 251), (100, 101), (200, 200), (101, 100), (3, 2), (0, 1)]
    )
    def test_a_second_reading_with_a_memory_finds_what_is_there(self, app, before, after):
        memory = Remembering()
        self.fill(app, before)
        self.read_with(app, memory)
        self.fill(app, after)
        app.requests.clear()
        assert self.read_with(app, memory) == [seat.id for seat in app.seats]
        assert any("if-none-match" in request.headers for request in app.requests)

    def test_an_app_that_says_unchanged_unasked_is_rejected(self, app, connector):
        app.fail(Reply(304), on="members")
        with pytest.raises(TemporarilyUnavailable, match="but Rollcall didn"):
            list(connector.accounts())


class Remembering(dict):
    """A Memory."""

    recall, keep = dict.get, dict.__setitem__


class TestGitHubApp(TestGitHub):
    """The whole contract again with the credential of a GitHub App."""

    def settings(self, app):
        return {"org": "acme", "credential": "app", "app_id": "1234", "private_key": pem()}

    def test_says_who_the_token_is(self, app, connector):
        identity = connector.test()
        assert (identity.name, identity.missing) == ("the App rollcall in acme", ())

    def test_says_which_scopes_are_missing(self, app, connector):
        app.permissions = {"members": "read"}
        missing = " ".join(connector.test().missing)
        assert "Members: read and write" in missing and "Administration" in missing

    @pytest.mark.parametrize("ask", ["accounts"])
    def test_someone_who_would_see_public_members_only_is_reported(self, app, connector, ask):
        app.permissions = {"metadata": "read"}
        with pytest.raises(CredentialRejected, match="Members: read"):
            list(connector.accounts())

    def test_without_a_token_it_says_so(self, app):
        for wrong in ("", "rubbish", pem().replace("A", "B"), pem()[:200]):
            with pytest.raises(CredentialRejected, match="isn't a private key"):
                GitHub({**self.settings(app), "private_key": wrong}).test()

    def test_an_app_that_is_not_installed_there_is_reported(self, app):
        connector = self.connect(app, org="other")
        with pytest.raises(Refused, match="isn't installed in other"):
            connector.test()
        connector.close()

    def test_the_app_signs_who_it_is(self, app, connector):
        connector.test()
        head, claims, signature = app.jwts[0].split(".")
        read = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, claims)]
        key().public_key().verify(
            base64.urlsafe_b64decode(signature + "=="), f"{head}.{claims}".encode(), padding.PKCS1v15(), SHA256()
        )
        assert read[0]["alg"] == "RS256" and read[1]["iss"] == "1234"
        assert read[1]["iat"] < time.time() < read[1]["exp"] <= time.time() + 600

    def test_a_key_that_a_form_put_on_one_line_is_understood(self, app):
        connector = self.connect(app, private_key=pem().replace("\n", " "))
        assert connector.test().name
        connector.close()

    def test_the_token_is_renewed_before_it_ends(self, app, connector, monkeypatch):
        self.fill(app, 1)
        list(connector.accounts())
        assert len(app.jwts) == 1
        monkeypatch.setattr("connectors.tools.renewal.time.monotonic", lambda now=time.monotonic: now() + 51 * 60)
        assert len(list(connector.accounts())) == 1
        assert len(app.jwts) == 2
