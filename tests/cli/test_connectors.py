"""`connectors check FILE`: what is wrong with a file of one's own, and what was understood of the app."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.connectors.fake import Seat, Thing
from tests.connectors.fake_desk import FakeDesk

DESK = Path(__file__).resolve().parents[1] / "connectors" / "rest" / "desk.yaml"


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
    output = empty.run("connectors", "check", str(DESK)).out
    assert "is valid: Desk (desk)" in output and "add --set base_url=… --set token=…" in output
    assert empty.json("connectors", "check", str(DESK))["capabilities"][0] == "look up"
    assert not empty.home.exists()


def test_a_fault_is_reported_with_its_line(empty, tmp_path):
    file = tmp_path / "desk.yaml"
    file.write_text(DESK.read_text().replace("label: Desk", "lable: Desk"))
    output = empty.run("connectors", "check", str(file), code=1).err
    assert "desk.yaml, line 4: “lable” is not known in the file: did you mean “label”?" in output
    assert "can't be read" in empty.run("connectors", "check", str(tmp_path / "none.yaml"), code=1).err


def test_the_app_is_read_for_real_and_nothing_is_changed(empty, desk, token):
    found = empty.json("connectors", "check", str(DESK), "--set", f"base_url={desk.url}", "--set", token)
    assert found["counts"] == {"accounts": 120, "roles": 3, "assets": 1, "access": 2}
    assert found["identity"]["name"] == "The token of Olga" and len(found["first"]["accounts"]) == 5
    warnings = " ".join(found["warnings"])
    for word in ("emperor", "every account is active", "identity.id", "1 of the access entries belong to an account"):
        assert word in warnings
    assert {request.method for request in desk.requests} == {"GET"}
    output = empty.run("connectors", "check", str(DESK), "--set", f"base_url={desk.url}", "--set", token).out
    assert "Accounts: 120, the first:" in output and "p0@acme.example" in output and "Nothing was changed." in output
    assert not empty.home.exists() and desk.token not in output


def check(empty, desk, file: Path, token: str) -> tuple[dict, str]:
    """The result as JSON, and as text for a person."""
    values = ("connectors", "check", str(file), "--set", f"base_url={desk.url}", "--set", token)
    return empty.json(*values), empty.run(*values).out


def test_each_operation_is_shown_as_it_would_be_sent_and_none_is(empty, desk, token):
    desk.seats.append(Seat("invitation:5", "new@acme.example", status="invited", role="member"))
    found, output = check(empty, desk, DESK, token)
    shown = {(one["operation"], one["about"]): one["calls"] for one in found["operations"]}
    headers = {"Authorization": "•••"}
    assert shown["remove", "account id-0"] == [
        {"method": "DELETE", "address": f"{desk.url}/members/id-0", "headers": headers, "body": None}
    ]
    assert shown["remove", "account invitation:5"][0]["address"] == f"{desk.url}/invitations/5"
    assert shown["change_role", "account id-0 to admin"][0]["body"] == {"role": "admin"}
    grant = shown["grant", "account id-0 on project t as lead"][0]
    assert (grant["method"], grant["address"]) == ("PUT", f"{desk.url}/projects/t/members/id-0")
    assert shown["invite", "new.person@example.com as member"][0]["method"] == "POST"
    assert {operation for operation, _ in shown} == {"remove", "change_role", "grant", "revoke", "invite"}
    assert {request.method for request in desk.requests} == {"GET"}
    assert f"DELETE {desk.url}/members/id-0\n      Authorization: •••" in output and '{"role": "admin"}' in output
    assert desk.token not in output and desk.token not in str(found)


def test_an_operation_that_could_not_be_sent_is_shown_with_the_reason(empty, desk, token, tmp_path):
    file = tmp_path / "desk.yaml"
    remove = 'remove: {method: DELETE, path: "/members/{account.id}"}'
    assert remove in DESK.read_text()
    file.write_text(DESK.read_text().replace(remove, remove.replace("account.id", "account.seat")))
    found, output = check(empty, desk, file, token)
    [problem] = [one["problem"] for one in found["operations"] if one["problem"]]
    assert "in its path, “{account.seat}” is empty" in problem and f"It wouldn't be sent: {problem}" in output


def test_a_file_that_does_not_say_who_acts_is_reported_in_red(empty, desk, token, tmp_path):
    file = tmp_path / "desk.yaml"
    file.write_text("\n".join(line for line in DESK.read_text().splitlines() if not line.startswith("identity")))
    found, output = check(empty, desk, file, token)
    assert "desk.yaml doesn't say which account the credential belongs to" in found["warnings"][0]
    assert "Attention: desk.yaml doesn't say" in output
    assert "Attention: desk.yaml doesn't say" in empty.run("connectors", "check", str(file)).out, "without reading too"
    assert not [warning for warning in check(empty, desk, DESK, token)[0]["warnings"] if "doesn't say" in warning]


def test_a_list_that_is_open_to_all_is_reported(empty, desk, token):
    assert "without the credential" not in str(check(empty, desk, DESK, token)[0]["warnings"])
    trusted = desk.is_authorised
    desk.is_authorised = lambda request: request.path in ("/members", "/invitations") or trusted(request)
    found, output = check(empty, desk, DESK, token)
    assert "the list of accounts is also returned without the credential" in found["warnings"][0]
    assert "Attention: the list of accounts is also returned" in output


def test_a_refused_credential_ends_it(empty, desk):
    values = ("--set", f"base_url={desk.url}", "--set", "token=wrong")
    assert "rejects the credential" in empty.run("connectors", "check", str(DESK), *values, code=1).err


def test_files_of_ones_own_are_in_the_catalogue_and_a_broken_one_is_reported(empty):
    folder = empty.home / "connectors"
    folder.mkdir(parents=True)
    (folder / "desk.yaml").write_text(DESK.read_text())
    (folder / "broken.yaml").write_text("rollcall: 1\n")
    assert "desk" in {kind["slug"] for kind in empty.json("connectors")["connectors"]}
    assert "broken.yaml, line 1" in empty.run("connectors").err
    assert "Make a token in Desk." in empty.run("connectors", "desk").out


def test_a_key_that_is_missing_from_every_item_is_reported(empty, desk, token, tmp_path):
    file = tmp_path / "desk.yaml"
    file.write_text(DESK.read_text().replace("      role: role\n", "      role: {from: rank, default: member}\n"))
    output = [one.partition(" is missing from every item")[0] for one in check(empty, desk, file, token)[0]["warnings"]]
    assert "the key of role" in output


def test_the_catalogue_says_what_each_level_means(empty):
    output = empty.run("connectors").out
    assert "silver: verifies before each change and handles rate limits." in output and "own file" not in output


def test_an_app_is_shown_with_its_level_and_what_it_lacks(empty):
    output = empty.run("connectors", "slack").out
    assert "Level silver: " in output and "For gold, it lacks “every operation”: Slack's API invites" in output
    [slack] = empty.json("connectors", "slack")["connectors"]
    states = {rule["rule"]: (rule["tier"], rule["state"], bool(rule["reason"])) for rule in slack["rules"]}
    assert states["second look"] == ("silver", "done", False) and states["every operation"] == ("gold", "missing", True)
    [ldap] = empty.json("connectors", "ldap-group")["connectors"]
    assert "exempt" in {rule["state"] for rule in ldap["rules"]}


def test_your_own_file_keeps_no_rule_that_others_have_tested(empty):
    document = empty.json("connectors", "check", str(DESK))
    assert document["level"] == "own file" and {rule["state"] for rule in document["rules"]} == {"missing"}
