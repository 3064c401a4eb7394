"""The Settings tab of an app: each setting in words, with the dialog that changes it; its Owners and Collaborators."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import url_for
from markupsafe import Markup

from connectors.base import ASSETS, LOOK_UP
from sync.apps import standing_approvals, status
from sync.apps.owners import people_of
from sync.effects import version_warning
from sync.models import App, AppPerson, Person
from sync.names import main_emails
from sync.safety import guards
from sync.states import AppManager, AppState, ChangeKind, Failure, PersonStatus, Tone
from web import effects
from web.app_page import can, kind_of
from web.words import APPLIED_AUTOMATICALLY, clock, dotted, money, percent, plural, this_workspace, when

GUARDED = {
    ChangeKind.REMOVED_USER: "would be removed",
    ChangeKind.UPDATED_ROLE: "would get another role",
    ChangeKind.UPDATED_PROFILE: "would get another e-mail address, name or status",
}


@dataclass(frozen=True)
class Change:
    """The link that opens the dialog for a setting."""

    address: str
    id: str
    label: str


@dataclass(frozen=True)
class Fact:
    label: str
    value: Markup | str = ""
    quiet: bool = False
    lines: list[Markup | str] = field(default_factory=list)  # in place of one value
    change: Change | None = None


@dataclass(frozen=True)
class Member:
    """An Owner or a Collaborator, and which of the two a click makes them instead."""

    person: Person
    name: str
    note: str
    other: str
    other_word: str
    icon: str


@dataclass(frozen=True)
class Tested:
    """Whether the credential works, as far as anyone knows."""

    words: Markup | str
    tone: Tone
    icon: str = ""


@dataclass(frozen=True)
class Settings:
    checks: list[Fact]
    account: list[Fact]  # the automation account
    details: list[Fact]
    members: list[Member]
    credential: Tested
    connected: bool
    paused: bool
    may_change: bool
    version_warning: str


def settings(app: App, owns: bool) -> Settings:
    connected = app.state != AppState.DISCONNECTED
    return Settings(
        _checks(app, owns), _account(app), _details(app, owns), _members(app), _tested(app),
        connected, app.state == AppState.PAUSED, owns and connected,
        version_warning(app) if connected else "",
    )  # fmt: skip


def _tested(app: App) -> Tested:
    standing = status.standing(app)
    if app.failure == Failure.CREDENTIAL:
        return Tested(Markup("Rejected {}").format(when(app.failed_at)), Tone.ATTENTION)
    if standing.facts.failed:
        failed = Markup("Last check failed {}").format(when(app.failed_at)) if app.failed_at else "Last check failed"
        return Tested(failed, Tone.WAITING, "alert-triangle")
    if status.credential_works(app, standing):
        return Tested(Markup("Works, tested {}").format(when(app.tested_at)), Tone.OK)
    if app.tested_at is None:
        return Tested("Not tested", Tone.NEUTRAL)
    return Tested(Markup("Tested {}, not used since").format(when(app.tested_at)), Tone.NEUTRAL)


def _change(app: App, owns: bool, endpoint: str, id: str, label: str, **values) -> Change | None:
    """The link that opens the dialog of a setting, for Owners; None for others."""
    return Change(url_for(endpoint, app_id=app.id, **values), id, label) if owns else None


def _checks(app: App, owns: bool) -> list[Fact]:
    schedule = _change(app, owns, "app_settings.schedule", "change-schedule", "Change the daily check")
    leavers = "Change what happens to people who have left"
    removals = _change(app, owns, "app_settings.policy_of", "change-policy", leavers)
    return [
        Fact("Daily check", _daily(app), change=schedule),
        Fact("New users, roles and assets", APPLIED_AUTOMATICALLY),
        Fact(f"People who have left {this_workspace().name}",
             "Removed automatically, unless a guard stops it" if standing_approvals.removes_leavers(app)
             else "Owners approve each removal",
             change=removals),
        Fact("Guard", lines=_guards(app)),
    ]  # fmt: skip


def _daily(app: App) -> Markup:
    if not app.checked_daily:
        return dotted("Off: checked only when someone asks for it")
    following = Markup("next {}").format(when(app.next_check_at)) if app.next_check_at else ""
    if not app.is_active:
        following = f"not while it is {app.state}"
    return dotted(f"On, at {clock(app.check_minute)} ({this_workspace().zone})", following)


def _guards(app: App) -> list[Markup | str]:
    """The guards in words. Those with the same numbers share one sentence."""
    alike: dict[tuple, list[str]] = {}
    for kind, what in GUARDED.items():
        alike.setdefault((guards.guard_of(app, kind), guards.has_own_guard(app, kind)), []).append(what)
    lines = []
    for (guard, own), what in alike.items():
        limit = f"Holds changes when more than {plural(guard.accounts, 'user')} and more than {percent(guard.percent)}"
        default = "" if own else Markup(' <span class="quiet">· workspace default</span>')
        lines.append(Markup("{} {} at once{}").format(limit, ", or ".join(what), default))
    return lines


def _account(app: App) -> list[Fact]:
    kind = kind_of(app)
    facts = [Fact("Permissions", " · ".join(app.permissions or _permissions(app)))]
    if not kind.file_purpose and (version := effects.version_in_words(app)):
        facts.append(Fact("API version", version))
    if app.missing_permissions:
        facts.append(Fact("Missing", lines=list(app.missing_permissions)))
    version_field = kind.api_version.setting if kind.api_version else ""  # its value is already in the version
    shown = [one for one in kind.fields if not one.secret and not one.mapping and app.settings.get(one.name)
             and one.name != version_field]
    return facts + [Fact(one.label, dict(one.choices).get(value := app.settings[one.name], value)) for one in shown]


def _permissions(app: App) -> list[str]:
    """What the connector can do, for an app whose credential was tested before that was recorded."""
    able = can(app)
    reads = ["read members"] + ([f"read {kind_of(app).asset_word}s"] if ASSETS in able else [])
    return reads + sorted(able - {ASSETS, LOOK_UP})


def _details(app: App, owns: bool) -> list[Fact]:
    unpriced = app.seat_price is None
    price = "Not set. Add it to see savings in reports" if unpriced else f"{money(app.seat_price)} a month"
    rules = _change(app, owns, "decisions.rules", "change-rules", "Change how accounts are matched",
                    back=url_for("apps.show", app_id=app.id))
    domain = f", then user name@{app.match_domain}" if app.match_domain else ""
    return [
        Fact("Name", app.name, change=_change(app, owns, "app_settings.name", "change-name", "Change the name")),
        Fact("Seat price", price, unpriced,
             change=_change(app, owns, "app_settings.seat_price", "change-price", "Change the seat price")),
        Fact("Accounts matched by", f"E-mail, then employee number{domain}", change=rules),
        Fact("Kind", kind_of(app).label),
        Fact("Connected", when(app.created_at)),
    ]  # fmt: skip


def _members(app: App) -> list[Member]:
    """Its Owners and Collaborators, Owners first."""
    rows = people_of(app)
    emails = main_emails(row.person_id for row in rows)
    return [_member(row, emails.get(row.person_id, "")) for row in rows]


def _member(row: AppPerson, email: str) -> Member:
    other = AppManager.COLLABORATOR if row.manages_as == AppManager.OWNER else AppManager.OWNER
    status = "" if row.person.status == PersonStatus.ACTIVE else row.person.status
    note = "can't sign in to Rollcall yet" if not row.person.workspace_role else status
    return Member(
        row.person, row.person.name or email, " · ".join(filter(None, (row.manages_as.capitalize(), note))), other,
        f"Make {other.capitalize()}", "shield" if other == AppManager.OWNER else "user",
    )  # fmt: skip
