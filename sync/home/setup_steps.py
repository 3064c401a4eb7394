"""The way from an empty workspace to one that works: a directory, an app, matched people, mail, a second Owner.
Each step is done when the workspace shows it; nothing is ticked by hand."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from peewee import ModelSelect, fn

from sync.mail import outbox
from sync.models import App, DirectoryEntry
from sync.people import last_owner
from sync.prepared import prepared, prepared_plain
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
    least, is_connected = _least_matched(), bool(_one_connected())
    return [
        SetupStep(Step.DIRECTORY, bool(_one_listed())),
        SetupStep(Step.APP, is_connected),
        SetupStep(Step.MATCHING, is_connected and least is None, least),
        SetupStep(Step.MAIL, outbox.can_send()),
        SetupStep(Step.SECOND_OWNER, last_owner.count_owners() > 1),
    ]


def lacks_an_app() -> bool:
    """Whether the next step is to connect the first app."""
    return not _one_connected()


@prepared_plain
def _one_listed() -> ModelSelect:
    return DirectoryEntry.select(DirectoryEntry.id).order_by(DirectoryEntry.id).limit(1)


@prepared_plain
def _one_connected() -> ModelSelect:
    return _connected().select(App.id).order_by(App.id).limit(1)


def _connected() -> ModelSelect:
    return App.select().where(App.state.in_(CONNECTED), App.last_check_at.is_null(False))


def _least_matched() -> App | None:
    """The app with most unmatched accounts among those below MATCHED_PERCENT."""
    return next(iter(_below_first()), None)


@prepared
def _below_first() -> ModelSelect:
    known = App.matched + App.guests
    below = known * 100 < (known + App.unmatched) * MATCHED_PERCENT
    return _connected().where(below).order_by(App.unmatched.desc(), fn.lower(App.name), App.id).limit(1)
