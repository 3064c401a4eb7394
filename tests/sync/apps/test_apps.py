"""What an Owner decides about an app is one decision: all of it happens, or nothing."""

from __future__ import annotations

import pytest

from sync.apps import apps
from sync.models import Activity, App
from sync.problems import AppProblem


def test_a_policy_that_cant_be_changes_nothing(chat):
    before, entries = App.get_by_id(chat.app.id), Activity.select().count()
    with pytest.raises(AppProblem):
        apps.set_policy(chat.app, "never", {"removed user": (1, 5)}, chat.by)
    after = App.get_by_id(chat.app.id)
    assert (after.guard_accounts, after.removal_approval) == (before.guard_accounts, before.removal_approval)
    assert Activity.select().count() == entries
