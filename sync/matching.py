"""Which account is whose: by e-mail in one normal form, or by a person's own decision, which outlives every check.
An ambiguous match is never guessed; who is matched to whom is told in Activity."""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

from peewee import fn

from sync import activity
from sync.db import db, writing
from sync.models import Account, App, Person

PAGE = 50
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
PLAIN_ADDRESS = re.compile(r"[!-?A-~]+@[!-?A-~]+")  # the same within ASCII, control characters left out
TABS = {"onboarded": "matched", "unmatched": "unmatched", "guests": "guest", "service accounts": "service account"}


def normal_email(text: str | None) -> str:
    """The one form in which e-mails are compared; "" for what is no e-mail address."""
    if not text:
        return ""
    if text.isascii():  # nearly all are: the short way, since a check goes it for each account
        normal = text.strip().lower()
        return normal if PLAIN_ADDRESS.fullmatch(normal) else ""
    normal = unicodedata.normalize("NFKC", text).strip().casefold()
    return normal if ADDRESS.fullmatch(normal) and normal.isprintable() else ""


def match_by_email(app: App, only: str = "") -> None:
    """Match the app's accounts by e-mail where nobody decided otherwise. Set-based; inside the caller's transaction.

    `only` is the name of a TEMP table whose account_id says which accounts, where it need not be all.
    """
    among = f"AND id IN (SELECT account_id FROM temp.{only})" if only else ""
    db.execute_sql(
        f"""
        UPDATE account SET
            person_id = (SELECT person_id FROM person_email WHERE person_email.normal = account.normal),
            "match" = CASE WHEN EXISTS (SELECT 1 FROM person_email WHERE person_email.normal = account.normal)
                      THEN 'matched' ELSE 'unmatched' END
        WHERE app_id = ? AND state <> 'gone' AND NOT match_by_hand AND kind = 'user'
          AND person_id IS NOT (SELECT person_id FROM person_email WHERE person_email.normal = account.normal)
          {among}
        """,
        (app.id,),
    )


def match_everywhere(emails: list[str]) -> None:
    """The same for the accounts, in every app, that have one of these normal e-mails."""
    with writing():
        for start in range(0, len(emails), 500):
            touched = Account.select(Account.app).where(Account.normal.in_(emails[start : start + 500])).distinct()
            for app in App.select().where(App.id.in_(touched)):
                match_by_email(app)
                recount(app)


def recount(app: App) -> None:
    """Bring the counts on the app's row up to date."""
    with writing():
        counts = dict(
            Account.select(Account.match, fn.COUNT(Account.id))
            .where(Account.app == app, Account.state == "present")
            .group_by(Account.match)
            .tuples()
        )
        kept = {
            "users": sum(counts.values()),
            "matched": counts.get("matched", 0),
            "unmatched": counts.get("unmatched", 0),
            "guests": counts.get("guest", 0),
            "services": counts.get("service account", 0),
        }
        same = [getattr(App, name) == number for name, number in kept.items()]
        App.update(kept).where(App.id == app.id, ~reduce(and_, same)).execute()


def match(account: Account, person: Person, by: str) -> None:
    """Somebody says that the account is this person's."""
    _decide(account, by, "matched account", match="matched", person=person, match_by_hand=True)


def mark_guest(account: Account, by: str) -> None:
    _decide(account, by, "marked as guest", match="guest", person=None, match_by_hand=True)


def mark_service(account: Account, by: str, person: Person | None = None) -> None:
    """A service account: nobody's own seat; `person` is who answers for it."""
    _decide(account, by, "marked as service account", match="service account", person=person, match_by_hand=True)


def unmatch(account: Account, by: str) -> None:
    """Nobody's, until somebody matches it: an e-mail doesn't match it again by itself."""
    _decide(account, by, "unmatched account", match="unmatched", person=None, match_by_hand=True)


def match_again_by_email(account: Account, by: str) -> None:
    """Take the decision back: the e-mail decides from now on."""
    with writing():
        _decide(account, by, "left matching to the e-mail", match="unmatched", person=None, match_by_hand=False)
        match_by_email(account.app)
        recount(account.app)


def _decide(account: Account, by: str, what: str, **decision: Any) -> None:
    with writing():
        before = told(Account.get_by_id(account.id))
        Account.update(**decision).where(Account.id == account.id).execute()
        activity.record(by, what, about=account.name or account.email or account.external_id, before=before,
                        after=told(Account.get_by_id(account.id)), app=account.app_id, person=decision["person"])
        recount(account.app)


def told(account: Account) -> str:
    """The match in words: "matched to Ana Lopez"."""
    return f"matched to {account.person.name}" if account.match == "matched" and account.person else account.match


def inherit(app: App, predecessor: App) -> None:
    """What people decided about these accounts when the app was connected before holds on. Inside `writing()`."""
    db.execute_sql(
        """
        UPDATE account SET protected = o.protected, left_out = o.left_out, left_out_by = o.left_out_by,
            left_out_at = o.left_out_at, match_by_hand = o.match_by_hand,
            "match" = CASE WHEN o.match_by_hand THEN o."match" ELSE account."match" END,
            person_id = CASE WHEN o.match_by_hand THEN o.person_id ELSE account.person_id END
        FROM account o
        WHERE account.app_id = ? AND o.app_id = ? AND o.external_id = account.external_id
          AND (o.protected IS NOT NULL OR o.left_out IS NOT NULL OR o.match_by_hand)
        """,
        (app.id, predecessor.id),
    )


def protect(account: Account, reason: str, by: str) -> None:
    """Never to be removed, by anybody, until the protection is lifted."""
    with writing():
        Account.update(protected=reason.strip() or "protected by hand").where(Account.id == account.id).execute()
        activity.record(by, "protected account", about=account.name or account.email, why=reason,
                        app=account.app_id, person=account.person_id)


def unprotect(account: Account, by: str) -> None:
    with writing():
        Account.update(protected=None).where(Account.id == account.id).execute()
        activity.record(by, "lifted protection", about=account.name or account.email,
                        app=account.app_id, person=account.person_id)


def suggestions(account: Account, limit: int = 3) -> list[tuple[Person, str]]:
    """People who may be the account's owner, likeliest first, each with why. Suggestions only: nothing is matched."""
    local = account.normal.partition("@")[0]
    wanted = _words(account.name) or _words(local)
    if not wanted:
        return []
    likely = fn.LOWER(Person.name)
    any_word = likely.contains(wanted[0])
    for word in wanted[1:]:
        any_word |= likely.contains(word)
    found = []
    for person in Person.select().where(any_word, Person.status != "deprovisioned").limit(200):
        known = _words(person.name)
        likeness = difflib.SequenceMatcher(None, " ".join(sorted(wanted)), " ".join(sorted(known))).ratio()
        if likeness >= 0.6:
            found.append((likeness, person, f"{round(likeness * 100)} % like the name"))
    found.sort(key=lambda row: (-row[0], row[1].name))
    return [(person, why) for _, person, why in found[:limit]]


def _words(text: str) -> list[str]:
    return [word for word in unicodedata.normalize("NFKC", text).casefold().replace(".", " ").split() if len(word) > 1]


@dataclass(frozen=True)
class Page:
    """One page of a list: `rows` of `total`, page numbers from 1."""

    rows: list
    total: int
    number: int
    pages: int


def search_accounts(app: App, tab: str = "onboarded", search: str = "", number: int = 1) -> Page:
    """A page of the app's members on one of TABS, by name; the total comes from the kept counts unless one searches."""
    if tab not in TABS:
        raise ValueError(f"no such tab: {tab}")
    query = Account.select(Account.id).where(
        Account.app == app, Account.state == "present", Account.match == TABS[tab]
    )
    kept = dict(zip(TABS, (app.matched, app.unmatched, app.guests, app.services)))
    if search.strip():
        for word in search.split():
            query = query.where(Account.name.contains(word) | Account.email.contains(word))
        total = query.count()
    else:
        total = kept[tab]
    pages = max(1, -(-total // PAGE))
    number = min(max(1, number), pages)
    shown = [row.id for row in query.order_by(Account.name, Account.id).paginate(number, PAGE)] if total else []
    rows = (
        Account.select(Account, Person).left_outer_join(Person).where(Account.id.in_(shown))
        .order_by(Account.name, Account.id)
    )  # fmt: skip
    return Page(list(rows), total, number, pages)


