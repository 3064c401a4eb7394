"""LDAP as a directory: OpenLDAP, 389, FreeIPA and Active Directory, told apart by the attributes they give.
Always in pages; a search that ends in anything but success fails the reading, however many entries came before."""

from __future__ import annotations

import ipaddress
import re
import ssl
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import ldap3
from ldap3.core.exceptions import LDAPException, LDAPInvalidFilterError, LDAPStartTLSError
from ldap3.utils.dn import parse_dn

from connectors.base import (
    ConnectorError,
    CredentialRejected,
    DirectoryConnector,
    DirectoryPerson,
    Field,
    Identity,
    Refused,
    TemporarilyUnavailable,
)

PEOPLE = "(|(objectClass=inetOrgPerson)(&(objectCategory=person)(objectClass=user)))"
GROUPS = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)(objectClass=group))"
PAGE = 500
CONNECT_SECONDS, ANSWER_SECONDS = 10, 60

PAGED_RESULTS = "1.2.840.113556.1.4.319"  # RFC 2696

# Attribute names in the order of preference; a directory has the ones of its kind.
IDS = ("entryUUID", "objectGUID", "nsUniqueId")
NAMES = ("displayName", "cn")
USER_NAMES = ("uid", "sAMAccountName")
NUMBERS = ("employeeNumber", "employeeID")
MEMBER_DNS = ("member", "uniqueMember")

SUCCESS = 0
REJECTED = {8, 13, 48, 49, 50}  # RFC 4511 A.1: stronger auth or confidentiality required, credentials, access rights
SIZE_LIMIT_EXCEEDED, ADMIN_LIMIT_EXCEEDED = 4, 11
NO_SUCH_OBJECT = 32
ACCOUNT_DISABLED = 2  # bit of userAccountControl, MS-ADTS 2.2.16
LOCKED_FOR_GOOD = "000001010000Z"  # pwdAccountLockedTime, draft-behera-ldap-password-policy 5.3.3

Values = dict[str, list[bytes]]  # an entry's attributes, by name in lower case


class LdapDirectory(DirectoryConnector):
    slug = "ldap"
    label = "LDAP or Active Directory"
    worldwide_ids = True
    docs = (
        "Make an account in the directory that may read people and groups, and nothing else.",
        "Its full DN (cn=rollcall,ou=services,dc=acme,dc=example) is the bind DN; Active Directory takes "
        "rollcall@acme.example as well.",
        "The base DN is the branch below which all your people are.",
        "OpenLDAP shows an account 500 entries at most unless slapd's configuration says otherwise: "
        'limits dn.exact="cn=rollcall,ou=services,dc=acme,dc=example" size.prtotal=unlimited',
    )
    fields = (
        Field("url", "Server", "Beginning with ldaps:// or, with StartTLS or on this machine, ldap://.",
              pattern=r"ldaps?://[^/\s@]+/?", placeholder="ldaps://ldap.acme.example"),
        Field("starttls", "StartTLS", "Encrypt a connection that begins as ldap://.",
              choices=(("no", "No"), ("yes", "Yes"))),
        Field("bind_dn", "Bind DN", "Whom Rollcall signs in as. Empty: nobody in particular.", required=False,
              placeholder="cn=rollcall,ou=services,dc=acme,dc=example"),
        Field("password", "Password", secret=True, required=False),
        Field("base_dn", "Base DN", "All people are below it.", placeholder="dc=acme,dc=example"),
        Field("filter", "Filter for people", f"Empty: {PEOPLE}", required=False),
        Field("group_base", "Base DN of the groups", "Empty: groups are taken from each person's memberOf.",
              required=False, placeholder="ou=groups,dc=acme,dc=example"),
        Field("group_filter", "Filter for groups", f"Empty: {GROUPS}", required=False),
        Field("id_attribute", "Attribute of the id", f"It must never change. Empty: {' or '.join(IDS)}",
              required=False),
        Field("email_attribute", "Attribute of the e-mail address", "Empty: mail", required=False),
        Field("name_attribute", "Attribute of the name", f"Empty: {' or '.join(NAMES)}", required=False),
        Field("disabled", "What marks somebody as disabled",
              "attribute=value, beside userAccountControl, nsAccountLock and pwdAccountLockedTime, "
              "which are understood by themselves.", required=False, pattern=r"[A-Za-z][\w;-]*=.+",
              placeholder="employeeType=left"),
        Field("ca_file", "Certificate authority", "The path of a PEM file, where the server's certificate is your own.",
              required=False, placeholder="/etc/ssl/acme-ca.pem"),
    )  # fmt: skip

    def __init__(self, settings: dict[str, str]):
        super().__init__(settings)
        self._connection: ldap3.Connection | None = None

    def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            try:
                connection.unbind()
            except (LDAPException, OSError):
                return  # the server has hung up already

    def test(self) -> Identity:
        """Reads everybody once: what comes by the schedule then works as well."""
        found, without_email, disabled, groups = 0, 0, 0, set()
        for person in self.people():
            found += 1
            without_email += not person.email
            disabled += person.status == "deprovisioned"
            groups.update(person.groups)
        if not found:
            raise Refused(
                f"The server accepted the sign-in, but shows nobody below {self._get('base_dn')} that fits "
                f"{self._get('filter', PEOPLE)}. Check the base DN, the filter and what the account may read."
            )
        who = self._get("bind_dn", "nobody in particular")
        missing = (f"{without_email:,} people have no e-mail address: they match no account by themselves",)
        return Identity(
            name=f"{who}, sees {found:,} people, {disabled:,} of them disabled, in {len(groups):,} groups",
            may=("read people", "read groups") if groups else ("read people",),
            missing=missing if without_email else (),
        )

    def people(self) -> Iterator[DirectoryPerson]:
        groups = self._groups_by_member() if self._get("group_base") else None
        attribute, _, _ = self._get("disabled").partition("=")
        asked = [*self._ids(), *self._names(), *USER_NAMES, *NUMBERS, self._email(), "proxyAddresses", "memberOf",
                 "userAccountControl", "nsAccountLock", "pwdAccountLockedTime", *filter(None, [attribute])]
        for dn, values in self._search(self._get("base_dn"), self._get("filter", PEOPLE), asked):
            yield self._person(dn, values, groups)

    def _person(self, dn: str, values: Values, groups: dict[str, list[str]] | None) -> DirectoryPerson:
        emails = list(dict.fromkeys([*_texts(values, self._email()), *_proxy_addresses(values)]))
        user_name = _first(values, USER_NAMES)
        if groups is None:
            member_of = [_common_name(group) for group in _texts(values, "memberOf")]
        else:
            member_of = [*groups.get(_normal_dn(dn), ()), *groups.get(f"uid {user_name}", ())]
        return DirectoryPerson(
            id=self._id(dn, values),
            email=emails[0] if emails else "",
            name=_first(values, self._names()),
            status=self._status(values),
            user_name=user_name,
            further_emails=tuple(emails[1:]),
            employee_number=_first(values, NUMBERS),
            groups=tuple(dict.fromkeys(member_of)),
        )

    def _id(self, dn: str, values: Values) -> str:
        for name in self._ids():
            for value in values.get(name.lower(), ()):
                return str(uuid.UUID(bytes_le=value)) if name == "objectGUID" else _text(value)
        raise Refused(
            f"{dn} shows no {' or '.join(self._ids())}, by which Rollcall knows people again. "
            "Let the account read it, or name another attribute that never changes."
        )

    def _status(self, values: Values) -> str:
        control = _first(values, ("userAccountControl",))
        if control.lstrip("-").isdigit() and int(control) & ACCOUNT_DISABLED:
            return "deprovisioned"
        if _first(values, ("nsAccountLock",)).casefold() == "true":
            return "deprovisioned"
        attribute, _, value = self._get("disabled").partition("=")
        if attribute and value.casefold() in (text.casefold() for text in _texts(values, attribute)):
            return "deprovisioned"
        locked = _first(values, ("pwdAccountLockedTime",))
        if locked:
            return "deprovisioned" if locked == LOCKED_FOR_GOOD else "suspended"
        return "active"

    def _groups_by_member(self) -> dict[str, list[str]]:
        """Names of groups by the normal DN, or "uid NAME", of each member."""
        found: dict[str, list[str]] = {}
        asked = ["cn", *MEMBER_DNS, "memberUid"]
        for dn, values in self._search(self._get("group_base"), self._get("group_filter", GROUPS), asked):
            name = _first(values, ("cn",)) or _common_name(dn)
            for attribute in MEMBER_DNS:
                for member in self._all_values(dn, attribute, values):
                    found.setdefault(_normal_dn(member), []).append(name)
            for user_name in _texts(values, "memberUid"):
                found.setdefault(f"uid {user_name}", []).append(name)
        return found

    def _all_values(self, dn: str, attribute: str, values: Values) -> list[str]:
        """Active Directory gives long lists in ranges (MS-ADTS 3.1.1.3.1.3.3): member;range=0-1499, then from 1500."""
        texts = _texts(values, attribute)
        while ranged := next((name for name in values if name.startswith(f"{attribute.lower()};range=")), None):
            texts += _texts(values, ranged)
            last = ranged.rpartition("-")[2]
            if last == "*":
                break
            wanted = f"{attribute};range={int(last) + 1}-*"
            [(_, values)] = self._search(dn, "(objectClass=*)", [wanted], scope=ldap3.BASE)
        return texts

    def _search(
        self, base: str, filter: str, asked: list[str], scope: str = ldap3.SUBTREE
    ) -> Iterator[tuple[str, Values]]:
        """(DN, attributes) of each entry, page by page; a server that can't must say so (the control is critical)."""
        cookie: bytes | None = None
        while True:
            try:
                _, result, entries, _ = self._open().search(
                    base, filter, search_scope=scope, attributes=asked, paged_size=PAGE, paged_criticality=True,
                    paged_cookie=cookie,
                )
            except LDAPInvalidFilterError as problem:
                raise Refused(f"The filter {filter} is not well-formed.") from problem
            except (LDAPException, OSError) as problem:
                raise TemporarilyUnavailable(
                    f"The connection to {self._get('url')} broke while {base} was read: {problem}."
                ) from problem
            if result["result"] != SUCCESS:
                raise self._failure(result, f"while {base} was read")
            for entry in entries:
                if entry["type"] == "searchResEntry":
                    yield entry["dn"], {name.lower(): values for name, values in entry["raw_attributes"].items()}
            paged = result.get("controls", {}).get(PAGED_RESULTS)
            if paged is None:
                raise TemporarilyUnavailable(f"{self._get('url')} gives no pages, so its lists may be cut short.")
            cookie = paged["value"]["cookie"]
            if not cookie:
                return

    def _open(self) -> ldap3.Connection:
        if self._connection is None:
            self._refuse_what_cannot_be_safe()
            self._connection = self._connected()
        return self._connection

    def _refuse_what_cannot_be_safe(self) -> None:
        address = urlsplit(self._get("url"))
        plain = address.scheme == "ldap" and self._get("starttls") != "yes"
        if plain and not _is_loopback(address.hostname or ""):
            raise Refused("The password would cross the network in the clear: use ldaps://, or switch on StartTLS.")
        if self._get("ca_file") and not Path(self._get("ca_file")).is_file():
            raise Refused(f"There is no file {self._get('ca_file')} with a certificate authority.")
        if self._get("bind_dn") and not self._get("password"):
            raise CredentialRejected(
                "There is a bind DN but no password: many servers would take that for nobody in particular."
            )

    def _connected(self) -> ldap3.Connection:
        url, secret = self._get("url"), self._get("password")
        try:
            tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=self._get("ca_file") or None)
            server = ldap3.Server(url.rstrip("/"), get_info=ldap3.NONE, tls=tls, connect_timeout=CONNECT_SECONDS)
            connection = ldap3.Connection(
                server, self._get("bind_dn") or None, secret or None, client_strategy=ldap3.SAFE_SYNC, read_only=True,
                auto_referrals=False, check_names=False, receive_timeout=ANSWER_SECONDS,
            )
            connection.open()
            if self._get("starttls") == "yes" and not url.startswith("ldaps://"):
                connection.start_tls()
            _, result, _, _ = connection.bind()
        except LDAPStartTLSError as problem:
            raise TemporarilyUnavailable(f"{url} can't encrypt the connection by StartTLS: {problem}.") from problem
        except (LDAPException, OSError) as problem:
            raise TemporarilyUnavailable(f"{url} can't be reached{_tls_advice(problem)}: {problem}.") from problem
        if result["result"] != SUCCESS:
            raise self._failure(result, f"when {self._get('bind_dn') or 'nobody in particular'} signed in")
        return connection

    def _failure(self, result: dict, when: str) -> ConnectorError:
        words = " ".join(filter(None, (result["description"], result["message"].rstrip("\x00"))))
        told = f'The directory answered "{words}" ({result["result"]}) {when}.'
        if result["result"] == 49:
            return CredentialRejected(f"{told} Check the bind DN and the password.")
        if result["result"] in REJECTED:
            return CredentialRejected(f"{told} The account lacks a right, or the server insists on encryption.")
        if result["result"] in (SIZE_LIMIT_EXCEEDED, ADMIN_LIMIT_EXCEEDED):
            return TemporarilyUnavailable(
                f"{told} It shows this account a part of the list only: raise the account's size limit "
                "(in OpenLDAP: limits … size.prtotal=unlimited)."
            )
        if result["result"] == NO_SUCH_OBJECT:
            return TemporarilyUnavailable(f"{told} Check the base DN, and that the account may see it.")
        return TemporarilyUnavailable(told)

    def _get(self, name: str, default: str = "") -> str:
        return self.settings.get(name) or default

    def _ids(self) -> tuple[str, ...]:
        return tuple(filter(None, [self._get("id_attribute")])) or IDS

    def _names(self) -> tuple[str, ...]:
        return tuple(filter(None, [self._get("name_attribute")])) or NAMES

    def _email(self) -> str:
        return self._get("email_attribute", "mail")


def _text(value: bytes) -> str:
    return value.decode("utf-8", errors="replace").strip()


def _texts(values: Values, name: str) -> list[str]:
    return [text for value in values.get(name.lower(), ()) if (text := _text(value))]


def _first(values: Values, names: tuple[str, ...]) -> str:
    return next((text for name in names for text in _texts(values, name)), "")


def _proxy_addresses(values: Values) -> list[str]:
    """Active Directory's further addresses: "smtp:ana@acme.example" (the main one in capitals)."""
    return [text[5:] for text in _texts(values, "proxyAddresses") if text[:5].casefold() == "smtp:"]


def _common_name(dn: str) -> str:
    return _parts(dn)[0][1]


def _normal_dn(dn: str) -> str:
    """DNs are compared without regard to case, to how a letter is escaped and to spaces around the parts."""
    return "\0".join(f"{name.strip()}={value.strip()}" for name, value in _parts(dn)).casefold()


def _parts(dn: str) -> list[tuple[str, str]]:
    """(attribute, value) of each part, as the value reads without its escapes (RFC 4514 2.4)."""
    try:
        return [(name, _unescaped(value)) for name, value, _ in parse_dn(dn, escape=False, strip=True)]
    except LDAPException as problem:
        raise TemporarilyUnavailable(f"The directory names a group member that is no DN: {dn[:200]!r}.") from problem


def _unescaped(value: str) -> str:
    bytes_put_back = re.sub(
        r"(?:\\[0-9a-fA-F]{2})+",
        lambda found: bytes.fromhex(found[0].replace("\\", "")).decode("utf-8", errors="replace"),
        value,
    )
    return re.sub(r"\\(.)", r"\1", bytes_put_back)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _tls_advice(problem: Exception) -> str:
    if "certificate" in str(problem).casefold():
        return " since its certificate is not trusted (name the authority that signed it)"
    return ""
