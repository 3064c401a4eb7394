"""Rules: who is in a directory group, or in a team's, gets a role in an app and access to assets there.
Looked at before they are kept: a preview runs the very comparison of a check, and takes it back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from peewee import JOIN, fn

from sync import activity
from sync.apps import assets
from sync.apps.assets import Assets
from sync.db import db, writing
from sync.groups import assignments
from sync.jobs import asking
from sync.models import (
    App,
    Asset,
    Directory,
    DirectoryGroup,
    DirectoryGroupMember,
    GroupRule,
    GroupRuleAsset,
    Role,
    Team,
    TeamGroup,
)
from sync.names import asset_name
from sync.problems import Problem
from sync.rank import Asker
from sync.roles import beside
from sync.safety import guards, wanted
from sync.states import ADJUSTMENTS, Approval, AssetState, CheckTrigger, DirectoryState

OFFERED = 8  # assets that the form shows to choose from; a search finds the others
SHOWN = 100  # rows of each kind in a preview


class RuleProblem(Problem):
    """It isn't possible. Nothing was changed. The text is for the page."""


@dataclass(frozen=True)
class Draft:
    """A rule as it would be: `role` "" leaves the role alone; `assets` are (asset, role there)."""

    group: DirectoryGroup | None = None
    team: Team | None = None
    role: str = ""
    assets: tuple[tuple[Asset, str], ...] = ()

    @property
    def name(self) -> str:
        return self.team.name if self.team else f"{self.group.name} of {self.group.directory.name}"


@dataclass
class NamedRule:
    """A rule as the page shows it: `rests` are the reasons why it, or a part of it, gives nothing now."""

    rule: GroupRule
    name: str
    role: str
    people: int
    assets: list[GroupRuleAsset]
    rests: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Preview:
    """What a check would find by the draft: (name, before, after, what it is about) by kind of Change; who is right."""

    wanted: dict[str, list[tuple[str, str, str, str]]]
    totals: dict[str, int]
    right: list[str]
    people: int

    @property
    def held(self) -> bool:
        return any(self.totals.get(f"held {kind}") for kind in ADJUSTMENTS)


def groups() -> list[tuple[DirectoryGroup, int]]:
    """The groups that are in a directory now, with how many people are in each, by directory and name."""
    query = (
        DirectoryGroup.select(DirectoryGroup, Directory, fn.COUNT(DirectoryGroupMember.id).alias("people"))
        .join(Directory).switch(DirectoryGroup).join(DirectoryGroupMember, JOIN.LEFT_OUTER)
        .where(DirectoryGroup.gone_at.is_null()).group_by(DirectoryGroup.id, Directory.id)
        .order_by(Directory.name, DirectoryGroup.name)
    )  # fmt: skip
    return [(group, group.people) for group in query]


def roles(app: App) -> list[Role]:
    """The app's roles, the highest first."""
    return list(Role.select().where(Role.app == app).order_by(Role.privileged.desc(), Role.position, Role.id))


def source(text: str) -> dict[str, DirectoryGroup | Team]:
    """The group or team that a value of the form names: "group:7" or "team:3". Raises RuleProblem if there is none."""
    kind, _, number = text.partition(":")
    number = int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else 0
    if kind == "team" and (team := Team.get_or_none(Team.id == number)):
        return {"team": team}
    if kind == "group" and (group := DirectoryGroup.get_or_none(DirectoryGroup.id == number)):
        return {"group": group}
    raise RuleProblem("Choose a group or a team.")


def source_text(rule: GroupRule) -> str:
    return f"team:{rule.team_id}" if rule.team_id else f"group:{rule.group_id}"


def asset_label(asset: Asset) -> str:
    return f"{asset.kind}: {asset_name(asset)}"


def offered_assets(app: App, words: str = "", but: Iterable[int] = ()) -> tuple[list[Asset], int]:
    """The first assets of the app with all these words in them, without the ids `but`, and the number of all such."""
    found = assets.found(app, Assets(search=words)).where(Asset.id.not_in(list(but)))
    return list(found.order_by(Asset.kind, Asset.name, Asset.id).limit(OFFERED)), found.count()


def asset_of(app: App, id: int | None) -> Asset:
    """The app's asset with this id. Raises RuleProblem if there is none, or if it is no longer in the app."""
    asset = Asset.get_or_none(Asset.id == id, Asset.app == app, Asset.state == AssetState.PRESENT)
    if asset is None:
        raise RuleProblem(f"Something that was chosen here is no longer in {app.name}. Nothing was saved: remove it or "
                          "choose again.")
    return asset


def of_app(app: App) -> list[NamedRule]:
    """The app's rules, with how many active people each gives something to now, by name."""
    rules = list(
        GroupRule.select(GroupRule, Team, DirectoryGroup, Directory)
        .join(Team, JOIN.LEFT_OUTER).switch(GroupRule).join(DirectoryGroup, JOIN.LEFT_OUTER)
        .join(Directory, JOIN.LEFT_OUTER).where(GroupRule.app == app).order_by(GroupRule.group_name, GroupRule.id)
    )  # fmt: skip
    labels = {role.external_id: role.label for role in roles(app)}
    counted = assignments.people_by_rule(app)
    given: dict[int, list[GroupRuleAsset]] = {}
    held = GroupRuleAsset.select(GroupRuleAsset, Asset).join(Asset).where(GroupRuleAsset.rule.in_(rules))
    for row in held.order_by(Asset.name, GroupRuleAsset.id):
        given.setdefault(row.rule_id, []).append(row)
    return [
        NamedRule(rule, rule.team.name if rule.team_id else rule.group_name, labels.get(rule.role, rule.role),
             counted.get(rule.id, 0), given.get(rule.id, []), _rests(app, rule, labels, given.get(rule.id, [])))
        for rule in rules
    ]  # fmt: skip


def _rests(app: App, rule: GroupRule, labels: dict[str, str], given: list[GroupRuleAsset]) -> list[str]:
    only = (assets.only_by_hand(app, row.asset.kind, row.role) for row in given)
    reasons = list(dict.fromkeys(filter(None, only)))
    if rule.role and rule.role not in labels:
        reasons.append(f"The role {rule.role} is no longer in the app.")
    if rule.team_id:
        parts = list(TeamGroup.select(TeamGroup, DirectoryGroup).left_outer_join(DirectoryGroup)
                     .where(TeamGroup.team == rule.team_id).order_by(TeamGroup.id))  # fmt: skip
        reasons += [why for part in parts if (why := why_group_rests(part.group, part.name))]
        if not parts:
            reasons.append("The team has no group.")
    elif why := why_group_rests(rule.group, rule.group_name):
        reasons.append(why)
    return reasons


def why_group_rests(group: DirectoryGroup | None, name: str) -> str | None:
    """Why nothing is given by this group now, in a sentence; None while it is as it should be."""
    if group is None:
        return (f"{name} was removed with its directory, so its members aren't known. Until this is fixed, no role "
                "is changed and nobody is reported as no longer assigned.")  # fmt: skip
    if group.gone_at is not None:
        return f"{group.name} is no longer in {group.directory.name}, or it is empty now."
    if group.directory.state != DirectoryState.ACTIVE:
        return f"{group.directory.name} is {group.directory.state}."
    return None


def preview(app: App, draft: Draft, rule: GroupRule | None = None) -> Preview:
    """What the next check would find, were the draft kept, of the people in its group: nothing is changed by it."""
    with writing(), db.atomic() as attempt:
        kept = _store(app, draft, "", rule)
        wanted.want_nothing()
        assignments.compare(assignments.gather(app))
        found = _found(app, kept)
        attempt.rollback()
    return found


def _found(app: App, rule: GroupRule) -> Preview:
    mine = "SELECT person_id FROM covered WHERE rule_id = ?1 AND gives"
    rows = db.execute_sql(
        f"""
        SELECT w.kind, coalesce(nullif(p.name, ''), a.name, w.detail ->> 'email'), coalesce(w.before, ''),
            coalesce(w.after, ''), coalesce(t.name, ''), coalesce(w.person_id, a.person_id), w.protection_reason,
            w.detail
        FROM wanted w LEFT JOIN account a ON a.id = w.account_id LEFT JOIN asset t ON t.id = w.asset_id
        LEFT JOIN person p ON p.id = coalesce(w.person_id, a.person_id)
        WHERE w.kind IN ('to invite', 'to change role', 'to grant access', 'to revoke access')
          AND coalesce(w.person_id, a.person_id) IN ({mine}) AND w.left_out_reason IS NULL ORDER BY 2, 5
        """,
        (rule.id,),
    ).fetchall()
    wanted: dict[str, list[tuple[str, str, str, str]]] = {}
    people: dict[str, set[int]] = {}
    for kind, *line, person_id, protected, detail in rows:
        about = protected or line[3] or beside(json.loads(detail))
        wanted.setdefault(kind, []).append((*line[:3], about))
        people.setdefault(kind, set()).add(person_id)
    named = db.execute_sql(f"SELECT id, name FROM person WHERE id IN ({mine}) ORDER BY name", (rule.id,))
    names = dict(named.fetchall())
    changed = set().union(*people.values()) if people else set()
    seats = {person_id for (person_id,) in db.execute_sql(
        "SELECT person_id FROM account WHERE app_id = ? AND state <> 'gone' AND match_kind = 'matched'", (app.id,))}
    totals = {kind: len(lines) for kind, lines in wanted.items()}
    totals |= {f"held {kind}": guards.is_mass_of(app, (kind,), len(ids)) for kind, ids in people.items()}
    return Preview(
        {kind: lines[:SHOWN] for kind, lines in wanted.items()}, totals,
        [name for id, name in names.items() if id not in changed and id in seats], len(names),
    )  # fmt: skip


def save(app: App, draft: Draft, by: str, rule: GroupRule | None = None) -> GroupRule:
    """Store it, and ask for a check soon. Raises RuleProblem. Saving it twice makes only one rule."""
    with writing():
        known = rule or _rule_for(app, draft)
        before = known and next((_in_words(named) for named in of_app(app) if named.rule.id == known.id), None)
        kept = _store(app, draft, by, rule)
        after = next(_in_words(named) for named in of_app(app) if named.rule.id == kept.id)
        if before != after:
            what = "changed rule of groups" if before else "made rule of groups"
            activity.record(by, what, about=draft.name, before=before, after=after, app=app)
        assignments.delete_uncovered([app])
        asking.ask_soon(App.get_by_id(app.id), by, CheckTrigger.DIRECTORY)
        return kept


def _in_words(named: NamedRule) -> str:
    given = [named.role or "role left alone"]
    given += [f"{asset_label(row.asset)}{f' ({row.role})' if row.role else ''}" for row in named.assets]
    return f"{named.name} → {', '.join(given)}"


def _store(app: App, draft: Draft, by: str, rule: GroupRule | None) -> GroupRule:
    if not draft.role and not draft.assets:
        raise RuleProblem("Choose a role, or something to give access to.")
    if draft.role and not Role.select().where(Role.app == app, Role.external_id == draft.role).exists():
        raise RuleProblem(f"{app.name} no longer has this role. Choose another.")
    if only := next(filter(None, (assets.only_by_hand(app, asset.kind, role) for asset, role in draft.assets)), ""):
        raise RuleProblem(f"{only} Choose another.")
    same = _rule_for(app, draft)
    if same is not None and (rule is None or same.id != rule.id) and not _is_as(same, draft):
        raise RuleProblem(f"A rule for {draft.name} already exists: change that one.")
    kept = rule or same or GroupRule(app=app, created_by=by)
    kept.group, kept.team, kept.role, kept.group_name = draft.group, draft.team, draft.role, draft.name
    kept.save()
    GroupRuleAsset.delete().where(GroupRuleAsset.rule == kept).execute()
    for asset, role in draft.assets:
        GroupRuleAsset.create(rule=kept, asset=asset, role=role)
    return kept


def _rule_for(app: App, draft: Draft) -> GroupRule | None:
    of = GroupRule.team == draft.team if draft.team else GroupRule.group == draft.group
    return GroupRule.select().where(GroupRule.app == app, of).order_by(GroupRule.id).first()


def _is_as(rule: GroupRule, draft: Draft) -> bool:
    held = {(row.asset_id, row.role) for row in GroupRuleAsset.select().where(GroupRuleAsset.rule == rule)}
    return rule.role == draft.role and held == {(asset.id, role) for asset, role in draft.assets}


def draft_of(rule: GroupRule) -> Draft:
    held = GroupRuleAsset.select(GroupRuleAsset, Asset).join(Asset).where(GroupRuleAsset.rule == rule)
    held = held.order_by(Asset.name, GroupRuleAsset.id)
    return Draft(rule.group, rule.team, rule.role, tuple((row.asset, row.role) for row in held))


def remove(rule: GroupRule, by: str) -> None:
    """Remove the rule. Nobody loses an account by it: people not covered by another rule keep theirs, as if given by
    hand."""
    with writing():
        named = next((named for named in of_app(rule.app) if named.rule.id == rule.id), None)
        if named is None:
            return
        GroupRule.delete().where(GroupRule.id == rule.id).execute()
        activity.record(by, "removed rule of groups", about=named.name, before=_in_words(named), app=rule.app_id)
        assignments.delete_uncovered([rule.app])
        asking.ask_soon(App.get_by_id(rule.app_id), by, CheckTrigger.DIRECTORY)


def set_policy(app: App, joiners: str | None, unassigned: str | None, by: Asker) -> None:
    """Set the Owner's standing approvals for inviting joiners and for removing people in no group; None asks each
    time."""
    if not {joiners, unassigned} <= {None, Approval.AUTOMATIC}:
        raise RuleProblem("Each of these waits for approval or is automatic: choose one.")
    with writing():
        before = App.get_by_id(app.id)
        App.update(joiner_approval=joiners, unassigned_approval=unassigned, groups_approver_id=by.person_id).where(
            App.id == app.id).execute()
        activity.record(by, "changed what groups do automatically", about=app.name, app=app,
                        before=_policy_in_words(before.joiner_approval, before.unassigned_approval),
                        after=_policy_in_words(joiners, unassigned))  # fmt: skip


def _policy_in_words(joiners: str | None, unassigned: str | None) -> str:
    return f"joiners: {joiners or Approval.ASK}; no longer assigned: {unassigned or Approval.ASK}"
