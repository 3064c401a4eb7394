"""An administrator's rules about what an attribute of a directory means, one per line:
employeeStatus is terminated: left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from connectors.base import Refused
from connectors.ldap.times import day_of, is_never

HERE, LOCKED, LEFT = "here", "locked", "left"
OUTCOMES = (LEFT, LOCKED, HERE)
IS, IS_NOT, CONTAINS, BEFORE, AFTER, PRESENT = "is", "is not", "contains", "before today", "after today", "is present"
OPERATORS = (IS, IS_NOT, CONTAINS, BEFORE, AFTER, PRESENT)
WITHOUT_VALUE = (BEFORE, AFTER, PRESENT)


class Unreadable(ValueError):
    """A value whose meaning isn't known; the text says why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule about an attribute's value, such as employeeStatus is terminated: left."""

    attribute: str
    operator: str
    value: str
    outcome: str

    def __str__(self) -> str:
        return f"{' '.join(filter(None, (self.attribute, self.operator, self.value)))}: {self.outcome}"

    def matches(self, texts: list[str], today: date) -> bool:
        """Whether the rule applies to an entry whose attribute has the values `texts`. It never applies to an entry
        without the attribute."""
        wanted, found = self.value.casefold(), [text.casefold() for text in texts]
        if self.operator == IS:
            return wanted in found
        if self.operator == IS_NOT:
            return bool(found) and wanted not in found
        if self.operator == CONTAINS:
            return any(wanted in text for text in found)
        if self.operator == PRESENT:
            return bool(found)
        days = [day for text in texts if (day := day_in(text))]
        if self.operator == BEFORE:
            return any(day < today for day in days)
        return any(day > today for day in days)


def day_in(text: str) -> date | None:
    """The day that a value names; None for a value that means never. Raises Unreadable."""
    if is_never(text):
        return None
    try:
        return day_of(text)
    except ValueError as problem:
        raise Unreadable(str(problem)) from None


def written(rules: Iterable[Rule]) -> str:
    """The rules as a text that parse() reads. Raises Refused for a rule that can't be used or would be read as another
    one."""
    rules = [checked(rule) for rule in rules]
    for rule in rules:
        if parse(str(rule)) != (rule,):
            raise Refused(f"The rule “{rule}” can't be used: its value would be read as part of “{rule.operator}”.")
    return "\n".join(map(str, rules))


def parse(text: str) -> tuple[Rule, ...]:
    """The rules in a text, one per line: ATTRIBUTE OPERATOR [VALUE]: left, locked or here. Raises Refused for a line
    that isn't a rule."""
    return tuple(_rule(line) for line in text.splitlines() if line.strip())


def _rule(line: str) -> Rule:
    condition, outcome = line.rsplit(":", 1) if ":" in line else (line, "")
    attribute, _, rest = condition.strip().partition(" ")
    rest, outcome = " ".join(rest.split()), outcome.strip().casefold()
    operator = next((one for one in sorted(OPERATORS, key=len, reverse=True) if _begins(rest, one)), "")
    return checked(Rule(attribute, operator, rest[len(operator):].strip(), outcome), line)


def _begins(text: str, operator: str) -> bool:
    return f"{text.casefold()} ".startswith(f"{operator} ")


def checked(rule: Rule, line: str = "") -> Rule:
    """The rule, if it can be used; else Refused is raised with the reason. `line`: the rule as it was written."""
    refusal = f"The rule “{(line or str(rule)).strip()}” can't be used:"
    if not rule.attribute or not rule.attribute.replace("-", "").replace(".", "").isalnum():
        raise Refused(f"{refusal} it must begin with the name of an attribute, such as employeeStatus.")
    if rule.operator not in OPERATORS:
        raise Refused(f"{refusal} the attribute must be followed by one of: {', '.join(OPERATORS)}.")
    if rule.outcome not in OUTCOMES:
        raise Refused(f"{refusal} it must end with a colon and left, locked or here.")
    if rule.operator not in WITHOUT_VALUE and not rule.value:
        raise Refused(f"{refusal} “{rule.operator}” needs a value.")
    if rule.operator in WITHOUT_VALUE and rule.value:
        raise Refused(f"{refusal} “{rule.operator}” takes no value.")
    return replace(rule, value=rule.value.strip())
