"""Who is responsible for a directory and may change it, what it has beside the main address, and who is behind a list
of unmatched accounts: each condition alone."""

from __future__ import annotations

import pytest

from sync.db import writing
from sync.matching import addresses, rules, suggestions, unmatched, vouching
from sync.matching.unmatched import Domain
from sync.models import Account, Activity, App, Directory, DirectoryAddress, DirectoryEntry, Person, PersonEmail
from sync.rank import Asker, NotAllowed

ROLES = ("owner", "super admin", "admin")


@pytest.fixture
def ldap(home) -> Directory:
    return Directory.create(kind="scim", name="LDAP")


@pytest.fixture
def app(home) -> App:
    return App.create(connector="listed", name="Listed", category="Test", state="active")


def person(role: str | None = None, **values: object) -> Person:
    return Person.create(name=(role or "Bo").title(), workspace_role=role, **values)


def answered_by(directory: Directory, role: str | None, vouched: bool = False) -> Directory:
    answers = role and person(role).id
    Directory.update(responsible_id=answers, vouched_for=vouched).where(Directory.id == directory.id).execute()
    return Directory.get_by_id(directory.id)


@pytest.mark.parametrize("theirs", ROLES)
@pytest.mark.parametrize("askers", ROLES)
def test_the_lower_of_two_is_responsible_for_what_both_have_changed(ldap, theirs, askers):
    directory, asker = answered_by(ldap, theirs), person(askers)
    lower = ROLES.index(askers) > ROLES.index(theirs)
    assert vouching.would_rise(directory, Asker.person(asker)) is (ROLES.index(askers) < ROLES.index(theirs))
    with writing():
        vouching.make_responsible_if_lower(directory, Asker.person(asker))
    assert (Directory.get_by_id(ldap.id).responsible_id == asker.id) is lower
    directory = answered_by(ldap, theirs)
    if lower:
        words = "^An Owner is responsible for LDAP. Nothing was changed: ask one of them.$"
        with pytest.raises(NotAllowed, match=words):
            vouching.require_over_directory(Asker.person(asker), directory)
    else:
        vouching.require_over_directory(Asker.person(asker), directory)
    for role in ROLES:
        assert vouching.is_above(directory, person(role)) is (ROLES.index(role) < ROLES.index(theirs))


@pytest.mark.parametrize("role", ["user", None])
def test_nobody_below_an_admin_is_responsible_for_a_directory(ldap, role):
    asker = Asker.person(person(role))
    for change in (lambda: vouching.make_responsible(ldap, asker),
                   lambda: vouching.make_responsible_if_lower(ldap, asker),
                   lambda: vouching.require_over_directory(asker, ldap)):  # fmt: skip
        with pytest.raises(NotAllowed):
            change()
    assert Directory.get().responsible_id is None


def test_a_directory_that_ranks_lower_now_is_in_activity(ldap):
    owners, asker = answered_by(ldap, "owner"), person("admin")
    with writing():
        vouching.make_responsible(owners, Asker.person(asker))
        vouching.make_responsible(Directory.get_by_id(ldap.id), Asker.person(asker))
    [entry] = Activity.select().where(Activity.what == "answers for directory")
    assert (entry.who, entry.about) == ("Admin", "LDAP")
    assert entry.after == "Its changes to people above an admin are held"


def test_an_owner_vouches_and_stops_and_each_is_reported_once(ldap):
    other = Directory.create(kind="scim", name="Other")
    by = Asker.person(person("owner"))
    answered_by(ldap, "admin")
    for _ in range(2):
        vouching.vouch(ldap, by)
    assert [row.vouched_for for row in Directory.select().order_by(Directory.id)] == [True, False]
    vouching.vouch(other, by)
    for _ in range(2):
        vouching.stop_vouching(ldap, by)
    now = Directory.get_by_id(ldap.id)
    assert (now.vouched_for, now.responsible_id, Directory.get_by_id(other.id).vouched_for) == (False, None, True)
    assert [(row.who, row.what, row.about, row.after) for row in Activity.select().order_by(Activity.id)] == [
        ("Owner", "vouched for directory", "LDAP", "It may change Owners and admins"),
        ("Owner", "vouched for directory", "Other", "It may change Owners and admins"),
        ("Owner", "stopped vouching for directory", "LDAP", "Its changes to Owners and admins are held")]  # fmt: skip


@pytest.mark.parametrize(("role", "status", "vouched", "words"), [
    ("admin", "active", True, "an Owner vouches for it"), (None, "active", False, "nobody is responsible for it"),
    ("admin", "active", False, "Admin is responsible for it"),
    ("admin", "suspended", False, "Admin is responsible for it, who no longer manages people"),
    ("user", "active", False, "User is responsible for it, who no longer manages people")])  # fmt: skip
def test_it_is_shown_who_is_responsible_for_it(ldap, role, status, vouched, words):
    Person.create(name="Before them")
    directory = answered_by(ldap, role, vouched)
    Person.create(name="After them")
    Person.update(status=status).execute()
    assert vouching.responsibility_in_words(directory) == words


@pytest.mark.parametrize("places", [(None, 1), (2, 1)])
def test_the_first_directory_in_the_order_decides_whose_address_is_trusted(ldap, places):
    """One without a place comes last, however long it is known."""
    other, one = Directory.create(kind="scim", name="Other"), person()
    for directory, place in zip((ldap, other), places):
        Directory.update(position=place, vouched_for=True).where(Directory.id == directory.id).execute()
    PersonEmail.create(person=one, email="a@x.example", email_key="a@x.example", main=True)
    DirectoryEntry.create(directory=other, external_id="1", status="active", reported_status="active", person=one)
    DirectoryAddress.create(directory=other, external_id="1", email="a@x.example", email_key="a@x.example", main=True)
    assert vouching.is_vouched_for("a@x.example", one)
    Directory.update(position=9).where(Directory.id == other.id).execute()
    assert vouching.is_vouched_for("a@x.example", one) is (places[0] is None)


def test_the_further_addresses_of_an_entry_are_its_own(ldap):
    other = Directory.create(kind="scim", name="Other")
    entry = DirectoryEntry.create(directory=ldap, external_id="1", status="active", reported_status="active",
                                 person=person())  # fmt: skip
    for directory, id, email, main in ((ldap, "1", "main@x.example", True), (ldap, "1", "b@x.example", False),
                                       (ldap, "1", "a@x.example", False), (ldap, "2", "c@x.example", False),
                                       (other, "1", "d@x.example", False)):  # fmt: skip
        DirectoryAddress.create(directory=directory, external_id=id, email=email, email_key=email, main=main)
    assert addresses.further_of(entry) == ("b@x.example", "a@x.example")


# Unmatched accounts


def test_unmatched_accounts_are_counted_by_the_domain_of_their_address(app):
    App.update(automation_external_id="own").where(App.id == app.id).execute()
    other = App.create(connector="listed", name="Other", category="Test", state="active")
    rows = [(app, f"{number}", email, kind, state) for number, (email, kind, state) in enumerate((
        ("a@x.example", "unmatched", "present"), ("b@x.example", "unmatched", "present"),
        ("c@x.example", "matched", "present"), ("d@x.example", "guest", "present"),
        ("e@b.example", "unmatched", "present"), ("f@a.example", "unmatched", "present"),
        ("", "unmatched", "present"), ("no-at-sign", "unmatched", "present"), ("", "unmatched", "present"),
        ("g@x.example", "unmatched", "gone"), ("h@x.example", "unmatched", "removing"),
        ("i@only.example", "matched", "present"), ("@z.example", "unmatched", "present")))]  # fmt: skip
    rows += [(app, "own", "own@x.example", "unmatched", "present"), (other, "1", "j@y.example", "unmatched", "present")]
    for where, id, email, kind, state in rows:
        Account.create(app=where, external_id=id, email_key=email, match_kind=kind, state=state)
    assert unmatched.by_domain(App.get_by_id(app.id)) == [
        Domain("", 3, 0), Domain("x.example", 2, 1), Domain("a.example", 1, 0), Domain("b.example", 1, 0),
        Domain("z.example", 1, 0)]  # fmt: skip
    App.update(automation_external_id=None).where(App.id == app.id).execute()
    assert unmatched.by_domain(App.get_by_id(app.id))[0] == Domain("", 3, 0)
    assert Domain("x.example", 3, 1) in unmatched.by_domain(App.get_by_id(app.id))


def suggested(app: App, account: Account, limit: int = 3) -> list[tuple[str, str]]:
    return [(one.name, why) for one, why in suggestions.suggestions(Account.get_by_id(account.id), limit)]


def test_the_former_owner_of_an_address_and_all_who_claim_it_are_suggested(app, ldap):
    ana, bo, cy = (Person.create(name=name) for name in ("Ana Lima", "Bo Berg", "Cy Young"))
    address = "desk@acme.example"
    account = Account.create(app=app, external_id="1", email=address, email_key=address,
                             moved_email_key=address, former_person=cy)
    assert suggested(app, account) == [("Cy Young", "The e-mail was theirs")]
    PersonEmail.create(person=ana, email=address, email_key=address, disputed=True, by_hand=True)
    DirectoryEntry.create(directory=ldap, external_id="1", status="active", reported_status="active", person=bo)
    DirectoryAddress.create(directory=ldap, external_id="1", email=address, email_key=address, name="Bo Berg")
    assert suggested(app, account) == [
        ("Ana Lima", "The e-mail is claimed by them and by someone else"),
        ("Bo Berg", "The e-mail is claimed by them and by someone else"), ("Cy Young", "The e-mail was theirs")]
    assert len(suggested(app, account, 1)) == 2, "one alone would be half of the question"
    Person.update(status="deprovisioned").where(Person.id == bo.id).execute()
    assert suggested(app, account)[-1] == (
        "Bo Berg", "The e-mail is claimed by them and by someone else; has left the company")


def test_a_person_named_by_a_rule_is_not_suggested_again(app):
    Person.create(name="Ana Lima", employee_number="E1")
    Person.create(name="Bo Lima", employee_number="E1")
    account = Account.create(app=app, external_id="1", name="Ana Lima", employee_number="e1")
    assert suggested(app, account) == [
        ("Ana Lima", "The employee number is theirs"), ("Bo Lima", "The employee number is theirs")]
    assert rules.why(app, [account]) == {account.id: "The employee number e1 is that of Ana Lima and Bo Lima"}


# Whether an entry that is nobody here could be someone


@pytest.mark.parametrize(("claim", "person", "free"), [
    ({}, None, True), ({"main": False}, None, False), ({"id": "9"}, None, False), ({"elsewhere": True}, None, False),
    ({}, {"rival": True}, False), ({}, {"rival": False}, True),  # another entry has the address: in use, or no longer
    ({}, {"by_hand": True}, True), ({}, {"by_hand": True, "status": "deprovisioned"}, False),
    ({}, {"by_hand": False}, True), ({}, {"by_hand": True, "entry": "here"}, False),
    ({}, {"by_hand": True, "entry": "reported as left"}, True), ({}, {"by_hand": True, "entry": "elsewhere"}, True),
    ({"email": "other@x.example"}, {"by_hand": True, "entry": "here"}, True),
])  # fmt: skip
def test_an_address_is_free_where_nobody_else_has_it_or_someone_this_directory_does_not_know(ldap, claim, person, free):
    other, address = Directory.create(kind="scim", name="Other"), "desk@x.example"
    email = claim.get("email", address)
    DirectoryAddress.create(directory=other if "elsewhere" in claim else ldap, external_id=claim.get("id", "1"),
                            email=email, email_key=email, main=claim.get("main", True))  # fmt: skip
    if person and "rival" in person:
        DirectoryAddress.create(directory=other, external_id="7", email=address, email_key=address,
                                active=person["rival"])  # fmt: skip
    elif person:
        row = Person.create(name="Bo", status=person.get("status", "active"))
        PersonEmail.create(person=row, email=address, email_key=address, by_hand=person["by_hand"])
        if entry := person.get("entry"):
            reported = "deprovisioned" if entry == "reported as left" else "active"
            DirectoryEntry.create(directory=other if entry == "elsewhere" else ldap, external_id="5", person=row,
                                  status="active", reported_status=reported)  # fmt: skip
    assert addresses.is_free_for(ldap, "1") is free
