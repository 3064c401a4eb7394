"""Every function of sync/ that a page calls to change something, by rank: below it is refused, without any page.
A new one that doesn't take who asks, or isn't in the table, fails here."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from sync.apps import apps, drafts
from sync.db import db
from sync.directory import directories, ending_rules, precedence, push
from sync.directory import preview as directory_preview
from sync.files import columns
from sync.matching import vouching
from sync.models import App, Directory, HeldChange, Offboarding, Person, WaitingSignIn
from sync.offboarding import offboarding
from sync.people import held, holds, importing, people
from sync.rank import MANAGERS, RANKS, Asker, NotAllowed
from sync.sign_in import oidc, second_factor, sign_in
from sync.sign_in import waiting as waiting_sign_ins
from sync.sign_in.oidc import Settings
from sync.tasks import disconnecting
from sync.workspace import today, update_workspace
from tests.asking import MACHINE

ROOT = Path(__file__).parents[2]
RUNS_ALL, OWNERS = RANKS[:2], RANKS[:1]
APP_OWNERS = (*RUNS_ALL, "app owner")
ACTORS = (*RANKS, None, "app owner", "app collaborator")


@dataclass
class World:
    """What is changed: a plain user, a directory of the command line and one of nobody, an app, what waits."""

    target: Person
    owners_directory: Directory
    directory: Directory
    app: App
    held: HeldChange
    waiting: WaitingSignIn
    offboarding: Offboarding


# Function of sync/ → (who may, how it is called). What else it refuses doesn't matter here: it was let in.
CASES: dict[str, tuple[tuple, Callable[[World, Asker], object]]] = {
    "people.add": (MANAGERS, lambda w, by: people.add("New", "new@acme.example", by)),
    "people.edit": (MANAGERS, lambda w, by: people.edit(w.target, by, name="X")),
    "people.mark_left": (MANAGERS, lambda w, by: people.mark_left(w.target, by)),
    "people.mark_returned": (MANAGERS, lambda w, by: people.mark_returned(w.target, by)),
    "people.decide_by_hand": (MANAGERS, lambda w, by: people.decide_by_hand(w.target, "suspended", by, "", "")),
    "people.set_workspace_role": (RUNS_ALL, lambda w, by: people.set_workspace_role(w.target, "guest", by)),
    "people_import.import_csv": (MANAGERS, lambda w, by: importing.import_csv(b"email\nx@acme.example\n", by)),
    "held.release": (MANAGERS, lambda w, by: held.release(w.held, by)),
    "held.dismiss": (MANAGERS, lambda w, by: held.dismiss(w.held, by)),
    "waiting_sign_ins.approve": (OWNERS, lambda w, by: waiting_sign_ins.approve(w.waiting, by)),
    "waiting_sign_ins.dismiss": (OWNERS, lambda w, by: waiting_sign_ins.dismiss(w.waiting, by)),
    "waiting_sign_ins.confirm": ((), lambda w, by: waiting_sign_ins.confirm(w.waiting, by)),
    "keeping.hold": (MANAGERS, lambda w, by: holds.hold(w.target, "Case 7", by)),
    "keeping.lift": (MANAGERS, lambda w, by: holds.lift(w.target, by)),
    "keeping.keep_until": (MANAGERS, lambda w, by: holds.keep_until(w.target, today() + timedelta(days=9), by)),
    "keeping.cancel": (MANAGERS, lambda w, by: holds.cancel(w.offboarding, by)),
    "signin.set_password": (RUNS_ALL, lambda w, by: sign_in.set_password(w.target, "a good long passphrase", by)),
    "signin.signed_link": (RUNS_ALL, lambda w, by: sign_in.signed_link(w.target, by)),
    "signin.set_up": (OWNERS, lambda w, by: sign_in.set_up("Acme", "x@acme.example", "X", "x" * 20, by)),
    "second_factor.reset": (RUNS_ALL, lambda w, by: second_factor.reset(w.target, by)),
    "second_factor.require": (OWNERS, lambda w, by: second_factor.require(w.target, False, by)),
    "oidc.save": (OWNERS, lambda w, by: oidc.save(Settings(), None, "http://127.0.0.1:8000", by)),
    "oidc.remove": (OWNERS, lambda w, by: oidc.remove(by)),
    "workspace.update_workspace": (RUNS_ALL, lambda w, by: update_workspace(by, name="Other")),
    "directories.connect": (MANAGERS, lambda w, by: directories.connect("csv", "X", {}, by)),
    "directories.reconnect": (MANAGERS, lambda w, by: directories.reconnect(w.directory, {}, by)),
    "directories.release": (MANAGERS, lambda w, by: directories.release(w.directory, by)),
    "directory_state.pause": (MANAGERS, lambda w, by: directories.pause(w.directory, by)),
    "directory_state.resume": (MANAGERS, lambda w, by: directories.resume(w.directory, by)),
    "directory_state.remove": (MANAGERS, lambda w, by: directories.remove(w.directory, by)),
    "directory_state.remove of an Owner's": (OWNERS, lambda w, by: directories.remove(w.owners_directory, by)),
    "directory_rules.set_rules": (MANAGERS, lambda w, by: ending_rules.set_rules(w.directory, [], by)),
    "directory_preview.hand_over": (MANAGERS, lambda w, by: directory_preview.hand_over(w.directory, "email\n", by)),
    "directory_preview.preview": (MANAGERS, lambda w, by: directory_preview.preview(w.directory, by)),
    "directory_preview.apply_previewed": (
        MANAGERS, lambda w, by: directory_preview.apply_previewed(w.directory, "mark", by)),
    "directory_preview.put_aside": (MANAGERS, lambda w, by: directory_preview.put_aside(w.directory, by)),
    "columns.remember": (MANAGERS, lambda w, by: columns.remember(w.directory, '{"columns": {"Mail": "email"}}', by)),
    "precedence.move": (OWNERS, lambda w, by: precedence.move(w.directory, -1, by)),
    "push.connect": (MANAGERS, lambda w, by: push.connect("Entra", by)),
    "push.rotate": (MANAGERS, lambda w, by: push.rotate(w.owners_directory, by)),
    "push.end_token": (MANAGERS, lambda w, by: push.end_token(push.tokens(w.owners_directory)[0], by)),
    "vouching.vouch": (OWNERS, lambda w, by: vouching.vouch(w.directory, by)),
    "vouching.stop_vouching": (OWNERS, lambda w, by: vouching.stop_vouching(w.owners_directory, by)),
    "connecting.begin": (APP_OWNERS, lambda w, by: drafts.begin(w.app, [w.target], [], True, 0, by)),
    "apps.rename": (APP_OWNERS, lambda w, by: apps.rename(w.app, "Other", by)),
    "apps.set_part": (APP_OWNERS, lambda w, by: apps.set_part(w.app, w.target, "owner", by)),
    "apps.set_schedule": (APP_OWNERS, lambda w, by: apps.set_schedule(w.app, True, 5, by)),
    "apps.set_guard": (APP_OWNERS, lambda w, by: apps.set_guard(w.app, 1, 1, by)),
    "apps.set_removal": (APP_OWNERS, lambda w, by: apps.set_removal(w.app, "automatic", by)),
    "apps.set_policy": (APP_OWNERS, lambda w, by: apps.set_policy(w.app, "ask", {}, by)),
    "apps.set_seat_price": (APP_OWNERS, lambda w, by: apps.set_seat_price(w.app, 100, by)),
    "apps.pause": (APP_OWNERS, lambda w, by: apps.pause(w.app, by)),
    "apps.resume": (APP_OWNERS, lambda w, by: apps.resume(w.app, by)),
    "disconnecting.disconnect": (APP_OWNERS, lambda w, by: disconnecting.disconnect(w.app, by)),
    "apps.replace_credential": (APP_OWNERS, lambda w, by: apps.replace_credential(w.app, {}, by)),
    "apps.retest": (APP_OWNERS, lambda w, by: apps.retest(w.app, by)),
}  # fmt: skip

OF_AN_APP = "acts inside one app: its page asks for the Owner's part (tests/web/test_permissions.py)"
OWN = "changes only what belongs to the person who is signed in, whom the page names"
READS = "changes nothing that anybody is refused: it asks for a reading, a check, or looks"
EXEMPT = {
    **dict.fromkeys((
        "assigned_acts.ask_again", "soon.ask", "soon.cancel", "connecting.discard", "connecting.enter",
        "group_rules.remove", "group_rules.save", "group_rules.set_policy", "group_rules.preview",
        "lost_fields.accept", "match_decisions.decide", "match_decisions.mark_guest", "match_decisions.match",
        "match_decisions.undo", "match_rules.set_domain", "matching.protect", "matching.unprotect",
        "member_acts.carry_out", "onboarding.again", "onboarding.cancel", "onboarding.invite_all",
        "reports.dismiss", "reports.finish", "reports.forget_leaving_out", "reports.release", "tasks.cancel",
        "tasks.done_by_hand", "tasks.retry"), OF_AN_APP),
    **dict.fromkeys((
        "authenticator.confirm", "authenticator.offer", "passkeys.add", "second_factor.added",
        "second_factor.remove_app", "second_factor.remove_passkey", "second_factor.renew_codes",
        "sessions.end_session", "sessions.end_sessions", "sessions.session_of", "sessions.start_session",
        "pending_sign_in.begin", "pending_sign_in.finish", "signin.authenticate", "signin.person_of_link",
        "kept_requests.keep", "kept_requests.take",
        "sessions.confirm", "waiting_files.answer", "waiting_files.discard", "connecting.start"), OWN),
    **dict.fromkeys(("directories.ask", "clock.is_right", "apps.plan_all"), READS),
    "oidc_people.come_in": "who asks is the provider that an Owner has set up (tests/security/test_first_sign_in.py)",
    "waiting_files.go_on": "hands who asks on to the door of the file, which is in the table",
    "offboarding.start": "takes the person who asks, and their rank by it (test_an_offboarding_of_someone_above)",
    "teams.create": "pages ask for a manager; a team gives nothing by itself",
    "teams.change": "pages ask for a manager; what its rules give is asked about in each app's report",
    "teams.remove": "pages ask for a manager; what its rules take is asked about in each app's report",
}


def _functions() -> dict[str, list[str]]:
    """By name, the parameters of each public function of sync/ that writes, or says by whom."""
    found = {}
    for file in (ROOT / "sync").glob("*.py"):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                taken = [one.arg for one in (*node.args.args, *node.args.kwonlyargs)]
                writes = any(isinstance(one, ast.Name) and one.id == "writing" for one in ast.walk(node))
                if writes or "by" in taken:
                    found[f"{file.stem}.{node.name}"] = taken
    return found


def _called_by_pages() -> set[str]:
    called = set()
    for file in (ROOT / "web").glob("*.py"):
        tree, rooms, direct = ast.parse(file.read_text()), {}, {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "sync":
                rooms |= {one.asname or one.name: one.name for one in node.names}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sync."):
                direct |= {one.asname or one.name: f"{node.module[5:]}.{one.name}" for one in node.names}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in rooms:
                called.add(f"{rooms[node.value.id]}.{node.attr}")
            elif isinstance(node, ast.Name) and node.id in direct:
                called.add(direct[node.id])
    return called


def test_every_function_that_a_page_calls_to_change_something_is_in_the_table():
    changing = _functions()
    unknown = {name for name in _called_by_pages() & set(changing) if name not in CASES and name not in EXEMPT}
    assert not unknown, f"give these who asks (sync/rank.py) and a line in CASES: {sorted(unknown)}"
    gone = ({name.partition(" ")[0] for name in CASES} | set(EXEMPT)) - set(changing)
    assert not gone, f"lines of the table without a function: {sorted(gone)}"


def test_pages_never_leave_out_who_asks():
    """signin.set_password and signed_link may be called without, by the installation itself."""
    for file in (ROOT / "web").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                needed = {"set_password": 3, "signed_link": 2}.get(node.func.attr)
                if needed and isinstance(node.func.value, ast.Name) and node.func.value.id == "signin":
                    assert len(node.args) + len(node.keywords) >= needed, f"{file.name}:{node.lineno}"


@pytest.fixture
def world(chat, someone, by) -> World:
    target = someone("Tess Target", "user")
    owners, _ = push.connect("Okta", MACHINE)
    directory = Directory.create(kind="csv", name="Staff", settings={"file": "/nowhere.csv"})
    change = HeldChange.create(person=target, field="name", value="T", asked_by="Okta")
    waiting = WaitingSignIn.create(issuer="https://id.example", subject="t", person=target, own=True)
    offboarding = Offboarding.create(person=target, state="scheduled", remove_on=today() + timedelta(days=9))
    return World(target, owners, directory, chat.app, change, waiting, offboarding)


def _asker(actor: str | None, world: World, someone) -> Asker:
    person = someone("Act Or", actor if actor in RANKS else "user" if actor else None)
    if actor and actor.startswith("app "):
        apps.set_part(world.app, person, actor.removeprefix("app "), MACHINE)
    return Asker.person(person)


@pytest.mark.parametrize("actor", ACTORS)
def test_each_function_refuses_who_stands_below(world: World, someone, actor: str | None):
    asker, wrong = _asker(actor, world, someone), []
    for name, (allowed, call) in CASES.items():
        with db.atomic() as transaction:  # what is let in does happen, and is taken back
            try:
                call(world, asker)
                refused = False
            except NotAllowed:
                refused = True
            except TypeError:
                raise
            except Exception:  # it was let in, and can't be for another reason
                refused = False
            transaction.rollback()
        if refused != (actor not in allowed):
            wrong.append(f"{name}: {actor} was {'refused' if refused else 'let in'}")
    assert not wrong, "\n".join(wrong)


ABOVE = ("people.edit", "people.mark_left", "people.mark_returned", "people.decide_by_hand", "held.release",
         "people.set_workspace_role", "held.dismiss", "keeping.hold", "keeping.lift", "keeping.keep_until",
         "keeping.cancel", "signin.set_password", "signin.signed_link", "second_factor.reset")  # fmt: skip


@pytest.mark.parametrize("actor", MANAGERS)
@pytest.mark.parametrize("other", RANKS)
def test_nobody_changes_someone_above(world: World, someone, actor: str, other: str):
    Person.update(workspace_role=other).where(Person.id == world.target.id).execute()
    asker = _asker(actor, world, someone)
    above = RANKS.index(other) < RANKS.index(actor)
    for name in ABOVE:
        allowed, call = CASES[name]
        with db.atomic() as transaction:
            try:
                call(world, asker)
                refused = False
            except NotAllowed:
                refused = True
            transaction.rollback()
        assert refused == (above or actor not in allowed), f"{name}: {actor} to {other}"


def test_an_offboarding_of_someone_above(world: World, someone, olga: Person):
    with pytest.raises(NotAllowed):
        offboarding.start(olga, someone("Act Or", "super admin"), set(), {})
    with pytest.raises(NotAllowed):
        offboarding.start(world.target, someone("Us Er", "user"), set(), {})


def test_a_role_is_given_by_nobody_who_has_a_lower_one(world: World, someone):
    asker = _asker("super admin", world, someone)
    with pytest.raises(NotAllowed):
        people.set_workspace_role(world.target, "owner", asker)
    with pytest.raises(NotAllowed):
        people.add("New", "new@acme.example", asker, workspace_role="owner")
