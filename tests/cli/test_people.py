"""People and directories by the command line."""

from __future__ import annotations

import os
import time

from cli import directories as cli_directories
from sync.models import Directory, DirectoryReading, Mail
from sync.people import people
from sync.sign_in import second_factor
from tests.security.factors import with_app


def test_people_are_imported_whole_or_not_at_all(rollcall):
    file = rollcall.folder / "people.csv"
    file.write_text("email,name,status\ntom@acme.example,Tom,active\nlea@acme.example,Lea,left\n")
    assert rollcall.json("people", "import", "people.csv") == {"added": 2, "updated": 0, "unchanged": 0}
    assert rollcall.json("people", "import", "people.csv") == {"added": 0, "updated": 0, "unchanged": 2}
    file.write_text("email,name\nida@acme.example,Ida\nno address,Nobody\n")
    refused = rollcall.run("people", "import", "people.csv", code=1)
    assert "line 3" in refused.err and refused.out == ""
    file.write_text("email,name\nida@acme.example,Ida\n")
    assert rollcall.json("people", "import", "people.csv")["added"] == 1, "nothing of the refused file was taken over"


def test_progress_of_a_reading_is_reported_when_it_changes(capsys):
    progress = cli_directories._progress(Directory(name="Staff"))
    for read in (0, 0, 2, 2):
        progress(DirectoryReading(people_read=read))
    assert capsys.readouterr().err == "Staff: reading …\nStaff: reading, 2 people …\n"


def test_directories(rollcall, staff):
    missing = rollcall.run("directory", "add", "csv", "--name", "Staff", "--set", "file=nowhere.csv", code=1)
    assert "nowhere.csv" in missing.err
    assert rollcall.json("directory", "list") == {"directories": []}
    assert "No directory" in rollcall.run("directory", "sync", code=1).err

    add = ("directory", "add", "csv", "--name", "Staff", "--set", "file=staff.csv")
    rollcall.run(*add)
    assert "already" in rollcall.run(*add, code=1).err
    staff.leave("Tom")
    [read] = rollcall.json("directory", "sync", "Staff")["directories"]
    assert (read["directory"], read["state"], read["counts"]["deprovisioned"]) == ("Staff", "succeeded", 1)
    assert "no directory named" in rollcall.run("directory", "sync", "Staf", code=1).err
    assert rollcall.json("directory", "list")["directories"][0]["gap"] is None
    os.utime(staff.file, 2 * (time.time() - 9 * 24 * 60 * 60,))
    rollcall.run("directory", "sync", "Staff")
    assert rollcall.json("directory", "list")["directories"][0]["gap"] == "old list"
    assert "old list" in rollcall.run("directory", "list").out

    staff.file.write_text("email,name\n")
    answer = rollcall.run("directory", "sync", "--json", code=1)
    [failed] = answer.document["directories"]
    assert failed["state"] == "failed" and failed["error"] and "Nobody's status was changed" in answer.err
    [listed] = rollcall.json("directory", "list")["directories"]
    assert (listed["people"], listed["held"], listed["state"]) == (4, 0, "active")
    assert listed["error"] and listed["last_read"].endswith("Z")


def test_a_preview_reports_the_changes_and_makes_none(rollcall, staff):
    rollcall.run("directory", "add", "csv", "--name", "Staff", "--set", "source=upload", "--set", "text=@staff.csv")
    rollcall.run("directory", "add", "csv", "--name", "HR", "--set", "file=staff.csv")
    staff.leave("Tom")
    reported = rollcall.json("directory", "sync", "HR", "--dry-run")
    assert (reported["directory"], reported["counts"]) == ("HR", {"updated": 1})
    assert reported["changes"][0]["details"] == ["deprovisioned in this directory, stays active"]
    assert "Nothing was changed" in rollcall.run("directory", "sync", "HR", "--dry-run").out
    assert {one["people"] for one in rollcall.json("directory", "list")["directories"]} == {4 + 1}
    rollcall.run("directory", "sync", "--dry-run", code=2)


def test_many_leavers_at_once_are_held_until_released(rollcall, staff):
    staff.write("Olga", *(f"Person{number}" for number in range(9)))
    rollcall.run("directory", "add", "csv", "--name", "Staff", "--set", "file=staff.csv")
    staff.write("Olga", "Person0", "Person1")
    answer = rollcall.run("directory", "sync", "--json")
    assert answer.document["directories"][0]["counts"]["held"] == 7
    assert "directory release" in answer.err
    shown = rollcall.run("directory", "release", "Staff", code=2)
    assert "person8@acme.example" in shown.err and "--yes" in shown.err
    assert rollcall.json("directory", "release", "Staff", "--yes") == {"directory": "Staff", "released": 7}
    assert rollcall.json("directory", "list")["directories"][0]["people"] == 3
    staff.write(*(f"Person{number}" for number in range(2, 9)))  # the last Owner is missing
    rollcall.run("directory", "sync")
    assert "--only left or --only back" in rollcall.run("directory", "release", "Staff", "--yes", code=2).err
    assert rollcall.json("directory", "release", "Staff", "--only", "back", "--yes")["released"] == 7


def test_someone_who_lost_their_second_factor_is_let_in_again(rollcall):
    answer = rollcall.json("people", "recover", "olga@acme.example")
    assert (answer["person"], answer["reset"]) == ("olga@acme.example", False)
    assert "/sign-in/" in answer["link"]
    assert "anyone who may sign in" in rollcall.run("people", "recover", "ghost@acme.example", code=1).err


def test_a_lost_second_factor_is_taken_away_by_it(rollcall):
    with rollcall.core():
        with_app(people.find_by_email("olga@acme.example"))
    assert rollcall.json("people", "recover", "olga@acme.example")["reset"] is True
    with rollcall.core():
        assert not second_factor.has(people.find_by_email("olga@acme.example"))
        assert Mail.select().where(Mail.text.contains("was reset")).count() == 1
