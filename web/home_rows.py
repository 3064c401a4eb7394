"""The finished rows of the first page: sentences, links and small charts, from what sync/home counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for
from markupsafe import Markup

from sync.apps.assets import UNMANAGED
from sync.apps.conditions import doubts
from sync.apps.gap_words import GAPS
from sync.apps.standing_approvals import Given
from sync.apps.status import Standing
from sync.home import history
from sync.home.history import Bar, Week
from sync.home.setup_steps import SetupStep, Step
from sync.home.summary import Item, StillIn, Waiting
from sync.listing import YES
from sync.models import Account, App, Person
from sync.names import person_name
from sync.states import CheckState, DirectoryGap, Tone
from sync.words import are, listed
from web import charts, leaver_view
from web.app_card import badge_of
from web.app_page import can, kind_of
from web.view import Badge
from web.words import dotted, money, number, on_day, percent, plural, share

APPS = 12  # rows of the table
CHECKS = 30  # bars of a row
WAITING = 8  # lines of what waits
TONES = (Tone.ATTENTION, Tone.WAITING, Tone.WORKING, Tone.NEUTRAL, Tone.OK)  # the order of the table
NAMED = 3  # apps that a row of a person names
LEFT_ELSEWHERE = "Some people have left according to a directory or list, but count as here"


@dataclass(frozen=True)
class Answer:
    """Who has left and is still in. `tone`: ok, attention, or neutral where that isn't known."""

    tone: Tone
    icon: str
    sentence: str
    saves: str
    note: Markup | str


@dataclass(frozen=True)
class Unknown:
    """Why there may be more accounts of people who left than Rollcall knows."""

    unread: Sequence[str]  # the names of apps that weren't read when due
    old_lists: Sequence[str]  # of apps whose list is too old, or may be
    directory: str  # “Okta doesn't show who has left”; "" where all do
    doubtful: int  # accounts that may belong to someone who has left
    is_someone_held: bool  # who has left by a directory or list, but counts as here
    unmatched: int  # accounts that aren't matched to a person


def answer(found: StillIn, not_known: Unknown | None) -> Answer:
    """Unknown is never good news: it is green only where all apps and directories show who has left, and each
    account's person is known.
    `not_known` is None where no app is connected."""
    if not_known is None:
        return Answer(Tone.NEUTRAL, "info-circle", "No app is connected yet", "",
                      "Rollcall can't see yet who still has an account.")  # fmt: skip
    unknown = _unknown(not_known)
    note = dotted(_decided(found), *unknown)
    if found.accounts:
        have = "has" if found.people == 1 else "have"
        people = f"{plural(found.people, 'person', 'people')} who {have} left still {have}"
        saves = f"{money(found.monthly)} a month" if found.monthly else ""
        return Answer(Tone.ATTENTION, "alert-triangle", f"{people} {plural(found.accounts, 'account')}", saves, note)
    if unknown:
        return Answer(Tone.NEUTRAL, "info-circle", "Nobody who has left is known to have an account", "", note)
    return Answer(Tone.OK, "circle-check", "Nobody who has left has an account", "", note)


def _unknown(found: Unknown) -> list[str]:
    unread, old, unmatched = found.unread, found.old_lists, found.unmatched
    were = "wasn't" if len(unread) == 1 else "weren't"
    are_old = ("The list of users of {} is too old or has a date in the future" if len(old) == 1 else
               "The lists of users of {} are too old or have a date in the future")
    return [
        *([f"{listed(_few(unread))} {were} read when due"] if unread else []),
        *([are_old.format(listed(_few(old)))] if old else []),
        *([found.directory] if found.directory else []),
        *([doubts(found.doubtful)] if found.doubtful else []),
        *([LEFT_ELSEWHERE] if found.is_someone_held else []),
        *([_not_matched(unmatched)] if unmatched else []),
    ]


def _not_matched(accounts: int) -> Markup:
    listed_at = url_for("apps.index", unmatched=YES)
    return Markup('<a href="{}">{} {} not matched</a> to a person yet').format(
        listed_at, plural(accounts, "account"), are(accounts))


def _decided(found: StillIn) -> str:
    return f"{plural(found.decided, 'more account')} may stay for now: someone decided that" if found.decided else ""


def _few(names: Sequence[str]) -> list[str]:
    return [*names[:NAMED], f"{len(names) - NAMED} more"] if len(names) > NAMED + 1 else list(names)


@dataclass(frozen=True)
class LeaverRow:
    name: str
    address: str  # of the person's page; "" where the reader may not open it
    left: Markup | str
    apps: list[tuple[str, str]]  # name, address
    further: str


def leaver_row(person: Person, accounts: Sequence[Account], links: bool) -> LeaverRow:
    found = list({account.app.id: account.app for account in accounts}.values())
    shown = [(app.name, url_for("members.index", app_id=app.id, search=person_name(person))) for app in found[:NAMED]]
    further = f"and {len(found) - NAMED} more" if len(found) > NAMED else ""
    address = url_for("people.show", person_id=person.id) if links else ""
    return LeaverRow(person_name(person), address, on_day(person.status_since), shown, further)


@dataclass(frozen=True)
class Row:
    """Something that waits: a sentence, and where to act. `dialog`: the address opens over this page."""

    icon: str
    tone: Tone
    sentence: str
    button: str
    address: str
    dialog: bool = False


def waiting_row(item: Item) -> Row:
    app = item.app.name if item.app else ""
    if item.kind is Waiting.TASK:
        words = f"{plural(item.count, 'change')} in {app} failed and {'need' if item.count > 1 else 'needs'} attention"
        return Row("alert-triangle", Tone.ATTENTION, words, "Show", url_for("tasks.index", app_id=item.app.id))
    if item.kind is Waiting.BY_HAND:
        words = plural(item.count, f"change in {app} has", f"changes in {app} have") + " to be made by hand"
        return Row("hand-stop", Tone.WAITING, words, "Show", url_for("tasks.index", app_id=item.app.id))
    if item.kind is Waiting.HELD_REPORT:
        words = f"{plural(item.count, 'change')} in {app} {are(item.count)} held by a guard"
        return _report(item, "hand-stop", words)
    if item.kind is Waiting.REPORT:
        words = item.leaving or f"{plural(item.count, 'change')} in {app} to approve"
        return _report(item, "clipboard-check", words)
    if item.kind is Waiting.UNMANAGED:
        word = kind_of(item.app).asset_word
        words = f"{plural(item.count, f'{word} has', f'{word}s have')} no manager in {app}"
        address = url_for("assets.index", app_id=item.app.id, kind=UNMANAGED)
        return Row("alert-triangle", Tone.ATTENTION, words, "Show", address)
    if item.kind is Waiting.STUCK_LEAVER:
        return _stuck(item)
    if item.kind is Waiting.UNREAD_DIRECTORY:
        return _unread_directory(item)
    if item.kind is Waiting.HELD_DIRECTORY:
        words = f"{plural(item.count, 'change')} from {item.directory.name} {are(item.count)} held by a guard"
        address = url_for("directories.show", directory_id=item.directory.id)
        return Row("hand-stop", Tone.WAITING, words, "Review", address)
    if item.kind is Waiting.STANDING_APPROVAL:
        return _standing_approval(item)
    if item.kind is Waiting.OFFBOARDING:
        row = item.offboarding
        words = f"The offboarding of {person_name(row.person)} waits for approval: it was planned by {item.by}"
        address = url_for("offboarding.show", person_id=row.person_id, offboarding_id=row.id)
        return Row("calendar", Tone.WAITING, words, "Review", address)
    if item.kind is Waiting.SIGN_IN:
        words = f"{plural(item.count, 'sign-in')} {'wait' if item.count > 1 else 'waits'} for approval"
        return Row("login", Tone.WAITING, words, "Review", url_for("people.index"))
    whose = "change of someone who has left, or ranks", "changes of people who have left, or rank"
    words = f"{plural(item.count, *whose)} above the person responsible, {are(item.count)} held"
    return Row("users", Tone.WAITING, words, "Review", url_for("people.index"))


def _unread_directory(item: Item) -> Row:
    """One cause, whatever the number of apps that aren't up to date by it."""
    name, id = item.directory.name, item.directory.id
    if item.gap == DirectoryGap.UNDEFINED:
        words = f"{name} has attributes that nobody has defined: they may show who has left, so no app is up to date"
        rules = url_for("directory_rules.show", directory_id=id)
        return Row("address-book", Tone.WAITING, words, "Define", rules, dialog=True)
    words = f"{name} {GAPS[item.gap].of_home}, so no app is up to date"
    if item.gap == DirectoryGap.MANY_BACK:
        words = f"Many people who had left {name} are back at once: until someone confirms that, no app is up to date"
    return Row("address-book", Tone.WAITING, words, "Show", url_for("directories.show", directory_id=id))


def _standing_approval(item: Item) -> Row:
    if item.given is Given.REMOVALS:
        words = f"Automatic removals from {item.app.name} wait: they were approved by {item.by}"
        address = url_for("app_settings.policy_of", app_id=item.app.id)
    else:
        words = f"What groups do automatically in {item.app.name} waits: it was approved by {item.by}"
        address = url_for("group_rules.policy", app_id=item.app.id)
    return Row("hand-stop", Tone.WAITING, words, "Decide", address, dialog=True)


def _report(item: Item, icon: str, words: str) -> Row:
    address = url_for("wizard.show", report_id=item.report_id, back=url_for("home.show"))
    return Row(icon, Tone.WAITING, words, "View report", address, dialog=True)


def _stuck(item: Item) -> Row:
    """With the button that solves it, where there is one."""
    [row] = leaver_view.stuck_rows([item.stuck], can(item.app), url_for("home.show"))
    if row.fix is None:
        return _report(item, "lock", item.leaving)
    return Row("lock", Tone.WAITING, item.leaving, row.fix.label, row.fix.address, dialog=row.fix.dialog)


@dataclass(frozen=True)
class StepRow:
    done: bool
    title: str
    words: str
    button: str
    address: str


def step_row(step: SetupStep, is_owner: bool) -> StepRow:
    """`is_owner`: of the workspace."""
    title, words, button, endpoint = STEPS[step.step]
    values = {"app_id": step.app.id, "tab": "unmatched"} if step.app else {}
    anchor = "h-mail" if step.step is Step.MAIL else None
    address = url_for("members.index" if step.app else endpoint, _anchor=anchor, **values)
    possible = not step.done and (step.app is not None or step.step is not Step.MATCHING)
    if step.step in OWNERS_DO and not is_owner:
        possible, words = False, f"{words} An Owner of the workspace can do this."
    return StepRow(step.done, title, words, button if possible else "", address)


STEPS = {
    Step.DIRECTORY: ("Connect your directory", "Rollcall learns from it who works here and who has left.",
                     "Connect", "directories.new"),
    Step.APP: ("Connect the first app", "Rollcall reads who has an account in it. Nothing is changed.",
               "Connect", "connect.choose"),
    Step.MATCHING: ("Match the accounts", "At least 80 % of the accounts in each app belong to a known person.",
                    "Match", "apps.index"),
    Step.MAIL: ("Set up mail", "Until then, e-mails about reports wait in the outbox.",
                "Set up", "settings.show"),
    Step.SECOND_OWNER: ("Invite a second Owner", "They can sign in and approve while you are away.",
                        "Invite", "colleagues.new"),
}  # fmt: skip
OWNERS_DO = (Step.MAIL, Step.SECOND_OWNER)


@dataclass(frozen=True)
class AppRow:
    """An app with its status, its last checks, and its numbers."""

    name: str
    address: str
    logo: str
    kind: str
    badge: Badge
    checks: charts.Bars | None
    checks_label: str
    matched: int
    matched_label: str
    users: str
    cost: str


def app_rows(apps: Sequence[tuple[App, Standing]]) -> list[AppRow]:
    checks = history.last_checks([app.id for app, _ in apps], CHECKS)
    return [_app_row(app, standing, checks[app.id]) for app, standing in apps]


def _app_row(app: App, standing: Standing, checks: Sequence[Bar]) -> AppRow:
    failed = sum(bar.state == CheckState.FAILED for bar in checks)
    label = f"{plural(len(checks), 'check')}, {failed} failed" if checks else "No checks yet"
    known = share(app.matched + app.guests, app.matched + app.guests + app.unmatched)
    kinds = ["bars-attention" if bar.state == CheckState.FAILED else "bars-changed" if bar.changed else "bars-ok"
             for bar in checks]  # fmt: skip
    kind = kind_of(app)
    cost = money(app.users * app.seat_price) if app.seat_price else "–"
    return AppRow(
        app.name, url_for("apps.show", app_id=app.id), kind.logo, kind.label,
        badge_of(standing), charts.bars(kinds, CHECKS) if kinds else None,
        label, known, f"{percent(known)} matched", number(app.users), cost,
    )  # fmt: skip


def week_in_words(found: Week) -> list[str]:
    """What the checks of the last seven days found, most important first."""
    words = [
        (found.left, "account of someone who has left", "accounts of people who have left"),
        (found.removed, "account removed or being removed", "accounts removed or being removed"),
        (found.counts.get("new_users", 0), "new user", "new users"),
        (found.counts.get("updated_roles", 0), "changed role", "changed roles"),
        (found.counts.get("access", 0), "changed access", "changes of access"),
    ]
    lines = [plural(count, one, many) for count, one, many in words if count]
    checks = plural(found.checks, "check") + (f", {found.failed} failed" if found.failed else "")
    return [*(lines or ["No changes"]), checks]
