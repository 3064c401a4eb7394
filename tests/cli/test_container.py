"""docs/compose.yaml and docs/Dockerfile as far as they can be tried without Docker: commands and settings exist, and
the folders that are copied are all that Rollcall needs."""

from __future__ import annotations

import re
import shutil
import sys

import yaml

from cli import COMMANDS
from tests.cli.conftest import ROOT, CommandLine

DOCS = ROOT / "docs"
SETTING = re.compile(r"\bROLLCALL_[A-Z_]+")


def copied() -> list[str]:
    lines = [line.split()[1:-1] for line in (DOCS / "Dockerfile").read_text().splitlines() if line.startswith("COPY")]
    return [name for names in lines for name in names]


def test_each_service_runs_a_command_with_settings_that_exist():
    file = (DOCS / "compose.yaml").read_text()
    services = yaml.safe_load(file)["services"]
    assert {name: service.get("command") for name, service in services.items()} == {
        "postgres": None, "web": ["web"], "worker": ["worker"],
    }  # fmt: skip
    assert {"web", "worker"} <= COMMANDS.keys()
    shared = ("image", "environment", "volumes")
    assert [services["web"][name] for name in shared] == [services["worker"][name] for name in shared]
    for name in SETTING.findall(file + (DOCS / "Dockerfile").read_text()):
        assert f"`{name}`" in (ROOT / "README.md").read_text(), name


def test_the_image_has_enough_for_the_pages(rollcall: CommandLine):
    image = rollcall.folder / "image"
    image.mkdir()
    for name in copied():
        if (ROOT / name).is_dir():
            (image / name).symlink_to(ROOT / name)
        else:  # Python would follow a link of the program to the other folders
            shutil.copy(ROOT / name, image)
    rollcall.program = (sys.executable, str(image / "app.py"))
    rollcall.forks = None
    with rollcall.served("web"):
        page = rollcall.get("/sign-in")
        assert page.status_code == 200
        for linked in re.findall(r'(?:href|src)="(/static/[^"]+)', page.text):
            assert rollcall.get(linked).status_code == 200
