"""An app by the CSV file it exports: what its columns mean, what is refused, and with which words."""

from __future__ import annotations

from datetime import datetime

import pytest

from connectors.apps.csv_export import CsvExport
from connectors.base import Account, ConnectorError, Refused, TemporarilyUnavailable

EXPORT = """\ufeffUser ID,Email Address,First Name,Last Name,Role,Status,Last Login,License
7,olga@acme.example,Olga,Brandt,Workspace owner,Active,2026-11-20T10:00:00Z,Full
8,ana@acme.example,Ana,López,Editor,Deactivated,,Full
9,new@acme.example,,,Editor,Pending,never,
10,old@acme.example,Old,One,Editor,Deleted,,
"""


def export(text: str, **settings: str) -> CsvExport:
    return CsvExport({"app": "Miro", "source": "upload", "export": text, **settings})


def test_each_column_is_read():
    assert list(export(EXPORT).accounts()) == [
        Account("7", "olga@acme.example", "Olga Brandt", "active", "Workspace owner",
                last_activity=datetime(2026, 11, 20, 10), seat="Full"),
        Account("8", "ana@acme.example", "Ana López", "suspended", "Editor", seat="Full"),
        Account("9", "new@acme.example", "", "invited", "Editor"),
    ]  # fmt: skip


def test_an_owner_by_name_is_privileged_and_a_role_less_user_has_the_standard_one():
    roles = {role.id: role for role in export(EXPORT + "11,x@acme.example,,,,Active,,\n").roles()}
    assert roles["Workspace owner"].privileged and not roles["Editor"].privileged
    assert roles["member"].default and not roles["member"].privileged


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_without_an_id_the_email_is_one_in_whatever_case(delimiter):
    rows = ("email", "role"), ("ANA@Acme.example", "Editor")
    [account] = export("\r\n".join(map(delimiter.join, rows))).accounts()
    assert (account.id, account.email) == ("ana@acme.example", "ANA@Acme.example")


def test_a_user_name_will_do():
    [account] = export("Username\nAna\n").accounts()
    assert (account.id, account.email, account.name) == ("ana", "", "Ana")


def test_user_name_and_employee_number_are_reported():
    [account] = export("Email,Username,Employee ID\na@x.example,ana,E7\n").accounts()
    assert (account.user_name, account.employee_number) == ("ana", "E7")


def test_totals_are_reported():
    shown: list[int] = []
    list(CsvExport({"source": "upload", "export": EXPORT}, shown.append).accounts())
    assert shown == [3]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("email\n", "lists nobody"),
        ("name,role\nAna,x\n", "no column named email"),
        ("email,E-Mail\na@x.example,b@x.example\n", "More than one column may be the email"),
        ("email,name\na@x.example\n", "line 2 is cut short"),
        ("email,name\n,Ana\n", "line 2 has no e-mail"),
        ("email\na@x.example\nA@X.example\n", "Lines 2 and 3 are both about"),
        ('email,name\na@x.example,"Ana', "line 2 isn't CSV"),
    ],
)
def test_a_file_that_may_be_damaged_is_refused_whole(text, says):
    with pytest.raises(Refused, match=says):
        list(export(text).accounts())


def test_hostile_cells_are_text():
    rows = 'email,name\na@x.example,"<script>alert(1)</script>"\nb@x.example,"=cmd|\'/c calc\'!A0"\n'
    assert [account.name for account in export(rows).accounts()] == ["<script>alert(1)</script>", "=cmd|'/c calc'!A0"]


def test_ones_own_account_is_the_identity_and_must_be_there():
    assert export(EXPORT, owner="Olga@acme.example").test().external_id == "7"
    assert export(EXPORT).test().name == "3 users in the export of Miro"
    with pytest.raises(Refused, match="olaf@acme.example isn't in the export"):
        export(EXPORT, owner="olaf@acme.example").test()


def test_ones_own_account_may_be_named_by_its_user_name():
    rows = "id,username,name\n41,olga.b,Olga\nX42,ana,Ana\n"
    assert [account.user_name for account in export(rows).accounts()] == ["olga.b", "ana"]
    assert export(rows, owner="Olga.B").test().external_id == "41"
    assert export(rows, owner="x42").test().external_id == "X42"


def test_a_file_on_this_machine_is_read_again_each_time(tmp_path):
    file = tmp_path / "export.csv"
    connector = CsvExport({"app": "Miro", "source": "path", "path": str(file)})
    with pytest.raises(TemporarilyUnavailable, match="can't be read"):
        connector.test()
    for people in (1, 2):
        file.write_text("email\n" + "".join(f"p{n}@x.example\n" for n in range(people)))
        assert len(list(connector.accounts())) == people


def test_2500_users_and_a_file_without_end(tmp_path, monkeypatch):
    file = tmp_path / "export.csv"
    file.write_text("email\n" + "".join(f"p{n}@x.example\n" for n in range(2500)))
    connector = CsvExport({"app": "Miro", "source": "path", "path": str(file)})
    assert len(list(connector.accounts())) == 2500
    monkeypatch.setattr("connectors.tools.csv_rows.MAX_BYTES", 1000)
    with pytest.raises(ConnectorError, match="larger than"):
        connector.test()
