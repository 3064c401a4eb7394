"""What waits for someone of rank, and the confirmation of a first sign-in, looked at in both themes and both widths."""

from __future__ import annotations

from sync.db import writing
from sync.directory import directories
from sync.models import Person
from sync.people import importing
from sync.people.people import add
from sync.rank import Asker
from sync.sign_in import waiting as waiting_sign_ins
from tests.journeys.looks import Look, clicks, look_at, nothing_wrong

LIST = (b"email,name,further emails,manager,status\n"
        b"olga@acme.example,Olga B.,olga.brandt.of.the.sales.department@subsidiary.acme.example,Mia Kern,suspended\n")


def test_changes_that_wait_for_someone_of_higher_rank(visit, live, tmp_path, olga: Person, by: Asker) -> None:
    jana = add("Jana Kowalski", "jana@acme.example", by, workspace_role="owner")
    admin = add("Mallory Admin", "mallory@acme.example", by, workspace_role="admin")
    importing.import_csv(LIST, Asker.person(admin))
    staff = tmp_path / "staff.csv"
    staff.write_bytes(LIST + b"jana@acme.example,J. Kowalski,jana.k@acme.example,,active\nana@acme.example,,,,\n")
    directory = directories.connect("csv", "Branch office", {"file": str(staff)}, Asker.person(admin))
    directories.run(directory.readings.get().id)
    with writing():
        waiting_sign_ins.keep(jana, "https://id.acme.example", "j-1", "jana@acme.example", "Acme SSO",
                              "Jana Kowalski is an Owner, so the first sign-in with Acme SSO is confirmed",
                              person_may_confirm=True)
    looks = [
        Look("people-held", "/people"),
        Look("person-held", f"/people/{olga.id}"),
        Look("person-waiting-sign-in", f"/people/{jana.id}"),
        Look("directory-above", f"/directories/{directory.id}"),
        Look("directory-above-menu", f"/directories/{directory.id}", clicks("main summary.icon-button"), "main"),
        Look("directory-voucher", f"/directories/{directory.id}/voucher"),
    ]
    page = visit(olga, at=None)
    wrong = look_at(page, live.url, *looks)
    theirs = visit(admin, at=None)
    wrong += look_at(theirs, live.url, Look("person-held-admin", f"/people/{olga.id}"))
    nothing_wrong(wrong)


def test_an_owner_releases_one_and_dismisses_the_other(visit, live, olga: Person, by: Asker) -> None:
    admin = add("Mallory Admin", "mallory@acme.example", by, workspace_role="admin")
    importing.import_csv(LIST, Asker.person(admin))
    page = visit(olga, at="/people")
    page.click("section:has(#h-held-above) a:has-text('Olga Brandt') >> nth=0")
    page.click("[aria-label='Release: manager Mia Kern']")
    page.wait_for_selector("text=Released: the manager was changed.")
    page.click("[aria-label='Dismiss: name Olga B.']")
    page.wait_for_selector("text=Dismissed. Nothing was changed.")
    now = Person.get_by_id(olga.id)
    assert (now.name, now.manager) == ("Olga Brandt", "Mia Kern")
