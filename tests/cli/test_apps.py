"""The catalogue, connecting an app, the list, pausing and disconnecting; secrets stay secret."""

from __future__ import annotations

from sync.apps import drafts
from sync.models import App
from sync.people import people
from tests.cli.conftest import OWNER, connect


def test_the_catalogue(empty):
    known = {kind["slug"]: kind for kind in empty.json("connectors")["connectors"]}
    assert {"scim", "sample-chat", "sample-ads"} <= known.keys()
    keys = {"slug", "label", "category", "level", "rules", "fields", "capabilities", "effects", "api_version"}
    assert all(kind.keys() == keys for kind in known.values())
    assert {"base_url", "token"} <= {field["name"] for field in known["scim"]["fields"]}
    [scim] = empty.json("connectors", "scim")["connectors"]
    assert scim == known["scim"] and "remove" in scim["capabilities"]
    token = next(field for field in scim["fields"] if field["name"] == "token")
    assert token["secret"] is True and token["required"] is True and token.keys() >= {"label", "help"}
    output = empty.run("connectors", "scim").out
    assert "--set base_url=…" in output and "1. " in output
    assert "no connector" in empty.run("connectors", "fax", code=1).err
    assert not empty.home.exists()


def test_connecting_is_tested_first_and_nothing_is_stored_otherwise(rollcall, chat):
    token = rollcall.folder / "token"
    token.write_text("acme_wrong-token")
    refused = connect(rollcall, "sample-chat", "Chat", chat.url, code=1)
    assert "acme_wrong-token" not in refused.out + refused.err
    token.write_text(chat.token)
    nobody = rollcall.run("apps", "connect", "sample-chat", "--name", "Chat", "--owner", "eve@acme.example",
                          "--set", f"base_url={chat.url}", "--set", "token=@token", code=1)  # fmt: skip
    assert "eve@acme.example" in nobody.err
    assert rollcall.json("apps", "list") == {"apps": []}
    connect(rollcall, "sample-chat", "Chat", chat.url)
    assert "already" in connect(rollcall, "sample-chat", "Chat", chat.url, code=1).err
    assert "already connected" in connect(rollcall, "sample-chat", "Chat 2", chat.url, code=1).err


def test_a_secret_from_standard_input_or_as_it_is(rollcall, chat):
    arguments = ["apps", "connect", "sample-chat", "--owner", OWNER, "--set", f"base_url={chat.url}"]
    for bad in (["--set", "token"], ["--set", "token=a", "--set", "token=b"], ["--set", "token=@missing"]):
        assert rollcall.run(*arguments, "--name", "Chat", *bad, code=2).out == ""
    piped = rollcall.run(*arguments, "--name", "Chat", "--set", "token=-", stdin=f"{chat.token}\n")
    assert chat.token not in piped.out + piped.err
    rollcall.run("apps", "disconnect", "Chat")
    open_one = rollcall.run(*arguments, "--name", "Chat", "--set", f"token={chat.token}")
    assert "token=@FILE" in open_one.err and chat.token not in open_one.out + open_one.err


def test_the_list_and_the_states(rollcall, connected_chat):
    keys = {"name", "connector", "category", "state", "accounts", "matched", "unmatched", "last_check", "report"}
    [app] = rollcall.json("apps", "list")["apps"]
    assert app.keys() >= keys
    assert (app["name"], app["connector"], app["state"]) == ("Chat", "sample-chat", "active")
    assert (app["last_check"], app["report"]) == (None, None)
    rollcall.run("check", "Chat")
    [app] = rollcall.json("apps", "list")["apps"]
    assert app["last_check"].endswith("Z") and app["matched"] == 4
    assert rollcall.json("apps", "pause", "Chat") == {"app": "Chat", "state": "paused"}
    assert "paused" in rollcall.run("check", "Chat", code=1).err
    assert rollcall.json("apps", "resume", "Chat")["state"] == "active"
    assert rollcall.json("apps", "disconnect", "Chat")["state"] == "disconnected"
    assert rollcall.json("apps", "list") == {"apps": []}
    assert rollcall.json("report", "Chat")["state"] == "applied", "its reports stay to be looked at"
    assert "no app named" in rollcall.run("apps", "pause", "Chatt", code=1).err


def test_an_app_that_someone_is_connecting_on_the_pages_is_no_app_yet(rollcall, chat):
    with rollcall.core():
        draft = drafts.start("sample-chat", people.find_by_email(OWNER))
        App.update(name="Chat").where(App.id == draft.id).execute()
    assert "no app named" in rollcall.run("check", "Chat", code=1).err
    (rollcall.folder / "token").write_text(chat.token)
    connect(rollcall, "sample-chat", "Chat", chat.url)
    assert [app["state"] for app in rollcall.json("apps", "list")["apps"]] == ["active"]
    assert rollcall.json("check", "Chat")["state"] == "succeeded"
