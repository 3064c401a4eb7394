"""Commands without the second that Python needs to import them: a process that has imported all forks for each command.
What the command sees is a process of its own: arguments, environment, folder, streams, signals, exit code."""

from __future__ import annotations

import array
import atexit
import functools
import gc
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO

from argon2 import PasswordHasher

from sync.sign_in import passwords
from tests import warm

ROOT = Path(__file__).resolve().parents[2]
PASSED = 4  # standard input, output and error of the command, and the line that reports the end of one that is started
LONGEST = 1 << 20  # bytes of a request: the arguments and the environment


class Started:
    """A command that runs. Of `subprocess.Popen`, it has what the tests use."""

    def __init__(self, end: socket.socket, stdout: IO[str], stderr: IO[str] | None):
        self._end, self.stdout, self.stderr = end, stdout, stderr
        self.pid = int(end.recv(64))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired after `timeout` seconds."""
        if self.returncode is None:
            self._end.settimeout(timeout)
            try:
                self.returncode = int(self._end.recv(64))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(str(self.pid), timeout) from None
            self._end.close()
        return self.returncode

    def communicate(self, timeout: float) -> tuple[str, str]:
        """Both streams to their ends. The command is killed if it has not ended after `timeout` seconds."""
        clock = threading.Timer(timeout, self.kill)
        clock.start()
        with ThreadPoolExecutor() as readers, self.stdout, self.stderr:
            texts = [reader.result() for reader in [readers.submit(one.read) for one in (self.stdout, self.stderr)]]
        clock.cancel()
        self.wait(timeout)
        return tuple(texts)

    def send_signal(self, which: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, which)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Forks:
    """`on_server`: its commands use a database on a server, which is decided when Rollcall is imported. `before`: what
    the first of its processes begins with. `run` is like `subprocess.run(..., capture_output=True)`,
    `start` like `subprocess.Popen(..., stdout=PIPE)`."""

    def __init__(self, on_server: bool = False, before: Sequence[str] = ()) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environ = os.environ | ({"ROLLCALL_DATABASE": "postgresql://"} if on_server else {})
        with theirs:
            command = [*before, sys.executable, "-m", "tests.cli.forks", str(theirs.fileno())]
            self._process = subprocess.Popen(command, cwd=ROOT, env=environ, pass_fds=[theirs.fileno()])

    def run(
        self, arguments: list[str], *, input: str, env: dict[str, str], cwd: Path, timeout: float
    ) -> subprocess.CompletedProcess:
        """`python app.py *arguments`; raises subprocess.TimeoutExpired after `timeout` seconds, and kills it."""
        with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            stdin.write(input.encode())
            stdin.seek(0)
            self._ask(arguments, env, cwd, [stdin, out, err])
            self._line.settimeout(timeout)
            pid = int(self._line.recv(64))
            try:
                code = int(self._line.recv(64))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                self._line.recv(64)
                raise subprocess.TimeoutExpired(arguments, timeout) from None
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(arguments, code, out.read().decode(), err.read().decode())

    def start(self, arguments: list[str], *, env: dict[str, str], cwd: Path, stderr: IO | None = None) -> Started:
        """`python app.py *arguments` in the background; `stderr` is a file, or None for a pipe."""
        end, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        read_out, out = os.pipe()
        read_err, err = os.pipe() if stderr is None else (None, os.dup(stderr.fileno()))
        with theirs, open(os.devnull) as nothing, open(out, "w") as out_file, open(err, "w") as err_file:
            self._ask(arguments, env, cwd, [nothing, out_file, err_file, theirs])
        return Started(end, open(read_out), None if read_err is None else open(read_err))

    def _ask(self, arguments: list[str], env: dict[str, str], cwd: Path, files: list) -> None:
        request = json.dumps({"arguments": arguments, "environ": env, "folder": str(cwd)}).encode()
        passed = array.array("i", [file.fileno() for file in files])
        self._line.settimeout(None)
        self._line.sendmsg([request], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, passed)])


shared = functools.cache(Forks)  # those of this test process, which begin with the first command


def serve(line: socket.socket) -> None:
    """Fork for each request until the other end is closed."""
    _import_all()
    passwords.hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)  # as in the tests' own process
    warm.up()
    while True:
        request, ancillary, _, _ = line.recvmsg(LONGEST, socket.CMSG_SPACE(PASSED * array.array("i").itemsize))
        if not request:
            return
        files = array.array("i")
        for _, _, data in ancillary:
            files.frombytes(data)
        if len(files) < PASSED:
            _run(json.loads(request), files, line)
        elif os.fork() == 0:  # who waits for a command that is started is a process of its own
            line.close()
            end = socket.socket(fileno=files.pop())
            _run(json.loads(request), files, end)
            os._exit(0)
        else:
            for one in files:
                os.close(one)


def _import_all() -> None:
    from web import AREAS

    for path in ROOT.glob("cli/*.py"):
        import_module(f"cli.{path.stem}" if path.stem != "__init__" else "cli")
    for area in AREAS:
        import_module(f"web.{area}")
    import_module("web.scim_answers")  # a server imports it with the first request


def _run(request: dict, files: array.array, report: socket.socket) -> None:
    """Run a command, and report its process id and then its exit code. In the command's process, it never returns."""
    from app import create_app
    from cli import command_line

    pid = os.fork()
    if pid == 0:
        report.close()
        _become(request, files)
        code = None
        try:
            command_line(create_app)
        except SystemExit as end:
            code = end.code
        _end_quickly(code)
        sys.exit(code)
    for one in files:
        os.close(one)
    report.send(str(pid).encode())
    report.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())


def _end_quickly(code: object) -> None:
    """End this process as `sys.exit(code)` does, but of all objects free only connections to a database. A fork has to
    copy the memory of those it frees, which takes longer than a short command. Returns where something is in the way.
    """
    if code is not None and not isinstance(code, int):
        return
    threading._shutdown()
    atexit._run_exitfuncs()
    for connection in [one for one in gc.get_objects() if isinstance(one, sqlite3.Connection)]:
        with suppress(sqlite3.ProgrammingError):  # another thread's
            connection.close()
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)


def _become(request: dict, files: array.array) -> None:
    for stream, one in enumerate(files):
        os.dup2(one, stream)
        os.close(one)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environ"])
    sys.argv = ["app.py", *request["arguments"]]


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
