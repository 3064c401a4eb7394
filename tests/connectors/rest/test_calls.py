"""How a YAML-described app is called: each kind of credential and of paging, and what an address may be."""

from __future__ import annotations

import base64

import pytest

from connectors.base import (
    CredentialRejected,
    Refused,
    TemporarilyUnavailable,
)
from tests.connectors.described import NO, SECRET, Anything, described, ids, pages, users
from tests.connectors.fake import Reply, Request

# Credentials


@pytest.mark.parametrize(
    "auth, name, value",
    [
        ({"bearer": "{token}"}, "authorization", f"Bearer {SECRET}"),
        ({"basic": {"user": "{user}", "password": "{token}"}}, "authorization",
         "Basic " + base64.b64encode(f"olga:{SECRET}".encode()).decode()),
        ({"header": {"name": "X-Api-Key", "value": "key {token}"}}, "x-api-key", f"key {SECRET}"),
    ],
)  # fmt: skip
def test_a_credential_goes_into_a_header(anything, connect, auth, name, value):
    anything.answer = lambda request: users(1) if request.headers.get(name) == value else NO
    assert ids(connect(auth=auth)) == ["0"]


def test_a_credential_goes_into_the_query_of_every_page(anything, connect):
    def answer(request: Request):
        if request.query.get("key") != [SECRET]:
            return NO
        following = f"{anything.url}/users?offset=1&key={SECRET}" if not request.params.get("offset") else None
        return {"users": users(2)[request.number("offset", 0) :][:1], "next": following}

    anything.answer = answer
    list_ = {"path": "/users", "items": "users", "paging": {"link": {"next": "next"}}, "account": {"id": "id"}}
    connector = connect(auth={"query": {"name": "key", "value": "{token}"}}, accounts=[list_])
    assert ids(connector) == ["0", "1"]


class TokenGiver:
    """A server whose tokens are good for so many calls."""

    def __init__(self, app: Anything, good_for: int = 1000, expires_in: object = None):
        self.given, self.left, self.good_for, self.expires_in, self.logins = "", 0, good_for, expires_in, []
        app.answer = self.answer

    def answer(self, request: Request):
        if request.path == "/token":
            self.logins.append(request)
            self.given, self.left = f"token-{len(self.logins)}", self.good_for
            return {"access_token": self.given, "session": {"id": self.given}, "expires_in": self.expires_in}
        if request.headers.get("authorization") != f"Bearer {self.given}" or not self.left:
            return NO
        self.left -= 1
        return pages(users(250), request)


PAGED = [{"path": "/users", "paging": {"offset": {"size": 100, "size_parameter": "limit"}}, "account": {"id": "id"}}]


def client_credentials(app: Anything, **more: str) -> dict:
    return {"oauth2": {"token_url": f"{app.url}/token", "client_id": "{user}", "client_secret": "{token}", **more}}


@pytest.mark.parametrize("how", ["basic", "body"])
def test_client_credentials_give_a_token(anything, connect, how):
    giver = TokenGiver(anything)
    auth = client_credentials(anything, credentials=how, scope="members.read", parameters={"audience": "desk"})
    assert len(ids(connect(auth=auth, accounts=PAGED))) == 250
    [login] = giver.logins
    sent = {"grant_type": "client_credentials", "scope": "members.read", "audience": "desk"}
    if how == "body":
        assert login.body == {**sent, "client_id": "olga", "client_secret": SECRET}
    else:
        basic = base64.b64encode(f"olga:{SECRET}".encode()).decode()
        assert login.body == sent and login.headers["authorization"] == f"Basic {basic}"


def test_logging_in_gives_a_token(anything, connect):
    giver = TokenGiver(anything)
    login = {"path": "/token", "body": {"who": {"name": "{user}"}, "password": "{token}"}, "token": "session.id"}
    assert len(ids(connect(auth={"login": login}, accounts=PAGED))) == 250
    assert [request.body for request in giver.logins] == [{"who": {"name": "olga"}, "password": SECRET}]


def test_a_token_that_ends_half_way_is_renewed(anything, connect):
    giver = TokenGiver(anything, good_for=2)
    assert len(ids(connect(auth=client_credentials(anything), accounts=PAGED))) == 250
    assert len(giver.logins) == 2


def test_a_token_is_renewed_once_a_call_and_then_it_is_rejected(anything, connect):
    giver = TokenGiver(anything, good_for=0)
    with pytest.raises(CredentialRejected):
        ids(connect(auth=client_credentials(anything), accounts=PAGED))
    assert len(giver.logins) == 2


def test_a_missing_permission_does_not_ask_for_another_token(anything, connect):
    giver = TokenGiver(anything)
    good = giver.answer
    anything.answer = lambda request: good(request) if request.path == "/token" else Reply(403, {"message": "no"})
    with pytest.raises(CredentialRejected):
        ids(connect(auth=client_credentials(anything), accounts=PAGED))
    assert len(giver.logins) == 1


def test_a_token_near_its_announced_end_is_renewed_before(anything, connect, monkeypatch):
    giver, now = TokenGiver(anything, expires_in=60), [0.0]
    monkeypatch.setattr("connectors.tools.renewal.time.monotonic", lambda: now[0])
    connector = connect(auth=client_credentials(anything), accounts=PAGED)
    ids(connector)
    now[0] = 31.0
    ids(connector)
    assert len(giver.logins) == 2


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_login_is_the_credentials_fault_and_hides_it(anything, connect, status):
    anything.answer = lambda request: Reply(status, {"error": f"invalid_client {SECRET}"})
    with pytest.raises(CredentialRejected, match="Check the credential that was entered") as raised:
        ids(connect(auth=client_credentials(anything)))
    assert SECRET not in str(raised.value)


def test_a_token_that_was_given_is_kept_out_of_messages(anything, connect):
    giver = TokenGiver(anything)
    good = giver.answer
    anything.answer = lambda request: good(request) if request.path == "/token" else Reply(400, {"error": giver.given})
    with pytest.raises(Refused) as raised:
        ids(connect(auth=client_credentials(anything)))
    assert "token-1" not in str(raised.value)


@pytest.mark.parametrize("base_url", ["http://desk.example", "ftp://desk.example", "https://user:pw@desk.example", ""])
def test_an_address_that_was_entered_must_be_safe(tmp_path, base_url):
    connector = described(tmp_path)({"base_url": base_url, "token": SECRET})
    with pytest.raises(Refused):
        connector.test()


@pytest.mark.parametrize("site", ["evil.example/", "evil.example#", "a@evil.example", "a?b", "", "..", "a b", "é"])
def test_a_part_of_the_address_cannot_lead_elsewhere(tmp_path, site):
    fields = [{"name": "site", "label": "Site"}, {"name": "token", "label": "Token", "secret": True}]
    kind = described(tmp_path, base_url="https://{site}.desk.example/api", fields=fields)
    with pytest.raises(Refused):
        kind({"site": site, "token": SECRET}).test()


# Paging


def paged(paging: dict | None, **more) -> list[dict]:
    entry = {"path": "/users", "items": "users", "account": {"id": "id"}, **more}
    return [entry | ({"paging": paging} if paging else {})]


@pytest.mark.parametrize("count", [0, 1, 100, 101, 250])
@pytest.mark.parametrize("sends_total", [True, False])
@pytest.mark.parametrize(
    "kind", ["page", "page from 0", "offset", "offset from 1", "cursor", "last", "link", "address"]
)
def test_every_way_of_paging_gives_everyone(anything, connect, kind, count, sends_total):
    rows = users(count)

    def answer(request: Request):
        first = {"page": 100 * (request.number("page", 1) - 1), "page from 0": 100 * request.number("page", 0),
                 "offset": request.number("offset", 0), "offset from 1": request.number("offset", 1) - 1,
                 "last": request.number("after", -1) + 1}  # fmt: skip
        start = first.get(kind, request.number("from", 0))
        more = start + 100 < count
        body = {"users": rows[start : start + 100], "meta": {"next": str(start + 100) if more else None, "more": more}}
        body |= {"total": count} if sends_total else {}
        address = f"/users?from={start + 100}"
        body |= {"next": address if more else None} if kind == "address" else {}
        return Reply(200, body, {"Link": f'<{anything.url}{address}>; rel="next"'} if kind == "link" and more else {})

    anything.answer = answer
    size = {"size": 100, "size_parameter": "limit"}
    paging = {
        "page": {"page": size}, "page from 0": {"page": {**size, "first": 0}},
        "offset": {"offset": size}, "offset from 1": {"offset": {**size, "first": 1}},
        "cursor": {"cursor": {**size, "parameter": "from", "next": "meta.next"}},
        "last": {"cursor": {"parameter": "after", "last": "id", "more": "meta.more"}},
        "link": {"link": size}, "address": {"link": {"next": "next"}},
    }[kind]  # fmt: skip
    connector = connect(accounts=paged(paging, **({"total": "total"} if sends_total else {})))
    assert ids(connector) == [str(number) for number in range(count)]


POSITION = {
    "page": {"page": {"size": 100, "size_parameter": "limit"}},
    "offset": {"offset": {"size": 100, "size_parameter": "limit"}},
}


@pytest.mark.parametrize("kind", POSITION)
@pytest.mark.parametrize("count", [3, 100, 250])
def test_the_first_page_for_ever_is_no_whole_list(anything, connect, kind, count):
    anything.answer = lambda request: {"users": users(min(count, 100)), "total": min(count, 100)}
    with pytest.raises(TemporarilyUnavailable, match="the first page again instead of page 2") as problem:
        ids(connect(accounts=paged(POSITION[kind], total="total")))
    assert "paging" in problem.value.advice and len(anything.requests) == 2


@pytest.mark.parametrize("kind", POSITION)
def test_an_app_that_says_that_there_is_no_more_is_not_asked_for_it(anything, connect, kind):
    anything.answer = lambda request: {"users": users(3), "more": False}
    paging = {kind: {**POSITION[kind][kind], "more": "more"}}
    assert len(ids(connect(accounts=paged(paging)))) == 3 and len(anything.requests) == 1


@pytest.mark.parametrize("past", [{"users": None, "total": 120}, {"total": 0}, Reply(404, {"message": "Invalid page"}),
                                  Reply(400, {"message": "Out of range"})], ids=str)  # fmt: skip
@pytest.mark.parametrize("kind", POSITION)
@pytest.mark.parametrize("total", [120, 130])
def test_any_answer_past_the_end_ends_the_list_once_the_total_is_reached(anything, connect, kind, past, total):
    rows = users(120)

    def answer(request: Request):
        start = request.number("offset", 0) if kind == "offset" else 100 * (request.number("page", 1) - 1)
        return {"users": rows[start : start + 100], "total": total} if start < 120 else past

    anything.answer = answer
    connector = connect(accounts=paged(POSITION[kind], total="total"))
    if total == 120:
        assert len(ids(connector)) == 120
    else:
        with pytest.raises((TemporarilyUnavailable, Refused)):
            ids(connector)


def test_a_cursor_goes_into_a_body_and_comes_from_a_header(anything, connect):
    def answer(request: Request):
        start = int(request.body["variables"].get("after") or 0)
        assert request.method == "POST" and request.body["query"] == "{ users }"
        headers = {"X-Next": str(start + 2)} if start < 4 else {}
        return Reply(200, {"data": {"users": users(6)[start : start + 2]}}, headers)

    anything.answer = answer
    entry = paged({"cursor": {"parameter": "variables.after", "in": "body", "next_header": "X-Next"}})[0]
    entry |= {"method": "POST", "items": "data.users", "body": {"query": "{{ users }}", "variables": {"first": 2}}}
    assert len(ids(connect(accounts=[entry]))) == 6


def test_a_total_in_a_header_is_trusted_only_when_it_adds_up(anything, connect):
    anything.answer = lambda request: Reply(200, {"users": users(3)}, {"X-Total": "4"})
    with pytest.raises(TemporarilyUnavailable, match="4"):
        ids(connect(accounts=paged(None, total_header="X-Total")))


@pytest.mark.parametrize("body", [{}, {"users": None}, {"users": {"0": 1}}, {"users": "many"}, [], "users", 7, None])
def test_an_answer_without_its_list_is_no_empty_list(anything, connect, body):
    anything.answer = lambda request: Reply(200, "null" if body is None else body if body != "users" else '"users"')
    with pytest.raises(TemporarilyUnavailable):
        ids(connect(accounts=paged(None)))


def test_a_missing_list_is_empty_where_the_file_says_so(anything, connect):
    anything.answer = lambda request: {"users": None}
    assert ids(connect(accounts=paged(None, missing_is_empty=True))) == []


@pytest.mark.parametrize("row", [{}, {"id": None}, {"id": ""}, {"id": "\x00"}, 7, "x", None, []])
def test_an_account_without_an_id_fails_the_reading(anything, connect, row):
    anything.answer = lambda request: {"users": [row]}
    with pytest.raises((TemporarilyUnavailable, Refused)):
        ids(connect(accounts=paged(None)))


def test_a_next_address_on_another_host_is_not_followed(anything, connect):
    anything.answer = lambda request: {"users": users(1), "next": "https://evil.example/users"}
    with pytest.raises(Refused, match="another host"):
        ids(connect(accounts=paged({"link": {"next": "next"}})))
