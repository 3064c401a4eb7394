"""Finds attributes that may say who has left but that Rollcall doesn't read: by their names, if people's values differ.
It requests names without values first, so that nobody's picture crosses the network."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection

from connectors.base import Unread
from connectors.ldap.client import LdapClient, texts
from connectors.ldap.ends import KNOWN

SAMPLES, LONGEST = 3, 60  # sample values of each attribute, and characters of each value
EVERY = ["*", "+"]  # user and operational attributes, RFC 4511 4.5.1.8 and RFC 3673
MEANINGFUL = re.compile(
    r"status|expir|disab|enabl|inactiv|active|lock|terminat|suspend|retire|deprov|resign|leaver|leaving|until|valid"
    r"|(?:end|exit|left|leave|departure|lastday|lastworking)(?:date|day|time|on|ed|s)?$|(?:employ\w*|account|contract)state$"
)
# Attributes with such names that are about a password, a protocol or the server itself.
OTHERS = frozenset(name.casefold() for name in (
    "krbPasswordExpiration", "krbLoginFailedCount", "passwordExpirationTime", "pwdExpirationWarned", "shadowInactive",
    "shadowWarning", "msDS-UserPasswordExpiryTimeComputed", "badPasswordTime", "passwordExpWarned", "blockInheritance",
    "msRTCSIP-UserEnabled", "homeMDB", "userCertificate", "ds-pwp-password-expiration-time", "pwdGraceUseTime",
    "nsUniqueId", "entryCSN", "msTSExpireDate", "msTSExpireDate2", "msTSExpireDate3", "msTSExpireDate4",
    "loginGraceLimit", "loginIntruderAttempts", "passwordExpirationInterval", "sambaPwdMustChange",
))  # fmt: skip


def unread(client: LdapClient, base: str, filter: str, read: Collection[str]) -> tuple[Unread, ...]:
    """Such attributes of the entries, the most used first. `read`: the names of the attributes that are read."""
    known = {name.casefold() for name in (*KNOWN, *read)} | OTHERS
    people, used = 0, Counter()
    for _, values in client.search(base, filter, EVERY, types_only=True):
        people += 1
        used.update(name for name in values if name not in known and MEANINGFUL.search(name))
    if not used:
        return ()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for _, values in client.search(base, filter, list(used)):
        for name in used:
            counts[name].update(texts(values, name))
    return tuple(
        Unread(client.spelling(name), count, tuple(value[:LONGEST] for value, _ in counts[name].most_common(SAMPLES)))
        for name, count in used.most_common()
        if count < people or len(counts[name]) > 1
    )
