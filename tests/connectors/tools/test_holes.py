"""A call that lacks a value is never sent, no matter which code makes it."""

from __future__ import annotations

import pytest

from connectors.base import Refused
from connectors.tools.holes import EVERYTHING, needed, segment


@pytest.mark.parametrize("nothing", ["", " ", "\t", None])
def test_a_segment_is_never_empty(nothing):
    with pytest.raises(Refused, match="Nothing was sent: the e-mail address that the call needs is empty"):
        segment(nothing, "the e-mail address")


@pytest.mark.parametrize("text, encoded", [("a/b", "a%2Fb"), ("a?b=c#d", "a%3Fb%3Dc%23d"), (7, "7"), ("None", "None")])
def test_a_segment_stays_in_its_place(text, encoded):
    assert segment(text) == encoded
    for dots in (".", ".."):
        with pytest.raises(Refused, match="can't be a part of an address"):
            segment(dots)


def test_a_needed_value_is_requested_by_name():
    assert needed("admin", "role") == "admin"
    with pytest.raises(Refused, match="The role is missing, so nothing was sent"):
        needed(" ", "role")


@pytest.mark.parametrize(
    "call, reason",
    [
        (lambda http: http.delete("/thing//members"), "a part of its address is empty"),
        (lambda http: http.delete("/thing", params={"q": None}), "“q” in its parameter is empty"),
        (lambda http: http.delete("/thing", params={"q": ""}), "“q” in its parameter is empty"),
        (lambda http: http.get("/thing", {"q": None}), "“q” in its parameter is empty"),
        (lambda http: http.post("/thing", json={"a": None}), "“a” in its body is empty"),
        (lambda http: http.post("/thing", json={"a": [{"id": " "}]}), "“id” in its body is empty"),
        (lambda http: http.put("/thing", json=[{"a": ["x", None]}]), "“a” in its body is empty"),
        (lambda http: http.patch("/thing", data={"a": ""}), "“a” in its body is empty"),
        (lambda http: http.operate("DELETE", "/thing", json={"a": {"user": None}}), "“user” in its body is empty"),
    ],
    ids=range(9),
)
def test_a_call_with_a_hole_is_not_sent(client, target, call, reason):
    with pytest.raises(Refused, match=rf"(GET|POST|PUT|PATCH|DELETE) http://\S+/thing\S* was not sent: {reason}"):
        call(client())
    assert not target.requests


def test_an_empty_value_with_a_meaning_is_sent(client, target):
    assert client().post("/thing", json={"a": None}, may_be_empty=("a",)).json()["body"] == {"a": None}
    assert client().post("/thing", json={"a": ""}, may_be_empty=EVERYTHING).json()["body"] == {"a": ""}
    assert client().post("/thing", json={"a": [0, False, [], {}]}).json()["body"] == {"a": [0, False, [], {}]}
