"""Importing a list of people: whole or nothing, and only about those it names."""

from __future__ import annotations

from datetime import date

import pytest
from peewee import fn

from sync.db import db
from sync.models import Account, App, Person, PersonEmail
from sync.people import as_known as as_known_rows
from sync.people import held, importing, people
from sync.people.people import PeopleProblem
from sync.rank import Asker
from tests.database import ON_FILE


@pytest.fixture
def ana(by) -> Person:
    return people.add("Ana López", "Ana@acme.example", by, ["ana.lopez@acme.example"])


def fresh(person: Person) -> Person:
    return Person.get_by_id(person.id)


def test_an_import_says_nothing_of_those_it_does_not_name(ana, by, olga):
    outcome = importing.import_csv(b"email,name\nbo@acme.example,Bo\n", by)
    assert (outcome.added, outcome.updated, outcome.unchanged) == (1, 0, 0)
    assert {fresh(person).status for person in (ana, olga)} == {"active"}


def test_an_import_without_a_status_leaves_each_status(ana, by):
    people.mark_left(ana, by)
    importing.import_csv("email,name\nana@acme.example,Ana López\n".encode(), by)
    assert fresh(ana).status == "deprovisioned"


def test_an_old_list_brings_nobody_back_until_someone_releases_it(ana, by):
    people.mark_left(ana, by)
    text = "email,name,status,last_day\nana@acme.example,Ana López,active,\n".encode()
    assert [importing.import_csv(text, by).held for _ in range(2)] == [1, 0]
    [waiting] = held.waiting(ana)
    assert (fresh(ana).status, waiting.value) == ("deprovisioned", "active")
    held.release(waiting, by)
    assert fresh(ana).status == "active"


def test_the_last_day_of_someone_whom_a_list_brings_back_is_released_after_that(ana, by):
    people.mark_left(ana, by)
    importing.import_csv(b"email,status,last_day\nana@acme.example,active,2099-12-31\n", by)
    assert fresh(ana).last_day is None
    status, last_day = held.waiting(ana)
    with pytest.raises(PeopleProblem, match="has left"):
        held.release(last_day, by)
    held.release(status, by)
    held.release(last_day, by)
    assert (fresh(ana).status, fresh(ana).last_day) == ("active", date(2099, 12, 31))


def test_an_import_brings_up_to_date_and_twice_is_once(ana, by):
    text = "email;name;status;employee_number;further_emails\nANA@acme.example;Ana B;left;17;ab@acme.example\n"
    assert importing.import_csv(text.encode(), by).updated == 1
    assert importing.import_csv(text.encode(), by).unchanged == 1
    now = fresh(ana)
    assert (now.name, now.status, now.employee_number) == ("Ana B", "deprovisioned", "17")
    assert people.find_by_email("ab@acme.example") == ana
    assert PersonEmail.select().where(PersonEmail.person == ana).count() == 3


@pytest.mark.parametrize(
    "text",
    [
        "email,name\nbo@acme.example,Bo\nbo@acme.example,Bo\n",
        "email,further_emails\nbo@acme.example,olga@acme.example\n",
        "email,status\nbo@acme.example,active\nolga@acme.example,left\n",
        "email,further_emails,status\nbo@acme.example,b@acme.example,active\nb@acme.example,,left\n",
        "name\nBo\n",
    ],
)
def test_an_import_is_whole_or_nothing(olga, by, text):
    with pytest.raises(PeopleProblem):
        importing.import_csv(text.encode(), by)
    assert [person.name for person in Person.select()] == ["Olga Brandt"]
    assert fresh(olga).status == "active"


def test_an_import_reads_a_file_by_its_path(tmp_path, by):
    file = tmp_path / "staff.csv"
    file.write_text("email,name\nbo@acme.example,Bo\n")
    assert importing.import_file(file, by).added == 1
    with pytest.raises(PeopleProblem, match="No such file"):
        importing.import_file(tmp_path / "none.csv", by)


def test_a_list_that_names_someone_by_two_addresses_is_refused(ana, by):
    text = "email,status\nana@acme.example,active\nana.lopez@acme.example,left\n"
    with pytest.raises(PeopleProblem, match="names Ana López twice, as ana@acme.example and as ana.lopez@acme.example"):
        importing.import_csv(text.encode(), by)
    assert fresh(ana).status == "active"


HEAD = "email,name,status,employee_number,further_emails,department,manager,last_day\n"
# What a row says that was not so, and what is so then.
NEWS = [
    ("p1@acme.example,Another Name,active,E1,f1@acme.example,Sales,boss@acme.example,", {"name": "Another Name"}),
    ("p2@acme.example,Person 2,suspended,E2,f2@acme.example,Sales,boss@acme.example,", {"status": "suspended"}),
    ("p3@acme.example,Person 3,active,E33,f3@acme.example,Sales,boss@acme.example,", {"employee_number": "E33"}),
    ("p5@acme.example,Person 5,active,E5,f5@acme.example,Support,boss@acme.example,", {"department": "Support"}),
    ("p6@acme.example,Person 6,active,E6,f6@acme.example,Sales,chief@acme.example,", {"manager": "chief@acme.example"}),
    ("p7@acme.example,Person 7,active,E7,f7@acme.example,Sales,boss@acme.example,2099-12-31",
     {"last_day": date(2099, 12, 31)}),
    ("p8@acme.example,Person 8,left,E8,f8@acme.example,Sales,boss@acme.example,", {"status": "deprovisioned"}),
]  # fmt: skip


def known_rows(numbers: range) -> list[str]:
    return [f"p{number}@acme.example,Person {number},active,E{number},f{number}@acme.example,Sales,boss@acme.example,"
            for number in numbers]  # fmt: skip


def import_rows(rows: list[str], by) -> importing.ImportOutcome:
    return importing.import_csv((HEAD + "\n".join(rows) + "\n").encode(), by)


def test_each_thing_that_is_new_in_a_list_is_found_among_what_is_known(by):
    rows = known_rows(range(12))
    import_rows(rows, by)
    assert import_rows(rows, by) == importing.ImportOutcome(0, 0, 12)
    for news, _ in NEWS:
        number = int(news[1])
        rows[number] = news
    rows[4] = rows[4].replace("f4@", "g4@")
    rows[9] = rows[9].replace("p9@", "f9@", 1).replace("f9@acme.example,Sales", "p9@acme.example,Sales")
    outcome = import_rows(rows, by)
    assert (outcome.updated, outcome.unchanged) == (len(NEWS) + 1, 12 - len(NEWS) - 1)
    for news, becomes in NEWS:
        person = people.find_by_email(news.partition(",")[0])
        assert {field: getattr(person, field) for field in becomes} == becomes
    assert people.find_by_email("g4@acme.example") == people.find_by_email("f4@acme.example")
    assert import_rows(rows, by) == importing.ImportOutcome(0, 0, 12)


def test_a_list_in_which_nothing_is_new_is_read_by_a_few_statements(by, monkeypatch):
    """However it writes what it says, and however little it says."""
    monkeypatch.setattr(as_known_rows, "GROUP", 15)
    rows = known_rows(range(30))
    import_rows(rows, by)
    PersonEmail.update(vouched_for=False).where(PersonEmail.email.startswith("f")).execute()
    main_only = [f"P{number}@Acme.example,,,,,,," for number in range(30)]
    spaced = [row.replace("Person ", "Person\u200b ").replace(",f", ",F") for row in rows]
    assert statements(main_only, by) < 20
    PersonEmail.update(vouched_for=True).execute()
    assert statements(spaced, by) < 20
    Person.update(last_day=date(2099, 12, 31)).execute()
    assert statements([f"p{number}@acme.example" for number in range(30)], by, "email\n") < 20
    Person.update(last_day=None, status="deprovisioned").execute()
    assert statements([f"p{number}@acme.example,,left,,,,,2020-01-31" for number in range(30)], by) < 20
    Person.update(status="active").execute()
    PersonEmail.update(vouched_for=False).execute()
    manager = Asker("Mira", "admin")
    assert statements(rows, manager) < 20


def statements(rows: list[str], by: Asker, head: str = "") -> int:
    asked = []
    db.query_hooks.append(asked.append)
    try:
        outcome = importing.import_csv(((head or HEAD) + "\n".join(rows) + "\n").encode(), by)
    finally:
        db.query_hooks.remove(asked.append)
    assert outcome.unchanged == len(rows)
    return len(asked)


def test_an_address_that_a_row_takes_from_someone_who_has_left_is_the_next_ones(by):
    ana, cy = "a@acme.example,Ana,active,1,,,,", "c@acme.example,Cy,active,3,,,,"
    import_rows([ana, "b@acme.example,Bo,left,2,,,,", cy], by)
    outcome = import_rows([cy, "b@acme.example,Di,active,4,,,,", ana], by)
    assert (outcome.added, outcome.unchanged) == (1, 2)
    assert people.find_by_email("b@acme.example").name == "Di"


def test_a_list_has_no_address_twice(by):
    """So the people of a list can be looked up before its first row is imported."""
    with pytest.raises(PeopleProblem, match="Lines 2 and 3 both have the e-mail address b2@acme.example"):
        import_rows(["b2@acme.example,Di,active,4,,,,", "b@acme.example,Bo,left,2,B2@acme.example,,,"], by)


def test_an_owner_vouches_for_what_others_have_imported(by):
    rows = known_rows(range(2))
    import_rows(rows, by)
    PersonEmail.update(vouched_for=False).where(PersonEmail.email.in_(["p0@acme.example", "f1@acme.example"])).execute()
    assert import_rows(rows, by).unchanged == 2
    assert not PersonEmail.select().where(~PersonEmail.vouched_for).exists()


def test_a_row_with_more_addresses_than_someone_can_have_is_refused_though_all_are_known(by):
    """A directory may have given them more."""
    bo = people.add("Bo", "bo@acme.example", by)
    others = [f"bo{number}@acme.example" for number in range(people.MOST_EMAILS)]
    values = {"person": bo, "vouched_for": True}
    PersonEmail.insert_many([values | {"email": email, "email_key": email} for email in others]).execute()
    with pytest.raises(PeopleProblem, match="bo@acme.example has more than 100 e-mail addresses in this list"):
        import_rows([f"bo@acme.example,Bo,active,,{';'.join(others)},,,"], by)


def test_an_import_changes_the_one_thing_that_is_new_about_someone(by):
    """An address more than they have, a main one where none is, and a last day of someone who has left."""
    rows = known_rows(range(4))
    import_rows(rows, by)
    PersonEmail.update(main=False).where(PersonEmail.email.endswith("1@acme.example")).execute()
    passed, to_come = date(2020, 1, 31), date(2099, 12, 31)
    for number, last_day in ((2, passed), (3, None)):
        Person.update(status="deprovisioned", last_day=last_day).where(Person.name == f"Person {number}").execute()
    rows[0] = rows[0].replace("f0@", "g0@acme.example;f0@")
    rows[2] = f"p2@acme.example,,left,,,,,{passed}"
    rows[3] = f"p3@acme.example,,,,,,,{to_come}"
    import_rows(rows, by)
    assert people.find_by_email("g0@acme.example").name == "Person 0"
    assert PersonEmail.get(PersonEmail.email == "p1@acme.example").main
    assert [people.find_by_email(f"p{number}@acme.example").last_day for number in (2, 3)] == [None, to_come]


@ON_FILE
@pytest.mark.parametrize(("column", "most"), [("name", 4000), ("employee_number", 1000)])
def test_a_renamed_or_numbered_person_is_not_matched_with_every_account_of_their_apps(listed, by, column, most):
    """Steps of SQLite's machine: 1,000 people beside 50,000 accounts held the lock for two minutes."""
    for number in range(200):
        listed.add(f"x{number}", email=f"p{number}@acme.example", employee_number=f"N{number}")
    listed.check()

    def steps(value: str, people: int) -> int:
        found = []
        lines = [f"p{number}@acme.example,{value}{number}" for number in range(people)]
        db.connection().set_progress_handler(lambda: found.append(1), 100)
        importing.import_csv("\n".join([f"email,{column}", *lines]).encode(), by)
        db.connection().set_progress_handler(None, 0)
        return len(found) * 100

    steps("New", 20)
    assert set(Account.select(Account.match_kind, fn.COUNT()).group_by(Account.match_kind).tuples()) == {
        ("matched", 21), ("unmatched", 180)}  # fmt: skip
    assert App.get_by_id(listed.app.id).matched == 21, "counted once, at the end"
    each = (steps("Other", 20) - steps("Third", 1)) / 19
    assert each < most, each
