"""Columns that come as one text each are the rows, whatever these hold; where that isn't certain, nothing is read."""

from __future__ import annotations

import random

from sync.checks import known_columns
from sync.db import db
from sync.models import Account

NAMES = ("id", "external_id", "email", "name", "seat", "last_activity", "user_name", "employee_number",
         "further_roles", "missing_fields", "defaulted_fields", "version")  # fmt: skip
WORDS = ("", "", "a", "bo", "a,b", "\n", "ü 🙂", "'", "1")
ODD = (*WORDS, known_columns.BETWEEN, f"a{known_columns.BETWEEN}", f"{known_columns.BETWEEN}b")
TIMES = (None, "2026-11-01 00:00:00", "2026-11-01 08:00:00.250000")


def as_rows(names: tuple[str, ...]) -> list[tuple]:
    times = [f"CAST({name} AS TEXT)" if name == "last_activity" else name for name in names]
    return db.execute_sql(f"SELECT {', '.join(times)} FROM account").fetchall()


def as_columns(names: tuple[str, ...]) -> list[known_columns.Column] | None:
    return known_columns.given(names, db.execute_sql(f"SELECT {known_columns.asked(names)} FROM account").fetchone())


def test_the_columns_are_the_rows_or_are_not_read(listed):
    chance, read = random.Random(7), 0
    for turn in range(300):
        texts = chance.choice((WORDS, WORDS[2:], ODD))
        Account.delete().execute()
        for number in range(chance.choice((0, 1, 2, 3))):
            maybe = (*texts, None, None)
            Account.create(
                app=listed.app, external_id=f"{number}{chance.choice(WORDS)}", email=chance.choice(texts), email_key="",
                name=chance.choice(texts), seat=chance.choice(texts), status="active", role="", kind="user",
                last_activity=chance.choice(TIMES), user_name=chance.choice(maybe),
                employee_number=chance.choice(maybe), further_roles=chance.choice((None, "[]", '["x"]')),
                missing_fields=chance.choice((None, 0, 5)), defaulted_fields=chance.choice((0, 3)),
                version=chance.choice((0, 12)))  # fmt: skip
        names = tuple(chance.sample(NAMES, chance.choice((1, 2, len(NAMES)))))
        columns, rows = as_columns(names), as_rows(names)
        if columns is not None:
            read += 1
            assert sorted(zip(*columns), key=repr) == sorted(rows, key=repr), (turn, names)
        elif texts is not ODD:
            assert any(None in values and "" in values for values in zip(*rows)), (turn, names)
    assert read > 150
