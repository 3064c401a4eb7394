"""One account of an app: its person, its tasks and its access, which is granted and revoked here."""

from __future__ import annotations

from flask import Blueprint, url_for

from sync import assets, provisioning, roles, tasks
from sync.models import Account, App
from sync.names import account_name
from web.app_page import match_in_words, page
from web.permissions import app_part
from web.task_view import WORDS

pages = Blueprint("account", __name__, url_prefix="/apps/<int:app_id>/members/<int:account_id>")


@pages.get("")
@app_part("collaborator")
def show(app: App, account: Account) -> str:
    here = url_for("account.show", app_id=app.id, account_id=account.id)
    return page(
        app, "acts/account.html", account=account, name=account_name(account), whose=match_in_words(account),
        roles=roles.of(app), here=here,
        state=provisioning.state_of(account), access=assets.access_of(account), acts=tasks.of_account(account),
        words=WORDS,
    )  # fmt: skip
