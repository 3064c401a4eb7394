"""Commands without the second that Python needs to import them: a process that has imported all forks for each command.
What the command sees is a process of its own: arguments, environment, folder, streams, signals, exit code."""

from __future__ import annotations

import array
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PASSED = 3  # standard input, output and error of the command
LONGEST = 1 << 20  # bytes of a request: the arguments and the environment


class Forks:
    """One per test process, begun with the first command. `run` is like `subprocess.run(..., capture_output=True)`."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-m", "tests.cli.forks", str(theirs.fileno())]
            self._process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])

    def run(
        self, arguments: list[str], *, input: str, env: dict[str, str], cwd: Path, timeout: float
    ) -> subprocess.CompletedProcess:
        """`python app.py *arguments`; raises subprocess.TimeoutExpired after `timeout` seconds, and kills it."""
        with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            stdin.write(input.encode())
            stdin.seek(0)
            request = json.dumps({"arguments": arguments, "environ": env, "folder": str(cwd)}).encode()
            files = array.array("i", [stdin.fileno(), out.fileno(), err.fileno()])
            self._line.sendmsg([request], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
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


def serve(line: socket.socket) -> None:
    """Fork for each request until the other end is closed."""
    for path in ROOT.glob("cli/*.py"):
        import_module(f"cli.{path.stem}" if path.stem != "__init__" else "cli")
    from app import command_line, create_app
    from connectors import app_connectors

    app_connectors()
    gc.freeze()  # the forks need not look at what all of them share
    while True:
        request, ancillary, _, _ = line.recvmsg(LONGEST, socket.CMSG_SPACE(PASSED * array.array("i").itemsize))
        if not request:
            return
        files = array.array("i")
        for _, _, data in ancillary:
            files.frombytes(data)
        pid = os.fork()
        if pid == 0:
            line.close()
            _become(json.loads(request), files)
            return command_line(create_app)
        for one in files:
            os.close(one)
        line.send(str(pid).encode())
        line.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())


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
