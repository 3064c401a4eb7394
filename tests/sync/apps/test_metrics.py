"""Each check is counted once, when it has ended. The numbers are those that counting all of them gives."""

from __future__ import annotations

from sync.apps import metrics
from sync.models import App, Check
from sync.states import CheckState


def test_checks_are_counted_by_their_states_now(home):
    def agree() -> None:
        assert metrics._checks_by_state() == metrics._by_state(Check)

    def made(state: CheckState, of: str = "Slack") -> Check:
        check = Check.create(app=App.get(App.name == of), state=state)
        agree()
        return check

    app = App.create(connector="slack", name="Slack", category="x", state="active")
    agree()
    made(CheckState.FAILED)
    App.create(connector="slack", name="Second", category="x", state="active")
    first, second = made(CheckState.QUEUED), made(CheckState.RUNNING, "Second")
    made(CheckState.SUCCEEDED)
    for check, state in ((first, CheckState.RUNNING), (second, CheckState.QUEUED), (first, CheckState.CANCELLED),
                         (second, CheckState.SUCCEEDED)):  # fmt: skip
        Check.update(state=state).where(Check.id == check.id).execute()
        agree()
    app.delete_instance()
    agree()
    App.create(id=app.id, connector="slack", name="Slack", category="x", state="active")
    made(CheckState.FAILED)
