"""A real nginx as a proxy before Rollcall, in a folder of its own, on a free port, in each way people set it up."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.parts import need

READY_SECONDS = 60
WHOLE, STRIPPED = "the whole path is passed on", "nginx takes the path off"
CONFIG = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    {prefix_header}
    {locations}
  }}
}}
"""
ANOTHER_TOOL = "this is another tool"  # what is outside the path


@contextmanager
def nginx(port: int, upstream: int, path: str = "", way: str = WHOLE, header: str = "") -> Iterator[str]:
    """The address of Rollcall, on `upstream`, behind nginx on `port`, below `path`; `header` as X-Forwarded-Prefix."""
    program, url = need("nginx"), f"http://127.0.0.1:{port}{path}"
    passed_to = f"http://127.0.0.1:{upstream}{'/' if way == STRIPPED else ''}"
    locations = f"location {path}/ {{ proxy_pass {passed_to}; }}"
    if path:
        locations += f' location / {{ return 404 "{ANOTHER_TOOL}"; }}'
    with tempfile.TemporaryDirectory(prefix="nginx-") as folder:
        config = Path(folder) / "nginx.conf"
        config.write_text(CONFIG.format(
            folder=folder, port=port, locations=locations,
            prefix_header=f"proxy_set_header X-Forwarded-Prefix {header};" if header else ""))  # fmt: skip
        server = subprocess.Popen([program, "-p", folder, "-c", config], stderr=subprocess.PIPE, text=True)
        try:
            wait_for(server, url)
            yield url
        finally:
            server.terminate()
            server.wait(60)
            server.stderr.close()


def wait_for(server: subprocess.Popen, url: str) -> None:
    """Wait until the server behind the proxy answers through it."""
    program = Path(server.args[0]).name
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            requests.get(f"{url}/healthz", timeout=5)
            return
        except requests.ConnectionError:
            assert server.poll() is None, f"{program} ended at once: {server.stderr.read()}"
            assert time.monotonic() < deadline, f"{program} did not become ready"
            time.sleep(0.05)
