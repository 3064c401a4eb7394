"""Everyone a filter finds is selected at once: the preview names each, the approval covers those and nobody else."""

from __future__ import annotations

import re

import pytest

from sync.models import Account, Activity, App, Task
from sync.safety import protection
from sync.tasks import by_hand
from tests.web.client import Client

MANY = 620  # more than a page, and more than were possible once


@pytest.fixture
def crowd(listed, site) -> App:
    for number in range(MANY):
        listed.add(f"m{number}", email=f"m{number}@elsewhere.example", name=f"Member {number:04}")
    listed.add("boss", email="boss@elsewhere.example", name="Boss")
    listed.check()
    app = App.get_by_id(listed.app.id)
    App.update(connector="listed-operations").where(App.id == app.id).execute()
    Account.update(protection_reason="Owns the billing").where(Account.external_id == "m7").execute()
    return App.get_by_id(app.id)


AMONG = "all=yes&among=tab%3Dunmatched%26search%3Dmember"


def field(text: str, name: str) -> str:
    return re.search(rf'name="{name}" value="([^"]*)"', text).group(1)


def test_all_that_a_filter_finds_are_removed_after_a_release(owner: Client, crowd: App) -> None:
    address = f"/apps/{crowd.id}/removals"
    held = owner.get(f"{address}/new?{AMONG}").text
    assert f"{MANY - 1} removals are held by a guard." in held and "Owns the billing" in held
    assert "Member 0619" in held and "Boss" not in held, "who they are, each by name"
    assert field(held, "among") == "tab=unmatched&amp;search=member" and 'name="account"' not in held
    shown = owner.get(f"{address}/new?{AMONG}&released={MANY - 1}").text
    assert shown.count('name="account"') == MANY and f"Remove {MANY - 1} accounts" in shown
    ids = re.findall(r'name="account" value="(\d+)"', shown)
    values = {"account": ids, "seen": field(shown, "seen"), "released": str(MANY - 1)}
    owner.post(address, **values)
    assert Task.select().where(Task.kind == "remove").count() == MANY - 1
    assert Activity.select().where(Activity.what == "confirmed removal").count() == MANY - 1
    assert Account.get(Account.external_id == "m7").state == Account.get(Account.name == "Boss").state == "present"
    owner.post(address, **values)
    assert Task.select().where(Task.kind == "remove").count() == MANY - 1, "nothing is done twice"


def test_an_account_changed_since_the_preview_needs_another_approval(owner: Client, crowd: App) -> None:
    ids = [row.id for row in Account.select(Account.id).where(Account.app == crowd, Account.name != "Boss")]
    plan = by_hand.plan_removals(crowd, ids)
    Account.update(protection_reason="Stays").where(Account.external_id == "m8").execute()
    with pytest.raises(by_hand.PlanChanged):
        by_hand.carry_out(lambda: by_hand.plan_removals(crowd, ids), "olga", plan.seen, released=len(plan.ready))
    assert not Task.select().exists()


def test_a_list_that_is_not_understood_selects_nobody(owner: Client, crowd: App) -> None:
    address = f"/apps/{crowd.id}/removals/new?all=yes"
    for among in ("", "&among=", "&among=member", "&among=tab%3Dnothing", "&among=tab%3Dunmatched%26odd%3D1"):
        assert owner.get(address + among).status_code == 400
    assert "Member 0001" not in owner.get(f"{address}&among=tab%3Dunmatched%26role%3Dgone").text


def test_more_than_one_approval_covers_is_refused_with_the_way_on(owner: Client, crowd: App, monkeypatch) -> None:
    monkeypatch.setattr(by_hand, "MOST", 600)
    page = owner.get(f"/apps/{crowd.id}/removals/new?{AMONG}").text
    assert "at most 600 accounts" in page and "Filter the list further" in page


def test_a_role_is_chosen_for_a_whole_list_in_a_short_address(owner: Client, crowd: App) -> None:
    page = owner.get(f"/apps/{crowd.id}/role-changes/new?{AMONG}").text
    assert 'name="account"' not in page and field(page, "among") == "tab=unmatched&amp;search=member"
    assert f"{MANY} accounts in" in page


def test_of_many_each_is_protected_as_it_is_alone(crowd: App) -> None:
    Account.update(kind="system").where(Account.external_id == "m9").execute()
    accounts = list(Account.select().where(Account.app == crowd))
    alone = {account.id: found for account in accounts if (found := protection.of(account))}
    assert protection.of_all(crowd, [account.id for account in accounts]) == alone and len(alone) == 2
