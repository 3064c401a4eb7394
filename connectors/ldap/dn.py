"""DNs and search filters as text: splits and compares DNs, and escapes values as RFC 4514 and RFC 4515 require."""

from __future__ import annotations

import re
import uuid

from connectors.base import TemporarilyUnavailable
from connectors.ldap.library import faults, library
from connectors.names import normal

LONGEST = 10_000  # characters of a DN: ldap3 takes the square of its commas


def in_dn(value: str) -> str:
    """A value as a DN writes it (RFC 4514, section 2.4)."""
    return library().utils.dn.escape_rdn(value)


def common_name(dn: str) -> str:
    return parts(dn)[0][1]


def domain_of(dn: str) -> str:
    """DC=acme,DC=example: the end of the DN that names the domain."""
    return ",".join(f"{name}={in_dn(value)}" for name, value in parts(dn) if name.strip().casefold() == "dc")


def id_filter(id: str, names: tuple[str, ...]) -> str:
    """A search filter for the entry with this id in any of the attributes."""
    return f"(|{''.join(f'({name}={_searched(name, id)})' for name in names)})"


def _searched(name: str, id: str) -> str:
    if name == "objectGUID":
        try:
            return in_filter(uuid.UUID(id).bytes_le)
        except ValueError:
            return "\\00"  # matches nothing: the id may have the form of another attribute
    return in_filter(id)


def in_filter(value: str | bytes) -> str:
    """The value as a search filter writes it (RFC 4515, section 3)."""
    conv = library().utils.conv
    return conv.escape_bytes(value) if isinstance(value, bytes) else conv.escape_filter_chars(value)


def normal_dn(dn: str) -> str:
    """The form in which DNs are compared: without regard to case, escapes and spaces around the parts.

    Never by case folding, which joins ß with ss: OpenLDAP holds both as entries of different people. A server may
    recognise further spellings (RFC 4518, sections 2.3 and 2.6.1), so two forms may be of one entry.
    """
    plain = "\0".join(f"{name.strip()}={value.strip()}" for name, value in parts(dn))
    return normal("NFC", plain).lower()


def parts(dn: str) -> list[tuple[str, str]]:
    """(attribute, value) of each part of a DN, with the value's escapes resolved (RFC 4514, section 2.4)."""
    if len(dn) > LONGEST:
        raise TemporarilyUnavailable(f"The directory names a group member by more than {LONGEST:,} characters.")
    try:
        found = library().utils.dn.parse_dn(dn, escape=False, strip=True)
        return [(name, _unescaped(value)) for name, value, _ in found]
    except faults().LDAPException as problem:
        raise TemporarilyUnavailable(f"The directory names a group member that isn't a DN: {dn[:200]!r}.") from problem


def _unescaped(value: str) -> str:
    """The value with its escapes resolved once, from the left, so that none begins with the result of another."""
    return re.sub(r"((?:\\[0-9a-fA-F]{2})+)|\\(.)", _meant, value, flags=re.DOTALL)


def _meant(escape: re.Match) -> str:
    octets, letter = escape.groups()
    return bytes.fromhex(octets.replace("\\", "")).decode("utf-8", errors="replace") if octets else letter
