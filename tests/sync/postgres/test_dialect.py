"""The few words that PostgreSQL names differently are replaced, and nothing in quotes is touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.postgres.dialect import numbered, translated

TEXTS = st.text(alphabet="abc'\"?:%- INTEGER json_array(CROSS JOIN x ON y AND +z.rowid", max_size=60)


@pytest.mark.parametrize(("written", "sent"), [
    ("SELECT 1 WHERE a = ? AND b = ?", "SELECT 1 WHERE a = %s AND b = %s"),
    ("SELECT ?1, ?2, ?1", "SELECT %(p1)s, %(p2)s, %(p1)s"),
    ("WHERE a = :app_id AND b = :b", "WHERE a = %(app_id)s AND b = %(b)s"),
    ("SELECT a::text, %s", "SELECT a::text, %s"),
    ("SELECT 5 % 3", "SELECT 5 %% 3"),
    ("FROM a CROSS JOIN b x ON x.id = a.id", "FROM a JOIN b x ON x.id = a.id"),
    ("FROM a CROSS JOIN b AS x\n ON x.id = a.id", "FROM a JOIN b AS x\n ON x.id = a.id"),
    ("FROM a CROSS JOIN b", "FROM a CROSS JOIN b"),
    ("FROM a CROSS JOIN json_each(x) h", "FROM a CROSS JOIN json_each(x) h"),
    ("WHERE a AND +b.id = 1 AND 3 + 4", "WHERE a AND b.id = 1 AND 3 + 4"),
    ("SELECT json_array(1), json_object('a', 2)", "SELECT jsonb_build_array(1), jsonb_build_object('a', 2)"),
    ("SELECT group_concat(a, ', ')", "SELECT string_agg(a, ', ')"),
    ("SELECT w.rowid, rowid", "SELECT w.ctid, rowid"),
    ("CAST(value AS INTEGER)", "CAST(value AS BIGINT)"),
    ("CREATE TEMP TABLE x (a TEXT, b INT, c BLOB, PRIMARY KEY (a)) WITHOUT ROWID",
     'CREATE TEMP TABLE x (a TEXT COLLATE "C", b BIGINT, c BYTEA, PRIMARY KEY (a))'),
    ('CREATE TABLE "x" ("a" VARCHAR(255) NOT NULL, "b" BOOLEAN NOT NULL DEFAULT 0)',
     'CREATE TABLE "x" ("a" TEXT COLLATE "C" NOT NULL, "b" BOOLEAN NOT NULL DEFAULT FALSE)'),
    ('ALTER TABLE "x" ADD COLUMN "a" VARCHAR(255)', 'ALTER TABLE "x" ADD COLUMN "a" TEXT COLLATE "C"'),
    ("CREATE TABLE x (a INT NOT NULL DEFAULT 0)", "CREATE TABLE x (a BIGINT NOT NULL DEFAULT 0)"),
    ("SELECT CAST(a AS TEXT) -- INTEGER? it's\nWHERE b = ?", "SELECT CAST(a AS TEXT) -- INTEGER? it's\nWHERE b = %s"),
])  # fmt: skip
def test_a_statement_for_both_databases_becomes_one_of_postgresql(written, sent):
    assert translated(written) == sent


@given(TEXTS)
def test_text_in_quotes_is_never_changed(text):
    quoted = "'" + text.replace("'", "''") + "'"
    assert translated(f"SELECT {quoted}, ?") == f"SELECT {quoted.replace('%', '%%')}, %s"


@given(TEXTS)
def test_a_quoted_name_is_never_changed(text):
    quoted = '"' + text.replace('"', '""') + '"'
    assert translated(f"SELECT {quoted} FROM x WHERE y = :y") == (
        f"SELECT {quoted.replace('%', '%%')} FROM x WHERE y = %(y)s"
    )


@given(TEXTS)
def test_a_column_with_a_default_in_quotes_is_never_changed(text):
    quoted = "'" + text.replace("'", "''") + "'"
    made = translated(f"CREATE TEMP TABLE x (a TEXT DEFAULT {quoted})")
    assert made == f'CREATE TEMP TABLE x (a TEXT COLLATE "C" DEFAULT {quoted.replace("%", "%%")})'


def test_values_by_number_have_the_names_that_the_statement_asks_for():
    assert numbered(("a", 2)) == {"p1": "a", "p2": 2}
