"""Requests that wait for a server of someone else. A few at once may, so that threads are left for pages and for other
people's servers, however long one of them keeps its answer back."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps

from web.security import signed_in_person

AT_ONCE, OF_PERSON = 4, 2  # of a process, which has twice as many threads (cli/pages.py)

_waiting: Counter[int] = Counter()  # requests, by a person's id
_lock = threading.Lock()


class TooManyWait(Exception):
    """So many requests wait that this one was not carried out."""


def waits_for_a_server(view: Callable) -> Callable:
    """Decorates a view that may wait for minutes. All its other decorators are above this one."""

    @wraps(view)
    def patient(*args, **values):
        with place(signed_in_person().id):
            return view(*args, **values)

    patient.waits_for_a_server = True
    return patient


@contextmanager
def place(person_id: int) -> Iterator[None]:
    """In this block, a request of this person may wait. Raises TooManyWait."""
    with _lock:
        if _waiting.total() >= AT_ONCE or _waiting[person_id] >= OF_PERSON:
            raise TooManyWait
        _waiting[person_id] += 1
    try:
        yield
    finally:
        with _lock:
            _waiting[person_id] -= 1
            if not _waiting[person_id]:
                del _waiting[person_id]
