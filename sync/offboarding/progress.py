"""Progress of an offboarding: each account that its approval covered, in all apps, with its task."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sync.models import Account, App, Change, Offboarding, Report, Task
from sync.states import LIVE_TASKS, ChangeDecision, TaskState, Tone


@dataclass
class Line:
    """One account: its `task`, or without one the `word`, `tone` and `detail` that explain why; `report` is where it
    waits."""

    change: Change
    task: Task | None = None
    word: str = ""
    tone: Tone = Tone.NEUTRAL
    detail: str = ""
    report: Report | None = None

    @property
    def removes(self) -> bool:
        """Whether the account is removed, or may still be."""
        if self.task is not None:
            return self.task.state in (TaskState.DONE, *LIVE_TASKS)
        return self.report is not None or self.change.decision == ChangeDecision.SCHEDULED


def lines(offboarding: Offboarding, app_ids: Iterable[int]) -> tuple[list[Line], int]:
    """(the accounts in these apps by the app's name, the number in others)."""
    shown = set(app_ids)
    rows = list(
        Change.select(Change, App, Account, Report).join(App).switch(Change).join(Account).switch(Change)
        .left_outer_join(Report).where(Change.offboarding == offboarding).order_by(App.name, Change.id)
    )  # fmt: skip
    tasks = {task.change_id: task for task in Task.select().where(
        Task.change.in_([change.id for change in rows])).order_by(Task.id)}  # fmt: skip
    visible = [change for change in rows if change.app_id in shown]
    return [_line(change, tasks.get(change.id)) for change in visible], len(rows) - len(visible)


def _line(change: Change, task: Task | None) -> Line:
    if task is not None:
        return Line(change, task)
    waits = change.report is not None and change.report.is_open
    if change.decision == ChangeDecision.LEFT_OUT:
        return Line(change, word="Left out", tone=Tone.WAITING, detail=change.account.left_out_reason or change.reason)
    if change.decision == ChangeDecision.SCHEDULED:
        return Line(change, word="Planned", tone=Tone.NEUTRAL)
    if change.decision == ChangeDecision.HELD and waits:
        return Line(change, word="Held by a guard", tone=Tone.WAITING, report=change.report,
                    detail="So many at once look wrong. An Owner releases the app's report, and finishes it.")
    if change.decision == ChangeDecision.NEEDS_CONFIRMATION and waits:
        return Line(change, word="Waits in the report", tone=Tone.WAITING, report=change.report)
    if change.protection_reason:
        return Line(change, word="Stays", tone=Tone.NEUTRAL, detail=change.protection_reason)
    return Line(change, word="No longer needed", tone=Tone.NEUTRAL, detail=change.reason)


def is_live(found: list[Line]) -> bool:
    """True while a task is still running."""
    tasks = [line.task for line in found if line.task is not None]
    return any(task.is_under_way and not task.awaits_approval for task in tasks)


def stuck(found: list[Line]) -> int:
    return sum(line.task is not None and line.task.state == TaskState.NEEDS_ATTENTION for line in found)


def tally(found: list[Line]) -> tuple[int, int]:
    """(number of tasks done, number of all tasks)."""
    tasks = [
        line.task
        for line in found
        if line.task is not None and line.task.state in (TaskState.DONE, TaskState.FAILED, *LIVE_TASKS)
    ]
    return sum(task.state == TaskState.DONE for task in tasks), len(tasks)
