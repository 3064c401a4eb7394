"""Sample data from the page: loaded into a workspace without anything real, and removed again with nothing left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

import connectors
from connectors.base import Refused
from demo import sample
from demo.sample import SampleApps
from sync import activity, sample_data
from sync.db import connected, db
from sync.directory import directories, push
from sync.jobs import asking, queue
from sync.models import Account, App, Asset, Change, Check, Directory, Mail, Person, Report, Task
from sync.people import importing, people
from sync.rank import Asker
from sync.sample_data import SampleProblem
from sync.sign_in import sign_in
from tests import database
from tests.asking import MACHINE
from tests.web.client import Client
from tests.web.conftest import site  # noqa: F401


@pytest.fixture
def ada(home: Path) -> Person:
    return sign_in.set_up("Beta", "ada@beta.example", "Ada Berg", "correct horse battery", MACHINE)


@pytest.fixture
def runner(site, home: Path) -> Iterator[SampleApps]:  # noqa: F811
    runner = site.config["SAMPLE"] = SampleApps(home)
    yield runner
    runner.stop()


@pytest.fixture
def owner(site, ada: Person, runner: SampleApps) -> Client:  # noqa: F811
    return Client(site, ada)


def _references_hold() -> bool:
    """A server sees to it at each statement."""
    return database.on_server() or db.execute_sql("PRAGMA foreign_key_check").fetchall() == []


def _nothing_left(ada: Person) -> None:
    assert [person.id for person in Person.select()] == [ada.id]
    for model in (Account, Asset, Change, Task, Directory):
        assert not model.select().exists(), model.__name__
    assert not App.select().where(App.state != "disconnected").exists()
    assert sample_data.loaded() is None and activity.verify().ok
    assert _references_hold()


def test_one_click_loads_it_and_one_click_removes_all_of_it(owner: Client, ada: Person, runner, home: Path):
    assert "Try it with sample data" in owner.get("/apps").text
    owner.post("/sample")
    page = owner.get("/apps").text
    assert "Acme Chat (sample)" in page and "This is sample data" in page
    assert "This is sample data" in owner.get("/people").text
    assert Person.select().count() > 20 and "Remove the sample data" in page
    app = App.get(App.name == "Acme Chat (sample)")
    asking.ask(app, MACHINE, "hand")
    queue.drain(("check",))
    report = Report.get(Report.app == app, Report.state == "open")
    left = Change.select().where(Change.report == report, Change.kind == "removed user").count()
    assert left, "people who have left are reported"
    owner.post(f"/reports/{report.id}/application")
    queue.drain()
    colleague = people.add("Cy Olsen", "cy@beta.example", Asker.person(ada), workspace_role="admin")
    removed = owner.send("DELETE", "/sample")
    assert removed.location == "/apps", removed.text
    people.set_workspace_role(colleague, None, Asker.person(ada))
    assert {person.name for person in Person.select()} == {"Ada Berg", "Cy Olsen"}, "a colleague is real"
    for address in ("/apps", "/people", "/reports", "/directories"):
        assert "Jana" not in owner.get(address).text and "(sample)" not in owner.get(address).text
    assert [store._idle for store in runner._stores] == [[], []], "no removed file is still open"
    assert not (home / "sample").exists() and not Account.select().exists() and not Change.select().exists()
    assert activity.verify().ok and _references_hold()
    assert not Mail.select().where(Mail.app.is_null(False)).exists()


def test_a_double_click_loads_it_once_and_removes_it_once(owner: Client, ada: Person):
    owner.post("/sample")
    owner.post("/sample")
    assert App.select().count() == 2 and Directory.select().count() == 1
    owner.send("DELETE", "/sample")
    owner.send("DELETE", "/sample")
    _nothing_left(ada)
    owner.post("/sample")
    assert App.select().where(App.state == "active").count() == 2, "it can be loaded again"


def test_someone_who_asks_for_it_while_it_is_loaded_waits_until_it_is_complete(runner: SampleApps, ada, monkeypatch):
    reached, may_end, found, pass_time = Event(), Event(), [], sample.let_time_pass

    def end_later(*stores) -> None:
        reached.set()
        assert may_end.wait(60)
        pass_time(*stores)

    def ask() -> None:
        with connected():
            found.append((runner.load(ada), sample_data.loaded().complete))

    monkeypatch.setattr(sample, "let_time_pass", end_later)
    clicks = [Thread(target=ask), Thread(target=ask)]
    clicks[0].start()
    assert reached.wait(60)
    clicks[1].start()
    clicks[1].join(0.2)  # it would end now if it didn't wait
    may_end.set()
    for click in clicks:
        click.join(60)
    assert sorted(found) == [(False, True), (True, True)], "one has loaded it, and both see it complete"


def test_a_real_workspace_is_not_offered_it(owner: Client, ada: Person, runner: SampleApps):
    people.add("Real Person", "real@beta.example", Asker.person(ada))
    assert "Try it with sample data" not in owner.get("/apps").text
    owner.post("/sample")
    assert Person.select().count() == 2 and not App.select().exists() and sample_data.loaded() is None
    with pytest.raises(SampleProblem):
        runner.load(ada)


def test_an_owner_at_the_domain_of_the_sample_is_not_offered_it(site, runner: SampleApps, olga: Person):  # noqa: F811
    assert "Try it with sample data" not in Client(site, olga).get("/apps").text


def test_nothing_real_is_connected_beside_it(owner: Client, ada: Person):
    owner.post("/sample")
    by = Asker.person(ada)
    for real in (
        lambda: directories.connect("csv", "Staff", {"file": "/x.csv"}, by), lambda: push.connect("Okta", by),
        lambda: importing.import_csv(b"email\nx@beta.example\n", by),
    ):
        with pytest.raises(SampleProblem):
            real()
    for refused in (owner.get("/apps/new/slack"), owner.post("/apps/new/slack", app_name="Slack")):
        assert refused.status_code == 409 and "Remove the sample data first" in refused.text
    assert not Person.select().where(Person.name == "").exists()


def test_it_is_for_owners(site, owner: Client, ada: Person):  # noqa: F811
    owner.post("/sample")
    admin = people.add("Cy Olsen", "cy@beta.example", Asker.person(ada), workspace_role="super admin")
    theirs = Client(site, admin)
    assert "This is sample data" in theirs.get("/apps").text and "Remove the sample" not in theirs.get("/apps").text
    assert theirs.send("DELETE", "/sample").status_code == 403 and sample_data.loaded() is not None


def test_after_a_restart_the_apps_answer_again(owner: Client, ada: Person, runner: SampleApps, home: Path):
    owner.post("/sample")
    before = runner.addresses
    runner.stop()
    again = SampleApps(home)
    again.resume()
    try:
        assert again.addresses == before
        check = asking.ask(App.get(App.name == "Acme Ads (sample)"), MACHINE, "hand")
        queue.drain(("check",))
        assert Check.get_by_id(check.id).state == "succeeded"
    finally:
        again.stop()


def test_only_the_sample_apps_own_ports_are_open(owner: Client, runner: SampleApps):
    connectors.allow_networks(())  # tests may reach this machine otherwise
    owner.post("/sample")
    assert App.select().count() == 2
    port = next(iter(runner._ports().values()))
    assert connectors.network_addresses("127.0.0.1", port) == ["127.0.0.1"]
    for host, other in (("127.0.0.1", 1), ("localhost", port), ("127.0.0.2", port)):
        with pytest.raises(Refused):
            connectors.network_addresses(host, other)
    runner.stop()
    with pytest.raises(Refused):
        connectors.network_addresses("127.0.0.1", port)


def test_nothing_is_removed_while_a_check_runs(owner: Client, ada: Person):
    owner.post("/sample")
    check = asking.ask(App.select().first(), MACHINE, "hand")
    Check.update(state="running", lease_owner="other:1:x").where(Check.id == check.id).execute()
    before = Person.select().count()
    owner.send("DELETE", "/sample")
    assert Person.select().count() == before and sample_data.loaded() is not None
