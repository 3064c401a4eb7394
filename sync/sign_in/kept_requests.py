"""What someone sent and has to confirm first, kept until they have: sealed, since a form may contain secrets.
One a session; deleted when it is continued, after a quarter of an hour, or with the session."""

from __future__ import annotations

import hmac
import json
import secrets
from datetime import datetime, timedelta

from sync import vault
from sync.db import connected, utcnow, writing
from sync.jobs import queue
from sync.models import KeptRequest, Session
from sync.sign_in.sessions import token_hash

LASTS = timedelta(minutes=15)


def keep(session: Session, request: dict) -> str:
    """Keep a request, which must be JSON, and return its token. The earlier request of this session is deleted."""
    token = secrets.token_urlsafe(24)
    values = {"token_hash": token_hash(token), "sealed": vault.seal({"request": json.dumps(request)}),
              "ends_at": utcnow() + LASTS}
    with writing():
        KeptRequest.delete().where(KeptRequest.session == session.id).execute()
        KeptRequest.create(session=session.id, **values)
    return token


def look(session: Session, token: str) -> dict | None:
    """The request that is kept for this session under this token, or None."""
    with connected():
        row = KeptRequest.get_or_none(KeptRequest.session == session.id, KeptRequest.ends_at > utcnow())
    if row is None or not hmac.compare_digest(row.token_hash, token_hash(token)):
        return None
    return json.loads(vault.unseal(row.sealed)["request"])


def take(session: Session, token: str) -> dict | None:
    """Like look(), but the request is deleted: of two calls at once, only one gets it."""
    found = look(session, token)
    with writing():
        mine = (KeptRequest.session == session.id) & (KeptRequest.token_hash == token_hash(token))
        return found if KeptRequest.delete().where(mine).execute() else None


@queue.each_minute
def delete_expired(now: datetime) -> None:
    """What nobody has confirmed in time: no secret that was typed stays longer, whether or not someone comes."""
    with writing():
        KeptRequest.delete().where(KeptRequest.ends_at < now).execute()
