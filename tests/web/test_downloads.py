"""Lists as CSV: what the list shows with its filters, on all pages, with nothing that a spreadsheet would execute."""

from __future__ import annotations

import csv
import html
import io
import re

import pytest

from sync import activity
from sync.db import writing
from sync.files import cells
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
        found = [cell for row in rows(owner.get(address)) for cell in row.values()]
        assert f"'{hostile}" in found
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in found)


@pytest.mark.parametrize(("hostile", "harmless"), [
    ("Ana;=1+1", "Ana;'=1+1"), ("Ana; @x", "Ana;' @x"), ("Ana\n=1", "Ana\n'=1"), ("Ana\r\n-1", "Ana\r\n'-1"),
    (" =1", "' =1"), ("\uff1d1", "'\uff1d1"), ("Ana; Bo\nCy = Di - Ed", "Ana; Bo\nCy = Di - Ed"),
])  # fmt: skip
def test_none_is_where_semicolons_separate_cells(hostile: str, harmless: str) -> None:
    assert cells.harmless(hostile) == harmless


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


def test_the_reports_of_an_app_are_its_own(owner: Client, chat, second) -> None:
    for one in (chat, second):
        one.leave(5)
        one.check()
    assert {row["app"] for row in rows(owner.get("/reports.csv?state=open"))} == {"Chat", "Second chat"}
    assert {row["app"] for row in rows(owner.get(f"/apps/{second.app.id}/reports.csv?state=open"))} == {"Second chat"}


def test_activity(owner: Client, chat) -> None:
    first, *_, last = rows(owner.get("/activity.csv"))
    assert first["what"] == "downloaded activity"
    oldest = rows(owner.get("/activity.csv?sort=when"))
    assert oldest[0] == last and oldest[-1]["what"] == "downloaded activity"
    found = rows(owner.get(f"/activity.csv?app={chat.app.id}&search=connected"))
    assert found and all(row["app"] == "Chat" for row in found)
    assert owner.get("/activity.csv?app=999999").status_code == 404


@pytest.mark.parametrize("query", [
    "", "kind=checks", "kind=other&sort=when", "search=user&kind=checks", "person={person}", "person=edited",
    "app={app}&kind=checks&since=2020-01-01&until=2999-01-01&sort=when", "until=2020-01-01", "since=x",
])  # fmt: skip
def test_activity_has_exactly_what_the_page_shows(owner: Client, chat, second, someone, query: str) -> None:
    jana = someone("Jana Kowalski")
    with writing():
        for app in (chat.app, second.app):
            for number in range(3):
                activity.record("Rollcall", "new user", about=f"user {number}", app=app)
        activity.record("Olga", "edited person", about="Jana Kowalski", person=jana)
    query = query.format(person=jana.id, app=chat.app.id)
    for list_, file in (("/activity", "/activity.csv"),
                        (f"/apps/{chat.app.id}/activity", f"/apps/{chat.app.id}/activity.csv")):
        address = f"{file}?{query}" if query else file
        found = rows(owner.get(address))
        page = owner.get(f"{list_}?{query}").text
        assert [row["what"] for row in found] == _shown(owner, page, "sort=when" in query)
        link = re.search(r'href="([^"]+)" download', page)
        assert link or not found
        if link and "person" not in query and "app=" not in query:
            assert html.unescape(link.group(1)) == address


def _shown(owner: Client, page: str, oldest_first: bool) -> list[str]:
    """What each entry of the page says, with those inside its lines, in the order of the file."""
    found = []
    while True:
        body = page[page.find("<tbody"):] if "<tbody" in page else ""
        for row in re.findall(r"<tr>.*?</tr>", body, re.S):
            inside = re.search(r'hx-get="([^"]+/lines/[^"]+)"', row)
            if inside is None:
                found.append(_body(row))
                continue
            opened = re.findall(r"<li>.*?</li>", owner.get(html.unescape(inside.group(1)), htmx=True).text, re.S)
            found += [_body(entry) for entry in (opened if oldest_first else reversed(opened))]
        further = re.search(r'<tr class="more">.*?href="([^"]+)"', page, re.S)
        if further is None:
            return found
        page = owner.get(html.unescape(further.group(1))).text


def _body(text: str) -> str:
    """What happened."""
    words = html.unescape(re.search(r"(?:<li>|two-lines\">\s*<span>)\s*([^<·]*?)\s*(?:·|<)", text).group(1))
    return words[0].lower() + words[1:]


def test_a_file_is_in_the_order_of_its_list(owner: Client, chat) -> None:
    names = [row["name"] for row in rows(owner.get(f"/apps/{chat.app.id}/members.csv?sort=-name"))]
    assert names == sorted(names, reverse=True)
    assert f'href="/apps/{chat.app.id}/members.csv?sort=-name"' in owner.get(
        f"/apps/{chat.app.id}/members?sort=-name").text
