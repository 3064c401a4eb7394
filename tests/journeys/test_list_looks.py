"""How the lists look with their chips, their one dialog for filters, and the views of one app's lists."""

from __future__ import annotations

from sync.models import Asset, Person
from tests.journeys.looks import Look, look_at, nothing_wrong, opens


def test_looks(visit, live, olga: Person, chat) -> None:
    chat.leave(1)
    chat.check()
    Asset.create(app=chat.app, external_id="p1", kind="page", name="Acme")
    app, page, filters = f"/apps/{chat.app.id}", visit(olga, at=None), opens("#more-filters")
    looks = [
        Look("lists-apps", "/apps?left=yes"), Look("lists-apps-filters", "/apps", filters),
        Look("lists-assets", f"{app}/assets"), Look("lists-assets-filters", f"{app}/assets", filters),
        Look("lists-reports", "/reports"), Look("lists-reports-filters", "/reports?state=open", filters),
        Look("lists-reports-of-app", f"{app}/reports?state=open"),
        Look("lists-activity", "/activity?kind=checks"), Look("lists-activity-filters", "/activity", filters),
        Look("lists-activity-of-app", f"{app}/activity?kind=checks"), Look("lists-people", "/people"),
    ]  # fmt: skip
    nothing_wrong(look_at(page, live.url, *looks))
