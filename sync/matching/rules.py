"""Which account is whose by what the app and the directories report: e-mail, then employee number, then user name.
Set-based, and never a guess: where rules name different people, or a number is two people's, it is nobody's."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from string import ascii_lowercase, ascii_uppercase

from peewee import Expression, ModelSelect, fn

from connectors.names import domain_key, email_key, readable
from sync import activity
from sync.db import db, writing
from sync.listing import one_of, one_of_texts
from sync.matching import addresses
from sync.matching.addresses import Claim
from sync.matching.members import recount
from sync.models import Account, App, Person, PersonEmail
from sync.prepared import prepared, prepared_plain
from sync.problems import Problem
from sync.staging import tables
from sync.staging.check import TO_MATCH
from sync.states import AccountMatch, PersonStatus
from sync.workspace import to_local, today

CHUNK = 500  # values in one SQL statement
NOCASE = str.maketrans(ascii_uppercase, ascii_lowercase)  # as lower() does in both databases
# SQL: the person `p` has the employee number of the account `a`. It says what the index of numbers says.
_SAME_NUMBER = "p.employee_number IS NOT NULL AND lower(p.employee_number) = lower(a.employee_number)"

db.register_function(email_key, "email_key", 1)


class RuleProblem(Problem):
    """It can't be set; the message is a sentence for the page."""


def match(app: App) -> None:
    """Match the app's accounts where nobody decided otherwise. Inside the caller's transaction."""
    db.execute_sql(_MATCH, {"app": app.id, "domain": app.match_domain})


def choose(query: str, values: tuple = ()) -> None:
    """Begin TEMP `to_match` with the accounts whose ids this SELECT gives, each once."""
    tables.fill(TO_MATCH, query, values)


def match_chosen(app: App) -> None:
    """The same as match(), of the accounts in TEMP `to_match` alone."""
    if tables.has_rows(TO_MATCH):
        db.execute_sql(_MATCH_CHOSEN, {"app": app.id, "domain": app.match_domain})


def _matching(accounts: str) -> str:
    """The statement for these accounts `a`, each once. The first rule that names anyone decides, if it names one person
    and no later rule speaks against them. If an account loses its person, that person is kept as the former one:
    someone who leaves may have changed the e-mail there."""
    return f"""
    WITH result AS MATERIALIZED (
        SELECT id, person, CASE WHEN kind = 'system' THEN 'service account' WHEN person IS NULL THEN 'unmatched'
            ELSE 'matched' END AS match_kind
        FROM (
            SELECT id, kind, CASE
                WHEN kind = 'system' THEN NULL
                WHEN by_email IS NOT NULL THEN
                    CASE WHEN (proven AND numbered = 0 OR has_number) AND coalesce(by_user_name, by_email) = by_email
                        THEN by_email END
                WHEN numbered = 1 THEN
                    CASE WHEN coalesce(by_user_name, by_number) = by_number THEN by_number END
                WHEN numbered = 0 THEN by_user_name
            END AS person
            FROM (
                SELECT a.id, a.kind, e.person_id AS by_email, u.person_id AS by_user_name,
                    NOT e.disputed AND {_is_theirs("e")} AS proven,
                    CASE WHEN a.employee_number IS NULL THEN 0 ELSE (
                        SELECT count(*) FROM person p WHERE {_SAME_NUMBER})
                    END AS numbered,
                    (SELECT min(p.id) FROM person p WHERE {_SAME_NUMBER}) AS by_number,
                    EXISTS (SELECT 1 FROM person p WHERE p.id = e.person_id AND {_SAME_NUMBER}) AS has_number
                FROM {accounts}
                LEFT JOIN person_email e ON e.email_key = a.email_key
                LEFT JOIN person_email u ON u.email_key = CASE
                    WHEN CAST(:domain AS TEXT) IS NOT NULL AND a.user_name IS NOT NULL
                    THEN email_key(a.user_name || '@' || :domain) END
                    AND NOT u.disputed AND {_is_theirs("u")}
                WHERE a.app_id = :app AND a.state <> 'gone' AND NOT a.match_by_hand
            ) AS found
        ) AS chosen
    )
    UPDATE account SET person_id = result.person, match_kind = result.match_kind,
        former_person_id = CASE WHEN result.person IS NULL AND account.match_kind = 'matched'
            THEN account.person_id ELSE account.former_person_id END
    FROM result
    WHERE account.id = result.id
        AND (account.person_id IS DISTINCT FROM result.person OR account.match_kind <> result.match_kind)
"""


def _is_theirs(address: str) -> str:
    """SQL: the person's address hasn't moved to them from someone else whose account `a` is."""
    return (f"(a.moved_email_key IS DISTINCT FROM {address}.email_key "
            f"OR a.former_person_id IS NOT DISTINCT FROM {address}.person_id "
            f"OR a.match_kind = 'matched' AND a.person_id = {address}.person_id)")


_MATCH = _matching("account a")
_MATCH_CHOSEN = _matching("to_match m CROSS JOIN account a ON a.id = m.account_id")
_THEIRS = "SELECT id AS account_id FROM account WHERE app_id = :app AND"
_WITH_EMAILS = f"{_THEIRS} email_key IN (SELECT value FROM json_each(:emails))"
_WITH_NUMBERS = (f"{_THEIRS} employee_number IS NOT NULL "
                 "AND lower(employee_number) IN (SELECT value FROM json_each(:numbers))")  # fmt: skip
_MATCH_EMAILS, _MATCH_NUMBERS = (
    _matching(f"({which}) AS m CROSS JOIN account a ON a.id = m.account_id") for which in (_WITH_EMAILS, _WITH_NUMBERS)
)


def match_everywhere(emails: Iterable[str] = (), numbers: Iterable[str] = ()) -> None:
    """The same in every app that has an account with one of these normal e-mails, user names or employee numbers. If
    they are few, only such accounts are looked at, except where a user name may be one of the e-mails."""
    emails, numbers = list(emails), [number.translate(NOCASE) for number in numbers if number]
    with writing():
        touched = set()
        for start in range(0, len(emails), CHUNK):
            touched.update(row[0] for row in _apps_with_addresses(json.dumps(emails[start : start + CHUNK])))
        for start in range(0, len(numbers), CHUNK):
            touched.update(row[0] for row in _apps_with_numbers(json.dumps(numbers[start : start + CHUNK])))
        domains = {email.rpartition("@")[2] for email in emails}
        for app in _apps(json.dumps(sorted(touched))):
            if app.match_domain in domains or app.id in touched and len(emails) + len(numbers) > CHUNK:
                match(app)
            elif app.id in touched:
                values = {"app": app.id, "domain": app.match_domain}
                if emails:
                    db.execute_sql(_MATCH_EMAILS, values | {"emails": json.dumps(emails)})
                if numbers:
                    db.execute_sql(_MATCH_NUMBERS, values | {"numbers": json.dumps(numbers)})
            else:
                continue
            recount(app)


@prepared_plain
def _apps_with_addresses(emails: str) -> ModelSelect:
    return _apps_having(one_of_texts(Account.email_key, emails))


@prepared_plain
def _apps_with_numbers(numbers: str) -> ModelSelect:
    return _apps_having(
        Account.employee_number.is_null(False), one_of_texts(fn.LOWER(Account.employee_number), numbers))


def _apps_having(*conditions: Expression) -> ModelSelect:
    theirs = Account.select().where(Account.app == App.id, *conditions)  # app by app, as the indexes are
    return App.select(App.id).where(fn.EXISTS(theirs))


@prepared
def _apps(ids: str) -> ModelSelect:
    """Those, and each where a user name may be an address."""
    return App.select().where(one_of(App.id, ids) | App.match_domain.is_null(False))


def set_domain(app: App, text: str, by: str) -> int:
    """What follows the @ where an account has no e-mail but a user name; "" for none. Matches again at once.

    Returns how many accounts are matched differently. Raises RuleProblem if it isn't a domain.
    """
    domain = _domain(text.strip().removeprefix("@"))
    with writing():
        app = App.get_by_id(app.id)
        if (app.match_domain or "") == domain:
            return 0
        before = _matched(app)
        App.update(match_domain=domain or None).where(App.id == app.id).execute()
        activity.record(by, "changed matching by user name", about=app.name, before=_domain_in_words(app.match_domain),
                        after=_domain_in_words(domain), app=app)
        match(App.get_by_id(app.id))
        recount(app)
        return len({account_id for account_id, _ in before ^ _matched(app)})


def _domain(text: str) -> str:
    try:
        domain = domain_key(text) if text else ""
    except ValueError:
        domain = "none"
    if domain and "." not in domain:
        raise RuleProblem(f"{text} isn't a domain, such as acme.example. Nothing was changed.")
    return domain


def _domain_in_words(domain: str | None) -> str:
    return readable(f"user name@{domain}") if domain else "off"


def _matched(app: App) -> set[tuple[int, int]]:
    theirs = Account.select(Account.id, Account.person).where(
        Account.app == app, Account.is_matched
    )
    return set(theirs.tuples())


@dataclass
class Named:
    """The people that each rule names for an account; several if the rule is unclear.

    `before` had its address until that went to someone else; `claims` say whose it is, where they are several.
    """

    email: list[Person] = field(default_factory=list)
    number: list[Person] = field(default_factory=list)
    user_name: list[Person] = field(default_factory=list)
    address: str = ""  # what the user name makes
    before: Person | None = None
    claims: list[Claim] = field(default_factory=list)

    def everyone(self) -> dict[Person, list[str]]:
        """Person → what is theirs."""
        found = defaultdict(list)
        for word in ("email", "number", "user_name"):
            for person in getattr(self, word):
                found[person].append(_WHAT[word])
        return found


_WHAT = {"email": "e-mail", "number": "employee number", "user_name": "user name"}


def named(app: App, accounts: Iterable[Account]) -> dict[int, Named]:
    """By account id, for the accounts of a page of this app."""
    accounts = list(accounts)
    found = {account.id: Named() for account in accounts}
    for account in accounts:
        if account.user_name and app.match_domain:
            found[account.id].address = email_key(f"{account.user_name}@{app.match_domain}")
    addresses_found = {account.email_key for account in accounts} | {one.address for one in found.values()}
    numbers = {account.employee_number.translate(NOCASE) for account in accounts if account.employee_number}
    rows = _holders(json.dumps(sorted(filter(None, addresses_found))))
    holders = {row.email_key: row.person for row in rows}
    numbered = defaultdict(list)
    if numbers:
        for person in _numbered(json.dumps(sorted(numbers))):
            numbered[person.employee_number.translate(NOCASE)].append(person)
    for account in accounts:
        one = found[account.id]
        one.email = [holders[account.email_key]] if account.email_key in holders else []
        one.number = list(numbered.get((account.employee_number or "").translate(NOCASE), ()))
        one.user_name = [holders[one.address]] if one.address in holders else []
    _add_doubts(accounts, found, {row.email_key for row in rows if not row.disputed})
    return found


@prepared
def _holders(addresses: str) -> ModelSelect:
    return PersonEmail.select(PersonEmail, Person).join(Person).where(one_of_texts(PersonEmail.email_key, addresses))


@prepared
def _numbered(numbers: str) -> ModelSelect:
    known = Person.employee_number.is_null(False)
    return Person.select().where(known, one_of_texts(fn.LOWER(Person.employee_number), numbers)).order_by(Person.name)


def _add_doubts(accounts: Iterable[Account], found: dict[int, Named], clear: set[str]) -> None:
    """What keeps an address from naming anyone, for those that no rule matched; `clear` are addresses that are one
    person's, even if others share them."""
    unmatched = [account for account in accounts if account.match_kind == AccountMatch.UNMATCHED]
    claims = addresses.claims({normal for account in unmatched
                             for normal in (account.email_key, found[account.id].address)} - clear)
    before = [account.former_person_id for account in unmatched if account.former_person_id]
    people = {person.id: person for person in _people(json.dumps(before))} if before else {}
    for account in unmatched:
        one = found[account.id]
        if account.moved_email_key is None:  # it was gone, and is back without an e-mail that shows whose it is
            one.before = people.get(account.former_person_id)
        for normal in (account.email_key, one.address):
            one.claims = one.claims or claims.get(normal, []) if normal else one.claims
            if normal and account.moved_email_key == normal:
                one.before = people.get(account.former_person_id)


@prepared
def _people(ids: str) -> ModelSelect:
    return Person.select().where(one_of(Person.id, ids))


def why(app: App, accounts: Iterable[Account]) -> dict[int, str]:
    """By account id, in words: by what it is matched, or what keeps it unmatched; "" where no rule names anyone."""
    accounts = list(accounts)
    every = named(app, accounts)
    return {account.id: _why(account, every[account.id]) for account in accounts}


def _why(account: Account, one: Named) -> str:
    if account.match_by_hand:
        return (
            "Unmatched until someone decides whose it is" if account.match_kind == AccountMatch.UNMATCHED else "By hand"
        )
    if account.match_kind == AccountMatch.MATCHED:
        theirs = one.everyone().get(account.person, [])
        return f"By {theirs[0]}" if theirs else ""
    if account.match_kind != AccountMatch.UNMATCHED:
        return ""
    if one.before is not None and one.before not in one.email + one.user_name:
        return _went_on(account, one)
    if len(one.claims) > 1:
        return addresses.claimed_by(one.claims)
    if len(one.number) > 1:
        return f"The employee number {account.employee_number} is that of {_names(one.number)}"
    parts = [f"{_WHAT[word]} is {_names(getattr(one, word))}'s" for word in _WHAT if getattr(one, word)]
    return f"The {', the '.join(parts)}" if parts else ""


def _went_on(account: Account, one: Named) -> str:
    before, now = one.before, one.email + one.user_name
    left = to_local(before.status_since).date()
    year = f" {left.year}" if left.year != today().year else ""
    since = f" (left {left.day} {left:%b}{year})" if before.status == PersonStatus.DEPROVISIONED else ""
    moved = account.moved_email_key
    had = f"{account.email or moved if moved else account.external_id} belonged to {_names([before])}{since}"
    if now:
        return f"{had} and belongs to {_names(now)} now: decide whose it is"
    claimed = " and ".join(claim.name for claim in one.claims)
    return f"{had}{f' and is claimed by {claimed} now' if claimed else ''}: decide whose it is"


def _names(people: list[Person]) -> str:
    return " and ".join(person.name or f"person {person.id}" for person in people)
