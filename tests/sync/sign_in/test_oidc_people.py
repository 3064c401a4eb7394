"""Which person a provider has signed in, and which role their groups give them."""

from __future__ import annotations

import pytest

from sync import names
from sync.db import utcnow
from sync.directory import address_moves
from sync.models import Activity, Directory, DirectoryAddress, DirectoryEntry, Person, PersonEmail, SignInIdentity
from sync.people import people
from sync.sign_in import oidc_people
from sync.sign_in.oidc import Settings
from sync.sign_in.oidc_people import Refused, admit

ISSUER = "https://id.acme.example"
KNOWN = Settings(issuer=ISSUER, client_id="rollcall", label="Acme SSO")
BY_GROUP = Settings(issuer=ISSUER, client_id="rollcall", roles=(("Staff", "user"), ("IT", "admin"), ("Lunch", "guest")))


def claims(**more) -> dict:
    body = {"iss": ISSUER, "sub": "u-1", "email": "jana@acme.example", "email_verified": True, "name": "Jana Kowalski"}
    return body | more


@pytest.fixture
def jana(by: str) -> Person:
    return people.add("Jana Kowalski", "jana@acme.example", by, workspace_role="user")


def linked(person: Person, email: str, subject: str = "u-1") -> None:
    """They have signed in before: the first time of someone above a plain user is confirmed (tests/security)."""
    SignInIdentity.create(issuer=ISSUER, subject=subject, person=person, email=email)


@pytest.mark.parametrize("email", ["jana@acme.example", "JANA@Acme.Example", " Jana@acme.example "])
def test_an_address_in_any_spelling(jana, email) -> None:
    assert admit(claims(email=email), KNOWN) == jana


@pytest.mark.parametrize("email", [
    "jana@acme.example.evil.example", "jana@acme.example\x00", "jana@acme.example, x@evil.example",
    "j\u0430na@acme.example",
    "\uff4a\uff41\uff4e\uff41@acme.example", "", None, 7, ["jana@acme.example"], {"a": 1}, "jana",
    "x" * 300 + "@acme.example", "\ud800@acme.example",
])  # fmt: skip
def test_another_address_is_nobody(jana, email) -> None:
    with pytest.raises(Refused):
        admit(claims(email=email), KNOWN)
    assert Person.select().count() == 2 and not SignInIdentity.select().exists()


@pytest.mark.parametrize("verified, counts", [
    (True, True), ("true", True), (False, False), ("false", False), (None, False), ("yes", False), ([], False),
    (1, False), (1.0, False), ("True", False),
])  # fmt: skip
def test_only_a_verified_address_counts(jana, verified, counts) -> None:
    body = claims(email_verified=verified)
    if not counts:
        with pytest.raises(Refused, match="vouch"):
            admit(body, KNOWN)
        body.pop("email_verified")
        with pytest.raises(Refused, match="vouch"):
            admit(body, KNOWN)
    trusting = Settings(issuer=ISSUER, client_id="rollcall", trust_email=True)
    assert admit(body, KNOWN if counts else trusting) == jana


def test_entra_vouches_for_domains_in_its_own_way(jana) -> None:
    entra = Settings(issuer="https://login.microsoftonline.com/1-2-3/v2.0", client_id="rollcall")
    body = {"iss": entra.issuer, "sub": "s", "email": "jana@acme.example"}
    for claimed in ({}, {"xms_edov": False}, {"xms_edov": "0"}, {"xms_edov": True, "email_verified": False}):
        with pytest.raises(Refused):
            admit(body | claimed, entra)
    assert admit(body | {"xms_edov": True}, entra) == jana
    with pytest.raises(Refused):
        admit(claims(sub="u-2", email_verified=None, xms_edov=True), KNOWN)


def test_a_disputed_address_signs_in_nobody_new(jana) -> None:
    admit(claims(), KNOWN)
    okta = Directory.create(kind="scim", name="Okta", vouched_for=True)
    DirectoryAddress.create(directory=okta, external_id="x", email_key="jana@acme.example", email="jana@acme.example",
                            name="Janina Kern")  # fmt: skip
    address_moves.follow_decisions_by_hand(utcnow())
    with pytest.raises(Refused, match="to more than one person"):
        admit(claims(sub="u-2"), KNOWN)
    assert admit(claims(), KNOWN) == jana, "who signed in before is known by more than the address"


def test_the_subject_wins_over_the_address(jana, by) -> None:
    admit(claims(), KNOWN)
    tom = people.add("Tom Okafor", "tom@acme.example", by, workspace_role="user")
    assert admit(claims(email="tom@acme.example"), KNOWN) == jana
    assert admit(claims(email=None), KNOWN) == jana
    assert admit(claims(sub="u-2", email="tom@acme.example"), KNOWN) == tom
    assert [email.email for email in jana.emails] == ["jana@acme.example"], "Tom's address stays Tom's"


def test_the_same_subject_of_another_issuer_is_someone_else(jana) -> None:
    admit(claims(), KNOWN)
    with pytest.raises(Refused):
        admit(claims(iss="https://evil.example", email="mallory@evil.example"), KNOWN)


def test_a_new_address_is_applied_where_no_directory_shows(jana) -> None:
    admit(claims(), KNOWN)
    admit(claims(email="Jana.Horak@acme.example"), KNOWN)
    assert names.main_email(Person.get_by_id(jana.id)) == "Jana.Horak@acme.example"
    assert people.find_by_email("jana@acme.example") == jana
    admit(claims(email="evil@acme.example", email_verified=False), KNOWN)
    assert PersonEmail.select().where(PersonEmail.person == jana).count() == 2


def test_each_account_at_the_provider_is_reported_once(jana) -> None:
    for subject in ("u-1", "u-1", "u-2"):
        assert admit(claims(sub=subject), KNOWN) == jana
    linked = Activity.select().where(Activity.what == "linked sign-in").order_by(Activity.id)
    body = [entry.after for entry in linked]
    assert body == [f"u-1 of {ISSUER}", f"u-2 of {ISSUER}"]


def test_with_a_directory_a_new_address_comes_from_there(jana) -> None:
    directory = Directory.create(kind="csv", name="Staff", vouched_for=True)
    DirectoryEntry.create(directory=directory, external_id="1", person=jana)
    admit(claims(), KNOWN)
    assert admit(claims(email="jana.horak@acme.example"), KNOWN) == jana
    assert [email.email for email in jana.emails] == ["jana@acme.example"]


def test_someone_unknown_is_nobody_without_a_role(olga) -> None:
    with pytest.raises(Refused, match="doesn't know jana@acme.example"):
        admit(claims(), KNOWN)
    with pytest.raises(Refused):
        admit(claims(groups=["Strangers"]), BY_GROUP)
    assert Person.select().count() == 1
    assert Activity.select().where(Activity.what == "refused sign-in").count() == 2


def test_someone_unknown_becomes_a_person_by_group_or_default_role(olga) -> None:
    assert admit(claims(groups=["IT", "Staff"]), BY_GROUP).workspace_role == "admin"
    default = Settings(issuer=ISSUER, client_id="rollcall", default_role="guest")
    tom = admit(claims(sub="u-2", email="tom@acme.example", name="Tom"), default)
    assert (tom.name, tom.workspace_role, names.main_email(tom)) == ("Tom", "guest", "tom@acme.example")


@pytest.mark.parametrize("name, becomes", [
    ("<script>alert(1)</script>", "<script>alert(1)</script>"), ("x" * 100_000, "x" * 200),
    ("a\r\nb\x00\u202ec", "a b c"), (None, "jana"), (7, "jana"), ({"a": 1}, "jana"), ("", "jana"),
])  # fmt: skip
def test_a_name_is_a_text_of_strangers(olga, name, becomes) -> None:
    default = Settings(issuer=ISSUER, client_id="rollcall", default_role="guest")
    assert admit(claims(name=name), default).name == becomes


@pytest.mark.parametrize("groups, role", [
    (["Staff"], "user"), (["Lunch", "Staff", "IT"], "admin"), ("IT", "admin"), (["staff"], None), ([], None),
    (None, None), ([7, None, ["IT"], {"IT": 1}], None), ({"IT": True}, None),
    (["x"] * 9000 + ["IT"], "admin"), (["x" * 500_000], None),
])  # fmt: skip
def test_the_highest_role_of_the_groups(jana, groups, role) -> None:
    if role is None:
        with pytest.raises(Refused, match="None of your groups"):
            admit(claims(groups=groups), BY_GROUP)
    else:
        admit(claims(groups=groups), BY_GROUP)
    assert Person.get_by_id(jana.id).workspace_role == role


def test_groups_decide_again_at_each_sign_in(jana) -> None:
    by_group = Settings(issuer=ISSUER, client_id="r", roles=BY_GROUP.roles, default_role="guest")
    roles = [admit(claims(groups=groups), by_group).workspace_role for groups in (["IT"], ["Staff"], [], ["IT"])]
    assert roles == ["admin", "user", "guest", "admin"]


def test_without_groups_a_role_given_by_hand_stays(jana, by) -> None:
    people.set_workspace_role(jana, "admin", by)
    linked(jana, "jana@acme.example")
    default = Settings(issuer=ISSUER, client_id="r", default_role="guest")
    assert admit(claims(groups=["IT"]), default).workspace_role == "admin"
    people.set_workspace_role(jana, None, by)
    assert admit(claims(), default).workspace_role == "guest"
    people.set_workspace_role(jana, None, by)
    with pytest.raises(Refused, match="You have no role"):
        admit(claims(), KNOWN)


def test_groups_that_entra_left_out_are_not_none(jana, by) -> None:
    admit(claims(groups=["IT"]), BY_GROUP)
    for left_out in ({"_claim_names": {"groups": "src1"}}, {"hasgroups": True}):
        assert admit(claims(**left_out), BY_GROUP).workspace_role == "admin"


def test_owners_are_made_and_unmade_by_a_group_that_maps_to_owner_alone(olga, jana, by) -> None:
    people.set_workspace_role(jana, "owner", by)
    linked(jana, "jana@acme.example")
    assert admit(claims(groups=["Staff"]), BY_GROUP).workspace_role == "owner"
    owners = Settings(issuer=ISSUER, client_id="r", roles=(("Bosses", "owner"), ("Staff", "user")))
    assert admit(claims(groups=["Staff"]), owners).workspace_role == "user"
    assert admit(claims(groups=["Bosses"]), owners).workspace_role == "owner"


def test_the_last_owner_stays_one(olga) -> None:
    owners = Settings(issuer=ISSUER, client_id="r", roles=(("Bosses", "owner"), ("Staff", "user")))
    linked(olga, "olga@acme.example")
    for groups in (["Staff"], []):
        assert admit(claims(email="olga@acme.example", groups=groups), owners).workspace_role == "owner"


def test_the_profile_of_a_person_who_has_left_is_unchanged(jana, by) -> None:
    admit(claims(groups=["IT"]), BY_GROUP)
    people.mark_left(jana, by)
    with pytest.raises(Refused, match="has left"):
        admit(claims(groups=["Staff"], email="new@acme.example"), BY_GROUP)
    assert Person.get_by_id(jana.id).workspace_role == "admin" and people.find_by_email("new@acme.example") is None
    people.mark_returned(jana, by)
    assert admit(claims(groups=["Staff"]), BY_GROUP).workspace_role == "user"


def test_roles_are_reported_in_activity(jana) -> None:
    admit(claims(groups=["IT"]), Settings(issuer=ISSUER, client_id="r", label="Acme SSO", roles=BY_GROUP.roles))
    entry = Activity.get(Activity.what == "changed workspace role", Activity.who == "sign-in with Acme SSO")
    assert (entry.before, entry.after) == ("user", "admin")


def test_role_by_groups_alone() -> None:
    by_roles = Settings(groups_claim="roles", roles=(("IT", "admin"),))
    assert oidc_people.role_by_groups({"roles": ["IT"]}, by_roles) == "admin"
    assert oidc_people.role_by_groups({"": ["IT"]}, Settings(groups_claim="", roles=(("IT", "admin"),))) is None
