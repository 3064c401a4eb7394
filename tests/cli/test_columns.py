"""What columns mean, by the command line: asked, answered in a file, remembered, and asked again about what is new."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import OWNER, CommandLine

FILES = Path(__file__).resolve().parents[1] / "files"
HR = "Work Email,First Name,Last Name,Employment Status,Termination Date,Exit code\n"
ROWS = (
    "ana@acme.example,Ana,López,Active,,\nbo@acme.example,Bo,Nilsson,On Leave,,\n"
    "cy@acme.example,Cy,Roe,Terminated,2026-10-31,7\n"
)
EXPORT = "email,Active,Org role\nolga@acme.example,yes,Chief\nana@acme.example,no,Member\n"


def answered(file: Path, **parts: dict) -> None:
    """Edit the mapping as a person does."""
    document = json.loads(file.read_text())
    for part, values in parts.items():
        for name, value in values.items():
            known = document[part].get(name)
            document[part][name] = {**known, **value} if isinstance(value, dict) and known else value
    file.write_text(json.dumps(document))


def test_a_directory_is_connected_with_a_mapping_and_reads_by_it(rollcall: CommandLine):
    file, mapping = rollcall.folder / "staff.csv", rollcall.folder / "mapping.json"
    file.write_text(HR + ROWS)
    add = ("directory", "add", "csv", "--name", "HR", "--set", "file=staff.csv")
    refused = rollcall.run(*add, code=1)
    assert "Exit code" in refused.err and "`columns`" in refused.err
    assert rollcall.json("directory", "list") == {"directories": []}

    found = rollcall.json("columns", "staff.csv", "--write", "mapping.json")
    assert not found["may_be_applied"] and found["unread"] == ["Exit code"]
    assert [one["answer_in"] for one in found["questions"]] == [
        "columns → Exit code", "values → Employment Status → On Leave"]
    assert json.loads(mapping.read_text())["columns"]["Termination Date"] == "last_day"
    answered(mapping, columns={"Exit code": "ignore"}, values={"Employment Status": {"On Leave": "suspended"}})
    assert rollcall.json("columns", "staff.csv", "--mapping", "mapping.json")["may_be_applied"]

    connected = rollcall.run(*add, "--mapping", "mapping.json", "--json")
    assert connected.document["people"] == 3 and "Columns that were not read: Exit code." in connected.err
    assert "Columns that were not read: Exit code." in rollcall.run("directory", "sync", "HR", "--dry-run").err
    assert _statuses(rollcall) == {
        "ana@acme.example": "active", "bo@acme.example": "suspended", "cy@acme.example": "deprovisioned"}

    file.write_text(HR.replace("Exit code", "Exit code,State of play") + ROWS.replace("\n", ",x\n"))
    failed = rollcall.run("directory", "sync", "HR", code=1)
    assert "State of play" in failed.err and "Nobody's status was changed" in failed.err
    rollcall.run("directory", "columns", "HR", "--write", "next.json")
    answered(rollcall.folder / "next.json", columns={"State of play": "ignore"})
    assert rollcall.json("directory", "columns", "HR", "--mapping", "next.json")["may_be_applied"]
    rollcall.run("directory", "sync", "HR")


def _statuses(rollcall: CommandLine) -> dict[str, str]:
    with rollcall.core():
        from sync.models import DirectoryEntry

        return {entry.email: entry.status for entry in DirectoryEntry.select()}


def test_an_app_is_connected_with_a_mapping(rollcall: CommandLine):
    (rollcall.folder / "export.csv").write_text(EXPORT)
    found = rollcall.json("columns", "export.csv", "--for", "app", "--write", "mapping.json")
    assert [one["question"] for one in found["questions"]][0].startswith("The column Org role has the role “Chief”")
    connect = ("apps", "connect", "csv", "--name", "Drawing", "--owner", OWNER, "--set", "app=Miro", "--set",
               "source=path", "--set", "path=export.csv")  # fmt: skip
    assert "Chief" in rollcall.run(*connect, code=1).err
    answered(rollcall.folder / "mapping.json", values={"Org role": {"Chief": "privileged"}})
    assert rollcall.json(*connect, "--mapping", "mapping.json")["connector"] == "csv_export"
    assert rollcall.json("check", "Drawing")["state"] == "succeeded"
    assert rollcall.json("apps", "columns", "Drawing")["may_be_applied"]
    (rollcall.folder / "export.csv").write_text(EXPORT.replace(",no,", ",maybe,"))
    assert "maybe" in rollcall.run("check", "Drawing", code=1).err


def test_people_are_imported_with_a_mapping_that_is_remembered(rollcall: CommandLine):
    (rollcall.folder / "people.csv").write_text(HR + ROWS)
    assert "Exit code" in rollcall.run("people", "import", "people.csv", code=1).err
    rollcall.run("columns", "people.csv", "--for", "import", "--write", "mapping.json")
    answered(rollcall.folder / "mapping.json", columns={"Exit code": "ignore"},
             values={"Employment Status": {"On Leave": "active"}})  # fmt: skip
    shown = rollcall.run("people", "import", "people.csv", "--mapping", "mapping.json", "--json")
    assert shown.document == {"added": 3, "updated": 0, "unchanged": 0, "unread": ["Exit code"]}
    assert "Columns that were not read: Exit code." in shown.err
    assert rollcall.json("people", "import", "people.csv")["unchanged"] == 3


def test_a_spreadsheet_of_a_known_program(rollcall: CommandLine):
    found = rollcall.json("columns", str(FILES / "workday-workers.xlsx"))
    assert (found["recognised"], found["rows"], found["header_line"]) == ("Workday", 4, 4)
    output = rollcall.run("columns", str(FILES / "slack-members.csv"), "--for", "app").out
    assert "It looks like Slack, member list." in output and "It can be used as it is." in output


def test_the_faults_of_a_mapping_are_shown(rollcall: CommandLine):
    (rollcall.folder / "staff.csv").write_text("email\nana@acme.example\n")
    (rollcall.folder / "mapping.json").write_text('{"version": 1, "columns": {"email": "mailbox"}}')
    for command in (("columns", "staff.csv"), ("people", "import", "staff.csv"),
                    ("directory", "add", "csv", "--name", "HR", "--set", "file=staff.csv")):  # fmt: skip
        assert "'mailbox'" in rollcall.run(*command, "--mapping", "mapping.json", code=1).err
    assert "can't be read" in rollcall.run("columns", "staff.csv", "--mapping", "nowhere.json", code=2).err
    rollcall.run("directory", "add", "csv", "--name", "HR", "--set", "file=staff.csv")
    assert "'mailbox'" in rollcall.run("directory", "columns", "HR", "--mapping", "mapping.json", code=1).err
    refused = rollcall.run("directory", "add", "ldap", "--name", "L", "--mapping", "mapping.json", code=2)
    assert "takes no --mapping" in refused.err
