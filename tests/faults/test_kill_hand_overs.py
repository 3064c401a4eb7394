"""kill -9 at every step of an approval that hands a channel over before its only manager is removed, then a start.
The steps and the stage are those of test_kill.py: at no death is the channel without a manager in the app."""

from __future__ import annotations

import pytest

from tests.faults.test_kill import rehearse  # noqa: F401
from tests.sync.fixtures import email

LEAVER, SUCCESSOR, OTHER_LEAVER = email(1), email(2), email(3)


@pytest.fixture
def stage(chat, rehearse):  # noqa: F811
    """Person 1 alone manages marketing, persons 1 and 3 have left."""
    chat.store.join(chat.store.add_channel("marketing", "page"), chat.id_of(1), "manager", "page")
    chat.check()
    chat.leave(1, 3)
    chat.check()
    return rehearse()


def test_a_hand_over_survives_kill_9_at_every_step(chat, stage) -> None:
    for fatal, killed in stage.deaths("hand over", LEAVER, SUCCESSOR):
        where = f"killed at step {fatal}"
        assert managers(chat), f"{where}: nobody manages the channel"
        after = stage.order("recover").state
        if not killed.promised and after["reports"][-1][1] == "open":
            assert (after["acts"], after["hand_overs"], chat.log(via="api")) == ([], [], []), f"{where}: half approved"
            after = stage.order("hand over", LEAVER, SUCCESSOR).state
        _assert_done(after, chat, where)
    _assert_done(stage.whole.state, chat, "not killed")


def test_after_any_death_the_removal_waits_for_a_grant_that_the_app_refuses(chat, stage) -> None:
    """From the death on the app grants nothing: who has no successor yet keeps the account."""
    waited = 0
    for fatal, killed in stage.deaths("hand over", LEAVER, SUCCESSOR):
        handed_over = SUCCESSOR in managers(chat)
        chat.fault("forbidden", on="/channels/", method="PUT")
        after = stage.order("recover").state
        chat.clear()
        where = f"killed at step {fatal}"
        if not killed.promised and after["reports"][-1][1] == "open":
            continue
        assert managers(chat), f"{where}: nobody manages the channel"
        if not handed_over:
            waited += 1
            assert ["remove", "needs attention"] in after["acts"], where
            assert chat.removed() == [OTHER_LEAVER] and managers(chat) == {LEAVER}, where
    assert waited, "no death was between the approval and the grant"


def managers(chat) -> set[str]:
    with chat.store.reading() as db:
        found = db.execute("SELECT m.email FROM channel_member c JOIN member m ON m.id = c.member "
                           "WHERE c.role = 'manager'").fetchall()  # fmt: skip
    return {row["email"] for row in found}


def _assert_done(state: dict, chat, where: str) -> None:
    assert state["acts"] == [["grant", "done"], ["remove", "done"], ["remove", "done"]], where
    assert sorted(chat.removed()) == [LEAVER, OTHER_LEAVER] and managers(chat) == {SUCCESSOR}, where
    log = [(entry["act"], entry["name"]) for entry in reversed(chat.log(via="api"))]
    assert log.count(("removed", LEAVER)) == log.count(("joined channel", SUCCESSOR)) == 1, where
    assert log.index(("joined channel", SUCCESSOR)) < log.index(("removed", LEAVER)), f"{where}: removed too early"
    assert len(state["hand_overs"]) == 1, where
    assert state["reports"][-1][1] == "applied" and state["activity"], where
    assert [kind for kind, _ in state["mails"]].count("outcome") == 1, where
