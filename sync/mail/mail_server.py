"""Which server e-mails leave through: the one of ROLLCALL_SMTP_URL, otherwise the one entered under Settings.
The password of the latter is stored encrypted, and goes only to the server that it was entered for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from ipaddress import ip_address

from connectors.base import Field
from connectors.names import AddressProblem, domain_key
from sync import activity, credentials, private_networks, rank, vault
from sync.db import writing
from sync.mail import delivery, smtp
from sync.mail.smtp import MailDelayed, MailNotSent, Outgoing
from sync.models import Person
from sync.problems import Problem, refuse_overtaken
from sync.rank import Asker
from sync.settings import set_setting, setting
from sync.states import WorkspaceRole

KEPT_AS = "mail server"
FROM_ENVIRONMENT = "ROLLCALL_SMTP_URL"
# Only Owners: what leaves through the server has links that sign anyone in, Owners included.
MAY_SET = (WorkspaceRole.OWNER,)
MAY_TRY = (*MAY_SET, WorkspaceRole.SUPER_ADMIN)  # send a test e-mail to themselves
PATIENCE = 10  # seconds, for each step of a talk that someone waits for
SCHEMES = {"starttls": "smtp+starttls", "tls": "smtps", "none": "smtp"}
FIELDS = (
    Field("host", "Server", placeholder="smtp.example.com", help="Its name, without smtp:// or a port."),
    Field("encryption", "Encryption", choices=(
        ("starttls", "STARTTLS, usually port 587"), ("tls", "TLS, usually port 465"), ("none", "None"))),
    Field("port", "Port", placeholder="587"),
    Field("user", "User", required=False, help="Leave it empty if the server requires no sign-in."),
    Field("password", "Password", secret=True, required=False),
    Field("sender", "From", required=False, asks_secrets_again=False,
          help="The address that e-mails come from. Empty: the user's."),
)
LONGEST = {"host": 253, "user": 200, "password": 500, "sender": 254}

_from_environment: Outgoing | None = None
_base_url = "http://127.0.0.1:8000"


class MailServerProblem(Problem):
    """The mail server can't be used like this; the text is for the page. Nothing was changed."""


@dataclass(frozen=True)
class MailServer:
    """What was entered under Settings. `encryption` is one of SCHEMES."""

    host: str
    port: int
    encryption: str
    user: str
    sender: str


def configure(smtp_url: str | None, base_url: str) -> None:
    """Take the server of the environment, which wins, and what links begin with.

    Raises ValueError with a sentence for an URL that can't be used.
    """
    global _from_environment, _base_url
    _base_url = base_url
    _from_environment = smtp.parse_smtp_url(smtp_url, base_url) if smtp_url else None


def of_environment() -> Outgoing | None:
    """The server of ROLLCALL_SMTP_URL."""
    return _from_environment


def entered() -> MailServer | None:
    """What Settings shows: the server that was entered there, without its password."""
    kept = setting(KEPT_AS)
    return MailServer(**{name: kept[name] for name in MailServer.__dataclass_fields__}) if kept else None


def is_set() -> bool:
    """Whether there is a server that e-mails can leave through."""
    return _from_environment is not None or bool(setting(KEPT_AS))


def current() -> Outgoing | None:
    """The server that e-mails leave through now. Raises MailDelayed where its password can't be decrypted."""
    if _from_environment is not None:
        return _from_environment
    kept, server = setting(KEPT_AS), entered()
    if server is None:
        return None
    try:
        return _outgoing(server, _stored_password(kept), kept["private_network_approver"] is not None)
    except vault.VaultProblem:
        raise MailDelayed("The stored password of the mail server can't be decrypted.",
                          "Enter it again under Settings, Mail.") from None


def save(given: Mapping[str, str], by: Asker) -> MailServer:
    """Store this server once it has accepted a connection and the sign-in.

    `given`: a text for each of FIELDS; an empty password keeps the stored one, for the same server and user. Raises
    MailServerProblem, SecretNeeded, NotAllowed or Overtaken, and changes nothing, if it can't be used.
    """
    rank.require(by, *MAY_SET)
    if _from_environment is not None:
        raise MailServerProblem(f"{FROM_ENVIRONMENT} is set, and takes precedence. Nothing was changed.")
    before, kept = _as_entered(entered()), setting(KEPT_AS) or {}
    known = {"password": ""}
    with suppress(vault.VaultProblem):  # then it must be entered again
        known = {"password": _stored_password(kept) if given.get("user", "").strip() else ""}
    values = credentials.with_stored(FIELDS, given, before, known)
    server, password = _checked(values)
    approver = _approver(by) or private_networks.still_approved(
        FIELDS, values, before, kept.get("private_network_approver"))
    try:
        smtp.greet(_outgoing(server, password, approver is not None), PATIENCE)
    except MailNotSent as problem:
        raise MailServerProblem(f"{problem.in_full} Nothing was changed.") from None
    with writing():
        refuse_overtaken(kept, setting(KEPT_AS) or {})
        sealed = vault.seal({"password": password}).decode() if password else ""
        set_setting(KEPT_AS, asdict(server) | {"password": sealed, "private_network_approver": approver})
        delivery.succeeded()
        activity.record(by, "changed mail server", about=server.host, before=_server_in_words(before),
                        after=_server_in_words(_as_entered(server)))
    return server


def remove(by: Asker) -> None:
    """Delete the server and its password: from now on e-mails wait in the outbox."""
    rank.require(by, *MAY_SET)
    before = entered()
    if before is not None:
        with writing():
            set_setting(KEPT_AS, None)
            delivery.succeeded()
            activity.record(by, "removed mail server", about=before.host, before=_server_in_words(_as_entered(before)))


def _approver(by: Asker) -> str | None:
    person = Person.get_or_none(Person.id == by.person_id)
    return private_networks.approver(person) if person else None


def _stored_password(kept: Mapping) -> str:
    return vault.unseal(kept["password"].encode()).get("password", "") if kept.get("password") else ""


def _as_entered(server: MailServer | None) -> dict[str, str]:
    return {name: str(value) for name, value in asdict(server).items()} if server else {}


def _server_in_words(values: Mapping[str, str]) -> str | None:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value) or None


def _checked(values: Mapping[str, str]) -> tuple[MailServer, str]:
    """The server and its password. Raises MailServerProblem, which says what to enter instead."""
    values = {field.name: (values.get(field.name) or "").strip() for field in FIELDS}
    for name, longest in LONGEST.items():
        if len(values[name]) > longest:
            raise MailServerProblem(f"A {name} has at most {longest} characters. Nothing was changed.")
    encryption, port = values["encryption"] or "starttls", values["port"]
    if encryption not in SCHEMES:
        raise MailServerProblem("Choose STARTTLS, TLS or none as the encryption. Nothing was changed.")
    if not (port.isascii() and port.isdecimal() and len(port) < 6 and 0 < int(port) < 65536):
        raise MailServerProblem("The port is a number from 1 to 65535, usually 587 or 465. Nothing was changed.")
    host, user, password = _host(values["host"]), values["user"], values["password"]
    try:
        smtp.refuse_credential(user, password)
        sender = smtp.sender_of(values["sender"], user, _base_url)
    except ValueError as problem:
        raise MailServerProblem(f"{problem} Nothing was changed.") from None
    if smtp.is_in_the_clear(SCHEMES[encryption], host, password):
        raise MailServerProblem("Without encryption, anyone on the network could read the password. Choose STARTTLS or "
                                "TLS. Nothing was changed.")
    return MailServer(host, int(port), encryption, user, sender), password


def _host(text: str) -> str:
    """A name or an address and nothing else: no port, no user, no line break."""
    with suppress(ValueError):
        return str(ip_address(text.strip("[]")))
    try:
        host = domain_key(text.rstrip("."))
    except (AddressProblem, ValueError, IndexError):
        host = ""
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", host) or ".." in host:
        raise MailServerProblem("Enter the server's name alone, such as smtp.example.com. Nothing was changed.")
    return host


def _outgoing(server: MailServer, password: str, private: bool) -> Outgoing:
    return Outgoing(SCHEMES[server.encryption], server.host, server.port, server.sender, server.user, password,
                    checked=True, private=private)
