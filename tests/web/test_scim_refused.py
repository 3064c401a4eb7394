"""Changes that an identity provider pushes and that are refused or fail: someone may have left, so they are noted."""

from __future__ import annotations

import pytest

from sync import restored
from sync.apps.status import standing
from sync.db import db, utcnow, writing
from sync.directory import directories, push
from sync.jobs import queue
from sync.models import Activity, App, Report, Task
from sync.people import people
from sync.reports import reports
from sync.tasks import tasks
from tests.asking import MACHINE
from tests.database import ON_FILE
from tests.faults import own
from tests.sync.fixtures import Chat
from tests.web.client import Client
from tests.web.provider import BULK, PATCH, Provider, problem
from web.scim_service import MOST_BYTES


def status(email: str) -> str:
    return people.find_by_email(email).status


def test_a_change_that_was_refused_in_a_pause_ends_the_green_state_until_all_were_sent_again(
    okta: Provider, chat: Chat, owner: Client
) -> None:
    ana = okta.add("ana@acme.example")
    directories.pause(okta.directory, MACHINE)
    okta.call("GET", f"/Users/{ana}")
    assert okta.row().missing_since is None, "a request that reads loses nothing"
    okta.call("PATCH", f"/Users/{ana}", {"Operations": [{"op": "replace", "value": {"active": False}}]})
    directories.resume(okta.directory, MACHINE)
    assert standing(App.get_by_id(chat.app.id)).status == "Directory unclear"
    page = owner.get(f"/directories/{okta.directory.id}").text
    assert "Changes may be missing" in page and "Directory unclear" in owner.get("/directories").text
    seen = okta.row().missing_until
    assert f'name="seen" value="{seen.isoformat()}"' in page
    disable = {"op": "replace", "path": "active", "value": "inactive"}
    okta.call("PATCH", f"/Users/{ana}", {"schemas": [PATCH], "Operations": [disable]})
    owner.send("DELETE", f"/directories/{okta.directory.id}/refusal", seen=seen.isoformat())
    assert standing(App.get_by_id(chat.app.id)).status == "Directory unclear", "another was refused since"
    latest = okta.row().missing_until.isoformat()
    owner.send("DELETE", f"/directories/{okta.directory.id}/refusal", seen=latest)
    assert standing(App.get_by_id(chat.app.id)).status == "Up to date"
    assert "Changes may be missing" not in owner.get(f"/directories/{okta.directory.id}").text


@pytest.mark.parametrize("is_back", [True, False])
def test_a_removal_waits_after_a_restore_until_someone_confirms_that_everyone_was_sent_again(
    okta: Provider, chat: Chat, owner: Client, is_back: bool
) -> None:
    user = okta.add("p3@acme.example")
    okta.deactivate(user)
    chat.check()
    report = Report.get(Report.state == "open")
    with writing():
        push.note_restored(restored.WHY)
    page = owner.get(f"/reports/{report.id}").text
    assert "1 removal will wait: Okta may lack changes since" in page and "Its page says what to do." in page
    [task] = reports.finish(report, chat.by).tasks
    queue.drain(("task",))
    assert "so Person 3 may be back. The removal waits until someone makes Okta send" in owner.get(
        f"/apps/{chat.app.id}/tasks").text
    if is_back:
        okta.patch(f"/Users/{user}", {"op": "replace", "value": {"active": True}})
    push.confirm_sent_again(okta.row(), okta.row().missing_until, MACHINE)
    Task.update(next_at=utcnow()).execute()
    tasks.run(task.id)
    assert Task.get_by_id(task.id).state == ("no longer needed" if is_back else "done")
    assert any(member["email"] == "p3@acme.example" for member in chat.members()) == is_back


@pytest.mark.parametrize(("operation", "noted"), [
    ({"op": "replace", "path": "active", "value": "inactive"}, True),
    ({"op": "replace", "value": {"urn:ietf:params:scim:schemas:core:2.0:User:active": [False]}}, True),
    ({"op": "replace", "path": "/active", "value": False}, True),
    ({"op": "replace", "value": '{"active": false}'}, True),
    ({"Op": "Replace", "Value": '{"active": false}'}, True),
    ({"op": "replace", "value": {"active": True, "userName": ""}}, False),
    ({"op": "replace", "path": "userName", "value": ""}, False),
], ids=["a word", "a list", "no path", "a text", "a text in capitals", "active", "another attribute"])  # fmt: skip
def test_a_change_that_may_disable_a_user_and_is_refused_is_noted(okta: Provider, operation: dict, noted: bool) -> None:
    ana = okta.add("ana@acme.example")
    answer = okta.call("PATCH", f"/Users/{ana}", {"schemas": [PATCH], "Operations": [operation]})
    assert answer.status_code == 400 and status("ana@acme.example") == "active"
    assert (okta.row().missing_since is not None) == noted
    okta.call("PATCH", "/Users/nobody", {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": 0}}]})
    assert (okta.row().missing_since is not None) == noted, "nobody is there who may have left"


@pytest.mark.parametrize("active,noted", [(False, True), (True, False)])
@pytest.mark.parametrize(("more", "status_code"), [
    ({"nickName": "a" * 10_001}, 400), ({"nickName": 2**63}, 400), ({"title": "a" * MOST_BYTES}, 413),
], ids=["text", "number", "bytes"])  # fmt: skip
def test_a_change_beyond_the_limits_that_may_disable_a_user_is_noted(
    okta: Provider, more: dict, status_code: int, active: bool, noted: bool
) -> None:
    ana = okta.add("ana@acme.example")
    change = {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": active} | more}]}
    assert okta.call("PATCH", f"/Users/{ana}", change).status_code == status_code
    assert (okta.row().missing_since is not None) == (noted or status_code == 413), "what isn't read may be anything"


@pytest.mark.parametrize("value,noted", [("inactive", True), (True, False)])
def test_an_operation_of_a_bulk_request_that_is_refused_is_noted(okta: Provider, value: object, noted: bool) -> None:
    ana, bo = okta.add("ana@acme.example"), okta.add("bo@acme.example")
    operations = [{"method": "PATCH", "path": f"/Users/{user}", "data": {"schemas": [PATCH], "Operations": [
        {"op": "replace", "path": path, "value": new}]}} for user, path, new in (
            (ana, "active", value), (ana, "userName", "bo@acme.example"), (bo, "title", "Boss"))]  # fmt: skip
    answer = okta.call("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
    statuses = [one["status"] for one in answer.get_json(force=True)["Operations"]]
    assert answer.status_code == 200 and statuses[0] == ("400" if noted else "200") and statuses[1] == "409"
    assert (okta.row().missing_since is not None) == noted


@pytest.mark.parametrize("operations", [
    [{"method": "delete", "path": "/Users/{}"}],
    [{"method": "DELETE", "path": "/Users/nobody"}, {"method": "DELETE", "path": "/Users/{}"}],
], ids=["refused", "never tried"])  # fmt: skip
def test_a_deletion_in_a_bulk_request_that_is_not_done_is_noted(okta: Provider, operations: list[dict]) -> None:
    ana = okta.add("ana@acme.example")
    asked = [one | {"path": one["path"].format(ana)} for one in operations]
    okta.call("POST", "/Bulk", {"schemas": [BULK], "failOnErrors": 1, "Operations": asked})
    assert okta.row().missing_since is not None and status("ana@acme.example") == "active"


def test_a_change_that_breaks_off_is_noted_as_that(okta: Provider) -> None:
    ana = okta.add("ana@acme.example")
    answer = okta.client.patch(f"/scim/v2/Users/{ana}", data=b'{"schemas": [', environ_overrides={
        "CONTENT_LENGTH": "1000", "HTTP_AUTHORIZATION": f"Bearer {okta.token}"})  # fmt: skip
    assert problem(answer) == (400, None)
    why = Activity.get(Activity.what == "directory needs a look").why
    assert okta.row().missing_since is not None and "broke off" in why and "in Rollcall itself" not in why


@ON_FILE
def test_a_change_that_fails_in_rollcall_itself_is_noted(okta: Provider) -> None:
    ana, disable = okta.add("ana@acme.example"), {"Operations": [{"op": "replace", "value": {"active": False}}]}
    db.execute_sql("CREATE TEMP TRIGGER broken BEFORE UPDATE ON directory_entry BEGIN SELECT RAISE(ABORT, 'no'); END")
    assert okta.call("PATCH", f"/Users/{ana}", {"schemas": [PATCH]} | disable).status_code == 500
    db.execute_sql("DROP TRIGGER broken")
    assert okta.row().missing_since is not None and status("ana@acme.example") == "active"


@ON_FILE
def test_a_change_that_a_locked_database_hinders_is_noted_later(okta: Provider) -> None:
    ana, disable = okta.add("ana@acme.example"), {"Operations": [{"op": "replace", "value": {"active": False}}]}
    with own.locked():
        assert okta.call("PATCH", f"/Users/{ana}", {"schemas": [PATCH]} | disable).status_code == 503
        failed = utcnow()
        queue.tidy_up()
        assert okta.call("DELETE", f"/Users/{ana}").status_code == 503, "a second one, whose time isn't the first's"
    assert okta.row().missing_since is None
    queue.tidy_up()
    since = okta.row().missing_since
    push.note_refused(okta.directory, "it came later")
    assert okta.row().missing_since == since <= failed
    queue.tidy_up()
    assert Activity.select().where(Activity.what == "directory needs a look").count() == 1
