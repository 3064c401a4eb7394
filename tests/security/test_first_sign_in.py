"""Signing in with the provider finds a person only by an address that someone of rank vouches for; who is above a plain
user confirms it the first time. Nobody becomes someone else by an address."""

from __future__ import annotations

import pytest

from sync.directory import directories
from sync.models import Activity, DirectoryEntry, Person, PersonEmail, SignInIdentity, WaitingSignIn
from sync.people import importing, people
from sync.rank import Asker, NotAllowed
from sync.sign_in import waiting as waiting_sign_ins
from sync.sign_in.oidc import Settings
from sync.sign_in.oidc_people import Refused, Unconfirmed, admit
from tests.asking import MACHINE
from tests.web.client import Client
from tests.web.provider import Provider

ISSUER = "https://id.acme.example"
KNOWN = Settings(issuer=ISSUER, client_id="rollcall", label="Acme SSO")
EVIL = "mallory@evil.example"


def _claims(email: str, subject: str = "mallory", **more) -> dict:
    return {"iss": ISSUER, "sub": subject, "email": email, "email_verified": True, "name": "Mallory"} | more


@pytest.fixture
def mallory(someone) -> Person:
    return someone("Mallory Admin", role="admin")


@pytest.fixture
def tom(someone) -> Person:
    """A plain user, who owns an app."""
    return someone("Tom Okafor", role="user")


def _refused(email: str) -> WaitingSignIn:
    with pytest.raises(Unconfirmed) as refused:
        admit(_claims(email), KNOWN)
    assert not SignInIdentity.select().exists()
    return refused.value.waiting


def test_an_address_that_an_admin_typed_signs_nobody_in(site, mallory, tom, by):
    """admin_becomes_app_owner"""
    address = f"/people/{tom.id}"
    Client(site, mallory).send("PATCH", address, name=tom.name, emails=f"tom.okafor@acme.example\n{EVIL}")
    assert people.find_by_email(EVIL) == tom
    waiting = _refused(EVIL)
    assert waiting.person == tom and not waiting.person_may_confirm
    Client(site).client.application.app_context()
    people.edit(tom, by, name="Tom O.", emails=["tom.okafor@acme.example", EVIL])
    _refused(EVIL)
    assert Activity.select().where(Activity.what == "refused sign-in", Activity.person == tom).exists()


@pytest.mark.parametrize("how", ["a list", "a directory", "a push"])
def test_nor_one_that_a_list_or_a_directory_of_an_admin_gave(site, mallory, tom, tmp_path, how):
    rows = f"email,further emails\ntom.okafor@acme.example,{EVIL}\nana@acme.example,\n"
    if how == "a list":
        importing.import_csv(rows.encode(), Asker.person(mallory))
    elif how == "a directory":
        (tmp_path / "list.csv").write_text(rows)
        values = {"file": str(tmp_path / "list.csv")}
        directories.run(directories.connect("csv", "Mine", values, Asker.person(mallory)).readings.get().id)
    else:
        Provider(site, "Mine", Asker.person(mallory)).add("tom.okafor@acme.example", emails=[{"value": EVIL}])
    assert people.find_by_email(EVIL) == tom
    assert not _refused(EVIL).person_may_confirm


def test_one_that_an_owner_or_the_first_directory_of_an_owner_gives_does(site, mallory, tom, by):
    people.edit(tom, by, emails=["tom.okafor@acme.example", "tom@acme.example"])
    assert admit(_claims("tom@acme.example", "t-1"), KNOWN) == tom
    mine = Provider(site, "Mine", Asker.person(mallory))
    mine.add("ana@acme.example")
    okta = Provider(site, "Okta", by)
    ana = okta.add("ana@acme.example")
    person = DirectoryEntry.get(DirectoryEntry.external_id == ana).person
    people.set_workspace_role(person, "user", by)
    assert admit(_claims("ana@acme.example", "a-1"), KNOWN) == person
    okta.deactivate(ana)
    assert Person.get_by_id(person.id).status == "active", "another directory has them"
    with pytest.raises(Unconfirmed):
        admit(_claims("ana@acme.example", "a-2"), KNOWN)


def test_a_second_directory_of_an_owner_is_rejected(site, tom, by):
    Provider(site, "First", by)
    second = Provider(site, "Second", by)
    second.add("tom.okafor@acme.example", emails=[{"value": "tom.o@acme.example"}])
    with pytest.raises(Unconfirmed):
        admit(_claims("tom.o@acme.example"), KNOWN)


@pytest.mark.parametrize("role", ["owner", "super admin", "admin"])
def test_the_first_sign_in_into_someone_above_a_user_waits_and_the_next_ones_do_not(someone, by, role):
    jana = someone("Jana Kowalski", role=role)
    waiting = _refused("jana.kowalski@acme.example")
    assert waiting.person_may_confirm and waiting.person == jana
    with pytest.raises(Unconfirmed):
        admit(_claims("jana.kowalski@acme.example"), KNOWN)
    assert WaitingSignIn.select().count() == 1
    waiting_sign_ins.approve(waiting, by)
    assert admit(_claims("jana.kowalski@acme.example"), KNOWN) == jana
    assert not WaitingSignIn.select().exists()


def test_no_role_is_given_or_taken_by_groups_while_it_waits(someone, by):
    by_group = Settings(issuer=ISSUER, client_id="rollcall", roles=(("IT", "super admin"),))
    jana = someone("Jana Kowalski", role="admin")
    for groups in ([], ["IT"]):
        with pytest.raises(Unconfirmed):
            admit(_claims("jana.kowalski@acme.example", groups=groups), by_group)
        assert Person.get_by_id(jana.id).workspace_role == "admin"


def test_only_an_owner_approves_or_the_person_in_their_own_browser(someone, mallory, olga, by):
    jana = someone("Jana Kowalski", role="super admin")
    waiting = _refused("jana.kowalski@acme.example")
    for person in (mallory, jana):
        with pytest.raises(NotAllowed):
            waiting_sign_ins.approve(waiting, Asker.person(person))
    for person in (mallory, olga):
        with pytest.raises(NotAllowed):
            waiting_sign_ins.confirm(waiting, Asker.person(person))
    waiting_sign_ins.dismiss(waiting, by)
    assert not WaitingSignIn.select().exists() and not SignInIdentity.select().exists()
    again = _refused("jana.kowalski@acme.example")
    waiting_sign_ins.confirm(again, Asker.person(jana))
    assert admit(_claims("jana.kowalski@acme.example"), KNOWN) == jana


def test_an_account_that_no_owner_vouches_for_is_not_confirmed_by_the_person(mallory, tom):
    people.edit(tom, Asker.person(mallory), emails=["tom.okafor@acme.example", EVIL])
    with pytest.raises(NotAllowed):
        waiting_sign_ins.confirm(_refused(EVIL), Asker.person(tom))


def test_owners_see_what_waits_on_the_pages_and_approve_it(site, olga, someone):
    jana, sue = someone("Jana Kowalski", role="admin"), someone("Sue Super", role="super admin")
    waiting = _refused("jana.kowalski@acme.example")
    owner, other = Client(site, olga), Client(site, sue)
    for address in ("/people", f"/people/{jana.id}"):
        assert "Sign-ins to approve" in owner.get(address).text
    approval = f"/people/waiting-sign-ins/{waiting.id}/approval"
    assert other.post(approval).status_code == 403
    assert other.send("DELETE", f"/people/waiting-sign-ins/{waiting.id}").status_code == 403
    assert owner.post(approval, seen=waiting_sign_ins.seen(waiting)).status_code == 303
    assert admit(_claims("jana.kowalski@acme.example"), KNOWN) == jana


def test_a_new_person_of_the_provider_is_known_by_the_address_but_a_later_one_is_rejected(olga):
    everyone = Settings(issuer=ISSUER, client_id="rollcall", default_role="user")
    person = admit(_claims("new@acme.example", "n-1"), everyone)
    assert admit(_claims("new@acme.example", "n-2"), everyone) == person
    admit(_claims("newer@acme.example", "n-1"), everyone)
    assert people.find_by_email("newer@acme.example") == person
    with pytest.raises(Unconfirmed):
        admit(_claims("newer@acme.example", "n-3"), everyone)


def test_a_list_of_the_command_line_vouches_for_what_it_names(mallory, tom):
    people.edit(tom, Asker.person(mallory), emails=["tom.okafor@acme.example", "tom@acme.example"])
    assert not PersonEmail.get(PersonEmail.email_key == "tom@acme.example").vouched_for
    importing.import_csv(b"email,further emails\ntom.okafor@acme.example,tom@acme.example\n", MACHINE)
    assert admit(_claims("tom@acme.example"), KNOWN) == tom


def test_a_person_who_has_left_cannot_wait_for_a_first_sign_in(someone, by):
    jana = someone("Jana Kowalski", role="admin")
    people.mark_left(jana, by)
    with pytest.raises(Refused) as refused:
        admit(_claims("jana.kowalski@acme.example"), KNOWN)
    assert not isinstance(refused.value, Unconfirmed) and not WaitingSignIn.select().exists()
