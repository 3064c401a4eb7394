"""Each migration that may run on PostgreSQL can be taken back and run again there, with rows in the tables; and in the
file as well."""

from __future__ import annotations

from datetime import date

from playhouse.migrations import Runner

from sync.db import MIGRATIONS, db
from sync.matching import decisions as match_decisions
from sync.models import Account, App, Base, Person
from sync.people import people
from sync.postgres.schema import FIRST
from tests import database

MADE = {"remembered_items", "schema_migration"}  # what the migrations make again, and note


def test_they_go_down_and_up_again_with_rows_and_leave_the_same_schema(chat):
    chat.leave(2, 3)
    chat.check()
    match_decisions.mark_guest(Account.get(Account.person == chat.people[6]), chat.by)
    people.edit(chat.people[4], chat.by, emails=["new@acme.example"])
    Person.update(employee_number="E7", last_day=date(2030, 1, 1)).where(Person.id == chat.people[5].id).execute()
    App.update(read_in=None).execute()  # each reading notes it again
    before, rows_before = schema(), rows()
    assert all(rows_before[table] for table in ("account", "app", "change", "match_decision", "person", "person_email"))
    runner = Runner(db, str(MIGRATIONS))
    first = next(row.name for row in runner.status() if row.name >= FIRST)
    down = runner.down(first)
    assert down == sorted(down, reverse=True) and down[-1] == first
    assert schema() != before
    assert sorted(runner.up()) == sorted(down)
    assert schema() == before and rows() == rows_before
    account = Account.get(Account.person == chat.people[5])
    Account.update(name="Renamed").where(Account.id == account.id).execute()
    assert Account.get_by_id(account.id).version == account.version + 1


def rows() -> dict[str, list[dict]]:
    """By table, without the count of versions, which begins again."""
    found = {}
    for table in sorted({model._meta.table_name for model in Base.__subclasses__()} - MADE):
        cursor = db.execute_sql(f'SELECT * FROM "{table}" ORDER BY 1')
        names = [column[0] for column in cursor.description]
        found[table] = [{name: value for name, value in zip(names, row) if name != "version"}
                        for row in cursor.fetchall()]  # fmt: skip
    return found


def schema() -> set[tuple]:
    """Columns, indexes, triggers and their functions, keys and other rules; without the order of columns."""
    if not database.on_server():
        columns = {(table, *column[:4]) for table in db.get_tables() for column in db.get_columns(table)}
        return columns | set(db.execute_sql("SELECT name, sql FROM sqlite_master WHERE type IN ('index', 'trigger')"))
    return {tuple(row) for question in ON_SERVER for row in db.connection().execute(question).fetchall()}


ON_SERVER = (
    """SELECT table_name, column_name, data_type, collation_name, is_nullable, column_default
       FROM information_schema.columns WHERE table_schema = 'public'""",
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
    """SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
       AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = pg_proc.oid AND d.deptype = 'e')""",
)
