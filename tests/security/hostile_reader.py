"""Reads from hostile servers with little memory and small time-outs; prints what became of each as JSON.
`python -m tests.security.hostile_reader PROTOCOL {"case": port, …}`."""

from __future__ import annotations

import json
import resource
import sys
import threading
from collections.abc import Callable

import connectors
from tests.blank import LOCAL

ROOM = 700_000_000  # bytes of memory beyond what the program needs to start
SECONDS = 0.5  # for one whole answer
LONG = 300  # where nothing but size may end an answer: more than it takes on a busy machine


def http(port: int, whole: float = SECONDS, piece: float = 1) -> object:
    from connectors.tools.http import Http

    client = Http(f"http://127.0.0.1:{port}", timeout=(piece, piece), max_seconds=whole, retries=0)
    return client.get("/people").json(dict)


def large_http(port: int) -> object:
    """With time enough, so that nothing but size ends it."""
    return http(port, whole=LONG, piece=LONG)


def listed(port: int) -> object:
    """A whole list by its next links, bounded by the pager's number of pages."""
    from connectors.tools import paging
    from connectors.tools.http import Http

    paging.MOST_PAGES = 50
    client = Http(f"http://127.0.0.1:{port}", retries=0)

    def fetch(address: str | None) -> paging.Page:
        answer = client.get(address or "/people")
        return paging.Page(answer.json(list), next=paging.next_link(answer))

    return sum(len(page) for page in paging.pages_by_link(fetch))


def ldap(port: int, whole: float = 2 * SECONDS, piece: int = 1) -> object:
    from connectors.directories.ldap import LdapDirectory
    from connectors.ldap import client as ldap_client

    ldap_client.CONNECT_SECONDS, ldap_client.ANSWER_SECONDS = piece, piece
    ldap_client.WHOLE_SECONDS, ldap_client.MOST_PAGES = whole, 50
    directory = LdapDirectory({
        "url": f"ldap://127.0.0.1:{port}", "base": "dc=acme,dc=example", "base_dn": "dc=acme,dc=example",
        "bind_dn": "cn=rollcall", "password": "secret",
    })  # fmt: skip
    try:
        return len(list(directory.people()))
    finally:
        directory.close()


def large_ldap(port: int) -> object:
    """With time enough, so that nothing but size ends it."""
    return ldap(port, whole=LONG, piece=LONG)


def postgres(port: int, answer: float = 1) -> object:
    from connectors.postgres import client as postgres_client

    postgres_client.CONNECT_SECONDS, postgres_client.ANSWER_SECONDS = 2, answer
    settings = {"host": "127.0.0.1", "port": str(port), "user": "rollcall", "password": "secret"}
    client = postgres_client.PostgresClient(settings)
    try:
        return len(client.rows("SELECT oid::text, rolname FROM pg_roles WHERE oid > %s", (0,)))
    finally:
        client.close()


def large_postgres(port: int) -> object:
    """With time enough, so that nothing but size ends it."""
    return postgres(port, answer=LONG)


def smtp(port: int, whole: float = SECONDS, piece: float = 1) -> object:
    """One mail, three ways, until one fails: in the clear, with a password, with StartTLS."""
    from datetime import datetime

    from sync.mail import smtp as mail_smtp
    from sync.models import Mail

    mail = Mail(id=1, key="k", to="leo@acme.example", subject="Hello", text="Hello", html="<p>Hello</p>",
                created_at=datetime(2026, 1, 1))  # fmt: skip
    for address in ("smtp://", "smtp://rollcall%40acme.example:s3cret@", "smtp+starttls://"):
        outgoing = mail_smtp.parse_smtp_url(f"{address}127.0.0.1:{port}", "http://127.0.0.1:8000")
        mail_smtp.deliver(mail_smtp.compose(mail, outgoing), outgoing, piece, whole)
    return "delivered"


def large_smtp(port: int) -> object:
    """With time enough, so that nothing but size ends it."""
    return smtp(port, whole=LONG, piece=LONG)


READERS: dict[str, Callable[[int], object]] = {
    "http": http, "large http": large_http, "listed": listed, "ldap": ldap, "large ldap": large_ldap, "smtp": smtp,
    "large smtp": large_smtp, "postgres": postgres, "large postgres": large_postgres,
}  # fmt: skip


def outcomes(read: Callable[[int], object], port: int) -> dict[str, str]:
    try:
        return {"kind": "", "says": repr(read(port))[:200]}
    except BaseException as problem:
        kinds = [kind.__name__ for kind in type(problem).__mro__]
        return {"kind": " ".join(kinds), "says": str(problem)}


def main() -> None:
    protocol, ports = sys.argv[1], json.loads(sys.argv[2])
    threading.stack_size(1_000_000)
    connectors.allow_networks(connectors.parse_networks(LOCAL["ROLLCALL_PRIVATE_NETWORKS"]))
    with open("/proc/self/statm") as memory:
        used = int(memory.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, used + ROOM))
    print(json.dumps({case: outcomes(READERS[protocol], port) for case, port in ports.items()}))


if __name__ == "__main__":
    main()
