"""The sign-in page. Every failed way of signing in returns to it with the reason."""

from __future__ import annotations

from flask import render_template

from sync.people.last_owner import has_owner
from sync.sign_in import oidc
from web import passkey_form


def page(further: str, email: str = "", problem: str = "") -> str:
    return render_template(
        "signin/show.html", set_up=has_owner(), further=further, email=email, problem=problem,
        provider=oidc.settings(), provider_is_down=oidc.is_down(), passkeys_work=passkey_form.site() is not None,
    )
