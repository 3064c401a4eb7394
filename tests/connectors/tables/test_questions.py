"""Unknown is not good news: what a file says and Rollcall doesn't understand is asked, never read as active."""

from __future__ import annotations

import json
from datetime import date

import pytest

from connectors.base import ColumnsUnclear, Refused
from connectors.tables import answered, rows_of
from tests.connectors.tables.asking import accounts, answer, asked, look, people

HEAD = "Work Email,Name,"


def test_a_plain_list_leaves_nothing_open():
    found = look("email,name,status,groups,employee_number,further_emails\na@x.example,Ana,active,S,1,\n")
    assert found.may_be_applied and found.unread == ()


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("accountEnabled", "False", "deprovisioned"),
        ("accountEnabled", "True", "active"),
        ("Employment Status", "Terminated", "deprovisioned"),
        ("Active", "no", "deprovisioned"),
        ("Suspended", "TRUE", "suspended"),
        ("Terminated", "yes", "deprovisioned"),
        ("Terminated", "", ""),
    ],
)
def test_a_status_is_understood_by_what_its_column_is_called(header, value, status):
    [row] = people(f"{HEAD}{header}\na@x.example,Ana,{value}\n")
    assert row.status == status


@pytest.mark.parametrize("value", ["On Leave", "Frozen", "", "2", "Kündigung läuft"])
def test_a_status_that_is_not_understood_is_asked_about_and_never_active(value):
    content = f"{HEAD}Employment Status\na@x.example,Ana,{value}\nb@x.example,Bo,Active\n"
    [question] = look(content).questions
    assert (question.kind, question.column, question.value) == ("value", "Employment Status", value)
    with pytest.raises(ColumnsUnclear, match="Employment Status"):
        rows_of(look(content))
    ana, _ = people(content, {question.key: "suspended"})
    assert ana.status == "suspended"


@pytest.mark.parametrize(
    ("header", "kind"),
    [("Termination Reason", "last day"), ("Leaving on", "last day"), ("Contract end", "last day"),
     ("Direct supervisor's mail", "manager"), ("System role", "role"), ("Account State", "status"),
     ("LifecycleState", "status"), ("Deactivated on", "status"), ("Exit interview", "last day"),
     ("Employee type", "status"), ("Is Owner?", "role"), ("Has left", "last day")],
)  # fmt: skip
def test_a_column_that_looks_as_if_it_mattered_stops_the_import_until_it_is_answered(header, kind):
    content = f"{HEAD}{header}\na@x.example,Ana,x\n"
    [question] = look(content).questions
    assert question.key == f"column:{header}" and kind in question.text
    dismissed = answer(content, {question.key: "ignore"})
    assert dismissed.may_be_applied and dismissed.unread == (header,)


@pytest.mark.parametrize(
    ("header", "cells", "guess"),
    [("Leaving on", ["2026-12-31", ""], "last_day"), ("Leaving on", ["soon", ""], ""),
     ("Account state", ["active"], "status"), ("Account state", ["Bavaria"], ""),
     ("Direct supervisor", ["Bo"], "manager"), ("Exit", ["", ""], "")],
)  # fmt: skip
def test_the_likely_answer_is_offered_where_the_values_speak_for_it(header, cells, guess):
    content = f"{HEAD}{header}\n" + "".join(f"p{n}@x.example,P,{cell}\n" for n, cell in enumerate(cells))
    [question] = look(content).questions
    assert question.guess == guess


def test_a_state_is_one_of_work_or_a_federal_one():
    assert people("email,State\na@x.example,active\nb@x.example,left\n")[1].status == "deprovisioned"
    assert asked(look("email,State\na@x.example,Bavaria\nb@x.example,Saxony\n")) == ["column:State"]


def test_every_column_that_is_not_read_is_named():
    assert look(f"{HEAD}T-shirt,Desk\na@x.example,Ana,M,4\n").unread == ("T-shirt", "Desk")


def test_first_and_last_name_are_joined():
    assert people("email,First Name,Last Name\na@x.example,Ana María,López\n")[0].name == "Ana María López"


def test_a_remembered_mapping_asks_only_about_what_is_new():
    first = f"{HEAD}Status,Phase Status\na@x.example,Ana,Active,On the job\n"
    answers = {"column:Phase Status": "status", 'value:["Phase Status", "On the job"]': "active"}
    kept = answer(first, answers).settled()
    assert look(first, mapping=kept).may_be_applied
    assert look(first.replace("Phase Status", " phase  STATUS").replace("On the job", "on the JOB"),
                mapping=kept).may_be_applied
    value = look(first + "b@x.example,Bo,Active,Paused\n", mapping=kept)
    assert asked(value) == ['value:["Phase Status", "Paused"]']
    column = look("Work Email,Name,Status,Phase Status,Exit\na@x.example,Ana,Active,On the job,\n", mapping=kept)
    assert asked(column) == ["column:Exit"]
    harmless = look("Work Email,Name,Status,Phase Status,Desk\na@x.example,Ana,Active,On the job,4\n", mapping=kept)
    assert harmless.may_be_applied and harmless.unread == ("Desk",)


def test_a_day_that_can_be_read_in_two_ways_is_asked_about():
    content = "email,Last day\na@x.example,03/04/2027\n"
    [question] = look(content).questions
    assert [choice.label for choice in question.choices] == ["The first: 03 Apr 2027", "The second: 04 Mar 2027"]
    assert people(content, {question.key: "month first"})[0].last_day == date(2027, 3, 4)
    clear = people("email,Last day\na@x.example,03/04/2027\nb@x.example,31/01/2027\n")
    assert [row.last_day for row in clear] == [date(2027, 4, 3), date(2027, 1, 31)]


@pytest.mark.parametrize(("cell", "reason"), [
    ("", "The row in line 3 has no e-mail address."),
    ("bo", "The row in line 3 has an e-mail address that can't be used: 'bo'. "),
])  # fmt: skip
def test_a_row_without_a_usable_address_is_refused_with_its_line(cell: str, reason: str):
    found = look(f"email,name\nana@x.example,Ana\n{cell},Bo\n")
    assert [line for line, _reason in found.refused] == [3] and found.refused[0][1].startswith(reason)


def test_a_day_that_is_none_is_refused_with_its_line():
    found = look("email,Last day\na@x.example,2027-01-31\nb@x.example,soon\nc@x.example,n/a\n")
    assert [line for line, _reason in found.refused] == [3] and "soon" in found.refused[0][1]


def test_a_status_and_a_last_day_that_contradict_each_other_are_asked_about():
    content = "email,Status,Last day\na@x.example,Active,2026-11-01\nb@x.example,Left,2026-12-31\n"
    assert asked(look(content)) == ["left before the last day", "active after the last day"]
    by_day = people(content, {"left before the last day": "last day", "active after the last day": "last day"})
    assert [row.status for row in by_day] == ["deprovisioned", "active"]
    by_status = people(content, {"left before the last day": "status", "active after the last day": "status"})
    assert [(row.status, row.last_day) for row in by_status] == [("active", None), ("deprovisioned", None)]


def test_terminated_with_a_day_that_has_passed_has_left():
    [row] = people("email,Employment Status,Termination Date\na@x.example,Terminated,2026-10-31\n")
    assert (row.status, row.last_day) == ("deprovisioned", date(2026, 10, 31))


def test_two_statuses_that_disagree_are_asked_about():
    """Nobody who is here becomes a leaver, and no leaver is hidden."""
    content = "email,Employment Status,accountEnabled\na@x.example,Active,False\nb@x.example,Active,True\n"
    [question] = look(content).questions
    assert (question.key, question.lines) == ("statuses disagree", (2,))
    assert [choice.answer for choice in question.choices] == ["Employment Status", "accountEnabled"]
    assert people(content, {question.key: "Employment Status"})[0].status == "active"
    assert people(content, {question.key: "accountEnabled"})[0].status == "deprovisioned"
    kind = "email,Status,Employment Status\na@x.example,Inactive,Full-Time\nb@x.example,Active,Terminated\n"
    assert asked(look(kind)) == ["statuses disagree"], "how somebody is employed is no status"
    assert look(kind).questions[0].lines == (3,)


def test_two_addresses_in_one_cell_are_asked_about():
    content = "email,name\nana@x.example; a.lopez@x.example,Ana\n"
    assert asked(look(content)) == ["several"]
    [row] = people(content, {"several": "first"})
    assert (row.email, row.further_emails) == ("ana@x.example", ("a.lopez@x.example",))
    [account] = accounts(content, {"several": "last"})
    assert account.email == "a.lopez@x.example"


def test_one_row_for_each_group_is_put_together_when_someone_says_so():
    content = "email,name,group\nana@x.example,Ana,Sales\nana@x.example,Ana,Berlin\nbo@x.example,Bo,Sales\n"
    assert asked(look(content)) == ["repeated"]
    ana, _ = people(content, {"repeated": "merge"})
    assert ana.groups == ("Sales", "Berlin")
    other = look("email,name\nana@x.example,Ana\nana@x.example,Anna\n")
    assert not other.questions and "Lines 2 and 3" in other.refused[0][1]


def test_numbers_without_their_leading_zeros_are_asked_about():
    content = "email,Employee ID\na@x.example,42\nb@x.example,00107\n"
    assert asked(look(content)) == ["numbers"]
    assert [row.employee_number for row in people(content, {"numbers": "pad"})] == ["00042", "00107"]
    assert [row.employee_number for row in people(content, {"numbers": "as written"})] == ["42", "00107"]


def test_an_apps_statuses_and_roles():
    found = accounts("email,Active,Type,Org role\na@x.example,yes,member,Administrator\nb@x.example,no,member,Viewer\n"
                     "c@x.example,yes,invitation,Member\nd@x.example,yes,bot,Owner\n")  # fmt: skip
    assert [(row.status, row.system) for row in found] == [
        ("active", False), ("suspended", False), ("invited", False), ("active", True)]
    assert [row.roles[-1] for row in found] == [
        ("Administrator", True), ("Viewer", False), ("Member", False), ("Owner", True)]


def test_a_role_that_is_not_understood_is_asked_about():
    content = "email,role\na@x.example,Chapter lead\nb@x.example,Editor\n"
    [question] = look(content, "app").questions
    assert question.value == "Chapter lead"
    assert accounts(content, {question.key: "privileged"})[0].roles == (("Chapter lead", True),)


def test_yes_in_a_column_that_asks_is_a_role():
    found = accounts("email,Is Admin\na@x.example,TRUE\nb@x.example,FALSE\n")
    assert [row.roles for row in found] == [(("Admin", True),), ()]


def test_two_columns_for_the_address_are_asked_about():
    found = look("Work Email,E-mail\na@x.example,a@home.example\n")
    assert asked(found) == ["column:Work Email", "column:E-mail"]
    [row] = people("Work Email,E-mail\na@x.example,a@home.example\n",
                   {"column:Work Email": "email", "column:E-mail": "ignore"})  # fmt: skip
    assert row.email == "a@x.example"


def test_a_file_without_an_address_asks_which_column_it_is():
    content = "Person,Box\nAna,ana@x.example\n"
    assert asked(look(content)) == ["needed:email"]
    assert people(content, {"needed:email": "Box"})[0].email == "ana@x.example"


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "isn't JSON"), ("[]", "version"), ('{"version": 2}', "version"), ('{"version": 1, "colums": {}}', "colums"),
     ('{"version": 1, "columns": {"A": "boss"}}', "boss"), ('{"version": 1, "values": {"A": {"x": "gone"}}}', "gone"),
     ('{"version": 1, "columns": {"A": "email", "a ": "name"}}', "twice"), ('{"version": 1, "columns": []}', "object")],
)  # fmt: skip
def test_a_mapping_that_is_wrong_says_where(text, says):
    with pytest.raises(Refused, match=says):
        look("email\na@x.example\n", mapping=text)


def test_a_mapping_goes_there_and_back():
    text = answered("app", "", {"column:Seat type": "seat", 'value:["Status", "x"]': "invited",
                                'role:["Admin", "yes"]': "Chief", "repeated": "merge"})  # fmt: skip
    assert json.loads(answered("app", text, {})) == json.loads(text)
    taken_back = json.loads(answered("app", text, {"column:seat TYPE": ""}))
    assert taken_back["columns"] == {}


def test_a_column_that_disappears_is_asked_about():
    """Without their status, those who have left would all be active again."""
    first = "email,name,status,Desk\na@x.example,Ana,left,4\nb@x.example,Bo,active,5\n"
    kept = look(first).settled()
    without = "email,name,Desk\na@x.example,Ana,4\nb@x.example,Bo,5\n"
    [question] = look(without, mapping=kept).questions
    assert question.key == "missing:status" and "status" in question.text
    assert answer(without, {question.key: "gone"}, mapping=kept).may_be_applied
    assert look("email,name,status\na@x.example,Ana,left\n", mapping=kept).may_be_applied, "a desk is no loss"
    renamed = first.replace("status", "Employment Status")
    assert look(renamed, mapping=kept).rows[0].status == "deprovisioned", "another column says it"
    assert look("email,name\na@x.example,Ana\n", "import", mapping=kept).may_be_applied, "another list"
    app = look("email,role\na@x.example,Owner\n", "app").settled()
    assert asked(look("email\na@x.example\n", "app", app)) == ["missing:role"]


def test_a_bot_that_is_locked_is_locked():
    [row] = accounts("email,Type,Status\nx@x.example,bot,Deactivated\n")
    assert (row.system, row.status) == (True, "suspended")
