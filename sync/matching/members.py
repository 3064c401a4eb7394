"""The members of an app: found by name, counted, told in words, kept when the app is reconnected.
Whose they are: rules.py says it, decisions.py what people decide, suggestions.py who is likely."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from functools import reduce
from operator import and_

from peewee import JOIN, SQL, ModelSelect, fn

from sync import activity
from sync.db import db, writing
from sync.listing import Page, page_of, page_with_first
from sync.models import Account, App, Person, PersonEmail
from sync.names import account_name
from sync.problems import Problem
from sync.roles import Roles
from sync.states import AccountMatch

TABS = {
    "onboarded": (AccountMatch.MATCHED,),
    "unmatched": (AccountMatch.UNMATCHED,),
    "guests": (AccountMatch.GUEST, AccountMatch.LOCAL_PARTNER),
    "service accounts": (AccountMatch.SERVICE_ACCOUNT,),
}


LEFT = "left"  # beside these: accounts of people who have left, whichever tab they are on


def recount(app: App) -> None:
    """Bring the counts on the app's row up to date."""
    with writing():
        counts = dict(
            Account.select(Account.match_kind, fn.COUNT(Account.id))
            .where(Account.app == app, Account.is_present)
            .group_by(Account.match_kind)
            .tuples()
        )
        kept = {
            "users": sum(counts.values()),
            "matched": counts.get(AccountMatch.MATCHED, 0),
            "unmatched": counts.get(AccountMatch.UNMATCHED, 0),
            "guests": sum(counts.get(word, 0) for word in TABS["guests"]),
            "services": counts.get(AccountMatch.SERVICE_ACCOUNT, 0),
        }
        same = [getattr(App, name) == number for name, number in kept.items()]
        App.update(kept).where(App.id == app.id, ~reduce(and_, same)).execute()


def told(account: Account) -> str:
    """The match in words: "matched to Ana Lopez", "local partner: Bright Agency, runs our ads"."""
    if account.match_note:
        return f"{account.match_kind}: {account.match_note}"
    if account.person is None:
        return account.match_kind
    word = "matched to" if account.match_kind == AccountMatch.MATCHED else f"{account.match_kind} of"
    return f"{word} {account.person.name}"


def inherit(app: App, predecessor: App) -> None:
    """What people decided about these accounts when the app was connected before holds on. Inside `writing()`."""
    db.execute_sql(
        """
        UPDATE account SET protected = o.protected, left_out = o.left_out, left_out_by = o.left_out_by,
            left_out_at = o.left_out_at, match_by_hand = o.match_by_hand, match_note = o.match_note,
            email_when_matched = o.email_when_matched, asked_as = o.asked_as, was_of_id = o.was_of_id,
            match_kind = CASE WHEN o.match_by_hand THEN o.match_kind ELSE account.match_kind END,
            person_id = CASE WHEN o.match_by_hand THEN o.person_id ELSE account.person_id END
        FROM account o
        WHERE account.app_id = ? AND o.app_id = ? AND o.external_id = account.external_id
          AND (o.protected IS NOT NULL OR o.left_out IS NOT NULL OR o.match_by_hand OR o.asked_as IS NOT NULL)
        """,
        (app.id, predecessor.id),
    )


class ReasonNeeded(Problem):
    """Protecting an account needs a reason."""


def protect(account: Account, reason: str, by: str) -> None:
    """Never to be removed, by anyone, until the protection is lifted. Raises ReasonNeeded for an empty reason."""
    if not reason.strip():
        raise ReasonNeeded("Say why: the reason is shown wherever this account would be removed.")
    with writing():
        Account.update(protected=reason.strip()).where(Account.id == account.id).execute()
        activity.record(by, "protected account", about=account_name(account), why=reason,
                        app=account.app_id, person=account.person_id)


def unprotect(account: Account, by: str) -> None:
    with writing():
        Account.update(protected=None).where(Account.id == account.id).execute()
        activity.record(by, "lifted protection", about=account_name(account),
                        app=account.app_id, person=account.person_id)


def search_accounts(
    app: App, tab: str = "onboarded", search: str = "", number: int = 1, left: Sequence[int] = ()
) -> Page:
    """A page of the app's members on one of TABS or LEFT, by name; the total comes from the kept counts unless one
        searches. `left`: the accounts of people who have left, in the order in which they are at the top."""
    query = found(app, tab, search, left)
    if tab == LEFT:
        return page_of(query.order_by(Account.name, Account.id), number, _with_people)
    if left and tab == "onboarded" and not search.strip():
        rest = query.where(Account.id.not_in(left)).order_by(Account.name, Account.id)
        return page_with_first(left, rest, number, _in_order, app.matched)
    kept = dict(zip(TABS, (app.matched, app.unmatched, app.guests, app.services)))
    total = query.count() if search.strip() else kept[tab]
    return page_of(query.order_by(Account.name, Account.id), number, _with_people, total)


def listed(app_id: int, tab: str, search: str, most: int, left: Sequence[int] = ()) -> list[int]:
    """The ids of all members that the list shows on all its pages, at most so many."""
    query = found(App.get_by_id(app_id), tab, search, left)
    return [row.id for row in query.order_by(Account.name, Account.id).limit(most)]


DOWNLOADED = (
    "account", "name", "email", "user_name", "status", "roles", "match", "person", "person_email", "person_status",
    "last_activity", "first_seen",
)  # fmt: skip


def download(app: App, tab: str, search: str, left: Sequence[int], known: Roles) -> Iterator[tuple]:
    """All members that the list shows on all its pages, by name, with DOWNLOADED of each."""
    main = (PersonEmail.person == Person.id) & PersonEmail.main
    query = (
        Account.select(Account, Person, PersonEmail)
        .join(Person, JOIN.LEFT_OUTER).join(PersonEmail, JOIN.LEFT_OUTER, on=main, attr="main_email")
        .where(Account.id.in_(found(app, tab, search, left))).order_by(Account.name, Account.id)
    )  # fmt: skip
    for account in query.iterator():
        person = account.person
        email = getattr(person, "main_email", None) if person else None
        yield (account.external_id, account.name, account.email, account.user_name, account.status,
               known.told(account.roles), account.match_kind, person and person.name, email and email.email,
               person and person.status, account.last_activity, account.first_seen)  # fmt: skip


def with_people(app: App, account_ids: Collection[int]) -> list[Account]:
    """Those of the app's accounts that have these ids, with their people."""
    query = Account.select(Account, Person).left_outer_join(Person)
    accounts = list(query.where(Account.app == app, Account.id.in_(account_ids)))
    for account in accounts:
        account.app = app  # known already: not asked for once a row
    return accounts


def _with_people(ids: ModelSelect) -> ModelSelect:
    shown = Account.id.in_([row.id for row in ids])
    return Account.select(Account, Person).left_outer_join(Person).where(shown).order_by(Account.name, Account.id)


def _in_order(ids: list[int]) -> list[Account]:
    rows = {row.id: row for row in Account.select(Account, Person).left_outer_join(Person).where(Account.id.in_(ids))}
    return [rows[id] for id in ids if id in rows]


def found(app: App, tab: str, search: str = "", left: Sequence[int] = ()):
    """The ids of the app's members on one of TABS or LEFT with all the words in name, address, user name or note."""
    if tab == LEFT:
        among = SQL("(SELECT value FROM json_each(?))", (json.dumps(list(left)),))
        query = Account.select(Account.id).where(Account.app == app, Account.id.in_(among))
    elif tab in TABS:
        query = Account.select(Account.id).where(
            Account.app == app, Account.is_present, Account.match_kind.in_(TABS[tab])
        )
    else:
        raise ValueError(f"no such tab: {tab}")
    for word in search.split():
        query = query.where(
            Account.name.contains(word) | Account.email.contains(word)
            | Account.user_name.contains(word) | Account.match_note.contains(word)
        )
    return query
