"""What a search offers to do, as links to the pages where it is done: it never does anything itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask import url_for

from sync import everywhere, names
from sync.apps import owners
from sync.everywhere import Everything
from sync.mail import mail_server
from sync.models import App, Person
from sync.rank import MANAGERS
from sync.search.texts import contains, text_of, words_of
from sync.sign_in import colleagues
from sync.states import AppState
from web.permissions import outranks

FEW = 3  # of one kind; with more, the search isn't about one of them
ANYBODY = None
PLACES = (  # label, further words, page, anchor, icon, workspace roles
    ("Connect an app", "add new application", "connect.choose", None, "plug", MANAGERS),
    ("Add a person", "new colleague", "people.new", None, "user-plus", MANAGERS),
    ("Import people", "list csv excel upload", "people.new_import", None, "upload", MANAGERS),
    ("Invite a colleague", "add owner", "colleagues.new", None, "mail", colleagues.MAY_INVITE),
    ("Connect a directory", "add okta entra google ldap scim", "directories.new", None, "address-book", MANAGERS),
    ("Set up mail", "smtp server e-mail", "settings.show", "h-mail", "mail", mail_server.MAY_SET),
    ("Verify the activity log", "seal check tamper", "activity.verification", None, "shield-lock", MANAGERS),
    ("Change your password or second factor", "sign-in passkey", "settings.show", None, "key", ANYBODY),
)
OF_APPS = ("check", "updates", "reading")
OF_PEOPLE = ("offboard", "remove", "leaver")
BETWEEN = ("for", "from", "of")


@dataclass(frozen=True)
class Action:
    label: str
    address: str
    icon: str


def matching(me: Person, asked: str, found: Everything) -> list[Action]:
    """Pages that have all the words, and what can be done with an app or person that is found with the other words."""
    words = words_of(asked)
    if not words:
        return []
    return list(dict.fromkeys([*_places(me, words), *_with_verb(me, words), *_for_found(me, found)]))


def _places(me: Person, words: Sequence[str]) -> Iterator[Action]:
    for label, further, page, anchor, icon, roles in PLACES:
        if (roles is ANYBODY or me.workspace_role in roles) and contains(text_of([label, further]), words):
            yield Action(label, url_for(page, _anchor=anchor), icon)


def _with_verb(me: Person, words: Sequence[str]) -> Iterator[Action]:
    """Such as "check acme chat" and "offboard pavel"."""
    for verbs, offer in ((OF_APPS, _check), (OF_PEOPLE, _offboard)):
        rest = [word for word in words if not _begins(word, verbs) and word not in BETWEEN]
        if len(rest) == len(words) or not any(_begins(word, verbs) for word in words):
            continue
        found = everywhere.search(me, " ".join(rest)) if rest else None
        rows = _without_rest(me, verbs) if found is None else (found.apps if verbs is OF_APPS else found.people).rows
        yield from offer(me, rows[:FEW])


def _without_rest(me: Person, verbs: tuple[str, ...]) -> list[App]:
    return list(owners.owned_by(me).limit(FEW)) if verbs is OF_APPS else []


def _begins(word: str, verbs: tuple[str, ...]) -> bool:
    return len(word) > 2 and any(verb.startswith(word) for verb in verbs)


def _for_found(me: Person, found: Everything) -> Iterator[Action]:
    if len(found.apps.rows) <= FEW:
        yield from _check(me, found.apps.rows)
    if len(found.people.rows) <= FEW:
        yield from _offboard(me, found.people.rows)


def _check(me: Person, apps: Sequence[App]) -> Iterator[Action]:
    owned = owners.owned_ids(me) if apps else set()
    for app in apps:
        if app.id in owned and app.state == AppState.ACTIVE:
            yield Action(f"Check {app.name} for updates", url_for("apps.show", app_id=app.id), "refresh")


def _offboard(me: Person, people: Sequence[Person]) -> Iterator[Action]:
    for person in people:
        if person.id != me.id and outranks(me, person):
            address = url_for("offboarding.new", person_id=person.id)
            yield Action(f"Offboard {names.person_name(person)}", address, "user-off")
