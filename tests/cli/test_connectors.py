"""`connectors check FILE`: what is wrong with a file of one's own, and what was understood of the app."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.connectors.fake import Seat, Thing
from tests.connectors.fake_desk import FakeDesk

DESK = Path(__file__).resolve().parents[1] / "connectors" / "desk.yaml"


@pytest.fixture
def desk():
    app = FakeDesk()
    app.seats = [Seat(f"id-{n}", f"p{n}@acme.example", f"Person {n}", role="member") for n in range(120)]
    app.seats[0].role, app.seats[1].role = "owner", "emperor"
    app.things = [Thing("t", "Team", members={"id-0": "lead", "stranger": "member"})]
    app.start()
    yield app
    app.stop()


@pytest.fixture
def token(tmp_path):
    file = tmp_path / "token"
    file.write_text(FakeDesk.token)
    return f"token=@{file}"


def test_without_a_credential_the_file_alone_is_looked_at(empty):
    told = empty.run("connectors", "check", str(DESK)).out
    assert "is right: Desk (desk)" in told and "add --set base_url=… --set token=…" in told
    assert empty.json("connectors", "check", str(DESK))["capabilities"][0] == "look up"
    assert not empty.home.exists()


def test_what_is_wrong_is_told_with_its_line(empty, tmp_path):
    file = tmp_path / "desk.yaml"
    file.write_text(DESK.read_text().replace("label: Desk", "lable: Desk"))
    told = empty.run("connectors", "check", str(file), code=1).err
    assert "desk.yaml, line 4: “lable” is not known in the file: did you mean “label”?" in told
    assert "can't be read" in empty.run("connectors", "check", str(tmp_path / "none.yaml"), code=1).err


def test_the_app_is_read_for_real_and_nothing_is_changed(empty, desk, token):
    found = empty.json("connectors", "check", str(DESK), "--set", f"base_url={desk.url}", "--set", token)
    assert found["counts"] == {"accounts": 120, "roles": 3, "assets": 1, "access": 2}
    assert found["identity"]["name"] == "The token of Olga" and len(found["first"]["accounts"]) == 5
    warnings = " ".join(found["warnings"])
    for word in ("emperor", "every account is active", "identity.id", "1 of the access entries are of an account"):
        assert word in warnings
    assert {request.method for request in desk.requests} == {"GET"}
    told = empty.run("connectors", "check", str(DESK), "--set", f"base_url={desk.url}", "--set", token).out
    assert "Accounts: 120, the first:" in told and "p0@acme.example" in told and "Nothing was changed." in told
    assert not empty.home.exists() and desk.token not in told


def test_a_refused_credential_ends_it(empty, desk):
    values = ("--set", f"base_url={desk.url}", "--set", "token=wrong")
    assert "rejects the credential" in empty.run("connectors", "check", str(DESK), *values, code=1).err


def test_files_of_ones_own_are_in_the_catalogue_and_a_broken_one_is_told(empty):
    folder = empty.home / "connectors"
    folder.mkdir(parents=True)
    (folder / "desk.yaml").write_text(DESK.read_text())
    (folder / "broken.yaml").write_text("rollcall: 1\n")
    assert "desk" in {kind["slug"] for kind in empty.json("connectors")["connectors"]}
    assert "broken.yaml, line 1" in empty.run("connectors").err
    assert "Make a token in Desk." in empty.run("connectors", "desk").out
