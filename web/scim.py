"""SCIM 2.0 for identity providers that push: /scim/v2. No session, no cookie, no form.
What answers is imported with the first request: it is most of what pages would import, and few workspaces need it."""

from __future__ import annotations

from flask import Blueprint, Response
from werkzeug.exceptions import HTTPException

from sync.directory import push
from web.permissions import directory_token
from web.security import csrf

pages = Blueprint("scim", __name__, url_prefix=push.PATH)
csrf.exempt(pages)

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@pages.route("", defaults={"path": ""}, methods=METHODS, strict_slashes=False)
@pages.route("/<rest:path>", methods=METHODS)
@directory_token
def answer(path: str) -> Response:
    from web import scim_answers

    return scim_answers.answer(path)


def refusal(problem: HTTPException) -> Response:
    """What never came to answer(): an address or a method that no route knows, reported in the standard's form."""
    from web import scim_answers

    return scim_answers.refusal(problem)
