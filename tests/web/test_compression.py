"""Answers are compressed as the browser prefers, and never where their length would be a hint for another site."""

from __future__ import annotations

import gzip
import random
import string

import brotli
import pytest

from tests.web.client import Client

try:
    from compression import zstd
except ImportError:
    from backports import zstd

UNPACK = {"zstd": zstd.decompress, "br": brotli.decompress, "gzip": gzip.decompress}
FROM_HERE = {"Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize(
    ("accepts", "sent"),
    [
        ("gzip, deflate, br, zstd", "zstd"),  # Chromium and Firefox over TLS
        ("gzip, deflate, br", "br"),  # Safari
        ("gzip, deflate", "gzip"),  # browsers without TLS
        ("br;q=0.5, gzip", "gzip"),
        ("identity", None),
        ("", None),
        ("zstd;q=maybe, ,;;", "zstd"),
    ],
)
def test_as_the_browser_prefers(owner: Client, accepts: str, sent: str | None) -> None:
    plain = owner.get("/people", **FROM_HERE)
    answer = owner.get("/people", **FROM_HERE, **{"Accept-Encoding": accepts})
    assert answer.status_code == 200
    assert answer.headers.get("Content-Encoding") == sent
    assert answer.vary.to_header().count("Accept-Encoding") == 1
    whole = UNPACK[sent](answer.data) if sent else answer.data
    assert b"</html>" in whole
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    if sent:
        assert len(answer.data) < len(plain.data) / 3


@pytest.mark.parametrize(
    ("asked_by", "compressed"),
    [("same-origin", True), ("none", True), ("cross-site", False), ("same-site", False), (None, False), ("", False)],
)
def test_a_page_that_another_site_asked_for_keeps_its_length(
    owner: Client, asked_by: str | None, compressed: bool
) -> None:
    headers = {"Accept-Encoding": "gzip"} | ({} if asked_by is None else {"Sec-Fetch-Site": asked_by})
    answer = owner.get("/people", **headers)
    assert ("Content-Encoding" in answer.headers) == compressed


def test_a_length_says_nothing_about_a_guess(owner: Client) -> None:
    """Another site guesses a secret of the page, once rightly and once wrongly: both answers have the same length."""

    def length(guess: str) -> int:
        address = f"/people?search={guess}"
        answer = owner.get(address, **{"Accept-Encoding": "gzip", "Sec-Fetch-Site": "cross-site"})
        return len(answer.data)

    right = owner.token().partition(".")[0]
    wrong = "".join(random.Random(1).choices(string.ascii_letters, k=len(right)))
    assert length(right) == length(wrong)


def test_a_client_without_cookies_is_served_compressed(site, anybody: Client) -> None:
    """Identity providers and scripts come with a token of their own, which no other site can send."""
    answer = site.test_client().get("/sign-in", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("accepts", ["br", "zstd", "gzip, deflate", ""])
def test_files_are_compressed_and_asked_for_once(owner: Client, accepts: str) -> None:
    address = "/static/rollcall.css"
    first = owner.get(address, **{"Accept-Encoding": accepts})
    assert first.status_code == 200
    assert ("Content-Encoding" in first.headers) == bool(accepts)
    again = owner.get(address, **{"Accept-Encoding": accepts, "If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""
    other = owner.get(address, **{"Accept-Encoding": "identity", "If-None-Match": first.headers["ETag"]})
    assert other.status_code == (200 if accepts else 304)


def test_a_short_answer_is_unchanged(owner: Client) -> None:
    answer = owner.get("/health", **FROM_HERE, **{"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
