"""The settings: the workspace's, the guard's numbers, the mail server, one's own password."""

from __future__ import annotations

import sys

import pytest

from sync.models import Activity, Mail, Person
from sync.sign_in import attempts, sign_in
from sync.workspace import workspace
from tests.web.client import Client


def test_workspace(owner: Client) -> None:
    answer = owner.send("PATCH", "/settings", name="Acme GmbH", zone="Europe/Berlin", currency="CHF")
    assert answer.location == "/settings"
    assert (workspace().name, workspace().zone, workspace().currency) == ("Acme GmbH", "Europe/Berlin", "CHF")
    page = owner.get("/settings").text
    assert "Acme GmbH" in page and 'value="Europe/Berlin"' in page and "Saved." in page
    assert Activity.select().where(Activity.what == "changed setting").count() >= 3


@pytest.mark.parametrize(
    "values, expected",
    [
        ({"name": "  ", "zone": "UTC", "currency": "€"}, "needs a name"),
        ({"name": "Acme", "zone": "Mars/Olympus", "currency": "€"}, "t a time zone"),
        ({"name": "Acme", "zone": "../../etc/passwd", "currency": "€"}, "t a time zone"),
        ({"name": "Acme", "zone": "", "currency": "€"}, "t a time zone"),
        ({"name": "Acme", "zone": "UTC", "currency": "doubloons"}, "currency"),
        ({"name": ""}, "needs a name"),
    ],
)
def test_workspace_that_cant_be(owner: Client, values: dict, expected: str) -> None:
    before = workspace()
    answer = owner.send("PATCH", "/settings", **values)
    assert answer.status_code == 422 and expected in answer.text and "Nothing was changed" in answer.text
    assert workspace() == before


def test_the_time_zones_are_looked_for_once(owner: Client) -> None:
    page, looked = owner.get("/settings").text, []
    sys.addaudithook(lambda event, values: looked.append(values) if event == "os.scandir" and watching else None)
    watching = True
    assert owner.get("/settings").text.count("<option") == page.count("<option") > 300
    watching = False
    assert looked == [] and page.index('<option value="Africa/Cairo">') < page.index('<option value="Europe/Berlin">')


def test_guard(owner: Client) -> None:
    owner.send("PATCH", "/settings", guard_accounts="3", guard_percent="10")
    assert (workspace().guard_accounts, workspace().guard_percent) == (3, 10)


@pytest.mark.parametrize(
    "accounts, percent", [("", "10"), ("-1", "10"), ("3", "101"), ("3.5", "10"), ("1e3", "10"), ("x", "y")]
)
def test_guard_that_cant_be(owner: Client, accounts: str, percent: str) -> None:
    answer = owner.send("PATCH", "/settings", guard_accounts=accounts, guard_percent=percent)
    assert answer.status_code == 422
    assert (workspace().guard_accounts, workspace().guard_percent) == (5, 20)


@pytest.mark.parametrize("days", ["", "-1", "366", "1.5", "٣", "9" * 5000])
def test_days_of_grace_that_cant_be(owner: Client, days: str) -> None:
    answer = owner.send("PATCH", "/settings", grace_days=days)
    assert answer.status_code == 422 and "0 to 365 days" in answer.text and workspace().grace_days == 0


def test_mail_waits_without_a_server(owner: Client) -> None:
    page = owner.get("/settings").text
    assert "No mail server is set" in page and "ROLLCALL_SMTP_URL" in page
    owner.post("/settings/test-mails")
    assert Mail.get().to == "olga@acme.example"
    page = owner.get("/settings").text
    assert "1 e-mail waiting" in page and "wait in the outbox" in page
    assert "Test e-mail from Rollcall" in owner.get("/activity").text


def _change(browser: Client, **changed: str):
    """One's own password, from the right old one to a good new one but for what is `changed`."""
    values = {"current": "correct horse battery", "password": "another horse battery"}
    values["password_again"] = values["password"]
    return browser.send("PUT", "/settings/password", **values | changed)


def test_own_password(site, owner: Client, olga: Person) -> None:
    elsewhere = Client(site, olga)
    wrong = _change(owner, current="not it")
    assert wrong.status_code == 422 and "The current password is wrong" in wrong.text
    differ = _change(owner, password_again="x")
    assert differ.status_code == 422 and "passwords don&#39;t match" in differ.text
    short = _change(owner, password="short", password_again="short")
    assert short.status_code == 422
    right = _change(owner)
    assert right.status_code == 303
    assert owner.get("/settings").status_code == 200, "one stays signed in here"
    assert elsewhere.get("/settings").status_code == 303, "and nowhere else"
    assert sign_in.authenticate("olga@acme.example", "another horse battery") == olga


def test_first_password_after_a_link(site, someone) -> None:
    ben = someone("Ben Roth", "user")
    his = Client(site, ben)
    page = his.get("/settings/your-sign-in").text
    assert "Set a password" in page and "Current password" not in page
    his.send("PUT", "/settings/password", password="a long enough one", password_again="a long enough one")
    assert sign_in.authenticate("ben.roth@acme.example", "a long enough one") == ben


def test_guessing_the_current_password_is_throttled(owner: Client) -> None:
    for _ in range(attempts.OF_PERSON):
        _change(owner, current="guess")
    answer = _change(owner)
    assert answer.status_code == 422 and "Too many" in answer.text


def test_others_see_themselves_alone(site, someone) -> None:
    page = Client(site, someone("Ben Roth", "user")).get("/settings").text
    assert "Ben Roth" in page and "Guard" not in page and "secret.key" not in page
    assert 'href="/people"' not in page


def test_smtp_password_is_not_shown(home, config, olga: Person) -> None:
    from dataclasses import replace

    from app import create_app
    from sync.mail import outbox

    secret = replace(config, smtp_url="smtp+starttls://rollcall:hunter2-hunter2@mail.acme.example:587")
    outbox.configure(secret.smtp_url, secret.url)
    try:
        page = Client(create_app(secret), olga).get("/settings").text
    finally:
        outbox.configure(None, secret.url)
    assert "A mail server is set" in page and "hunter2" not in page


def test_one_save_changes_all_of_it_or_nothing(owner: Client) -> None:
    page = owner.get("/settings").text
    assert page.count('id="save-settings"') == 1 and 'href="#h-mail"' in page and 'id="h-mail"' in page
    given = {"name": "Acme AG", "guard_accounts": "7", "grace_days": "366"}
    refused = owner.send("PATCH", "/settings", **given)
    assert refused.status_code == 422 and 'value="Acme AG"' in refused.text and 'value="366"' in refused.text
    assert workspace().name == "Acme" and workspace().guard_accounts == 5
    owner.send("PATCH", "/settings", **given | {"grace_days": "3"})
    assert (workspace().name, workspace().guard_accounts, workspace().grace_days) == ("Acme AG", 7, 3)
