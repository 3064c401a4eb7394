"""The browser's fixtures, for every journey, and the servers that some of them need."""

import os
from collections.abc import Iterator

import pytest

from tests.journeys import looks
from tests.journeys.browser import FAILED, chromium, live, tabs, visit  # noqa: F401
from tests.real.oidc_server import oidc_server  # noqa: F401
from tests.real.scim_app import scim_app, scim_server  # noqa: F401
from tests.real.slapd import large_slapd, slapd  # noqa: F401
from tests.real.smtp import smtp, smtp_signed_in, smtp_starttls  # noqa: F401


@pytest.fixture(scope="session", autouse=True)
def shared_looks(tmp_path_factory: pytest.TempPathFactory) -> None:
    own = tmp_path_factory.getbasetemp()
    looks.met.share((own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "looks")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report
