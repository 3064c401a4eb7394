"""An app that is being connected: a draft that keeps what was entered, its secrets sealed, until its first reading.
It is an App in state "connecting", made by the first Test or Continue. One that is left alone is deleted a week after
its form was opened, or after a day where nothing was entered."""

from __future__ import annotations

from datetime import datetime, timedelta

from connectors.base import Connector, Identity
from connectors.names import clean_name
from sync import activity, rank, sample_data, vault
from sync.apps import apps
from sync.credentials import SecretNeeded, with_stored
from sync.db import utcnow, writing
from sync.jobs import asking, daily, queue
from sync.models import App, AppPerson, Check, Person
from sync.private_networks import still_approved
from sync.problems import AppProblem, refuse_overtaken
from sync.rank import Asker
from sync.states import AppManager, AppState, CheckTrigger

EXPIRES_AFTER = timedelta(days=7)
EMPTY_EXPIRES_AFTER = timedelta(days=1)
OLDEST_FORM = EXPIRES_AFTER - timedelta(days=1)  # so that a draft is kept for a day at least


def blank(slug: str) -> App:
    """What the form for this kind of app begins with. It isn't stored: opening a form leaves nothing behind."""
    kind = apps.connector_class(slug)
    sample_data.refuse_real()
    return App(connector=slug, name=_free_name(kind.label), category=kind.category, state=AppState.CONNECTING)


def start(slug: str, person: Person, opened: str = "") -> App:
    """A draft for this kind of app. Sent again from the same form, it is the same draft: a double click makes one.

    `opened` is when the form was opened, as opened_now() gave it. The draft's age is counted from then.
    """
    draft = blank(slug)
    draft.created_at = _when(opened)
    with writing():
        if same := begun(slug, person, draft.created_at.isoformat()):
            return same
        draft.save(force_insert=True)
        App.update(check_minute=daily.spread(draft.id)).where(App.id == draft.id).execute()
        AppPerson.create(app=draft, person=person, manages_as=AppManager.OWNER)
        return App.get_by_id(draft.id)


def opened_now() -> str:
    return utcnow().isoformat()


def _when(opened: str) -> datetime:
    """The time in `opened`, or now if that is too old, in the future or not a time."""
    now = utcnow()
    try:
        when = datetime.fromisoformat(opened)
        return when if now - OLDEST_FORM < when <= now else now
    except (ValueError, TypeError):
        return now


def begun(slug: str, person: Person, opened: str) -> App | None:
    """The draft that this person has started from the same form, or None."""
    theirs = App.select().join(AppPerson).where(
        App.state == AppState.CONNECTING, App.connector == slug, App.created_at == _when(opened),
        AppPerson.person == person,
    )  # fmt: skip
    return theirs.order_by(App.id).first()


def _free_name(label: str) -> str:
    taken = {app.name for app in App.select(App.name).where(App.is_connected)}
    further = (f"{label} {number}" for number in range(2, len(taken) + 3))
    return next(name for name in (label, *further) if name not in taken)


def enter(app: App, name: str, values: dict[str, str], approver: str | None = None) -> Identity:
    """Keep what was entered, then test it; a secret left empty is the one that was entered before for the same place.
    Without a `name`, the app gets the one in the field `named_by`, or keeps its own.

    Raises AppProblem, SecretNeeded or ConnectorError with what to fix. The input is kept even then; a secret
    that was entered for another place is deleted. Raises Overtaken if other input was kept during the test.
    """
    kind = apps.connector_class(app.connector)
    given = {field.name: values.get(field.name) or "" for field in kind.fields if not field.mapping}
    given |= {field.name: values[field.name] for field in kind.fields if field.mapping and field.name in values}
    untested = {
        "name": clean_name(name) or clean_name(given.get(kind.named_by, "")) or app.name,
        "automation_name": "", "automation_external_id": None, "tested_at": None,
        "private_network_approver": approver or still_approved(
            kind.fields, given, app.settings, app.private_network_approver),
    }  # fmt: skip
    try:
        entered = with_stored(kind.fields, given, app.settings, vault.unseal(app.credential))
    except SecretNeeded:
        _keep(app, kind, given, **untested)
        raise
    kept = _keep(app, kind, entered, **untested)
    apps.refuse_taken_name(untested["name"])
    cleaned = apps.clean(kind, entered)
    identity = apps.test(app.connector, entered, untested["private_network_approver"])
    with writing():
        now = App.get_or_none(App.id == app.id)
        refuse_overtaken(kept, now and (now.settings, bytes(now.credential)))
        apps.refuse_same_space(kind, cleaned)
        _keep(app, kind, cleaned, **apps.found(identity))
    return identity


def holds(app: App, name: str, values: dict[str, str]) -> bool:
    """Whether just this was already entered, as by a double click; a secret left empty is the one it has."""
    stored = {**app.settings, **vault.unseal(app.credential)}
    secrets = {field.name for field in apps.connector_class(app.connector).fields if field.secret}
    return clean_name(name) in ("", app.name) and all(
        (given or "") == (stored.get(field) or "") or field in secrets and not given for field, given in values.items())


def _keep(app: App, kind: type[Connector], entered: dict[str, str], **values: object) -> tuple[dict, str]:
    """Returns the settings and the sealed credential as they are kept now."""
    with writing():
        columns = {**apps.stored(kind, entered, app), **values}
        if not App.update(columns).where(App.id == app.id, App.state == AppState.CONNECTING).execute():
            raise AppProblem(f"{app.name} is already connected. Change it on its Settings tab.")
    return columns["settings"], columns["credential"]


def begin(app: App, owners: list[Person], collaborators: list[Person], daily_on: bool, minute: int, by: Asker) -> Check:
    """The draft becomes an app and is read for the first time. A second call gives the check of the first."""
    rank.require_manager(by, app)
    sample_data.refuse_real()
    with writing():
        app = App.get_by_id(app.id)
        if app.state != AppState.CONNECTING:
            return _first_check(app) or asking.ask(app, by, CheckTrigger.CONNECT)
        if app.tested_at is None:
            raise AppProblem("The credential has not been tested yet. Go back a step and test it.")
        if not owners:
            raise AppProblem("An app needs at least one Owner, who approves its reports.")
        apps.refuse_taken_name(app.name)
        apps.refuse_same_space(apps.connector_class(app.connector), {**app.settings, **vault.unseal(app.credential)})
        App.update(state=AppState.ACTIVE, created_at=utcnow()).where(App.id == app.id).execute()
        app = App.get_by_id(app.id)
        activity.record(by, "connected app", about=app.name, why=f"as {app.automation_name}", app=app)
        apps.set_schedule(app, daily_on, minute, by)
        _set_managers(app, owners, collaborators, by)
        return asking.ask(App.get_by_id(app.id), by, CheckTrigger.CONNECT)


def _set_managers(app: App, owners: list[Person], collaborators: list[Person], by: Asker) -> None:
    AppPerson.delete().where(AppPerson.app == app).execute()
    for person in owners:
        apps.set_manager_of_draft(app, person, AppManager.OWNER, by)
    for person in collaborators:
        if person not in owners:
            apps.set_manager_of_draft(app, person, AppManager.COLLABORATOR, by)


def _first_check(app: App) -> Check | None:
    return Check.select().where(Check.app == app).order_by(Check.id).first()


def discard(app: App) -> None:
    """Delete the draft with its input. A connected app isn't deleted."""
    with writing():
        App.delete().where(App.id == app.id, App.state == AppState.CONNECTING).execute()


@queue.each_minute
def delete_expired(now: datetime) -> None:
    empty = App.credential.is_null() & (App.created_at < now - EMPTY_EXPIRES_AFTER)
    with writing():
        App.delete().where(
            App.state == AppState.CONNECTING, empty | (App.created_at < now - EXPIRES_AFTER)).execute()
