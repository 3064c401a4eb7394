"""What an app answered at its last whole reading, so that the next one need not send again what didn't change.
Stored with the reading and applied with it: a check that fails stores nothing new. Each answer is read in full once a
week, a seventh of them each day, because an app limits such calls."""

from __future__ import annotations

import zlib

from connectors.memory import Kept
from sync.db import db, utcnow
from sync.models import App
from sync.staging import tables
from sync.staging.check import READ_ANSWER

LARGEST = 1_000_000  # bytes of one answer, packed
MOST = 50_000_000  # of all of an app's
ALL_READ_EVERY = 7  # days


class AnswersOf:
    """The Memory of one app's connector, for one reading."""

    def __init__(self, app: App):
        self.app, self.size = app, 0
        self._day = utcnow().toordinal()
        tables.create(READ_ANSWER)

    def _kept_as(self, key: str) -> str:
        """The stored key: an answer is recalled only in the week in which the app sent it in full. That week begins on
        a day that depends on the key."""
        return f"{(self._day + zlib.crc32(key.encode())) // ALL_READ_EVERY} {key}"

    def recall(self, key: str) -> Kept | None:
        row = db.execute_sql(
            "SELECT etag, link, body FROM remembered_answer WHERE app_id = ? AND key = ?",
            (self.app.id, self._kept_as(key)),
        ).fetchone()
        return Kept(row[0], row[1], zlib.decompress(row[2])) if row else None

    def keep(self, key: str, answer: Kept) -> None:
        packed = zlib.compress(answer.body, 1)
        if len(packed) > LARGEST or self.size + len(packed) > MOST:
            return
        self.size += len(packed)
        db.execute_sql(
            "INSERT INTO read_answer VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE "
            "SET etag = excluded.etag, link = excluded.link, body = excluded.body",
            (self._kept_as(key), answer.etag, answer.link, packed),
        )

    def save(self, app: App) -> None:
        """Keep the answers of this reading, unless the app (as it is now) has got another credential since it began.

        Inside the transaction that applies the reading; only answers that differ are written.
        """
        if not app.is_reached_as(self.app):
            return
        db.execute_sql(
            "DELETE FROM remembered_answer WHERE app_id = ? AND NOT EXISTS (SELECT 1 FROM read_answer r "
            "WHERE r.key = remembered_answer.key AND r.etag = remembered_answer.etag "
            "AND r.link = remembered_answer.link AND r.body = remembered_answer.body)",
            (self.app.id,),
        )
        db.execute_sql(
            "INSERT INTO remembered_answer (app_id, key, etag, link, body) "
            "SELECT ?, key, etag, link, body FROM read_answer WHERE true ON CONFLICT DO NOTHING",
            (self.app.id,),
        )


def clear(app: App) -> None:
    """Delete this app's answers, because another credential may see other values."""
    db.execute_sql("DELETE FROM remembered_answer WHERE app_id = ?", (app.id,))
