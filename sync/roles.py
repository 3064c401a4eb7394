"""Which roles accounts have, who administers an app by them, and how they are told in words.
Each rule stands here once: as SQL over an account `a` of the app `:app`, and in Python for the roles of one account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from peewee import SQL, Expression, Select, fn

from sync.models import Account, App, Role

_KNOWN = "SELECT external_id FROM role WHERE app_id = :app"
_PRIVILEGED = f"{_KNOWN} AND privileged"


def held(account: str) -> str:
    """SELECT: the `id` of each role that the account (an alias) has."""
    return f"SELECT {account}.role AS id UNION ALL SELECT value FROM json_each({account}.further_roles)"


def differ(one: str, other: str) -> str:
    """Whether two accounts (aliases) have other roles; which of them is the main one doesn't matter."""
    several = f"({one}.further_roles <> '[]' OR {other}.further_roles <> '[]')"
    return f"""(
        {one}.role <> {other}.role AND NOT {several} OR {several}
        AND ({one}.role <> {other}.role OR {one}.further_roles <> {other}.further_roles)
        AND (EXISTS ({_but(one, other)}) OR EXISTS ({_but(other, one)})))
    """


def _but(one: str, other: str) -> str:
    return f"SELECT 1 FROM ({held(one)}) WHERE id NOT IN (SELECT id FROM ({held(other)}))"


def and_further(account: str, table: str = "role", of_app: str = "r.app_id = :app") -> str:
    """The labels of the further roles, each after a comma, to stand behind the main role's: ", Billing, Editor"."""
    return f"""
        CASE WHEN {account}.further_roles = '[]' THEN '' ELSE (
            SELECT group_concat(words, '') FROM (
                SELECT ', ' || coalesce(nullif(r.label, ''), h.value) AS words
                FROM json_each({account}.further_roles) h LEFT JOIN {table} r ON {of_app} AND r.external_id = h.value
                ORDER BY r.place IS NULL, r.place, h.value)) END
    """


# The account `a` administers the app. It takes no role for privileged that Rollcall doesn't know.
ADMINISTERS = f"""
    (a.role IN ({_PRIVILEGED}) OR a.further_roles <> '[]' AND EXISTS (
        SELECT 1 FROM json_each(a.further_roles) h WHERE h.value IN ({_PRIVILEGED})))
"""
# The same, or nobody knows: it has a role that the app didn't name, and others there are known to be privileged.
MAY_ADMINISTER = f"""
    ({ADMINISTERS} OR EXISTS ({_PRIVILEGED}) AND EXISTS (
        SELECT 1 FROM ({held("a")}) h WHERE h.id <> '' AND h.id NOT IN ({_KNOWN})))
"""


@dataclass(frozen=True)
class Roles:
    """The roles of an app: `labels` by id, in the app's own order."""

    labels: dict[str, str] = field(default_factory=dict)
    privileged: frozenset[str] = frozenset()

    def administer(self, ids: Iterable[str]) -> bool:
        """Whether an account with these roles administers the app."""
        return not self.privileged.isdisjoint(ids)

    def may_administer(self, ids: Iterable[str]) -> bool:
        """The same, or nobody knows: one of them is unknown."""
        ids = set(ids)
        return self.administer(ids) or bool(self.privileged) and bool(ids - {""} - self.labels.keys())

    def in_order(self, ids: Iterable[str]) -> list[str]:
        """The main role, which stands first in `ids`, then the others as the app orders them."""
        main, *further = tuple(ids) or ("",)
        places = {id: place for place, id in enumerate(self.labels)}
        return [main, *sorted(further, key=lambda id: (places.get(id, len(places)), id))]

    def labels_of(self, ids: Iterable[str]) -> list[str]:
        return [self.labels.get(id) or id for id in self.in_order(ids)]

    def words(self, ids: Iterable[str]) -> str:
        """Admin, Billing, Editor."""
        return ", ".join(filter(None, self.labels_of(ids)))


def of(app: App | int) -> Roles:
    """As the last check knew them."""
    rows = list(Role.select().where(Role.app == app).order_by(Role.place, Role.external_id))
    return Roles({role.external_id: role.label for role in rows},
                 frozenset(role.external_id for role in rows if role.privileged))  # fmt: skip


def has_any(ids: Iterable[str]) -> Expression:
    """The condition that an Account has one of these roles."""
    ids = list(ids)
    each = Select([fn.json_each(Account.further_roles).alias("held")], [SQL("1")]).where(SQL("held.value").in_(ids))
    return Account.role.in_(ids) | (Account.further_roles != SQL("'[]'")) & fn.EXISTS(each)
