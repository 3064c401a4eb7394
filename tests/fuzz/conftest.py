"""How the tests of this folder look for inputs that break something: in CI a few, the same each time, within seconds;
`make fuzz` many, new ones each time, for as many minutes as it is given."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.connectors.described import METHODS, Anything
from tests.connectors.fake import Fact, Request
from tests.web.conftest import no_failures_before as no_failures_before
from tests.web.conftest import okta as okta
from tests.web.conftest import site as site

SHORT, LONG = "short", "long"
BACKSTOP = {SHORT: 900, LONG: 1800}  # seconds for one test, should something not end

_common = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("rollcall-fuzz-short", derandomize=True, max_examples=40, **_common)
settings.register_profile("rollcall-fuzz-long", derandomize=False, max_examples=3000, **_common)
PROFILE = os.environ.get("FUZZ_PROFILE", SHORT)


class Everywhere(Anything):
    """Answers at every address."""

    def _fact(self, request: Request) -> tuple[Fact, dict[str, str]]:
        open_to_all = super()._fact(Request(METHODS[0], "/a", {}, {}, {}, None))
        return open_to_all[0], {}


@pytest.fixture
def anything() -> Iterator[Everywhere]:
    app = Everywhere()
    app.start()
    yield app
    app.stop()


@pytest.fixture(autouse=True)
def ends() -> Iterator[None]:
    """No fuzzed call may run for ever."""

    def give_up(*_: object) -> None:
        raise AssertionError(f"not done after {BACKSTOP[PROFILE]} seconds")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(BACKSTOP[PROFILE])
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
