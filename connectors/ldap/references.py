"""What an LDAP server's search references lead to. A search doesn't look there (RFC 4511, 4.5.3), so the people there
would be missing from the list, as if they had left.

slapo-chain(5): a server that follows references itself returns the reference while it can't reach the other server.
MS-ADTS 3.1.1.4.7: Active Directory refers to each partition below the base. Its own partitions hold no people; another
domain's people are read as a directory of their own.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

ACTIVE_DIRECTORY = "1.2.840.113556.1.4.800"  # in the root's supportedCapabilities (MS-ADTS 3.1.1.3.4.3.1)
WITHOUT_PEOPLE = ("cn=configuration,", "cn=schema,", "dc=domaindnszones,", "dc=forestdnszones,")


def leads_to(reference: str) -> str:
    """The DN in a reference, such as ldap://eu.acme.example/DC=eu,DC=acme,DC=example??sub (RFC 4516); the reference
    itself if it has none."""
    try:
        return unquote(urlsplit(reference).path.strip("/")) or reference
    except ValueError:
        return reference


def may_have_people(dn: str) -> bool:
    """False for a partition that Active Directory has for itself."""
    return not dn.replace(" ", "").casefold().startswith(WITHOUT_PEOPLE)
