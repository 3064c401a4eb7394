"""Lists as CSV: what the list shows with its filters, on all pages, with nothing that a spreadsheet would execute."""

from __future__ import annotations

import csv
import io

import pytest

from sync.models import Account, Activity, Asset, Person
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


def test_the_other_lists(owner: Client, chat) -> None:
    chat.leave(5)
    chat.check()
    [app] = rows(owner.get("/apps.csv?state=waiting"))
    assert (app["app"], app["state"], app["users"], app["left"]) == ("Chat", "Approval needed", "11", "1")
    assert rows(owner.get("/apps.csv?state=ok")) == rows(owner.get("/apps.csv?search=zzz")) == []
    [report] = rows(owner.get("/reports.csv?state=open"))
    assert (report["app"], report["state"], report["waiting"]) == ("Chat", "open", "1")
    assert report["found"] == "1 removed user"
    assert rows(owner.get(f"/apps/{chat.app.id}/reports.csv?state=dismissed")) == []
    Asset.create(app=chat.app, external_id="c9", kind="room", name="=1+1")
    assert [row["name"] for row in rows(owner.get(f"/apps/{chat.app.id}/assets.csv?kind=room"))] == ["'=1+1"]


def test_activity(owner: Client, chat) -> None:
    first, *_, last = rows(owner.get("/activity.csv"))
    assert first["what"] == "downloaded activity"
    oldest = rows(owner.get("/activity.csv?sort=when"))
    assert oldest[0] == last and oldest[-1]["what"] == "downloaded activity"
    found = rows(owner.get(f"/activity.csv?app={chat.app.id}&search=connected"))
    assert found and all(row["app"] == "Chat" for row in found)
    assert owner.get("/activity.csv?app=999999").status_code == 404
    assert 'href="/activity.csv?search=chat"' in owner.get("/activity?search=chat").text


def test_a_file_is_in_the_order_of_its_list(owner: Client, chat) -> None:
    names = [row["name"] for row in rows(owner.get(f"/apps/{chat.app.id}/members.csv?sort=-name"))]
    assert names == sorted(names, reverse=True)
    assert f'href="/apps/{chat.app.id}/members.csv?sort=-name"' in owner.get(
        f"/apps/{chat.app.id}/members?sort=-name").text
