"""Decisions by hand about accounts: whose it is, or a guest, local partner or service account; for one or many at once.
They outlive every check, are in Activity for each account, and can be undone until there is a newer decision."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from peewee import Expression, ModelSelect, fn

from sync import activity
from sync.db import db, utcnow, writing
from sync.listing import one_of, plain_rows
from sync.matching import doubtful
from sync.matching import rules as match_rules
from sync.matching.members import match_in_words, recount
from sync.models import Account, App, MatchDecision, Person
from sync.names import account_name
from sync.prepared import prepared_plain
from sync.problems import Problem
from sync.states import AccountMatch, AccountState, PersonStatus

CHUNK = 500  # rows in one SQL statement
LONGEST_NOTE = 200


class DecisionKind(StrEnum):
    """What is decided about an account.
    PERSON: whose it is. NOBODY: no rule may match it. RULES: what was decided before is undone."""

    PERSON = "person"
    GUEST = AccountMatch.GUEST
    LOCAL_PARTNER = AccountMatch.LOCAL_PARTNER
    SERVICE_ACCOUNT = AccountMatch.SERVICE_ACCOUNT
    NOBODY = "nobody"
    RULES = "rules"


ENTRIES = {  # of Activity
    DecisionKind.PERSON: "matched account",
    DecisionKind.GUEST: "marked as guest",
    DecisionKind.LOCAL_PARTNER: "marked as local partner",
    DecisionKind.SERVICE_ACCOUNT: "marked as service account",
    DecisionKind.NOBODY: "moved account to Unmatched",
    DecisionKind.RULES: "left matching to the rules",
}
MATCHES = {  # how an account is matched then, where that isn't the decision's own word
    DecisionKind.PERSON: AccountMatch.MATCHED,
    DecisionKind.NOBODY: AccountMatch.UNMATCHED,
    DecisionKind.RULES: AccountMatch.UNMATCHED,
}


class DecisionProblem(Problem):
    """It can't be decided; the message is a sentence for the page."""


class DecisionStale(DecisionProblem):
    """The accounts have changed since they were looked at: look again."""


@dataclass(frozen=True)
class Decision:
    """`person`: whose it is, or who is responsible. `note` of a guest: from where, why."""

    kind: DecisionKind
    person: Person | None = None
    note: str = ""

    def values(self, account: Account) -> dict[str, Any]:
        """The columns of Account that say so of this one."""
        match = MATCHES.get(self.kind, self.kind)
        note = (
            " ".join(self.note.split())[:LONGEST_NOTE]
            if match in (AccountMatch.GUEST, AccountMatch.LOCAL_PARTNER)
            else ""
        )
        person = (
            self.person.id if self.person and match in (AccountMatch.MATCHED, AccountMatch.SERVICE_ACCOUNT) else None
        )
        return {"match_kind": match, "person": person, "match_by_hand": self.kind != DecisionKind.RULES,
                "match_note": note or None,
                "email_when_matched": account.email_key if match == AccountMatch.MATCHED else None}  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A decision that was made. Pass its `batch` to undo(); "" if nothing changed."""

    batch: str
    count: int


def match(account: Account, person: Person, by: str) -> Made:
    """Match the account to this person by hand."""
    return decide(account.app, [account.id], Decision(DecisionKind.PERSON, person), by)


def mark_guest(account: Account, by: str, note: str = "") -> Made:
    return decide(account.app, [account.id], Decision(DecisionKind.GUEST, note=note), by)


def mark_local_partner(account: Account, by: str, note: str = "") -> Made:
    """Mark the account as a local partner's: like a guest's, but of another company that works with this one."""
    return decide(account.app, [account.id], Decision(DecisionKind.LOCAL_PARTNER, note=note), by)


def mark_service(account: Account, by: str, person: Person | None = None) -> Made:
    """Mark the account as a service account, which is nobody's own; `person` is responsible for it."""
    return decide(account.app, [account.id], Decision(DecisionKind.SERVICE_ACCOUNT, person), by)


def unmatch(account: Account, by: str) -> Made:
    """Mark the account as nobody's: no rule matches it again until someone matches it by hand."""
    return decide(account.app, [account.id], Decision(DecisionKind.NOBODY), by)


def leave_to_rules(account: Account, by: str) -> Made:
    """Undo the decision by hand: the rules decide from now on."""
    return decide(account.app, [account.id], Decision(DecisionKind.RULES), by)


def decide(app: App, account_ids: Iterable[int], decision: Decision, by: str, seen: str = "") -> Made:
    """Decide about these accounts of the app at once. Accounts that already have this decision aren't changed, unless
    it is from before the person who has their address left.

    `seen` is the fingerprint() of what someone looked at: DecisionStale if it is otherwise by now.
    Raises DecisionProblem; nothing is changed then.
    """
    if decision.kind not in tuple(DecisionKind):
        raise DecisionProblem(f"Unknown account type: {decision.kind}.")
    with writing():
        accounts = chosen(app, account_ids)
        again = doubtful.to_decide_again(account.id for account in accounts)
        changing = [account for account in accounts if account.id in again or not _is_so(account, decision)]
        if changing and seen and seen != fingerprint(accounts):
            raise DecisionStale("Some of these accounts changed while you looked. Nothing was changed: look again.")
        _refuse(changing, decision)
        batch = secrets.token_hex(8)
        _keep(changing, batch, by)
        _write([(account.id, decision.values(account)) for account in changing])
        if decision.kind == DecisionKind.RULES:
            _match_by_rules(app, changing)
        _record(changing, ENTRIES[decision.kind], by)
        recount(app)
        return Made(batch if changing else "", len(changing))


def chosen(app: App, account_ids: Iterable[int]) -> list[Account]:
    """Those of the app's accounts that have these ids and are not gone, by name, with their people."""
    ids, found = sorted(set(account_ids)), []
    for start in range(0, len(ids), CHUNK):
        query = Account.select(Account, Person).left_outer_join(Person)
        some = Account.id.in_(ids[start : start + CHUNK])
        found.extend(query.where(Account.app == app, some, Account.state != AccountState.GONE))
    return sorted(found, key=lambda account: (account.name, account.id))


def fingerprint(accounts: Iterable[Account]) -> str:
    """The same for the same accounts in the same state."""
    shown = sorted((account.id, *_state(account).values()) for account in accounts)
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def _state(account: Account) -> dict[str, Any]:
    return {"match_kind": account.match_kind, "person": account.person_id, "match_by_hand": account.match_by_hand,
            "match_note": account.match_note, "email_when_matched": account.email_when_matched}  # fmt: skip


def _is_so(account: Account, decision: Decision) -> bool:
    if decision.kind == DecisionKind.RULES:
        return not account.match_by_hand
    return _state(account) == decision.values(account)


def _refuse(accounts: list[Account], decision: Decision) -> None:
    person = decision.person
    if decision.kind == DecisionKind.PERSON:
        if person is None:
            raise DecisionProblem("Choose the person that it belongs to. Nothing was changed.")
        matched = [account for account in accounts if account.match_kind == AccountMatch.MATCHED]
        theirs = next((one for one in matched if one.person_id != person.id), None)
        if theirs is not None:
            raise DecisionProblem(
                f"{account_name(theirs)} is matched to {theirs.person.name}. Nothing was changed: re-assign it first, "
                "which moves it to Unmatched."
            )
    if (
        decision.kind == DecisionKind.SERVICE_ACCOUNT
        and person is not None
        and person.status == PersonStatus.DEPROVISIONED
    ):
        raise DecisionProblem(f"{person.name} has left. Nothing was changed. Choose someone else.")
    if decision.kind == DecisionKind.LOCAL_PARTNER and not decision.note.strip():
        raise DecisionProblem("Enter the company that they are from, so that others know later.")


def _keep(accounts: list[Account], batch: str, by: str) -> None:
    """Store what the decision replaces, for undo()."""
    now = utcnow()
    rows = [{"account": account.id, "batch": batch, "made_by": by, "made_at": now} | _state(account)
            for account in accounts]  # fmt: skip
    for start in range(0, len(rows), CHUNK):
        MatchDecision.insert_many(rows[start : start + CHUNK]).execute()


def _write(rows: list[tuple[int, dict[str, Any]]]) -> None:
    db.executemany(
        "UPDATE account SET match_kind = :match_kind, person_id = :person, match_by_hand = :match_by_hand, "
        "match_note = :match_note, email_when_matched = :email_when_matched WHERE id = :account",
        [values | {"account": account_id} for account_id, values in rows],
    )


def _match_by_rules(app: App, accounts: list[Account]) -> None:
    ids = json.dumps([account.id for account in accounts])
    match_rules.choose("SELECT CAST(value AS INTEGER) FROM json_each(?)", (ids,))
    match_rules.match_chosen(App.get_by_id(app.id))


def _record(before: list[Account], what: str, by: str) -> None:
    """One entry for each account; `before` is how they were."""
    after = {account.id: account for account in chosen(before[0].app, [one.id for one in before])} if before else {}
    activity.record_all([
        dict(who=by, what=what, about=account_name(account), before=match_in_words(account),
             after=match_in_words(after[account.id]), app_id=account.app_id,
             person_id=after[account.id].person_id or account.person_id)
        for account in before if account.id in after
    ])  # fmt: skip


@dataclass(frozen=True)
class Batch:
    """One decision that can be undone: `count` accounts, of which `account` is one, and who decided when."""

    batch: str
    account: Account
    count: int
    made_by: str
    made_at: Any


def undoable(app: App, limit: int = 1, since: datetime | None = None) -> list[Batch]:
    """The app's last decisions that nothing newer has replaced, the newest first; `since`: a moment (UTC), if one is
    given."""
    last, some = fn.MAX(MatchDecision.id), fn.MIN(MatchDecision.account)
    among = [Account.app == app] if since is None else _decided_since(app, since)
    if not among:
        return []
    query = (
        MatchDecision.select(MatchDecision.batch, some, fn.COUNT(MatchDecision.id), fn.MAX(MatchDecision.made_by),
                             fn.MAX(MatchDecision.made_at))
        .join(Account).where(*among, *_standing()).group_by(MatchDecision.batch).order_by(last.desc()).limit(limit)
    )  # fmt: skip
    rows = list(query.tuples())
    accounts = {account.id: account for account in chosen(app, [row[1] for row in rows])}
    return [Batch(batch, accounts[one], count, by, at) for batch, one, count, by, at in rows]


def _decided_since(app: App, moment: datetime) -> list[Expression]:
    """Conditions: decided after that moment, about an account of the app; none where nothing was. They name the
    accounts, which are few: with a condition on the app, SQLite would walk through all of it."""
    ids = sorted({id for (id,) in _decided(moment)})
    among = Account.select(Account.id, Account.app).where(one_of(Account.id, json.dumps(ids)))
    mine = [id for id, app_id in plain_rows(among) if app_id == app.id] if ids else []
    return [one_of(Account.id, json.dumps(mine)), MatchDecision.made_at > moment] if mine else []


@prepared_plain
def _decided(since: datetime) -> ModelSelect:
    recent = MatchDecision.select(MatchDecision.account)
    return recent.where(MatchDecision.made_at > since, MatchDecision.undone_at.is_null())


def _standing() -> tuple:
    """Conditions: the account is there, this was not undone, and nothing newer was decided about it."""
    newer = MatchDecision.alias()
    replaced = newer.select().where(
        newer.account == MatchDecision.account, newer.id > MatchDecision.id, newer.undone_at.is_null()
    )
    return Account.state != AccountState.GONE, MatchDecision.undone_at.is_null(), ~fn.EXISTS(replaced)


def undo(app: App, batch: str, by: str) -> int:
    """Undo a batch of decisions, except for accounts with a newer one; return how many accounts.

    An account that was matched by the rules before is matched by the rules as they are now. Raises DecisionProblem.
    """
    with writing():
        rows = list(MatchDecision.select().join(Account).where(
            MatchDecision.batch == batch, Account.app == app, *_standing()))  # fmt: skip
        if not rows:
            raise DecisionProblem(
                "That was already undone, or a newer decision has replaced it. Nothing was changed."
            )
        accounts = chosen(app, [row.account_id for row in rows])
        _write([(row.account_id, dict(_before(row))) for row in rows])
        by_rules = {row.account_id for row in rows if not row.match_by_hand}
        _match_by_rules(app, [account for account in accounts if account.id in by_rules])
        for start in range(0, len(rows), CHUNK):
            some = [row.id for row in rows[start : start + CHUNK]]
            MatchDecision.update(undone_at=utcnow()).where(MatchDecision.id.in_(some)).execute()
        _record(accounts, "undid a decision", by)
        recount(app)
        return len(accounts)


def _before(row: MatchDecision) -> Iterator[tuple[str, Any]]:
    lost = row.match_kind == AccountMatch.MATCHED and row.person_id is None
    yield "match_kind", AccountMatch.UNMATCHED if lost or not row.match_by_hand else row.match_kind
    yield "person", row.person_id if row.match_by_hand else None
    yield "match_by_hand", row.match_by_hand
    yield "match_note", row.match_note
    yield "email_when_matched", row.email_when_matched


def unanswered(app: App) -> list[Account]:
    """Service accounts whose responsible person has left, so that nobody is responsible for them."""
    query = Account.select(Account, Person).join(Person).where(
        Account.app == app, Account.is_present, Account.match_kind == AccountMatch.SERVICE_ACCOUNT,
        Person.has_left,
    )  # fmt: skip
    return list(query.order_by(Account.name, Account.id))
