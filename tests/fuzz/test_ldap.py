"""What LDAP servers answer: messages that are nearly right, over a real connection, and values that nobody expects.
A reading gives people or one of the connectors' errors."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import ConnectorError, DirectoryPerson
from connectors.directories.ldap import LdapDirectory
from connectors.ldap import client as ldap_client
from tests.fuzz.odd import fuzzed, nearly_bytes, odd_texts
from tests.security.hostile import listening
from tests.security.test_hostile_ldap import done, entry, message, person, result, signs_in, text, tlv

ID = 0xF1  # the message's number in what is made; the asked one is put in its place
TIMES = (
    "20261101000000Z",
    "99991231235959Z",
    "20260230000000Z",
    "2026",
    "0",
    "-1",
    "9223372036854775807",
    "132000000000000000",
    "20261101000000.123+0100",
    "x",
    "",
    "9" * 40,
    "000001010000Z",
    "512",
    "514",
    "66050",
    "TRUE",
    "FALSE",
    "never",
)
NAMES = (
    "objectGUID",
    "entryUUID",
    "userAccountControl",
    "accountExpires",
    "lockoutTime",
    "pwdAccountLockedTime",
    "shadowExpire",
    "krbPrincipalExpiration",
    "nsAccountLock",
    "loginDisabled",
    "memberOf",
    "member",
    "mail",
    "cn",
    "uid",
    "proxyAddresses",
    "employeeNumber",
    "msDS-User-Account-Control-Computed",
    "member_range=0-1",
    "sambaAcctFlags",
    "loginExpirationTime",
)
DNS = (
    "cn=a,dc=acme",
    "cn=a\\,b,dc=acme",
    "cn=\\",
    "cn",
    "",
    "cn=a,,dc=b",
    "cn=\\zz",
    "=",
    ",",
    "cn=a+sn=b,dc=x",
    'cn="a,b",dc=x',
    "cn=\\c3",
)
values = st.lists(
    st.sampled_from((*TIMES, *DNS)).map(str.encode)
    | odd_texts.map(lambda t: t.encode("utf-8", "replace"))
    | st.binary(max_size=20),
    max_size=3,
)
entries = st.builds(
    lambda dn, more, known: entry(
        ID, dn.encode("utf-8", "replace").decode(), **({"entryUUID": [b"1"]} if known else {}), **more
    ),
    st.sampled_from(("uid=ana,dc=acme,dc=example", *DNS)) | odd_texts,
    st.dictionaries(st.sampled_from(NAMES), values, max_size=5).map(
        lambda shown: {k: v for k, v in shown.items() if k != "entryUUID"}
    ),
    st.booleans(),
)
messages = st.one_of(
    st.builds(lambda which: person(ID, which), st.integers(0, 9)),
    entries,
    st.just(message(ID, tlv(0x73, text("ldap://127.0.0.2/")))),
    st.sampled_from((done(ID, b"more"), message(ID, result(0x61)))),
    st.builds(
        lambda code, shown: message(ID, result(0x65, code, shown.encode("utf-8", "replace").decode())),
        st.integers(0, 130),
        odd_texts,
    ),
)
answers = st.lists(messages, max_size=4).map(b"".join)


class Server:
    """Answers each search with the next of `answers`, then with an empty list; hangs up after what makes no whole."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []

    def says(self, connection: socket.socket, stopped: threading.Event, id: int) -> None:
        if self.answers:
            connection.sendall(self.answers.pop(0).replace(b"\x02\x02\x00\xf1", tlv(0x02, id.to_bytes(2))))
            connection.shutdown(socket.SHUT_WR) if not self.answers else None
        else:
            connection.sendall(done(id))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Server, int]]:
    monkeypatch.setattr(ldap_client, "MOST_PAGES", 20)
    server = Server()
    with listening(signs_in(server.says)) as port:
        yield server, port


def read(server: Server, port: int, answers: list[bytes], **settings: str) -> None:
    server.answers = answers
    directory = LdapDirectory({"url": f"ldap://127.0.0.1:{port}", "base_dn": "dc=acme,dc=example"} | settings)
    directory.today = None
    try:
        for found in directory.people():
            assert isinstance(found, DirectoryPerson) and isinstance(found.id, str) and isinstance(found.email, str)
            assert found.status in ("active", "suspended", "deprovisioned")
    except ConnectorError as problem:
        assert 0 < len(str(problem)) < 3000
    finally:
        directory.close()


@fuzzed
@given(first=nearly_bytes(answers | st.just(person(ID, 1) + done(ID)), 3))
def test_messages(server, first):
    read(*server, [first])


@fuzzed
@given(found=st.lists(entries, min_size=1, max_size=3), member_of=st.booleans())
def test_values(server, found, member_of):
    more = {} if member_of else {"group_base": "ou=groups,dc=acme,dc=example"}
    read(
        *server, [b"".join(found) + done(ID), b"".join(found) + done(ID), b"".join(found) + done(ID), done(ID)], **more
    )
