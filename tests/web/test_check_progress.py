"""What the page of a check offers next, by how the check ended and what the app is now."""

from __future__ import annotations

import pytest

from sync.db import utcnow
from sync.models import App, Check
from web.checks import progress_of


@pytest.fixture
def app(chat) -> App:
    """Its newest check failed."""
    App.update(error="The token was rejected.", failure="credential", failures=1, failed_at=utcnow()).execute()
    return App.get()


@pytest.fixture
def of(site, app):
    def of(**values: object):
        check = Check.create(app=app, advice="Look at its server.", finished_at=utcnow(), **values)
        with site.test_request_context():
            return progress_of(app, check)

    return of


def test_a_check_that_succeeded_says_nothing_of_what_is_unchanged(of):
    shown = of(state="succeeded", accounts=3)
    assert shown.found == "3 members read. No changes." and not (shown.unchanged or shown.fixes or shown.cancel)
    assert not shown.may_check_again


def test_a_check_that_failed_shows_the_advice_and_what_fixes_it(of):
    shown = of(state="failed")
    assert "Nothing was changed." in shown.unchanged and "Look at its server." in shown.unchanged
    assert shown.fixes and shown.may_check_again and not shown.cancel


def test_a_check_that_was_cancelled_has_nothing_to_fix(of):
    shown = of(state="cancelled")
    assert "Nothing was changed." in shown.unchanged and "Look at its server." not in shown.unchanged
    assert not shown.fixes and shown.may_check_again


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_paused_app_is_not_checked_again(of, app, state):
    app.state = "paused"
    assert not of(state=state).may_check_again


@pytest.mark.parametrize("asked", [False, True])
def test_a_check_is_cancelled_once(of, asked):
    shown = of(state="running", cancel_asked=asked)
    assert bool(shown.cancel) is not asked and not shown.found and not shown.unchanged
    assert (shown.phase == "Stopping…") is asked


def test_a_check_that_runs_again_says_what_it_does_and_not_why_it_waited(of):
    assert "The next attempt is" in of(state="queued", error="No answer.", next_at=utcnow()).phase
    Check.update(state="failed").execute()
    assert of(state="running", error="No answer.", phase="comparing").phase == "Comparing with the last check…"
