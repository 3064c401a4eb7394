"""Acme Ads' API, page and log, over real HTTP. What it shares with Acme Chat is tested there."""

from __future__ import annotations

import pytest
import requests

from tests.demo.apps import AdsApp


@pytest.fixture
def ads(tmp_path):
    with AdsApp(tmp_path / "ads") as ads:
        ads.store.add("person", "olga@acme.example", "Olga Brandt", "admin", "story")
        yield ads


def call(app, method, path, token=None, **more):
    headers = {"Authorization": f"Bearer {app.token if token is None else token}"}
    return requests.request(method, f"{app.url}/v1.0{path}", headers=headers, timeout=60, **more)


def form(app, path, **values):
    return requests.post(app.url + path, data={"key": app.store.form_key, **values}, timeout=60)


def add(app, name, role="employee", kind="person"):
    return app.store.add(kind, f"{name}@acme.example", name.title(), role, "story")


def test_without_the_token_nothing_is_reported(ads):
    answer = call(ads, "GET", "/people", token="wrong")
    assert answer.status_code == 401
    assert "olga" not in answer.text
    assert call(ads, "GET", "/nothing-here").json()["error"]["code"] == "not_found"


def test_the_reading_token_reads_and_changes_nothing(ads):
    tom = add(ads, "tom")
    assert call(ads, "GET", "/people", ads.reading_token).status_code == 200
    assert call(ads, "DELETE", f"/users/{tom}", ads.reading_token).status_code == 403
    assert "tom@acme.example" in ads.emails()


def test_people_invitations_and_system_users_have_lists_of_their_own(ads):
    add(ads, "invited", kind="invitation")
    assert [user["email"] for user in call(ads, "GET", "/people").json()["data"]] == ["olga@acme.example"]
    assert [user["type"] for user in call(ads, "GET", "/invitations").json()["data"]] == ["invitation"]
    assert [user["name"] for user in call(ads, "GET", "/system-users").json()["data"]] == ["Access token"]


def test_lists_come_by_offset_with_their_total(ads):
    ids = [add(ads, f"p{number}") for number in range(4)]
    page = call(ads, "GET", "/people", params={"offset": 2, "limit": 2}).json()
    assert [user["id"] for user in page["data"]] == ids[1:3]
    assert page["paging"] == {"offset": 2, "limit": 2, "total": 5}
    assert call(ads, "GET", "/people", params={"offset": 99}).json()["data"] == []
    assert call(ads, "GET", "/people", params={"limit": 5000}).json()["paging"]["limit"] == 100


@pytest.mark.parametrize("query", [{"limit": "0"}, {"offset": "-1"}, {"offset": "x"}, {"offset": "9" * 30}])
def test_a_bad_question_is_answered_with_400(ads, query):
    assert call(ads, "GET", "/people", params=query).status_code == 400


def test_an_accepted_invitation_keeps_its_id(ads):
    id = call(ads, "POST", "/invitations", json={"email": "new@acme.example", "role": "finance"}).json()["id"]
    form(ads, f"/users/{id}/acceptance")
    user = call(ads, "GET", f"/users/{id}").json()
    assert (user["type"], user["role"]) == ("person", "finance")
    assert call(ads, "POST", "/invitations", json={"email": "New@acme.example"}).status_code == 409


def test_someone_is_removed_once_and_is_off_every_asset(ads):
    tom, account = add(ads, "tom"), ads.store.add_asset("ad account", "Spring", "story")
    ads.store.assign(account, tom, ["MANAGE"], "story")
    assert call(ads, "DELETE", f"/users/{tom}").json() == {"success": True}
    assert call(ads, "DELETE", f"/users/{tom}").status_code == 404
    assert call(ads, "GET", f"/assets/{account}/assigned-users").json()["data"] == []
    assert ads.removed() == ["tom@acme.example"]


def test_the_last_admin_and_the_tokens_own_user_stay(ads):
    olga, own = ads.members()[0]["id"], call(ads, "GET", "/me").json()["user"]["id"]
    assert call(ads, "DELETE", f"/users/{olga}").json()["error"]["code"] == "last_admin"
    assert call(ads, "PATCH", f"/users/{olga}", json={"role": "employee"}).json()["error"]["code"] == "last_admin"
    assert call(ads, "DELETE", f"/users/{own}").json()["error"]["code"] == "own_token"
    add(ads, "jana", "admin", kind="invitation")
    assert call(ads, "DELETE", f"/users/{olga}").status_code == 409, "an invitation is no admin yet"
    add(ads, "tom", "admin")
    assert call(ads, "DELETE", f"/users/{olga}").status_code == 200


def test_assets_are_assigned_with_tasks(ads):
    tom, pixel = add(ads, "tom"), ads.store.add_asset("pixel", "Shop", "story")
    path = f"/assets/{pixel}/assigned-users/{tom}"
    assert call(ads, "PUT", path, json={"tasks": ["ANALYZE", "MANAGE"]}).status_code == 200
    assert call(ads, "GET", f"/assets/{pixel}/assigned-users").json()["data"] == [
        {"user_id": tom, "tasks": ["MANAGE", "ANALYZE"]}
    ]
    for bad in ([], ["RULE"], "MANAGE", [["MANAGE"]], None):
        assert call(ads, "PUT", path, json={"tasks": bad}).status_code == 400
    assert call(ads, "DELETE", path).status_code == 200
    assert call(ads, "DELETE", path).status_code == 404
    assert call(ads, "GET", "/assets/1/assigned-users").status_code == 404


def test_everything_on_the_page_works_and_hostile_names_are_harmless(ads):
    form(ads, "/users", name="<script>alert(1)</script>", email="tom@acme.example", role="employee")
    tom, page = ads.members()[1]["id"], ads.store.add_asset("page", "Shop", "story")
    form(ads, f"/users/{tom}", role="finance")
    form(ads, f"/assets/{page}", name="<b>Shop</b>")
    form(ads, f"/assets/{page}/assigned-users", user=tom, tasks=["MANAGE"])
    shown = requests.get(ads.url, timeout=60).text
    assert "<script>" not in shown and "<b>" not in shown and "&lt;b&gt;Shop" in shown
    form(ads, f"/assets/{page}/assigned-users/{tom}/removal")
    form(ads, f"/users/{tom}/removal")
    assert [entry["act"] for entry in ads.log(via="page")] == [
        "added", "role changed", "page renamed", "assigned", "unassigned", "removed",
    ]  # fmt: skip


def test_a_form_from_elsewhere_changes_nothing(ads):
    tom = add(ads, "tom")
    assert requests.post(f"{ads.url}/users/{tom}/removal", timeout=60).status_code == 400
    assert "tom@acme.example" in ads.emails()
