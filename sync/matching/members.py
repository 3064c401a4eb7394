"""The members of an app: counted, described in words, kept when the app is reconnected. apps/member_list.py finds them.
Whose they are: rules.py says it, decisions.py what people decide, suggestions.py who is likely."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import reduce
from operator import and_

from peewee import ModelUpdate

from sync import activity
from sync.db import db, noted_in_write, postponed, writing
from sync.jobs import comparing
from sync.models import BIT, Account, App, Person
from sync.names import account_name
from sync.prepared import prepared_write
from sync.problems import Problem
from sync.states import AccountMatch, AccountState, AccountStatus
from sync.words import reason_given

TABS = {
    "onboarded": (AccountMatch.MATCHED,),
    "unmatched": (AccountMatch.UNMATCHED,),
    "guests": (AccountMatch.GUEST, AccountMatch.LOCAL_PARTNER),
    "service accounts": (AccountMatch.SERVICE_ACCOUNT,),
}
LATER = "apps to be counted"  # what a write has noted
LEFT = "left"  # beside these: accounts of people who have left, whichever tab they are on


@contextmanager
def counted_once() -> Iterator[None]:
    """In this block, inside the caller's writing(), recount() only notes the app, which is counted at the end."""
    with postponed(LATER, {}, lambda apps: [recount(app) for app in apps.values()]):
        yield


def recount(app: App) -> None:
    """Bring the counts on the app's row up to date."""
    if (later := noted_in_write().get(LATER)) is not None:
        later[app.id] = app
        return
    with writing():
        counts = dict(zip(AccountMatch, db.execute_sql(_COUNTED, {"app": app.id}).fetchone()))
        _keep(
            app.id,
            sum(counts.values()),
            counts.get(AccountMatch.MATCHED, 0),
            counts.get(AccountMatch.UNMATCHED, 0),
            sum(counts.get(word, 0) for word in TABS["guests"]),
            counts.get(AccountMatch.SERVICE_ACCOUNT, 0),
        )


# One kind after the other, which takes half as long as groups.
_COUNTED = "SELECT " + ", ".join(
    f"(SELECT count(*) FROM account WHERE app_id = :app AND state = '{AccountState.PRESENT}' AND match_kind = '{kind}')"
    for kind in AccountMatch
)


@prepared_write
def _keep(app_id: int, users: int, matched: int, unmatched: int, guests: int, service_accounts: int) -> ModelUpdate:
    kept = dict(users=users, matched=matched, unmatched=unmatched, guests=guests, service_accounts=service_accounts)
    same = [getattr(App, name) == number for name, number in kept.items()]
    return App.update(kept).where(App.id == app_id, ~reduce(and_, same))


def match_in_words(account: Account) -> str:
    """The match in words: "matched to Ana Lopez", "local partner: Bright Agency, runs our ads"."""
    if account.match_note:
        return f"{account.match_kind}: {account.match_note}"
    if account.person is None:
        return account.match_kind
    word = "matched to" if account.match_kind == AccountMatch.MATCHED else f"{account.match_kind} of"
    return f"{word} {account.person.name}"


def is_removed_by_suspending(account: str, suspends: str) -> str:
    """SQL: a removal only suspends in the app (`suspends`), and the app says now that the `account` (an alias) is
    suspended. Where it leaves out the status, the known one stays, but may be over."""
    return f"""({account}.status = '{AccountStatus.SUSPENDED}' AND {suspends}
        AND (coalesce({account}.missing_fields, 0) & {BIT["status"]}) = 0)"""


def may_be_anothers(known: str, now: str) -> str:
    """SQL: a decision by hand about an account that was gone may now be about another person's, because an app may give
    an id out again. `known` is the alias of the account as it was, `now` of the account that is back.

    If it had no e-mail when someone matched it, it may be another's unless its e-mail is the last known one or one of
    its person's. If it was marked as a guest's or a service's, it may be if it had no e-mail or has another one,
    unless the app calls it its own."""
    has_another_email = f"""{now}.email_key <> {known}.email_key AND NOT EXISTS (
        SELECT 1 FROM person_email e WHERE e.email_key = {now}.email_key AND e.person_id = {known}.person_id)"""
    return f"""({known}.match_by_hand AND CASE {known}.match_kind
        WHEN 'matched' THEN coalesce({known}.email_when_matched, '') = ''
            AND ({now}.email_key = '' OR {has_another_email})
        WHEN 'unmatched' THEN FALSE
        ELSE {now}.kind <> 'system' AND {is_unproven(known, now)} END)"""


def is_unproven(known: str, now: str) -> str:
    """SQL: the account `known`, which was gone, had no e-mail, or is back as `now` with another one."""
    return f"({known}.email_key = '' OR {now}.email_key NOT IN ('', {known}.email_key))"


REMOVED_BY_SUSPENDING = is_removed_by_suspending("a", "coalesce(app.removal_suspends, FALSE)")


def inherit(app: App, predecessor: App) -> None:
    """Apply what people decided about these accounts when the app was connected before, and keep whose they were by
    the rules, for those that the rules may no longer match. Inside `writing()`."""
    is_doubtful = f"(o.state = 'gone' AND {may_be_anothers('o', 'account')})"
    by_email = "SELECT 1 FROM person_email e WHERE e.email_key = account.email_key AND e.person_id = o.person_id"
    may_differ = f"""(NOT EXISTS ({by_email})
        OR (o.user_name, o.employee_number) IS DISTINCT FROM (account.user_name, account.employee_number))"""
    was_theirs = f"(o.match_kind = 'matched' AND CASE WHEN o.match_by_hand THEN {is_doubtful} ELSE {may_differ} END)"
    former = f"CASE WHEN {was_theirs} THEN o.person_id ELSE o.former_person_id END"
    by_hand = f"o.match_by_hand AND NOT {is_doubtful}"
    # Its address became another person's while the app was disconnected.
    is_moved = f"""(account.match_kind = 'matched' AND o.moved_email_key = account.email_key
        AND account.person_id IS DISTINCT FROM {former})"""
    db.execute_sql(
        f"""
        UPDATE account SET protection_reason = o.protection_reason, left_out_reason = o.left_out_reason,
            left_out_by = o.left_out_by, left_out_at = o.left_out_at, left_out_person_id = o.left_out_person_id,
            match_by_hand = {by_hand},
            match_note = CASE WHEN NOT {is_doubtful} THEN o.match_note END,
            email_when_matched = o.email_when_matched, moved_email_key = o.moved_email_key,
            former_person_id = {former},
            match_kind = CASE WHEN {by_hand} THEN o.match_kind WHEN {is_moved} THEN 'unmatched'
                ELSE account.match_kind END,
            person_id = CASE WHEN {by_hand} THEN o.person_id WHEN {is_moved} THEN NULL ELSE account.person_id END
        FROM account o
        WHERE account.app_id = ? AND o.app_id = ? AND o.external_id = account.external_id
          AND (o.protection_reason IS NOT NULL OR o.left_out_reason IS NOT NULL OR o.match_by_hand
            OR o.moved_email_key IS NOT NULL OR o.former_person_id IS NOT NULL OR {was_theirs})
        """,
        (app.id, predecessor.id),
    )


class ReasonNeeded(Problem):
    """Protecting an account needs a reason."""


def protect(account: Account, reason: str, by: str) -> None:
    """Protect the account: nobody can remove it until the protection is lifted. Raises ReasonNeeded for an empty
    reason."""
    reason = reason_given(reason)
    if not reason:
        raise ReasonNeeded("Enter a reason: it is shown wherever this account would be removed.")
    with writing():
        Account.update(protection_reason=reason).where(Account.id == account.id).execute()
        comparing.app(account.app_id)
        activity.record(by, "protected account", about=account_name(account), why=reason,
                        app=account.app_id, person=account.person_id)


def unprotect(account: Account, by: str) -> None:
    with writing():
        Account.update(protection_reason=None).where(Account.id == account.id).execute()
        comparing.app(account.app_id)  # someone who has left can be removed now
        activity.record(by, "lifted protection", about=account_name(account),
                        app=account.app_id, person=account.person_id)


def with_people(app: App, account_ids: Collection[int]) -> list[Account]:
    """Those of the app's accounts that have these ids, with their people, by name."""
    query = Account.select(Account, Person).left_outer_join(Person).where(Account.app == app)
    accounts = list(query.where(Account.id.in_(account_ids)).order_by(Account.name, Account.id))
    for account in accounts:
        account.app = app  # known already: not asked for once a row
    return accounts
