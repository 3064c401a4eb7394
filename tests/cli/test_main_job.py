"""The main job by the command line alone, on a third-party app: someone leaves, and is removed from the app."""

from __future__ import annotations

import pytest

from tests.cli.conftest import connect
from tests.real.scim_app import TOKEN

CHECK = {"app", "check", "state", "accounts", "counts", "applied", "waiting", "held", "report", "error", "seconds"}
COUNTS = {"new_users", "removed_users", "updated_roles", "updated_profiles", "assets", "access"}
CHANGE = {"id", "kind", "decision", "account", "person", "before", "after", "reason", "protected"}


@pytest.fixture(scope="session")
def forks() -> None:
    """Each command is a Python process of its own, as a user's is."""


def test_the_main_job(rollcall, staff, scim_app):
    ids = {
        name: scim_app.add_user(f"{name.lower()}@acme.example", name, "owner" if name == "Pavel" else "member")
        for name in ("Pavel", "Tom", "Lea", "Ida")
    }
    (rollcall.folder / "token").write_text(TOKEN)
    added = rollcall.json("directory", "add", "csv", "--name", "Staff", "--set", "file=staff.csv")
    assert (added["directory"], added["state"], added["people"]) == ("Staff", "succeeded", 5)
    connect(rollcall, "scim", "Wiki", scim_app.url, "--set", "removal=delete")

    first = rollcall.json("check", "Wiki", code=0)
    assert first.keys() >= CHECK and first["counts"].keys() == COUNTS
    assert (first["app"], first["state"], first["accounts"], first["error"]) == ("Wiki", "succeeded", 4, None)
    assert (first["counts"]["new_users"], first["applied"], first["waiting"], first["held"]) == (4, 4, 0, 0)

    staff.leave("Tom", "Lea")
    assert "2 deprovisioned" in rollcall.run("directory", "sync").out
    second = rollcall.json("check", "Wiki", code=3)
    assert (second["counts"]["removed_users"], second["waiting"], second["state"]) == (2, 2, "succeeded")

    report = rollcall.json("report", "Wiki")
    assert (report["report"], report["app"], report["state"]) == (second["report"], "Wiki", "open")
    assert report["check"] == second["check"]
    changes = {change["account"]["email"]: change for change in report["changes"]}
    assert changes.keys() == {"tom@acme.example", "lea@acme.example"}
    tom = changes["tom@acme.example"]
    assert tom.keys() >= CHANGE
    assert tom["account"] == {"external_id": ids["Tom"], "email": "tom@acme.example", "name": "Tom"}
    assert (tom["kind"], tom["decision"], tom["person"]) == ("removed user", "needs confirmation", "tom@acme.example")
    assert (tom["before"], tom["after"], tom["protected"]) == ("member", None, None)
    assert "Staff" in tom["reason"]

    leave_out = f"{ids['Lea']}=Stays as a contractor, rate = 12"
    done = rollcall.json("finish", "Wiki", "--leave-out", leave_out, "--yes", "--wait")
    assert (done["report"], done["state"]) == (report["report"], "applied")
    [task] = done["tasks"]
    assert (task["act"], task["state"], task["attempts"], task["error"]) == ("remove", "done", 1, None)
    assert task["account"]["external_id"] == ids["Tom"]
    assert scim_app.users().keys() == {"pavel@acme.example", "lea@acme.example", "ida@acme.example"}

    third = rollcall.json("check", "Wiki", code=0)
    assert (third["accounts"], third["waiting"], third["applied"]) == (3, 0, 0), "who was left out is not asked about"
    again = rollcall.json("finish", "Wiki", "--yes", "--wait", code=0)
    assert again["report"] != report["report"] or again["tasks"] == done["tasks"]
    assert rollcall.json("tasks", "--app", "Wiki")["tasks"] == done["tasks"]
    rows = rollcall.json("activity", "--app", "Wiki")["entries"]
    assert {"left out", "confirmed removal", "removed from the app", "finished sync"} <= {one["what"] for one in rows}
    assert rollcall.json("activity", "--verify")["ok"] is True
