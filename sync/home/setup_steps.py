"""The way from an empty workspace to one that works: a directory, an app, matched people, mail, a second Owner.
Each step is done when the workspace shows it; nothing is ticked by hand."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from peewee import fn

from sync.mail import outbox
from sync.models import App, DirectoryEntry
from sync.people import last_owner
from sync.states import CONNECTED

MATCHED_PERCENT = 80  # of the accounts, from which matching counts as done


class Step(Enum):
    """In this order."""

    DIRECTORY = auto()
    APP = auto()
    MATCHING = auto()
    MAIL = auto()
    SECOND_OWNER = auto()


@dataclass(frozen=True)
class SetupStep:
    step: Step
    done: bool
    app: App | None = None  # MATCHING: the app with most accounts to match


def setup_steps() -> list[SetupStep]:
    least = _least_matched()
    return [
        SetupStep(Step.DIRECTORY, DirectoryEntry.select().exists()),
        SetupStep(Step.APP, _connected().exists()),
        SetupStep(Step.MATCHING, _connected().exists() and least is None, least),
        SetupStep(Step.MAIL, outbox.can_send()),
        SetupStep(Step.SECOND_OWNER, last_owner.count_owners() > 1),
    ]


def _connected():
    return App.select().where(App.state.in_(CONNECTED), App.last_check_at.is_null(False))


def _least_matched() -> App | None:
    """The app with most unmatched accounts among those below MATCHED_PERCENT."""
    known = App.matched + App.guests
    below = known * 100 < (known + App.unmatched) * MATCHED_PERCENT
    return _connected().where(below).order_by(App.unmatched.desc(), fn.lower(App.name)).first()
