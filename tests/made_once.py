"""What tests make once and then copy: a folder in the cache for each version of the program that makes it, such as a
data folder of PostgreSQL. Making it takes a hundred times the copy's processor time."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests import CACHE
from tests.parts import need


def made_once(name: str, by: str, make: Callable[[Path], None]) -> Path:
    """The folder, which nobody may change. `make` is given its path where it isn't there. `by`: all that its content
    depends on."""
    place = CACHE / f"{name}-{hashlib.sha256(by.encode()).hexdigest()[:16]}"
    place.mkdir(parents=True, exist_ok=True)
    folder, mark = place / "made", place / "by.txt"  # the mark is written last: half a folder is none
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            mark.write_text(by)
    return folder


def version_of_postgres() -> str:
    return subprocess.check_output([need("postgresql"), "--version"], text=True).strip()


def new_data(password: str = "") -> Path:
    """What initdb makes. Without a password of the superuser postgres, everyone is trusted."""
    method = "scram-sha-256" if password else "trust"
    words = ["-A", method, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]

    def make(folder: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="initdb-") as place:  # the cache may be where its user can't go
            data, secret = Path(place) / "data", Path(place) / "password"
            secret.write_text(password)
            give_to_postgres(Path(place))
            as_user = {"user": "postgres"} if os.geteuid() == 0 else {}  # PostgreSQL refuses to run as root
            signs_in = [f"--pwfile={secret}"] if password else []
            made = subprocess.run([need("postgresql"), "-D", data, *words, *signs_in], capture_output=True, text=True,
                                  cwd=place, **as_user)  # fmt: skip
            assert made.returncode == 0, made.stderr
            shutil.copytree(data, folder)

    return made_once("postgresql", f"{version_of_postgres()} {words} {password}", make)


def copy_data(data: Path, to: Path) -> None:
    """A server's data folder, as another one has left it, for a server of its own."""
    shutil.copytree(data, to)
    give_to_postgres(to)


def give_to_postgres(folder: Path) -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        for place, _, files in os.walk(folder):
            for path in (place, *(os.path.join(place, file) for file in files)):
                os.chown(path, user.pw_uid, user.pw_gid)
