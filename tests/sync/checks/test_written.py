"""What a check writes about itself."""

from __future__ import annotations

from sync.db import utcnow
from sync.models import App


def test_a_check_has_its_start_and_its_end(chat):
    before = utcnow()
    check = chat.check()
    assert before <= check.started_at <= check.finished_at <= utcnow()
    assert App.get().last_check_at == check.finished_at
    assert (check.error, check.advice, check.warning, App.get().failures) == (None, None, None, 0)
