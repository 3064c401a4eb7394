"""Lists as CSV: what the list shows with its filters, on all pages, with nothing that a spreadsheet would execute."""

from __future__ import annotations

import csv
import io

import pytest

from sync.models import Account, Activity, Person
from tests.sync.fixtures import email
from tests.web.client import Client


def rows(answer) -> list[dict[str, str]]:
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.text.startswith("\ufeff"), "spreadsheets need it to read UTF-8"
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def test_members(owner: Client, chat) -> None:
    answer = owner.get(f"/apps/{chat.app.id}/members.csv")
    found = rows(answer)
    assert len(found) == chat.app.matched
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    one = next(row for row in found if row["email"] == email(3))
    assert (one["person"], one["person_email"], one["person_status"]) == (chat.people[3].name, email(3), "active")
    assert (one["status"], one["roles"], one["match"]) == ("active", "Member", "matched")
    assert Activity.select().where(Activity.what == "downloaded members", Activity.app == chat.app).count() == 1


def test_members_by_tab_and_search(owner: Client, chat) -> None:
    address = f"/apps/{chat.app.id}/members.csv"
    chat.leave(5)
    assert [row["email"] for row in rows(owner.get(f"{address}?tab=left"))] == [email(5)]
    assert [row["email"] for row in rows(owner.get(f"{address}?search={email(3)}"))] == [email(3)]
    assert rows(owner.get(f"{address}?tab=guests")) == []
    assert owner.get(f"{address}?tab=nonsense").status_code == 404


def test_people(owner: Client, chat) -> None:
    chat.leave(5)
    found = rows(owner.get("/people.csv"))
    assert len(found) == Person.select().count()
    assert [row["email"] for row in rows(owner.get("/people.csv?status=deprovisioned"))] == [email(5)]
    assert [row["email"] for row in rows(owner.get(f"/people.csv?search={email(3)}"))] == [email(3)]
    assert owner.get("/people.csv?status=nonsense").status_code == 404


@pytest.mark.parametrize("hostile", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_no_cell_is_a_formula(owner: Client, chat, hostile: str) -> None:
    Account.update(name=hostile).where(Account.email == email(3)).execute()
    Person.update(name=hostile).where(Person.id == chat.people[3].id).execute()
    for address in (f"/apps/{chat.app.id}/members.csv", "/people.csv"):
        cells = [cell for row in rows(owner.get(address)) for cell in row.values()]
        assert f"'{hostile}" in cells
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


def test_the_link_has_the_filters_of_the_list(owner: Client, chat) -> None:
    assert f'href="/apps/{chat.app.id}/members.csv?search=p3"' in owner.get(
        f"/apps/{chat.app.id}/members?search=p3").text
    assert 'href="/people.csv?status=active"' in owner.get("/people?status=active").text
