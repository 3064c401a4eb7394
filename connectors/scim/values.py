"""Reads a SCIM resource (RFC 7643) as real servers write it.
Pure functions from the JSON of one user or group to Rollcall's values."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from functools import cache, lru_cache
from types import NoneType
from typing import Any

from connectors.base import Account, TemporarilyUnavailable
from connectors.names import email_key
from connectors.tools.answers import known_status
from connectors.tools.http import clean

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
# `active` is a boolean, but some servers write a text. None: it is missing, which doesn't mean inactive (4.1.1).
ACTIVE = {None: "active", True: "active", False: "suspended"} | dict.fromkeys(("true", "1", "yes"), "active")
ACTIVE |= dict.fromkeys(("false", "0", "no", ""), "suspended")
YES = (True, "true", "True")
MACHINES = frozenset({"bot", "system", "service", "service account", "application", "app"})
NOTHING: frozenset[str] = frozenset()
LONGEST_KEPT = 100  # characters of a text that outlives its answer
EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+")


def id_of(resource: dict) -> str:
    """The id, which never changes (RFC 7643, 3.1)."""
    id = clean(resource.get("id")) if isinstance(resource, dict) else ""
    if not id:
        raise TemporarilyUnavailable("The app returned a user or group without an id.")
    return id


def account_of(user: dict, roles: Sequence[str] = (), says_role: bool = True) -> Account:
    """The account of a user. A missing key, null and an empty list all mean that there is no value (RFC 7643, 2.5), so
    missing keys are `defaulted_fields`.

    `roles`: all of the user's roles, the main one first. `says_role`: False if these are the default.
    """
    id, email, name, user_name = _plain_texts(user) or (
        id_of(user), email_of(user), name_of(user), clean(user.get("userName"))
    )  # fmt: skip
    kind = clean(user["userType"]) if "userType" in user else ""
    return Account(  # by position, which takes a fifth less
        id,
        email,
        name,
        "active" if user.get("active") is True else status_of(user),
        roles[0] if roles else "",
        "system" if kind and kind.casefold() in MACHINES else "user",
        None,
        kind,
        user_name,
        employee_number_of(user) if ENTERPRISE in user else "",
        tuple(roles[1:]) if len(roles) > 1 else (),
        NOTHING,
        _defaulted_fields("displayName" in user, "active" in user, "userType" in user, "userName" in user,
                          ENTERPRISE in user, bool(email), says_role),
    )  # fmt: skip


def _plain_texts(user: dict) -> tuple[str, str, str, str] | None:
    """Id, address, name and user name of a user who has each of them once and as a text; None for any other.

    A shortcut, because this is done to each account: nearly all are so, and then this takes a third of the time.
    """
    emails = user.get("emails")
    if type(emails) is not list or len(emails) != 1 or type(emails[0]) is not dict:
        return None
    texts = user.get("id"), emails[0].get("value"), user.get("displayName"), user.get("userName")
    try:
        if not "".join(texts).isprintable():
            return None
    except TypeError:  # one isn't a text
        return None
    id, email, name, user_name = texts[0].strip(), texts[1].strip(), texts[2].strip(), texts[3].strip()
    return (id, email, name, user_name) if id and name and EMAIL.fullmatch(email) else None


@cache  # there are 128, and making one takes a fifth of the time that an account takes
def _defaulted_fields(
    name: bool, status: bool, kind: bool, user_name: bool, employee_number: bool, email: bool, role: bool
) -> frozenset[str]:
    """The fields that a user leaves out. Each argument: whether the answer has it."""
    sent = dict(name=name, status=status, kind=kind, seat=kind, user_name=user_name, employee_number=employee_number,
                email=email, role=role)  # fmt: skip
    return frozenset(field for field, is_sent in sent.items() if not is_sent)


def is_active(user: dict) -> bool:
    """Whether the user can still be deactivated: every status counts but suspended."""
    return status_of(user) != "suspended"


def status_of(user: dict) -> str:
    active = user.get("active")
    return known_status(active.strip().casefold() if isinstance(active, str) else active, ACTIVE)


def email_of(user: dict) -> str:
    """The primary address, else the one for work, else the first, else a userName that is an address."""
    best, address = 3, ""
    for one in _many(user.get("emails")):
        if not isinstance(one, dict):
            one = {"value": one}
        rank = 0 if one.get("primary") in YES else 1 if one.get("type") == "work" else 2
        if rank < best and EMAIL.fullmatch(value := clean(one.get("value"))):
            best, address = rank, value
    user_name = "" if address else clean(user.get("userName"))
    return address or (user_name if EMAIL.fullmatch(user_name) else "")


def may_have(user: dict, email: str) -> bool:
    """Whether the address is one of the user's; True if the user has no address but the userName."""
    listed = [one.get("value") if isinstance(one, dict) else one for one in _many(user.get("emails"))]
    addresses = {email_key(clean(one)) for one in listed} - {""}
    return not addresses or email_key(email) in addresses


def employee_number_of(user: dict) -> str:
    """The employeeNumber of the enterprise extension (RFC 7643, 4.3). It is a text, but some servers write a number."""
    extension = user.get(ENTERPRISE)
    return clean(extension.get("employeeNumber")) if isinstance(extension, dict) else ""


def name_of(user: dict) -> str:
    """displayName, else `name`, else a userName that isn't an address."""
    if shown := clean(user.get("displayName")):
        return shown
    name = user.get("name") if isinstance(user.get("name"), dict) else {}
    parts = (clean(name.get("givenName")), clean(name.get("familyName")))
    user_name = clean(user.get("userName"))
    return (
        clean(name.get("formatted"))
        or " ".join(filter(None, parts))
        or ("" if EMAIL.fullmatch(user_name) else user_name)
    )


def roles_of(user: dict) -> list[tuple[str, str, bool]]:
    """(value, label, whether it is primary) of each role. Servers write roles as objects or as texts."""
    listed = user.get("roles")
    if type(listed) is list and len(listed) == 1 and type(one := listed[0]) is dict:
        value, display, primary = one.get("value"), one.get("display"), one.get("primary")
        if _may_be_kept(value) and (display is None or _may_be_kept(display)) and type(primary) in (bool, NoneType):
            return _only_role(value, display, primary)
    return _roles_of_each(listed)


def _may_be_kept(text: Any) -> bool:
    return type(text) is str and len(text) <= LONGEST_KEPT


@lru_cache(1_000)  # most users have one role, and an app has few
def _only_role(value: str, display: str | None, primary: bool | None) -> list[tuple[str, str, bool]]:
    """Its callers must not change the list."""
    return _roles_of_each([{"value": value, "display": display, "primary": primary}])


def _roles_of_each(listed: Any) -> list[tuple[str, str, bool]]:
    roles = []
    for one in _many(listed):
        if value := role_value(one):
            display, primary = (clean(one.get("display")), one.get("primary")) if isinstance(one, dict) else ("", None)
            roles.append((value, display or value, bool(primary) and primary in YES))
    return roles


def role_value(role: Any) -> str:
    """The value that identifies a role: one entry of `roles`."""
    if not isinstance(role, dict):
        return clean(role)
    return clean(role.get("value")) or clean(role.get("display"))


def in_order(roles: list[tuple[str, str, bool]], is_privileged: Callable[[str], bool]) -> list[str]:
    """The values of roles, each once: first the privileged ones, then the primary one, then the others in the app's
    order."""
    if len(roles) == 1:
        return [roles[0][0]]
    roles = sorted(roles, key=lambda role: (not (is_privileged(role[0]) or is_privileged(role[1])), not role[2]))
    return list(dict.fromkeys(value for value, _, _ in roles))


def other_roles(user: dict, but: Collection[str]) -> list[dict]:
    """The user's roles as the app has them, except for those in `but`, and none of them primary. Empty attributes are
    left out, because they mean no value (RFC 7643, 2.5)."""
    others = [one if isinstance(one, dict) else {"value": one} for one in _many(user.get("roles"))]
    return [{**{key: value for key, value in one.items() if value not in (None, "", [])}, "primary": False}
            for one in others if role_value(one) and role_value(one) not in but]  # fmt: skip


def privileged_by_name(listed: str) -> Callable[[str], bool]:
    """A function that says by a role's name whether it may administer the whole app. `listed`: such names, separated by
    commas; if there are none, every name with "admin" or "owner" in it."""
    names = frozenset(name.strip().casefold() for name in listed.split(",") if name.strip())
    if names:
        return lambda name: name.casefold() in names
    return lambda name: "admin" in name.casefold() or "owner" in name.casefold()


def group_name(group: dict) -> str:
    return clean(group.get("displayName")) or id_of(group)


def member_ids(group: dict) -> list[str]:
    """The ids of the users in the group, each once. Groups inside it are left out."""
    users = (
        clean(one.get("value")) if isinstance(one, dict) else clean(one)
        for one in _many(group.get("members"))
        if not (isinstance(one, dict) and (one.get("type") == "Group" or "/Groups/" in str(one.get("$ref"))))
    )
    return list(dict.fromkeys(filter(None, users)))


def _many(value: Any) -> list:
    return value if isinstance(value, list) else [] if value in (None, "") else [value]
