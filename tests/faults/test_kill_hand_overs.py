"""kill -9 at every step of an approval that hands a channel over before its only manager is removed, then a start.
The steps and the stage are those of test_kill.py: at no death is the channel without a manager in the app."""

from __future__ import annotations

import pytest

from tests.faults.test_kill import rehearse  # noqa: F401
from tests.sync.fixtures import email

LEAVER, SUCCESSOR, OTHER_LEAVER = email(1), email(2), email(3)
APPROVED = (LEAVER, SUCCESSOR)


@pytest.fixture
def stage(chat, rehearse):  # noqa: F811
    """Person 1 alone manages marketing, persons 1 and 3 have left."""
    chat.store.join(chat.store.add_channel("marketing", "page"), chat.id_of(1), "manager", "page")
    chat.check()
    chat.leave(1, 3)
    chat.check()
    return rehearse()


def test_a_hand_over_survives_kill_9_at_every_step(chat, stage) -> None:
    waited = 0
    for fatal, killed in stage.deaths("hand over", *APPROVED):
        where = f"killed at step {fatal}"
        assert managers(chat), f"{where}: nobody manages the channel"
        if killed.promised and SUCCESSOR not in managers(chat):
            _assert_it_waits(stage, chat, where)
            waited += 1
            stage.begin()
            stage.order("hand over", *APPROVED, fatal=fatal)
        after = stage.order("recover").state
        if not killed.promised and after["reports"][-1][1] == "open":
            assert (after["operations"], after["hand_overs"], chat.log()) == ([], [], []), f"{where}: half approved"
            after = stage.order("hand over", *APPROVED).state
        _assert_done(after, chat, where)
    _assert_done(stage.whole.state, chat, "not killed")
    assert waited, "no death was between the approval and the grant"


def _assert_it_waits(stage, chat, where: str) -> None:
    """From the death on, the app grants nothing: the leaver, who has no successor yet, keeps the account."""
    chat.fault("forbidden", on="/channels/", method="PUT")
    after = stage.order("recover").state
    chat.clear()
    expected = [["grant", "needs attention"], ["remove", "done"], ["remove", "needs attention"]]
    assert after["operations"] == expected, where
    assert chat.removed() == [OTHER_LEAVER] and managers(chat) == {LEAVER}, where


def managers(chat) -> set[str]:
    with chat.store.reading() as db:
        found = db.execute("SELECT m.email FROM channel_member c JOIN member m ON m.id = c.member "
                           "WHERE c.role = 'manager'").fetchall()  # fmt: skip
    return {row["email"] for row in found}


def _assert_done(state: dict, chat, where: str) -> None:
    assert state["operations"] == [["grant", "done"], ["remove", "done"], ["remove", "done"]], where
    assert sorted(chat.removed()) == [LEAVER, OTHER_LEAVER] and managers(chat) == {SUCCESSOR}, where
    log = [(entry["act"], entry["name"]) for entry in chat.log()]
    # a grant sets a role: after a death between the app's answer and its note it is sent again, and changes nothing
    assert log.count(("joined channel", SUCCESSOR)) in (1, 2), where
    assert log.count(("removed", LEAVER)) == 1 and log[-1] == ("removed", LEAVER), f"{where}: removed too early"
    assert len(state["hand_overs"]) == 1, where
    assert state["reports"][-1][1] == "applied" and state["activity"], where
    assert [kind for kind, _ in state["mails"]].count("outcome") == 1, where
