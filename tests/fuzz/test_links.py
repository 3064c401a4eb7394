"""Links to a next page that an app gives: whatever they look like, the credential goes to the app's own host alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.base import ConnectorError
from connectors.tools.answers import Answer
from connectors.tools.http import Http
from connectors.tools.paging import next_link
from tests.connectors.fake import Reply
from tests.fuzz.odd import fuzzed, nearly_bytes, odd_texts
from tests.security.hostile import listening

HOSTS = (
    "OWN",
    "OTHER",
    "OWN@OTHER",
    "OTHER@OWN",
    "OWN#@OTHER",
    "OWN\\@OTHER",
    "OTHER\\.OWN",
    "OWN%2f@OTHER",
    "OWN:80@OTHER",
    "[::1]",
    "OWN.",
    "0",
    "127.1",
    "0x7f000001",
    "2130706433",
    "127.0.0.1",
    "localhost",
    "evil.example",
    "OWN\t",
    " OWN",
    "ⓛocalhost",
    "127。0。0。1",
    "",
)
SCHEMES = (
    "http://",
    "HTTP://",
    "https://",
    "//",
    "///",
    "/",
    "\\\\",
    "http:",
    "http:/",
    "http:\\\\",
    "file://",
    "gopher://",
    "javascript:",
    "http://\n",
    "",
)
links = st.builds(
    "{}{}{}".format,
    st.sampled_from(SCHEMES),
    st.sampled_from(HOSTS) | odd_texts,
    st.sampled_from(("/thing", "/../x", "?a=b", "#x", "", "/thing?page=2", "/%0d%0aX: y", "/\r\nX: y")),
)


@pytest.fixture
def other() -> Iterator[list[int]]:
    """Another server on this machine; records the ports that received a connection."""
    knocked: list[int] = []
    with listening(lambda connection, stopped: knocked.append(connection.getsockname()[1])) as port:
        yield [port, knocked]


@fuzzed
@given(link=links)
@example(link="http://OTHER/thing")
def test_the_credential_stays_with_its_host(anything, other, link):
    port, knocked = other
    own = anything.url.partition("://")[2]
    target = link.replace("OWN", own).replace("OTHER", f"127.0.0.1:{port}")
    anything.answer = lambda request: Reply(200, "[]")
    anything.requests.clear()
    client = Http(anything.url, headers={"Authorization": "Bearer s3cret"}, retries=0, timeout=(30, 30))
    try:
        answer = client.get(target)
        assert answer.status in (200, 404) and len(anything.requests) == 1
    except ConnectorError as refused:
        assert 0 < len(str(refused)) < 1500 and "s3cret" not in str(refused)
    finally:
        client.close()
    assert knocked == []


@fuzzed
@given(link=links)
def test_a_redirect_leads_nowhere_else(anything, other, link):
    port, knocked = other
    target = link.replace("OWN", anything.url.partition("://")[2]).replace("OTHER", f"127.0.0.1:{port}")
    target = "".join(letter for letter in target if 32 <= ord(letter) < 256)  # what a header can hold
    anything.answer = lambda request: (
        Reply(302, "", {"Location": target}) if len(anything.requests) == 1 else Reply(200, "[]")
    )
    anything.requests.clear()
    client = Http(anything.url, headers={"Authorization": "Bearer s3cret"}, retries=0, timeout=(30, 30))
    try:
        client.get("/thing")
    except ConnectorError as refused:
        assert 0 < len(str(refused)) < 1500 and "s3cret" not in str(refused)
    finally:
        client.close()
    assert knocked == []


HEADERS = st.sampled_from(
    (
        b'<https://a.example/?p=2>; rel="next", <https://a.example/?p=9>; rel="last"',
        b"<x>; rel=next",
        b"<" * 5000,
        b"<>" * 5000,
        b'<a>; rel="' + b"next " * 2000,
    )
)


@fuzzed
@given(header=nearly_bytes(HEADERS))
def test_headers(header):
    answer = Answer(200, {"Link": header.decode("latin-1")}, b"", "https://a.example/", "GET /")
    found: list[str | None] = []
    worker = threading.Thread(target=lambda: found.append(next_link(answer)), daemon=True)
    worker.start()
    worker.join(60)
    assert found, "it has not ended"
    assert found[0] is None or isinstance(found[0], str)
