"""The preview of an operation on members: who it changes and how, who it leaves out and why, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import request
from markupsafe import Markup

from connectors.explaining import Explanation
from sync.effects import Seats, seats_after
from sync.models import App, Asset
from sync.names import asset_name
from sync.states import AccountStatus, TaskKind
from sync.tasks.by_hand import Line, Plan
from web import effects
from web.successors import Asking, Block
from web.words import dotted, money, plural, when

# wizard.js has the same.
NOTHING = " Nothing is changed until you choose who manages their assets, or accept that nobody does."
TAKE_AWAY = (TaskKind.REMOVE, TaskKind.REVOKE)


@dataclass(frozen=True)
class Row:
    name: str
    email: str  # where it isn't the name already
    note: Markup
    what: str
    further_roles: Mapping
    price: str
    saves: int  # hundredths a month
    key: str
    ticked: bool
    successors: Block | None  # asked first; the row isn't ticked before


@dataclass(frozen=True)
class Left:
    """Someone who is not changed by the operation, and why."""

    name: str
    email: str
    why: str
    what: str


@dataclass(frozen=True)
class Count:
    """How many lines the approval covers now, and the foot's sentences. wizard.js counts again while boxes are ticked:
    `certain` of them have no box, and save `saved` hundredths a month."""

    going: int
    certain: int
    saved: int
    cost: str
    waits: str
    note: str


@dataclass(frozen=True)
class Preview:
    """`released` is the number of accounts where a guard's hold is or would be lifted; 0 where none holds it."""

    plan: Plan
    ready: list[Row]
    count: Count
    left: list[Left]
    left_label: str
    held: str  # empty where no guard holds it, or it was released
    is_released: bool
    released: int
    asks_reason: bool
    kind: str  # of the button
    effects: list[Explanation]  # what it does in the app, in paragraphs

    @property
    def waits(self) -> bool:
        return bool(self.held)


def going(plan: Plan) -> list[Line]:
    """What an approval covers now: of those who alone manage something, the ticked ones."""
    ticked = request.values.getlist("yes")
    return [line for line in plan.ready if not line.alone or line.key in ticked]


def preview(app: App, plan: Plan, released: str) -> Preview:
    """`released` as the request says it: the number that was shown when the hold was lifted."""
    count, removes = len(plan.ready), plan.kind == TaskKind.REMOVE
    is_released = plan.held and released == str(count)
    waits = plan.held and not is_released
    asking = _asking(app, plan)
    return Preview(
        plan, [_row(app, plan, line, asking) for line in plan.ready], _count(app, plan),
        [_left(line) for line in plan.others],
        "Not changed" if count else "None of this can be done",
        f"{plural(count, 'removal is', 'removals are')} held by a guard." if waits else "", is_released,
        count if plan.held else 0, asks_reason=bool(removes and count and not waits),
        kind="danger" if plan.kind in TAKE_AWAY else "primary",
        effects=effects.of_removal(app) if removes and count else [],
    )  # fmt: skip


def _asking(app: App, plan: Plan) -> Asking:
    alone: dict[int, list[Asset]] = {}
    for line in plan.ready:
        if line.alone:
            alone.setdefault(line.account.id, []).extend(line.alone)
    return Asking(app, alone, {line.account.id for line in plan.ready if line.account})


def _row(app: App, plan: Plan, line: Line, asking: Asking) -> Row:
    price = f"{money(app.seat_price)} a month" if plan.kind == TaskKind.REMOVE and app.seat_price else ""
    return Row(line.name, _address(line), _note(line), _effect(plan, line), line.beside, price,
               _seats(app, plan, [line]).saved if line.alone else 0, line.key,
               line.key in request.values.getlist("yes"),
               asking.block(line.account.id, line.alone) if line.alone else None)  # fmt: skip


def _address(line: Line) -> str:
    return line.email if line.email and line.email != line.name else ""


def _note(line: Line) -> Markup:
    if line.asset:
        return dotted(asset_name(line.asset), line.asset.kind, line.note)
    if line.note or not line.account or not line.account.last_activity:
        return dotted(line.note)
    return Markup("last active {}").format(when(line.account.last_activity))


def _effect(plan: Plan, line: Line) -> str:
    """What the account loses, or its values before and after."""
    before, after = line.before or "", line.after or ""
    if plan.kind in (TaskKind.REMOVE, TaskKind.REVOKE):
        return before.capitalize() or "access"
    if line.asset:
        before, after = before.capitalize(), after.capitalize()
    return f"{before} → {after}" if before else after


def _left(line: Line) -> Left:
    return Left(line.name, _address(line), line.why, asset_name(line.asset) if line.asset else line.before)


def _count(app: App, plan: Plan) -> Count:
    covered = going(plan)
    certain = [line for line in plan.ready if not line.alone]
    waiting = len(plan.ready) - len(covered)
    waits = plural(waiting, "person waits for a successor.", "people wait for a successor.") if waiting else ""
    waits += NOTHING if waiting and not covered else ""
    seats = _seats(app, plan, covered)
    return Count(len(covered), len(certain), _seats(app, plan, certain).saved, _cost(app, plan, seats, len(covered)),
                 waits, seats.note)  # fmt: skip


def _seats(app: App, plan: Plan, lines: Sequence[Line]) -> Seats:
    """What a removal of these frees; nothing for another operation."""
    lines = lines if plan.kind == TaskKind.REMOVE else ()
    invited = sum(line.account.status == AccountStatus.INVITED for line in lines)
    return seats_after(app, len(lines) - invited, invited)


def _cost(app: App, plan: Plan, seats: Seats, count: int) -> str:
    if not count:
        return ""
    if plan.kind == TaskKind.REMOVE:
        return f"Saves {money(seats.saved)} a month." if seats.saved else ""
    if plan.kind == TaskKind.INVITE and app.seat_price:
        return f"Costs {money(count * app.seat_price)} more a month."
    invited = f"{app.name} sends them its link. Rollcall explains it in an e-mail."
    return invited if plan.kind == TaskKind.INVITE else ""
