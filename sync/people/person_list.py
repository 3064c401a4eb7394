"""The people of the workspace as a list: who is looked for, in which order, page by page or as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from peewee import JOIN, Case, Expression, ModelSelect, fn, prefetch

from connectors.names import email_key
from sync.db import connected
from sync.listing import NOTHING, YES, Filter, Order, Page, one_of, page_with_first, plain_rows
from sync.models import Account, App, Person, PersonEmail
from sync.people import people
from sync.people.people import TAKEN
from sync.safety import leavers
from sync.search import finding
from sync.search.index import Kind
from sync.states import WorkspaceRole

_RANK = Case(Person.workspace_role, [(role, place) for place, role in enumerate(WorkspaceRole)])
_ACCOUNTS = Account.select(fn.COUNT(Account.id)).join(App).where(Account.person == Person.id, *TAKEN)
ORDER = Order(
    {
        "name": (Person.name,),
        "status": (Person.status,),
        "since": (Person.status_since,),
        "role": (_RANK,),
        "accounts": (_ACCOUNTS,),
    },
    ties=(Person.name, Person.id),
)


@dataclass(frozen=True)
class People(Filter):
    """`search` is a part of a name or an address, `status` a PersonStatus, `role` a WorkspaceRole. YES: `left`, who has
    left and still has an account; `disputed`, who has an address that a directory also gives to someone else; `hold`,
    whose accounts are on legal hold."""

    search: str = ""
    status: str = ""
    role: str = ""
    department: str = ""
    left: str = ""
    disputed: str = ""
    hold: str = ""


def search(wanted: People, sort: str = "", number: int = 1) -> Page:
    """One page of people with their addresses. Without a `sort` of ORDER, those who have left and still have an account
    are first."""
    with connected():
        query = found(wanted)
        first = [] if sort else _left_first(wanted, query)
        rest = query.where(~one_of(Person.id, json.dumps(first))) if first else query
        total = query.count() if wanted.asked else people.count()
        return page_with_first(first, rest.order_by(*ORDER.terms(sort)), number, _with_emails, total)


def _left_first(wanted: People, query: ModelSelect) -> list[int]:
    still_in = leavers.people_still_in()
    if not still_in or not wanted.asked:
        return still_in
    rows = plain_rows(query.where(one_of(Person.id, json.dumps(still_in))))
    among = {id for (id,) in rows}
    return [id for id in still_in if id in among]


def _with_emails(ids: list[int]) -> list[Person]:
    rows = {row.id: row for row in prefetch(Person.select().where(one_of(Person.id, json.dumps(ids))), PersonEmail)}
    return [rows[id] for id in ids if id in rows]


def found(wanted: People) -> ModelSelect:
    """The ids of the people who match everything, in no order."""
    query = Person.select(Person.id)
    for condition in _conditions(wanted):
        query = query.where(condition)
    return query


def _conditions(wanted: People) -> Iterator[Expression]:
    if finding.searches(wanted.search):
        with_address = PersonEmail.select(PersonEmail.person).where(PersonEmail.email_key == email_key(wanted.search))
        yield finding.having(Person.id, Kind.PERSON, wanted.search) | Person.id.in_(with_address)
    if wanted.status:
        yield Person.status == wanted.status
    if wanted.role:
        yield Person.workspace_role == wanted.role
    if wanted.department:
        yield Person.department == wanted.department
    for name, condition in _MARKS.items():
        if asked := getattr(wanted, name):
            yield condition() if asked == YES else NOTHING


_MARKS = {
    "left": lambda: one_of(Person.id, json.dumps(leavers.people_still_in())),
    "disputed": lambda: Person.id.in_(PersonEmail.select(PersonEmail.person).where(PersonEmail.disputed)),
    "hold": lambda: Person.legal_hold_reason.is_null(False),
}


def marked() -> dict[str, int]:
    """How many people each of the marks is on; without those that nobody has."""
    counts = {"left": len(leavers.people_still_in())} | {
        name: Person.select().where(condition()).count() for name, condition in _MARKS.items() if name != "left"}
    return {name: count for name, count in counts.items() if count}


def departments() -> list[tuple[str, int]]:
    """Each department, and how many people are in it."""
    named = Person.department.is_null(False) & (Person.department != "")
    counted = Person.select(Person.department, fn.COUNT(Person.id)).where(named).group_by(Person.department)
    return list(counted.order_by(Person.department).tuples())


DOWNLOADED = ("name", "email", "status", "why", "since", "workspace_role", "department", "manager", "last_day")


def download(wanted: People, sort: str = "") -> Iterator[tuple]:
    """The people that search() finds, all of them, with DOWNLOADED of each."""
    main = (PersonEmail.person == Person.id) & PersonEmail.main
    query = found(wanted).select(
        Person.name, PersonEmail.email, Person.status, Person.status_reason, Person.status_since,
        Person.workspace_role, Person.department, Person.manager, Person.last_day,
    )  # fmt: skip
    return query.join(PersonEmail, JOIN.LEFT_OUTER, on=main).order_by(*ORDER.terms(sort)).tuples().iterator()

