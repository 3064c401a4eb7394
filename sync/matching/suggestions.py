"""Who may be behind an account that no rule matches: by likeness of names, addresses, initials and user names.
Suggestions only, each with why in words: nobody is matched by one until someone says so."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from connectors.names import readable
from sync.db import db
from sync.matching import rules as match_rules
from sync.models import Account, App, Person
from sync.search.texts import fold
from sync.states import PersonStatus

LIKE_ENOUGH = 0.6  # of two names, where 1 is the same
LONGEST = 200  # letters of a name that are looked at
LEFT = "has left the company"
WORD = re.compile(r"[^\W_]+")
WITHIN_WORDS = str.maketrans("", "", "'’ʼ")  # O'Neill is oneill


@dataclass(frozen=True)
class Known:
    """A person as they are compared: words of the name, their addresses and what stands before the @."""

    id: int
    words: tuple[str, ...]
    locals: frozenset[str]
    addresses: tuple[str, ...] = ()  # their keys


@dataclass(frozen=True)
class Wanted:
    """An account as it is compared: words of its name, and what it is called before the @ or when signing in."""

    name: tuple[str, ...]
    called: tuple[tuple[str, str, tuple[str, ...]], ...]  # (what it is, as it is written, its words)
    address: str = ""  # its key

    def keys(self) -> Iterator[str]:
        """Consider everyone who has one of these."""
        yield from self.name
        for _, _, words in self.called:
            yield "".join(words)
            yield from (word for word in words if len(word) > 1)


def suggestions(account: Account, limit: int = 3) -> list[tuple[Person, str]]:
    """People who may be the account's owner, likeliest first, each with why."""
    return suggest(account.app, [account], limit)[account.id]


def suggest(app: App, accounts: Iterable[Account], limit: int = 3) -> dict[int, list[tuple[Person, str]]]:
    """The same for the accounts of a page, by account id; everyone known is walked once."""
    accounts = list(accounts)
    wanted = {account.id: _wanted(account) for account in accounts}
    looked_for = defaultdict(list)
    for account_id, one in wanted.items():
        for key in set(one.keys()):
            looked_for[key].append(account_id)
    found: dict[int, dict[int, tuple[float, str]]] = {account.id: {} for account in accounts}
    for known, keys in _everybody(looked_for) if looked_for else ():
        for account_id in {one for key in keys for one in looked_for[key]}:
            if likely := _likeness(wanted[account_id], known):
                found[account_id][known.id] = likely
    named = match_rules.named(app, accounts)
    return {account.id: _best(found[account.id], named[account.id], limit) for account in accounts}


def _wanted(account: Account) -> Wanted:
    called = [
        ("address", account.email_key.partition("@")[0]),
        ("user name", (account.user_name or "").partition("@")[0]),
    ]
    words = {written: (what, written, _words(written)) for what, written in reversed(called) if written}
    return Wanted(_words(account.name), tuple(one for one in reversed(words.values()) if one[2]), account.email_key)


def _words(text: str) -> tuple[str, ...]:
    return tuple(WORD.findall(fold(text[:LONGEST]).translate(WITHIN_WORDS)))


def _everybody(looked_for: dict[str, list[int]]) -> Iterator[tuple[Known, set[str]]]:
    """Everyone who has one of the keys, with the keys that they have."""
    rows = db.execute_sql("""
        SELECT p.id, p.name, (
            SELECT group_concat(e.email_key, ' ') FROM person_email e WHERE e.person_id = p.id)
        FROM person p
    """)
    wanted = looked_for.keys()
    for id, name, addresses in rows:
        words = _words(name)
        before_at = {"".join(_words(address.partition("@")[0])) for address in (addresses or "").split()}
        keys = before_at.union(words, _short_forms(words)) & wanted
        if keys:
            yield Known(id, words, frozenset(before_at - {""}), tuple((addresses or "").split())), keys


def _short_forms(words: tuple[str, ...]) -> dict[str, str]:
    """How a name is shortened in addresses → in words; "alopez" → "first letter and last name"."""
    if len(words) < 2:
        return {}
    first, last, initials = words[0], words[-1], "".join(word[0] for word in words)
    return {
        initials: "initials", first[0] + last[0]: "initials",
        first + last[0]: "first name and last initial", last + first[0]: "last name and first initial",
        first[0] + last: "first initial and last name",
        last + first: "last and first name", first + last: "first and last name", "".join(words): "name",
    }  # fmt: skip


def _likeness(wanted: Wanted, known: Known) -> tuple[float, str] | None:
    """(how likely, from 0 to 1, and why); None for what is not like enough."""
    reasons = []
    if wanted.name and known.words:
        if sorted(wanted.name) == sorted(known.words):
            reasons.append((1.0, "the same name"))
        else:
            like = difflib.SequenceMatcher(None, " ".join(sorted(wanted.name)), " ".join(sorted(known.words))).ratio()
            if like >= LIKE_ENOUGH and set(wanted.name) & set(known.words):
                reasons.append((like, f"{round(like * 100)} % like the name"))
    twin = _twin(wanted, known)
    if twin:
        reasons.append((0.95, f"the address {readable(wanted.address)} looks like {readable(twin)}, "
                              "but they are different mailboxes"))
    forms = _short_forms(known.words)
    for what, written, words in (*wanted.called, *_name_as_called(wanted)):
        joined = "".join(words)
        if twin and what == "address":
            continue
        if joined in known.locals:
            reasons.append((0.9, f"the {what} “{written}” is the same as in another of their addresses"))
        elif joined in forms:
            likely = 0.55 if forms[joined] == "initials" else 0.85
            reasons.append((likely, f"the {what} “{written}” is their {forms[joined]}"))
    if not reasons:
        return None
    reasons.sort(key=lambda reason: -reason[0])
    return reasons[0][0], "; ".join(why for _, why in reasons[:2])


def _twin(wanted: Wanted, known: Known) -> str:
    """The person's address that differs from the account's by case folding, diacritics or such forms alone."""
    look = fold(readable(wanted.address))
    twins = (one for one in known.addresses if one != wanted.address and fold(readable(one)) == look)
    return next(twins, "") if look else ""


def _name_as_called(wanted: Wanted) -> list[tuple[str, str, tuple[str, ...]]]:
    """A name that is a short form itself: “A. López”, “alopez”."""
    short = len(wanted.name) == 1 or any(len(word) == 1 for word in wanted.name)
    same = {"".join(words) for _, _, words in wanted.called}
    return [("name", " ".join(wanted.name), wanted.name)] if short and "".join(wanted.name) not in same else []


def _best(found: dict[int, tuple[float, str]], named: match_rules.Named, limit: int) -> list[tuple[Person, str]]:
    """People named by rules come first, then the most similar; of equals, those who are here. Leavers are marked.

    Where two are named, both are suggested whatever the limit: one alone would be half of the question.
    """
    verb = "is theirs" if len(named.claims) < 2 else "is claimed by them and by someone else"
    rows = [(3.0, person, f"the {' and the '.join(theirs)} {verb}") for person, theirs in named.everybody().items()]
    rows += _doubted(named, {person for _, person, _ in rows})
    limit = max(limit, min(len(rows), 2))
    named_ids = {person.id for _, person, _ in rows}
    likest = sorted(found.items(), key=lambda row: -row[1][0])[: 20 + limit]
    people = {person.id: person for person in Person.select().where(Person.id.in_([id for id, _ in likest]))}
    rows += [(score, people[id], why) for id, (score, why) in likest if id not in named_ids]
    rows.sort(key=lambda row: (-row[0], row[1].status == PersonStatus.DEPROVISIONED, row[1].name, row[1].id))
    return [(person, _told(person, why)) for _, person, why in rows[:limit]]


def _doubted(named: match_rules.Named, known: set[Person]) -> Iterator[tuple[float, Person, str]]:
    """The address's former owners, and others who claim it besides its holder."""
    if named.before is not None and named.before not in known:
        yield 3.0, named.before, "the e-mail was theirs"
    claimed = [claim.person_id for claim in named.claims if claim.person_id]
    for person in Person.select().where(Person.id.in_(claimed)):
        if person not in known:
            yield 3.0, person, "the e-mail is claimed by them and by someone else"


def _told(person: Person, why: str) -> str:
    why = why[:1].upper() + why[1:]
    return f"{why}; {LEFT}" if person.status == PersonStatus.DEPROVISIONED else why
