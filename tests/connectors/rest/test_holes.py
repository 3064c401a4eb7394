"""No operation of a YAML-described app goes out with a hole in it: what is missing stops it, and is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.base import Account, Asset, Refused, TemporarilyUnavailable
from connectors.rest.yaml_source import DescriptionProblem
from tests.connectors.described import FIELDS, SECRET, described, ids
from tests.connectors.fake import Reply

ANA = Account("7", "ana@acme.example", "Ana", role="user")
OPS = Asset("9", "team", "Ops")
OPTIONAL = [*FIELDS, {"name": "space", "label": "Space", "required": False}]


def operation(name: str, call: object) -> dict:
    return {"accounts": [{"path": "/users", "account": {"id": "id"}, name: call}]}


def sent(app) -> list[str]:
    return [f"{request.method} {request.path}" for request in app.requests]


# What one call keeps for the next

LOOK = {"method": "GET", "path": "/users/{account.id}", "keep": {"m": "nope.there"}}
NEXT = {
    "path": {"method": "DELETE", "path": "/memberships/{kept.m}"},
    "query": {"method": "DELETE", "path": "/memberships", "query": {"user": "{kept.m}"}},
    "query in path": {"method": "DELETE", "path": "/memberships?user={kept.m}"},
    "header": {"method": "DELETE", "path": "/memberships", "headers": {"If-Match": "{kept.m}"}},
    "body": {"method": "POST", "path": "/memberships", "body": {"remove": [{"id": "{kept.m}"}]}},
    "text in body": {"method": "POST", "path": "/memberships", "body": {"where": "user eq {kept.m}"}},
    "form": {"method": "POST", "path": "/memberships", "form": {"user": "{kept.m}"}},
}


@pytest.mark.parametrize("where", NEXT)
@pytest.mark.parametrize("answer", [{}, {"nope": None}, {"nope": {"there": ""}}, {"nope": {"there": " "}}, [],
                                    {"nope": {"there": []}}, {"nope": {"there": {}}}, Reply(204)], ids=str)  # fmt: skip
def test_a_keep_that_finds_nothing_stops_the_operation(anything, connect, where, answer):
    anything.answer = lambda request: answer if request.method == "GET" else Reply(204)
    with pytest.raises(Refused) as raised:
        connect(**operation("remove", [LOOK, NEXT[where]])).remove(ANA)
    assert str(raised.value).startswith("`keep` m found nothing at nope.there in the answer to GET /users/7, ")
    assert "so the operation stopped after 1 of 2 calls. Check in the app what was done." in str(raised.value)
    assert sent(anything) == ["GET /users/7"]


@pytest.mark.parametrize("where", NEXT)
@pytest.mark.parametrize("found", [31, "31", 0, False])
def test_a_keep_that_finds_something_continues(anything, connect, where, found):
    anything.answer = lambda request: {"nope": {"there": found}} if request.method == "GET" else Reply(204)
    connect(**operation("remove", [LOOK, NEXT[where]])).remove(ANA)
    assert len(anything.requests) == 2


@pytest.mark.parametrize("where", ["path", "query", "query in path", "header", "form"])
def test_a_whole_object_is_not_put_into_an_address(anything, connect, where):
    anything.answer = lambda request: {"nope": {"there": {"id": 31}}}
    with pytest.raises(Refused, match="kept.m}” is a whole list or object"):
        connect(**operation("remove", [LOOK, NEXT[where]])).remove(ANA)
    assert sent(anything) == ["GET /users/7"]


def test_a_whole_object_can_be_sent_back_in_a_body(anything, connect):
    anything.answer = lambda request: {"nope": {"there": {"id": 31, "left": True}}}
    put = {"method": "PUT", "path": "/users/{account.id}", "body": "{kept.m}"}
    connect(**operation("remove", [LOOK, put])).remove(ANA)
    assert anything.requests[1].body == {"id": 31, "left": True}


def test_a_header_of_an_answer_is_kept(anything, connect):
    anything.answer = lambda request: Reply(200, {}, {"ETag": '"v3"'} if request.method == "GET" else {})
    calls = [{"method": "GET", "path": "/users/{account.id}", "keep": {"v": {"header": "etag"}}},
             {"method": "DELETE", "path": "/users/{account.id}", "headers": {"If-Match": "{kept.v}"}}]  # fmt: skip
    connector = connect(**operation("remove", calls))
    connector.remove(ANA)
    assert anything.requests[1].headers["if-match"] == '"v3"'
    anything.answer = lambda request: {}
    with pytest.raises(Refused, match="`keep` v found nothing at the header etag in the answer to GET /users/7"):
        connector.remove(ANA)


def test_a_look_that_says_that_there_is_nothing_ends_the_operation_as_done(anything, connect):
    anything.answer = lambda request: {"data": []}
    look = {**LOOK, "keep": {"m": "data.0.id"}, "already_when": {"data.0.id": [None]}}
    connect(**operation("remove", [look, NEXT["query"]])).remove(ANA)
    assert sent(anything) == ["GET /users/7"]


def test_a_web_page_is_no_answer_without_it(anything, connect):
    anything.answer = lambda request: Reply(200, "<!doctype html>", {"Content-Type": "text/html"})
    with pytest.raises(TemporarilyUnavailable):
        connect(**operation("remove", [LOOK, NEXT["query"]])).remove(ANA)
    assert sent(anything) == ["GET /users/7"]


# What the account, the asset, the role and the fields lack

PARTS = {
    "query": {"path": "/x", "query": {"a": "{%s}"}},
    "query in path": {"path": "/x?a={%s}"},
    "text in query": {"path": "/x", "query": {"filter": 'a eq "{%s}"'}},
    "headers": {"path": "/x", "headers": {"X-A": "{%s}"}},
    "body": {"path": "/x", "body": {"a": {"b": ["{%s}"]}}},
    "text in body": {"path": "/x", "body": "a is {%s}"},
    "form": {"path": "/x", "form": {"a": "{%s}"}},
    "path": {"path": "/x/{%s}"},
}


def with_name(part: str, name: str) -> dict:
    def put_in(node):
        if isinstance(node, dict):
            return {key: put_in(value) for key, value in node.items()}
        return [put_in(one) for one in node] if isinstance(node, list) else node.replace("%s", name)

    return {"method": "DELETE", **put_in(PARTS[part])}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", ["account.email", "account.name", "account.seat", "account.role"])
def test_a_value_that_the_account_lacks_stops_it_before_anything_is_sent(anything, connect, part, name):
    look = {"method": "GET", "path": "/users/{account.id}", "keep": {"m": "id"}}
    connector = connect(**operation("remove", [look, with_name(part, name)]))
    with pytest.raises(Refused, match=rf"DELETE /x.* was not sent: in its \w+, “{{{name}}}” is empty"):
        connector.remove(Account("7"))
    assert sent(anything) == [], "also the first call, which lacks nothing"


@pytest.mark.parametrize("part", [part for part in PARTS if part != "path"])
def test_a_value_that_may_be_empty_is_marked(anything, connect, part):
    anything.answer = lambda request: {}
    connect(**operation("remove", with_name(part, "account.seat?"))).remove(ANA)
    [request] = anything.requests
    assert "a" not in request.params or part in ("query in path", "text in query")
    anything.requests.clear()
    connect(**operation("remove", with_name(part, "account.seat?"))).remove(replace(ANA, seat="full"))
    [request] = anything.requests
    assert "full" in f"{request.params} {request.headers} {request.body}"


def test_a_role_is_asked_for_where_the_call_has_one(anything, connect):
    calls = {"invite": {"path": "/invitations", "body": {"email": "{email}", "role": "{role}"}},
             "assets": [{"path": "/teams", "kind": "team", "asset": {"id": "id"},
                         "grant": {"path": "/teams/{asset.id}", "body": {"who": "{account.id}", "as": "{role}"}}},
                        ]}  # fmt: skip
    connector = connect(**calls)
    for operate in (lambda: connector.invite("new@acme.example", ""), lambda: connector.grant(ANA, OPS, "")):
        with pytest.raises(Refused, match="“{role}” is empty"):
            operate()
    with pytest.raises(Refused, match="“{email}” is empty"):
        connector.invite(" ", "user")
    assert not anything.requests


def test_a_role_that_the_file_calls_null_is_no_hole(anything, connect):
    anything.answer = lambda request: {}
    call = {"path": "/x", "values": {"user": None, "admin": "boss"}, "body": {"role": "{role}"}}
    connect(**operation("change_role", call)).change_role(ANA, "user")
    assert anything.requests[0].body == {"role": None}


def test_a_name_of_the_asset_that_is_empty_stops_it(anything, connect):
    assets = [{"path": "/teams", "kind": "team", "asset": {"id": "id"},
               "revoke": {"method": "DELETE", "path": "/members", "query": {"team": "{asset.name}"}}}]  # fmt: skip
    with pytest.raises(Refused, match="in its query, “{asset.name}” is empty"):
        connect(assets=assets).revoke(ANA, replace(OPS, name=""))
    assert not anything.requests


def test_a_list_of_one_parent_is_not_asked_for_without_the_parent(anything, connect):
    anything.answer = lambda request: [{"name": "no id"}] if request.path == "/teams" else []
    accounts = [{"for_each": "teams", "path": "/users", "query": {"team": "{parent.id}"}, "account": {"id": "id"}}]
    with pytest.raises(Refused, match="in its query, “{parent.id}” is empty"):
        ids(connect(accounts=accounts, lists=[{"name": "teams", "path": "/teams"}]))
    assert sent(anything) == ["GET /teams"]


def test_a_field_that_was_left_empty_is_left_out_of_what_reads(anything, connect):
    accounts = [{"path": "/users", "query": {"space": "{space}"}, "account": {"id": "id"}}]
    assert ids(connect(accounts=accounts, fields=OPTIONAL)) == []
    assert anything.requests[0].params == {}


# What a file may say


@pytest.mark.parametrize(
    "call, reason",
    [
        ({"path": "/users/{account.id}", "keep": {"m": "id"}}, "add the call's “method”: GET if it"),
        ({"method": "GET", "path": "/u", "keep": {"m": "headers.ETag"}}, "For a header, write {header: ETag}"),
        ({"method": "GET", "path": "/u", "keep": {"m": "headers"}}, "For a header, write"),
        ({"method": "GET", "path": "/u", "keep": {"m": {"heading": "ETag"}}}, "“heading” is not known"),
        ({"method": "GET", "path": "/u", "keep": {"m": {}}}, "“m” lacks “header”"),
        ({"path": "/users/{account.name?}"}, "a path needs each of its values"),
        ({"path": "/x", "query": {"space": "{space}"}}, "the field “space” may be left empty"),
        ({"path": "/x", "body": [{"space": "in {space}"}]}, "the field “space” may be left empty"),
    ],
)
def test_a_file_that_invites_a_hole_is_refused_when_it_is_loaded(tmp_path, call, reason):
    with pytest.raises(DescriptionProblem) as raised:
        described(tmp_path, fields=OPTIONAL, **operation("remove", [call]))
    assert reason in str(raised.value)


@pytest.mark.parametrize(
    "call",
    [
        {"method": "GET", "path": "/u", "keep": {"m": ["headers", "ETag"]}},
        {"path": "/x?a={account.name?}", "query": {"space": "{space?}", "user": "{user}"}},
        {"path": "/x", "body": {"name": "{account.name?}"}},
    ],
)
def test_a_file_that_says_what_it_means_is_right(tmp_path, call):
    described(tmp_path, fields=OPTIONAL, **operation("remove", [call]))


@pytest.mark.parametrize(
    "identity, reason",
    [
        ({"id": "id"}, "must be text that contains a field"),
        ({"id": "{nobody}"}, "“{nobody}” isn't known here"),
        ({"id": "{token}"}, "the field “token” is secret"),
        ({"name": "{user}"}, "say which account the credential has"),
        ({"id": "{user}", "needs": [{"when": {"ok": [True]}, "otherwise": "No."}]}, "needs a call: add its “path”"),
        ({"path": "/me", "id": "id", "account": False}, "has no account: remove “id”"),
        ({"path": "/me", "account": True}, "“account” must be false"),
    ],
)
def test_an_identity_that_says_nothing_is_refused(tmp_path, identity, reason):
    with pytest.raises(DescriptionProblem) as raised:
        described(tmp_path, identity=identity)
    assert reason in str(raised.value)


# What would be sent


def test_an_operation_is_shown_as_it_would_be_sent(anything, connect):
    calls = [{"method": "GET", "path": "/memberships", "query": {"of": "{account.email}"}, "keep": {"m": "0.id"}},
             {"method": "DELETE", "path": "/memberships/{kept.m}", "headers": {"X-By": "{user}"}},
             {"path": "/log", "query": {"m": "{kept.m}"}, "body": {"gone": "{account.id}", "by": "{token}"}},
             ]  # fmt: skip
    shown = connect(headers={"X-Space": "acme"}, **operation("remove", calls)).shown("remove", ANA)
    base = anything.url
    assert [(one.method, one.address) for one in shown] == [
        ("GET", f"{base}/memberships?of=ana%40acme.example"), ("DELETE", f"{base}/memberships/{{kept.m}}"),
        ("POST", f"{base}/log?m={{kept.m}}"),
    ]  # fmt: skip
    assert shown[1].headers == {"X-Space": "acme", "X-By": "olga", "Authorization": "•••"}
    assert shown[2].body == {"gone": "7", "by": "•••"}
    assert SECRET not in repr(shown) and not anything.requests


@pytest.mark.parametrize(
    "auth, where",
    [
        ({"header": {"name": "X-Key", "value": "{token}"}}, "X-Key"),
        ({"login": {"path": "/login", "body": {"p": "{token}"}}}, "Authorization"),
        ({"login": {"path": "/login", "body": {"p": "{token}"}, "send": {"name": "X-T", "value": "{login.token}"}}},
         "X-T"),
        ({"query": {"name": "key", "value": "{token}"}}, None),
    ],
)  # fmt: skip
def test_where_the_credential_goes_is_shown_without_it(anything, connect, auth, where):
    [shown] = connect(auth=auth, **operation("remove", {"path": "/x"})).shown("remove", ANA)
    assert (shown.headers if where else shown.address.partition("?")[2]) == ({where: "•••"} if where else "key=•••")
    assert not anything.requests
