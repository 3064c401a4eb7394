"""Every function of sync/ that a page calls to change something, by rank: below it is refused, without any page.
A new one that doesn't take the asker, or isn't in the table, fails here."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from sync import sample
from sync.apps import apps, drafts
from sync.db import db, utcnow
from sync.directory import directories, ending_rules, precedence, push
from sync.directory import preview as directory_preview
from sync.files import columns
from sync.mail import mail_server, outbox
from sync.matching import vouching
from sync.models import AcceptedLeaver, Account, App, Directory, HeldChange, Offboarding, Person, WaitingSignIn
from sync.offboarding import offboarding
from sync.people import held, held_together, holds, importing, people
from sync.rank import MANAGERS, RANKS, Asker, NotAllowed
from sync.reports import acceptances
from sync.sign_in import colleagues, oidc, second_factor, sign_in
from sync.sign_in import waiting as waiting_sign_ins
from sync.sign_in.oidc import Settings
from sync.states import Protection
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


def account_of(world: World) -> Account:
    return Account.get_or_create(app=world.app, external_id="A1", defaults={"person": world.target})[0]


def acceptance_of(world: World) -> AcceptedLeaver:
    return AcceptedLeaver.create(account=account_of(world), person=world.target, protection=Protection.BY_HAND,
                                 reason="Handing over", until=today(), accepted_by="Olga")  # fmt: skip


# Function of sync/ → (who may, how it is called). What else it refuses doesn't matter here: it was let in.
CASES: dict[str, tuple[tuple, Callable[[World, Asker], object]]] = {
    "people.people.add": (MANAGERS, lambda w, by: people.add("New", "new@acme.example", by)),
    "people.people.edit": (MANAGERS, lambda w, by: people.edit(w.target, by, name="X")),
    "people.people.mark_left": (MANAGERS, lambda w, by: people.mark_left(w.target, by)),
    "people.people.mark_returned": (MANAGERS, lambda w, by: people.mark_returned(w.target, by)),
    "people.people.decide_by_hand": (MANAGERS, lambda w, by: people.decide_by_hand(w.target, "suspended", by, "", "")),
    "people.people.set_workspace_role": (RUNS_ALL, lambda w, by: people.set_workspace_role(w.target, "guest", by)),
    "people.importing.import_csv": (MANAGERS, lambda w, by: importing.import_csv(b"email\nx@acme.example\n", by)),
    "people.held.release": (MANAGERS, lambda w, by: held.release(w.held, by)),
    "people.held.dismiss": (MANAGERS, lambda w, by: held.dismiss(w.held, by)),
    "people.held_together.release": (MANAGERS, lambda w, by: held_together.release(held_together.key(w.held), by, "")),
    "people.held_together.dismiss": (MANAGERS, lambda w, by: held_together.dismiss(held_together.key(w.held), by, "")),
    "sign_in.waiting.approve": (OWNERS, lambda w, by: waiting_sign_ins.approve(w.waiting, by)),
    "sign_in.waiting.dismiss": (OWNERS, lambda w, by: waiting_sign_ins.dismiss(w.waiting, by)),
    "sign_in.waiting.confirm": ((), lambda w, by: waiting_sign_ins.confirm(w.waiting, by)),
    "people.holds.hold": (MANAGERS, lambda w, by: holds.hold(w.target, "Case 7", by)),
    "people.holds.lift": (MANAGERS, lambda w, by: holds.lift(w.target, by)),
    "people.holds.keep_until": (MANAGERS, lambda w, by: holds.keep_until(w.target, today() + timedelta(days=9), by)),
    "people.holds.cancel": (MANAGERS, lambda w, by: holds.cancel(w.offboarding, by)),
    "sign_in.sign_in.set_password": (RUNS_ALL,
        lambda w, by: sign_in.set_password(w.target, "a good long passphrase", by)),
    "sign_in.sign_in.signed_link": (RUNS_ALL, lambda w, by: sign_in.signed_link(w.target, by)),
    "sign_in.sign_in.set_up": (OWNERS, lambda w, by: sign_in.set_up("Acme", "x@acme.example", "X", "x" * 20, by)),
    "sign_in.second_factor.reset": (RUNS_ALL, lambda w, by: second_factor.reset(w.target, by)),
    "sign_in.second_factor.require": (OWNERS, lambda w, by: second_factor.require(w.target, False, by)),
    "sign_in.oidc.save": (OWNERS, lambda w, by: oidc.save(Settings(), None, "http://127.0.0.1:8000", by)),
    "sign_in.oidc.remove": (OWNERS, lambda w, by: oidc.remove(by)),
    "sign_in.colleagues.invite": (RUNS_ALL, lambda w, by: colleagues.invite("N", "n@x.example", "user", by, "m" * 16)),
    "sample.remove": (OWNERS, lambda w, by: sample.remove(by)),
    "mail.mail_server.save": (OWNERS, lambda w, by: mail_server.save({}, by)),
    "mail.mail_server.remove": (OWNERS, lambda w, by: mail_server.remove(by)),
    "mail.outbox.try_out": (RUNS_ALL, lambda w, by: outbox.try_out("x@acme.example", by)),
    "workspace.update_workspace": (RUNS_ALL, lambda w, by: update_workspace(by, name="Other")),
    "directory.directories.connect": (MANAGERS, lambda w, by: directories.connect("csv", "X", {}, by)),
    "directory.directories.reconnect": (MANAGERS, lambda w, by: directories.reconnect(w.directory, {}, by)),
    "directory.releases.release": (MANAGERS, lambda w, by: directories.release(w.directory, by)),
    "directory.state.pause": (MANAGERS, lambda w, by: directories.pause(w.directory, by)),
    "directory.state.resume": (MANAGERS, lambda w, by: directories.resume(w.directory, by)),
    "directory.state.remove": (MANAGERS, lambda w, by: directories.remove(w.directory, by)),
    "directory.state.remove of an Owner's": (OWNERS, lambda w, by: directories.remove(w.owners_directory, by)),
    "directory.ending_rules.set_rules": (MANAGERS, lambda w, by: ending_rules.set_rules(w.directory, [], by)),
    "directory.preview.upload": (MANAGERS, lambda w, by: directory_preview.upload(w.directory, "email\n", by)),
    "directory.preview.preview": (MANAGERS, lambda w, by: directory_preview.preview(w.directory, by)),
    "directory.preview.apply_previewed": (
        MANAGERS, lambda w, by: directory_preview.apply_previewed(w.directory, "mark", by)),
    "directory.preview.discard": (MANAGERS, lambda w, by: directory_preview.discard(w.directory, by)),
    "files.columns.remember": (MANAGERS,
        lambda w, by: columns.remember(w.directory, '{"columns": {"Mail": "email"}}', by)),
    "directory.precedence.move": (OWNERS, lambda w, by: precedence.move(w.directory, -1, by)),
    "directory.push.connect": (MANAGERS, lambda w, by: push.connect("Entra", by)),
    "directory.push.rotate": (MANAGERS, lambda w, by: push.rotate(w.owners_directory, by)),
    "directory.push.confirm_sent_again": (
        MANAGERS, lambda w, by: push.confirm_sent_again(w.owners_directory, utcnow(), by)),
    "directory.push.end_token": (MANAGERS, lambda w, by: push.end_token(push.tokens(w.owners_directory)[0], by)),
    "directory.push.delete_ended": (
        MANAGERS, lambda w, by: push.delete_ended(push.tokens(w.owners_directory)[0], by)),
    "matching.vouching.vouch": (OWNERS, lambda w, by: vouching.vouch(w.directory, by)),
    "matching.vouching.stop_vouching": (OWNERS, lambda w, by: vouching.stop_vouching(w.owners_directory, by)),
    "apps.drafts.begin": (APP_OWNERS, lambda w, by: drafts.begin(w.app, [w.target], [], True, 0, by)),
    "apps.apps.rename": (APP_OWNERS, lambda w, by: apps.rename(w.app, "Other", by)),
    "apps.apps.set_manager": (APP_OWNERS, lambda w, by: apps.set_manager(w.app, w.target, "owner", by)),
    "apps.apps.set_schedule": (APP_OWNERS, lambda w, by: apps.set_schedule(w.app, True, 5, by)),
    "apps.apps.set_guard": (APP_OWNERS, lambda w, by: apps.set_guard(w.app, 1, 1, by)),
    "apps.apps.set_removal": (APP_OWNERS, lambda w, by: apps.set_removal(w.app, "automatic", by)),
    "apps.apps.set_policy": (APP_OWNERS, lambda w, by: apps.set_policy(w.app, "ask", {}, by)),
    "apps.apps.set_seat_price": (APP_OWNERS, lambda w, by: apps.set_seat_price(w.app, 100, by)),
    "apps.apps.pause": (APP_OWNERS, lambda w, by: apps.pause(w.app, by)),
    "apps.apps.resume": (APP_OWNERS, lambda w, by: apps.resume(w.app, by)),
    "tasks.disconnecting.disconnect": (APP_OWNERS, lambda w, by: disconnecting.disconnect(w.app, by)),
    "apps.apps.replace_credential": (APP_OWNERS, lambda w, by: apps.replace_credential(w.app, {}, by)),
    "reports.acceptances.accept": (
        APP_OWNERS, lambda w, by: acceptances.accept(account_of(w), "Handing over", today() + timedelta(days=9), by)),
    "reports.acceptances.withdraw": (APP_OWNERS, lambda w, by: acceptances.withdraw(acceptance_of(w), by)),
    "apps.apps.retest": (APP_OWNERS, lambda w, by: apps.retest(w.app, by)),
}  # fmt: skip

OF_AN_APP = "acts inside one app: its page is for its Owners (tests/web/test_permissions.py)"
OWN = "changes only what belongs to the person who is signed in, whom the page names"
READS = "changes nothing that anybody is refused: it asks for a reading, a check, or looks"
EXEMPT = {
    **dict.fromkeys((
        "reports.group_changes.ask_again", "jobs.asking.ask", "jobs.asking.cancel", "apps.drafts.discard",
        "apps.drafts.enter", "groups.rules.remove", "groups.rules.save", "groups.rules.set_policy",
        "groups.rules.preview", "safety.lost_fields.accept", "matching.decisions.decide",
        "matching.decisions.mark_guest", "matching.decisions.match", "matching.decisions.undo",
        "matching.rules.set_domain", "matching.members.protect", "matching.members.unprotect",
        "tasks.by_hand.carry_out", "tasks.invitations.again", "tasks.invitations.cancel",
        "tasks.invitations.invite_all", "reports.reports.dismiss", "reports.reports.finish",
        "reports.reports.undo_leaving_out", "reports.reports.release", "tasks.tasks.cancel",
        "tasks.tasks.done_by_hand", "tasks.tasks.retry"), OF_AN_APP),
    **dict.fromkeys((
        "sign_in.authenticator.confirm", "sign_in.authenticator.offer", "sign_in.passkeys.add",
        "sign_in.second_factor.added", "sign_in.second_factor.remove_app", "sign_in.second_factor.remove_passkey",
        "sign_in.second_factor.renew_codes", "sign_in.sessions.end_session", "sign_in.sessions.end_sessions",
        "sign_in.sessions.session_of", "sign_in.sessions.start_session", "sign_in.pending.begin",
        "sign_in.pending.finish", "sign_in.sign_in.authenticate", "sign_in.sign_in.person_of_link",
        "sign_in.kept_requests.keep", "sign_in.kept_requests.take", "sign_in.sessions.confirm",
        "sign_in.given_answers.keep",
        "saved_views.change", "saved_views.delete", "saved_views.save", "saved_views.may_change",
        "saved_views.may_share", "saved_views.with_id",
        "directory.waiting_files.answer", "directory.waiting_files.discard", "apps.drafts.start"), OWN),
    **dict.fromkeys(("directory.directories.ask", "jobs.clock.is_right", "apps.apps.plan_all"), READS),
    "checks.comparison.compare": "does what a change that is in the table has asked for, as its job would",
    "sign_in.forgotten.ask": "mails a link to the person alone, no matter who asks (tests/security/test_forgotten.py)",
    "sign_in.oidc_people.admit":
        "who asks is the provider that an Owner has set up (tests/security/test_first_sign_in.py)",
    "directory.waiting_files.use": "passes the asker on to the door of the file, which is in the table",
    "directory.push.note_refused": "notes a request that its directory's token made, and that was refused",
    "offboarding.offboarding.start":
        "takes the person who asks, and their rank by it (test_an_offboarding_of_someone_above)",
    "groups.teams.create": "pages ask for a manager; a team alone gives nothing",
    "groups.teams.change": "pages ask for a manager; what its rules give is asked about in each app's report",
    "groups.teams.remove": "pages ask for a manager; what its rules take is asked about in each app's report",
}


def _functions() -> dict[str, list[str]]:
    """By name, the parameters of each public function of sync/ that writes, or says by whom."""
    found = {}
    for file in core_modules():
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                taken = [one.arg for one in (*node.args.args, *node.args.kwonlyargs)]
                writes = any(isinstance(one, ast.Name) and one.id == "writing" for one in ast.walk(node))
                if writes or "by" in taken:
                    found[f"{dotted(file)}.{node.name}"] = taken
    return found


def core_modules() -> list[Path]:
    return [file for file in (ROOT / "sync").rglob("*.py") if "migrations" not in file.parts]


def dotted(file: Path) -> str:
    """A module's name below sync: tasks.perform."""
    return ".".join(file.relative_to(ROOT / "sync").with_suffix("").parts)


def _called_by_pages() -> set[str]:
    called, modules = set(), {dotted(file) for file in core_modules()}
    for file in (ROOT / "web").glob("*.py"):
        tree, rooms, direct = ast.parse(file.read_text()), {}, {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "sync":
                for one in node.names:
                    full = f"{node.module}.{one.name}".removeprefix("sync.")
                    (rooms if full in modules else direct)[one.asname or one.name] = full
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


def test_pages_never_leave_out_the_person_who_asks():
    """sign_in.sign_in.set_password and signed_link may be called without, by the installation itself."""
    for file in (ROOT / "web").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                needed = {"set_password": 3, "signed_link": 2}.get(node.func.attr)
                room = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
                if needed and room in ("sign_in", "signing_in"):
                    assert len(node.args) + len(node.keywords) >= needed, f"{file.name}:{node.lineno}"


@pytest.fixture
def world(chat, someone, by) -> World:
    target = someone("Tess Target", "user")
    owners, _ = push.connect("Okta", MACHINE)
    directory = Directory.create(kind="csv", name="Staff", settings={"file": "/nowhere.csv"})
    change = HeldChange.create(person=target, field="name", value="T", asked_by="Okta")
    waiting = WaitingSignIn.create(issuer="https://id.example", subject="t", person=target,
                                    person_may_confirm=True)
    offboarding = Offboarding.create(person=target, state="scheduled", remove_on=today() + timedelta(days=9))
    return World(target, owners, directory, chat.app, change, waiting, offboarding)


def _asker(actor: str | None, world: World, someone) -> Asker:
    person = someone("Act Or", actor if actor in RANKS else "user" if actor else None)
    if actor and actor.startswith("app "):
        apps.set_manager(world.app, person, actor.removeprefix("app "), MACHINE)
    return Asker.person(person)


@pytest.mark.parametrize("actor", ACTORS)
def test_each_function_refuses_people_of_lower_rank(world: World, someone, actor: str | None):
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


ABOVE = (
    "people.people.edit", "people.people.mark_left", "people.people.mark_returned", "people.people.decide_by_hand",
    "people.held.release", "people.people.set_workspace_role", "people.held.dismiss", "people.holds.hold",
    "people.holds.lift", "people.holds.keep_until", "people.holds.cancel", "sign_in.sign_in.set_password",
    "sign_in.sign_in.signed_link", "sign_in.second_factor.reset",
)  # fmt: skip


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


def test_nobody_gives_a_role_above_their_own(world: World, someone):
    asker = _asker("super admin", world, someone)
    with pytest.raises(NotAllowed):
        people.set_workspace_role(world.target, "owner", asker)
    with pytest.raises(NotAllowed):
        people.add("New", "new@acme.example", asker, workspace_role="owner")
