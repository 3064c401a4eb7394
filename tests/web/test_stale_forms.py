"""A form that was opened before someone else changed what it shows doesn't take that change back."""

from __future__ import annotations

import dataclasses
import re
import socket
import threading
from urllib.parse import urlencode

import pytest

from connectors.base import Identity
from sync import vault
from sync.apps import apps
from sync.db import writing
from sync.directory import directories
from sync.groups import rules, teams
from sync.mail import mail_server
from sync.matching import rules as match_rules
from sync.models import App, Asset, Directory, DirectoryGroup, GroupRule, Person
from sync.people import people
from sync.problems import Overtaken
from sync.settings import set_setting
from sync.sign_in import oidc
from sync.workspace import update_workspace, workspace
from tests.sync.grouped import Groups
from tests.sync.scripted import ScriptedDirectory
from tests.web.client import Client
from tests.web.oidc_fake import CLIENT, SECRET, FakeProvider

CHANGED = "Someone changed this while your form was open. Nothing was saved: look at it again."

RENAMED = "Something that was chosen here has another name now. Nothing was saved: look at it again."

OVERTAKEN = "Someone changed this while Rollcall tested the connection. Nothing was saved: look at it again."


def seen(page: str) -> str:
    return re.search(r'name="seen" value="(\w+)"', page)[1]


def seen_of(form: str, page: str) -> str:
    """The mark in the form of this action, on a page that has several."""
    return seen(page[re.search(rf'<form[^>]*{form}', page).end():])


def test_a_standing_approval_that_was_switched_off_is_not_switched_on_by_another_setting(owner: Client, chat) -> None:
    here = f"/apps/{chat.app.id}/policy"
    apps.set_removal(chat.app, "automatic", chat.by)
    form = {"removal": "automatic", "guard": "own", "accounts": "2", "percent": "50"}
    form["seen"] = seen(owner.get(here).text)
    apps.set_removal(chat.app, "ask", chat.by)
    answer = owner.send("PUT", here, **form)
    assert answer.status_code == 422 and CHANGED in answer.text
    now = App.get_by_id(chat.app.id)
    assert (now.removal_approval, now.guard_accounts) == ("ask", None)
    assert owner.send("PUT", here, **form | {"seen": seen(answer.text), "removal": "ask"}).status_code == 303
    assert App.get_by_id(chat.app.id).guard_accounts == 2


def test_the_approvals_of_groups_are_not_switched_on_by_an_old_form(owner: Client, chat) -> None:
    here = f"/apps/{chat.app.id}/rules/policy"
    rules.set_policy(chat.app, "automatic", "automatic", chat.by)
    form = {"seen": seen(owner.get(here).text), "joiners": "ask", "unassigned": "automatic"}
    rules.set_policy(chat.app, "automatic", None, chat.by)
    answer = owner.send("PUT", here, **form)
    assert answer.status_code == 422 and CHANGED in answer.text
    assert App.get_by_id(chat.app.id).unassigned_approval is None
    assert owner.send("PUT", here, **form | {"seen": seen(answer.text)}).status_code == 303


def test_an_address_that_was_just_added_is_kept(owner: Client, by) -> None:
    ana = people.add("Ana", "ana@acme.example", by)
    form = {"seen": seen(owner.get(f"/people/{ana.id}/edit").text), "name": "Ana Lopez", "emails": "ana@acme.example"}
    people.edit(ana, by, emails=["ana@acme.example", "a@acme.example"])
    answer = owner.send("PATCH", f"/people/{ana.id}", **form)
    assert answer.status_code == 422 and CHANGED in answer.text and "a@acme.example" in answer.text
    assert people.find_by_email("a@acme.example") == ana and Person.get_by_id(ana.id).name == "Ana"


def test_a_group_that_was_just_put_into_a_team_stays_in_it(owner: Client, groups: Groups) -> None:
    groups.put(1, "Sales")
    groups.put(2, "Rest")
    groups.read()
    sales, rest = (groups.group(name).id for name in ("Sales", "Rest"))
    team = teams.create("Revenue", [sales], groups.chat.by)
    here = f"/directories/teams/{team.id}"
    form = {"seen": seen(owner.get(here).text), "name": "Money", "group": [sales]}
    teams.change(team, "Revenue", [sales, rest], groups.chat.by)
    answer = owner.send("PUT", here, **form)
    assert answer.status_code == 422 and CHANGED in answer.text
    assert len(teams.groups_of([team])[team.id]) == 2
    assert owner.send("PUT", here, **form | {"seen": seen(answer.text)}).status_code == 303
    assert [row.group_id for row in teams.groups_of([team])[team.id]] == [sales]


def test_a_rule_that_was_just_added_about_who_has_left_is_kept(owner: Client, by) -> None:
    known = Directory.create(kind="ldap", name="Staff", settings={"ends": "employeeType is left: left"})
    here = f"/directories/{known.id}/ends"
    form = {"seen": seen(owner.get(here).text)}
    settings = {"ends": "employeeType is left: left\nemployeeType is gone: left"}
    Directory.update(settings=settings).execute()
    answer = owner.send("PUT", here, **form)
    assert answer.status_code == 422 and CHANGED in answer.text and 'value="gone"' in answer.text
    assert Directory.get().settings == settings and seen(answer.text) != form["seen"]


def test_the_workspaces_guard_is_kept(owner: Client, by) -> None:
    form = {"seen": seen(owner.get("/settings").text), "name": "Acme Ltd", "guard_accounts": "5"}
    update_workspace(by, guard_accounts=2)
    answer = owner.send("PATCH", "/settings", **form)
    assert answer.status_code == 422 and CHANGED in answer.text
    assert (workspace().name, workspace().guard_accounts) == ("Acme", 2)


def test_the_roles_of_a_provider_are_kept(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    form = {"seen": seen(owner.get("/settings/sign-in").text)}
    monkeypatch.setattr(oidc, "settings", lambda: oidc.Settings(issuer="https://login.acme.example"))
    answer = owner.send("PUT", "/settings/sign-in", **form)
    assert answer.status_code == 422 and CHANGED in answer.text and seen(answer.text) != form["seen"]


def test_a_group_rule_is_not_taken_back_by_a_form_or_a_preview_from_before(owner: Client, groups: Groups) -> None:
    groups.put(1, "Sales")
    groups.read()
    draft = rules.Draft(group=groups.group("Sales"), role="admin")
    rule = rules.save(groups.app, draft, groups.chat.by)
    here = f"/apps/{groups.app.id}/rules"
    form = {"source": rules.source_text(rule), "role": "admin", "seen": seen(owner.get(f"{here}/{rule.id}").text)}
    again = owner.get(f"{here}/{rule.id}?source={form['source']}&role=guest&seen={form['seen']}")
    preview = owner.get(f"{here}/preview?rule={rule.id}&source={form['source']}&role=guest&seen={form['seen']}")
    assert seen(again.text) == seen(preview.text) == form["seen"]
    rules.save(groups.app, dataclasses.replace(draft, role="member"), groups.chat.by, rule)
    late = owner.get(f"{here}/preview?rule={rule.id}&source={form['source']}&role=admin&seen={form['seen']}")
    answer = owner.send("PUT", f"{here}/{rule.id}", **form)
    assert late.status_code == answer.status_code == 422 and CHANGED in late.text and CHANGED in answer.text
    assert GroupRule.get().role == "member"
    assert owner.send("PUT", f"{here}/{rule.id}", **form | {"seen": seen(answer.text)}).status_code == 303


def test_a_group_rule_gives_nothing_that_was_renamed_or_is_gone_since_it_was_chosen(owner: Client, groups: Groups):
    groups.put(1, "Sales")
    groups.read()
    general = Asset.create(app=groups.app, external_id="general", kind="channel", name="general")
    here = f"/apps/{groups.app.id}/rules"
    form = {"source": f"group:{groups.group('Sales').id}", "role": "", "asset": general.id, "asset_role": "member"}

    def opened(address: str) -> dict:
        page = owner.get(f"{here}/{address}?{urlencode(form)}").text
        return form | {"shown": re.search(r'name="shown" value="(\w+)"', page)[1]}

    picked, previewed = opened("new"), opened("preview")
    assert RENAMED not in owner.get(f"{here}/preview?{urlencode(picked)}").text
    Asset.update(name="board").where(Asset.id == general.id).execute()
    answers = [owner.get(f"{here}/{step}?{urlencode(picked)}") for step in ("new", "preview")]
    answers.append(owner.post(here, **previewed))
    for answer in answers:
        assert answer.status_code == 422 and RENAMED in answer.text and 'value="member" selected' in answer.text
        assert "board" in answer.text, "what was chosen is still there, under its new name"
    previewed = opened("preview")
    DirectoryGroup.update(name="Board").execute()
    assert RENAMED in owner.post(here, **previewed).text
    previewed = opened("preview")
    Asset.update(state="gone").where(Asset.id == general.id).execute()
    answer = owner.post(here, **previewed)
    assert answer.status_code == 422 and "no longer in Chat. Nothing was saved" in answer.text
    assert not GroupRule.select().exists()
    Asset.update(state="present").where(Asset.id == general.id).execute()
    assert owner.post(here, **previewed).status_code == 303 and GroupRule.get().group_name.startswith("Board of")


def test_a_mail_server_that_was_just_entered_is_kept(owner: Client) -> None:
    form = {"seen": seen_of("mail-server", owner.get("/settings").text), "host": "127.0.0.1", "port": "1"}
    kept = {"host": "smtp.acme.example", "port": 587, "encryption": "starttls", "user": "", "sender": "a@acme.example"}
    set_setting(mail_server.KEPT_AS, kept | {"password": "", "private_network_approver": None})
    answer = owner.send("PUT", "/settings/mail-server", **form)
    assert answer.status_code == 422 and CHANGED in answer.text and 'value="smtp.acme.example"' in answer.text
    answer = owner.send("PUT", "/settings/mail-server", **form | {"seen": seen_of("mail-server", answer.text)})
    assert CHANGED not in answer.text, "it is tried now"
    assert mail_server.entered().host == "smtp.acme.example"


def test_the_settings_of_a_connection_are_kept(owner: Client, chat) -> None:
    directory = Directory.create(kind="ldap", name="Staff", settings={"address": "ldaps://ldap.acme.example"})
    for here, table in ((f"/apps/{chat.app.id}", App), (f"/directories/{directory.id}", Directory)):
        form = {"seen": seen(owner.get(f"{here}/credential").text)}
        settings = table.get().settings | {"address": "https://new.acme.example"}
        table.update(settings=settings).execute()
        answer = owner.send("PUT", f"{here}/credential", **form)
        assert answer.status_code == 422 and CHANGED in answer.text and seen(answer.text) != form["seen"]
        assert table.get().settings == settings


def test_the_domain_of_user_names_is_kept(owner: Client, chat) -> None:
    here = f"/apps/{chat.app.id}/members/rules"
    form = {"seen": seen(owner.get(here).text), "domain": ""}
    match_rules.set_domain(chat.app, "acme.example", chat.by)
    answer = owner.send("PUT", here, **form)
    assert answer.status_code == 422 and CHANGED in answer.text
    assert App.get().match_domain == "acme.example"
    assert owner.send("PUT", here, **form | {"seen": seen(answer.text)}).status_code == 303
    assert App.get().match_domain is None


def test_a_connection_that_someone_replaced_during_the_test_is_kept(owner: Client, chat, scripted, monkeypatch) -> None:
    of_app, directory, answered = App.get().settings, scripted().directory, chat.store.page
    monkeypatch.setattr(chat.store, "page", lambda *asked: replaced(App, "settings") or answered(*asked))
    monkeypatch.setattr(ScriptedDirectory, "test", lambda _: replaced(Directory, "credential") or Identity("script"))
    kept = {"settings": {"base_url": "https://new.acme.example"}, "credential": vault.seal({"token": "new"})}

    def replaced(table: type, column: str) -> None:
        with writing():
            table.update({column: kept[column]}).execute()

    answer = owner.send("PUT", f"/apps/{chat.app.id}/credential", **of_app, token=chat.token)
    assert answer.status_code == 422 and OVERTAKEN in answer.text and 'value="https://new.acme.example"' in answer.text
    answer = owner.send("PUT", f"/directories/{directory.id}/credential")
    assert answer.status_code == 422 and OVERTAKEN in answer.text
    assert (App.get().settings, Directory.get().credential) == tuple(kept.values())
    monkeypatch.setattr(ScriptedDirectory, "test", lambda _: Directory.delete().execute() and Identity("script"))
    answer = owner.send("PUT", f"/directories/{directory.id}/credential", htmx=True)
    assert answer.status_code == 404 and "This no longer exists" in answer.headers["HX-Trigger"]
    assert answer.headers["HX-Reswap"] == "none", "the form keeps what was entered"


@pytest.mark.parametrize("table, column", [(App, "credential"), (Directory, "settings")])
def test_a_change_of_either_part_of_a_connection_is_noticed(chat, scripted, table, column) -> None:
    app, directory = App.get(), scripted().directory
    kept = {**directory.settings, "new": "1"} if column == "settings" else vault.seal({"token": "new"})
    table.update({column: kept}).execute()  # after the row was read, before it is written
    with pytest.raises(Overtaken):
        apps.replace_credential(app, {}, chat.by) if table is App else directories.reconnect(directory, {}, chat.by)
    assert getattr(table.get(), column) == kept


def test_a_mail_server_that_someone_entered_during_the_test_is_kept(owner: Client) -> None:
    kept = {"host": "smtp.acme.example", "port": 587, "encryption": "starttls", "user": "", "sender": "a@acme.example",
            "password": "", "private_network_approver": None}  # fmt: skip
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = str(door.getsockname()[1])
        talk = threading.Thread(target=_greets, args=(door, lambda: set_setting(mail_server.KEPT_AS, kept)))
        talk.start()
        answer = owner.send("PUT", "/settings/mail-server", host="127.0.0.1", port=port, encryption="none",
                            sender="b@acme.example")  # fmt: skip
        talk.join()
    assert answer.status_code == 422 and OVERTAKEN in answer.text and 'value="smtp.acme.example"' in answer.text
    assert mail_server.entered().host == "smtp.acme.example"


def _greets(door: socket.socket, before) -> None:
    talk, _ = door.accept()
    with talk, talk.makefile("rw", newline="\r\n") as lines:
        before()
        lines.write("220 here\n")
        lines.flush()
        for line in lines:
            lines.write("221 bye\n" if line.upper().startswith("QUIT") else "250 here\n")
            lines.flush()


def test_a_provider_that_someone_set_up_during_the_test_is_kept(owner: Client) -> None:
    provider = FakeProvider()
    described = provider.described
    provider.described = lambda: set_setting(oidc.KEPT_AS, {"issuer": "https://login.acme.example"}) or described()
    try:
        answer = owner.send("PUT", "/settings/sign-in", issuer=provider.issuer, client_id=CLIENT, client_secret=SECRET,
                            scopes="openid email", label="Mine")  # fmt: skip
    finally:
        provider.stop()
    assert answer.status_code == 422 and OVERTAKEN in answer.text
    assert 'value="https://login.acme.example"' in answer.text and provider.issuer not in answer.text
    assert oidc.settings().issuer == "https://login.acme.example"
