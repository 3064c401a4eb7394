"""How SQLite answers the statements of a check: none reads what belongs to other apps from end to end, however much
that is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sync.db import db
from sync.people import people
from tests.database import ON_FILE

pytestmark = ON_FILE

OF_ALL_APPS = ("account", "access", "asset", "change", "person", "person_email", "report", "app_check", "app_task")
ALIAS = re.compile(rf'\b({"|".join(OF_ALL_APPS)})"? (?:AS )?"?(\w+)"?')
STATEMENT = re.compile(r"\s*(?:WITH|SELECT|INSERT|UPDATE|DELETE)\b")


@contextmanager
def each_statement(explain: Callable) -> Iterator[None]:
    """Explain each statement of this block at once, because TEMP tables don't last."""
    db.query_hooks.append(explain)
    try:
        yield
    finally:
        db.query_hooks.remove(explain)


def scanned_by(work) -> dict[str, list[str]]:
    """By statement, the tables of all apps that it reads from end to end."""
    found: dict[str, list[str]] = {}

    def explain(event) -> None:
        if not STATEMENT.match(event.sql):
            return
        names = {name: name for name in OF_ALL_APPS}
        names |= {alias: name for name, alias in ALIAS.findall(event.sql)}
        for *_, line in db.connection().execute(f"EXPLAIN QUERY PLAN {event.sql}", event.params or ()).fetchall():
            scan = re.fullmatch(r"SCAN (\w+)(?: USING .*)?", line) or _least_without_index(line, event.sql)
            if scan and scan[1] in names and "INSERT" not in event.sql:
                found.setdefault(event.sql, []).append(line)

    with each_statement(explain):
        work()
    return found


def _least_without_index(line: str, sql: str) -> re.Match | None:
    """SQLite also calls it SEARCH where it reads all rows for a min() or max(). The highest id is the last one."""
    return None if "max(id)" in sql else re.fullmatch(r"SEARCH (\w+)", line)


def test_a_check_reads_nothing_of_other_apps(listed) -> None:
    for number in range(8):
        listed.add(f"id{number}", email=f"p{number}@acme.example", user_name=f"p{number}")
    leaver = people.add("Person 3", "p3@acme.example", listed.by)

    assert scanned_by(listed.check) == {}
    assert scanned_by(listed.check) == {}
    listed.say("id1", name="Other", role="owner")
    listed.add("id9", email="p9@acme.example")
    assert scanned_by(listed.check) == {}
    people.mark_left(leaver, listed.by)
    listed.check()
    assert scanned_by(listed.check) == {}


def nested_scans_of_what_waits(work) -> dict[str, list[str]]:
    """By statement, where it reads `wanted` from end to end for each row of another table."""
    found: dict[str, list[str]] = {}

    def explain(event) -> None:
        if not re.search(r"\bwanted\b", event.sql) or not STATEMENT.match(event.sql):
            return
        plan = db.connection().execute(f"EXPLAIN QUERY PLAN {event.sql}", event.params or ()).fetchall()
        lines, begun = {id: line for id, _, _, line in plan}, set()
        for _, parent, _, line in plan:
            for_each = parent in begun or lines.get(parent, "").startswith("CORRELATED")
            if for_each and re.match(r"SCAN (w|wanted)\b", line):
                found.setdefault(event.sql, []).append(line)
            if line.startswith(("SCAN", "SEARCH")):
                begun.add(parent)

    with each_statement(explain):
        work()
    return found


def test_a_check_finds_by_an_index_what_waits_however_much_it_is(listed) -> None:
    for number in range(8):
        listed.add(f"id{number}", email=f"p{number}@acme.example")
    leavers = [people.add(f"Person {number}", f"p{number}@acme.example", listed.by) for number in range(3)]
    listed.check()
    for leaver in leavers:
        people.mark_left(leaver, listed.by)

    assert nested_scans_of_what_waits(listed.check) == {}
    assert nested_scans_of_what_waits(listed.check) == {}
