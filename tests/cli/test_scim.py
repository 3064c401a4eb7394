"""An identity provider pushes by HTTP to a real server: someone is disabled, and soon a report waits."""

from __future__ import annotations

import requests

from tests.cli.conftest import CommandLine, connect, until
from tests.demo.apps import ChatApp

USER = "urn:ietf:params:scim:schemas:core:2.0:User"


def test_a_leaver_waits_in_a_report_soon_without_any_button(rollcall: CommandLine, chat: ChatApp) -> None:
    added = rollcall.json("directory", "add", "scim", "--name", "Okta")
    assert added.keys() == {"directory", "url", "token"} and added["url"] == f"{rollcall.url}/scim/v2"
    okta = requests.Session()
    okta.headers["Authorization"] = f"Bearer {added['token']}"
    with rollcall.served():
        ids = {}
        for name in ("Pavel", "Tom", "Lea", "Ida"):
            body = {"schemas": [USER], "userName": f"{name.lower()}@acme.example", "displayName": name, "active": True}
            created = okta.post(f"{added['url']}/Users", json=body, timeout=30)
            assert created.status_code == 201, created.text
            ids[name] = created.json()["id"]
        (rollcall.folder / "token").write_text(chat.token + "\n")
        connect(rollcall, "sample-chat", "Chat", chat.url)
        first = rollcall.json("check", "Chat")
        assert (first["state"], first["waiting"]) == ("succeeded", 0)

        for name in ("Tom", "Lea"):
            off = {"Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
            assert okta.patch(f"{added['url']}/Users/{ids[name]}", json=off, timeout=30).status_code == 200
        until(lambda: rollcall.json("apps", "list")["apps"][0]["report"])

        report = rollcall.json("report", "Chat")
        leavers = [change for change in report["changes"] if change["decision"] == "needs confirmation"]
        assert {change["account"]["email"] for change in leavers} == {"tom@acme.example", "lea@acme.example"}
        assert all("Disabled in Okta" in change["reason"] for change in leavers) and report["state"] == "open"
    [listed] = rollcall.json("directory", "list")["directories"]
    assert (listed["directory"], listed["kind"], listed["people"], listed["held"]) == ("Okta", "scim", 2, 0)
    assert listed["last_read"], "when it was heard of last"
    rows = rollcall.json("activity", "--app", "Chat")["entries"]
    asked = [one["who"] for one in rows if one["what"] == "asked for a check"]
    assert asked.count("Okta (directory)") == 1, "two left, one check"


def test_by_the_command_line(rollcall: CommandLine) -> None:
    assert "shown only once" in rollcall.run("directory", "add", "scim", "--name", "Okta").out
    assert "Okta already exists" in rollcall.run("directory", "add", "scim", "--name", "Okta", code=1).err
    rollcall.run("directory", "add", "scim", "--name", "Other", "--set", "a=b", code=2)
    assert "nothing to read" in rollcall.run("directory", "sync", "Okta", code=1).err
    assert "all of them push" in rollcall.run("directory", "sync", code=1).err
    again = rollcall.json("directory", "token", "Okta")
    assert again.keys() == {"directory", "url", "token"}
    with rollcall.served():
        answer = rollcall.get("/scim/v2/Users", headers={"Authorization": f"Bearer {again['token']}"})
        assert answer.status_code == 200 and answer.json()["totalResults"] == 0
        assert rollcall.get("/scim/v2/Users").status_code == 401
