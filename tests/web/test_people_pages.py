"""The People pages: finding, adding, editing, leaving, coming back, letting in."""

from __future__ import annotations

import io
import json
import re
from html import escape

import pytest

from sync import listing, names
from sync.directory import directories
from sync.jobs import queue
from sync.models import Activity, HeldChange, Person
from sync.people import holds, importing, people
from sync.sign_in import sign_in
from tests.web.client import Client

HOSTILE = "<img src=x onerror=alert(1)> & \"Co\" 'x'"


def test_list_search_and_filter(owner: Client, someone, by: str) -> None:
    someone("Jana Kowalski")
    people.mark_left(someone("Tom Okafor"), by, "Last day was Friday")
    page = owner.get("/people").text
    assert "Jana Kowalski" in page and "tom.okafor@acme.example" in page
    found = owner.get("/people?search=kowal").text
    assert "Jana Kowalski" in found and "Tom Okafor" not in found
    gone = owner.get("/people?status=deprovisioned").text
    assert "Tom Okafor" in gone and "Last day was Friday" in gone and "Jana Kowalski" not in gone
    assert "Nobody found" in owner.get("/people?search=zzz").text
    assert owner.get("/people?status=nonsense&page=-7").status_code == 200
    assert owner.get("/people?page=many").status_code == 200


def test_leavers_with_accounts_come_first_and_the_list_says_so(owner: Client, chat, someone, by: str) -> None:
    people.mark_left(someone("Aaron Away"), by)
    chat.leave(5)
    page = owner.get("/people").text
    shown = re.findall(r"(Aaron Away|Person \d+)(?=</a>)", page)
    assert "Leavers with accounts first" in page and shown[0] == "Person 5" and shown.index("Aaron Away") > 0


def test_htmx_gets_the_list_alone(owner: Client, someone) -> None:
    someone()
    part = owner.get("/people?search=jana", htmx=True)
    assert part.text.lstrip().startswith('<div id="people"') and "<html" not in part.text
    assert "HX-Request" in part.headers["Vary"]
    whole = owner.get("/people", htmx=True, **{"HX-Target": "page"})
    assert "<html" in whole.text, "go_to takes #page of a whole page"


def test_pages_keep_the_search(owner: Client, someone) -> None:
    for number in range(listing.PAGE + 1):
        someone(f"Many {number:03}")
    page = owner.get("/people?search=many")
    assert f"1–{listing.PAGE} of {listing.PAGE + 1}" in page.text
    following = re.search(r'href="(/people\?search=many&amp;page=2)"', page.text).group(1).replace("&amp;", "&")
    assert f"Many {listing.PAGE:03}" in owner.get(following).text


def test_add(owner: Client) -> None:
    answer = owner.post(
        "/people", name="Jana Kowalski", email="Jana@acme.example", further_emails="jk@acme.example, j@x.example"
    )
    jana = people.find_by_email("jana@acme.example")
    assert answer.location == f"/people/{jana.id}"
    page = owner.get(answer.location).text
    assert "Jana Kowalski was added." in page
    assert all(email in page for email in ("Jana@acme.example", "jk@acme.example", "j@x.example"))
    assert (
        Activity.get(Activity.about.startswith("Jana"), Activity.what == "added person").who
        == "Olga Brandt <olga@acme.example>"
    )


@pytest.mark.parametrize(
    "email, expected",
    [("", "needs an e-mail"), ("no address", "t an e-mail address"), ("OLGA@acme.example", "belongs to Olga Brandt")],
)
def test_add_what_cant_be(owner: Client, email: str, expected: str) -> None:
    answer = owner.post("/people", name="Jana Kowalski", email=email)
    assert answer.status_code == 422 and expected in answer.text
    assert 'value="Jana Kowalski"' in answer.text, "what was typed comes back"
    assert Person.select().count() == 1


def test_names_are_escaped_everywhere(owner: Client, by: str) -> None:
    person = people.add(HOSTILE, "x@acme.example", by)
    for address in (
        "/people",
        f"/people/{person.id}",
        f"/people/{person.id}/edit",
        f"/people/{person.id}/departure",
        "/activity",
    ):
        text = owner.get(address).text
        assert "<img src=x" not in text, address
        assert escape(HOSTILE, quote=True)[:30] in text, address
    answer = owner.send("POST", f"/people/{person.id}/departure", htmx=True)
    trigger = answer.headers["HX-Trigger"]
    assert trigger.isascii() and "<img" in json.loads(trigger)["toast"]["text"]


def test_edit(owner: Client, someone) -> None:
    jana = someone()
    form = owner.get(f"/people/{jana.id}/edit").text
    assert "Jana Kowalski" in form and "jana.kowalski@acme.example" in form
    owner.send(
        "PATCH", f"/people/{jana.id}", name="Jana Nowak", emails="jana.nowak@acme.example\njana.kowalski@acme.example"
    )
    jana = Person.get_by_id(jana.id)
    assert jana.name == "Jana Nowak" and names.main_email(jana) == "jana.nowak@acme.example"
    wrong = owner.send("PATCH", f"/people/{jana.id}", name="Jana Nowak", emails="olga@acme.example")
    assert wrong.status_code == 422 and "belongs to Olga Brandt" in wrong.text


def test_left_and_back(owner: Client, someone) -> None:
    jana = someone()
    left = f'href="/people/{jana.id}/departure"'
    assert left in owner.get(f"/people/{jana.id}").text
    owner.post(f"/people/{jana.id}/departure", reason="Last day was Friday")
    jana = Person.get_by_id(jana.id)
    assert jana.status == "deprovisioned"
    page = owner.get(f"/people/{jana.id}").text
    assert "Marked as left by Olga Brandt: Last day was Friday" in page and "Reactivate" in page and left not in page
    owner.send("DELETE", f"/people/{jana.id}/departure")
    assert Person.get_by_id(jana.id).status == "active"


def test_nobody_is_notified_of_a_report_about_accounts_that_stay(owner: Client, someone, by: str) -> None:
    jana = someone()
    holds.hold(jana, "Lawsuit", by)
    answer = owner.send("POST", f"/people/{jana.id}/departure", htmx=True)
    assert "are kept until the legal hold is lifted" in answer.headers["HX-Trigger"]


def test_last_owner_stays(owner: Client, olga: Person) -> None:
    answer = owner.post(f"/people/{olga.id}/departure")
    assert answer.status_code == 422 and "only Owner" in answer.text
    answer = owner.send("PUT", f"/people/{olga.id}/workspace-role", role="user")
    assert answer.status_code == 422 and "only Owner" in answer.text
    assert Person.get_by_id(olga.id).status == "active"
    assert owner.get("/people").status_code == 200


def test_a_held_change_that_is_refused_is_not_called_released(owner: Client, olga: Person) -> None:
    change = HeldChange.create(person=olga, field="status", value="deprovisioned", asked_by="Mira")
    answer = owner.send("POST", f"/people/held/{change.id}/release", htmx=True)
    assert "only Owner" in answer.headers["HX-Trigger"] and "Released" not in answer.headers["HX-Trigger"]
    assert HeldChange.get().state == "open" and Person.get_by_id(olga.id).status == "active"
    assert "1 change of someone who has left, or ranks above the person responsible, is held" in owner.get("/").text
    HeldChange.update(state="released").execute()
    for method, address in (("POST", f"{change.id}/release"), ("DELETE", f"{change.id}")):
        answer = owner.send(method, f"/people/held/{address}", htmx=True)
        assert "This change was already released." in answer.headers["HX-Trigger"], "in another tab"


@pytest.mark.parametrize(("role", "outcome"), [("admin", "can now sign in as admin"), ("", "can no longer sign in")])
def test_the_outcome_of_another_role_says_what_they_may_do(owner: Client, someone, role: str, outcome: str) -> None:
    jana = someone(role="user")
    answer = owner.send("PUT", f"/people/{jana.id}/workspace-role", role=role, htmx=True)
    assert outcome in answer.headers["HX-Trigger"]


def test_let_in_and_keep_out(site, owner: Client, someone) -> None:
    jana = someone()
    assert owner.post(f"/people/{jana.id}/sign-in-links").status_code == 403, "no role, no link"
    owner.send("PUT", f"/people/{jana.id}/workspace-role", role="admin")
    link = re.search(
        r'value="http://127\.0\.0\.1:8000(/sign-in/[^"]+)"', owner.post(f"/people/{jana.id}/sign-in-links").text
    ).group(1)
    hers = Client(site)
    for _ in range(3):  # what looks at the links of an e-mail doesn't use them up, and signs nobody in
        assert "Nothing happens until you click" in hers.get(link).text
        assert hers.get("/people").status_code == 303
    assert hers.post(link).location == "/"
    assert Client(site).get(link).status_code == Client(site).post(link).status_code == 410
    assert hers.get("/people").status_code == 200
    owner.send("PUT", f"/people/{jana.id}/workspace-role", role="")
    assert hers.get("/people").status_code == 303
    assert owner.send("PUT", f"/people/{jana.id}/workspace-role", role="emperor").status_code == 403


def test_the_dialog_of_a_role_folds_what_few_need_and_says_what_each_can_do(owner: Client, someone) -> None:
    jana = someone("Jana Horak", "guest")
    page = owner.get(f"/people/{jana.id}/workspace-role").text
    usual, _, folded = page.partition("More roles")
    assert all(f'value="{role}"' in usual for role in ("", "owner", "admin", "user"))
    assert all(f'value="{role}"' in folded for role in ("super admin", "guest"))
    assert '<details class="drop" open>' in usual, "the role that Jana has is seen at once"
    assert "What each role can do" in folded and "Manage Owners" in folded


def test_link_never_points_where_the_browser_says(owner: Client, someone) -> None:
    ben = someone("Ben Roth", "user")
    answer = owner.client.post(
        f"/people/{ben.id}/sign-in-links", data={"csrf_token": owner.token()}, headers={"Host": "evil.example"}
    )
    assert "evil.example" not in answer.text


def test_set_a_password(owner: Client, someone) -> None:
    ben = someone("Ben Roth", "user")
    assert owner.send("PUT", f"/people/{ben.id}/password", password="short").status_code == 422
    owner.send("PUT", f"/people/{ben.id}/password", password="a long enough one")
    assert sign_in.authenticate("ben.roth@acme.example", "a long enough one") == ben
    entry = Activity.get(Activity.what == "set password")
    assert entry.about.startswith("Ben Roth") and entry.who.startswith("Olga")
    assert "a long enough one" not in owner.get("/activity").text


def test_own_password_keeps_one_signed_in(owner: Client, olga: Person) -> None:
    assert owner.send("PUT", f"/people/{olga.id}/password", password="another horse battery").status_code == 303
    assert owner.get("/people").status_code == 200


def _import(owner: Client, content: bytes):
    return owner.client.post(
        "/people/imports",
        data={
            "csrf_token": owner.token(),
            "file": (io.BytesIO(content), "people.csv"),
        },
        content_type="multipart/form-data",
    )


def test_import(owner: Client) -> None:
    answer = _import(owner, "\ufeffemail,name\njana@acme.example,Jana Kowalski\nolga@acme.example,Olga Brandt".encode())
    assert answer.location == "/people"
    assert "1 added" in owner.get("/people").text
    assert people.find_by_email("jana@acme.example").name == "Jana Kowalski"


@pytest.mark.parametrize(
    "content", [b"", b"   ", b"\xff\xfe\x00", b"email\nno address\n", b"etc/passwd"]
)
def test_import_what_cant_be(owner: Client, content: bytes) -> None:
    answer = _import(owner, content)
    assert answer.status_code == 422 and "Nothing was changed" in answer.text
    assert Person.select().count() == 1


def test_import_without_a_known_column_is_asked_about(owner: Client) -> None:
    asked = _import(owner, b"name\nJana\n").location
    assert "no column named email" in owner.get(asked).text and Person.select().count() == 1


def test_without_a_file(owner: Client) -> None:
    assert owner.post("/people/imports").status_code == 422


def test_seats_and_what_happened(owner: Client, chat) -> None:
    person = chat.people[1]
    page = owner.get(f"/people/{person.id}").text
    assert "Chat" in page and "Member" in page
    assert "Added person" in page


def test_an_admin_sees_no_app_without_a_part_in_it(site, chat, someone) -> None:
    admin = Client(site, someone("Ada Min", "admin"))
    chat.leave(1)
    chat.check()
    page = admin.get(f"/people/{chat.people[1].id}").text
    assert "1 account in apps that you can&#39;t open" in page
    assert f"/apps/{chat.app.id}/" not in page
    assert f"/apps/{chat.app.id}/" not in admin.get("/activity").text


def test_dialogs_are_parts_for_htmx_and_pages_without(owner: Client) -> None:
    part, page = owner.get("/people/new", htmx=True).text, owner.get("/people/new").text
    assert part.lstrip().startswith("<dialog") and " open" not in part.partition(">")[0]
    assert "<html" in page and re.search(r"<dialog [^>]* open>", page)


def test_htmx_continues_with_a_toast(owner: Client) -> None:
    answer = owner.send("POST", "/people", htmx=True, name="Zoë Ünal", email="zoe@acme.example")
    assert answer.status_code == 204
    assert json.loads(answer.headers["HX-Location"])["target"] == "#page"
    assert json.loads(answer.headers["HX-Trigger"])["toast"] == {"text": "Zoë Ünal was added.", "tone": "ok"}


@pytest.mark.parametrize("address", ["/people/999", "/people/999/edit", "/people/0", "/people/99999999999999999999"])
def test_nobody_there(owner: Client, address: str) -> None:
    answer = owner.get(address)
    assert answer.status_code == 404 and "Page not found" in answer.text


def test_further_columns_of_a_list_are_shown(owner: Client, by: str) -> None:
    text = ("email,name,status,last_day,start_date,department,manager\n"
            "ana@acme.example,Ana,active,2099-12-31,2024-02-01,Product,olga@acme.example\n"
            "bo@acme.example,Bo,active,,,,\n")  # fmt: skip
    directories.connect("csv", "HR", {"source": "upload", "text": text}, by)
    queue.drain(("reading",))
    page = owner.get(f"/people/{people.find_by_email('ana@acme.example').id}").text
    assert "Last day 31" in page and "First day 1" in page and "Product, reports to olga@acme.example" in page
    assert "Last day" not in owner.get(f"/people/{people.find_by_email('bo@acme.example').id}").text
    importing.import_csv(b"email,last_day,department\nbo@acme.example,2099-12-31,Sales\n", by)
    page = owner.get(f"/people/{people.find_by_email('bo@acme.example').id}").text
    assert "After that day they count as having left" in page and "Sales" in page


def test_the_accounts_come_first_and_a_leaver_is_offboarded_by_the_one_primary_button(owner: Client, chat) -> None:
    person = chat.people[3]
    page = owner.get(f"/people/{person.id}").text
    assert page.index('id="h-accounts"') < page.index('id="h-status"')
    assert re.search(r'class="button"[^>]*id="offboard"', page)
    chat.leave(3)
    page = owner.get(f"/people/{person.id}").text
    assert re.search(r'class="button button-primary"[^>]*id="offboard"', page)
    assert page.count("button-primary") == 1
