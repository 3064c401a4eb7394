"""Conditional requests (RFC 9110, 13): the app doesn't send an unchanged answer again.
The connector's caller keeps earlier answers in its Memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from urllib.parse import urlencode

from connectors.base import TemporarilyUnavailable
from connectors.memory import Kept, Memory
from connectors.tools.answers import Answer
from connectors.tools.http import Http


def get(
    http: Http, path: str, params: Mapping[str, str] | None, memory: Memory | None, *, afresh: bool = False
) -> Answer:
    """A GET that returns the earlier answer where the app answers 304. `afresh` sends it without a condition.

    Raises the four ConnectorErrors, as Http.get does.
    """
    key = hashlib.sha256(f"{path}?{urlencode(params or {})}".encode()).hexdigest()
    known = memory.recall(key) if memory is not None and not afresh else None
    answer = http.get(path, params, headers={"If-None-Match": known.etag} if known else None)
    if answer.status == 304:
        if known is None:
            raise TemporarilyUnavailable(f"{answer.asked} answered that nothing has changed since the last reading, "
                                         "but Rollcall didn't ask that.")  # fmt: skip
        headers = {**answer.headers, "Link": answer.headers.get("Link", known.link)}
        answer = Answer(200, type(answer.headers)(headers), known.body, answer.url, answer.asked)
    if memory is not None and answer.status == 200 and (etag := answer.headers.get("ETag") or (known and known.etag)):
        memory.keep(key, Kept(etag, answer.headers.get("Link", ""), answer.body))
    return answer
