"""`make demo` up to the point where the newcomer clicks: everything is connected, checked once, and the story waits."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from demo.run import MARK, Demo, DemoProblem, demo, running
from sync.apps import apps
from sync.db import connected
from sync.jobs import asking, queue
from sync.models import Account, App, Change, Check, Person
from sync.reports import reports
from sync.safety import sole_managers
from sync.sign_in import sign_in
from tests import database
from tests.asking import MACHINE
from tests.blank import environ_of
from tests.parts import free_port


@pytest.fixture
def listen():
    return f"127.0.0.1:{free_port()}"


@contextmanager
def found_there(home: Path, template: str | None = None) -> Iterator[None]:
    """On a server, the demo of this folder has a database of its own in this block."""
    if not database.on_server():
        yield
        return
    database.make(home, template)
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("ROLLCALL_DATABASE", environ_of(home)["ROLLCALL_DATABASE"])
        yield
    database.drop(home)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "demo"
    with found_there(home):
        yield home


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that was started once."""
    home = tmp_path_factory.mktemp("first") / "demo"
    with found_there(home):
        with running(home, f"127.0.0.1:{free_port()}") as first:
            pass
        yield first


@pytest.fixture(scope="module")
def template(first: Demo) -> str | None:
    """Of its database, if that is on a server."""
    return database.keep(first.config.home) if database.on_server() else None


@pytest.fixture
def started_before(tmp_path: Path, first: Demo, template: str | None) -> Iterator[Path]:
    """Its folder is a copy of that of the first."""
    home = shutil.copytree(first.config.home, tmp_path / "demo")
    with found_there(home, template):
        yield home


def check(name: str) -> Check:
    asked = asking.ask(App.get(App.name == name), "Olga")
    queue.drain(("check",))
    return Check.get_by_id(asked.id)


def changes(kind: str) -> dict[str, Change]:
    found = Change.select().where(Change.kind == kind, Change.report.is_null(False))
    return {change.account.email: change for change in found}


def test_the_link_signs_the_owner_in_and_everything_is_served(home, listen):
    with running(home, listen) as ready:
        assert ready.link.startswith(f"http://{listen}/sign-in/")
        for url, title in (
            (ready.chat_url, "Acme Chat"), (ready.ads_url, "Acme Ads"), (ready.company_url, "Acme people"),
        ):  # fmt: skip
            assert title in requests.get(url, timeout=60).text
        with connected():
            olga = sign_in.person_of_link(ready.link.rpartition("/")[2])
            assert (olga.name, olga.workspace_role) == ("Olga Brandt", "owner")
            assert {app.name: app.category for app in App.select()} == {
                "Acme Chat": "Seat-based", "Acme Ads": "Paid social",
            }  # fmt: skip
            assert [check.state for check in Check.select()] == ["succeeded", "succeeded"]
            assert Person.select().where(Person.status == "active").count() == 25
            assert [app.guests for app in App.select().order_by(App.name)] == [1, 0]
            assert Account.get(Account.email == "kim@freelance.example").match_kind == "unmatched"
            assert reports.open_report(App.get(App.name == "Acme Chat")) is None


def test_the_next_check_finds_the_story(started_before, listen):
    with running(started_before, listen), connected():
        chat = check("Acme Chat")
        assert (chat.state, chat.error, chat.warning) == ("succeeded", None, None)
        assert set(changes("new user")) >= {"mira@acme.example", "yusuf@acme.example"}
        assert changes("updated role")["leo@acme.example"].after == "Member"
        removals = changes("removed user")
        assert {email for email, change in removals.items() if not change.protection_reason} == {
            "jana@acme.example", "tom@acme.example",
        }  # fmt: skip
        assert "last Owner" in removals["pavel@acme.example"].protection_reason
        assert check("Acme Ads").counts["new_users"] == 1
        tom = Account.get(Account.email == "tom@acme.example", Account.app == App.get(App.name == "Acme Ads"))
        assert [asset.name for asset in sole_managers.sole_assets([tom.id])[tom.id]] == ["Acme Spring Sale"]


def test_finishing_removes_the_accounts_in_the_app_itself(started_before, listen):
    with running(started_before, listen) as ready, connected():
        check("Acme Chat")
        report = reports.open_report(App.get(App.name == "Acme Chat"))
        removable = [change.account_id for change in report.changes if not change.protection_reason]
        alone = sole_managers.sole_assets(removable)
        nobody = {(account_id, asset.id): None for account_id, assets in alone.items() for asset in assets}
        assert nobody
        reports.finish(report, "Olga", hand_overs=nobody)
        queue.drain(("task",))
        page = requests.get(ready.chat_url, timeout=60).text
        assert "jana@acme.example</span>" not in page and "tom@acme.example</span>" not in page
        assert "pavel@acme.example</span>" in page and "ines@acme.example</span>" in page


def test_it_continues_where_it_was_on_the_same_addresses(first, started_before, listen):
    with running(started_before, listen) as second, connected():
        assert (second.chat_url, second.ads_url, second.company_url) == (
            first.chat_url, first.ads_url, first.company_url,
        )  # fmt: skip
        assert second.link != first.link and second.password == first.password
        assert sign_in.authenticate("olga@acme.example", second.password), "some approvals ask for it 15 minutes later"
        assert Check.select().count() == App.select().count() == 2


def test_a_sample_app_whose_port_was_taken_in_the_meantime_is_found_again(first, started_before, listen):
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the tests before have used it
        squatter.bind(("127.0.0.1", int(first.chat_url.rpartition(":")[2])))
        squatter.listen()
        with running(started_before, listen) as second, connected():
            assert second.chat_url != first.chat_url
            assert check("Acme Chat").state == "succeeded"


@database.ON_FILE  # a database on a server is never emptied
def test_reset_begins_again(started_before, listen):
    with running(started_before, listen), connected():
        apps.rename(App.get(App.name == "Acme Chat"), "Renamed", MACHINE)
    with running(started_before, listen, reset=True), connected():
        assert {app.name for app in App.select()} == {"Acme Chat", "Acme Ads"}


@database.ON_FILE  # nor begun again
def test_a_start_that_was_interrupted_is_begun_again(home, listen, monkeypatch):
    monkeypatch.setattr("demo.run.let_time_pass", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt), running(home, listen):
        pass
    monkeypatch.undo()
    with running(home, listen), connected():
        assert check("Acme Chat").waiting == 2


@pytest.mark.parametrize("mark", ["", "null", "[1]", '{"told": tru'])
def test_a_damaged_note_is_no_obstacle(home, listen, mark):
    home.mkdir()
    (home / MARK).write_text(mark)
    with running(home, listen):
        assert json.loads((home / MARK).read_text())["told"]


def test_a_folder_of_someone_elses_is_left_alone(home, listen):
    home.mkdir()
    (home / "thesis.txt").write_text("mine")
    for reset in (False,) if database.on_server() else (False, True):
        with pytest.raises(DemoProblem, match="don't belong to a demo"), running(home, listen, reset):
            pass
    assert [path.name for path in home.iterdir()] == ["thesis.txt"]


def test_an_address_in_use_is_reported_before_anything_is_touched(home):
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        address = f"127.0.0.1:{squatter.getsockname()[1]}"
        with pytest.raises(DemoProblem, match="ROLLCALL_LISTEN"), running(home, address):
            pass
    assert not home.exists()


def test_demo_prints_where_everything_is_once_it_is_served(home, listen, capsys):
    served = []

    def serve(config, welcome):
        served.append(config.home)
        assert not capsys.readouterr().out, "the link leads nowhere yet"
        welcome()

    demo(home, listen, open_browser=False, serve=serve)
    output = capsys.readouterr().out
    assert f"http://{listen}/sign-in/" in output and "Acme people" in output
    assert json.loads((home / MARK).read_text())["password"] in output and (home / MARK).stat().st_mode & 0o777 == 0o600
    assert served == [home]
