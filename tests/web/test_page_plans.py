"""No page reads a table that grows with accounts, people or time from end to end: SQLite's plans for its statements."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from sync.db import db
from tests.database import ON_FILE
from tests.web.client import Client
from tests.web.test_permissions import report, routes, world  # noqa: F401

pytestmark = ON_FILE

# Without `report`: only its list reads all of them, and there is one for each time that someone had to decide.
GROWS = {
    "access", "account", "activity", "app_check", "app_task", "asset", "change", "directory_entry", "directory_reading",
    "invitation", "mail", "match_decision", "person", "person_email", "session",
}  # fmt: skip
# What leaves with a file, counts everything, or says whether the whole log is whole.
EVERYTHING = ("/activity/verification", ".csv", "downloads.", "/metrics")
# The dialog that suggests people for an account compares all of them, as nothing narrows who it may be.
COMPARES = "GET /apps/<int:app_id>/members/<int:account_id>/match: SCAN p"
# Home counts the assets that nobody manages: for each asset, by indexes, whether someone does.
UNMANAGED = "GET /: SCAN s USING COVERING INDEX asset_app_id_state_kind_name"
# People says how many there are, which an index counts.
COUNTED = "GET /people: SCAN person USING COVERING INDEX person_status_status_since_id_remove_on"
# Only what the condition of the index lets in: live, open, unsettled, decided by hand to be nobody's, with a tag.
FEW = re.compile(r"USING (?:COVERING )?INDEX \w*(?:_live|_open|_disputed|_hold|_now|_held|_decided|_tagged)\b")

ONE_VALUE = re.compile(r"SELECT (?:COUNT|SUM|MIN|MAX)\(", re.IGNORECASE)
LAST = re.compile(r'max\((?:"t1"\.)?"?id"?\)', re.IGNORECASE)  # the highest id is that of the last row
SCAN = re.compile(r"SCAN\b")
WHOLE = re.compile(r"SCAN\b|SEARCH \w+$")  # a SEARCH without an index is for the least or the greatest value

NAMED = re.compile(r'\b(?:FROM|JOIN)\s+"?(\w+)"?\s+(?:AS\s+)?"?(\w+)"?')


def asked_by(site: Flask, owner: Client, world: dict) -> dict[str, tuple[str, object]]:  # noqa: F811
    """SQL → the page that asks it first, and the values, of all that the Owner can open."""
    asked: dict[str, tuple[str, object]] = {}
    for name, method, endpoint in routes(site):
        if method != "GET" or any(part in f"{name} {endpoint}" for part in EVERYTHING):
            continue
        arguments = next(rule for rule in site.url_map.iter_rules(endpoint) if method in rule.methods).arguments

        def note(event, name: str = name) -> None:
            if event.sql.lstrip().upper().startswith(("SELECT", "WITH")):
                asked.setdefault(event.sql, (name, event.params))

        db.query_hooks.append(note)
        try:
            owner.client.get(site.url_map.bind("localhost").build(endpoint, {key: world[key] for key in arguments}))
        finally:
            db.query_hooks.remove(note)
    return asked


def read_whole(sql: str, values: object) -> list[str]:
    """The steps of its plan that read a table of GROWS from end to end."""
    if "0 = 1" in sql:  # for an empty list of ids; SQLite sees that before it begins
        return []
    named = {alias: table for table, alias in NAMED.findall(sql)}
    plan = [row[3] for row in db.connection().execute(f"EXPLAIN QUERY PLAN {sql}", values or ())]
    is_one = ONE_VALUE.match(sql)  # peewee puts LIMIT 1 after it
    ends_early = "LIMIT" in sql and not is_one and not any("TEMP B-TREE" in step for step in plan)
    whole = SCAN if LAST.search(sql) else WHOLE
    scans = [step for step in plan if whole.match(step) and "VIRTUAL" not in step and not FEW.search(step)]
    return [] if ends_early else [step for step in scans if named.get(step.split()[1], step.split()[1]) in GROWS]


def test_pages(site: Flask, owner: Client, world: dict) -> None:  # noqa: F811
    asked = asked_by(site, owner, world)
    assert len(asked) > 200
    found = {f"{page}: {step}": sql for sql, (page, values) in asked.items() for step in read_whole(sql, values)}
    where = "\n".join(f"{where}\n   {sql[-600:]}" for where, sql in found.items())
    assert found.keys() <= {COMPARES, UNMANAGED, COUNTED}, where


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("sql, whole", [
    ("SELECT * FROM account AS a WHERE a.name = 'x'", True),
    ('SELECT "t1"."id" FROM "account" AS "t1" WHERE "t1"."email" = \'x\' ORDER BY "t1"."name" LIMIT 1', True),
    ('SELECT MIN("t1"."created_at") FROM "change" AS "t1" WHERE "t1"."app_id" = 1 LIMIT 1', True),
    ('SELECT MAX("t1"."id") FROM "change" AS "t1" LIMIT 1', False),
    ("SELECT * FROM account a WHERE a.app_id = 1", False),
    ("SELECT * FROM person ORDER BY name, id LIMIT 50", False),
    ("SELECT * FROM app_check WHERE state IN ('queued', 'running')", False),
    ("SELECT * FROM setting", False),
])  # fmt: skip
def test_the_test_sees_it(sql: str, whole: bool) -> None:
    assert bool(read_whole(sql, ())) is whole
