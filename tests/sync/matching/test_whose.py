"""Whether an entry is a person's, whose an address is by each source, and which directory is trusted."""

from __future__ import annotations

import pytest

from sync.db import db, writing
from sync.directory import reading
from sync.matching import addresses, members, vouching
from sync.matching.addresses import Claim
from sync.models import Account, App, Directory, DirectoryAddress, DirectoryEntry, Person, PersonEmail
from sync.rank import Asker, NotAllowed
from sync.staging import tables
from sync.staging.directory import READ_ABOVE, READ_LEAVING, READ_PERSON

ADDRESS = "ana@acme.example"


@pytest.fixture
def ana(home) -> Person:
    person = Person.create(name="Ana Lima", employee_number="E7")
    PersonEmail.create(person=person, email=ADDRESS, email_key=ADDRESS, main=True)
    return person


@pytest.fixture
def ldap(home) -> Directory:
    return Directory.create(kind="scim", name="LDAP", vouched_for=True)


def entry(directory: Directory, person: Person | None, id: str = "1", **values: object) -> DirectoryEntry:
    return DirectoryEntry.create(directory=directory, external_id=id, person=person,
                                 **{"status": "active", "reported_status": "active", **values})  # fmt: skip


def says(directory: Directory, id: str = "1", email: str = ADDRESS, **values: object) -> DirectoryAddress:
    return DirectoryAddress.create(directory=directory, external_id=id, email=email, email_key=email, **values)


# The same human


def answer(rule, person: Person, name: str, number: str | None) -> bool:
    condition = rule("d", str(person.id))
    row = db.execute_sql(f"SELECT {condition} FROM (SELECT ? AS name, ? AS employee_number) d", (name, number))
    return bool(row.fetchone()[0])


@pytest.mark.parametrize(("person", "known", "other", "same", "another"), [
    (("Ana Lima", "E7"), ("", ""), ("Ana Lima", "E7"), True, False),
    (("Ana Lima", "E7"), ("", ""), ("Bo", "e7"), True, False),  # a new name
    (("Ana Lima", "E7"), ("", ""), ("Ana Lima", "E8"), False, True),
    (("Ana Lima", "E7"), ("", ""), ("Bo", "E8"), False, True),
    (("Ana Lima", "E7"), ("", ""), ("Ana Lima", ""), True, False),
    (("Ana Lima", "E7"), ("", ""), ("Bo", ""), False, True),
    (("Ana Lima", "E7"), ("", ""), ("", "E7"), True, False),
    (("Ana Lima", "E7"), ("", ""), ("", "E8"), False, True),
    (("Ana Lima", "E7"), ("", ""), ("", ""), False, False),
    (("Ana Lima", ""), ("", ""), ("Ana Lima", "E8"), True, False),
    (("Ana Lima", None), ("", ""), ("ANA LIMA", "E8"), True, False),
    (("Ana Lima", ""), ("", ""), ("Bo", "E8"), False, True),
    (("Ana Lima", ""), ("", ""), ("", "E8"), False, False),
    (("", "E7"), ("", ""), ("Ana Lima", "E8"), False, True),
    (("", "E7"), ("", ""), ("Ana Lima", ""), False, False),
    (("", ""), ("", ""), ("Ana Lima", "E7"), False, False),
    (("", ""), ("Ana Lima", "E7"), ("Ana Lima", ""), True, False),  # known by an entry alone
    (("", ""), ("Ana Lima", "E7"), ("Bo", "E7"), True, False),
    (("", ""), ("Ana Lima", "E7"), ("Bo", "E8"), False, True),
    (("Ana Lima", "E7"), ("Ana Sosa", "E9"), ("Ana Sosa", ""), True, False),
    (("Ana Lima", "E7"), ("Ana Sosa", "E9"), ("Bo", "E9"), True, False),
    (("Ana Lima", "E7"), ("Ana Sosa", "E9"), ("Ana Sosa", "E8"), False, True),
])  # fmt: skip
def test_a_number_says_more_than_a_name_and_a_missing_value_nothing(home, ldap, person, known, other, same, another):
    one = Person.create(name=person[0], employee_number=person[1])
    stranger = Person.create(name="Bo", employee_number="E8")
    entry(ldap, stranger, "2", name="Bo", employee_number="E8")
    if any(known):
        entry(ldap, one, name=known[0], employee_number=known[1])
    assert answer(addresses.same_human, one, *other) is same
    assert answer(addresses.another_human, one, *other) is another


# Claims


def claims() -> list[Claim]:
    return addresses.claims([ADDRESS, "another@acme.example"]).get(ADDRESS, [])


@pytest.mark.parametrize(("status", "by_hand", "has_entry", "claims_it"), [
    ("active", True, True, True), ("active", True, False, True), ("active", False, False, True),
    ("active", False, True, False), ("suspended", True, False, True), ("deprovisioned", True, False, False)])
def test_an_address_given_by_hand_is_a_claim_while_the_person_is_here(ana, ldap, status, by_hand, has_entry, claims_it):
    Person.update(status=status).execute()
    PersonEmail.update(by_hand=by_hand).execute()
    if has_entry:
        entry(ldap, ana)
    assert claims() == ([Claim("Ana Lima", ana.id, "by hand")] if claims_it else [])


@pytest.mark.parametrize("here", [True, False])
@pytest.mark.parametrize(("known", "name", "shown"), [
    ("Ana Lima", "A. Lima", "Ana Lima"), ("", "A. Lima", "A. Lima"), ("", "", ADDRESS), (None, "A. Lima", "A. Lima")])
def test_a_directory_claims_an_address_while_its_entry_exists(home, ldap, known, name, shown, here):
    person = None if known is None else Person.create(name=known)
    if person:
        entry(ldap, person)
        entry(ldap, Person.create(name="Bo"), "2")
    says(ldap, name=name, active=here)
    says(Directory.create(kind="scim", name="Other"), "9", "x@acme.example", name="Bo")
    assert claims() == ([Claim(shown, person and person.id, "LDAP")] if here else [])


def test_each_person_claims_it_once_and_each_stranger(ana, ldap):
    other = Directory.create(kind="scim", name="Other")
    for directory in (ldap, other):
        entry(directory, ana)
        says(directory)
        says(directory, "7", name="Bo")
    PersonEmail.update(by_hand=True).execute()
    assert [(one.name, one.source) for one in claims()] == [
        ("Ana Lima", "by hand"), ("Bo", "LDAP"), ("Bo", "Other")]  # fmt: skip
    assert addresses.is_disputed("another@acme.example") is False


@pytest.mark.parametrize(("names", "words"), [
    (("Ana",), "Ana"), (("Ana", "Bo"), "both Ana and Bo"), (("Ana", "Bo", "Cy"), "Ana, Bo and Cy"), ((), "")])
def test_the_claims_in_words(names, words):
    made = [Claim(name, None, "LDAP") for name in names]
    assert addresses.claimed_by(made) == f"The e-mail address is claimed by {words}"


@pytest.mark.parametrize("disputed", [True, False])
def test_a_known_address_is_disputed_where_it_says_so(ana, disputed):
    PersonEmail.update(disputed=disputed).execute()
    assert addresses.is_disputed(ADDRESS) is disputed


@pytest.mark.parametrize("strangers", [1, 2])
def test_an_unknown_address_is_disputed_where_several_claim_it(home, ldap, strangers):
    for number in range(strangers):
        says(ldap, str(number), name=f"N{number}")
    assert addresses.is_disputed(ADDRESS) is (strangers == 2)


# Which directory is trusted at a sign-in


def trusted(person: Person) -> bool:
    return vouching.is_vouched_for(ADDRESS, person)


@pytest.mark.parametrize(("case", "trusts"), [
    ("as it is", True), ("not there now", False), ("someone else's entry", False), ("another address", False),
    ("nobody answers", False), ("an owner answers", True), ("an admin answers", False),
    ("another's entry beside theirs", False), ("another's entry, theirs elsewhere", False),
    ("second in order", False), ("without a place", True), ("first in order", True)])  # fmt: skip
def test_an_address_is_trusted_where_the_first_vouched_directory_gives_it(ana, ldap, case, trusts):
    bo = Person.create(name="Bo", workspace_role="owner" if case == "an owner answers" else "admin")
    other = Directory.create(kind="scim", name="Other", vouched_for=True, position=2)
    Directory.update(position={"second in order": 3, "without a place": None}.get(case, 1)).where(
        Directory.id == ldap.id).execute()  # fmt: skip
    if case == "without a place":
        Directory.update(position=None).where(Directory.id == other.id).execute()
    if case in ("nobody answers", "an owner answers", "an admin answers"):
        Directory.update(vouched_for=False, responsible_id=None if case == "nobody answers" else bo.id).where(
            Directory.id == ldap.id).execute()  # fmt: skip
    entry(ldap, bo if "else's entry" in case or "another's entry" in case else ana)
    if case == "another's entry beside theirs":
        entry(ldap, ana, "9")
    if case == "another's entry, theirs elsewhere":
        entry(other, ana, "1")
    says(ldap, active=case != "not there now", email="x@acme.example" if case == "another address" else ADDRESS)
    entry(other, ana, "5")
    assert trusted(ana) is trusts


@pytest.mark.parametrize("vouched", [True, False])
def test_an_address_that_an_owner_gave_is_trusted(ana, vouched):
    PersonEmail.update(vouched_for=vouched).execute()
    assert trusted(ana) is vouched
    assert trusted(Person.create(name="Bo")) is False and vouching.is_vouched_for("x@acme.example", ana) is False


# Who is responsible for a directory


@pytest.mark.parametrize(("role", "was", "vouched", "now"), [
    ("owner", True, True, 0), ("owner", False, False, 0), ("admin", True, False, 2), ("admin", False, False, 2),
    ("super admin", True, False, 1)])  # fmt: skip
def test_a_person_who_changes_a_directory_is_responsible_for_it(home, ldap, role, was, vouched, now):
    asker = Person.create(name="Ana", workspace_role=role)
    other = Directory.create(kind="scim", name="Other", vouched_for=True)
    Directory.update(vouched_for=was).where(Directory.id == ldap.id).execute()
    with writing():
        vouching.make_responsible(Directory.get_by_id(ldap.id), Asker.person(asker))
    row = Directory.get_by_id(ldap.id)
    assert (row.vouched_for, row.responsible_id, vouching.rank_of_directory(row)) == (vouched, asker.id, now)
    assert Directory.get_by_id(other.id).vouched_for


def test_the_command_line_vouches_for_it(home, ldap):
    Directory.update(vouched_for=False).execute()
    with writing():
        vouching.make_responsible(ldap, Asker.command_line())
    row = Directory.get_by_id(ldap.id)
    assert (row.vouched_for, row.responsible_id) == (True, None)


@pytest.mark.parametrize("whole", [True, False])
def test_someone_who_is_missing_leaves_only_by_a_whole_reading(home, ldap, whole):
    """The directory may not change any of them but one."""
    rows = [("same", "active", "active"), ("left", "active", "deprovisioned"), ("missing", "active", None),
            ("gone before", "deprovisioned", None), ("reported", "active", "active")]  # fmt: skip
    people = {id: Person.create(name=id) for id, *_ in rows}
    for id, status, _ in rows:
        entry(ldap, people[id], id, status=status)
    tables.create(READ_PERSON, READ_ABOVE, READ_LEAVING)
    for id, _, now in rows:
        if id != "reported":
            db.execute_sql("INSERT INTO read_above VALUES (?)", (people[id].id,))
        if now:
            db.execute_sql("INSERT INTO read_person (external_id, status) VALUES (?, ?)", (id, now))
    vouching.hold_above(ldap, whole)
    found = {Person.get_by_id(id).name for (id,) in db.execute_sql("SELECT person_id FROM read_leaving").fetchall()}
    assert found == ({"left", "missing"} if whole else {"left"})


@pytest.mark.parametrize(("vouched", "above"), [(True, set()), (False, {"owner", "super admin", "admin"})])
def test_those_who_rank_above_a_directory_are_of_its_own_people(home, ldap, vouched, above):
    Directory.update(vouched_for=vouched).where(Directory.id == ldap.id).execute()
    other = Directory.create(kind="scim", name="Other")
    for place, role in enumerate(("owner", "super admin", "admin", "user", None)):
        entry(ldap, Person.create(name=str(role), workspace_role=role), str(place))
        entry(other, Person.create(name=f"{role} elsewhere", workspace_role=role), str(place))
    with reading.staging():
        vouching.note_above(ldap)
        found = db.execute_sql("SELECT person_id FROM read_above").fetchall()
    assert {Person.get_by_id(id).name for (id,) in found} == above


@pytest.mark.parametrize("whole", [True, False])
def test_claims_are_kept_and_an_entry_missing_from_a_complete_reading_is_gone(ana, ldap, whole):
    """Of an entry that never became a person, nothing is kept once it is gone."""
    other = Directory.create(kind="scim", name="Other")
    rows = ("same", "moved", "missing", "deleted", "without a person", "left")
    for directory in (ldap, other):
        for id in rows:
            says(directory, id, f"{id}@x.example", name=id)
            if id != "without a person":
                entry(directory, ana, id)
    with reading.staging():
        for id, status in (("same", "active"), ("moved", "active"), ("left", "deprovisioned"),
                           ("deleted", "deprovisioned"), ("new", "active")):  # fmt: skip
            db.execute_sql("INSERT INTO read_person (external_id, name, employee_number, status, deleted) "
                           "VALUES (?, ?, '', ?, ?)", (id, id, status, id == "deleted"))  # fmt: skip
        for id, address in (("same", "same"), ("moved", "elsewhere"), ("left", "left"), ("new", "new")):
            db.execute_sql("INSERT INTO read_email VALUES (?, ?, ?, FALSE)", (id, *[f"{address}@x.example"] * 2))
        assert addresses.note(ldap, whole)
        found = [(row.external_id, row.email.partition("@")[0], row.active) for row in DirectoryAddress.select().where(
            DirectoryAddress.directory == ldap).order_by(DirectoryAddress.external_id)]  # fmt: skip
        assert not addresses.note(ldap, whole), "nothing of it is new now"
    kept = [] if whole else [("without a person", "without a person", True)]
    deleted = [] if whole else [("deleted", "deleted", False)]
    assert found == sorted([("same", "same", True), ("moved", "elsewhere", True), ("left", "left", False),
                            ("missing", "missing", not whole), ("new", "new", True), *deleted, *kept])  # fmt: skip
    elsewhere = DirectoryAddress.select().where(DirectoryAddress.directory == other, DirectoryAddress.active)
    assert elsewhere.count() == len(rows)


@pytest.mark.parametrize("role", ["super admin", "admin"])
def test_only_owners_vouch(home, ldap, role):
    asker = Asker.person(Person.create(name="Ana", workspace_role=role))
    for change in (vouching.vouch, vouching.stop_vouching):
        with pytest.raises(NotAllowed):
            change(ldap, asker)


def test_accounts_of_a_page_come_with_their_people_and_are_the_apps(home, ana):
    app, other = (App.create(connector="x", name=name, category="Test") for name in ("One", "Two"))
    mine, theirs = (Account.create(app=one, external_id="1", person=ana) for one in (app, other))
    nobodys = Account.create(app=app, external_id="2")
    found = members.with_people(app, [mine.id, theirs.id, nobodys.id])
    assert {one.id: one.person and one.person.name for one in found} == {mine.id: "Ana Lima", nobodys.id: None}


# An account whose address is another's


KNOWN_BY = ({"email_key": ADDRESS}, {"user_name": ADDRESS.partition("@")[0]}, {"held_values": {"email_key": ADDRESS}})


def another(account: Account) -> str | None:
    return db.execute_sql(f"SELECT {addresses.ANOTHERS} FROM account AS a WHERE a.id = ?", (account.id,)).fetchone()[0]


def an_account(person: Person | None, **values: object) -> Account:
    """Beside one of the same app, and one of another, that are known by the address too."""
    apps = [App.create(connector="listed", name=name, category="Test", state="active", match_domain=domain)
            for name, domain in (("Chat", ADDRESS.partition("@")[2]), ("Other", "other.example"))]  # fmt: skip
    for app in apps:
        Account.create(app=app, external_id="2", email_key=ADDRESS, person=Person.create(name="Cy"))
    return Account.create(app=apps[0], external_id="1", person=person, **{"email_key": "x@acme.example"} | values)


@pytest.mark.parametrize("known_by", KNOWN_BY)
@pytest.mark.parametrize(("whose", "status", "name", "shown"), [
    ("another's", "active", "Ana Lima", "Ana Lima"), ("another's", "suspended", "Ana Lima", "Ana Lima"),
    ("another's", "active", "", ADDRESS), ("another's", "deprovisioned", "Ana Lima", None),
    ("theirs", "active", "Ana Lima", None), ("nobody's", "active", "Ana Lima", "Ana Lima"),
])  # fmt: skip
def test_an_address_of_someone_else_who_is_here_makes_the_account_anothers(ana, known_by, whose, status, name, shown):
    Person.update(status=status, name=name).where(Person.id == ana.id).execute()
    bo = Person.create(name="Bo")
    owner = {"another's": bo, "theirs": ana, "nobody's": None}[whose]
    account = an_account(owner, **known_by)
    assert another(account) == (f"its e-mail is that of {shown}" if shown else None)
    nowhere = {"email_key": "x@acme.example", "user_name": None, "held_values": None}
    Account.update(nowhere).where(Account.id == account.id).execute()
    assert another(account) is None


@pytest.mark.parametrize("known_by", KNOWN_BY)
@pytest.mark.parametrize(("whose", "here", "name", "shown"), [
    ("a stranger's", True, "Ana Lima", "Ana Lima"), ("a stranger's", True, "", ADDRESS),
    ("a stranger's", False, "Ana Lima", None), ("another's", True, "Ana Lima", "Ana Lima"),
    ("theirs", True, "Ana Lima", None), ("theirs elsewhere", True, "Ana Lima", "Ana Lima"),
])  # fmt: skip
def test_a_directorys_entry_of_a_stranger_makes_the_account_anothers(home, ldap, known_by, whose, here, name, shown):
    bo, other = Person.create(name="Bo"), Directory.create(kind="scim", name="Other")
    account = an_account(bo, **known_by)
    says(ldap, name=name, active=here)
    says(ldap, "9", "y@acme.example", name="Unrelated")
    if whose == "another's":
        entry(ldap, Person.create(name="Di"))
    if whose == "theirs":
        entry(ldap, bo)
    if whose == "theirs elsewhere":
        entry(other, bo)
        entry(ldap, bo, "9")
    assert another(account) == (f"its e-mail is that of {shown} in LDAP" if shown else None)
