"""Every page of the apps, looked at in both themes and both widths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import connectors
from sync.apps import apps, drafts
from sync.models import Person
from tests.connectors.fake_desk import FakeDesk
from tests.journeys import apps_of_acme
from tests.journeys.looks import Look, clicks, look_at, nothing_wrong, opens


def _leave_out(page) -> None:
    opens("#view-report")(page)
    page.click("#sync-form input[name=yes] >> nth=0")


def _dismissal(page) -> None:
    opens("#view-report")(page)
    page.click("#dismiss-report")
    page.wait_for_selector("dialog:modal #keep-report")


def _refused(page) -> None:
    opens("#view-report")(page)
    page.evaluate("document.getElementById('sync-form').noValidate = true")
    page.click("#sync-form input[name=yes] >> nth=0")
    page.click("#finish-sync")
    page.wait_for_selector("#sync-form [role=alert]")


def _menu(page) -> None:
    page.click(".table tbody tr:nth-child(2) summary")


def _card_menu(page) -> None:
    page.click(".card-grid li:nth-child(2) summary")


def _match(page) -> None:
    page.click(".table tbody tr:first-child summary")
    page.click("text=Match to a person")
    page.wait_for_selector("dialog:modal")


def _test_wrong(page) -> None:
    page.fill("[name=base_url]", "http://127.0.0.1:9")
    page.fill("[name=token]", "acme_x")
    page.click("text=Test connection")
    page.wait_for_selector("#tested .banner")


def test_pages(visit, live, tmp_path: Path, olga: Person, by: str) -> None:
    with apps_of_acme.built(tmp_path, olga, by) as acme:
        chat, ads = f"/apps/{acme.chat.id}", f"/apps/{acme.ads.id}"
        looks = [
            Look("apps", "/apps"),
            Look("apps-menu", "/apps", _card_menu),
            Look("apps-nothing", "/apps?search=zzz"),
            Look("app", chat),
            Look("app-schedule", chat, opens("#change-schedule")),
            Look("app-policy", chat, opens("#change-policy")),
            Look("app-price", chat, opens("#change-price")),
            Look("app-add-person", chat, opens("#add-app-person")),
            Look("app-credential", chat, opens("#replace-credential")),
            Look("app-test", chat, opens("#test-connection")),
            Look("app-disconnect", chat, opens("#disconnect")),
            Look("sync-data", chat, opens("#view-report")),
            Look("sync-data-leave-out", chat, _leave_out),
            Look("app-checking", ads),
            Look("check", ads, opens("#show-check")),
            Look("check-page", f"{ads}/checks/{acme.live.id}"),
            Look("members", f"{chat}/members"),
            Look("members-menu", f"{chat}/members?search=mar", _menu, within="details.menu[open]"),
            Look("members-unmatched", f"{chat}/members?tab=unmatched"),
            Look("members-match", f"{chat}/members?tab=unmatched", _match),
            Look("members-guests", f"{chat}/members?tab=guests"),
            Look("members-many", f"/apps/{acme.held.app_id}/members"),
            Look("assets", f"{ads}/assets"),
            Look("asset", f"{ads}/assets/{acme.ads.assets.get().id}"),
            Look("app-reports", f"{chat}/reports"),
            Look("app-activity", f"{chat}/activity"),
            Look("reports", "/reports"),
            Look("sync-data-refused", chat, _refused),
            Look("sync-data-page", f"/reports/{acme.report.id}"),
            Look("sync-data-dismiss", chat, _dismissal),
            Look("sync-data-held", f"/apps/{acme.held.app_id}", opens("#view-report")),
            Look("connect-choose", "/apps/new"),
            Look("connect-levels", "/apps/new?level=silver", clicks(".drop > summary")),
            Look("connect-credential", "/apps/new/sample-chat"),
            Look("connect-wrong", f"/apps/{acme.draft.id}/connection", _test_wrong),
            Look("connect-reading", f"{ads}/connection/reading"),
            Look("connect-matching", f"{chat}/connection/matching"),
        ]
        page = visit(olga, expected=("status of 422",), at=None)
        nothing_wrong(look_at(page, live.url, *looks))


def test_empty(visit, live, olga: Person) -> None:
    page = visit(olga, at=None)
    looks = (Look("apps-empty", "/apps"), Look("reports-empty", "/reports"))
    nothing_wrong(look_at(page, live.url, *looks))


@pytest.fixture
def described(tmp_path: Path) -> Iterator[FakeDesk]:
    """The app of a file that doesn't say who acts, in the catalogue."""
    text = (Path(__file__).parents[1] / "connectors" / "rest" / "desk.yaml").read_text()
    lines = (line for line in text.splitlines() if not line.startswith("identity"))
    (tmp_path / "desk.yaml").write_text("\n".join(lines))
    connectors.load_folder(tmp_path)
    desk = FakeDesk()
    desk.start()
    yield desk
    desk.stop()
    connectors.load_folder(tmp_path / "nothing here")


def test_a_file_that_does_not_say_who_acts(visit, live, described, olga: Person, by: str) -> None:
    desk = apps.connect("desk", "Desk", {"base_url": described.url, "token": described.token}, [olga], by)
    draft = drafts.start("desk", olga)
    looks = (Look("app-own-account", f"/apps/{desk.id}"),
             Look("connect-own-account", f"/apps/{draft.id}/connection"))  # fmt: skip
    page = visit(olga, at=None)
    nothing_wrong(look_at(page, live.url, *looks))
