"""kill -9 at every step of operations on members, then a start: everything requested is done once, and nothing else.
The steps and the stage are those of test_kill.py."""

from __future__ import annotations

from sync.models import Access, Account
from tests.faults.test_kill import rehearse  # noqa: F401
from tests.sync.fixtures import email

DONE = {
    "change role": lambda state: state["accounts"][email(1)][1] == "admin",
    "remove": lambda state: state["accounts"][email(2)][0] == "gone",
    "grant": lambda state: _access(state, 3),
    "revoke": lambda state: not _access(state, 4),
    "invite": lambda state: ["new@acme.example", "invited"] in state["invitations"],
}
IDS: dict[int, int] = {}


def _access(state: dict, number: int) -> bool:
    return any(row[0] == IDS[number] for row in state["access"])


def test_acts_on_members_survive_kill_9_at_every_step(chat, rehearse) -> None:  # noqa: F811
    general = chat.store.add_channel("general", via="page")
    chat.store.join(general, chat.id_of(4), "member", via="page")
    chat.check()
    IDS.update({number: Account.get(Account.email == email(number)).id for number in (3, 4)})
    assert Access.select().count() == 1
    stage = rehearse()
    for fatal, killed in stage.deaths("operate"):
        after = stage.order("recover").state
        asked = {operation for operation, _ in after["operations"]}
        assert not killed.promised or asked == DONE.keys(), f"step {fatal}: a promise was lost"
        _assert_done(after, chat, asked, fatal)
    _assert_done(stage.whole.state, chat, set(DONE), 0)


def _assert_done(state: dict, chat, asked: set[str], fatal: int) -> None:
    where = f"killed at step {fatal}"
    assert sorted(state["operations"]) == sorted([operation, "done"] for operation in asked), where
    for operation, is_done in DONE.items():
        assert is_done(state) == (operation in asked), f"{where}: {operation}"
    log = [entry["act"] for entry in chat.log(via="api")]
    happens = {"change role": "role changed", "remove": "removed", "revoke": "left channel", "invite": "invited"}
    for operation, word in happens.items():
        assert log.count(word) == (operation in asked), f"{where}: {operation}, {log}"
    roles = {member["email"]: member["role"] for member in chat.members()}
    assert (roles[email(1)] == "admin") == ("change role" in asked), where
    assert [kind for kind, _ in state["mails"]].count("invitation") == ("invite" in asked), where
    assert state["activity"], where
