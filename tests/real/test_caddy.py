"""The example for Caddy in the docs, in a real Caddy before Rollcall.
It is taken, passes requests on, and has limits."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
import requests

from sync.config import Config
from tests.journeys.browser import serving
from tests.parts import free_port, need
from tests.real.nginx import wait_for

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def example(tmp_path: Path) -> Path:
    text = (ROOT / "docs" / "proxy.md").read_text()
    file = tmp_path / "Caddyfile"
    file.write_text(re.search(r"```caddy\n(.*?)```", text, re.S).group(1))
    return file


def caddy(folder: Path, *command: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [need("caddy"), *command], env=_environment(folder), capture_output=True, text=True, timeout=60
    )


def _environment(folder: Path) -> dict[str, str]:
    """Everything that it keeps goes into this folder."""
    return os.environ | {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}


def test_the_example_in_the_docs_is_one_that_caddy_takes(example, tmp_path):
    done = caddy(tmp_path, "validate", "--config", str(example), "--adapter", "caddyfile")
    assert done.returncode == 0, done.stderr
    adapted = json.loads(caddy(tmp_path, "adapt", "--config", str(example)).stdout)
    [server] = adapted["apps"]["http"]["servers"].values()
    assert (server["read_header_timeout"], server["read_timeout"]) == (15_000_000_000, 120_000_000_000)
    assert '"max_size": 33000000' in json.dumps(adapted)


@contextmanager
def running(example: Path, folder: Path, upstream: int) -> Iterator[str]:
    """The example on a free port of this machine, without TLS."""
    port = free_port()
    text = example.read_text().replace("rollcall.acme.example {", f"http://127.0.0.1:{port} {{")
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}").replace("{\n", "{\n\tadmin off\n", 1)
    example.write_text(text)
    command = [need("caddy"), "run", "--config", str(example), "--adapter", "caddyfile"]
    server = subprocess.Popen(command, env=_environment(folder), stderr=subprocess.PIPE, text=True)
    try:
        wait_for(server, f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.communicate(timeout=60)


def test_rollcall_behind_caddy(example, tmp_path, config: Config, home):
    config = replace(config, trusted_proxies=(ip_network("127.0.0.1"),))
    with serving(config) as live, running(example, tmp_path / "caddy", live.config.listen_port) as url:
        assert requests.get(f"{url}/sign-in", timeout=30).status_code == 200
        large = requests.post(f"{url}/scim/v2/Users", data=b"x" * 34_000_000, timeout=60)
        assert large.status_code in (413, 502)  # Caddy 2.6 says 502 of a body that it breaks off on the way
