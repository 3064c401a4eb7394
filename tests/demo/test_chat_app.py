"""Acme Chat's API, page and log, over real HTTP."""

from __future__ import annotations

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from demo.store import Refusal
from tests.demo.apps import ChatApp


@pytest.fixture
def chat(tmp_path):
    with ChatApp(tmp_path / "chat") as chat:
        chat.store.add("olga@acme.example", "Olga Brandt", "owner", "story")
        yield chat


def call(app, method, path, token=None, **more):
    headers = {"Authorization": f"Bearer {app.token if token is None else token}"}
    return requests.request(method, f"{app.url}/api/v1{path}", headers=headers, timeout=60, **more)


def form(app, path, **values):
    return requests.post(app.url + path, data={"key": app.store.form_key, **values}, timeout=60)


def add(app, name, role="member"):
    return app.store.add(f"{name}@acme.example", name.title(), role, "story")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Basic abc", "Bearer ünïcode".encode()])
def test_without_the_token_nothing_is_reported(chat, header):
    headers = {} if header is None else {"Authorization": header}
    answer = requests.get(chat.url + "/api/v1/members", headers=headers, timeout=60)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_token"
    assert "olga" not in answer.text


def test_the_reading_token_reads_and_changes_nothing(chat):
    tom = add(chat, "tom")
    assert call(chat, "GET", "/members", chat.reading_token).status_code == 200
    answer = call(chat, "DELETE", f"/members/{tom}", chat.reading_token)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "missing_scope")
    assert "tom@acme.example" in chat.emails()
    assert chat.log() == []


def test_me_shows_who_the_token_is_and_what_it_may(chat):
    me = call(chat, "GET", "/me").json()
    assert me["member"]["is_bot"]
    assert "members:write" in me["scopes"]
    assert "members:write" not in call(chat, "GET", "/me", chat.reading_token).json()["scopes"]


def test_members_come_in_pages_by_cursor(chat):
    ids = [add(chat, f"person{number}") for number in range(5)]
    got, cursor, pages = [], "", 0
    while True:
        page = call(chat, "GET", "/members", params={"limit": 2, "cursor": cursor}).json()
        got += [member["id"] for member in page["members"]]
        cursor, pages = page["next_cursor"], pages + 1
        assert page["total"] == 7
        if not cursor:
            break
    assert pages == 4
    assert got[2:] == ids


def test_nobody_is_skipped_when_someone_leaves_between_two_pages(chat):
    first, second, third = (add(chat, name) for name in ("a", "b", "c"))
    page = call(chat, "GET", "/members", params={"limit": 3}).json()
    chat.store.remove(first, "page")
    rest = call(chat, "GET", "/members", params={"limit": 3, "cursor": page["next_cursor"]}).json()
    assert [member["id"] for member in page["members"] + rest["members"]][2:] == [first, second, third]


def test_a_limit_above_the_most_is_quietly_lowered(chat):
    chat.store.add_many([(f"p{number}@acme.example", f"P {number}", "member") for number in range(250)])
    assert len(call(chat, "GET", "/members", params={"limit": 1000}).json()["members"]) == 200


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "-1"}, {"limit": "ten"}, {"cursor": "nonsense"}, {"cursor": "é"}]
)
def test_a_bad_question_is_answered_with_400(chat, query):
    assert call(chat, "GET", "/members", params=query).status_code == 400


def test_a_member_is_removed_once_and_then_unknown(chat):
    tom = add(chat, "tom")
    assert call(chat, "DELETE", f"/members/{tom}").status_code == 204
    assert call(chat, "DELETE", f"/members/{tom}").status_code == 404
    assert call(chat, "GET", f"/members/{tom}").status_code == 404
    assert chat.removed() == ["tom@acme.example"]


def test_many_removals_at_once_are_one(chat):
    tom = add(chat, "tom")
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda _: call(chat, "DELETE", f"/members/{tom}").status_code, range(16)))
    assert sorted(statuses) == [204] + [404] * 15
    assert chat.removed() == ["tom@acme.example"]


def test_the_last_owner_stays(chat):
    olga = chat.members()[0]["id"]
    for answer in (
        call(chat, "DELETE", f"/members/{olga}"),
        call(chat, "PATCH", f"/members/{olga}", json={"role": "member"}),
        call(chat, "PATCH", f"/members/{olga}", json={"status": "deactivated"}),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "last_owner")
    assert chat.log() == []
    add(chat, "jana", "owner")
    assert call(chat, "DELETE", f"/members/{olga}").status_code == 204


def test_the_tokens_own_account_stays(chat):
    own = call(chat, "GET", "/me").json()["member"]["id"]
    assert call(chat, "DELETE", f"/members/{own}").json()["error"]["code"] == "own_app"


def test_a_role_changes_and_an_unknown_one_does_not(chat):
    tom = add(chat, "tom")
    assert call(chat, "PATCH", f"/members/{tom}", json={"role": "admin"}).json()["role"] == "admin"
    for bad in ({"role": "emperor"}, {"role": ["admin"]}, {"status": 7}):
        assert call(chat, "PATCH", f"/members/{tom}", json=bad).status_code == 400
    assert call(chat, "PATCH", f"/members/{tom}", data="no json").status_code == 400
    assert [entry["detail"] for entry in chat.log("role changed")] == ["member → admin"]


def test_an_invitation_is_a_member_and_comes_once(chat):
    answer = call(chat, "POST", "/invitations", json={"email": "new@acme.example", "role": "guest"})
    assert (answer.status_code, answer.json()["status"], answer.json()["role"]) == (201, "invited", "guest")
    again = call(chat, "POST", "/invitations", json={"email": "NEW@acme.example"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "already_member")
    assert call(chat, "POST", "/invitations", json={"email": "no address"}).status_code == 400


def test_channels_have_members_with_roles(chat):
    tom, channel = add(chat, "tom"), chat.store.add_channel("general", "story")
    path = f"/channels/{channel}/members/{tom}"
    assert call(chat, "PUT", path, json={"role": "manager"}).status_code == 204
    members = call(chat, "GET", f"/channels/{channel}/members").json()["members"]
    assert members == [{"member": tom, "role": "manager"}]
    assert call(chat, "DELETE", path).status_code == 204
    assert call(chat, "DELETE", path).status_code == 404


def test_a_removed_member_is_out_of_every_channel(chat):
    tom, channel = add(chat, "tom"), chat.store.add_channel("general", "story")
    chat.store.join(channel, tom, "manager", "story")
    chat.store.remove(tom, "page")
    assert call(chat, "GET", f"/channels/{channel}/members").json()["total"] == 0


def test_the_page_shows_hostile_names_harmlessly(chat):
    chat.store.add("x@acme.example", "<script>alert(1)</script>", "member", "story")
    channel = chat.store.add_channel("\"><img src=x onerror=alert(1)>", "story")
    page = requests.get(chat.url, timeout=60)
    assert "<script>" not in page.text and "<img" not in page.text
    assert channel in page.text
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_everything_on_the_page_works_and_says_that_it_was_the_page(chat):
    form(chat, "/members", name="Tom Okafor", email="tom@acme.example", role="member")
    tom = next(member for member in chat.members() if member["email"] == "tom@acme.example")["id"]
    channel = chat.store.add_channel("general", "story")
    form(chat, f"/members/{tom}", role="admin", status="active")
    form(chat, f"/channels/{channel}", name="everyone")
    form(chat, f"/channels/{channel}/members", member=tom, role="manager")
    form(chat, f"/channels/{channel}/members/{tom}/removal")
    assert form(chat, f"/members/{tom}/removal").status_code == 200
    assert [entry["act"] for entry in chat.log(via="page")] == [
        "added", "role changed", "channel renamed", "joined channel", "left channel", "removed",
    ]  # fmt: skip
    assert chat.log() == []


def test_the_page_says_why_something_was_refused(chat):
    answer = form(chat, f"/members/{chat.members()[0]['id']}/removal")
    assert "needs an owner" in answer.text
    assert len(chat.members()) == 1


def test_a_form_from_elsewhere_changes_nothing(chat):
    tom = add(chat, "tom")
    for values in ({}, {"key": "guess"}, {"key": "ü"}):
        assert requests.post(f"{chat.url}/members/{tom}/removal", data=values, timeout=60).status_code == 400
    assert "tom@acme.example" in chat.emails()


def test_another_host_name_is_not_answered(chat):
    answer = requests.get(chat.url, headers={"Host": f"evil.example:{chat.port}"}, timeout=60)
    assert answer.status_code == 421
    assert chat.token not in answer.text


def test_the_log_cannot_be_changed(chat):
    for sql in ("DELETE FROM log", "UPDATE log SET name = 'nobody'"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"), chat.store.writing() as db:
            db.execute(sql)
    assert len(chat.log(via="story")) == 1


def test_an_operation_that_fails_leaves_no_trace(chat):
    with pytest.raises(Refusal), chat.store.writing() as db:
        chat.store.note(db, "api", "removed", "U1", "somebody")
        raise Refusal(409, "no", "no")
    assert chat.log() == []
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        db.execute("SELECT 1")


def test_each_block_has_a_connection_to_itself_which_is_kept_until_it_is_let_go(chat):
    with chat.store.reading() as first, chat.store.reading() as second, chat.store.writing() as third:
        assert len({first, second, third}) == 3
    with chat.store.reading() as fourth:
        assert fourth in (first, second, third)
        chat.store.let_go()
    for closed in (first, second, third):
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            closed.execute("SELECT 1")
    assert chat.emails() == {"olga@acme.example"}


def test_a_fork_uses_no_connection_of_the_process_before_it(tmp_path):
    store = ChatApp.make_store(tmp_path)
    with store.reading() as before:
        pass
    if not (fork := os.fork()):
        try:
            with store.reading() as own:
                pass
            with store.reading() as again:
                os._exit(own is before or again is not own)
        finally:
            os._exit(2)
    assert os.waitpid(fork, 0)[1] == 0
    store.let_go()


def test_it_continues_after_kill_9_with_the_same_data_and_token(tmp_path):
    with ChatApp(tmp_path, child=True) as chat:
        tom = add(chat, "tom")
        assert call(chat, "PATCH", f"/members/{tom}", json={"role": "guest"}).status_code == 200
        chat.kill()
        with pytest.raises(requests.ConnectionError):
            call(chat, "GET", "/me")
        chat.start()
        assert call(chat, "GET", f"/members/{tom}").json()["role"] == "guest"
        assert len(chat.log("role changed")) == 1


def test_faults_are_switched_from_outside_and_the_page_stays_well(tmp_path):
    with ChatApp(tmp_path, child=True) as chat:
        chat.fault("server-error", on="/members", after=1, times=1)
        assert [call(chat, "GET", "/members").status_code for _ in range(3)] == [200, 500, 200]
        chat.fault("expired-token")
        assert call(chat, "GET", "/me").status_code == 401
        assert requests.get(chat.url, timeout=60).status_code == 200
        chat.clear()
        assert call(chat, "GET", "/me").status_code == 200
        assert chat.calls("/members") == ["GET /api/v1/members"] * 3


def test_only_tests_have_the_address_that_switches_faults(chat):
    assert requests.post(chat.url + "/_test/faults", json={"name": "hang"}, timeout=60).status_code == 404


def test_for_tests_it_begins_again_as_it_was_kept(chat):
    kept = chat.keep()
    url = chat.url
    add(chat, "tom")
    call(chat, "GET", "/members")
    chat.begin_again(kept)
    assert (chat.url, chat.emails(), len(chat.log(via="")), chat.calls()) == (url, {"olga@acme.example"}, 1, [])
    chat.fault("slow", method="DELETE", seconds=60)
    tom = add(chat, "tom")
    with ThreadPoolExecutor(1) as threads:
        removing = threads.submit(call, chat, "DELETE", f"/members/{tom}")
        while not chat.calls():
            pass
        chat.end()  # releases the hanging requests, and waits for them
        assert chat.removed() == ["tom@acme.example"]
        chat.begin_again(kept)
        removing.exception()
    assert (chat.url, chat.emails(), chat.calls()) == (url, {"olga@acme.example"}, [])
    assert call(chat, "GET", "/members").status_code == 200
    chat.stop()
    chat.begin_again(kept)
    assert call(chat, "GET", "/members").status_code == 200


def test_for_tests_it_begins_again_whatever_was_done_to_its_file(chat):
    kept = chat.keep()
    chat.begin_again(kept)
    held = chat._held

    def begins_again() -> bool:
        """The connection that it holds is another one."""
        nonlocal held
        chat.begin_again(kept)
        before, held = held, chat._held
        assert chat.emails() == {"olga@acme.example"} and call(chat, "GET", "/members").json()["total"] == 2
        return held is not before

    assert not begins_again()
    add(chat, "tom")
    assert not begins_again(), "what is in the log is forgotten"
    add(chat, "tom")
    chat.keep()
    assert begins_again(), "it was brought from the log to the file"
    chat.store.path.with_name("data.sqlite-wal").unlink()
    assert begins_again()
    chat.stop()
    chat.start()
    assert begins_again()
