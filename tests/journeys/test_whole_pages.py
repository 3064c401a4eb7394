"""A click returns when all of the page that it opens has come, so that a journey never counts half a table."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.parts import free_port

ROWS = 20


class _Slow(BaseHTTPRequestHandler):
    """Answers /table in two halves."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        if self.path != "/table":
            self.wfile.write(b"<a href='/table'>To the table</a>")
            return
        row = b"<tr><td>Ada</td></tr>"
        self.wfile.write(b"<table>" + row * (ROWS // 2) + b" " * 2000)
        self.wfile.flush()
        time.sleep(0.3)  # a network as slow as this
        self.wfile.write(row * (ROWS // 2) + b"</table>")

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def slow() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", free_port()), _Slow)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_click_waits_for_all_of_the_page(chromium, slow: str) -> None:
    page = chromium.new_page(java_script_enabled=False)
    link = page.get_by_role("link", name="To the table")
    acts = {"page.click": lambda: page.click("a"), "click": link.click, "press": lambda: link.press("Enter")}
    seen = {}
    for name, act in acts.items():
        page.goto(slow)
        act()
        seen[name] = page.locator("tr").count()
    assert seen == dict.fromkeys(acts, ROWS)
    page.close()
