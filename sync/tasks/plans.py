"""Plans of what an Owner does by hand: one line an account, or an account and an asset. A plan is the preview, and its
mark says which one was approved."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

from sync.models import Account, App, Asset, Task
from sync.problems import Problem


class LineState(StrEnum):
    """Whether a line of a plan can be done.
    Only those that are ready are; the others say why not."""

    READY = "ready"
    REFUSED = "refused"
    UNDER_WAY = "under way"
    ALREADY_SET = "already set"


class OperationProblem(Problem):
    """This isn't possible. Nothing was changed. The text is for the page."""


class PlanChanged(OperationProblem):
    """Something has changed since it was shown: look again."""


class OperationHeld(OperationProblem):
    """A guard holds it: so many at once must be released first."""


@dataclass(frozen=True)
class Line:
    """What an operation would do to one account: before and after; if `state` isn't ready, `why`."""

    name: str  # of the account, or of someone who is invited
    email: str = ""
    account: Account | None = None
    asset: Asset | None = None
    before: str = ""  # in words
    after: str = ""
    had: str | None = None  # the same as the app names it
    role: str = ""
    state: LineState = LineState.READY
    why: str = ""
    note: str = ""  # what to know before approving
    beside: dict = field(default_factory=dict)  # what a change of role "removes" and "keeps" beside it, by labels
    detail: dict = field(default_factory=dict)  # what its task is given
    alone: list[Asset] = field(default_factory=list)  # what this account alone controls, and would lose

    @property
    def is_ready(self) -> bool:
        return self.state == LineState.READY

    @property
    def key(self) -> str:
        """Names the line in its plan: the account's id, and that of the asset where it is about one."""
        return "-".join(str(row.id) for row in (self.account, self.asset) if row is not None)

    def fingerprint(self) -> tuple:
        return (self.email, self.account and self.account.id, self.asset and self.asset.id, self.had, self.role,
                self.state, self.why, self.note, [asset.id for asset in self.alone], self.detail)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """A preview. `held`: so many at once are held by a guard until someone releases them."""

    app: App
    kind: str
    lines: list[Line]
    held: bool = False

    @property
    def ready(self) -> list[Line]:
        return [line for line in self.lines if line.is_ready]

    @property
    def others(self) -> list[Line]:
        return [line for line in self.lines if not line.is_ready]

    @property
    def seen(self) -> str:
        """A mark of this preview, for its approval: another preview has another mark."""
        content = repr([self.kind, *(line.fingerprint() for line in self.lines)])
        return hashlib.sha256(content.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Done:
    """What was asked of the app; `already` is True when it had been asked before: nothing happens twice."""

    tasks: list[Task]
    already: bool = False
