"""The rules for what ends an account in a directory with attributes of its own, and the attributes without a rule."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request, url_for

from sync.directory import ending_rules
from sync.directory.ending_rules import Rule
from sync.models import Directory
from sync.states import Tone
from web import stale
from web.answers import INVALID, dialog, go_to
from web.directories import REFUSALS, address_of
from web.directory_view import OUTCOMES, rule_fields, unread
from web.frame import MANAGERS
from web.patience import waits_for_a_server
from web.permissions import workspace_role
from web.rows import row_or_404
from web.security import by

pages = Blueprint("directory_rules", __name__, url_prefix="/directories/<int:directory_id>/ends")

BLANK = 2  # rows for further rules
NO_RULES = "What ends an account in this directory is fixed. There are no attributes to define. Nothing was changed."
NOTHING = "nothing"  # the attribute doesn't show who has left


@pages.get("")
@workspace_role(*MANAGERS)
def show(directory_id: int) -> tuple[str, int]:
    directory = _directory(directory_id)
    return _page(directory, _rows(directory))


def _rows(directory: Directory) -> list[tuple]:
    """Those of the stored rules, and of attributes without one."""
    known = [(rule.attribute, rule.operator, rule.value, rule.outcome) for rule in ending_rules.rules_of(directory)]
    new = [(one["attribute"], *ending_rules.begun(one), "") for one in directory.unread_attributes]
    return [*known, *new]


@pages.put("")
@workspace_role(*MANAGERS)
@waits_for_a_server
def update(directory_id: int) -> Response | tuple[str, int]:
    directory = _directory(directory_id)
    if stale.is_stale(ending_rules.rules_of(directory)):
        return _page(directory, _rows(directory), stale.CHANGED, INVALID)
    rows = list(zip(*map(request.form.getlist, ("attribute", "operator", "value", "outcome")), strict=False))
    try:
        rules = [_rule(*row) for row in rows if row[0].strip() and row[3]]
        identity = ending_rules.set_rules(directory, rules, by())
    except REFUSALS as problem:
        return _page(directory, [row for row in rows if row[0].strip()], str(problem), INVALID)
    return go_to(address_of(directory), f"Saved. {directory.name} is being read by these rules, as {identity.name}.")


def _rule(attribute: str, operator: str, value: str, outcome: str) -> Rule:
    if outcome == NOTHING:
        return ending_rules.says_nothing(attribute.strip())
    return Rule(attribute.strip(), operator, " ".join(value.split()), outcome)


def _page(directory: Directory, rows: list[tuple], problem: str = "", status: int = 200) -> tuple[str, int]:
    return dialog(
        "directories/_ends.html", "What ends an account", status, directory=directory, problem=problem,
        rows=rule_fields([*rows, *[("", "is", "", "")] * BLANK], directory.unread_attributes),
        operators=ending_rules.OPERATORS, outcomes=OUTCOMES, nothing=NOTHING, unread=unread(directory),
        address=url_for("directory_rules.update", directory_id=directory.id), back=address_of(directory),
        seen=stale.mark(ending_rules.rules_of(directory)),
    )  # fmt: skip


def _directory(directory_id: int) -> Directory:
    directory = row_or_404(Directory, directory_id)
    if not ending_rules.takes_rules(directory):
        abort(go_to(address_of(directory), NO_RULES, Tone.ATTENTION))
    return directory
