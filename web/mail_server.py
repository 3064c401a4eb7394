"""The mail server that is entered under Settings, and test e-mails through it."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from sync import names
from sync.mail import mail_server, outbox
from sync.mail.smtp import MailNotSent
from sync.problems import Overtaken, Problem
from sync.states import Tone
from web import stale
from web.answers import INVALID, go_to
from web.confirming import asks_again
from web.patience import waits_for_a_server
from web.permissions import workspace_role
from web.security import by, signed_in_person
from web.settings import page

pages = Blueprint("mail_server", __name__, url_prefix="/settings")


@pages.put("/mail-server")
@workspace_role(*mail_server.MAY_SET)
@asks_again
@waits_for_a_server
def update() -> Response | tuple[str, int]:
    if stale.is_stale(mail_server.entered()):
        return page(problems={"mail": stale.CHANGED}), INVALID
    given = {field.name: request.form.get(field.name, "") for field in mail_server.FIELDS}
    try:
        server = mail_server.save(given, by())
    except Overtaken as problem:
        return page(problems={"mail": str(problem)}), INVALID
    except Problem as problem:
        return page(given=given, problems={"mail": str(problem)}), INVALID
    return go_to(url_for("settings.show"), f"Saved. E-mails are sent through {server.host}. Send a test e-mail next.")


@pages.delete("/mail-server")
@workspace_role(*mail_server.MAY_SET)
@asks_again
def delete() -> Response:
    mail_server.remove(by())
    return go_to(url_for("settings.show"), "The mail server was removed. E-mails wait in the outbox.")


@pages.post("/test-mails")
@workspace_role(*mail_server.MAY_TRY)
@waits_for_a_server
def create_test_mail() -> Response | tuple[str, int]:
    to = names.main_email(signed_in_person())
    if not outbox.can_send():
        outbox.test_mail(to)
        waits = "The test e-mail is in the outbox, because no mail server is set."
        return go_to(url_for("settings.show"), waits, Tone.ATTENTION)
    try:
        outbox.try_out(to, by())
    except MailNotSent as problem:
        return page(problems={"test_mail": f"The test e-mail wasn't sent. {problem.in_full}"}), INVALID
    message = f"The mail server accepted a test e-mail to {to}. If it doesn't arrive, look in the spam folder."
    return go_to(url_for("settings.show"), message)
