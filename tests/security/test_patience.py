"""A server that keeps its answer back takes a few threads: the others make pages, and wait for other servers."""

from __future__ import annotations

from contextlib import ExitStack

from flask import Flask

from cli import pages
from sync.models import Person
from tests.web.client import Client
from web import patience

WAIT = {
    "app_settings.set_credential", "app_settings.create_test", "connect.test", "connect.test_new",
    "directories.create_test", "directories.create", "directories.set_credential", "directory_rules.update",
    "oidc_settings.update", "oidc_settings.create_test", "mail_server.update", "mail_server.create_test_mail",
}  # fmt: skip


def test_requests_that_wait_for_a_server_leave_threads(site: Flask) -> None:
    assert {name for name, view in site.view_functions.items() if hasattr(view, "waits_for_a_server")} == WAIT
    assert patience.OF_PERSON < patience.AT_ONCE <= pages.THREADS // 2


def test_one_person_waits_for_few_servers_and_keeps_nobody_else_from_it(site, owner: Client, olga: Person, chat,
                                                                        someone) -> None:
    test = f"/apps/{chat.app.id}/tests"
    other = Client(site, someone(role="super admin"))
    with ExitStack() as waiting:
        for _ in range(patience.OF_PERSON):
            waiting.enter_context(patience.place(olga.id))
        for address in (test, "/apps/new/figma"):
            answer = owner.send("POST", address)
            assert answer.status_code == 429 and "Nothing was changed" in answer.text
        assert owner.get("/apps").status_code == 200
        assert other.send("POST", test).status_code == 200
        for person_id in range(1000, 1000 + patience.AT_ONCE - patience.OF_PERSON):
            waiting.enter_context(patience.place(person_id))
        assert other.send("POST", test).status_code == 429
    assert owner.send("POST", test).status_code == 200
    assert not patience._waiting
