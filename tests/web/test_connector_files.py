"""Connector files of one's own, as people meet them: in the catalogue, broken, and gone while an app needs one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import connectors
from sync.apps import apps
from sync.checks import checks
from sync.jobs import asking
from sync.models import Account, Check
from tests.connectors.fake import Seat
from tests.connectors.fake_desk import FakeDesk
from tests.web.client import Client

DESK = Path(__file__).resolve().parents[1] / "connectors" / "rest" / "desk.yaml"


@pytest.fixture
def folder(home: Path) -> Iterator[Path]:
    folder = home / "connectors"
    folder.mkdir()
    yield folder
    connectors.load_folder(folder / "nothing here")


@pytest.fixture
def desk() -> Iterator[FakeDesk]:
    desk = FakeDesk()
    desk.seats = [Seat("me", "olga@acme.example", "Olga Brandt", role="owner")]
    desk.start()
    yield desk
    desk.stop()


def test_a_file_is_in_the_catalogue_and_a_broken_one_is_reported_there(owner: Client, folder: Path) -> None:
    (folder / "desk.yaml").write_text(DESK.read_text())
    (folder / "broken.yaml").write_text("rollcall: 1\nlabel: <b>\n")
    connectors.load_folder(folder)
    page = owner.get("/apps/new").text
    assert 'href="/apps/new/desk?opened=' in page and "broken.yaml, line 1" in page and "<b>" not in page


SAYS = 'identity: {path: /me, name: "{name}", id: id}'


@pytest.mark.parametrize("identity", [SAYS, 'identity: {path: /me, name: "{name}"}'])
def test_a_file_that_does_not_say_who_acts_is_reported_where_it_is_connected_and_on_its_page(
    owner, folder, desk, olga, by, identity
) -> None:
    (folder / "desk.yaml").write_text(DESK.read_text().replace(SAYS, identity))
    connectors.load_folder(folder)
    connecting = owner.get("/apps/new/desk").text
    app = apps.connect("desk", "Desk", {"base_url": desk.url, "token": desk.token}, [olga], by)
    for page in (connecting, owner.get(f"/apps/{app.id}").text):
        assert ('class="banner banner-attention" id="own-account-unknown"' in page) == (identity != SAYS)
        assert ("desk.yaml doesn&#39;t say which account the credential belongs to" in page) == (identity != SAYS)


def test_an_app_whose_file_is_gone_says_so_and_is_unchanged(owner, folder, desk, olga, by) -> None:
    (folder / "desk.yaml").write_text(DESK.read_text())
    connectors.load_folder(folder)
    app = apps.connect("desk", "Desk", {"base_url": desk.url, "token": desk.token}, [olga], by)
    checks.run(asking.ask(app, by).id)
    (folder / "desk.yaml").write_text("rollcall: 1\n")
    connectors.load_folder(folder)
    asked = asking.ask(app, by)
    checks.run(asked.id)
    failed = Check.get_by_id(asked.id)
    assert failed.state == "failed" and "no connector 'desk'" in failed.error and "doctor" in failed.error
    assert Account.get(Account.app == app).state == "present"
    assert owner.get(f"/apps/{app.id}").status_code == 200
