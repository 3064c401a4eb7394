"""Which roles accounts have, who administers an app by them, and how they are written in words.
Each rule is here once: as SQL over an account `a` of the app `:app`, and in Python for the roles of one account."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from peewee import ModelSelect

from connectors.base import Role as Named
from sync.db import db
from sync.models import BIT, Account, App, Change, Role
from sync.once import once
from sync.prepared import prepared
from sync.states import AccountState

# Before a SELECT: instead of the table, the roles as the caller knows them (`:roles`, by Roles.as_json).
AS_KNOWN = """
    WITH role (app_id, external_id, label, privileged, position) AS (
        SELECT CAST(:app AS INTEGER), json_extract(value, '$[0]'), json_extract(value, '$[1]'),
            CAST(json_extract(value, '$[2]') AS BOOLEAN), CAST(key AS INTEGER) FROM json_each(:roles))
"""
_KNOWN = "SELECT external_id FROM role WHERE app_id = :app"
PRIVILEGED = f"{_KNOWN} AND privileged"
_ROLE = BIT["role"]
AT_HAND = 8  # roles whose labels are bound to a statement about many accounts
NOT_GIVEN = "(not given)"  # among ids, for a role that the app left out: no app uses this name


def held(account: str) -> str:
    """SELECT: the `id` of each role that the account (an alias) has."""
    return f"SELECT {account}.role AS id UNION ALL SELECT value FROM json_each({account}.further_roles)"


def held_at_worst(account: str) -> str:
    """The same, and those that the app says by now while a guard holds the change: an account may have either."""
    return f"""{held(account)}
        UNION ALL SELECT {account}.held_values ->> 'role' WHERE {account}.held_values ->> 'role' IS NOT NULL
        UNION ALL SELECT value FROM json_each({account}.held_values ->> 'further_roles')"""


def _has_several(account: str) -> str:
    return f"coalesce({account}.further_roles, '[]') <> '[]'"


def differ(known: str, now: str) -> str:
    """Whether two accounts (aliases) have other roles; which of them is the main one doesn't matter. Where further
    roles were never read, only that the one which is known is gone."""
    either = f"EXISTS ({_but(known, now)}) OR {known}.further_roles IS NOT NULL AND EXISTS ({_but(now, known)})"
    return f"""(
        {known}.role <> {now}.role AND NOT {_has_several(known)} AND NOT {_has_several(now)}
        OR ({_has_several(known)} OR {_has_several(now)})
        AND ({known}.role <> {now}.role OR {known}.further_roles IS DISTINCT FROM {now}.further_roles) AND ({either}))
    """


def _but(one: str, other: str) -> str:
    return f"SELECT 1 FROM ({held(one)}) AS one WHERE id NOT IN (SELECT id FROM ({held(other)}) AS other)"


def words(account: str, table: str = "role", of_app: str = "r.app_id = :app") -> str:
    """The labels of all roles that the account (an alias) has, the main one first: "Admin, Billing, Editor"."""
    named = _named(table, of_app)
    return _main(account, named) + _further(account, named)


def words_of_many(account: str, app: App, several: bool = True) -> tuple[str, dict[str, str]]:
    """The same for many accounts of the app, and its values: the labels of the first roles aren't looked up for each
    account, which takes as long as half of writing a row. `several`: whether any of them may have several roles."""
    rows = db.execute_sql(
        "SELECT external_id, coalesce(nullif(label, ''), external_id) FROM role WHERE app_id = ? "
        "ORDER BY id LIMIT ?", (app.id, AT_HAND)).fetchall()  # fmt: skip
    named = _named("role", "r.app_id = :app")
    if not rows:
        return words(account), {}
    labels = " ".join(f"WHEN :role{place} THEN :label{place}" for place in range(len(rows)))
    values = {f"{word}{place}": text for place, row in enumerate(rows) for word, text in zip(("role", "label"), row)}
    main = f"CASE {account}.role {labels} ELSE {_main(account, named)} END"
    return main + _further(account, named) if several else main, values


def _named(table: str, of_app: str) -> str:
    return f"FROM {table} r WHERE {of_app} AND r.external_id"


def _main(account: str, named: str) -> str:
    return f"coalesce((SELECT nullif(r.label, '') {named} = {account}.role), {account}.role)"


def _further(account: str, named: str) -> str:
    return f"""
        || CASE WHEN NOT {_has_several(account)} THEN '' ELSE (
            SELECT group_concat(', ' || label, '') FROM (
                SELECT coalesce((SELECT nullif(r.label, '') {named} = h.value), h.value) AS label
                FROM json_each({account}.further_roles) h
                ORDER BY coalesce((SELECT r.position {named} = h.value), 1000000000), h.value) AS further) END
    """


def can_administer(account: str) -> str:
    """Whether the account (an alias) has a role that is known to administer the app."""
    return f"""({account}.role IN ({PRIVILEGED}) OR {_has_several(account)} AND EXISTS (
        SELECT 1 FROM json_each({account}.further_roles) h WHERE h.value IN ({PRIVILEGED})))"""


def may_administer(account: str) -> str:
    """The same, or it will after a release, or nobody knows: one of its roles is unknown or was left out, in an
    app whose administrators are known by a role."""
    return f"""({can_administer(account)} OR EXISTS ({PRIVILEGED}) AND (
        EXISTS (SELECT 1 FROM ({held(account)}) h WHERE h.id <> '' AND h.id NOT IN ({_KNOWN}))
        OR {account}.held_values IS NOT NULL AND EXISTS (
            SELECT 1 FROM ({held_at_worst(account)}) h
            WHERE h.id IN ({PRIVILEGED}) OR h.id <> '' AND h.id NOT IN ({_KNOWN}))
        OR {account}.role = '' AND ({account}.missing_fields & {_ROLE}) <> 0 AND EXISTS (
            SELECT 1 FROM account k
            WHERE k.app_id = :app AND k.state <> 'gone' AND (k.missing_fields & {_ROLE}) = 0)))"""


_LAST_ONE = ("Protected: the last ", " of the app")
_NOT_NAMED = "Protected: it has a role that the app did not name, and nobody else is known to administer the app"


def _why_last(label: str | None) -> str:
    """`label`: the first of the account's roles that is known to administer the app; None if none is."""
    return _NOT_NAMED if label is None else label.join(_LAST_ONE)


def why_last(label: str) -> str:
    """The same in SQL; `label` is an expression, NULL where no role is known to."""
    return f"coalesce('{_LAST_ONE[0]}' || {label} || '{_LAST_ONE[1]}', '{_NOT_NAMED}')"


def last_one_named(why: str) -> str | None:
    """The label in a sentence of why_last(); None in any other sentence."""
    begin, end = _LAST_ONE
    return why.removeprefix(begin).removesuffix(end) if why.startswith(begin) and why.endswith(end) else None


@dataclass(frozen=True)
class Roles:
    """The roles of an app: `labels` by id, in the app's own order."""

    labels: dict[str, str] = field(default_factory=dict)
    privileged: frozenset[str] = frozenset()

    def can_administer(self, ids: Iterable[str]) -> bool:
        """Whether an account with these roles administers the app."""
        return not self.privileged.isdisjoint(ids)

    def may_administer(self, ids: Iterable[str]) -> bool:
        """The same, or nobody knows: one of them is unknown."""
        ids = set(ids)
        return self.can_administer(ids) or bool(self.privileged) and bool(ids - {""} - self.labels.keys())

    def why_last(self, ids: Iterable[str]) -> str:
        """Why an account that may administer the app stays when nobody else is known to."""
        ids = set(ids) & self.privileged
        return _why_last(next((label or id or "owner" for id, label in self.labels.items() if id in ids), None))

    def learn(self, named: Iterable[Named]) -> Roles:
        """The same and what the app names now: a role that was privileged at the last check stays so."""
        named = list(named)
        labels = self.labels | {role.id: role.label for role in named}
        return Roles(labels, self.privileged | {role.id for role in named if role.privileged})

    def named(self, ids: Iterable[str]) -> list[str]:
        """Their labels as the app orders them; the id of a role that it did not name, these last."""
        places = {id: place for place, id in enumerate(self.labels)}
        return [self.labels.get(id) or id for id in sorted(ids, key=lambda id: (places.get(id, len(places)), id)) if id]

    def labels_of(self, ids: Iterable[str]) -> list[str]:
        """The same of an account's roles, but the main one first: it is the first of `ids`."""
        main, *further = tuple(ids) or ("",)
        return self.named([main]) + self.named(further)

    def words(self, ids: Iterable[str]) -> str:
        """Admin, Billing, Editor."""
        return ", ".join(self.labels_of(ids))

    def as_json(self) -> str:
        """For the SQL of AS_KNOWN: :roles."""
        return json.dumps([[id, label, id in self.privileged] for id, label in self.labels.items()])

    def beside(self, change: RoleChange) -> dict[str, list[str]]:
        """What a change does to further roles, by their labels; nothing where there are none."""
        parts = {"removes": self.named(change.removes), "keeps": self.named(change.keeps)}
        return {does: labels for does, labels in parts.items() if labels}


@dataclass(frozen=True)
class RoleChange:
    """What another role does to all that an account has: ids, in `before` and `after` the main one first."""

    role: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    refused: str = ""  # why nobody can be given it, as the connector says

    @property
    def nothing(self) -> bool:
        return set(self.before) == set(self.after)

    @property
    def keeps(self) -> tuple[str, ...]:
        return tuple(id for id in self.before if id in self.after and id != self.role)

    @property
    def removes(self) -> tuple[str, ...]:
        """Beside the main role, whose place the new one takes."""
        return tuple(id for id in self.before[1:] if id not in self.after)

    @property
    def detail(self) -> dict[str, object]:
        """What its task must verify: with several roles, all seen before the approval and all expected afterwards."""
        several = len(self.before) > 1 or self.after != (self.role,)
        all_of_them = {"roles": list(self.before), "after": list(self.after)} if several else {}
        return {"role": self.role, "before": self.before[0], **all_of_them}


def beside(detail: Mapping | None) -> str:
    """What the detail of a Change, or a preview, says of further roles: "removes Billing; keeps Editor"."""
    return "; ".join(f"{does} {', '.join(detail[does])}" for does in ("removes", "keeps") if detail and does in detail)


def in_words(change: Change) -> str:
    """Editor → Admin; removes Billing."""
    between = " → ".join(dict.fromkeys(filter(None, (change.before, change.after))))
    return "; ".join(filter(None, (between, beside(change.detail))))


def wanted_by(detail: dict) -> list[str]:
    """All roles that a change of role leads to, the one asked for first: by the detail of its Task or Change."""
    return detail.get("after") or [detail["role"]]


@once
def of(app: App | int) -> Roles:
    """The app's roles, as the last check read them."""
    return _roles(_of(app))


@prepared
def _of(app: App | int) -> ModelSelect:
    return Role.select().where(Role.app == app).order_by(Role.position, Role.external_id)


def of_apps(app_ids: Iterable[int]) -> dict[int, Roles]:
    """The same of several apps, by their ids."""
    found: dict[int, list[Role]] = {id: [] for id in app_ids}
    for role in Role.select().where(Role.app.in_(list(found))).order_by(Role.position, Role.external_id):
        found[role.app_id].append(role)
    return {id: _roles(rows) for id, rows in found.items()}


def _roles(rows: list[Role]) -> Roles:
    return Roles({role.external_id: role.label for role in rows},
                 frozenset(role.external_id for role in rows if role.privileged))  # fmt: skip


def at_worst(account: Account) -> tuple[str, ...]:
    """The ids of all roles that the account has or may have: also those that a guard holds, and NOT_GIVEN."""
    held_values = account.held_values or {}
    by_now = [held_values["role"], *json.loads(held_values["further_roles"])] if "role" in held_values else []
    is_missing = not account.role and (account.missing_fields or 0) & _ROLE
    unknown = [NOT_GIVEN] if is_missing and are_reported(account.app_id) else []
    return tuple(dict.fromkeys([*account.roles, *filter(None, by_now), *unknown]))


def are_reported(app_id: int) -> bool:
    """Whether the app says of anyone which role they have."""
    reported = Account.missing_fields.bin_and(_ROLE) == 0
    return Account.select().where(Account.app == app_id, Account.state != AccountState.GONE, reported).exists()
