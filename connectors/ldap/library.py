"""Imports ldap3 at its first use, because it takes time and 5 MB of memory."""

from __future__ import annotations

from types import ModuleType


def library() -> ModuleType:
    """The package ldap3, with its modules for exceptions, filters and DNs."""
    import ldap3.utils.conv
    import ldap3.utils.dn

    return ldap3


def faults() -> ModuleType:
    """ldap3's module of exceptions."""
    return library().core.exceptions
