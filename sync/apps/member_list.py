"""The members of an app as a list: which are looked for, in which order, page by page, all of them, or as a file.
Members, its bulk operations and its download ask here, so that all three mean the same accounts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from peewee import JOIN, SQL, Case, Expression, ModelSelect, fn

from sync.db import db, utcnow
from sync.listing import (
    NOTHING,
    Filter,
    Order,
    Page,
    one_of,
    page_of,
    page_with_first,
    whole_number,
)
from sync.matching.members import LEFT, TABS
from sync.models import BIT, Access, Account, App, Asset, Person, PersonEmail, Role
from sync.prepared import prepared
from sync.roles import Roles
from sync.safety import leavers
from sync.search import finding
from sync.search.index import Kind
from sync.states import AssetState
from sync.unchanged import while_unchanged
from sync.workspace import today

FIRST_TAB = "onboarded"
INACTIVE, UNKNOWN = ("30", "60", "90"), "unknown"  # days without activity; nobody knows
MANY = 5_000  # members, from which the dialog with filters doesn't count them
MOST_READ = 4  # times as many accounts as the app has: to find each by an index takes nine times as long
FEW = 500  # found members, so that walking by name until a page is full would mostly walk through the whole app
BY_NAME = ("", "name", "-name")
ASSETS = 200  # that are offered as a filter

_OF_THE_ROLE = (Role.app == Account.app) & (Role.external_id == Account.role)
ORDER = Order(
    {
        "name": (Account.name,),
        "status": (Account.status,),
        "role": (Role.select(Role.position).where(_OF_THE_ROLE), Role.select(Role.label).where(_OF_THE_ROLE),
                 Account.role),
        "active": (Account.last_activity,),
        "added": (Account.first_seen,),
    },
    ties=(Account.name, Account.id),
)  # fmt: skip


@dataclass(frozen=True)
class Members(Filter):
    """`tab` is one of TABS or LEFT, `inactive` one of INACTIVE or UNKNOWN, `role` the external id of one of the
    account's roles, `asset` the id of one it can access, `department` the one of its person."""

    search: str = ""
    tab: str = FIRST_TAB
    inactive: str = ""
    role: str = ""
    department: str = ""
    asset: str = ""

    @property
    def narrows(self) -> bool:
        """Whether it shows less than all of its tab."""
        return bool(self.asked.keys() - {"tab"})


def search(app: App, wanted: Members, sort: str = "", number: int = 1) -> Page:
    """A page of accounts with their people. Without a `sort` of ORDER, those of people who have left are first."""
    query = found(app, wanted, by_name=True)
    is_counted = wanted.narrows or wanted.tab == LEFT
    total = _count(app, wanted, app.last_check_at, today()) if is_counted else _kept(app)[wanted.tab]
    if wanted.narrows and (sort not in BY_NAME or total <= FEW):
        query = found(app, wanted)
    if sort or wanted.tab != FIRST_TAB:
        return page_of(query.order_by(*ORDER.terms(sort)), number, _with_people, total)
    return _left_first(app, wanted, query, number, total)


@while_unchanged
def _count(app: App, wanted: Members, _read_at: datetime | None, _today: date) -> int:
    """All of found() on this day. In an app that was never read, nobody is inactive."""
    return found(app, wanted).count()


def _left_first(app: App, wanted: Members, query: ModelSelect, number: int, total: int) -> Page:
    """They are listed also while they are being removed, although the tab no longer counts them then."""
    if wanted.narrows:
        left = list(found(app, replace(wanted, tab=LEFT)).select(Account.id, Account.state).order_by(*ORDER.terms()))
        first, beside = [account.id for account in left], sum(not account.is_present for account in left)
    else:
        first, beside = leavers.accounts_still_in(app.id), leavers.removing_of(app.id)
    rest = query.where(~one_of(Account.id, json.dumps(first))) if first else query
    backwards = rest.order_by(Account.name.desc(), Account.id.desc())
    return page_with_first(first, rest.order_by(*ORDER.terms()), number, _with_people, total + beside, backwards)


def _kept(app: App) -> dict[str, int]:
    """The number of members on each tab, as stored on the app's row."""
    return dict(zip(TABS, (app.matched, app.unmatched, app.guests, app.service_accounts)))


def ids(app: App, wanted: Members) -> list[int]:
    """The ids of all accounts that the list shows on all its pages, by name."""
    everyone = [row.id for row in found(app, wanted).order_by(*ORDER.terms())]
    if wanted.tab != FIRST_TAB:
        return everyone
    return list(dict.fromkeys([*(row.id for row in found(app, replace(wanted, tab=LEFT))), *everyone]))


def found(app: App, wanted: Members, by_name: bool = False) -> ModelSelect:
    """The ids of the app's members on the tab that match everything, in no order. `by_name`: they will be asked for by
    name, and only until a page is full. Raises ValueError for no such tab."""
    conditions = list(_conditions(app, wanted))
    if wanted.tab == LEFT:  # all of them are the app's: a condition on the app would make SQLite walk through it
        return Account.select(Account.id).where(
            one_of(Account.id, json.dumps(leavers.accounts_still_in(app.id))), *conditions)  # fmt: skip
    if wanted.tab not in TABS:
        raise ValueError(f"no such tab: {wanted.tab}")
    # What is looked for is few; with a condition on the app alone, SQLite would walk through all of it.
    of_app = Account.app + 0 == app.id if finding.searches(wanted.search) else Account.app == app
    on_tab = [Account.is_present, Account.match_kind.in_(TABS[wanted.tab])]
    if not by_name and _reads_all(app, wanted):
        return Account.select(Account.id).where(*conditions, Account.app + 0 == app.id, *on_tab)
    return Account.select(Account.id).where(of_app, *on_tab, *conditions)


def _reads_all(app: App, wanted: Members) -> bool:
    """Whether it is faster to read all accounts there are, as they lie in the file, than the app's by an index. A
    server decides that without us."""
    if db.on_server or not has_many(app) or not (wanted.role or wanted.inactive):
        return False
    if wanted.department or wanted.asset or finding.searches(wanted.search):  # these are found by their own indexes
        return False
    return (Account.select(fn.MAX(Account.id)).scalar() or 0) <= app.users * MOST_READ


def _conditions(app: App, wanted: Members) -> Iterator[Expression]:
    if finding.searches(wanted.search):
        yield finding.having(Account.id, Kind.ACCOUNT, wanted.search, app.id)
    if wanted.inactive:
        yield _inactive(app, wanted.inactive)
    if wanted.role:
        further = SQL("(SELECT a.id FROM account a CROSS JOIN json_each(a.further_roles) h WHERE a.app_id = ? "
                      "AND a.further_roles <> '[]' AND h.value = ?)", (app.id, wanted.role))  # fmt: skip
        yield (Account.role == wanted.role) | Account.id.in_(further)
    if wanted.department:
        yield Account.person.in_(Person.select(Person.id).where(Person.department == wanted.department))
    if wanted.asset:
        of_the_app = Asset.select(Asset.id).where(Asset.id == whole_number(wanted.asset), Asset.app == app)
        yield Account.id.in_(Access.select(Access.account).where(Access.asset.in_(of_the_app)))


def _inactive(app: App, days: str) -> Expression:
    """Not active for so many days before the app was last read: nothing is known of the time since then.

    Where the app does not give the last activity, the account is neither active nor inactive but UNKNOWN.
    """
    missing_fields = fn.COALESCE(Account.missing_fields, 0).bin_and(BIT["last_activity"]) != 0
    if days == UNKNOWN:
        return Account.last_activity.is_null() | missing_fields
    if days not in INACTIVE:
        return NOTHING
    return (Account.last_activity < as_of(app) - timedelta(days=int(days))) & ~missing_fields


def as_of(app: App) -> datetime:
    """When the values of the app's accounts were read (UTC); now if they never were."""
    return app.last_check_at or utcnow()


def _with_people(shown: Iterable) -> list[Account]:
    """Accounts in the order of their ids, or of rows that have them."""
    order = [row if isinstance(row, int) else row.id for row in shown]
    rows = {row.id: row for row in _rows_with_people(json.dumps(order))}
    return [rows[id] for id in order if id in rows]


@prepared
def _rows_with_people(ids: str) -> ModelSelect:
    return Account.select(Account, Person).left_outer_join(Person).where(one_of(Account.id, ids))


DOWNLOADED = (
    "account", "name", "email", "user_name", "status", "roles", "match", "person", "person_email", "person_status",
    "last_activity", "first_seen",
)  # fmt: skip


def download(app: App, wanted: Members, known: Roles, sort: str = "") -> Iterator[tuple]:
    """All members that the list shows on all its pages, with DOWNLOADED of each."""
    main = (PersonEmail.person == Person.id) & PersonEmail.main
    query = (
        Account.select(Account, Person, PersonEmail)
        .join(Person, JOIN.LEFT_OUTER).join(PersonEmail, JOIN.LEFT_OUTER, on=main, attr="main_email")
        .where(one_of(Account.id, json.dumps(ids(app, wanted)))).order_by(*ORDER.terms(sort))
    )  # fmt: skip
    for account in query.iterator():
        person = account.person
        email = getattr(person, "main_email", None) if person else None
        yield (account.external_id, account.name, account.email, account.user_name, account.status,
               known.labels_of(account.roles), account.match_kind, person and person.name, email and email.email,
               person and person.status, account.last_activity, account.first_seen)  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """A value that a filter can have, and how many members it leaves: None where these aren't counted, as the app has
    more than MANY, so that all values are offered."""

    value: str
    label: str
    count: int | None = None


def has_many(app: App) -> bool:
    return app.users > MANY


def inactive_choices(app: App, wanted: Members) -> list[Choice]:
    """INACTIVE and UNKNOWN; the labels are the values."""
    values = (*INACTIVE, UNKNOWN)
    if has_many(app):
        return [Choice(value, value) for value in values]
    counted = [fn.SUM(Case(None, [(_inactive(app, value), 1)], 0)) for value in values]
    row = Account.select(*counted).where(_among(app, wanted.without("inactive"))).tuples().get()
    return [Choice(value, value, count or 0) for value, count in zip(values, row)]


def role_choices(app: App, wanted: Members) -> list[Choice]:
    """The roles that these members have, in the app's order."""
    known = Role.select().where(Role.app == app).order_by(Role.position, Role.label)
    if has_many(app):
        return [Choice(role.external_id, role.label or role.external_id) for role in known]
    sql, values = found(app, wanted.without("role")).sql()
    counts = dict(db.execute_sql(
        f"""
        WITH f AS MATERIALIZED (SELECT * FROM account WHERE id IN ({sql}))
        SELECT role, count(*) FROM (
            SELECT role, id FROM f UNION SELECT h.value, f.id FROM f CROSS JOIN json_each(f.further_roles) h
            WHERE f.further_roles <> '[]') AS held
        GROUP BY role
        """,
        values,
    ).fetchall())  # fmt: skip
    return [Choice(role.external_id, role.label or role.external_id, counts[role.external_id])
            for role in known if role.external_id in counts]  # fmt: skip


def department_choices(app: App, wanted: Members) -> list[Choice]:
    """The departments that these members' people are in."""
    if has_many(app):
        return [Choice(name, name) for name in person_departments()]
    counted = (
        Account.select(Person.department, fn.COUNT(Account.id)).join(Person)
        .where(_among(app, wanted.without("department")), Person.department.is_null(False), Person.department != "")
        .group_by(Person.department).order_by(Person.department)
    )  # fmt: skip
    return [Choice(name, name, count) for name, count in counted.tuples()]


def person_departments() -> list[str]:
    """All departments, in order: one step of an index for each of them."""
    rows = db.execute_sql(
        """
        WITH RECURSIVE each (name) AS (
            SELECT min(department) FROM person WHERE department > ''
            UNION ALL
            SELECT (SELECT min(department) FROM person WHERE department > each.name) FROM each
            WHERE each.name IS NOT NULL)
        SELECT name FROM each WHERE name IS NOT NULL ORDER BY name
        """
    )
    return [name for (name,) in rows.fetchall()]


def asset_choices(app: App) -> list[Asset]:
    """The app's assets by kind and name, at most ASSETS."""
    present = Asset.select().where(Asset.app == app, Asset.state == AssetState.PRESENT)
    return list(present.order_by(Asset.kind, Asset.name, Asset.id).limit(ASSETS))


def _among(app: App, wanted: Members) -> Expression:
    return Account.id.in_(found(app, wanted))
