"""What the Sync Data wizard shows around its rows: the drop-downs, what a guard holds, and what Finish Sync will do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from flask import url_for
from markupsafe import Markup

from connectors.explaining import Explanation
from sync.effects import Seats, seats_after
from sync.matching.members import LEFT
from sync.models import App, Report, Task
from sync.names import name_in_task, short_name
from sync.reports import overview, policy
from sync.reports import view as report_view
from sync.reports.overview import Ready
from sync.reports.view import SECTIONS, Section
from sync.safety import in_doubt, leaving
from sync.states import REMOVALS, ReportState, TaskKind
from sync.tasks import perform, still_to_remove, tasks
from web import effects
from web.wizard_rows import Given, Row, Rows
from web.words import APPLIED_AUTOMATICALLY, money, number, plural, this_workspace, when

FIRST = 100  # rows of a section that are shown at once
MOST = 500  # that an address may ask for; a script adds the others to the page, FIRST at a time
BY_HAND = ("Rollcall can't remove anyone from {0}. Finish Sync makes a task for each person: remove them in {0}, then "
           "mark the task as done.")
MAY_BE_TICKED = ("removed-users", "to-invite", "roles-in-app", "access-in-app", "no-longer-assigned")


@dataclass(frozen=True)
class More:
    """The last row of a drop-down whose other rows aren't shown yet."""

    words: str
    button: str
    page: str
    part: str


@dataclass(frozen=True)
class Drop:
    """A drop-down: its rows, of `total`."""

    key: str
    title: str
    total: int
    rows: list[Row]
    more: More | None
    effects: list[Explanation] = field(default_factory=list)  # what removing these people does in the app
    by_hand: str = ""  # where Rollcall can't remove anyone
    open: bool = False


@dataclass(frozen=True)
class Group:
    label: str
    drops: list[Drop]


@dataclass(frozen=True)
class Banner:
    """What a guard holds, with the button that releases it."""

    title: str
    words: str
    id: str
    button: str
    only: str  # the part of it that the button releases


@dataclass(frozen=True)
class Outcome:
    """What Finish Sync will do, in a sentence, and as the numbers from which wizard.js continues to count.

    `saved` is in hundredths a month; `seats` is a sentence on seats that aren't freed.
    """

    sentence: str
    ready: Ready
    saved: int
    currency: str
    disabled: bool
    seats: str
    kind: str  # of the button: red where someone is removed from the app
    by_hand: bool = False  # Rollcall can't remove anyone from this app
    not_yet: str = ""  # who has left and can't be removed yet, and how much of it will wait


@dataclass(frozen=True)
class Closed:
    """How a report ended."""

    icon: str
    words: Markup


def drop(app: App, report: Report, section: Section, given: Given | None = None, offset: int = 0) -> Drop:
    """`section.rows` are those from `offset` on."""
    rows = Rows(app, report, section.rows, given)
    shown = offset + len(section.rows)
    removes = any(change.kind in REMOVALS and change.in_app for change in section.rows)
    by_hand = removes and report.is_open and not perform.is_able(app, TaskKind.REMOVE)
    return Drop(section.key, section.kind.title, section.total, [rows.row(change) for change in section.rows],
                _more(report, section, shown) if section.total > shown else None,
                effects.of_removal(app, report.decided_at) if removes else [],
                BY_HAND.format(app.name) if by_hand else "")


def _more(report: Report, section: Section, shown: int) -> More:
    hidden = section.total - shown
    count = " and count as selected" if report.is_open and section.key in MAY_BE_TICKED else ""
    members = url_for("members.index", app_id=report.app_id, tab=LEFT if section.key == "removed-users" else None)
    return More(
        f"{number(hidden)} more are not shown{count}.", f"Show {number(min(FIRST, hidden))} more",
        url_for("wizard.show", report_id=report.id, limit=shown + FIRST) if shown < MOST else members,
        url_for("wizard.changes", report_id=report.id, section=section.key, offset=shown),
    )  # fmt: skip


def groups(app: App, report: Report, limit: int, given: Given | None) -> list[Group]:
    """What changes in Rollcall, then what changes in the app; a group that holds nothing is left out."""
    drops = [drop(app, report, section, given) for section in report_view.sections(report, limit)]
    to_be = "To be updated" if report.is_open else "Updated"
    both = [
        Group(f"{to_be} {where}", [_opened(one, drops) for one in drops if SECTIONS[one.key].in_app == in_app])
        for where, in_app in (("to Rollcall", False), ("in the app", True))
    ]
    return [group for group in both if group.drops] or both[:1]


def _opened(one: Drop, drops: list[Drop]) -> Drop:
    """The drop-down, marked if it is open from the start: the removals, otherwise the changes in the app, and all that
    remove roles."""
    keys = {other.key for other in drops}
    in_app_alone = SECTIONS[one.key].in_app and "removed-users" not in keys
    is_open = one.key == "removed-users" or len(keys) == 1 or in_app_alone or any(row.removes_roles for row in one.rows)
    return replace(one, open=is_open)


def banners(app: App, report: Report) -> list[Banner]:
    """What a guard holds of an open report: roles and profiles, and everything else."""
    if report.state != ReportState.OPEN:
        return []
    updates = sum(report_view.held_updates(report).values())
    found = []
    if updates:
        found.append(Banner(
            f"{plural(updates, 'role or profile is', 'roles and profiles are')} held by a guard.",
            "So many changes at once look wrong: the app may have sent a bad answer. Rollcall keeps what it knew until "
            f"you have reviewed the list. Updating changes nothing in {app.name}.",
            "release-updates", f"Update {number(updates)} in Rollcall", "updates",
        ))  # fmt: skip
    if others := report.held - updates:
        then = ("Once released, Finish Sync applies them, or the next check does so automatically."
                if policy.has_standing_approval(app) else "Releasing them changes nothing yet. Finish Sync does.")
        found.append(Banner(
            f"{plural(others, 'change is', 'changes are')} held by a guard.",
            f"So many at once look wrong: a directory or the app may have sent a bad answer. Review the list. {then}",
            "release", "Release", "others",
        ))  # fmt: skip
    return found


def outcome(app: App, report: Report) -> Outcome:
    ready = overview.confirmable(report)
    invited = overview.removals_of_invited(report) if ready.removals else 0
    seats = seats_after(app, ready.removals - invited, invited)
    only_held = report.held > 0 and report.held == report.waiting
    left = leaving.of(report)
    nothing_to_do = bool(left.stuck) and not report.waiting and not report_view.may_be_left_out(report)
    if nothing_to_do:
        sentence = "Nothing can be removed yet."
    elif only_held:
        updates = any(report_view.held_updates(report).values())
        sentence = f"{'Update or release' if updates else 'Release'} the held changes first."
    else:
        sentence = _outcome_in_words(app, ready, seats)
    not_yet = " ".join(filter(None, (left.not_yet(), still_to_remove.will_wait(report))))
    return Outcome(sentence, ready, seats.saved, this_workspace().currency, only_held or nothing_to_do, seats.note,
                   "danger" if ready.removals or ready.undecided else "primary",
                   not perform.is_able(app, TaskKind.REMOVE),
                   "" if nothing_to_do else not_yet)  # fmt: skip


def _outcome_in_words(app: App, ready: Ready, seats: Seats) -> str:
    """wizard.js says the same while boxes are ticked."""
    saves = f" and saves {money(seats.saved)} a month" if seats.saved else ""
    made = plural(ready.adjustments, "other change" if ready.removals else "change")
    people = plural(ready.removals, "person", "people") if ready.removals else "nobody"
    removes = f"Removes {people} from {app.name}{saves}."
    if ready.removals and not perform.is_able(app, TaskKind.REMOVE):
        removes = by_hand(ready.removals, app)
    waits = f" {plural(ready.undecided, 'person waits', 'people wait')} for a successor." if ready.undecided else ""
    alone = ready.others and not (ready.removals or ready.adjustments)
    applies = f" Applies {plural(ready.others, 'change')} in Rollcall." if alone else ""
    return f"{removes}{f' Makes {made} in it.' if ready.adjustments else ''}{applies}{waits}"


def by_hand(leaving: int, app: App) -> str:
    """What follows where Rollcall can't remove anyone."""
    return f"{plural(leaving, 'person has', 'people have')} to be removed from {app.name} by hand."


def closed(report: Report) -> Closed | None:
    """None while it is open."""
    if report.is_open:
        return None
    who, at = short_name(report.decided_by or ""), when(report.decided_at)
    icon = "circle-check" if report.state == ReportState.APPLIED else "info-circle"
    if report.state == ReportState.APPLIED and report.decided_by:
        return Closed(icon, Markup("<strong>Finished</strong> by {} {}.").format(who, at))
    if report.state == ReportState.APPLIED:
        words = Markup("<strong>{}</strong> {}. Nothing in it needed approval.")
        return Closed(icon, words.format(APPLIED_AUTOMATICALLY, when(report.created_at)))
    if report.state == ReportState.DISMISSED:
        return Closed(icon, Markup("<strong>Dismissed</strong> by {} {}. Nobody was removed.").format(who, at))
    words = "<strong>No longer needed</strong> since {}. A later check found nothing left to decide."
    return Closed(icon, Markup(words).format(at))


@dataclass(frozen=True)
class TaskLine:
    """A task of the report: its person, and what went wrong or when it was done."""

    task: Task
    name: str
    note: Markup | str


def task_lines(report: Report) -> list[TaskLine]:
    found = tasks.of_report(report)
    errors = in_doubt.errors(found)
    return [TaskLine(task, name_in_task(task), errors.get(task.id) or _note(task)) for task in found]


def _note(task: Task) -> Markup | str:
    return when(task.finished_at) if task.finished_at else ""


def are_live(lines: Iterable[TaskLine]) -> bool:
    return any(line.task.is_under_way and not line.task.awaits_approval for line in lines)
