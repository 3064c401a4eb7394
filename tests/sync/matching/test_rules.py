"""Matching by what the app reports: which rule decides, and that what is unclear stays unmatched and says why."""

from __future__ import annotations

import pytest

from sync import activity
from sync.matching import decisions as match_decisions
from sync.matching import rules as match_rules
from sync.models import Account, App, Change, Person
from sync.people import importing, people
from sync.workspace import today

DOMAIN = "acme.example"


@pytest.fixture
def ana(by: str) -> Person:
    return numbered(people.add("Ana López", "a.lopez@acme.example", by, ["ana@private.example"]), "E7")


@pytest.fixture
def bo(by: str) -> Person:
    return numbered(people.add("Bo Chen", "bo@acme.example", by), "E8")


def numbered(person: Person, number: str) -> Person:
    Person.update(employee_number=number).where(Person.id == person.id).execute()
    return Person.get_by_id(person.id)


def whose(listed, id: str) -> tuple[str, str | None, str]:
    """(match, name of the person, why)"""
    account = listed.account(id)
    return (
        account.match_kind,
        account.person and account.person.name,
        match_rules.why(listed.app, [account])[account.id],
    )


def read(listed, **fields: object) -> tuple[str, str | None, str]:
    listed.add("x", **fields)
    match_rules.set_domain(listed.app, DOMAIN, listed.by)
    listed.check()
    listed.app = App.get_by_id(listed.app.id)
    return whose(listed, "x")


@pytest.mark.parametrize(
    ("fields", "name", "why"),
    [
        ({"email": "A.LOPEZ@acme.example"}, "Ana López", "By e-mail"),
        ({"email": "ana@private.example"}, "Ana López", "By e-mail"),
        ({"employee_number": " e7 "}, "Ana López", "By employee number"),
        ({"email": "nobody@acme.example", "employee_number": "E7"}, "Ana López", "By employee number"),
        ({"user_name": "A.Lopez"}, "Ana López", "By user name"),
        ({"user_name": "ａ.lopez"}, None, ""),  # full width: mail to it doesn't reach her
        ({"employee_number": "E7", "user_name": "nobody"}, "Ana López", "By employee number"),
        ({"email": "a.lopez@acme.example", "employee_number": "E99"}, "Ana López", "By e-mail"),
        ({"email": "a.lopez@acme.example", "employee_number": "E7", "user_name": "a.lopez"}, "Ana López", "By e-mail"),
        ({"email": "bo@acme.example", "employee_number": "E7"}, None,
         "The e-mail is Bo Chen's, the employee number is Ana López's"),
        ({"email": "bo@acme.example", "user_name": "a.lopez"}, None,
         "The e-mail is Bo Chen's, the user name is Ana López's"),
        ({"employee_number": "E8", "user_name": "a.lopez"}, None,
         "The employee number is Bo Chen's, the user name is Ana López's"),
        ({"user_name": "nobody", "employee_number": "7"}, None, ""),
        ({"user_name": "a.lopez@acme.example"}, None, ""),  # an address already: the app didn't give it as the e-mail
        ({"user_name": "", "employee_number": " "}, None, ""),
    ],
)  # fmt: skip
def test_the_first_rule_that_names_someone_decides_unless_another_disagrees(listed, ana, bo, fields, name, why):
    assert read(listed, **fields) == ("matched" if name else "unmatched", name, why)


def test_a_number_of_two_people_is_nobodys(listed, ana, bo):
    numbered(bo, "e7")
    assert read(listed, employee_number="E7", user_name="a.lopez") == (
        "unmatched", None, "The employee number E7 is that of Ana López and Bo Chen")
    listed.say("x", email="bo@acme.example", user_name="")
    listed.check()
    assert whose(listed, "x") == ("matched", "Bo Chen", "By e-mail")


def test_known_accounts_are_matched_again_when_what_they_say_changes(listed, ana, bo):
    assert read(listed, employee_number="E7")[1] == "Ana López"
    listed.say("x", employee_number="E8")
    check = listed.check()
    assert whose(listed, "x")[1] == "Bo Chen"
    assert Change.select().where(Change.found_by == check).count() == 0, "whose it is is no change in the app"
    listed.say("x", employee_number="", user_name="a.lopez")
    listed.check()
    assert whose(listed, "x")[1] == "Ana López"


@pytest.mark.parametrize("fields", [{"email": "ana@private.example"}, {"user_name": "a.lopez"}])
def test_an_account_stays_with_its_person_who_loses_the_number_but_has_its_address_by_now(listed, ana, bo, fields):
    """The address had moved from Bo to someone else. Whose the account is doesn't depend on how often that is asked."""
    read(listed, employee_number="E7", **fields)
    moved = "ana@private.example" if "email" in fields else "a.lopez@acme.example"
    Account.update(moved_email_key=moved, former_person=bo).where(Account.external_id == "x").execute()
    for number in ("E70", "E71"):
        numbered(ana, number)
        match_rules.match_everywhere(numbers=["E7"])
        assert whose(listed, "x")[1] == "Ana López"
    Account.update(person=None, match_kind="unmatched", former_person=bo).where(Account.external_id == "x").execute()
    match_rules.match_everywhere(numbers=["E7"])
    assert whose(listed, "x")[1] is None, "that she has the address doesn't show that it is hers"


def test_a_rule_that_changes_matches_again_at_once_and_decisions_stand(listed, ana, bo):
    listed.add("one", user_name="a.lopez")
    listed.add("two", user_name="a.lopez")
    listed.add("three", user_name="a.lopez")
    listed.check()
    match_decisions.mark_guest(listed.account("two"), listed.by)
    match_decisions.match(listed.account("three"), bo, listed.by)
    assert match_rules.set_domain(listed.app, " @ACME.example ", listed.by) == 1
    assert [listed.account(id).match_kind for id in ("one", "two", "three")] == ["matched", "guest", "matched"]
    assert listed.account("three").person == bo
    app = App.get_by_id(listed.app.id)
    assert (app.match_domain, app.matched, app.unmatched, app.guests) == ("acme.example", 3, 0, 1)
    assert match_rules.set_domain(app, "acme.example", listed.by) == 0
    assert match_rules.set_domain(app, "", listed.by) == 1
    assert listed.account("one").match_kind == "unmatched"
    logged = [(entry.before, entry.after) for entry in activity.entries(search="matching by user name")]
    assert logged == [("user name@acme.example", "off"), ("off", "user name@acme.example")]


@pytest.mark.parametrize("text", ["acme", "a b.example", "acme.example, b.example", "ana@acme.example", ".", "a..b"])
def test_a_text_that_is_not_a_domain_changes_nothing(listed, text):
    with pytest.raises(match_rules.RuleProblem, match="Nothing was changed"):
        match_rules.set_domain(listed.app, text, listed.by)
    assert App.get_by_id(listed.app.id).match_domain is None


def test_someone_who_is_known_only_later_gets_their_accounts(listed, by, scripted):
    listed.add("by number", employee_number="E50")
    listed.add("by name", user_name="zoe")
    listed.check()
    match_rules.set_domain(listed.app, DOMAIN, by)
    assert listed.account("by name").match_kind == listed.account("by number").match_kind == "unmatched"
    company = scripted()
    company.add("1", "zoe@acme.example", "Zoë", employee_number="E50")
    company.read()
    assert listed.account("by name").person.name == listed.account("by number").person.name == "Zoë"
    company.say("1", employee_number="E51")
    company.read()
    assert listed.account("by number").match_kind == "unmatched"
    importing.import_csv(b"email,name,employee_number\nyan@acme.example,Yan,E50\n", by)
    assert listed.account("by number").person.name == "Yan"
    people.edit(people.find_by_email("zoe@acme.example"), by, emails=["zoe@other.example"])
    assert listed.account("by name").match_kind == "unmatched"
    assert App.get_by_id(listed.app.id).unmatched == 1


def test_no_rule_matches_an_account_that_the_app_made_for_itself(listed, ana):
    assert read(listed, email="a.lopez@acme.example", employee_number="E7", kind="system")[:2] == (
        "service account", None)
    listed.say("x", kind="user")
    listed.check()
    assert whose(listed, "x")[1] == "Ana López"


def test_a_leaver_is_matched_by_number_and_asked_about(listed, ana, by):
    listed.add("x", employee_number="E7")
    people.mark_left(ana, by)
    assert listed.check().waiting == 1
    assert Account.get(Account.external_id == "x").person == ana


@pytest.mark.parametrize(("years", "status", "why"), [
    (0, "deprovisioned", "old@acme.example belonged to Ana López (left 1 Jan): decide whose it is"),
    (1, "deprovisioned", "old@acme.example belonged to Ana López (left 1 Jan {year}): decide whose it is"),
    (1, "suspended", "old@acme.example belonged to Ana López: decide whose it is"),
    (1, "active", "old@acme.example belonged to Ana López: decide whose it is"),
])  # fmt: skip
@pytest.mark.parametrize("email", ["old@acme.example", ""], ids=["e-mail", "user name"])
def test_a_former_owner_is_named_with_the_day_they_left(listed, ana, email, years, status, why):
    """The year is shown where it isn't this one."""
    listed.add("x", email=email)
    listed.check()
    since = today().replace(year=today().year - years, month=1, day=1)
    Person.update(status=status, status_since=f"{since} 12:00:00").where(Person.id == ana.id).execute()
    Account.update(moved_email_key="old@acme.example", former_person=ana, user_name="old").where(
        Account.external_id == "x").execute()  # fmt: skip
    listed.app.match_domain = DOMAIN
    assert whose(listed, "x") == ("unmatched", None, why.format(year=since.year))


def test_the_present_owner_of_a_former_address_is_named_too(listed, ana, bo):
    listed.add("x", email="bo@acme.example")
    listed.check()
    Account.update(match_kind="unmatched", person=None, moved_email_key="bo@acme.example", former_person=ana).where(
        Account.external_id == "x").execute()  # fmt: skip
    had = "bo@acme.example belonged to Ana López"
    assert whose(listed, "x")[2] == f"{had} and belongs to Bo Chen now: decide whose it is"
    Account.update(former_person=bo).where(Account.external_id == "x").execute()
    assert whose(listed, "x")[2] == "The e-mail is Bo Chen's", "it is theirs again"
    Account.update(former_person=ana, moved_email_key="another@acme.example").where(
        Account.external_id == "x").execute()
    assert whose(listed, "x")[2] == "The e-mail is Bo Chen's", "what was asked about another address"
