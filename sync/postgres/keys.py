"""Keys of names and addresses that only Python can make, kept in a table so that statements can ask for them.
A statement that asks for a missing one fails: then the missing ones are made, and the statement is run again."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

MISSING = "RK001"  # the SQLSTATE with which a function says that it has no key of a text; the text is its detail
MOST_TRIES = 100
TABLE = """
CREATE TABLE text_key (function TEXT COLLATE "C" NOT NULL, given TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL);
CREATE INDEX text_key_given ON text_key USING hash (given);
"""
# What each function may be asked for in bulk. Other texts are learned one by one.
_TEXTS = {
    "name_key": ("SELECT name FROM person", "SELECT name FROM directory_entry", "SELECT name FROM directory_address",
                 "SELECT name FROM pg_temp.read_person"),
    "email_key": ("SELECT email FROM directory_entry",
                  "SELECT a.user_name || '@' || x.match_domain FROM app x JOIN account a ON a.app_id = x.id "
                  "WHERE x.match_domain IS NOT NULL AND a.user_name IS NOT NULL"),
}  # fmt: skip
NAMES = tuple(_TEXTS)
_made_by: dict[str, Callable[[str], str]] = {}


def register(name: str, make: Callable[[str], str]) -> None:
    """The key of a text, by the name that the function has in SQL."""
    _made_by[name] = make


def function(name: str) -> str:
    """The statement that creates the function with this name."""
    return f"""
        CREATE FUNCTION {name}(asked TEXT) RETURNS TEXT LANGUAGE plpgsql STABLE AS $$
        DECLARE known TEXT;
        BEGIN
            IF asked IS NULL THEN RETURN ''; END IF;
            SELECT k.key INTO known FROM text_key k
                WHERE k.given = asked COLLATE "C" AND k.function = '{name}' LIMIT 1;
            IF known IS NULL THEN RAISE EXCEPTION '{name}' USING ERRCODE = '{MISSING}', DETAIL = asked; END IF;
            RETURN known;
        END $$;
    """


def asked_in(sql: str) -> bool:
    """Whether the statement calls one of these functions."""
    return any(f"{name}(" in sql for name in NAMES)


def unused(name: str) -> str:
    """The statement that deletes this function's keys of texts that no row has. Another one may ask for them again."""
    kept = " UNION ".join(texts for texts in _TEXTS[name] if "pg_temp" not in texts)
    return (f"DELETE FROM text_key k WHERE k.function = '{name}' AND NOT EXISTS ("
            f"SELECT 1 FROM ({kept}) AS texts (given) WHERE texts.given = k.given)")


def with_keys(connection: psycopg.Connection, run: Callable[[], psycopg.Cursor]) -> psycopg.Cursor:
    """The result of `run`, which executes a statement that asks for keys; it is run again while some are missing."""
    for _ in range(MOST_TRIES):
        try:
            with connection.transaction():
                return run()
        except Exception as problem:
            missing = problem if isinstance(problem, psycopg.Error) else problem.__cause__ or problem.__context__
            if getattr(missing, "sqlstate", None) != MISSING:
                raise
            _learn(connection, missing.diag.message_primary, missing.diag.message_detail)
    return run()


def _learn(connection: psycopg.Connection, name: str, text: str) -> None:
    [staged] = connection.execute("SELECT to_regclass('pg_temp.read_person')").fetchone()
    sources = [texts for texts in _TEXTS[name] if staged or "pg_temp" not in texts]
    unknown = connection.execute(
        f"SELECT given FROM ({' UNION '.join(sources)} UNION SELECT %s) AS texts (given) WHERE given IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM text_key k WHERE k.given = texts.given AND k.function = %s)", (text, name))
    made = [(name, given, _made_by[name](given)) for (given,) in unknown]
    with connection.cursor().copy("COPY text_key (function, given, key) FROM STDIN") as copy:
        for row in made:
            copy.write_row(row)
