"""After each test of the core, whatever it was about: each entry of Activity names who did it, to what, and where."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from peewee import ModelSelect

from sync.db import connected, db
from sync.models import Activity
from sync.prepared import prepared_plain

OF_APP = (
    "accepted leaver", "accepted missing fields", "accepted that nobody manages it", "cancelled invitation",
    "changed matching by user name", "check succeeded", "check failed", "check cancelled", "closed report",
    "compared last reading", "confirmed removal", "dismissed report", "ended acceptance", "finished sync",
    "handed over", "invitation expired", "invited", "invited again", "left out", "lifted protection", "matched account",
    "onboarded", "protected account", "released mass change", "released mass removal", "released updates",
    "reminded of invitation", "removed from the app", "role changed in the app", "invited to the app",
    "granted access in the app", "revoked access in the app", "took back leaving out",
)  # fmt: skip
OF_REPORT = ("check succeeded", "closed report", "dismissed report", "finished sync", "released mass change",
             "released updates")  # fmt: skip


@pytest.fixture(autouse=True)
def entries_are_whole(request: pytest.FixtureRequest) -> Iterator[None]:
    if "home" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("home")  # so that it is still open when this looks
    yield
    if not db.is_closed():
        assert_entries_are_whole()


def assert_entries_are_whole() -> None:
    with connected():
        assert not _not_whole(), "an entry of Activity without who, what, app or report"


@prepared_plain
def _not_whole() -> ModelSelect:
    return Activity.select(Activity.who, Activity.what, Activity.about, Activity.app, Activity.report).where(
        (Activity.who == "") | (Activity.who == "None") | (Activity.what == "")
        | (Activity.what << OF_APP) & Activity.app.is_null()
        | (Activity.what << OF_REPORT) & Activity.report.is_null())  # fmt: skip
