"""The way in, as people in a hurry go it: the set-up with a time zone, mail, a colleague, a forgotten password."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from sync.jobs import queue
from sync.mail import mail_server, outbox
from sync.models import Mail, Person
from sync.people import people
from sync.sign_in import forgotten, sign_in
from sync.workspace import workspace
from tests.journeys.browser import NARROW, Live
from tests.journeys.looks import Look, look_at, nothing_wrong, opens
from tests.real.smtp import PASSWORD as SMTP_PASSWORD
from tests.real.smtp import USER

ZONE = "America/St_Johns"
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def no_mail_server_afterwards(home: Path) -> Iterator[None]:
    yield
    outbox.configure(None, "http://127.0.0.1:8000")


def link_in(text: str) -> str:
    return re.search(r"http://\S+/sign-in/[\w./-]+", text).group(0)


def body_of(message) -> str:
    return message.get_body(("plain",)).get_content()


@pytest.mark.parametrize("javascript", [True, False])
def test_the_set_up_asks_for_the_time_zone(visit, live: Live, javascript: bool) -> None:
    page = visit(None, javascript=javascript, zone=ZONE, expected=("status of 422", "404", "400"), at=None)
    set_up = f"{live.url}/setup?token={sign_in.setup_link_token()}"
    page.goto(set_up)
    expect(page.get_by_label("Time zone")).to_have_value(ZONE if javascript else "")
    if not javascript:
        page.get_by_label("Time zone").fill(ZONE)
    for label, text in (("Workspace", "Acme"), ("Your name", "Olga Brandt"), ("Your e-mail", "olga@acme.example"),
                        ("Password", PASSWORD), ("Repeat the password", "correct horse")):  # fmt: skip
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Set up Rollcall").click()
    expect(page.get_by_role("alert")).to_contain_text("The passwords don't match")
    expect(page.get_by_label("Time zone")).to_have_value(ZONE)
    expect(page.get_by_label("Your name")).to_have_value("Olga Brandt")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Repeat the password", exact=True).fill(PASSWORD)
    send = page.get_by_role("button", name="Set up Rollcall")
    send.dblclick() if javascript else send.click()  # a browser without scripts drops the answer to the first click
    expect(page.get_by_role("heading", name="Directory", exact=True)).to_be_visible()
    expect(page.locator("#toasts")).to_contain_text("Rollcall is set up.")
    assert workspace().zone == ZONE and Person.select().where(Person.workspace_role == "owner").count() == 1
    page.goto(set_up)
    assert "/setup" not in page.url, "there is nothing to set up a second time"


def test_mail_is_set_up_on_the_page_and_waiting_e_mails_leave(visit, live: Live, olga: Person, smtp_signed_in) -> None:
    smtp = smtp_signed_in
    outbox.test_mail("olga@acme.example")
    page: Page = visit(olga, expected=("status of 422",))
    expect(page.locator("main")).to_contain_text("Nobody gets e-mail yet")
    page.goto(f"{live.url}/activity")
    page.locator("#outbox summary").click()
    page.locator("#outbox a").first.click()
    expect(page.locator(".mail-text")).to_contain_text("E-mail from Rollcall reaches you")
    page.get_by_role("link", name="Set up mail").click()

    form = page.get_by_role("form", name="Mail server")
    form.get_by_label("Server").fill("127.0.0.1")
    form.get_by_label("Encryption").select_option("none")
    form.get_by_label("Port").fill("9")
    form.locator("summary").click()
    form.get_by_label("From").fill("rollcall@acme.example")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed")
    expect(form.get_by_label("From")).to_have_value("rollcall@acme.example")
    assert mail_server.entered() is None
    form.get_by_label("Port").fill(str(smtp.port))
    form.locator("[name=user]").fill(USER)
    form.locator("[name=password]").fill("not the password")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("refused the sign-in of rollcall@acme.example")
    expect(form.locator("[name=user]")).to_have_value(USER)
    form.locator("[name=password]").fill(SMTP_PASSWORD)
    form.get_by_role("button", name="Save").dblclick()
    expect(page.locator("#toasts")).to_contain_text("Saved. E-mails are sent through 127.0.0.1.")

    page.get_by_role("button", name="Send a test e-mail").dblclick()
    expect(page.locator("#toasts")).to_contain_text("The mail server accepted a test e-mail")
    queue.drain()
    assert len(smtp.wait_for(2)) == 2, "one that waited, and one test e-mail"
    page.reload()
    expect(page.locator("section:has(#h-mail)")).to_contain_text("A mail server is set")
    expect(page.get_by_role("link", name="1 e-mail waiting")).to_have_count(0)
    other = page.context.new_page()
    other.goto(f"{live.url}/settings")
    page.get_by_role("button", name="Remove the mail server").dblclick()
    expect(page.locator("#toasts")).to_contain_text("The mail server was removed")
    other.get_by_role("button", name="Remove the mail server").click()
    expect(other.locator("section:has(#h-mail)")).to_contain_text("No mail server is set")
    outbox.configure("smtp://mail.acme.example", live.url)
    page.reload()
    expect(page.locator("section:has(#h-mail)")).to_contain_text("ROLLCALL_SMTP_URL sets the mail server, and takes")
    expect(page.get_by_role("form", name="Mail server")).to_have_count(0)


@pytest.mark.parametrize("javascript", [True, False])
def test_a_colleague_is_invited_without_mail(visit, live: Live, olga: Person, javascript: bool) -> None:
    page: Page = visit(olga, javascript=javascript, expected=("status of 422",), at=None)
    page.goto(f"{live.url}/people")
    page.get_by_role("link", name="Invite").first.click()
    page.get_by_label("Name").fill("Mira Okafor")
    page.get_by_label("E-mail").fill("olga@acme.example")
    expect(page.get_by_role("radio").filter(visible=True)).to_have_count(3)
    page.locator("summary", has_text="What each role can do").click()
    expect(page.get_by_role("table", name="What each role can do")).to_be_visible()
    page.get_by_role("radio", name="Owner").check()
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Olga Brandt can already sign in")
    expect(page.get_by_role("radio", name="Owner")).to_be_checked()
    page.get_by_label("E-mail").fill("mira@acme.example")
    page.get_by_role("button", name="Invite", exact=True).click()
    box = page.get_by_label("One-time sign-in link")
    link = box.input_value()
    if javascript:
        page.get_by_role("link", name="Done").click()
        expect(page.locator("#people")).to_contain_text("Mira Okafor")
    else:
        page.reload()
        expect(page.locator("main")).to_contain_text("Mira Okafor")
        assert Person.select().where(Person.name == "Mira Okafor").count() == 1, "sent again, it invites nobody twice"
    mira: Page = visit(None, width=NARROW, expected=("status of 410",), at=None)
    mira.goto(link)
    mira.get_by_role("button", name="Sign in").dblclick()
    expect(mira.get_by_role("heading", name="Your sign-in")).to_be_visible()
    expect(mira.locator("#toasts")).to_contain_text("You are signed in. Add a password or a passkey")
    assert people.find_by_email("mira@acme.example").workspace_role == "owner"
    again: Page = visit(None, expected=("status of 410",), at=None)
    again.goto(link)
    expect(again.locator("main")).to_contain_text("used")


def test_a_colleague_is_invited_by_mail_once(visit, live: Live, olga: Person, smtp) -> None:
    outbox.configure(smtp.url, live.url)
    page: Page = visit(olga, at=None)
    page.goto(f"{live.url}/people")
    page.get_by_role("link", name="Invite").first.click()
    page.get_by_label("Name").fill("Mira Okafor")
    page.get_by_label("E-mail").fill("mira@acme.example")
    page.get_by_role("button", name="Invite", exact=True).dblclick()
    expect(page.locator("#toasts")).to_contain_text("Mira Okafor was invited.")
    queue.drain()
    [mail] = smtp.wait_for(1)
    mira: Page = visit(None, at=None)
    mira.goto(link_in(body_of(mail)))
    mira.get_by_role("button", name="Sign in").click()
    expect(mira.locator(".drawer, nav").first).to_be_visible()
    assert Mail.select().where(Mail.kind == "colleague").count() == 1


def test_a_forgotten_password(visit, live: Live, olga: Person, by: str, smtp, monkeypatch) -> None:
    outbox.configure(smtp.url, live.url)
    people.add("Ben Roth", "ben@acme.example", by, workspace_role="owner")
    page: Page = visit(None, width=NARROW, expected=("status of 422", "status of 410"))
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("E-mail").fill("olga@acme.example")
    page.get_by_role("button", name="Send the link").dblclick()
    expect(page.locator("main")).to_contain_text("an e-mail with a link is on its way")
    queue.drain()
    link = link_in(body_of(smtp.wait_for(1)[0]))
    now = time.time()
    with monkeypatch.context() as later:
        later.setattr(time, "time", lambda: now + forgotten.LASTS + 2)
        page.goto(link)
        expect(page.locator("main")).to_contain_text("This link was already used, or is older than 30 minutes.")
        expect(page.get_by_label("E-mail")).to_be_visible()

    page.goto(link)
    other = page.context.new_page()
    other.goto(link)
    page.get_by_label("New password", exact=True).fill("four unrelated words here")
    page.get_by_label("Repeat the new password").fill("four unrelated words")
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_role("alert")).to_contain_text("The passwords don't match. Nothing was changed.")
    page.get_by_label("New password", exact=True).fill("four unrelated words here")
    page.get_by_label("Repeat the new password").fill("four unrelated words here")
    page.get_by_role("button", name="Set password").dblclick()
    expect(page.locator("#toasts")).to_contain_text("Your password was changed.")
    other.get_by_label("New password", exact=True).fill("another four words here")
    other.get_by_label("Repeat the new password").fill("another four words here")
    other.get_by_role("button", name="Set password").click()
    expect(other.locator("main")).to_contain_text("Nothing was changed.")
    assert sign_in.authenticate("olga@acme.example", "four unrelated words here")
    page.goto(link)
    expect(page.locator("main")).to_contain_text("This link was already used")


def test_looks(visit, live: Live, olga: Person) -> None:
    mail = outbox.test_mail("olga@acme.example")
    outsider = visit(None, expected=("status of 410",))
    looks = [Look("forgotten-no-mail", "/sign-in/password"), Look("forgotten-used", "/sign-in/password/x")]
    wrong = look_at(outsider, live.url, *looks)
    page = visit(olga, at=None)
    looks = [
        Look("waiting-mail", f"/activity/mails/{mail.id}"),
        Look("invite-colleague", "/people", opens("text=Invite a colleague")),
        Look("settings-mail", "/settings"),
    ]
    wrong += look_at(page, live.url, *looks)
    outbox.configure("smtp://127.0.0.1:9", live.url)
    looks = [Look("forgotten", "/sign-in/password"),
             Look("new-password", f"/sign-in/password/{forgotten.token_for(olga)}")]  # fmt: skip
    nothing_wrong(wrong + look_at(outsider, live.url, *looks))
