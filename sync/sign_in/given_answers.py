"""The answer to the last form that a browser sent without scripts, kept for ten seconds: the second request of a double
click gets it again. Sealed, since a page may show a secret once; one a session."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from sync import vault
from sync.db import utcnow, writing
from sync.jobs import queue
from sync.models import GivenAnswer, Session

LASTS = timedelta(seconds=10)


def keep(session: Session, request_hash: str, answer: dict) -> None:
    """Keep an answer, which must be JSON, unless the session has ended: nobody is given it again. The earlier one of
    this session is deleted."""
    values = {"request_hash": request_hash, "sealed": vault.seal({"answer": json.dumps(answer)}),
              "ends_at": utcnow() + LASTS}  # fmt: skip
    with writing():
        GivenAnswer.delete().where(GivenAnswer.session == session.id).execute()
        if Session.select().where(Session.id == session.id).exists():
            GivenAnswer.create(session=session.id, **values)


def of(session: Session, request_hash: str) -> dict | None:
    """The answer that this very request of this session got a moment ago, or None."""
    row = GivenAnswer.get_or_none(
        GivenAnswer.session == session.id, GivenAnswer.request_hash == request_hash, GivenAnswer.ends_at > utcnow())
    return json.loads(vault.unseal(row.sealed)["answer"]) if row else None


@queue.each_minute
def delete_expired(now: datetime) -> None:
    with writing():
        GivenAnswer.delete().where(GivenAnswer.ends_at < now).execute()
