"""Teams, the rules that give a group an app, and who was left out of one on purpose."""

from __future__ import annotations

from peewee import SQL, CharField, DateTimeField, ForeignKeyField, TextField

from sync.db import utcnow
from sync.models.apps import Account, App, Asset
from sync.models.columns import Base, OneOf
from sync.models.directories import DirectoryGroup
from sync.models.people import Person
from sync.states import ChangeKind


class Team(Base):
    """Directory groups that get the same roles."""

    name = CharField(unique=True)


class TeamGroup(Base):
    team = ForeignKeyField(Team, backref="groups", on_delete="CASCADE", index=False)
    group = ForeignKeyField(DirectoryGroup, null=True, backref="teams", on_delete="SET NULL")  # null: gone
    name = CharField(default="")  # of group and directory, when it was added

    class Meta:
        indexes = ((("team", "group"), True),)


class GroupRule(Base):
    """Members of the group, or of the team's groups, get the role in the app. A rule without its group is inactive."""

    app = ForeignKeyField(App, backref="rules", on_delete="CASCADE")
    group = ForeignKeyField(DirectoryGroup, null=True, backref="rules", on_delete="SET NULL")
    team = ForeignKeyField(Team, null=True, backref="rules", on_delete="CASCADE")
    group_name = CharField(default="")  # as it was when the rule was made
    role = CharField(default="")  # Role.external_id; "" doesn't change the role
    created_by = CharField(default="")
    created_at = DateTimeField(default=utcnow)


class GroupRuleAsset(Base):
    rule = ForeignKeyField(GroupRule, backref="assets", on_delete="CASCADE", index=False)
    asset = ForeignKeyField(Asset, on_delete="CASCADE")
    role = CharField(default="")

    class Meta:
        indexes = ((("rule", "asset"), True),)


class Assignment(Base):
    """A person assigned to the app by rules; an ended row means that they are no longer in such a group."""

    app = ForeignKeyField(App, backref="assignments", on_delete="CASCADE", index=False)
    person = ForeignKeyField(Person, backref="assignments", on_delete="CASCADE")
    role = CharField(default="")  # the highest of the rules
    why = TextField(default="")  # "in group Sales of Company LDAP → Editor"
    since = DateTimeField(default=utcnow)
    ended_at = DateTimeField(null=True)

    class Meta:
        indexes = ((("app", "person"), True),)


class LeftOut(Base):
    """A change by rules that someone rejected; valid until it is undone, or the rules want another role."""

    app = ForeignKeyField(App, on_delete="CASCADE", index=False)
    kind = OneOf(ChangeKind)  # of the Change
    account = ForeignKeyField(Account, null=True, on_delete="CASCADE")
    person = ForeignKeyField(Person, null=True, on_delete="CASCADE")  # the person to invite
    asset = ForeignKeyField(Asset, null=True, on_delete="CASCADE")
    role = CharField(default="")
    reason = TextField()
    made_by = CharField(default="")
    made_at = DateTimeField(default=utcnow)

    class Meta:
        indexes = (
            SQL(
                "CREATE UNIQUE INDEX left_out_once ON left_out (app_id, kind, coalesce(account_id, 0), "
                "coalesce(person_id, 0), coalesce(asset_id, 0), role)"
            ),
        )
