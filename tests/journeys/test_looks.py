"""Every page of the frame, looked at in both themes and both widths."""

from __future__ import annotations

from pathlib import Path

from sync.models import Person
from sync.sign_in import sign_in
from tests.asking import MACHINE
from tests.journeys import company
from tests.journeys.looks import PHONE, Look, clicks, look_at, nothing_wrong, opens


def _submit_wrong(page) -> None:
    page.fill("[name=email]", "olga@acme.example")
    page.fill("[name=password]", "wrong horse battery")
    page.click("button[type=submit]")
    page.wait_for_selector("[role=alert]")


def _verify(page) -> None:
    page.click("#verify")
    page.wait_for_selector("#verification .banner")


def _test_ldap(page) -> None:
    page.fill("[name=directory_name]", "Company LDAP")
    page.fill("[name=url]", "ldap://127.0.0.1:9")
    page.fill("[name=base_dn]", "dc=acme,dc=example")
    page.click("text=Test connection")
    page.wait_for_selector("#test .banner")


def test_pages(visit, live, tmp_path: Path, olga: Person, by: str) -> None:
    acme = company.build(tmp_path, olga, by)
    looks = [
        Look("home", "/"),
        Look("people", "/people"),
        Look("people-add", "/people", opens("#add-person")),
        Look("people-import", "/people", opens("#import-people")),
        Look("people-menu", "/people?status=deprovisioned"),
        Look("people-nobody", "/people?search=zzz"),
        Look("person", f"/people/{acme.jana.id}"),
        Look("person-left", f"/people/{acme.jana.id}", opens("#left")),
        Look("person-role", f"/people/{acme.jana.id}", opens("#change-role")),
        Look("person-link", f"/people/{acme.jana.id}", opens("text=Make a one-time link")),
        Look("person-edit-page", f"/people/{acme.jana.id}/edit"),
        Look("directories", "/directories"),
        Look("directory-choose", "/directories/new"),
        Look("directory-connect", "/directories/new/ldap"),
        Look("directory-connect-wrong", "/directories/new/ldap", _test_ldap),
        Look("directory", f"/directories/{acme.staff.id}"),
        Look("directory-menu", f"/directories/{acme.staff.id}", clicks("main summary.icon-button")),
        Look("directory-held", f"/directories/{acme.contractors.id}"),
        Look("directory-release", f"/directories/{acme.contractors.id}", opens("#release")),
        Look("activity", "/activity"),
        Look("activity-verified", "/activity", _verify),
        Look("settings", "/settings"),
        Look("account-menu", "/settings", clicks(".account summary"), within=".account", sizes=(PHONE,)),
        Look("not-found", "/nothing"),
    ]
    page = visit(acme.olga, expected=("status of 404", "status of 422"), at=None)
    nothing_wrong(look_at(page, live.url, *looks))


def test_before_signing_in(visit, live, home: Path) -> None:
    token = sign_in.setup_link_token()
    page = visit(None, expected=("status of 422",), at=None)
    wrong = look_at(page, live.url, Look("not-set-up", "/sign-in"), Look("setup", f"/setup?token={token}"))
    sign_in.set_up("Acme", "olga@acme.example", "Olga Brandt", "correct horse battery", MACHINE)
    wrong += look_at(page, live.url, Look("sign-in", "/sign-in"), Look("sign-in-wrong", "/sign-in", _submit_wrong))
    nothing_wrong(wrong)


def test_empty(visit, live, olga: Person) -> None:
    page = visit(olga, at=None)
    looks = (Look("directories-empty", "/directories"), Look("activity-first", "/activity"))
    nothing_wrong(look_at(page, live.url, *looks))
