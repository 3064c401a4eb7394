"""What a guard holds of roles and profiles, and what an app no longer sends: looked at in both themes and widths."""

from __future__ import annotations

from sync.models import App, Check, Person
from tests.journeys.looks import Look, look_at, nothing_wrong, opens
from tests.sync.fixtures import email


def _open_roles(page) -> None:
    opens("#view-report")(page)
    page.click("#drop-updated-roles summary")


def _go_on_without(page) -> None:
    """On a phone, the line of all warnings is opened before: tests/journeys/test_phone.py."""
    opens("#go-on-without")(page)


def test_pages_of_what_is_held(visit, live, chat, olga: Person) -> None:
    for number in range(1, 8):
        chat.store.change(chat.id_of(number), via="page", role="admin")
    with chat.store.writing() as store:
        for number in range(3, 9):
            store.execute("UPDATE member SET email = ? WHERE email = ?", (f"p{number}@new.example", email(number)))
        store.execute("UPDATE member SET status = 'frozen' WHERE email = ?", (email(9),))
    chat.leave(1)
    chat.check()
    here = f"/apps/{chat.app.id}"
    looks = [
        Look("held-app", here),
        Look("guards", here, opens("#change-policy")),
        Look("held-wizard", here, _open_roles),
        Look("held-members", f"{here}/members"),
    ]
    page = visit(olga, at=None)
    found = look_at(page, live.url, *looks)
    chat.fault("lost-fields", on="api/v1/members", fields=("email", "role"))
    chat.check()
    failed = Check.select().where(Check.app == chat.app).order_by(Check.id.desc()).get()
    assert App.get_by_id(chat.app.id).missing_fields
    looks = [
        Look("fields-missing", here),
        Look("fields-missing-go-on", here, _go_on_without),
        Look("fields-missing-check", f"{here}/checks/{failed.id}"),
    ]
    nothing_wrong([*found, *look_at(page, live.url, *looks)])
