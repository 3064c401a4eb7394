"""`check` when things go wrong, and when someone else is already checking."""

from __future__ import annotations

import signal

from sync.apps import apps
from sync.jobs import asking
from sync.models import Activity
from tests.cli.conftest import until


def test_a_failed_check_prints_its_document_and_its_reason(rollcall, connected_chat):
    rollcall.run("check", "Chat")
    connected_chat.fault("expired-token")
    answer = rollcall.run("check", "Chat", "--json", code=1)
    document = answer.document
    assert (document["app"], document["state"], document["report"]) == ("Chat", "failed", None)
    assert document["error"] and document["error"] in answer.err
    assert document["counts"]["removed_users"] == 0
    connected_chat.clear()
    assert rollcall.json("check", "Chat")["accounts"] == 5, "nothing was lost"
    assert rollcall.run("check", "Nowhere", "--json", code=1).out == ""


def test_a_directory_that_can_not_be_read_is_a_warning(rollcall, connected_chat, staff):
    staff.file.unlink()
    answer = rollcall.run("check", "Chat", "--json")
    assert answer.document["state"] == "succeeded"
    assert "Staff could not be read" in answer.document["warning"] and "Staff could not be read" in answer.err


def test_a_check_under_way_is_joined_and_seen_through(rollcall, connected_chat):
    connected_chat.fault("hang", on="/members")
    with rollcall.served() as server:
        with rollcall.core():
            asked = asking.ask(apps.by_name("Chat"), "a page")
        until(lambda: connected_chat.calls("/members"))
        joining = rollcall.start("check", "Chat", "--json")
        until(lambda: joining.stderr.readline())
        connected_chat.clear()
        out, _ = joining.communicate(timeout=60)
        assert joining.returncode == 0 and f'"check": {asked.id},' in out
        assert rollcall.stop(server) == 0


def test_ctrl_c_cancels_and_changes_nothing(rollcall, connected_chat):
    connected_chat.fault("hang", on="/members")
    running = rollcall.start("check", "Chat", "--json")
    until(lambda: connected_chat.calls("/members"))
    running.send_signal(signal.SIGINT)
    with rollcall.core():
        until(Activity.select().where(Activity.what == "cancelled check").exists)
    assert any(entry["what"] == "cancelled check" for entry in rollcall.json("activity")["entries"])
    connected_chat.clear()
    out, err = running.communicate(timeout=60)
    assert running.returncode == 1 and "cancelled" in err and '"state": "failed"' in out
    assert rollcall.json("apps", "list")["apps"][0]["accounts"] == 0
    assert rollcall.json("check", "Chat")["accounts"] == 5


def test_killed_half_way_the_next_check_continues(rollcall, connected_chat):
    connected_chat.fault("hang", on="/members")
    running = rollcall.start("check", "Chat")
    until(lambda: connected_chat.calls("/members"))
    running.kill()
    running.communicate(timeout=60)
    connected_chat.clear()
    document = rollcall.json("check", "Chat")
    assert (document["check"], document["state"], document["accounts"]) == (1, "succeeded", 5)
