"""The sample company's file and its page."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from connectors.directories.csv_file import CsvDirectory
from demo import company_page
from demo.company import JOINERS, LEAVERS, OWNER, TEAMS, Company, furnish, let_time_pass
from demo.serve import Served
from demo.store import Refusal
from tests.demo.apps import AdsApp, ChatApp


@pytest.fixture
def company(tmp_path):
    return Company(tmp_path / "company")


@pytest.fixture
def page(company):
    served = Served(company_page.create_app(company))
    yield served
    served.stop()


def directory(company) -> dict[str, str]:
    """What Rollcall's own CSV directory reads: e-mail → status."""
    return {one.email: one.status for one in CsvDirectory({"file": str(company.file)}).people()}


def form(page, company, path, **values):
    return requests.post(page.url + path, data={"key": company.form_key, **values}, timeout=60)


def test_everyone_is_at_work_at_first_and_rollcall_can_read_the_file(company):
    read = directory(company)
    assert len(read) == len(set(read)) == 25
    assert set(read.values()) == {"active"}
    assert {OWNER, *LEAVERS, *JOINERS} <= set(read)
    assert all(email.isascii() for email in read)


def test_the_file_survives_a_restart(company):
    company.set_status(LEAVERS[0], "left")
    assert directory(Company(company.file.parent))[LEAVERS[0]] == "deprovisioned"


def test_many_changes_at_once_are_all_kept_and_never_half_read(company):
    emails = [one.email for one in company.staff()]
    with ThreadPoolExecutor(8) as threads:
        changes = threads.map(lambda email: company.set_status(email, "left"), emails)
        sizes = {len(company.staff()) for _ in range(50)}
        list(changes)
    assert sizes == {25}
    assert set(directory(company).values()) == {"deprovisioned"}


def test_a_stranger_cannot_leave_and_nobody_joins_twice(company):
    with pytest.raises(Refusal):
        company.set_status("nobody@acme.example", "left")
    for email in ("OLGA@acme.example", "no address", "@", "a b@acme.example"):
        with pytest.raises(Refusal):
            company.join("Somebody", email, "IT")
    assert len(company.staff()) == 25


def test_left_the_company_and_came_back_are_a_click_each(company, page):
    assert "25 at work, 0 left" in requests.get(page.url, timeout=60).text
    assert "24 at work, 1 left" in form(page, company, "/departures", email="ines@acme.example").text
    assert directory(company)["ines@acme.example"] == "deprovisioned"
    assert "25 at work, 0 left" in form(page, company, "/returns", email="ines@acme.example").text
    assert directory(company)["ines@acme.example"] == "active"


def test_someone_new_with_a_hostile_name_is_shown_harmlessly_and_read_well(company, page):
    name = '<script>alert(1)</script>", "x'
    shown = form(page, company, "/people", name=name, email="new@acme.example", team="IT").text
    assert "<script>" not in shown
    people = {one.email: one for one in CsvDirectory({"file": str(company.file)}).people()}
    assert people["new@acme.example"].name == name
    assert people["new@acme.example"].employee_number == "E1026"


def test_a_form_from_elsewhere_changes_nothing(company, page):
    answer = requests.post(page.url + "/departures", data={"email": OWNER}, timeout=60)
    assert answer.status_code == 400
    assert directory(company)[OWNER] == "active"


def test_the_page_says_why_something_was_refused(company, page):
    assert "has this e-mail address" in form(page, company, "/departures", email="nobody@acme.example").text


def test_the_story_has_its_parts(company, tmp_path):
    with ChatApp(tmp_path / "chat") as chat, AdsApp(tmp_path / "ads") as ads:
        furnish(company, chat.store, ads.store)
        assert not set(JOINERS) & chat.emails() and set(LEAVERS) <= chat.emails()
        owners = [member["email"] for member in chat.members() if member["role"] in ("owner", "admin")]
        assert owners == ["pavel@acme.example"], "the last owner is one of the leavers"
        spring = next(asset for asset in ads.store.page("asset", 0, -1) if asset["name"] == "Acme Spring Sale")
        managers = ads.store.page("assigned", 0, -1, "asset = ? AND tasks LIKE '%MANAGE%'", spring["id"])
        assert [ads.store.user(row["user"])["email"] for row in managers] == ["tom@acme.example"]

        let_time_pass(company, chat.store, ads.store)
        assert {email for email, status in directory(company).items() if status != "active"} == set(LEAVERS)
        assert set(JOINERS) <= chat.emails()
        assert ads.store.count("user", "kind = 'invitation'") == 1
        assert chat.log() == ads.log() == [], "nothing of the story looks like an API call"


def test_every_team_has_people_with_addresses_of_their_own(company):
    emails = [one.email for one in company.staff()]
    assert len(emails) == len(set(emails))
    assert {one.groups for one in company.staff()} == set(TEAMS)
