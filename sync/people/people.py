"""The humans that the workspace knows: adding and editing them, and the one rule of their status.
Nothing else may write Person.status: it follows from the directories unless someone decided by hand."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from peewee import SQL, ModelSelect, fn

from connectors.names import AddressProblem, clean_email, clean_name, email_key
from sync import activity, rank, roles
from sync.db import connected, db, utcnow, writing
from sync.jobs import comparing
from sync.listing import one_of, plain_rows
from sync.mail import sign_in_news
from sync.matching import addresses, vouching
from sync.matching import rules as match_rules
from sync.models import Account, App, Directory, DirectoryEntry, Person, PersonEmail, Session
from sync.names import main_email, short_name, signature
from sync.people import holds, last_owner
from sync.prepared import prepared, prepared_plain
from sync.problems import Problem
from sync.rank import Asker
from sync.states import AccountState, AppState, PersonStatus, WorkspaceRole
from sync.unchanged import while_unchanged
from sync.words import reason_given

STATUSES = tuple(PersonStatus)
ENTRIES = {
    PersonStatus.ACTIVE: "person returned", PersonStatus.SUSPENDED: "person suspended",
    PersonStatus.DEPROVISIONED: "person deprovisioned",
}  # fmt: skip
WORKSPACE_ROLES = rank.RANKS
MOST_EMAILS = 100  # of one person
CHUNK = 500  # ids in one SQL statement
TAKEN = (Account.state != AccountState.GONE, App.state != AppState.DISCONNECTED)  # an account that someone has


class PeopleProblem(Problem):
    """It can't be done; the message is a sentence for the page."""


def find_by_email(email: str) -> Person | None:
    """Whose address this is, in any spelling, main or further."""
    normal = email_key(email)
    if not normal:
        return None
    with connected():
        return next(iter(_with_address(normal)), None)


@prepared
def _with_address(key: str) -> ModelSelect:
    return Person.select().join(PersonEmail).where(PersonEmail.email_key == key).limit(1)


def with_id(number: int | None) -> Person | None:
    return Person.get_or_none(Person.id == number)


@while_unchanged
def count() -> int:
    """How many people the workspace knows, in every status."""
    return Person.select(fn.COUNT(SQL("*"))).scalar()  # which SQLite counts by pages of an index, not by rows


def are_more_than(number: int) -> bool:
    """Whether the workspace knows more people than that, without counting all of them."""
    return bool(_one_beyond(number))


@prepared_plain
def _one_beyond(number: int) -> ModelSelect:
    return Person.select(Person.id).order_by(Person.name, Person.id).limit(1).offset(number)


def all_main_emails() -> list[str]:
    """The main address of everyone who has one."""
    return [row.email for row in PersonEmail.select(PersonEmail.email).where(PersonEmail.main)]


def account_counts(persons: Iterable[Person]) -> dict[int, int]:
    """Person id → number of accounts in apps, for people who have any."""
    counted = (
        Account.select(Account.person, fn.COUNT(Account.id))
        .join(App)
        .where(Account.person.in_([person.id for person in persons]), *TAKEN)
        .group_by(Account.person)
    )
    return dict(counted.tuples())


def accounts_of(person: Person) -> list[Account]:
    """This person's accounts by the app's name, with their apps, and their roles' labels as `role_labels`."""
    query = Account.select(Account, App).join(App).where(Account.person == person, *TAKEN)
    found = list(query.order_by(App.name, Account.id))
    known = roles.of_apps(account.app_id for account in found)
    for account in found:
        account.role_labels = known[account.app_id].labels_of(account.roles)
    return found


def entries_of(person: Person) -> list[DirectoryEntry]:
    """What each directory says of this person."""
    return _entries_of(person.id)


@prepared
def _entries_of(person: int) -> ModelSelect:
    theirs = DirectoryEntry.select(DirectoryEntry, Directory).join(Directory).where(DirectoryEntry.person == person)
    return theirs.order_by(Directory.position.is_null(), Directory.position, Directory.id)


def add(
    name: str, email: str, by: Asker, further_emails: Iterable[str] = (), workspace_role: str | None = None
) -> Person:
    """A new person, active; PeopleProblem if an address is none or already belongs to someone, NotAllowed."""
    rank.require(by, *rank.MANAGERS)
    _check_role(workspace_role)
    _refuse_to_give(workspace_role, by)
    with writing():
        emails = _usable_emails([email, *further_emails], None)
        reason = f"Added by {short_name(by)}"
        person = Person.create(name=_clean(name), workspace_role=workspace_role, status_reason=reason)
        _write_emails(person, emails, vouched=by.vouches)
        activity.record(by, "added person", about=signature(person), after=workspace_role, person=person)
    return person


def edit(person: Person, by: Asker, name: str | None = None, emails: Sequence[str] | None = None) -> None:
    """Change the name, or all addresses at once (the first is the main one). None: no change. Raises NotAllowed."""
    rank.require_over(by, person)
    with writing(), sign_in_news.addresses_watched(by):
        before = portrait(person)
        if name is not None:
            Person.update(name=_clean(name)).where(Person.id == person.id).execute()
        if emails is not None:
            usable = _usable_emails(emails, person)
            known = {row.email_key: row for row in PersonEmail.select().where(PersonEmail.person == person)}
            dropped = [normal for normal in known if normal not in usable]
            if Person.get_by_id(person.id).status == PersonStatus.DEPROVISIONED:
                addresses.ask_whose(dropped, person)
            PersonEmail.delete().where(PersonEmail.person == person).execute()
            _write_emails(person, usable, known, by.vouches)
            match_rules.match_everywhere(dropped)
        after = portrait(person)
        if before != after:
            activity.record(by, "edited person", about=after, before=before, after=after, person=person)
    person.name = Person.get_by_id(person.id).name


def take_address(person: Person, email: str) -> None:
    """The address of this person, who has left, is someone else's now: whose its accounts are is asked. Inside the
    caller's transaction."""
    normal = email_key(email)
    addresses.ask_whose([normal], person)
    PersonEmail.delete().where(PersonEmail.email_key == normal, PersonEmail.person == person).execute()
    addresses.keep_a_main_one(person.id)


def mark_left(person: Person, by: Asker, reason: str = "") -> None:
    """Mark the person by hand as having left the company, whatever the directories report."""
    rank.require_over(by, person)
    reason = reason_given(reason)
    with writing():
        keep_an_owner(person)
        decide_by_hand(person, PersonStatus.DEPROVISIONED, by, f"Marked as left by {short_name(by)}", reason)


def mark_returned(person: Person, by: Asker) -> None:
    """Mark the person by hand as active, until a directory agrees and then reports something else."""
    rank.require_over(by, person)
    with writing():
        decide_by_hand(person, PersonStatus.ACTIVE, by, f"Marked as back by {short_name(by)}", "")


def set_workspace_role(person: Person, role: str | None, by: Asker) -> None:
    """Set what the person may do in Rollcall; None: they can't sign in. A higher role signs them out. The last Owner
    stays an Owner. Raises PeopleProblem or NotAllowed."""
    rank.require(by, WorkspaceRole.OWNER, WorkspaceRole.SUPER_ADMIN)
    rank.require_over(by, person)
    _check_role(role)
    _refuse_to_give(role, by)
    with writing():
        before = Person.get_by_id(person.id).workspace_role
        if before == role:
            return
        if role != WorkspaceRole.OWNER:
            keep_an_owner(person)
        Person.update(workspace_role=role).where(Person.id == person.id).execute()
        if role is None or rank.rank_of(role) < rank.rank_of(before):  # someone of the earlier rank may have begun one
            Session.delete().where(Session.person == person).execute()
        activity.record(
            by, "changed workspace role", about=signature(person), before=before, after=role, person=person
        )
        sign_in_news.role_changed(person, before, role, by)
    person.workspace_role = role


def _refuse_to_give(role: str | None, by: Asker) -> None:
    """Nobody gives a role that is above their own."""
    if role is None:
        return
    rank.require(by, WorkspaceRole.OWNER, WorkspaceRole.SUPER_ADMIN)
    if by.rank > rank.rank_of(role):
        raise rank.NotAllowed(f"You can't make anyone {rank.in_words(role)}. Nothing was changed.")


def recompute_status(person_ids: Iterable[int], by: str | Asker) -> dict[str, int]:
    """Bring the persons' status in line with their directory entries; gives how many became what.

    Any active entry makes active, else any suspended one suspended, else deprovisioned.
    Without entries the status stays. A decision by hand wins until the directories agree
    with it, those that may change the person too, and is then cleared, so that what they say next counts again.
    """
    became = Counter()
    with writing():
        for group in _with_entries(person_ids):
            agreed = [person.id for person, entries in group if _agree(person, entries, person.status_by_hand)]
            Person.update(status_by_hand=None).where(Person.id.in_(agreed)).execute()
            follows = [
                (person, status, _deciding(entries, status))
                for person, entries in group
                if (status := _reported_status(entries)) not in (None, person.status)
                and person.status_by_hand in (None, status)
            ]
            _become([(person, status, entry.reason, entry.id) for person, status, entry in follows], by)
            holds.begin_grace([person for person, status, _ in follows if status == PersonStatus.DEPROVISIONED], by)
            became.update(status for _, status, _ in follows)
    return dict(became)


def keep_status(person_ids: Iterable[int]) -> None:
    """A directory was removed: people missing from the others don't change, as if decided by hand."""
    ids = json.dumps(sorted(set(person_ids)))
    in_another = DirectoryEntry.select(DirectoryEntry.person).where(one_of(DirectoryEntry.person, ids)).distinct()
    for group in _with_entries(person for (person,) in plain_rows(in_another)):
        for person, entries in group:
            if person.status_by_hand is None and _reported_status(entries) not in (None, person.status):
                Person.update(status_by_hand=person.status).where(Person.id == person.id).execute()


def _with_entries(person_ids: Iterable[int]) -> Iterator[list[tuple[Person, list[DirectoryEntry]]]]:
    """Each person with what the directories say, a group at a time."""
    ids = sorted(set(person_ids))
    for start in range(0, len(ids), CHUNK):
        chunk = json.dumps(ids[start : start + CHUNK])
        entries, emails = defaultdict(list), defaultdict(list)
        for entry in _of_people(chunk, kind=DirectoryEntry):
            entries[entry.person_id].append(entry)
        people = _people(chunk)
        for row in _of_people(chunk, kind=PersonEmail):
            emails[row.person_id].append(row)
        for person in people:
            person.emails = emails[person.id]
        yield [(person, entries[person.id]) for person in people]


@prepared
def _people(ids: str) -> ModelSelect:
    return Person.select().where(one_of(Person.id, ids)).order_by(Person.id)


@prepared
def _of_people(ids: str, *, kind: type[DirectoryEntry] | type[PersonEmail]) -> ModelSelect:
    return kind.select().where(one_of(kind.person, ids)).order_by(kind.id)


def _deciding(entries: list[DirectoryEntry], status: str) -> DirectoryEntry:
    agreeing = [entry for entry in entries if entry.status == status]
    return max(agreeing, key=lambda entry: (entry.reported_status == status, entry.reported_at))


def _reported_status(entries: list[DirectoryEntry]) -> str | None:
    return next((status for status in STATUSES if any(entry.status == status for entry in entries)), None)


def _agree(person: Person, entries: list[DirectoryEntry], status: str | None) -> bool:
    """Whether the directories say so, and those alone that may change this person, if there are any."""
    if _reported_status(entries) != status or person.workspace_role is None:
        return _reported_status(entries) == status
    decide = [entry for entry in entries if not vouching.is_above(entry.directory, person)]
    return _reported_status(decide) in (None, status)


def decide_by_hand(person: Person, status: str, by: Asker, reason: str, why: str) -> None:
    """A status that holds whatever the directories say; inside the caller's transaction. Raises NotAllowed."""
    rank.require_over(by, person)
    [[(current, entries)]] = _with_entries([person.id])
    decision = None if _agree(current, entries, status) else status
    Person.update(status_by_hand=decision, last_day=None).where(Person.id == person.id).execute()
    if current.status != status:
        _become([(current, status, f"{reason}: {why}" if why else reason, None)], by)
    person.status, person.status_by_hand = status, decision


def _become(changes: list[tuple[Person, str, str, int | None]], by: str | Asker) -> None:
    """Store the new status of these people, its reason and the id of the entry that it follows (None: someone decided),
    end the sessions of those who are no longer active, and have their apps compared again. People who had left lose the
    last day, which was that of the time before. A list's status that was held, and that they have now, waits no longer.
    At most CHUNK people at once."""
    now = utcnow()
    db.executemany(
        "UPDATE person SET status = ?, status_since = ?, status_reason = ?, status_entry_id = ?, "
        "last_day = CASE WHEN status = 'deprovisioned' THEN NULL ELSE last_day END WHERE id = ?",
        [(status, now.isoformat(" "), reason, entry, person.id) for person, status, reason, entry in changes],
    )
    db.executemany(
        "DELETE FROM held_change WHERE person_id = ? AND state = 'open' AND field = 'status' AND value = ?",
        [(person.id, status) for person, status, *_ in changes],
    )
    locked_out = [person.id for person, status, *_ in changes if status != PersonStatus.ACTIVE]
    Session.delete().where(Session.person.in_(locked_out)).execute()
    comparing.apps_of(person.id for person, *_ in changes)
    holds.came_back(
        [
            person
            for person, status, *_ in changes
            if status == PersonStatus.ACTIVE or person.status == PersonStatus.DEPROVISIONED
        ],
        by,
    )
    activity.record_all([
        dict(who=by, what=ENTRIES[status], about=signature(person), why=reason, before=person.status, after=status,
             person_id=person.id)
        for person, status, reason, _ in changes
    ])  # fmt: skip


def keep_an_owner(person: Person) -> None:
    """Raises PeopleProblem when this is the only owner of the workspace."""
    if Person.get_by_id(person.id).workspace_role == WorkspaceRole.OWNER and not last_owner.has_owner(but=[person.id]):
        raise PeopleProblem(
            f"{person.name or main_email(person)} is the only Owner of this workspace. "
            "Nothing was changed. Make someone else an Owner first."
        )


def _check_role(role: str | None) -> None:
    if role is not None and role not in WORKSPACE_ROLES:
        raise PeopleProblem(f"{role!r} isn't a workspace role. The roles are {', '.join(WORKSPACE_ROLES)}.")


def _usable_emails(emails: Iterable[str], person: Person | None) -> dict[str, str]:
    usable: dict[str, str] = {}
    known = {row.email: row.email_key for row in person.emails} if person else {}
    for given in filter(str.strip, emails):
        if len(usable) >= max(MOST_EMAILS, len(known)):
            raise PeopleProblem(f"A person can have {MOST_EMAILS} e-mail addresses. Nothing was changed.")
        if given in known:  # from before, when more was taken for an address: it stays until someone changes it
            usable.setdefault(known[given], given)
            continue
        try:
            email = clean_email(given)
        except AddressProblem as problem:
            raise PeopleProblem(f"{problem} Nothing was changed.") from problem
        holder = find_by_email(email)
        if holder and holder != person:
            raise PeopleProblem(f"{email} already belongs to {signature(holder)}. Nothing was changed.")
        usable.setdefault(email_key(email), email)
    if not usable:
        raise PeopleProblem("A person needs an e-mail address. Nothing was changed.")
    return usable


def _write_emails(person: Person, emails: dict[str, str], known: Mapping[str, PersonEmail] | None = None,
                  vouched: bool = False) -> None:  # fmt: skip
    """Who typed an address that wasn't `known` says that it is the person's, and may have vouched for it."""
    for place, (normal, email) in enumerate(emails.items()):
        before = (known or {}).get(normal)
        PersonEmail.create(person=person, email=email, email_key=normal, main=place == 0,
                           by_hand=before is None or before.by_hand, disputed=before is not None and before.disputed,
                           vouched_for=vouched if before is None else before.vouched_for)
    match_rules.match_everywhere(list(emails))


def portrait(person: Person) -> str:
    """Name and addresses, as the log shows them before and after."""
    emails = PersonEmail.select().where(PersonEmail.person == person).order_by(PersonEmail.main.desc(), PersonEmail.id)
    return f"{Person.get_by_id(person.id).name} <{', '.join(email.email for email in emails)}>"


def _clean(name: str) -> str:
    return clean_name(name)
