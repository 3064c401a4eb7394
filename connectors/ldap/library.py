"""ldap3, imported with its first use: the catalogue of connectors doesn't wait for it, or keep its 5 MB."""

from __future__ import annotations

from types import ModuleType


def library() -> ModuleType:
    """The package, with its exceptions, and with what writes and takes apart filters and DNs."""
    import ldap3.utils.conv
    import ldap3.utils.dn

    return ldap3


def faults() -> ModuleType:
    return library().core.exceptions
