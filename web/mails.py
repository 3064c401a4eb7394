"""E-mails that wait in the outbox or failed, to be read."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, url_for

from sync.mail import outbox
from sync.models import Mail
from web.activity import of_apps
from web.frame import MANAGERS
from web.mail_view import body_of, outbox_line
from web.permissions import workspace_role
from web.rows import row_or_404

pages = Blueprint("mails", __name__, url_prefix="/activity/mails")


@pages.get("/<int:mail_id>")
@workspace_role(*MANAGERS)
def show(mail_id: int) -> str:
    mail = row_or_404(Mail, mail_id)
    if not outbox.may_read(mail, of_apps()):
        abort(404)
    return render_template("activity/mail.html", mail=mail, line=outbox_line(mail), body=body_of(mail),
                           back=url_for("activity.index"), can_send=outbox.can_send())
