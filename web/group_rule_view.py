"""The finished parts of an app's Groups tab: its rules, the form for one, and the preview of what it would change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from sync.apps import assets, standing_approvals
from sync.apps.standing_approvals import Given
from sync.groups import assignments, teams
from sync.groups import rules as group_rules
from sync.groups.rules import NamedRule, Preview
from sync.listing import whole_number
from sync.models import App, Asset, GroupRuleAsset, LeftOut
from sync.names import asset_name, short_name
from sync.states import AssetState, ChangeKind
from web.app_page import kind_of
from web.words import number, on_day, plural

UNCHANGED_SHOWN = 100
SAME_ROLE = "Keep the current role (the default role for new accounts)"
LEFT_OUT = {
    assignments.INVITE: "Invitation", assignments.ROLE: "Role", assignments.ACCESS: "Access",
    assignments.LOSS: "Loss of access",
}  # fmt: skip


@dataclass(frozen=True)
class AssetLine:
    label: str
    note: str


@dataclass(frozen=True)
class Row:
    """A rule. `inactive`: the reasons why it, or a part of it, gives nothing at the moment."""

    id: int
    name: str
    label: str
    role: str
    assets: list[AssetLine]
    people: int
    inactive: list[str]


def rows(app: App) -> list[Row]:
    return [_row(rule) for rule in group_rules.of_app(app)]


def _row(named: NamedRule) -> Row:
    label = f"Team {named.name}" if named.rule.team_id else named.name
    return Row(named.rule.id, named.name, label, named.role, [_asset_line(row) for row in named.assets], named.people,
               named.rests)


def _asset_line(row: GroupRuleAsset) -> AssetLine:
    gone = "no longer in the app" if row.asset.state != AssetState.PRESENT else ""
    return AssetLine(group_rules.asset_label(row.asset), " · ".join(filter(None, (row.role, gone))))


@dataclass(frozen=True)
class Policy:
    """What happens automatically."""

    invites: bool
    removes: bool
    approved_by: str  # whose approval no longer holds, and why


def policy(app: App) -> Policy:
    return Policy(standing_approvals.invites_joiners(app), standing_approvals.removes_unassigned(app),
                  standing_approvals.by_whom(app, Given.GROUPS))


@dataclass(frozen=True)
class LeftOutRow:
    """Something that rules want and an Owner decided against."""

    id: int
    name: str
    details: str


def left_out_rows(found: Iterable[LeftOut]) -> list[LeftOutRow]:
    return [_left_out(row) for row in found]


def _left_out(row: LeftOut) -> LeftOutRow:
    person_name = row.person.name if row.person else ""
    name = (row.account.name or row.account.email) if row.account else person_name
    to = f" to {row.asset.name}" if row.asset else ""
    role = f": {row.role}" if row.role else ""
    details = Markup("{}{}{} · {} · {}, {}").format(
        LEFT_OUT[row.kind], to, role, row.reason, short_name(row.made_by), on_day(row.made_at))  # fmt: skip
    return LeftOutRow(row.id, name, details)


@dataclass(frozen=True)
class Source:
    """A group or a team that a rule can be for."""

    value: str
    words: str


@dataclass(frozen=True)
class Sources:
    label: str
    rows: list[Source]


def sources() -> list[Sources]:
    """Teams first, then the groups of each directory."""
    by_directory: dict[str, list[Source]] = {}
    for group, people in group_rules.groups():
        source = Source(f"group:{group.id}", f"{group.name} ({number(people)})")
        by_directory.setdefault(group.directory.name, []).append(source)
    of_teams = [Source(f"team:{team.id}", team.name) for team in teams.all_teams()]
    groups = [Sources(name, found) for name, found in by_directory.items()]
    return [Sources("Teams", of_teams), *groups] if of_teams else groups


@dataclass(frozen=True)
class AssetFields:
    """A row of the form: an asset, the role there, and the roles to choose from as (value, words)."""

    id: str
    name: str
    kind: str
    role: str
    roles: list[tuple[str, str]]


def asset_fields(app: App, picked: list[tuple[str, str]]) -> list[AssetFields]:
    """A row for each asset that was picked, also if it is no longer there: it can be removed."""
    known = assets.asset_roles(app)
    there = {str(asset.id): asset for asset in assets.chosen(app, ids_in(id for id, _ in picked))}
    return [_fields(id, there.get(id), role, _choices(known, role)) for id, role in picked]


def ids_in(texts: Iterable[str]) -> list[int]:
    """The texts that are ids, as numbers."""
    return [id for text in texts if (id := whole_number(text)) is not None]


def _fields(id: str, asset: Asset | None, role: str, roles: list[tuple[str, str]]) -> AssetFields:
    if asset is None:
        return AssetFields(id, "Unknown", "not in the app", role, roles)
    gone = " · no longer in the app" if asset.state != AssetState.PRESENT else ""
    return AssetFields(id, asset_name(asset), f"{asset.kind}{gone}", role, roles)


@dataclass(frozen=True)
class Offered:
    """What can be added. `none` and `more` are sentences, "" where there is no need for one."""

    rows: list[AssetFields]
    none: str
    more: str


def offered(app: App, words: str, but: Iterable[int]) -> Offered:
    found, total = group_rules.offered_assets(app, words, but)
    word = kind_of(app).asset_word
    rows = [_fields(str(asset.id), asset, "", []) for asset in found]
    none = (f"No {word} matches your search." if words else f"No other {word} to add.") if not rows else ""
    more = f"{plural(total - len(rows), f'more {word}')}: search for the one you mean." if total > len(rows) else ""
    return Offered(rows, none, more)


def _choices(known: list[str], role: str) -> list[tuple[str, str]]:
    plain = [("", "Plain access")] if not role and not known else []
    unknown = [(role, role)] if role and role not in known else []
    return [*plain, *[(name, name) for name in known], *unknown]


@dataclass(frozen=True)
class PreviewRow:
    name: str
    about: str
    change: str


@dataclass(frozen=True)
class PreviewSection:
    """The changes of one kind; `more` of them aren't shown."""

    title: str
    rows: list[PreviewRow]
    count: int
    more: int


def preview_sections(app: App, seen: Preview) -> list[PreviewSection]:
    titles = {
        ChangeKind.TO_INVITE: "Would be invited",
        ChangeKind.TO_CHANGE_ROLE: f"Would get another {kind_of(app).role_word}",
        ChangeKind.TO_GRANT_ACCESS: "Would get access",
        ChangeKind.TO_REVOKE_ACCESS: "Would lose access",
    }
    return [_section(title, seen.wanted[kind], seen.totals[kind]) for kind, title in titles.items()
            if seen.wanted.get(kind)]


def _section(title: str, lines: list[tuple[str, str, str, str]], total: int) -> PreviewSection:
    shown = [PreviewRow(name, about, _change(before, after)) for name, before, after, about in lines]
    return PreviewSection(title, shown, total, total - len(shown))


def _change(before: str, after: str) -> str:
    return f"{before} → {after or 'access'}" if before and before != after else after or "access"


def lead(seen: Preview) -> str:
    return f"{plural(seen.people, 'person is a member', 'people are members')} now."


def effect(app: App) -> str:
    """What saving the rule does."""
    soon = ", within a minute," if app.is_active else ""
    then = "New people are invited automatically, as you chose." if standing_approvals.invites_joiners(app) else (
        "An Owner approves each change.")  # fmt: skip
    return (f"Saving changes nothing in {app.name}. The next check{soon} adds this to a report. {then} Guests, service "
            "accounts and protected accounts aren't changed, and no account is removed.")
