"""`report`, `finish`, `release`, `tasks`: the approval and its outcome."""

from __future__ import annotations

import pytest

from sync.db import utcnow
from sync.models import App, Directory, Task
from tests.cli.conftest import external_id

TASK = {"id", "act", "account", "state", "attempts", "error"}


@pytest.fixture
def leaver(rollcall, connected_chat, staff):
    """Tom has left, and a report says so."""
    rollcall.run("check", "Chat")
    staff.leave("Tom")
    rollcall.run("check", "Chat", code=3)
    return connected_chat


def test_there_is_nothing_to_report_or_finish_before_a_check(rollcall, connected_chat):
    assert "no report yet" in rollcall.run("report", "Chat", "--json", code=1).err
    assert "no open report" in rollcall.run("finish", "Chat", "--yes", code=1).err


def test_an_approval_is_needed_and_must_fit_what_waits(rollcall, leaver):
    tom, lea = external_id(leaver, "Tom"), external_id(leaver, "Lea")
    assert "1 person has left Acme" in rollcall.run("finish", "Chat", code=2).err
    assert "ID=REASON" in rollcall.run("finish", "Chat", "--yes", "--leave-out", tom, code=2).err
    assert lea in rollcall.run("finish", "Chat", "--yes", "--leave-out", f"{lea}=no", code=1).err
    assert "Enter why" in rollcall.run("finish", "Chat", "--yes", "--leave-out", f"{tom}= ", code=1).err
    version = rollcall.json("report", "Chat")["version"]
    stale = rollcall.run("finish", "Chat", "--yes", "--version", str(version - 1), code=1)
    assert "Look at it again" in stale.err and stale.out == ""
    assert rollcall.json("report", "Chat")["state"] == "open"
    assert leaver.removed() == [] and "tom@acme.example" in leaver.emails()
    done = rollcall.json("finish", "Chat", "--yes", "--wait", "--version", str(version))
    assert done["state"] == "applied" and done["tasks"][0].keys() >= TASK
    assert leaver.removed() == ["tom@acme.example"]


def test_a_report_says_what_its_removals_do_in_the_app(rollcall, leaver):
    expected = "Removes them from the workspace and all its channels. It can't be undone."
    assert expected in rollcall.run("report", "Chat").out
    [text] = rollcall.json("report", "Chat")["removal"]
    assert text.startswith(expected) and "Their seat is freed." in text


def test_everyone_left_out(rollcall, leaver):
    done = rollcall.run("finish", "Chat", "--yes", "--wait", "--leave-out", f"{external_id(leaver, 'Tom')}=Contractor")
    assert done.out.endswith(" is applied.\nThere was nothing to do in the app.\n")
    [change] = rollcall.json("report", "Chat")["changes"]
    assert change["decision"] == "left out"
    assert rollcall.json("check", "Chat", code=0)["waiting"] == 0


def test_a_refused_removal_needs_attention_and_is_tried_again(rollcall, leaver):
    leaver.fault("forbidden", method="DELETE")
    answer = rollcall.run("finish", "Chat", "--yes", "--wait", "--json", code=1)
    [task] = answer.document["tasks"]
    assert f"{task['id']}  Chat: remove Tom, needs attention: {task['error']}\nTom: {task['error']}\n" in answer.err
    with rollcall.core():
        Directory.update(missing_since=utcnow()).execute()
    assert "Check that before" in rollcall.run("finish", "Chat", "--yes", code=1).err
    with rollcall.core():  # asked for by hand, it waits for no directory
        Task.update(report=None).execute()
    failed = rollcall.run("tasks", "--retry", str(task["id"]), "--json", code=1)
    assert failed.document["tasks"][0]["state"] == "needs attention" and "Check that before" in failed.err
    assert failed.err == failed.document["tasks"][0]["error"] + "\n"
    with rollcall.core():
        Task.update(report=answer.document["report"]).execute()
        Directory.update(missing_since=None).execute()
    assert rollcall.run("doctor", code=1).out.count("wrong") >= 1
    with rollcall.core():
        App.update(state="paused").execute()
    waits = rollcall.run("tasks", "--retry", str(task["id"]), "--json", code=1)
    assert waits.document["tasks"][0]["state"] == "queued" and "continues when it is resumed" in waits.err
    with rollcall.core():
        App.update(state="active").execute()
    leaver.clear()
    retried = rollcall.json("tasks", "--retry", str(task["id"]))
    assert [one["state"] for one in retried["tasks"]] == ["done"]
    assert (retried["report"], retried["state"]) == (answer.document["report"], "applied")
    assert leaver.removed() == ["tom@acme.example"]
    assert "nothing to retry" in rollcall.run("tasks", "--retry", str(task["id"]), code=1).err
    assert "no task 99" in rollcall.run("tasks", "--retry", "99", code=1).err


def test_done_by_hand(rollcall, leaver):
    leaver.fault("forbidden", method="DELETE")
    finished, line, *_ = rollcall.run("finish", "Chat", "--yes", "--wait", code=1).out.splitlines()
    task, _, said = line.partition("  Chat: remove Tom, needs attention: ")
    assert finished.startswith("Report ") and said
    assert rollcall.run("tasks", "--done", task).out == f"{task}  Chat: remove Tom, done\n"
    assert rollcall.run("tasks", "--done", task, code=1).out == ""
    assert rollcall.run("tasks", "--done", "1", "--retry", "1", code=2).out == ""


def test_waiting_has_an_end_and_says_what_continues(rollcall, leaver):
    leaver.fault("rate-limit", method="DELETE", seconds=3600)
    answer = rollcall.run("finish", "Chat", "--yes", "--wait", "--minutes", "0", "--json", code=1)
    assert answer.document["tasks"][0]["state"] == "queued" and "The server continues them" in answer.err


def test_a_mass_change_is_held_until_it_is_released(rollcall, connected_chat, staff):
    names = [f"Person{number}" for number in range(9)]
    for name in names:
        connected_chat.store.add(f"{name.lower()}@acme.example", name, "member", "story")
    staff.write(*staff.names, *names)
    rollcall.run("check", "Chat")
    staff.leave(*names[:7])
    rollcall.run("directory", "sync")
    rollcall.run("directory", "release", "Staff", "--yes")
    found = rollcall.json("check", "Chat", code=3)
    assert (found["held"], found["waiting"]) == (7, 0)
    assert "Release them first" in rollcall.run("finish", "Chat", "--yes", "--wait", code=1).err
    assert "7 changes" in rollcall.run("release", "Chat", code=2).err
    assert connected_chat.removed() == []
    seen = rollcall.json("report", "Chat")["version"]
    assert "while you looked" in rollcall.run("release", "Chat", "--yes", "--version", str(seen - 1), code=1).err
    assert rollcall.json("release", "Chat", "--yes", "--version", str(seen))["waiting"] == 7
    done = rollcall.json("finish", "Chat", "--yes", "--wait")
    assert len(done["tasks"]) == 7 and {task["state"] for task in done["tasks"]} == {"done"}
    assert sorted(connected_chat.removed()) == sorted(f"{name.lower()}@acme.example" for name in names[:7])


def test_many_changed_roles_are_held_and_updated_by_a_release_alone(rollcall, connected_chat):
    for number in range(20):
        connected_chat.store.add(f"p{number}@acme.example", f"P {number}", "member", "story")
    rollcall.run("check", "Chat")
    ids = [external_id(connected_chat, f"P {number}") for number in range(8)]
    for id in ids:
        connected_chat.store.change(id, via="story", role="admin")
    found = rollcall.json("check", "Chat", code=3)
    assert (found["counts"]["updated_roles"], found["applied"], found["held"], found["waiting"]) == (8, 0, 8, 0)
    changes = rollcall.json("report", "Chat")["changes"]
    held = [change for change in changes if change["decision"] == "held"]
    assert {change["account"]["external_id"] for change in held} == set(ids)
    expected = {(change["kind"], change["before"], change["after"]) for change in held}
    assert expected == {("updated role", "Member", "Admin")}
    assert "8 roles changed at once" in rollcall.run("report", "Chat").out
    assert "Nobody with the id" in rollcall.run("finish", "Chat", "--leave-out", f"{ids[0]}=no", "--yes", code=1).err
    done = rollcall.json("release", "Chat", "--only", "updates", "--yes")
    assert (done["state"], done["updated"], done["held"]) == ("applied", 8, 0)
    assert rollcall.json("check", "Chat")["counts"]["updated_roles"] == 0


def test_continuing_without_what_an_app_no_longer_shows(rollcall, connected_chat):
    rollcall.run("check", "Chat")
    assert "Nothing is missing" in rollcall.run("apps", "go-on-without", "Chat", "--yes", code=1).err
    connected_chat.fault("lost-fields", on="api/v1/members", fields=["email"])
    failed = rollcall.json("check", "Chat", code=1)
    assert failed["state"] == "failed" and "e-mail addresses are missing" in failed["error"]
    assert "e-mail addresses are missing" in rollcall.run("apps", "go-on-without", "Chat", code=2).err
    rollcall.run("apps", "go-on-without", "Chat", "--yes")
    assert rollcall.json("check", "Chat")["state"] == "succeeded"


def test_a_sole_manager_is_refused_for_programs_until_it_is_answered(rollcall, leaver):
    channel, tom = leaver.store.add_channel("launch", "page"), external_id(leaver, "Tom")
    leaver.store.join(channel, tom, "manager", "page")
    rollcall.run("check", "Chat", code=3)
    [change] = [row for row in rollcall.json("report", "Chat")["changes"] if row["kind"] == "removed user"]
    assert change["only_manager_of"] == [{"external_id": channel, "kind": "channel", "name": "launch"}]
    refused = rollcall.run("finish", "Chat", "--yes", "--wait", "--json", code=1)
    assert "--accept-unmanaged" in refused.err and leaver.removed() == []
    assert refused.document["state"] == "open" and refused.document["tasks"] == []
    assert refused.document["refused"]["code"] == "sole manager"
    assert refused.document["refused"]["accounts"][0]["external_id"] == tom
    assert "only manager of anything" in rollcall.run("finish", "Chat", "--yes", "--hand-over", "x=y", code=1).err
    assert "no account" in rollcall.run("finish", "Chat", "--yes", "--hand-over", f"{tom}=no@body.example", code=1).err
    done = rollcall.json("finish", "Chat", "--yes", "--wait", "--hand-over", f"{tom}=lea@acme.example")
    assert [task["state"] for task in done["tasks"]] == ["done", "done"] and leaver.removed() == ["tom@acme.example"]
