"""Who may be behind an account that no rule matches: by likeness of names, addresses, initials and user names.
Suggestions only, each with why in words: nobody is matched by one until someone says so.

A word of the name that more than COMMON people share says little, and comparing with all of them takes long. Alone it
suggests nobody: “Ana Lima” isn't suggested for “Ana Lime” where there are more than COMMON people called Ana. Together
with a second word of the name it counts, and the COMMON people with most words are compared. People with the same name,
or whose address or short form is what the account is called, are always found, however common the words are, though
of one name or short form no more than MOST."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from connectors.names import readable
from sync.db import db
from sync.matching import rules as match_rules
from sync.models import Account, App, Person
from sync.search.texts import fold
from sync.states import PersonStatus

LIKE_ENOUGH = 0.6  # of two names, where 1 is the same
LONGEST = 200  # letters of a name that are looked at
COMMON = 50  # people; a word that more of them share is common
MOST = 200  # people of one name or one short form that an account is compared with
REMEMBERED = 5000  # people, about a kilobyte each
FURTHER = 20  # likely people beside those that are asked for
LEFT = "has left the company"
WORD = re.compile(r"[^\W_]+")
WITHIN_WORDS = str.maketrans("", "", "'’ʼ")  # O'Neill is oneill


@dataclass(frozen=True, eq=False)
class Known:
    """A person as they are compared: words of the name, their addresses and the part before the @."""

    id: int
    words: tuple[str, ...]
    locals: frozenset[str]
    addresses: tuple[str, ...] = ()  # their keys

    @cached_property
    def sorted_name(self) -> str:
        return " ".join(sorted(self.words))

    @cached_property
    def called(self) -> frozenset[str]:
        """What is before the @ of their addresses, and how their name is shortened."""
        return self.locals | _short_forms(self.words).keys()


@dataclass(frozen=True)
class Wanted:
    """An account as it is compared: words of its name, and what it is called before the @ or when signing in."""

    name: tuple[str, ...]
    called: tuple[tuple[str, str, tuple[str, ...]], ...]  # (what it is, as it is written, its words)
    address: str = ""  # its key

    def short(self) -> Iterator[str]:
        """What may be a short form or the part before the @ of someone's address."""
        yield from ("".join(words) for _, _, words in (*self.called, *_name_as_called(self)))

    def sorted_name(self) -> str:
        return " ".join(sorted(self.name))


@dataclass
class Candidates:
    """People who have something of what is looked for, in the order of their ids."""

    by_word: dict[str, list[Known]] = field(default_factory=dict)
    by_short: dict[str, list[Known]] = field(default_factory=dict)
    by_name: dict[str, list[Known]] = field(default_factory=dict)
    by_words: dict[tuple[str, ...], list[Known]] = field(default_factory=dict)  # found before, by common words

    @classmethod
    def of(cls, wanted: Iterable[Wanted]) -> Candidates:
        """Everyone known is walked once."""
        found = cls()
        for one in wanted:
            found.by_word |= {word: [] for word in one.name}
            found.by_short |= {short: [] for short in one.short()}
            if one.name:
                found.by_name[one.sorted_name()] = []
        if found.by_word or found.by_short:
            for known in everyone():
                found._add(known)
        return found

    def _add(self, known: Known) -> None:
        for word in self.by_word.keys() & known.words:
            self.by_word[word].append(known)
        for short in self.by_short.keys() & known.called:
            self.by_short[short].append(known)
        if known.sorted_name in self.by_name:
            self.by_name[known.sorted_name].append(known)

    def for_(self, wanted: Wanted) -> list[Known]:
        """Those to compare an account with; their number is bounded, however many people there are."""
        found = {known.id: known for known in self.by_name.get(wanted.sorted_name(), ())[:MOST]}
        for short in wanted.short():
            found |= {known.id: known for known in self.by_short[short][:MOST]}
        words = sorted(set(wanted.name))
        for word in words:
            if len(self.by_word[word]) <= COMMON:
                found |= {known.id: known for known in self.by_word[word]}
        common = tuple(word for word in words if len(self.by_word[word]) > COMMON)
        found |= {known.id: known for known in self._with_two(common)}
        return [found[id] for id in sorted(found)]

    def _with_two(self, common: tuple[str, ...]) -> list[Known]:
        """The people who have most of these words, at least two of them."""
        if len(common) > 1 and common not in self.by_words:
            shared = Counter(known for word in common for known in self.by_word[word])
            two = [known for known, words in shared.items() if words > 1]
            self.by_words[common] = sorted(two, key=lambda known: (-shared[known], known.id))[:COMMON]
        return self.by_words.get(common, [])


def suggestions(account: Account, limit: int = 3) -> list[tuple[Person, str]]:
    """People who may be the account's owner, likeliest first, each with why."""
    return suggest(account.app, [account], limit)[account.id]


def suggest(app: App, accounts: Iterable[Account], limit: int = 3) -> dict[int, list[tuple[Person, str]]]:
    """The same for the accounts of a page, by account id."""
    accounts = list(accounts)
    wanted = {account.id: wanted_of(account) for account in accounts}
    candidates = Candidates.of(wanted.values())
    likely = {id: likeliest(one, candidates.for_(one), limit) for id, one in wanted.items()}
    named = match_rules.named(app, accounts)
    mentioned = {claim.person_id for one in named.values() for claim in one.claims if claim.person_id}
    mentioned.update(id for found in likely.values() for id in found)
    people = _people(mentioned)
    return {account.id: _best(likely[account.id], named[account.id], people, limit) for account in accounts}


def likeliest(wanted: Wanted, candidates: Iterable[Known], limit: int) -> dict[int, tuple[float, str]]:
    """The likest, by person id: some more than `limit`, as rules may name some of them."""
    found = {known.id: likely for known in candidates if (likely := _likeness(wanted, known))}
    return dict(sorted(found.items(), key=lambda row: -row[1][0])[: FURTHER + limit])


def _people(ids: Iterable[int]) -> dict[int, Person]:
    ids, found = sorted(ids), {}
    for start in range(0, len(ids), match_rules.CHUNK):
        rows = Person.select().where(Person.id.in_(ids[start : start + match_rules.CHUNK]))
        found |= {person.id: person for person in rows}
    return found


def wanted_of(account: Account) -> Wanted:
    called = [
        ("address", account.email_key.partition("@")[0]),
        ("user name", (account.user_name or "").partition("@")[0]),
    ]
    words = {written: (what, written, _words(written)) for what, written in reversed(called) if written}
    return Wanted(_words(account.name), tuple(one for one in reversed(words.values()) if one[2]), account.email_key)


def _words(text: str) -> tuple[str, ...]:
    return tuple(WORD.findall(fold(text[:LONGEST]).translate(WITHIN_WORDS)))


def everyone() -> Iterator[Known]:
    rows = db.execute_sql("""
        SELECT p.id, p.name, (
            SELECT group_concat(email_key, ' ') FROM (
                SELECT email_key FROM person_email e WHERE e.person_id = p.id ORDER BY e.id) AS theirs)
        FROM person p ORDER BY p.id
    """)
    for id, name, joined in rows:
        yield _known(id, name, joined or "")


@lru_cache(maxsize=REMEMBERED)
def _known(id: int, name: str, addresses: str) -> Known:
    """It follows from its values alone, so the next page needn't take them apart again."""
    keys = tuple(addresses.split())
    before_at = {"".join(_words(key.partition("@")[0])) for key in keys}
    return Known(id, _words(name), frozenset(before_at - {""}), keys)


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
        if wanted.sorted_name() == known.sorted_name:
            reasons.append((1.0, "the same name"))
        elif not set(wanted.name).isdisjoint(known.words):
            like = _ratio(wanted.sorted_name(), known.sorted_name)
            if like >= LIKE_ENOUGH:
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


def _ratio(one: str, other: str) -> float:
    """How alike they are, from 0 to 1; 0 where it is quickly seen that they aren't like enough."""
    compared = difflib.SequenceMatcher(None, one, other)
    if compared.real_quick_ratio() < LIKE_ENOUGH or compared.quick_ratio() < LIKE_ENOUGH:
        return 0
    return compared.ratio()


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


def _best(
    likest: dict[int, tuple[float, str]], named: match_rules.Named, people: dict[int, Person], limit: int
) -> list[tuple[Person, str]]:
    """People named by rules come first, then the most similar; of equals, those who are here. Leavers are marked.

    Where two are named, both are suggested whatever the limit: one alone would be half of the question.
    """
    verb = "is theirs" if len(named.claims) < 2 else "is claimed by them and by someone else"
    rows = [(3.0, person, f"the {' and the '.join(theirs)} {verb}") for person, theirs in named.everyone().items()]
    rows += _doubted(named, people, {person for _, person, _ in rows})
    limit = max(limit, min(len(rows), 2))
    named_ids = {person.id for _, person, _ in rows}
    rows += [(score, people[id], why) for id, (score, why) in likest.items() if id not in named_ids]
    rows.sort(key=lambda row: (-row[0], row[1].status == PersonStatus.DEPROVISIONED, row[1].name, row[1].id))
    return [(person, _reason_for(person, why)) for _, person, why in rows[:limit]]


def _doubted(
    named: match_rules.Named, people: dict[int, Person], known: set[Person]
) -> Iterator[tuple[float, Person, str]]:
    """The address's former owners, and others who claim it besides its holder."""
    if named.before is not None and named.before not in known:
        yield 3.0, named.before, "the e-mail was theirs"
    for id in sorted({claim.person_id for claim in named.claims if claim.person_id}):
        if people[id] not in known:
            yield 3.0, people[id], "the e-mail is claimed by them and by someone else"


def _reason_for(person: Person, why: str) -> str:
    why = why[:1].upper() + why[1:]
    return f"{why}; {LEFT}" if person.status == PersonStatus.DEPROVISIONED else why
