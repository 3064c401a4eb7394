"""Real apps of other makers, each connected by one YAML file, through the whole main job."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import connectors
from connectors.base import GRANT, INVITE, Connector, CredentialRejected, Refused, TemporarilyUnavailable
from connectors.rest.connector import connector_of
from connectors.rest.file import load
from sync.apps import apps
from sync.checks import checks
from sync.config import Config
from sync.jobs import asking, queue
from sync.models import Account, App, Check, Person
from sync.people import people
from sync.reports import reports
from tests.real.rest_apps import REAL_APPS, RealApp

FILES = Path(__file__).resolve().parents[2] / "docs" / "connectors"
MANY = 120  # more than a page


@pytest.fixture(scope="module", params=sorted(REAL_APPS))
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealApp]:
    """One of the apps with a few people in it, for the tests of this file."""
    app = REAL_APPS[request.param](tmp_path_factory.mktemp(request.param))
    app.start()
    yield app
    app.stop()


@pytest.fixture
def connector(real: RealApp) -> Iterator[Connector]:
    connector = connector_of(load(FILES / f"{real.name}.yaml"))(real.settings)
    yield connector
    connector.close()


@pytest.fixture
def taken_up(real: RealApp, config: Config) -> Iterator[None]:
    """The app's file is where an installation finds it when it is opened."""
    folder = config.home / "connectors"
    folder.mkdir(parents=True)
    shutil.copy(FILES / f"{real.name}.yaml", folder)
    yield
    connectors.load_folder(folder / "nothing here")


def test_the_main_job_from_connecting_to_gone_in_the_app(real: RealApp, taken_up: None, olga: Person, by: str):
    emails = [f"{real.name}-{number}@acme.example.com" for number in range(4)]
    real.add(emails)
    persons = [people.add(email.partition("@")[0], email, by) for email in emails]
    app = apps.connect(real.name, "The app", real.settings, [olga], by)
    first = check(app, by)
    assert (first.state, first.error) == ("succeeded", None)
    assert Account.select().where(Account.match_kind == "matched", Account.app == app).count() == 4

    people.mark_left(persons[2], by)
    second = check(app, by)
    assert (second.state, second.waiting, second.report.state) == ("succeeded", 1, "open")
    assert emails[2] in real.emails()

    done = reports.finish(second.report, by, version=second.report.version)
    queue.drain()
    [task] = [type(task).get_by_id(task.id) for task in done.tasks]
    assert (task.state, task.error) == ("done", None)
    assert emails[2] not in real.emails() and set(emails) - real.emails() == {emails[2]}

    third = check(app, by)
    assert (third.state, third.waiting) == ("succeeded", 0)
    assert reports.open_report(app) is None


def check(app: App, by: str) -> Check:
    asked = asking.ask(app, by)
    checks.run(asked.id)
    return Check.get_by_id(asked.id)


def test_everyone_is_read_whatever_the_number_of_pages(real: RealApp, connector: Connector):
    many = [f"many-{real.name}-{number}@acme.example.com" for number in range(MANY)]
    real.add(many)
    accounts = list(connector.accounts())
    assert set(many) <= {account.email for account in accounts} and len(accounts) > MANY
    assert {account.id for account in accounts} >= {connector.account(accounts[-1].id).id}
    roles = {role.id: role for role in connector.roles()}
    assert {account.role for account in accounts if account.status == "active"} <= set(roles)
    assert any(roles[account.role].privileged for account in accounts)


def test_the_second_look_and_a_removal_twice(real: RealApp, connector: Connector):
    real.add([f"leaver-{real.name}@acme.example.com"])
    leaver = next(one for one in connector.accounts() if one.email == f"leaver-{real.name}@acme.example.com")
    assert connector.account(leaver.id) == leaver
    for _ in range(2):
        connector.remove(leaver)
    left = connector.account(leaver.id)
    assert left.status == "suspended" if connector.removal_suspends else left is None
    assert leaver.email not in real.emails()


def test_a_wrong_credential_and_a_wrong_address_are_reported(real: RealApp, connector: Connector):
    who = connector.test()
    assert who.name and not who.missing
    secret = next(field.name for field in connector.fields if field.secret)
    nowhere = {"base_url": f"{real.url}/nowhere"}  # answered in the app's own words, or by its website
    for change, problem in (({secret: "wrong"}, CredentialRejected), (nowhere, (Refused, TemporarilyUnavailable))):
        with pytest.raises(problem) as raised:
            type(connector)({**real.settings, **change}).test()
        assert real.settings[secret] not in str(raised.value)
        assert change is not nowhere or "address" in str(raised.value)


def test_invitations_and_access_are_acts_in_the_app(real: RealApp, connector: Connector):
    if INVITE not in connector.capabilities:
        assert real.name == "synapse" and GRANT not in connector.capabilities
        return
    role = getattr(real, "role", "")
    for _ in range(2):
        connector.invite(f"guest-{real.name}@acme.example.com", role)
    guests = [one for one in connector.accounts() if one.email == f"guest-{real.name}@acme.example.com"]
    assert len(guests) == 1
    if real.name == "jupyterhub":
        real.ask("POST", "/hub/api/groups/team")
        [team] = connector.assets()
        for _ in range(2):
            connector.grant(guests[0], team, "")
        assert [(one.account, one.asset) for one in connector.access()] == [(guests[0].id, "team")]
        for _ in range(2):
            connector.revoke(guests[0], team)
        assert list(connector.access()) == []
