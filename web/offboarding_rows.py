"""The finished rows of the offboarding pages: each account with what happens to it, and how far its removal is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from connectors.explaining import Explanation, seats_in_words
from sync.effects import removal_of_account_in_words, saved_by_removal_of
from sync.models import Account, App, Offboarding, Person, Report, Task
from sync.names import account_name, person_name, short_name
from sync.offboarding import progress as offboarding_progress
from sync.offboarding.preview import Line, Preview, WaitsFor
from sync.safety import in_doubt
from sync.states import AccountStatus, OffboardingState, PersonStatus, TaskState
from sync.tasks import perform
from sync.words import listed
from sync.workspace import to_local
from web.successors import Asking, Block
from web.task_view import done_in_words, task_badge
from web.view import Badge, joined
from web.words import calendar_day, money, plural, when

SERVICES_NAMED = 5
CANT_REMOVE = "Rollcall can't remove people from this app. Someone has to do it by hand. It is listed as its own task."
HELD = ("A guard will hold this, because so many removals in a day look wrong. It waits in the app's report until an "
        "Owner releases it.")  # fmt: skip


@dataclass(frozen=True)
class PreviewRow:
    """An account before Finish. `removable`: it can be ticked; `locked`: it is protected; `notes`: (icon, sentence)."""

    account: Account
    label: str
    removable: bool
    locked: bool
    ticked: bool
    price: int
    waits_for: str  # "" where Finish removes it at once
    fact: str
    roles: list[str]
    notes: list[tuple[str, str]]
    effects: list[Explanation]
    successors: Block | None  # asked first, about what the account alone manages
    reason: str
    reason_missing: bool

    @property
    def icon(self) -> str:
        return "lock" if self.locked else "progress"


def preview_rows(
    found: Preview, shown: set[int], ticked: set[int], reasons: dict[int, str], problem: str
) -> list[PreviewRow]:
    """`shown`, `ticked` and `reasons` are what the form sent; an account that it didn't show is ticked as usual, unless
    it alone manages something."""
    blocks = _successors(found)
    return [_preview_row(line, line.account.id in shown, ticked, reasons, problem, blocks.get(line.account.id))
            for line in found.lines]  # fmt: skip


def _successors(found: Preview) -> dict[int, Block]:
    blocks = {}
    for app in {line.account.app_id: line.account.app for line in found.lines}.values():
        of_app = [line for line in found.lines if line.account.app_id == app.id]
        alone = {line.account.id: line.alone for line in of_app if line.removable}
        alone = {account_id: assets for account_id, assets in alone.items() if assets}
        asking = Asking(app, alone, [line.account.id for line in found.lines])
        blocks |= {account_id: asking.block(account_id) for account_id in alone}
    return blocks


def _preview_row(line: Line, known: bool, ticked: set[int], reasons: dict[int, str], problem: str,
                 block: Block | None) -> PreviewRow:  # fmt: skip
    account, reason = line.account, reasons.get(line.account.id, "") if known else line.left_out_reason
    is_ticked = account.id in ticked if known else not line.left_out_reason and block is None
    return PreviewRow(
        account, account.email or account_name(account), line.removable, line.protection_reason is not None, is_ticked,
        saved_by_removal_of(account), line.waits_for or "", _fact(line), account.role_labels,
        _notes(line) if line.removable else [],
        removal_of_account_in_words(account) if line.removable else [], block, reason,
        bool(problem and known and not is_ticked and not reason and block is None),
    )


def _fact(line: Line) -> str:
    """The line of facts about the account."""
    account = line.account
    if line.under_way:
        return "Being removed"
    if line.protection_reason is not None:
        return line.protection_reason
    active = Markup("Last active {}").format(when(account.last_activity)) if account.last_activity else ""
    status = f"{account.status} in the app" if account.status != AccountStatus.ACTIVE else ""
    return Markup(" · ").join(filter(None, (active or "Last activity unknown", status)))


def _notes(line: Line) -> list[tuple[str, str]]:
    notes = [("hand-stop", CANT_REMOVE)] if line.by_hand else []
    notes += [("info-circle", seats_in_words(()))] if line.by_hand and line.account.app.seat_price else []
    notes += [("hand-stop", HELD)] if line.held else []
    return notes + [("alert-triangle", warning) for warning in line.warnings]


def _outcome_of(going: Counter[WaitsFor | None], saved: int) -> str:
    """What Finish does. static/wizard.js writes the same sentences when a tick changes."""
    by_hand, held = going[WaitsFor.HAND], going[WaitsFor.RELEASE]
    removes = f"Removes {plural(going[None], 'account')}{f' and saves {money(saved)} a month' if saved else ''}."
    return " ".join([
        *([removes] if going[None] or not (by_hand or held) else []),
        *([f"{plural(held, 'account waits', 'accounts wait')} for an Owner's release."] if held else []),
        *([f"{plural(by_hand, 'account')} must be removed by hand."] if by_hand else []),
    ])  # fmt: skip


@dataclass(frozen=True)
class Sentences:
    """The sentences around the rows of a preview; "" where there is nothing to say."""

    elsewhere: str
    services: str
    service_names: str
    outcome: str
    now: str
    later: str


def sentences(found: Preview, person: Person) -> Sentences:
    name, going = person_name(person), Counter(line.waits_for for line in found.lines if line.is_removed_now)
    left = "has already left." if person.status == PersonStatus.DEPROVISIONED else "counts as having left from now on."
    services = [f"{account_name(account)} in {account.app.name}" for account in found.services]
    return Sentences(
        _elsewhere(found.elsewhere),
        services=f"{name} is responsible for {plural(len(services), 'service account')}:" if services else "",
        service_names=_services(services) if services else "",
        outcome=_outcome_of(going, found.saved), now=f"{name} {left}",
        later=f"Until then, Rollcall asks no one. On that date, it removes the accounts automatically. If {name} "
        "comes back before then, the offboarding is cancelled.",
    )  # fmt: skip


def _elsewhere(count: int) -> str:
    accounts = plural(count, "account")
    return f"{accounts} in apps of other Owners. The next check of each app asks them." if count else ""


def _services(services: list[str]) -> str:
    stay = "It stays" if len(services) == 1 else "They stay"
    return f"{listed(services, SERVICES_NAMED)}. {stay}. Choose who is responsible from now on under Members."


@dataclass(frozen=True)
class Row:
    """An account of an offboarding. `task` may be None; `owned`: its buttons are for an Owner of the app."""

    id: int
    app: App
    details: str
    error: str
    needs_attention: bool
    badge: Badge
    task: Task | None
    report: Report | None
    by_hand: bool  # Rollcall can't do it, so there is nothing to retry
    may_retry: bool
    may_cancel: bool
    effects: list[Explanation]  # of a removal that is planned, under way or done


@dataclass(frozen=True)
class Progress:
    rows: list[Row]
    title: str
    summary: str
    elsewhere: str
    live: bool


def progress(row: Offboarding, visible: list[int], owned: set[int]) -> Progress:
    """`visible` and `owned` are ids of apps."""
    lines, elsewhere = offboarding_progress.lines(row, visible)
    done, of = offboarding_progress.tally(lines)
    stuck = offboarding_progress.stuck(lines)
    summary = joined(f"{done:,} of {of:,} removed", plural(stuck, "needs attention", "need attention") if stuck else "")
    also = "And " if lines else ""
    errors = in_doubt.errors(line.task for line in lines if line.task is not None)
    return Progress(
        [_row(line, line.change.app_id in owned, errors) for line in lines], plural(len(lines), "account"),
        summary if of else "",
        f"{also}{plural(elsewhere, 'account')} in apps that you can't open." if elsewhere else "",
        offboarding_progress.is_live(lines),
    )  # fmt: skip


def _row(line: offboarding_progress.Line, owned: bool, errors: Mapping[int, str]) -> Row:
    task, account = line.task, line.change.account
    stuck = task is not None and task.state == TaskState.NEEDS_ATTENTION
    by_hand = task is not None and perform.is_by_hand(task)
    error = errors.get(task.id, "") if task is not None else ""
    return Row(
        line.change.id, line.change.app, _details(account, line), error or line.detail,
        bool(error) and stuck and not by_hand, task_badge(task) if task is not None else Badge(line.word, line.tone),
        task, line.report if owned else None, owned and by_hand, stuck and owned and not by_hand,
        owned and task is not None and (stuck or task.state == TaskState.QUEUED),
        _effects(account, line),
    )  # fmt: skip


def _effects(account: Account, line: offboarding_progress.Line) -> list[Explanation]:
    """The last day to undo a removal counts from the day on which it was done."""
    if not line.removes:
        return []
    done = line.task.finished_at if line.task is not None and line.task.state == TaskState.DONE else None
    return removal_of_account_in_words(account, to_local(done).date() if done else None)


def _details(account: Account, line: offboarding_progress.Line) -> str:
    task, next_step = line.task, ""
    if task is not None and task.state == TaskState.DONE:
        next_step = done_in_words(task)
    elif task is not None and task.state == TaskState.QUEUED and task.attempts:
        next_step = Markup("next try {}").format(when(task.next_at))
    return Markup(" · ").join(filter(None, (account.email or account_name(account), line.change.before, next_step)))


def subtitle(row: Offboarding) -> str:
    """The state of an offboarding, who requested it, and why."""
    requested = Markup("requested by {} {}").format(short_name(row.asked_by), when(row.created_at))
    return Markup(" · ").join(filter(None, (_outcome(row.state, row.remove_on, row), requested, row.reason)))


def _outcome(state: str, day: date | None, row: Offboarding) -> str:
    if state == OffboardingState.SCHEDULED:
        return f"Planned for {calendar_day(day)}"
    word = "Cancelled" if state == OffboardingState.CANCELLED else "Finished"
    return Markup("{} {}").format(word, when(row.decided_at))
