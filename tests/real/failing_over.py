"""A process of Rollcall whose database server dies and is replaced: tests/real/test_failover.py gives it orders."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from sync import activity, faults, start
from sync.config import Config
from sync.db import connected, writing
from sync.models import Activity, Person
from sync.people import people
from sync.rank import Asker
from sync.sign_in import sign_in

MACHINE = Asker.command_line()


def look() -> dict:
    with connected(), writing():
        return {"people": Person.select().count(), "entries": Activity.select().count(), "log": activity.verify().ok}


def begin() -> dict:
    sign_in.set_up("Acme", "olga@acme.example", "Olga Brandt", "correct horse battery", MACHINE)
    return look()


def add() -> dict:
    people.add("Maria Lund", "maria@acme.example", MACHINE)
    return look()


def kill(postmaster: str) -> dict:
    """The server dies in the midst of a transaction."""
    with connected(), writing():
        Person.create(name="Nobody")
        children = subprocess.run(["pgrep", "-P", postmaster], capture_output=True, text=True).stdout.split()
        for pid in (postmaster, *children):
            os.kill(int(pid), signal.SIGKILL)
        Person.create(name="Nobody")
    return {}


def main() -> None:
    config = Config.from_environ({"ROLLCALL_HOME": sys.argv[1]})
    start.open_all(replace(config, database_url=os.environ["ROLLCALL_DATABASE"]))
    Path(sys.argv[1]).mkdir(exist_ok=True)
    for line in sys.stdin:
        name, *arguments = line.split()
        try:
            with connected():
                body = {"begin": begin, "look": look, "add": add, "kill": kill}[name](*arguments)
            print(json.dumps({**body, "fault": None}), flush=True)
        except Exception as problem:
            fault = faults.of(problem)
            print(json.dumps({"fault": fault and fault.kind, "problem": str(problem)}), flush=True)


if __name__ == "__main__":
    main()
