"""Apps: connecting one, its Owners and Collaborators, its settings, and the connector that speaks to it.
Nothing is stored before test() has shown whose the credential is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import connectors
from connectors.base import Account as AppAccount
from connectors.base import Connector, Identity, Refused
from connectors.names import clean_name
from sync import activity, rank, sample_data, vault
from sync.apps import answer_cache, failures
from sync.apps.owners import RUNS_ALL, apps_of, manages_as, owned_by, owners_of  # noqa: F401 - other rooms ask here
from sync.apps.spaces import is_same, last_read, refuse_another_with_tasks, space
from sync.credentials import with_stored
from sync.db import utcnow, writing
from sync.jobs import asking, comparing, daily
from sync.models import Account, App, AppPerson, Person
from sync.names import signature
from sync.private_networks import still_approved
from sync.problems import AppProblem, refuse_overtaken
from sync.rank import Asker
from sync.roles import RoleChange
from sync.safety import guards
from sync.states import AppManager, Approval, AppState, ChangeKind
from sync.words import price_in_words
from sync.workspace import workspace

LONGEST_NAME = 80  # characters


def catalogue() -> list[type[Connector]]:
    return list(connectors.app_connectors().values())


def broken_files() -> tuple[str, ...]:
    """What is wrong with the team's own connector files: file, line and reason; their apps aren't in the catalogue."""
    return connectors.broken_files()


def connector_class(slug: str) -> type[Connector]:
    try:
        return connectors.app_connector(slug)
    except KeyError:
        broken = " A file in the folder connectors has an error: see doctor." if connectors.broken_files() else ""
        raise AppProblem(f"There is no connector {slug!r}.{broken}") from None


def test(slug: str, values: dict[str, str], approver: str | None = None) -> Identity:
    """Ask the app who the credential is. Raises AppProblem for unusable values, ConnectorError by the answer.

    `approver`: who approves that the address lies in a private network (see private_networks.py).
    """
    kind = connector_class(slug)
    with connectors.reaching(approver is not None):
        connector = kind(clean(kind, values))
        try:
            return connector.test()
        finally:
            connector.close()


def clean(kind: type[Connector], values: dict[str, str]) -> dict[str, str]:
    """The values of the connector's fields, defaults filled in; raises AppProblem with what is missing or malformed."""
    if unknown := set(values) - {field.name for field in kind.fields}:
        raise AppProblem(f"{kind.label} has no field {', '.join(sorted(unknown))}.")
    cleaned = {}
    for field in kind.fields:
        if field.when and cleaned.get(field.when[0]) != field.when[1]:
            cleaned[field.name] = ""
            continue
        value = values.get(field.name) or ""
        value = (value if field.upload else value.strip()) or (field.choices[0][0] if field.choices else "")
        if not value and field.required:
            raise AppProblem(f"{field.label} is missing.")
        if field.mapping and not value:
            continue
        if value and not field.fits(value):
            raise AppProblem(f"{field.label} does not look right. {field.help}".strip())
        if value and field.choices and value not in {choice for choice, _ in field.choices}:
            raise AppProblem(f"{field.label} must be one of {', '.join(choice for choice, _ in field.choices)}.")
        cleaned[field.name] = value
    return cleaned


def connect(slug: str, name: str, values: dict[str, str], owners: list[Person], by: Asker,
            approver: str | None = None) -> App:  # fmt: skip
    """Test the credential, then store the app. Raises AppProblem or ConnectorError; nothing is stored then."""
    rank.require(by, *rank.MANAGERS)
    sample_data.refuse_real()
    kind = connector_class(slug)
    name = clean_name(name) or kind.label
    refuse_taken_name(name)
    if not owners:
        raise AppProblem("An app needs at least one Owner, who approves its reports.")
    values = clean(kind, values)
    identity = test(slug, values, approver)
    with writing():
        refuse_same_space(kind, values)
        app = App.create(
            connector=slug, name=name, category=kind.category, state=AppState.ACTIVE, private_network_approver=approver,
            **found(identity), **stored(kind, values),
        )  # fmt: skip
        App.update(check_minute=daily.spread(app.id)).where(App.id == app.id).execute()
        app = App.get_by_id(app.id)
        _plan(app)
        activity.record(by, "connected app", about=name, why=f"as {identity.name}", app=app)
        for person in owners:
            set_manager(app, person, AppManager.OWNER, by)
    return app


def refuse_taken_name(name: str, but: App | None = None) -> None:
    """Raises AppProblem when another app has this name, or it is too long for a card and a subject."""
    if len(name) > LONGEST_NAME:
        raise AppProblem(f"A name has at most {LONGEST_NAME} characters. This one has {len(name)}.")
    taken = App.select().where(App.name == name, App.is_connected)
    if but is not None:
        taken = taken.where(App.id != but.id)
    if taken.exists():
        raise AppProblem(f"An app named {name} already exists. Choose another name.")


def refuse_same_space(kind: type[Connector], values: dict[str, str]) -> None:
    """Raises AppProblem when this very space of the app is already connected."""
    public = {field.name: values.get(field.name) for field in kind.fields if not field.secret}
    for other in App.select().where(App.connector == kind.slug, App.is_connected):
        same_space = space(kind, other.settings) == space(kind, public)
        if same_space and vault.unseal(other.credential) == _secrets(kind, values):
            raise AppProblem(f"This {kind.label} is already connected, as {other.name}.")


def predecessor(app: App) -> App | None:
    """The app that was connected to the same space, read, and disconnected last; None if there is none."""
    kind = connector_class(app.connector)
    known = App.is_disconnected & App.last_check_at.is_null(False)  # without a reading, nothing was decided in it
    earlier = App.select().where(App.connector == app.connector, known).order_by(App.id.desc())
    here = space(kind, app.settings)
    return next((other for other in earlier if is_same(last_read(other, kind), here)), None)


def _secrets(kind: type[Connector], values: dict[str, str]) -> dict[str, str]:
    return {field.name: values[field.name] for field in kind.fields if field.secret}


def stored(kind: type[Connector], values: dict[str, str], before: App | None = None) -> dict:
    """The columns of App for these values: secrets are sealed, and a file that isn't that of `before` is dated now."""
    settings = {field.name: values[field.name] for field in kind.fields if not field.secret and field.name in values}
    known = vault.unseal(before.credential) if before is not None else {}
    for field in kind.fields:
        if field.upload:
            kept = before is not None and known.get(field.name) == values[field.name]
            settings[f"{field.name}_at"] = before.settings.get(f"{field.name}_at") if kept else utcnow().isoformat()
            settings[f"{field.name}_uploaded_at"] = utcnow().isoformat()  # also the same file once more
    return {"settings": settings, "credential": vault.seal(_secrets(kind, values))}


def found(identity: Identity) -> dict:
    """The columns of App for the identity that a test of the credential found."""
    return {
        "tested_at": utcnow(), "automation_name": identity.name, "automation_external_id": identity.external_id,
        "permissions": list(identity.may), "missing_permissions": list(identity.missing),
    }  # fmt: skip


def connector_for(app: App, on_total: Callable[[int], None] | None = None) -> Connector:
    """The connector with the app's settings and its unsealed credential; close() it after use."""
    return connector_class(app.connector)({**app.settings, **vault.unseal(app.credential)}, on_total)


def reaching(app: App) -> AbstractContextManager[None]:
    """In this block, the app's connector may connect to a private network if that was approved."""
    return connectors.reaching(app.private_network_approver is not None)


def capabilities_of(app: App) -> frozenset[str]:
    """The operations that this app supports with its settings; without a credential, those of its kind."""
    if app.credential is None:
        return connector_class(app.connector).capabilities
    connector = connector_for(app)
    try:
        return connector.capabilities
    finally:
        connector.close()


def for_connector(account: Account) -> AppAccount:
    """The account in the form that connectors take, with the values of the last check."""
    return AppAccount(
        id=account.external_id, email=account.email, name=account.name, status=account.status, role=account.role,
        further_roles=account.further_roles, kind=account.kind, seat=account.seat,
    )  # fmt: skip


def role_change(account: Account, role: str) -> RoleChange:
    """What a change to this role does to all of the account's roles, by its connector; without one, it is refused."""
    try:
        after = connector_class(account.app.connector).roles_after(for_connector(account), role)
    except (Refused, AppProblem) as no:
        return RoleChange(role, account.roles, (role,), str(no))
    return RoleChange(role, account.roles, after)


def replace_credential(app: App, values: dict[str, str], by: Asker, approver: str | None = None) -> Identity:
    """Test new settings, then store them and ask for a check: the app isn't up to date until it is read with them. An
    empty secret keeps the stored one, if it is for the same host.
    Raises AppProblem, SecretNeeded, ConnectorError or Overtaken; nothing is stored then.
    """
    rank.require_manager(by, app)
    kind = connector_class(app.connector)
    public = {field.name: app.settings.get(field.name, "") for field in kind.fields if not field.secret}
    values = clean(kind, with_stored(kind.fields, {**public, **values}, public, vault.unseal(app.credential)))
    approver = approver or still_approved(kind.fields, values, public, app.private_network_approver)
    identity = test(app.connector, values, approver)
    with writing():
        now = App.get_by_id(app.id)
        refuse_overtaken((app.settings, app.credential), (now.settings, now.credential))
        refuse_another_with_tasks(now, kind, values)
        tested = {**found(identity), **failures.after_a_test(now)}
        tested |= {"private_network_approver": approver, "last_due_at": utcnow()}
        tested |= {"read_in": last_read(now, kind)}
        App.update({**tested, **stored(kind, values, app)}).where(App.id == app.id).execute()
        answer_cache.clear(app)
        activity.record(by, "replaced credential", about=app.name, why=f"as {identity.name}", app=app)
        if App.get_by_id(app.id).is_active:
            asking.ask(app, by)  # the last reading was by the old one, and perhaps elsewhere
    return identity


def retest(app: App, by: Asker) -> Identity:
    """Test the stored credential. Stores a problem on the app and raises it."""
    rank.require_manager(by, app)
    connector = connector_for(app)
    try:
        with reaching(app):
            identity = connector.test()
    except Exception as problem:
        failures.note(app, failures.in_app(app, problem))
        raise
    finally:
        connector.close()
    with writing():
        tested = {**found(identity), **failures.after_a_test(App.get_by_id(app.id))}
        App.update(tested).where(App.id == app.id).execute()
        activity.record(by, "tested credential", about=app.name, why=f"as {identity.name}", app=app)
    return identity


def rename(app: App, name: str, by: Asker) -> None:
    rank.require_manager(by, app)
    name = clean_name(name)
    if not name:
        raise AppProblem("The app needs a name.")
    with writing():
        refuse_taken_name(name, but=app)
        _change(app, by, "renamed app", app.name, name, name=name)


def set_manager(app: App, person: Person, manager: AppManager | None, by: Asker) -> None:
    """Make someone Owner or Collaborator of the app, or neither (None). Raises NotAllowed, AppProblem for the last
    Owner."""
    rank.require_manager(by, app)
    set_manager_of_draft(app, person, manager, by)


def set_manager_of_draft(app: App, person: Person, manager: AppManager | None, by: Asker) -> None:
    """Like set_manager(), for an app that is being connected: it asks for no rank. Raises AppProblem."""
    with writing():
        before = AppPerson.get_or_none(AppPerson.app == app, AppPerson.person == person)
        if manager != AppManager.OWNER and owners_of(app) == [person]:
            raise AppProblem(f"{person.name} is the app's only Owner. Add another Owner first.")
        if before:
            before.delete_instance()
        if manager:
            AppPerson.create(app=app, person=person, manages_as=manager)
        activity.record(by, "changed part in app", about=signature(person), before=before and before.manages_as,
                        after=manager, app=app, person=person)


def set_schedule(app: App, daily_on: bool, minute: int, by: Asker) -> None:
    """Check daily or not, at this minute of the day (0 to 1439) in the workspace's zone. Raises AppProblem."""
    rank.require_manager(by, app)
    if not 0 <= minute < 24 * 60:
        raise AppProblem("The time of the daily check must be between 00:00 and 23:59.")
    with writing():
        before, begins = _schedule_in_words(app), daily_on and not app.checked_daily
        App.update(checked_daily=daily_on, check_minute=minute).where(App.id == app.id).execute()
        app = App.get_by_id(app.id)
        _plan(app, begins)
        after = _schedule_in_words(app)
        activity.record(by, "changed daily check", about=app.name, before=before, after=after, app=app)


def _schedule_in_words(app: App) -> str:
    return f"at {app.check_minute // 60:02}:{app.check_minute % 60:02}" if app.checked_daily else "off"


def _plan(app: App, begins: bool = False) -> None:
    """Store when the app is checked next. A check that is due stays so, with `begins` also one of the pause."""
    now, zone, planned = utcnow(), workspace().zone, app.checked_daily and app.is_active
    if planned and app.next_check_at is not None and app.next_check_at <= now:
        return
    times = {"next_check_at": daily.next_time(now, app.check_minute, zone) if planned else None}
    if planned and begins:
        times["last_due_at"] = max(filter(None, (app.last_due_at, daily.last_time(now, app.check_minute, zone))))
    App.update(times).where(App.id == app.id).execute()


def plan_all() -> None:
    """Store again when each app is checked next, after the workspace's zone has changed."""
    with writing():
        for app in App.select().where(App.is_active):
            _plan(app)


def set_guard(app: App, accounts: int | None, percent: int | None, by: Asker,
              kind: str = ChangeKind.REMOVED_USER) -> None:  # fmt: skip
    """Set the app's guard for a kind of change of guards.GUARDS. None uses the workspace's number."""
    rank.require_manager(by, app)
    if accounts is not None and not 0 <= accounts <= 100_000 or percent is not None and not 0 <= percent <= 100:
        raise AppProblem("The guard needs a number of accounts from 0 to 100,000 and a percentage from 0 to 100.")
    columns = guards.GUARDS[kind]
    with writing():
        app = App.get_by_id(app.id)
        before, after = tuple(getattr(app, column) for column in columns), (accounts, percent)
        if before != after:
            _change(app, by, "changed guard", f"{kind}: {_numbers(before)}", f"{kind}: {_numbers(after)}",
                    **dict(zip(columns, after)))  # fmt: skip


def _numbers(guard: tuple[int | None, int | None]) -> str:
    return "as in the workspace" if guard == (None, None) else f"{guard[0]}, {guard[1]} %"


def set_removal(app: App, removal: str, by: Asker) -> None:
    """"ask": each removal waits for approval; "automatic": this is the Owner's standing approval (rule 2)."""
    rank.require_manager(by, app)
    if removal not in set(Approval):
        raise AppProblem("Removals wait for approval or are automatic: choose one.")
    with writing():
        _change(app, by, "changed removal policy", app.removal_approval, removal, removal_approval=removal,
                removal_approver_id=by.person_id)


def set_policy(app: App, removal: str, limits: dict[str, tuple[int | None, int | None]], by: Asker) -> None:
    """Set how removals are decided, and the guards by kind of change: all of it, or nothing. Raises AppProblem."""
    with writing():
        for kind, numbers in limits.items():
            set_guard(app, *numbers, by, kind)
        set_removal(app, removal, by)


def set_seat_price(app: App, hundredths: int | None, by: Asker) -> None:
    rank.require_manager(by, app)
    if hundredths is not None and not 0 <= hundredths <= 100_000_000:
        raise AppProblem("The seat price must be between 0 and 1,000,000 a month.")
    with writing():
        before, after = (price_in_words(price, workspace().currency) for price in (app.seat_price, hundredths))
        _change(app, by, "changed seat price", before, after, seat_price=hundredths)


def _change(app: App, by: Asker, what: str, before: str, after: str, **values: object) -> None:
    App.update(**values).where(App.id == app.id).execute()
    activity.record(by, what, about=app.name, before=before, after=after, app=app)


def pause(app: App, by: Asker) -> None:
    """Stop the app's checks and tasks until it is resumed. Its data is kept."""
    rank.require_manager(by, app)
    set_state(app, AppState.PAUSED, "paused app", by)


def resume(app: App, by: Asker) -> None:
    rank.require_manager(by, app)
    set_state(app, AppState.ACTIVE, "resumed app", by)


def set_state(app: App, state: str, what: str, by: Asker) -> None:
    """Set the app's state, and record that as `what` in Activity. Raises AppProblem if the app is already
    disconnected."""
    with writing():
        app = App.get_by_id(app.id)
        if app.is_disconnected:
            raise AppProblem(f"{app.name} is disconnected. Connect it again to continue.")
        if app.state == state:
            return
        _change(app, by, what, app.state, state, state=state)
        _plan(App.get_by_id(app.id), begins=True)
        comparing.app(app.id)


def by_name(name: str) -> App:
    """The connected app of this name; raises AppProblem."""
    app = App.get_or_none(App.name == name, App.is_connected)
    if app is None:
        raise AppProblem(f"There is no app named {name!r}.")
    return app
