"""ldap3, imported with its first use: until then, it takes no time and none of its 5 MB of memory."""

from __future__ import annotations

from types import ModuleType


def library() -> ModuleType:
    """The package, with its modules for exceptions, filters and DNs."""
    import ldap3.utils.conv
    import ldap3.utils.dn

    return ldap3


def faults() -> ModuleType:
    """The module of its exceptions."""
    return library().core.exceptions
