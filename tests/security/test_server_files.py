"""Files on the server: a page names none outside the folders of ROLLCALL_FILES; only regular files are ever read."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from app import create_app
from connectors.base import Refused, TemporarilyUnavailable
from connectors.tools import csv_rows
from connectors.tools.csv_rows import file_content
from sync.config import BadSetting, Config
from sync.models import App, Directory
from tests.web.client import Client

LIST = "email,name\nana@acme.example,Ana Lopez\n"


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    folder = tmp_path / "lists"
    folder.mkdir()
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    path = tmp_path / "elsewhere.csv"
    path.write_text(LIST)
    return path


@pytest.fixture
def browser(config: Config, home, olga, inside: Path) -> Client:
    """The Owner's, where pages may name files below one folder."""
    return Client(create_app(replace(config, files=(inside,))), olga)


def connect(browser: Client, path: Path | str):
    return browser.post("/directories/new/csv", directory_name="Staff", source="path", file=str(path))


def test_a_page_names_only_files_below_the_folders(browser: Client, inside: Path, outside: Path):
    answer = connect(browser, outside)
    assert answer.status_code == 422 and "Nothing was read" in answer.text and "Ana" not in answer.text
    link = inside / "link.csv"
    link.symlink_to(outside)
    for path in (link, inside / ".." / "elsewhere.csv", f"{inside}-other/x.csv", "/etc/passwd", "else.csv", "a\0b"):
        assert connect(browser, path).status_code == 422, path
    assert not Directory.select().exists()
    (inside / "staff.csv").write_text(LIST)
    assert connect(browser, inside / "staff.csv").status_code == 303


def test_whether_a_file_is_there_isnt_shown(browser: Client, outside: Path, tmp_path: Path):
    missing = tmp_path / "missing.csv"
    shown = [re.search(r"Connection failed.*?</div>", connect(browser, path).text.replace("&#39;", "'")).group()
            for path in (outside, missing)]
    assert shown[0] == shown[1]


def test_without_the_setting_a_page_names_none(config: Config, home, olga, outside: Path):
    browser = Client(create_app(replace(config, files=())), olga)
    answer = connect(browser, outside)
    assert answer.status_code == 422 and "ROLLCALL_FILES" in answer.text


def test_an_apps_owner_cant_read_the_server_by_their_app(browser: Client, outside: Path):
    draft = browser.draft("csv_export")
    given = {"app_name": "Board", "app": "Board", "source": "path", "path": str(outside)}
    assert browser.post(f"/apps/{draft}/connection", **given).status_code == 422
    assert "Ana" not in browser.get(f"/apps/{draft}/columns").text
    assert App.get_by_id(draft).settings.get("path", "") == ""


def test_the_command_lines_path_stays_when_a_page_saves_it_again(browser: Client, outside: Path, by):
    from sync.directory import directories

    directory = directories.connect("csv", "Staff", {"file": str(outside)}, by)
    address = f"/directories/{directory.id}/credential"
    assert browser.send("PUT", address, source="path", file=str(outside)).status_code == 303
    assert browser.send("PUT", address, source="path", file="/etc/passwd").status_code == 422
    assert Directory.get().settings["file"] == str(outside)


def test_an_endless_file_is_refused_at_once():
    with pytest.raises(Refused, match="isn't a regular file"):
        file_content(Path("/dev/zero"))


def test_a_pipe_blocks_nobody(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Refused, match="isn't a regular file"):
        file_content(tmp_path / "pipe")


def test_a_folder_and_a_large_file(tmp_path: Path, monkeypatch):
    with pytest.raises((Refused, TemporarilyUnavailable)):
        file_content(tmp_path)
    monkeypatch.setattr(csv_rows, "MAX_BYTES", 10)
    (tmp_path / "large.csv").write_bytes(b"x" * 11)
    with pytest.raises(Refused, match="larger"):
        file_content(tmp_path / "large.csv")


def test_a_file_that_takes_too_long(tmp_path: Path, monkeypatch):
    """Like a network share that hangs: the worker continues."""
    monkeypatch.setattr(csv_rows, "SECONDS", 0.05)
    monkeypatch.setattr(csv_rows, "_read", lambda path: __import__("threading").Event().wait(2))
    with pytest.raises(TemporarilyUnavailable, match="within"):
        file_content(tmp_path / "slow.csv")


@pytest.mark.parametrize("folders", ["relative", "/nowhere/at/all", "/"])
def test_a_setting_that_cant_be_stops_the_start(folders: str):
    with pytest.raises(BadSetting, match="ROLLCALL_FILES"):
        Config.from_environ({"ROLLCALL_FILES": folders})
