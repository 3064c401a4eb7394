"""How many accounts have lost a field: each condition by which one counts as having had it, and as having lost it."""

from __future__ import annotations

from datetime import datetime

import pytest

from connectors.base import Account as Seat
from sync.checks import listed, snapshot
from sync.db import db
from sync.models import BIT, Access, Account, Activity, App, Asset
from sync.safety import lost_fields
from sync.staging import tables
from sync.staging.check import STAGED_SAME

SEEN = datetime(2026, 11, 3, 9)
VALUES = {"email": "ana@x.example", "name": "Ana", "status": "active", "role": "member", "last_activity": SEEN,
          "seat": "full", "user_name": "ana", "employee_number": "E7"}  # fmt: skip
NOTHING = {"email": "", "name": "", "status": "unknown", "role": "", "last_activity": None, "seat": "",
           "user_name": None, "employee_number": None}  # fmt: skip
FIELDS = tuple(VALUES)
HAS, EMPTY, MISSING, DEFAULTED = "has it", "empty", "left out", "left out, which means something"


@pytest.fixture
def app(home) -> App:
    return App.create(connector="listed", name="Listed", category="Test")


def know(app: App, id: str, **values: object) -> Account:
    return Account.create(
        **{"app": app, "external_id": id, "missing_fields": 0, "further_roles": (), **VALUES, **values})


def stage(id: str, field: str, how: str, **values: object) -> None:
    if how == EMPTY:
        values = {field: NOTHING[field], **values}
    listed.stage_account(Seat(id, **{
        **VALUES, "missing_fields": frozenset({field} if how == MISSING else ()),
        "defaulted_fields": frozenset({field} if how == DEFAULTED else ()), **values}))  # fmt: skip


def loss(app: App, field: str) -> tuple[int, int, int, int] | None:
    """(lost, had, kept, reported) of the field; None where it wasn't asked about."""
    found = {one.field: one for one in lost_fields._of_accounts(app)}
    one = found.get(field)
    return one and (one.lost, one.had, one.kept, one.given)


@pytest.fixture
def others(app) -> None:
    """One who isn't listed had all fields, so that each is counted; nothing is known of one who is listed."""
    know(app, "absent")
    other = App.create(connector="listed", name="Other", category="Test")
    know(other, "one")  # the same id elsewhere


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(("known", "now", "counted"), [
    ({}, HAS, (0, 1, 0, 1)), ({}, EMPTY, (1, 1, 0, 0)), ({}, MISSING, (1, 1, 1, 0)), ({}, DEFAULTED, (1, 1, 0, 0)),
    ({"empty": True}, EMPTY, (0, 0, 0, 0)), ({"empty": True}, HAS, (0, 0, 0, 1)),
    ({"missing_fields": True}, MISSING, (0, 0, 0, 0)), ({"defaulted_fields": True}, DEFAULTED, (0, 0, 0, 0)),
    ({"missing_fields": "another"}, MISSING, (1, 1, 1, 0)), ({"defaulted_fields": "another"}, DEFAULTED, (1, 1, 0, 0)),
    ({"missing_fields": None}, MISSING, (0, 0, 0, 0)),  # the value that it has could be what was assumed then
    ({"missing_fields": None}, EMPTY, (1, 1, 0, 0)), ({"missing_fields": None}, HAS, (0, 1, 0, 1)),
    ({"held_values": ""}, EMPTY, (0, 0, 0, 0)), ({"held_values": None}, EMPTY, (0, 0, 0, 0)),
    ({"held_values": "x"}, EMPTY, (1, 1, 0, 0)), ({"held_values": "of another"}, EMPTY, (1, 1, 0, 0)),
    ({"state": "removing"}, EMPTY, (0, 0, 0, 0)), ({"state": "gone"}, EMPTY, (0, 0, 0, 0)),
])  # fmt: skip
def test_a_field_is_lost_where_it_was_given_before(app, others, field, known, now, counted):
    bit, another = BIT[field], BIT[FIELDS[FIELDS.index(field) - 1]]
    values: dict[str, object] = {"state": known.get("state", "present")}
    if known.get("empty"):
        values[field] = NOTHING[field]
    for word in ("missing_fields", "defaulted_fields"):
        if word in known:
            values[word] = {True: bit, "another": another, None: None}[known[word]]
    if "held_values" in known:
        of_another = {"seat" if field == "name" else "name": ""}
        held = known["held_values"]
        values["held_values"] = of_another if held == "of another" else {field: held}
    know(app, "one", **values)
    with snapshot.staging():
        stage("one", field, now)
        stage("new", field, MISSING)
        assert loss(app, field) == counted


@pytest.mark.parametrize("state", ["removing", "gone"])
@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_nobody_present_ever_had_is_not_lost(app, field, state):
    know(app, "absent", state=state)
    know(app, "one", **{field: NOTHING[field]})
    with snapshot.staging():
        stage("one", field, EMPTY)
        assert loss(app, field) == (0, 0, 0, 0)


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_all_come_with_is_not_asked_about(app, others, field):
    know(app, "one")
    with snapshot.staging():
        stage("one", field, HAS)
        assert loss(app, field) is None


def test_those_who_are_listed_exactly_as_they_are_known_count_where_others_lost_it(app):
    for id, values in {"same": {}, "removing": {"state": "removing"}, "without": {"seat": ""},
                       "defaulted": {"defaulted_fields": BIT["seat"]}, "one": {}}.items():
        know(app, id, **values)
    with snapshot.staging():
        alike = {id: Seat(id, **{**VALUES, **values}) for id, values in {
            "same": {}, "removing": {}, "without": {"seat": ""},
            "defaulted": {"defaulted_fields": frozenset({"seat"})}}.items()}
        reading = listed.Listed(app)
        reading.clear()
        assert reading.stage([*alike.values(), Seat("one", **{**VALUES, "seat": ""})]) == 5
        assert db.execute_sql("SELECT external_id FROM staged_account").fetchall() == [("one",)]
        assert loss(app, "seat") == (1, 2, 0, 2)


def test_whether_the_kind_is_sent_counts_alone(app, others):
    know(app, "one")
    with snapshot.staging():
        stage("one", "kind", MISSING)
        assert loss(app, "kind") == (1, 1, 1, 0)


@pytest.mark.parametrize(("known", "now", "counted"), [
    (("", ("guest",)), ("", ()), (1, 1, 0, 0)), (("", ()), ("", ("guest",)), (0, 0, 0, 1)),
    (("member", ()), ("", ("guest",)), (0, 1, 0, 1)),
])  # fmt: skip
def test_a_further_role_is_a_role(app, others, known, now, counted):
    know(app, "one", role=known[0], further_roles=known[1])
    with snapshot.staging():
        stage("one", "role", HAS, role="x")
        db.execute_sql("UPDATE staged_account SET role = ?, further_roles = ?",
                       (now[0], '["guest"]' if now[1] else "[]"))  # fmt: skip
        stage("new", "role", MISSING)
        assert loss(app, "role") == counted


@pytest.mark.parametrize(("known", "further", "counted"), [
    ("member", (), (0, 0, 0, 0)), ("admin", (), (1, 1, 1, 0)), ("member", ("guest",), (1, 1, 1, 0))])
def test_a_role_of_which_nobody_knows_whether_it_was_sent_counts_if_it_differs(app, others, known, further, counted):
    know(app, "one", role=known, further_roles=further, missing_fields=None)
    with snapshot.staging():
        stage("one", "role", MISSING, role="member")
        stage("new", "role", MISSING)
        assert loss(app, "role") == counted


# Words


def test_words_that_are_no_status_here_are_shown_with_the_commonest_first(app):
    with snapshot.staging():
        assert lost_fields._unknown_statuses() == []
        for number, word in enumerate(("frozen", "b", "frozen", "a", "c", "d", "e", "f")):
            stage(str(number), "name", HAS, status=f"unknown: {word}")
        stage("plain", "name", HAS, status="unknown")
        [words] = lost_fields._unknown_statuses()
        assert words.startswith("8 accounts have a status that Rollcall does not know: “frozen”, “a”, “b”, “c”, “d”. ")
        db.execute_sql("DELETE FROM staged_account WHERE external_id <> '1'")
        assert lost_fields._unknown_statuses()[0].startswith(
            "1 account has a status that Rollcall does not know: “b”. Look")  # fmt: skip


@pytest.mark.parametrize("field", BIT)
@pytest.mark.parametrize("is_sent", [False, True])
def test_a_missing_key_has_its_meaning_only_while_the_key_is_sent_for_someone(app, field, is_sent):
    other = "name" if field != "name" else "seat"
    with snapshot.staging():
        stage("one", field, DEFAULTED)
        stage("two", field, HAS if is_sent else MISSING)
        both = {} if is_sent else {"missing_fields": frozenset({field, other})}
        stage("three", other, HAS if is_sent else MISSING, **both)
        lost_fields._separate_missing_from_defaulted()
        row = db.execute_sql(
            "SELECT missing_fields, defaulted_fields FROM staged_account WHERE external_id = 'one'").fetchone()
        assert row == ((0, BIT[field]) if is_sent else (BIT[field], 0))


def test_another_field_that_is_assumed_stays_so(app):
    both = BIT["seat"] | BIT["name"]
    with snapshot.staging():
        stage("one", "seat", DEFAULTED, defaulted_fields=frozenset({"seat", "name"}))
        stage("two", "seat", DEFAULTED)
        lost_fields._separate_missing_from_defaulted()
        rows = db.execute_sql("SELECT missing_fields, defaulted_fields FROM staged_account ORDER BY 2 DESC").fetchall()
        assert rows == [(BIT["seat"], BIT["name"]), (BIT["seat"], 0)] and both == BIT["seat"] + BIT["name"]


def test_a_value_assumed_for_everyone_is_kept_where_it_was_known(app):
    know(app, "one", seat="full")
    with snapshot.staging():
        stage("one", "seat", DEFAULTED, seat="", name="Another")
        lost_fields._separate_missing_from_defaulted()
        lost_fields.keep_known_values(app)
        assert db.execute_sql("SELECT name, seat FROM staged_account").fetchall() == [("Another", "full")]


@pytest.mark.parametrize("column", STAGED_SAME.names[1:])
def test_an_account_of_which_only_what_was_left_out_differs_is_compared_in_full(app, column):
    account = know(app, "one")
    with snapshot.staging():
        row = {**dict.fromkeys(STAGED_SAME.names, 0), "account_id": account.id, column: BIT["seat"]}
        tables.insert(STAGED_SAME, [tuple(row.values())])
        lost_fields._separate_missing_from_defaulted()
        assert db.execute_sql("SELECT external_id FROM staged_account").fetchall() == [("one",)]
        assert not tables.has_rows(STAGED_SAME)


def test_a_key_that_is_left_out_of_all_accounts_as_before_loses_its_meaning_too(app):
    account, seat = know(app, "one", defaulted_fields=BIT["seat"]), BIT["seat"]
    with snapshot.staging():
        row = {**dict.fromkeys(STAGED_SAME.names, 0), "account_id": account.id, "defaulted_fields": seat,
               "known_defaulted": seat}  # fmt: skip
        tables.insert(STAGED_SAME, [tuple(row.values())])
        lost_fields._separate_missing_from_defaulted()
        rows = db.execute_sql("SELECT missing_fields, defaulted_fields FROM staged_account").fetchall()
        assert rows == [(seat, 0)]


# From the losses to what is done about them


def lose(app: App, lost: int, had: int, field: str = "seat", how: str = MISSING) -> list[str]:
    for number in range(had):
        know(app, f"id{number}")
    with snapshot.staging():
        for number in range(had):
            stage(f"id{number}", field, how if number < lost else HAS)
        return lost_fields.find(App.get_by_id(app.id))


@pytest.mark.parametrize(("lost", "words"), [(1, "1 account"), (2, "2 accounts")])
def test_a_value_lost_by_a_few_is_a_warning_with_their_number(app, lost, words):
    assert lose(app, lost, 5) == [f"The app no longer returns the seat type of {words} that had one: it is kept."]
    assert App.get_by_id(app.id).missing_fields is None


def test_a_value_that_is_empty_for_a_few_causes_no_warning(app):
    assert lose(app, 1, 5, "name", EMPTY) == []


def test_a_value_lost_by_most_fails_the_check_until_it_is_accepted(app, by):
    with pytest.raises(lost_fields.FieldsLost, match=r"^6 of 6 names are missing: has the credential lost a perm"):
        lose(app, 6, 6, "name")
    row = App.get_by_id(app.id)
    assert row.missing_fields == {"fields": ["name"], "accepted": False} and lost_fields.waiting(row) == ["names"]
    Account.delete().execute()
    with pytest.raises(lost_fields.FieldsLost):
        lose(app, 6, 6, "name")
    Account.delete().execute()
    lost_fields.accept(row, by)
    row = App.get_by_id(app.id)
    assert row.missing_fields == {"fields": ["name"], "accepted": True} and lost_fields.waiting(row) == []
    assert lose(app, 6, 6, "name") == ["The app no longer returns the name of 6 accounts that had one: it is kept."]
    Account.delete().execute()
    with pytest.raises(lost_fields.FieldsLost, match=r"^6 of 6 e-mail addresses are missing: has"):
        lose(app, 6, 6, "email")  # another field was accepted
    lost_fields.clear(row)
    assert App.get_by_id(app.id).missing_fields is None


def test_an_accepted_loss_is_reported_once_and_for_this_app_alone(app, by):
    other = App.create(connector="listed", name="Other", category="Test",
                       missing_fields={"fields": ["role"], "accepted": False})  # fmt: skip
    App.update(missing_fields={"fields": ["name", "role"], "accepted": False}).where(App.id == app.id).execute()
    for _ in range(2):
        lost_fields.accept(app, by)
    [entry] = Activity.select().where(Activity.what == "accepted missing fields")
    assert (entry.who, entry.about, entry.why, entry.app_id) == (by.name, "Listed", "names, roles", app.id)
    lost_fields.clear(app)
    assert App.get_by_id(app.id).missing_fields is None
    assert App.get_by_id(other.id).missing_fields == {"fields": ["role"], "accepted": False}
    lost_fields.accept(app, by)
    assert Activity.select().where(Activity.what == "accepted missing fields").count() == 1


def test_a_loss_that_nobody_counted_further_is_of_none(app):
    assert lost_fields.Loss("role", 1, 1) == lost_fields.Loss("role", 1, 1, kept=0, given=0)


@pytest.mark.parametrize(("names", "lost"), [(("Hall", ""), (1, 1)), (("Hall", "Hall"), (0, 1)), (("", ""), (0, 0))])
def test_the_name_of_an_asset_is_lost_where_there_was_one(app, names, lost):
    other = App.create(connector="listed", name="Other", category="Test")
    Asset.create(app=other, external_id="hall", kind="room", name="Hall")
    Asset.create(app=app, external_id="hall", kind="room", name=names[0])
    Asset.create(app=app, external_id="gone", kind="room", name="Gone", state="gone")
    with snapshot.staging():
        db.execute_sql("INSERT INTO staged_asset VALUES ('hall', 'room', ?), ('gone', 'room', '')", (names[1],))
        assert lost_fields._of_assets(app) == lost_fields.Loss("asset name", *lost)


@pytest.mark.parametrize(("account", "asset", "of", "counted"), [
    ("present", "present", "app", (1, 1)), ("removing", "present", "app", (0, 0)), ("gone", "present", "app", (0, 0)),
    ("present", "gone", "app", (0, 0)), ("present", "present", "another", (0, 0))])  # fmt: skip
def test_access_counts_where_account_and_asset_are_there(app, account, asset, of, counted):
    other = App.create(connector="listed", name="Other", category="Test")
    one, hall = know(app, "one", state=account), Asset.create(app=app, external_id="hall", kind="room", state=asset)
    know(app, "two")
    Asset.create(app=app, external_id="yard", kind="room")
    Access.create(app=app if of == "app" else other, account=one, asset=hall, role="keeper", privileged=True)
    with snapshot.staging():
        for id in ("one", "two", "new"):
            for place in ("hall", "yard"):
                db.execute_sql("INSERT INTO staged_access VALUES (?, ?, '', FALSE, FALSE)", (id, place))
        roles, managers = lost_fields._of_access(app)
    assert (roles.lost, roles.had, managers.lost, managers.had) == (*counted, *counted)
