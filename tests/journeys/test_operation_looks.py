"""The pages and dialogs of members' operations and invitations, looked at in both themes and both widths."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sync.db import utcnow, writing
from sync.models import Account, App, Asset, Invitation, Person, Task
from sync.tasks import by_hand, invitations, settle
from tests.journeys import apps_of_acme
from tests.journeys.looks import Look, look_at, nothing_wrong, opens


def _furnish(app: App, by: str) -> None:
    """Invitations in each state, a removal that failed, a role change under way."""
    emails = ["nina@acme.example", "omar.haddad@acme.example", "kit@freelance.example", "zoe@studio.example"]
    invitations.invite_all(app, emails, "member", by, invitations.plan(app, emails, "member").seen)
    with writing():
        first, second, third, _ = Invitation.select().order_by(Invitation.id)
        for invitation in (first, second):
            settle.settle(invitation.task, "done")
        Invitation.update(reminded_at=utcnow()).where(Invitation.id == first.id).execute()
        Invitation.update(state="expired", expires_at=utcnow() - timedelta(days=1)).where(
            Invitation.id == second.id).execute()  # fmt: skip
        Task.update(state="needs attention", error="Acme Chat says: the plan has no free seat.").where(
            Task.id == third.task).execute()  # fmt: skip
        settle.settle(Task.get_by_id(third.task_id), "needs attention")
        shown = Account.select().where(Account.app == app, Account.match_kind == "matched", Account.state == "present")
        Task.create(app=app, kind="change role", account=shown.order_by(Account.name).first(), asked_by=by,
                    detail={"role": "admin", "before": "member"}, next_at=utcnow() + timedelta(days=1))  # fmt: skip


def test_operations(visit, live, tmp_path: Path, olga: Person, by: str) -> None:
    with apps_of_acme.built(tmp_path, olga, by) as acme:
        _furnish(acme.chat, by)
        chat, ads, big = f"/apps/{acme.chat.id}", f"/apps/{acme.ads.id}", f"/apps/{acme.held.app_id}"
        some = Account.select().where(Account.app == acme.chat, Account.state == "present").order_by(Account.name)
        these = "&".join(f"account={account.id}" for account in some.limit(6))
        asset = Asset.get(Asset.app == acme.ads)
        holders = [access.account_id for access in asset.access]
        holding = "&".join(f"account={id}" for id in holders)
        many = Account.select().where(Account.app == acme.held.app_id, Account.role == "member").limit(40)
        crowd = "&".join(f"account={account.id}" for account in many)
        looks = [
            Look("members-operations", f"{chat}/members"),
            Look("account", f"{ads}/members/{holders[0]}"),
            Look("account-plain", f"{chat}/members/{some[0].id}"),
            Look("asset-operations", f"{ads}/assets/{asset.id}"),
            Look("grant-choice", f"{ads}/assets/{asset.id}", opens("#grant-access")),
            Look("invite", f"{chat}/members?search=mar", opens("#add-users")),
            Look("invite-preview", f"{chat}/members?search=mar", _invite),
            Look("role-choice", f"{chat}/role-changes/new?{these}"),
            Look("role-preview", f"{chat}/role-changes/new?{these}&role=admin"),
            Look("removal-preview", f"{chat}/removals/new?{these}"),
            Look("removal-held", f"{big}/removals/new?{crowd}"),
            Look("removal-released", f"{big}/removals/new?{crowd}&released={_count(acme.held.app, many)}"),
            Look("removal-nobody", f"{chat}/removals/new"),
            Look("revocation-preview", f"{ads}/revocations/new?asset={asset.id}&{holding}"),
            Look("cancellation", f"{chat}/invitations/{Invitation.get().id}/cancellation"),
        ]
        page = visit(olga, expected=("status of 422",), at=None)
        nothing_wrong(look_at(page, live.url, *looks))


def _invite(page) -> None:
    opens("#add-users")(page)
    page.fill("[name=people]", "mia@acme.example, not-an-address, olga@acme.example, kit@freelance.example")
    page.click("#preview-invitations")
    page.wait_for_selector("#preview")


def _count(app: App, accounts) -> int:
    return len(by_hand.plan_removals(app, [account.id for account in accounts]).ready)
