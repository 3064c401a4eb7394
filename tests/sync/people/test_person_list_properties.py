"""Every filter, order and page of People: each person once, and the same as plain Python finds and sorts."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from peewee import prefetch

from sync.db import db
from sync.listing import YES
from sync.models import Account, App, Person, PersonEmail
from sync.people import person_list
from sync.people.person_list import People
from sync.search.texts import contains, text_of, words_of
from sync.states import WorkspaceRole
from tests.sync.ordered import asks, assert_pages, compared, in_order

SINCE = datetime(2026, 11, 20, 4, 0)
PEOPLE = st.fixed_dictionaries({
    "name": st.sampled_from(["", "Ana", "ana", "Élodie", "Bo", "Zoë"]),
    "status": st.sampled_from(["active", "active", "suspended", "deprovisioned", "deprovisioned"]),
    "days": st.integers(0, 2),
    "role": st.sampled_from([None, None, *WorkspaceRole]),
    "department": st.sampled_from([None, "", "Sales"]),
    "hold": st.sampled_from([None, None, "A case"]),
    "disputed": st.booleans(),
    "accounts": st.lists(st.sampled_from(["present", "removing", "gone", "disconnected"]), max_size=3),
    "kept": st.booleans(),
})  # fmt: skip
VALUES = {
    "search": ("ana", "é", "p1@acme.example", "x ana"),
    "status": ("active", "deprovisioned", "Active", "nobody"),
    "role": ("owner", "user", "none", "' OR 1=1 --"),
    "department": ("Sales", "Nowhere"),
    "left": (YES, YES, "no"), "disputed": (YES, "1"), "hold": (YES, "YES"),
}  # fmt: skip


def build(persons: list[dict]) -> None:
    App.delete().execute()
    PersonEmail.delete().execute()
    Person.delete().execute()
    app, ended = (App.create(connector="scim", name=state, category="", state=state)
                  for state in ("active", "disconnected"))  # fmt: skip
    for number, values in enumerate(persons):
        person = Person.create(
            name=values["name"], status=values["status"], status_since=SINCE - timedelta(days=values["days"]),
            workspace_role=values["role"], department=values["department"], legal_hold_reason=values["hold"],
            remove_on=datetime(2999, 1, 1) if values["kept"] else None,
        )  # fmt: skip
        address = f"p{number}@acme.example"
        PersonEmail.create(person=person, email=address, email_key=address, main=True, disputed=values["disputed"])
        for place, state in enumerate(values["accounts"]):
            where = ended if state == "disconnected" else app
            Account.create(app=where, external_id=f"{number}-{place}", person=person, match_kind="matched",
                           state="present" if state == "disconnected" else state)  # fmt: skip


def accounts_of(person: Person) -> int:
    return sum(row.state != "gone" and row.app.state == "active" for row in person.accounts)


def still_in(person: Person) -> bool:
    return person.status == "deprovisioned" and person.remove_on is None and accounts_of(person) > 0


def matches(person: Person, wanted: People) -> bool:
    """In plain Python; tests/sync/search has what it means that a text contains words."""
    email = person.emails[0]
    marks = {"left": still_in(person), "disputed": email.disputed, "hold": person.legal_hold_reason is not None}
    return all((
        contains(text_of([person.name, email.email]), words_of(wanted.search)),
        not wanted.status or wanted.status == person.status,
        not wanted.role or wanted.role == person.workspace_role,
        not wanted.department or wanted.department == person.department,
        *(not (asked := getattr(wanted, mark)) or (asked == YES and is_on) for mark, is_on in marks.items()),
    ))  # fmt: skip


def by(persons: list[Person], sort: str) -> list[Person]:
    def value(person: Person) -> list:
        role = person.workspace_role
        return [{
            "": 0, "name": person.name, "status": person.status, "since": person.status_since,
            "role": list(WorkspaceRole).index(role) if role else None, "accounts": accounts_of(person),
        }[sort.removeprefix("-")]]  # fmt: skip

    return in_order(persons, value, lambda person: (person.name, person.id), sort.startswith("-"))


@compared(15)
@given(st.lists(PEOPLE, min_size=7, max_size=9), asks(VALUES, person_list.ORDER))
def test_each_person_once_and_as_plain_python_sorts(home, short_pages, persons, asked) -> None:
    with db.atomic() as undone:
        build(persons)
        everyone = list(prefetch(Person.select(), PersonEmail, Account.select(), App.select()))
        for values, sort in asked:
            wanted = People.of(values)
            listed = [person for person in everyone if matches(person, wanted)]
            first = [] if sort else [person for person in listed if still_in(person)]
            rest = [person for person in listed if person not in first]
            expected = [person.id for person in by(first, sort) + by(rest, sort)]
            assert_pages(partial(person_list.search, wanted, sort), expected, lambda person: person.id)
            assert len(list(person_list.download(wanted, sort))) == len(expected)
        undone.rollback()
