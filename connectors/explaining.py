"""Explains in plain English what an operation does: its reach, how to undo it, what is lost, and whether it frees the
paid seat and ends the sessions.
Pages, e-mails, the command line and the table in docs/connectors.md use these sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from connectors.base import Connector
from connectors.effects import Effect, Reach, Seat, Sessions, Undo

CANCEL_SEAT = "Cancel the seat in the app's billing settings."
CHECK_SEAT = "Check the app's billing settings afterwards."
UNDECLARED = "The app's description doesn't say how far this reaches, or whether it can be undone."
SESSIONS = {
    Sessions.END: "Their open sessions end.",
    Sessions.STAY: "Their open sessions don't end at once.",
    Sessions.IF_PERMITTED: "Their open sessions end if Rollcall has the permission to end them.",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """One effect in words. `lead`: the people or the choice that it is about, with a colon, or "". `does`: the first
    sentence. `more`: all other sentences."""

    lead: str
    does: str
    more: str

    def __str__(self) -> str:
        return " ".join(filter(None, (self.lead, self.does, self.more)))


def explained(effects: Iterable[Effect], today: date | None = None) -> list[Explanation]:
    """A paragraph for each effect. `today` is the day of the operation: it turns “within 20 days” into a date."""
    effects = tuple(effects)
    return [_explanation(effect, effect.who if len(effects) > 1 else "", today) for effect in effects]


def explained_for_each_choice(kind: type[Connector], operation: str) -> list[Explanation]:
    """What an operation does, for each choice of a setting that decides about it."""
    return [_explanation(effect, lead_of(kind, operation, effect)) for effect in kind.effects.get(operation, ())]


def lead_of(kind: type[Connector], operation: str, effect: Effect) -> str:
    """The setting that decides for this effect (“People are removed over SCIM”), and the people it is about."""
    beside = [other for other in kind.effects[operation] if None in (effect.when, other.when) or
              effect.when == other.when]  # fmt: skip
    who = effect.who if len(beside) > 1 else ""
    if effect.when is None:
        return who
    [field] = [field for field in kind.fields if field.name == effect.when[0]]
    choice = f"{field.label} {dict(field.choices)[effect.when[1]]}"
    return f"{choice}. {who}" if who else choice


def _explanation(effect: Effect, lead: str, today: date | None = None) -> Explanation:
    does, *more = sentences(effect, today)
    return Explanation(f"{lead}:" if lead else "", does, " ".join(more))


def sentences(effect: Effect, today: date | None = None) -> list[str]:
    """The sentences of one effect, the most important first."""
    if effect.reach is Reach.NOT_DECLARED:
        return [effect.does, UNDECLARED]
    return [effect.does, *_undo(effect, today), *_lost(effect), *_seat_and_sessions(effect)]


def _undo(effect: Effect, today: date | None) -> Iterator[str]:
    how = effect.undo_by[:1].lower() + effect.undo_by[1:]
    if effect.undo is Undo.POSSIBLE:
        yield f"It can be undone {_until(effect.undo_days, today)}: {how}"
    elif effect.undo is Undo.IMPOSSIBLE:
        yield "It can't be undone."
        yield f"To let them in again, {how}"
    else:
        yield "It isn't documented whether it can be undone."
        yield from filter(None, [effect.undo_by])


def _until(days: int | None, today: date | None) -> str:
    if days is None:
        return "at any time"
    if today is None:
        return f"within {days} days"
    last = today + timedelta(days=days)
    return f"until {last.day} {last:%b %Y}"


def _lost(effect: Effect) -> Iterator[str]:
    if effect.lost:
        *others, last = effect.lost
        yield f"Also lost: {' and '.join(filter(None, [', '.join(others), last]))}."


def seats_in_words(effects: Iterable[Effect]) -> str:
    """Whether a removal with these effects frees the paid seats, and what to do if it doesn't; "" if there is nothing
    to say.

    Without effects, people remove the accounts by hand.
    """
    found = tuple(effects)
    if kept := next((effect for effect in found if effect.frees_seat is Seat.KEPT), None):
        return f"No money is saved yet, because the seat isn't freed. {kept.seat_note or CANCEL_SEAT}"
    if not found:
        return f"Rollcall can't see whether this frees the seat. {CHECK_SEAT}"
    if any(effect.frees_seat is Seat.NOT_KNOWN for effect in found):
        return f"It isn't documented whether this frees the seat. {CHECK_SEAT}"
    if any(effect.frees_seat is Seat.NOT_PAID for effect in found):
        return "No money is saved, because the app's maker doesn't charge per seat."
    return next((effect.seat_note for effect in found if effect.seat_note), "")


def _seat_and_sessions(effect: Effect) -> Iterator[str]:
    unknown = []
    if effect.frees_seat is Seat.NOT_KNOWN:
        unknown.append("their seat is freed")
    elif effect.frees_seat is not Seat.NOT_PAID:
        is_freed = effect.frees_seat is Seat.FREED
        yield "Their seat is freed." if is_freed else "Their seat isn't freed."
        yield from filter(None, [effect.seat_note or ("" if is_freed else CANCEL_SEAT)])
    if effect.ends_sessions in SESSIONS and not effect.invited:  # someone who hasn't joined has no sessions
        yield SESSIONS[effect.ends_sessions]
    elif not effect.invited:
        unknown.append("their open sessions end")
    if unknown:
        yield f"It isn't documented whether {' or '.join(unknown)}."
    if effect.frees_seat is Seat.NOT_KNOWN:
        yield CHECK_SEAT
