"""What ends an account in a directory with attributes of its own: an administrator's rules, tried before they are kept.
How a rule is written and what it does is the connector's."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.base import Identity
from connectors.ldap import rules as ldap_rules
from sync import activity, rank
from sync.db import writing
from sync.directory import directories
from sync.directory.directories import DirectoryProblem
from sync.matching import vouching
from sync.models import Directory
from sync.rank import Asker
from sync.states import DirectoryState

OPERATORS, OUTCOMES = ldap_rules.OPERATORS, ldap_rules.OUTCOMES
Rule = ldap_rules.Rule


def takes_rules(directory: Directory) -> bool:
    """Whether this kind of directory supports rules for attributes."""
    return bool(_field(directory))


def rules_of(directory: Directory) -> list[Rule]:
    """In their order: of several about one attribute, the first that fits decides."""
    return list(ldap_rules.parse(directory.settings.get(_field(directory), "")))


def begun(unread: dict) -> tuple[str, str]:
    """(operator, value) that a rule about what nothing reads may begin with: for days, that they are over."""
    try:
        if unread["values"] and all(map(ldap_rules.day_in, unread["values"])):
            return ldap_rules.BEFORE, ""
    except ldap_rules.Unreadable:
        pass
    return ldap_rules.IS, next(iter(unread["values"]), "")


def says_nothing(attribute: str) -> Rule:
    """The rule for an attribute that doesn't show who has left, whatever its value."""
    return Rule(attribute, ldap_rules.PRESENT, "", ldap_rules.HERE)


def set_rules(directory: Directory, rules: Iterable[Rule], by: Asker) -> Identity:
    """Read everyone by these rules, and store the rules if that works. Queues a reading, which applies them.

    It ranks no higher than the asker from now on. Raises DirectoryProblem, NotAllowed, or ConnectorError with what is
    wrong with a rule or with what it met.
    """
    rank.require(by, *rank.MANAGERS)
    if not takes_rules(directory):
        raise DirectoryProblem(f"Rollcall knows what the attributes of {directory.name} mean, so no rules can be "
                               "defined. Nothing was changed.")
    text = ldap_rules.written(rules)
    connector = directories.connector_for(directory, {_field(directory): text})
    try:
        with directories.reaching(directory):
            identity = connector.test()
    finally:
        connector.close()
    with writing():
        directory = Directory.get_by_id(directory.id)
        before = directory.settings.get(_field(directory), "")
        settings = {**directory.settings, _field(directory): text}
        Directory.update(settings=settings).where(Directory.id == directory.id).execute()
        vouching.make_responsible_if_lower(directory, by)
        directories.keep_findings(directory, connector)
        Directory.update(attributes_unknown=False).where(Directory.id == directory.id).execute()  # someone has decided
        activity.record(by, "changed what ends an account", about=directory.name, before=before or "no rules",
                        after=text or "no rules")  # fmt: skip
        if directory.state == DirectoryState.ACTIVE:
            directories.ask(directory, by)
    return identity


def _field(directory: Directory) -> str:
    try:
        return directories.connector_class(directory.kind).rules
    except DirectoryProblem:  # one that pushes
        return ""
