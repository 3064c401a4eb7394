"""One connection to an LDAP server: OpenLDAP, 389, FreeIPA or Active Directory, distinguished by their attributes.
Lists are read in pages. A search that doesn't end with success fails the reading, however many entries have come."""

from __future__ import annotations

import ssl
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connectors.base import ConnectorError, CredentialRejected, Field, Refused, TemporarilyUnavailable
from connectors.ldap.ends import Ends
from connectors.ldap.library import faults, library
from connectors.ldap.references import ACTIVE_DIRECTORY, leads_to, may_have_people
from connectors.ldap.rules import IS, LEFT, OPERATORS, Rule, parse
from connectors.time_limit import time_limit
from connectors.tools.addresses import is_loopback
from connectors.tools.redaction import one_line

# RFC 4519, RFC 2307 and Active Directory. groupOfMembers and groupOfEntries may be empty; they are of the drafts
# draft-howard-rfc2307bis-02 and draft-findlay-ldap-groupofentries-00 at datatracker.ietf.org.
GROUP_CLASSES = ("groupOfNames", "groupOfUniqueNames", "groupOfMembers", "groupOfEntries", "posixGroup", "group")
GROUPS = f"(|{''.join(f'(objectClass={name})' for name in GROUP_CLASSES)})"
PAGE = 500
CONNECT_SECONDS, ANSWER_SECONDS = 10, 60  # seconds to connect, and between two pieces of an answer
WHOLE_SECONDS = 300  # seconds for one whole answer, however slowly its bytes come
MOST_PAGES = 200_000

PAGED_RESULTS = "1.2.840.113556.1.4.319"  # RFC 2696

# Attribute names in the order of preference. Which of them a directory has depends on its kind.
IDS = ("entryUUID", "objectGUID", "nsUniqueId")
NAMES = ("displayName", "cn")
USER_NAMES = ("uid", "sAMAccountName")
MEMBER_DNS = ("member", "uniqueMember")

BASE, SUBTREE, MODIFY_ADD, MODIFY_DELETE = "BASE", "SUBTREE", "MODIFY_ADD", "MODIFY_DELETE"  # as ldap3 names them
SUCCESS = 0
REJECTED = {8, 13, 48, 49, 50}  # RFC 4511 A.1: stronger auth or confidentiality required, credentials, access rights
SIZE_LIMIT_EXCEEDED, ADMIN_LIMIT_EXCEEDED = 4, 11
NO_SUCH_ATTRIBUTE, VALUE_EXISTS, NO_SUCH_OBJECT, CLASS_VIOLATION = 16, 20, 32, 65
PASSING = {1, 3, 51, 52, 80}  # operations error, time limit, busy, unavailable, other

SERVER_FIELDS = (
    Field("url", "Server", "The address begins with ldaps://. With StartTLS, or on this machine, it may be ldap://.",
          pattern=r"ldaps?://[^/\s@]+/?", placeholder="ldaps://ldap.acme.example"),
    Field("starttls", "StartTLS", "Encrypt a connection that begins as ldap://.",
          choices=(("no", "No"), ("yes", "Yes"))),
    Field("bind_dn", "Bind DN", "The account that Rollcall signs in as. If it is empty, Rollcall reads anonymously.",
          required=False, of_credential=True,
          placeholder="cn=rollcall,ou=services,dc=acme,dc=example"),
    Field("password", "Password", secret=True, required=False),
)  # fmt: skip
ENTRY_FIELDS = (
    Field("id_attribute", "Attribute of the id", f"It must never change. Empty: {' or '.join(IDS)}",
          required=False, asks_secrets_again=False),
    Field("email_attribute", "Attribute of the e-mail address", "Empty: mail", required=False,
          asks_secrets_again=False),
    Field("name_attribute", "Attribute of the name", f"Empty: {' or '.join(NAMES)}", required=False,
          asks_secrets_again=False),
    Field("disabled", "What marks a person as disabled",
          "Write attribute=value. Rollcall also reads the attributes that each kind of server uses for this.",
          required=False,
          pattern=r"[A-Za-z][\w;-]*=.+", placeholder="employeeType=left", asks_secrets_again=False),
    Field("ends", "What ends an account",
          "For attributes of your own, write one rule per line: the attribute, then "
          f"{', '.join(OPERATORS[:-1])} or {OPERATORS[-1]}, the value, a colon, and left, locked or here.",
          required=False, multiline=True,
          placeholder="employeeStatus is terminated: left", asks_secrets_again=False),
)  # fmt: skip
AUTHORITY_FIELD = Field(
    "ca_file", "Certificate authority", "The path of a PEM file, if your own authority signed the server's "
    "certificate.", required=False, placeholder="/etc/ssl/acme-ca.pem", path=True,
)  # fmt: skip
LIMITS = (
    "OpenLDAP shows an account at most 500 entries, unless you raise its limit in slapd's configuration: "
    'limits dn.exact="cn=rollcall,ou=services,dc=acme,dc=example" size.prtotal=unlimited'
)
Values = dict[str, list[bytes]]  # an entry's attributes, by name in lower case


class LdapClient:
    """`search` and `entry` read, `add_value` and `delete_value` change; `id`, `status` and `names` explain attributes.

    `settings` are the values of SERVER_FIELDS, ENTRY_FIELDS and AUTHORITY_FIELD. It connects at the first call. Every
    method raises the four ConnectorErrors and nothing else.
    """

    def __init__(self, settings: dict[str, str], read_only: bool = True):
        self._settings, self._read_only = settings, read_only
        self._connection: Any = None
        self._spellings: dict[str, str] = {}
        self.other_domains: set[str] = set()  # DNs of domains below the base that this server doesn't have
        self.now: datetime | None = None  # the time for which it is decided who has left; None: the present
        self.today: date | None = None  # the workspace's day, set by the caller; None: the day in UTC

    def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            try:
                connection.unbind()
            except (faults().LDAPException, OSError):
                return  # the server has already hung up

    @property
    def who(self) -> str:
        return self.get("bind_dn", "nobody in particular")

    def get(self, name: str, default: str = "") -> str:
        return self._settings.get(name) or default

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(filter(None, [self.get("id_attribute")])) or IDS

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(filter(None, [self.get("name_attribute")])) or NAMES

    @property
    def email(self) -> str:
        return self.get("email_attribute", "mail")

    @property
    def asked(self) -> list[str]:
        """The attributes that `id`, `status`, a name and an e-mail address are read from."""
        return [*self.ids, *self.names, *USER_NAMES, self.email, *self.ends.asked]

    @cached_property
    def ends(self) -> Ends:
        """What ends an account. Raises Refused for a rule that can't be used."""
        attribute, _, value = self.get("disabled").partition("=")
        marks = Rule(attribute, IS, value, LEFT) if attribute else None
        return Ends(parse(self.get("ends")), marks, self.now, self.today)

    def id(self, dn: str, values: Values) -> str:
        """The entry's id, which never changes. Raises Refused if the entry shows none."""
        for name in self.ids:
            for value in values.get(name.lower(), ()):
                if name == "objectGUID" and len(value) != 16:
                    raise TemporarilyUnavailable(f"{one_line(dn)} shows an invalid objectGUID.")
                return str(uuid.UUID(bytes_le=value)) if name == "objectGUID" else decoded(value)
        raise Refused(
            f"{one_line(dn)} shows no {' or '.join(self.ids)}, by which Rollcall recognises people. Nothing was "
            "changed. Let the account read this attribute, or name another one that never changes."
        )

    def status(self, dn: str, values: Values) -> str:
        """active, suspended or deprovisioned. Raises Refused for a value that can't be read."""
        return self.ends.status(one_line(dn), lambda name: texts(values, name))

    def last_day(self, values: Values) -> date | None:
        """The day after which an administrator's rule ends the account; None if there is none."""
        return self.ends.last_day(lambda name: texts(values, name))

    def all_values(self, dn: str, attribute: str, values: Values) -> list[str]:
        """All values of an entry's attribute. Active Directory returns long lists in ranges (MS-ADTS 3.1.1.3.1.3.3):
        member;range=0-1499, then from 1500."""
        found, begin = texts(values, attribute), 0
        while ranged := next((name for name in values if name.startswith(f"{attribute.lower()};range=")), None):
            found += texts(values, ranged)
            last = ranged.rpartition("-")[2]
            if last == "*":
                break
            if not last.isdecimal() or len(last) > 9 or int(last) < begin:
                raise TemporarilyUnavailable(f"The directory gives {attribute} of {dn} in ranges that make no sense.")
            begin = int(last) + 1
            entries = list(self.search(dn, "(objectClass=*)", [f"{attribute};range={begin}-*"], scope=BASE))
            if len(entries) != 1:
                raise TemporarilyUnavailable(f"The directory returned only a part of {attribute} of {dn}.")
            [(_, values)] = entries
        return found

    def search(
        self, base: str, filter: str, asked: list[str], scope: str = SUBTREE, types_only: bool = False
    ) -> Iterator[tuple[str, Values]]:
        """(DN, attributes) of each entry, page by page. The paging control is critical, so a server without it refuses.

        `types_only`: return the names of an entry's attributes without their values.
        """
        cookie: bytes | None = None
        for _ in range(MOST_PAGES):
            result, entries, references = self._ask(
                base, filter, search_scope=scope, attributes=asked, types_only=types_only, paged_size=PAGE,
                paged_criticality=True, paged_cookie=cookie,
            )
            if result["result"] != SUCCESS:
                raise self._failure(result, f"while {one_line(base)} was read")
            for reference in references:
                self._refuse_to_miss(leads_to(reference))
            yield from entries
            paged = result.get("controls", {}).get(PAGED_RESULTS)
            if paged is None:
                raise TemporarilyUnavailable(f"{self.get('url')} doesn't return its list in pages, so the list may be "
                                             "incomplete. Nothing was changed.")  # fmt: skip
            cookie = paged["value"]["cookie"]
            if not cookie:
                return
        raise TemporarilyUnavailable(f"The list below {base} doesn't end. Nothing was changed.")

    def entry(self, dn: str, asked: list[str]) -> tuple[str, Values] | None:
        """One entry; None if the server says that it doesn't exist (or that this account may not see it)."""
        result, entries, _ = self._ask(dn, "(objectClass=*)", search_scope=BASE, attributes=asked)
        if result["result"] not in (SUCCESS, NO_SUCH_OBJECT):
            raise self._failure(result, f"while {one_line(dn)} was read")
        return entries[0] if entries else None

    def _refuse_to_miss(self, part: str) -> None:
        """Raises TemporarilyUnavailable if people of another server would be missing. Another domain of Active
        Directory is kept in `other_domains` instead."""
        if not self._is_active_directory:
            raise TemporarilyUnavailable(
                f"{self.get('url')} refers to another server for {one_line(part)}, so the people there would be "
                "missing. Nothing was changed. Choose a base DN without that part, and connect the part as a directory "
                "of its own."
            )
        if may_have_people(part):
            self.other_domains.add(one_line(part))

    @cached_property
    def _is_active_directory(self) -> bool:
        root = self.entry("", ["supportedCapabilities"])
        return root is not None and ACTIVE_DIRECTORY in texts(root[1], "supportedCapabilities")

    def _ask(self, base: str, filter: str, **options) -> tuple[dict, list[tuple[str, Values]], list[str]]:
        """The result, the entries, and the references to what the server doesn't have."""
        connection = self._open()
        try:
            with self._in_time(f"while {one_line(base)} was read"):
                _, result, entries, _ = connection.search(base, filter, **options)
        except faults().LDAPInvalidFilterError as problem:
            raise Refused(f"The filter {filter} isn't valid. Correct it in the settings.") from problem
        if result["type"] != "searchResDone":
            self.close()
            raise TemporarilyUnavailable(f"{self.get('url')} answered something other than a search result.")
        found = [entry for entry in entries or () if entry["type"] == "searchResEntry"]
        for name in {name for entry in found for name in entry["raw_attributes"]}:
            self._spellings.setdefault(name.lower(), name)
        references = [entry["uri"][0] for entry in entries or () if entry["type"] == "searchResRef"]
        return result, [(entry["dn"], _by_name(entry["raw_attributes"])) for entry in found], references

    @contextmanager
    def _in_time(self, when: str) -> Iterator[None]:
        """In this block, one request and its answer. Any error closes the connection, because later bytes may still
        belong to this answer. `when`: the end of the message: "while … was read"."""
        broke = f"The connection to {self.get('url')} broke {when}"
        try:
            with time_limit(WHOLE_SECONDS) as talk:
                yield
        except faults().LDAPInvalidFilterError:
            raise  # nothing was sent
        except Exception as problem:  # ldap3 decodes what it receives without checking it
            self.close()
            if talk.over:
                raise TemporarilyUnavailable(f"{broke}: no complete answer came {talk}.") from problem
            if isinstance(problem, (faults().LDAPException, OSError)):
                raise TemporarilyUnavailable(f"{broke}: {one_line(str(problem))}.") from problem
            raise TemporarilyUnavailable(f"{broke}: what the server sent can't be read.") from problem

    def spelling(self, name: str) -> str:
        """The name of an attribute as the server writes it."""
        return self._spellings.get(name.lower(), name)

    def add_value(self, dn: str, attribute: str, value: str) -> int:
        """Add a value to an attribute. Returns the result code: SUCCESS, VALUE_EXISTS, NO_SUCH_OBJECT,
        NO_SUCH_ATTRIBUTE or CLASS_VIOLATION. Raises for any other."""
        return self._modify(dn, attribute, MODIFY_ADD, value)

    def delete_value(self, dn: str, attribute: str, value: str) -> int:
        """Delete a value of an attribute. Returns a result code as add_value() does."""
        return self._modify(dn, attribute, MODIFY_DELETE, value)

    def _modify(self, dn: str, attribute: str, change: str, value: str) -> int:
        connection = self._open()
        with self._in_time(f"while {dn} was changed"):
            _, result, _, _ = connection.modify(dn, {attribute: [(change, [value])]})
        code = result["result"]
        if code in (SUCCESS, NO_SUCH_ATTRIBUTE, VALUE_EXISTS, NO_SUCH_OBJECT, CLASS_VIOLATION):
            return code
        when = f"when changing {dn}"
        if code in REJECTED or code in PASSING:
            raise self._failure(result, when)
        raise Refused(_in_words(result, when))

    def _open(self) -> Any:
        if self._connection is None:
            self._refuse_unsafe()
            self._connection = self._connected()
        return self._connection

    def _refuse_unsafe(self) -> None:
        address = urlsplit(self.get("url"))
        plain = address.scheme == "ldap" and self.get("starttls") != "yes"
        if plain and not is_loopback(address.hostname or ""):
            raise Refused("The password would cross the network unencrypted, so nothing was sent. Use ldaps://, or "
                          "switch on StartTLS.")  # fmt: skip
        if self.get("ca_file") and not Path(self.get("ca_file")).is_file():
            raise Refused(f"There is no file {self.get('ca_file')} with a certificate authority. Check its path.")
        if self.get("bind_dn") and not self.get("password"):
            raise CredentialRejected(
                "There is a bind DN but no password, and many servers would treat that as an anonymous sign-in. "
                "Nothing was sent. Enter the password."
            )

    def _connected(self) -> Any:
        from connectors.ldap import answers, pinned

        url, secret, ldap3 = self.get("url"), self.get("password"), library()
        try:
            tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=self.get("ca_file") or None)
            server = pinned.Pinned(url.rstrip("/"), get_info=ldap3.NONE, tls=tls, connect_timeout=CONNECT_SECONDS)
            server.pin(loopback_only=not server.ssl and self.get("starttls") != "yes")
            connection = answers.bounded(ldap3.Connection(
                server, self.get("bind_dn") or None, secret or None, client_strategy=ldap3.SAFE_SYNC,
                read_only=self._read_only, auto_referrals=False, check_names=False, receive_timeout=ANSWER_SECONDS,
            ))  # fmt: skip
            with time_limit(WHOLE_SECONDS):
                connection.open()
                if self.get("starttls") == "yes" and not url.startswith("ldaps://"):
                    connection.start_tls()
                _, result, _, _ = connection.bind()
        except ConnectorError:
            raise
        except faults().LDAPStartTLSError as problem:
            raise TemporarilyUnavailable(f"{url} can't encrypt the connection by StartTLS: {problem}.") from problem
        except (faults().LDAPException, OSError) as problem:
            reason = one_line(str(problem), 2000)
            raise TemporarilyUnavailable(f"{url} can't be reached{_tls_advice(problem)}: {reason}.") from problem
        except Exception as problem:  # ldap3 decodes what it receives without checking it
            raise TemporarilyUnavailable(f"{url} gave an answer that is not LDAP. Check the address.") from problem
        if result["result"] != SUCCESS:
            raise self._failure(result, f"when {self.who} signed in")
        return connection

    def _failure(self, result: dict, when: str) -> ConnectorError:
        words = _in_words(result, when)
        if result["result"] == 49:
            return CredentialRejected(f"{words} Check the bind DN and the password.")
        if result["result"] in REJECTED:
            return CredentialRejected(f"{words} The account lacks a permission, or the server requires encryption.")
        if result["result"] in (SIZE_LIMIT_EXCEEDED, ADMIN_LIMIT_EXCEEDED):
            return TemporarilyUnavailable(
                f"{words} It shows this account only a part of the list. Nothing was changed. Raise the account's size "
                "limit (in OpenLDAP: limits … size.prtotal=unlimited)."
            )
        if result["result"] == NO_SUCH_OBJECT:
            return TemporarilyUnavailable(f"{words} Check the base DN, and that the account may see it.")
        return TemporarilyUnavailable(words)


def _in_words(result: dict, when: str) -> str:
    words = one_line(" ".join(filter(None, (result["description"], result["message"].rstrip("\x00")))))
    return f'The directory answered "{words}" ({result["result"]}) {when}.'


def _by_name(attributes: dict[str, list[bytes] | None]) -> Values:
    """The attributes by name in lower case. ldap3 has None for an attribute without values."""
    return {name.lower(): values or [] for name, values in attributes.items()}


def decoded(value: bytes) -> str:
    return value.decode("utf-8", errors="replace").strip()


def texts(values: Values, name: str) -> list[str]:
    """The attribute's values as texts, without empty ones."""
    return [text for value in values.get(name.lower(), ()) if (text := decoded(value))]


def first(values: Values, names: tuple[str, ...]) -> str:
    """The first value of the first of these attributes that has one; "" if none has."""
    return next((text for name in names for text in texts(values, name)), "")


def _tls_advice(problem: Exception) -> str:
    if "certificate" in str(problem).casefold():
        return " because its certificate isn't trusted (name the authority that signed it)"
    return ""
