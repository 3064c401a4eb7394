"""The rows of the Sync Data wizard: what each change is about, why, and the box that decides it.
Everything a row shows is put into words here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import request, url_for
from markupsafe import Markup

from sync import roles
from sync.apps import assets
from sync.effects import seats_after
from sync.models import Account, App, Change, Report
from sync.names import account_name, asset_name, name_in_change, short_name
from sync.reports import group_changes, overview, stuck
from sync.reports.reports import APPLIED, CONFIRM, CONFIRMED, HELD, IGNORED, LEFT_OUT
from sync.states import (
    ADJUSTMENTS,
    REMOVALS,
    UPDATES,
    AccountMatch,
    AccountStatus,
    ChangeKind,
    PersonStatus,
)
from sync.tasks import succession
from web import leaver_view
from web.answers import whole_numbers
from web.app_page import can, kind_of, match_in_words
from web.components import asset_list
from web.leaver_view import StuckRow
from web.successors import Asking, Block
from web.words import HELD_BY_A_GUARD, arrow, dotted, money, on_day, plural, when

NO_REASON = "Enter a reason. It is shown with this row from now on."
REASON_TO_STAY = "Hand-over until Friday"  # examples in the field for the reason
REASON_TO_DIFFER = "Works with the team only in May"
DECIDED = {
    CONFIRMED: "Approved", APPLIED: "Applied", IGNORED: "Not applied", LEFT_OUT: "Left out", HELD: HELD_BY_A_GUARD,
}  # fmt: skip


@dataclass
class Given:
    """The submitted form: which rows it showed, which were ticked, the reasons of the others, and those that aren't
    decided yet: their accounts alone manage something."""

    shown: set[int]
    ticked: set[int]
    reasons: dict[int, str]
    undecided: set[int]

    @classmethod
    def from_form(cls) -> Given:
        names = ("shown", "yes", "undecided")
        shown, ticked, asked = (set(whole_numbers(request.form.getlist(name))) for name in names)
        reasons = {change_id: request.form.get(f"reason-{change_id}", "").strip() for change_id in shown - ticked}
        undecided = {change_id for change_id in asked & reasons.keys() if not reasons[change_id]}
        return cls(shown, ticked & shown, {id: reasons[id] for id in reasons.keys() - undecided}, undecided)


@dataclass
class Box:
    """The box of a row that waits for a decision, and the field for the reason why it isn't ticked."""

    counts_as: str  # in the sentence at the bottom: removal, adjustment (in the app), other (in Rollcall)
    ticked: bool
    was_out: bool  # not counted in the sentence at the bottom, unless it is ticked
    reason: str
    example: str
    saves: int  # hundredths a month
    problem: str = ""
    successors: Block | None = None  # the choice that comes first


@dataclass(frozen=True)
class Mark:
    """What a row has in place of the box, once it is decided or while it is held."""

    icon: str
    title: str


HELD_MARK = Mark("hand-stop", HELD_BY_A_GUARD)


@dataclass(frozen=True)
class RowText:
    """The right-hand side of a row: all roles of an account, or one text, and small notes around it."""

    text: str = ""
    roles: list[str] = field(default_factory=list)
    asset: str = ""
    further_roles: Mapping | None = None  # what a change of role removes and keeps beside it
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """A change as the wizard shows it."""

    id: int
    name: str
    note: str  # the e-mail address, or the kind of an asset
    why: Markup
    what: RowText
    css: str = ""
    labelled: bool = False  # someone decides or decided it: its name is a label
    box: Box | None = None
    mark: Mark | None = None
    stuck: StuckRow | None = None  # someone who has left but can't be removed yet
    handed_over: list[str] = field(default_factory=list)  # what became of the assets that only they managed
    removes_roles: bool = False  # a decision about it removes further roles, so it must be seen first


class Rows:
    """Makes the rows of one app's changes. Everything they need is read for all of them at once."""

    def __init__(self, app: App, report: Report, changes: list[Change], given: Given | None = None):
        self.app, self.connector, self.given = app, kind_of(app), given
        undecided = [change for change in changes if change.decision in (CONFIRM, HELD, LEFT_OUT)]
        self.undecided = {change.id for change in undecided}
        leaving = [change.account_id for change in undecided if change.kind in REMOVALS and change.in_app]
        self.assets, self.sole = assets.count_of(leaving), overview.sole_managers_of(report)
        self.asking = Asking(app, self.sole.alone, self.sole.leaving)
        self.handed_over = succession.by_change(change.id for change in changes if change.kind in REMOVALS)
        self.left_out = group_changes.reasons(undecided)
        self.stuck = _stuck(app, changes)
        self.can, self.roles, self.seats = can(app), roles.of(app), seats_after(app, 0, 0)

    def row(self, change: Change) -> Row:
        waits = self._waits(change)
        if change.kind in ADJUSTMENTS:
            return self._adjustment(change, waits)
        if change.kind in REMOVALS or waits:
            return self._removal(change, waits)
        if change.account_id and not change.asset_id:
            return self._account(change)
        return _asset_row(change)

    def _waits(self, change: Change) -> bool:
        """Whether this one change waits for a decision. Held roles and profiles don't: they are released together."""
        open = change.report.is_open
        return open and change.id in self.undecided and change.kind not in UPDATES

    def _removal(self, change: Change, waits: bool) -> Row:
        """Someone who may be removed, was left out, or is protected; or something that the app no longer lists."""
        account, name = change.account, name_in_change(change)
        labels = self._all_roles(change)
        return Row(
            change.id, name,
            note=_address(name, account.email if account else "") or (change.asset.kind if change.asset_id else ""),
            why=dotted(self._why_removed(change), _last_active(account)),
            what=RowText(change.before or "", labels if len(labels) > 1 else [], notes=self._assets_and_price(change)),
            css=_css(change, waits), labelled=True, box=self._box(change) if waits else None,
            mark=_mark(change, waits), stuck=self.stuck.get(change.account_id) if not waits else None,
            removes_roles=waits and _removes(change), handed_over=self._handed_over(change),
        )  # fmt: skip

    def _adjustment(self, change: Change, waits: bool) -> Row:
        """What rules want in the app: someone to invite, another role, an access."""
        name = name_in_change(change)
        email = change.account.email if change.account_id else (change.detail or {}).get("email", "")
        before = change.before if change.before != change.after else ""
        after = change.after or ("access" if change.asset_id else "–")
        return Row(
            change.id, name, note=_address(name, email), why=self._why_adjusted(change),
            what=RowText(arrow(before, after), asset=asset_name(change.asset) if change.asset_id else "",
                      further_roles=change.detail),
            css=_css(change, waits), labelled=True, box=self._box(change) if waits else None,
            mark=_mark(change, waits), removes_roles=waits and _removes(change),
        )  # fmt: skip

    def _account(self, change: Change) -> Row:
        """A new user, another role, another profile: applied already, or held by a guard."""
        account, name, held = change.account, name_in_change(change), change.decision == HELD
        is_new = change.kind == ChangeKind.NEW_USER
        labels = self._all_roles(change)
        return Row(
            change.id, name, note=_address(name, account.email),
            why=dotted(*_how_matched(account) if is_new else (), change.reason, _last_active(account)),
            what=RowText(roles=labels) if is_new and len(labels) > 1
            else RowText(arrow(change.before, change.after or "–")),
            css="" if held else "check-row-plain", mark=HELD_MARK if held else None,
        )  # fmt: skip

    def _box(self, change: Change) -> Box | None:
        if change.decision == HELD:
            return None
        reason, *_ = self.left_out.get(change.id, ("",))
        adjusts, was_left_out = change.kind in ADJUSTMENTS, change.decision == LEFT_OUT
        counts_as = "adjustment" if adjusts else "removal" if change.in_app else "other"
        box = Box(counts_as, not was_left_out, was_left_out, reason, REASON_TO_DIFFER if adjusts else REASON_TO_STAY,
                  self._saves(change) if counts_as == "removal" else 0)  # fmt: skip
        if change.in_app and change.kind in REMOVALS:
            box.successors = self.asking.block(change.account_id)
            if change.id in self.sole.undecided:
                box.ticked, box.was_out = False, True
        if self.given and change.id in self.given.shown:
            box.ticked = change.id in self.given.ticked
            box.reason = self.given.reasons.get(change.id, reason)
            missing = not box.ticked and not box.reason and change.id not in self.given.undecided
            box.problem = NO_REASON if missing else ""
        return box

    def _saves(self, change: Change) -> int:
        is_invited = change.account_id and change.account.status == AccountStatus.INVITED
        return self.seats.each_invited if is_invited else self.seats.each

    def _handed_over(self, change: Change) -> list[str]:
        return [
            f"Nobody manages {asset_list([row.asset])} now. {short_name(row.decided_by)} accepted that."
            if row.is_accepted else f"{asset_list([row.asset]).capitalize()} is handed over to "
            f"{account_name(row.successor)}."
            for row in self.handed_over.get(change.id, ())
        ]  # fmt: skip

    def _all_roles(self, change: Change) -> list[str]:
        """The labels of all roles of the account, where they are the ones that the change is about."""
        if change.account_id and self.roles.words(change.account.roles) == (change.before or change.after):
            return self.roles.labels_of(change.account.roles)
        return []

    def _assets_and_price(self, change: Change) -> list[str]:
        """The number of assets, and the price of the account."""
        number = self.assets.get(change.account_id, 0)
        notes = [plural(number, self.connector.asset_word)] if number else []
        if self.app.seat_price and change.in_app and not change.protection_reason:
            notes.append(f"{money(self.app.seat_price)} a month")
        return notes

    def _why_removed(self, change: Change) -> Markup | str:
        if change.account_id in self.stuck:
            return self.stuck[change.account_id].sentence.removesuffix(".")
        if change.protection_reason and change.decided_by and change.report.is_open:
            by = short_name(change.decided_by)
            return Markup("{}. Accepted for now by {}, {}").format(change.protection_reason, by,
                                                                   on_day(change.decided_at))
        if change.protection_reason:
            return change.protection_reason
        if change.decision == LEFT_OUT and change.account:
            return self._left_out(change)
        person = change.account.person if change.account else None
        if person and change.in_app and person.status == PersonStatus.DEPROVISIONED:
            return Markup("{} on {}").format(change.reason, on_day(person.status_since))
        return change.reason

    def _why_adjusted(self, change: Change) -> Markup:
        if change.protection_reason:
            return dotted(change.protection_reason)
        if change.decision == LEFT_OUT:
            return dotted(self._left_out(change))
        needs = group_changes.NEEDS[change.kind] if change.id in self.undecided else ""
        by_hand = f"to be done by hand: Rollcall can't do this in {self.connector.label}"
        return dotted(change.reason, by_hand if needs and needs not in self.can else "")

    def _left_out(self, change: Change) -> Markup:
        reason, who, at = self.left_out.get(change.id, ("", "", None))
        day = Markup(", {}").format(on_day(at)) if who and at else ""
        return Markup("Left out: {}{}").format(dotted(reason, short_name(who)), day)


def _stuck(app: App, changes: list[Change]) -> dict[int, StuckRow]:
    """By account, those who have left but can't be removed yet; only of an open report."""
    if not any(change.protection_reason and change.report.is_open for change in changes):
        return {}
    report = changes[0].report
    back = url_for("wizard.show", report_id=report.id)
    return {row.id: row for row in leaver_view.stuck_rows(stuck.of_apps([app.id]), can(app), back)}


def _asset_row(change: Change) -> Row:
    """An asset or an access that is new, changed or gone: applied already."""
    asset, before, after = change.asset, change.before or "", change.after or ""
    shows_after = before or change.account_id
    return Row(
        change.id, asset_name(asset) if asset else name_in_change(change),
        note=" · ".join(filter(None, (change.kind.capitalize(), asset.kind if asset else ""))),
        why=dotted(account_name(change.account) if change.account_id else "", change.reason),
        what=RowText(arrow(before if before != after else "", after if shows_after else "")),
        css="check-row-plain",
    )  # fmt: skip


def _css(change: Change, waits: bool) -> str:
    return "check-row-locked" if change.decision == IGNORED and not waits else ""


def _mark(change: Change, waits: bool) -> Mark | None:
    if waits:
        return HELD_MARK if change.decision == HELD else None
    if change.protection_reason:
        return Mark("lock", change.protection_reason)
    done = change.decision == CONFIRMED or change.decision == APPLIED and change.kind not in ADJUSTMENTS
    return Mark("check" if done else "circle-minus", DECIDED.get(change.decision, change.decision))


def _removes(change: Change) -> bool:
    return "removes" in (change.detail or {})


def _address(name: str, email: str | None) -> str:
    """The e-mail address, or "" if the row already shows it as the name."""
    return email if email and email != name else ""


def _last_active(account: Account | None) -> Markup | str:
    return Markup("last active {}").format(when(account.last_activity)) if account and account.last_activity else ""


def _how_matched(account: Account) -> tuple[str, str]:
    invited = "invited" if account.status == AccountStatus.INVITED else ""
    if account.match_kind == AccountMatch.UNMATCHED:
        return "Not matched to anyone yet", invited
    return f"{'Matched to ' if account.match_kind == AccountMatch.MATCHED else ''}{match_in_words(account)}", invited
