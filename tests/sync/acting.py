"""Operations on members of the sample chat, planned and carried out as the pages do it; shared by several tests."""

from __future__ import annotations

from sync.models import Account, Asset
from sync.tasks import by_hand
from sync.tasks import progress as task_progress
from tests.sync.fixtures import Chat, after, email


def account(number: int) -> Account:
    """In the first app that this person has an account in."""
    return Account.select().where(Account.email == email(number)).order_by(Account.id).get()


def ids(*numbers: int) -> list[int]:
    return [account(number).id for number in numbers]


def change_role(chat, role: str, *numbers: int) -> by_hand.Done:
    wanted = ids(*numbers)
    plan = by_hand.plan_roles(chat.app, wanted, role)
    return by_hand.carry_out(lambda: by_hand.plan_roles(chat.app, wanted, role), chat.by, plan.seen)


def remove(chat, *numbers: int, reason: str = "Moved on", **more) -> by_hand.Done:
    wanted = ids(*numbers)
    plan = by_hand.plan_removals(chat.app, wanted)
    return by_hand.carry_out(
        lambda: by_hand.plan_removals(chat.app, wanted), chat.by, plan.seen, reason=reason, **more
    )


def words(number: int) -> str:
    return task_progress.state_of(account(number)).word


def add_general(chat: Chat) -> None:
    general = chat.store.add_channel("general", via="page")
    chat.store.join(general, chat.id_of(1), "manager", via="page")
    chat.store.join(general, chat.id_of(2), "member", via="page")
    chat.check()


@after(add_general)
def channel(chat: Chat) -> Asset:
    """A channel that person 1 alone manages and person 2 is in."""
    return Asset.get(Asset.app == chat.app, Asset.name == "general")


def grant(chat, asset: Asset, role: str, *numbers: int) -> by_hand.Done:
    def plan():
        return by_hand.plan_grants(chat.app, ids(*numbers), [asset.id], role)

    return by_hand.carry_out(plan, chat.by, plan().seen)


def revoke(chat, asset: Asset, *numbers: int) -> by_hand.Done:
    def plan():
        return by_hand.plan_revocations(chat.app, [(id, asset.id) for id in ids(*numbers)])

    return by_hand.carry_out(plan, chat.by, plan().seen)
