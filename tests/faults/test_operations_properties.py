"""Any order of operations by hand, changes in the app, dying workers, faults and checks: in the end both agree, nothing
was done that nobody asked for, nothing twice, and the app can always be administered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from sync.db import utcnow
from sync.jobs import queue
from sync.matching import members
from sync.models import Access, Account, Activity, Asset, Task
from sync.safety.sole_managers import NeedsSuccessor
from sync.tasks import by_hand, tasks
from sync.tasks.by_hand import OperationProblem
from tests.sync.fixtures import MEMBERS, Chat, email

STEPS = 40
ROLES = ("member", "admin", "guest", "owner")


class Story:
    """What happens, by chance, and what may have come of it."""

    def __init__(self, chat: Chat, seed: int):
        self.chat, self.chance = chat, Random(seed)
        self.asked_out: set[str] = set()

    def step(self) -> None:
        steps: list[Callable[[], None]] = [
            self.change_roles, self.change_roles, self.grant, self.grant, self.revoke, self.remove, self.work,
            self.work, self.check, self.die, self.fault, self.somebody_changes_a_role, self.somebody_joins_a_channel,
            self.give_up,
        ]  # fmt: skip
        self.chance.choice(steps)()

    def some(self, most: int = 3) -> list[int]:
        there = [row.id for row in Account.select(Account.id).where(Account.kind == "user").order_by(Account.id)]
        return self.chance.sample(there, self.chance.randint(1, most))

    def channels(self) -> list[int]:
        return [row.id for row in Asset.select(Asset.id)]

    def ask(self, plan: Callable[[], by_hand.Plan]) -> list[Task]:
        try:
            return by_hand.carry_out(plan, self.chat.by, plan().seen, reason="by chance", released=0).tasks
        except (OperationProblem, NeedsSuccessor):
            return []

    def change_roles(self) -> None:
        who, role = self.some(), self.chance.choice(ROLES)
        self.ask(lambda: by_hand.plan_roles(self.chat.app, who, role))

    def grant(self) -> None:
        who, what, role = self.some(), self.channels(), self.chance.choice(("manager", "member"))
        self.ask(lambda: by_hand.plan_grants(self.chat.app, who, what, role))

    def revoke(self) -> None:
        pairs = [(account_id, asset_id) for account_id in self.some() for asset_id in self.channels()]
        self.ask(lambda: by_hand.plan_revocations(self.chat.app, pairs))

    def remove(self) -> None:
        who = self.some(1)
        made = self.ask(lambda: by_hand.plan_removals(self.chat.app, who))
        self.asked_out |= {task.account.email for task in made}

    def work(self) -> None:
        """Everything that waits has one attempt, whatever it waits for."""
        self.chat.clear()
        Task.update(next_at=utcnow()).where(Task.state == "queued").execute()
        queue.drain(("task",))

    def die(self) -> None:
        """A worker took a task, the app did as it asked, and the worker was gone before it could note that."""
        waiting = Task.select().where(Task.state == "queued", Task.kind == "change role").first()
        if waiting is not None:
            try:
                self.chat.store.change(waiting.external_id, via="api", role=waiting.detail["role"])
            except Exception:  # the app refuses: the last owner, or someone who is gone
                return
            Task.update(state="running", lease_owner="gone:1:x", lease_until=utcnow()).where(
                Task.id == waiting.id).execute()  # fmt: skip

    def fault(self) -> None:
        self.chat.fault(self.chance.choice(("server-error", "forbidden")), times=1, method=self.chance.choice(
            ("PATCH", "PUT", "DELETE")))  # fmt: skip

    def somebody_changes_a_role(self) -> None:
        number = self.chance.randrange(1, MEMBERS)
        if email(number) in self.chat.emails():
            self._in_the_app(lambda: self.chat.store.change(self.chat.id_of(number), via="page", role="guest"))

    def somebody_joins_a_channel(self) -> None:
        number, channel = self.chance.randrange(1, MEMBERS), Asset.select().first()
        if email(number) in self.chat.emails():
            self._in_the_app(
                lambda: self.chat.store.join(channel.external_id, self.chat.id_of(number), "member", via="page")
            )

    def _in_the_app(self, change: Callable[[], None]) -> None:
        try:
            change()
        except Exception:  # what the app itself refuses does not happen
            return

    def give_up(self) -> None:
        stuck = Task.select().where(Task.state.in_(("needs attention", "queued"))).first()
        if stuck is not None:
            self.chance.choice((tasks.cancel, tasks.retry))(stuck, self.chat.by)

    def check(self) -> None:
        self.chat.clear()
        assert self.chat.check().state == "succeeded"

    def end(self) -> None:
        """Peace: all that waits is done or given up."""
        for _ in range(3):
            self.work()
        for stuck in list(Task.select().where(Task.state == "needs attention")):
            tasks.retry(stuck, self.chat.by)
        self.work()
        self.check()


@pytest.mark.parametrize("seed", range(6))
def test_in_the_end_rollcall_and_the_app_agree(chat: Chat, seed: int) -> None:
    for name in ("general", "random"):
        chat.store.join(chat.store.add_channel(name, via="page"), chat.id_of(1), "manager", via="page")
    chat.check()
    members.protect(Account.get(Account.email == email(9)), "by hand", chat.by)
    story = Story(chat, seed)
    for _ in range(STEPS):
        story.step()
        administrators = [one for one in chat.members() if one["role"] in ("owner", "admin")]
        assert administrators, "nobody can administer the app any more"
    story.end()
    assert chat.check().applied == 0, "a second check finds what the first had not"
    there = {one["email"]: one["role"] for one in chat.members()}
    known = {row.email: row.role for row in Account.select().where(Account.state == "present", Account.kind == "user")}
    assert known == there
    joined = {(row["member"], row["channel"], row["role"]) for row in chat.store.page("channel_member", 0, -1)}
    shown = Access.select(Account.external_id, Asset.external_id, Access.role).join(Account).switch(Access).join(Asset)
    assert set(shown.tuples()) == joined
    removed = chat.removed()
    assert len(removed) == len(set(removed)) and set(removed) <= story.asked_out and email(9) not in removed
    assert not Task.select().where(Task.state.in_(("queued", "running"))).exists()
    done = Counter(row.kind for row in Task.select().where(Task.state == "done"))
    log = Counter(entry["act"] for entry in chat.log(via="api"))
    assert log["role changed"] <= done["change role"] + done["cancelled"] + _died(), "done more often than asked for"
    assert Activity.select().where(Activity.what == "asked to change role").count() >= done["change role"]


def _died() -> int:
    """Acts whose worker died after the app had done them, and that were given up or not needed in the end."""
    ended = ("cancelled", "no longer needed", "failed")
    return Task.select().where(Task.kind == "change role", Task.state.in_(ended)).count()
