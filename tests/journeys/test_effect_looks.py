"""What a removal does, as it is read before it is approved, and a version that ends: in both themes and both widths."""

from __future__ import annotations

from pathlib import Path

from sync.apps import drafts
from sync.models import Account, App, Person
from tests.journeys import apps_of_acme
from tests.journeys.looks import Look, look_at, nothing_wrong, opens


def _becomes(app: App, connector: str, **settings: str) -> None:
    App.update(connector=connector, settings=settings).where(App.id == app.id).execute()


def test_effects(visit, live, tmp_path: Path, olga: Person, by: str) -> None:
    with apps_of_acme.built(tmp_path, olga, by) as acme:
        _becomes(acme.ads, "linkedin_ads", version="202501")
        draft = drafts.start("slack", olga)
        some = Account.select().where(Account.app == acme.chat, Account.state == "present").order_by(Account.name)
        these = "&".join(f"account={account.id}" for account in some.limit(2))
        page = visit(olga, at=None)
        looks = (
            Look("sync-data-effects", f"/apps/{acme.chat.id}", opens("#view-report")),
            Look("removal-effects", f"/apps/{acme.chat.id}/removals/new?{these}"),
            Look("connect-effects", f"/apps/{draft.id}/connection"),
            Look("app-version-ended", f"/apps/{acme.ads.id}"),
        )
        wrong = look_at(page, live.url, *looks)
        _becomes(acme.chat, "microsoft_365")
        App.update(seat_price=1250).where(App.id == acme.chat.id).execute()
        leaver = some.where(Account.person.is_null(False)).get().person_id
        looks = (
            Look("removal-effects-suspended", f"/apps/{acme.chat.id}/removals/new?{these}"),
            Look("sync-data-not-saved", f"/apps/{acme.chat.id}", opens("#view-report")),
            Look("offboarding-effects", f"/people/{leaver}/offboardings/new"),
        )
        nothing_wrong([*wrong, *look_at(page, live.url, *looks)])
