"""How long a conversation with a server may last."""

from __future__ import annotations

import pytest

from connectors import time_limit as limits
from connectors.time_limit import check_time, time_limit


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: now[0])
    return now


def test_a_part_ends_with_the_whole_at_the_latest(clock):
    with time_limit(10) as whole:
        clock[0] = 7
        with time_limit(60) as part:
            assert part.seconds == 3 and str(part) == "within 3 seconds"
            clock[0] = 9.9
            check_time()
            clock[0] = 10
            with pytest.raises(TimeoutError):
                check_time()
        assert whole.over


def test_a_part_may_end_before_the_whole(clock):
    with time_limit(10) as whole:
        with time_limit(2) as part:
            clock[0] = 2
            assert part.over and not whole.over
        check_time()
    clock[0] = 99
    check_time()
