"""One e-mail for the person who offboarded someone: the outcome in all apps, once every task has ended.
Each app's Owners also get theirs, as after every Finish Sync."""

from __future__ import annotations

from typing import Any

from peewee import fn

from sync.effects import removal_of_account_in_words
from sync.mail import outbox
from sync.mail.letters import Sentence, effects_in_words, moment, name_in_line
from sync.models import Account, App, Change, Mail, Offboarding, Task
from sync.names import main_email
from sync.safety import in_doubt
from sync.states import ChangeDecision, TaskState
from sync.words import plural
from sync.workspace import to_local

ENDINGS = (
    ("Needs attention", (TaskState.FAILED, TaskState.NEEDS_ATTENTION)), ("Removed", (TaskState.DONE,)),
    ("Stays", (TaskState.NO_LONGER_NEEDED,)),
    ("Cancelled", (TaskState.CANCELLED,)),
)  # fmt: skip


def summary(offboarding: Offboarding) -> list[Mail]:
    """Queue it, inside the caller's writing(), once no task is running; again if failed tasks succeed later."""
    tasks = Task.select(Task, Account, App).join(Change).switch(Task).join(Account)
    tasks = tasks.switch(Task).join(App).where(Change.offboarding == offboarding).order_by(App.name, Task.id)
    made = list(tasks)
    if not made or any(task.is_under_way and not task.awaits_approval for task in made):
        return []
    awaiting = [task for task in made if task.awaits_approval]
    failed = sum(task.state in ENDINGS[0][1] for task in made)
    done = sum(task.state == TaskState.DONE for task in made)
    waits = Change.select(Change, App).join(App).where(Change.offboarding == offboarding)
    held = list(waits.where(Change.decision == ChangeDecision.HELD).order_by(App.name))
    left_out = waits.where(Change.decision == ChangeDecision.LEFT_OUT)
    name = offboarding.person.name or main_email(offboarding.person)
    subject = f"{name_in_line(name)}: {done:,} of {plural(len(made), 'account')} removed"
    ended = "failed" if failed else "awaiting" if awaiting else "well"
    newest = max(task.id for task in made)
    return outbox.put(
        _asker(offboarding), "offboarding", f"offboarding-{offboarding.id}-{ended}-{newest}",
        template="offboarding", subject=Sentence(f"{subject}, {failed:,} to fix" if failed else subject),
        person_name=name, decided_at=moment(offboarding.decided_at or offboarding.created_at), failed_count=failed,
        groups=[
            _group(ENDINGS[0][0], [task for task in made if task.state in ENDINGS[0][1]]),
            _group("Awaits approval in the app", awaiting),
            *(_group(heading, [task for task in made if task.state in states]) for heading, states in ENDINGS[1:]),
        ],
        held=[change.app.name for change in held], left_out=left_out.select(fn.COUNT(Change.id)).scalar(),
        effects_title=Sentence("What was done, and until when it can be undone"),
        effects=[paragraph for task in made if task.state == TaskState.DONE for paragraph in _effects(task)],
        link=outbox.link(f"/people/{offboarding.person_id}/offboardings/{offboarding.id}"),
    )  # fmt: skip


def _group(heading: str, tasks: list[Task]) -> dict[str, Any]:
    errors = in_doubt.errors(tasks)
    return {"heading": heading, "accounts": [
        {"app": task.app.name, "email": task.account.email or task.account.name, "error": errors.get(task.id, "")}
        for task in tasks]}  # fmt: skip


def _effects(task: Task) -> list[Sentence]:
    day = to_local(task.finished_at).date() if task.finished_at else None
    return effects_in_words(removal_of_account_in_words(task.account, day), about=task.app.name)


def _asker(offboarding: Offboarding) -> list[str]:
    """The address of the approver, if they may still sign in."""
    person = offboarding.asker
    return [main_email(person)] if person and person.may_sign_in else []
