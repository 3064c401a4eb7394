"""Authenticator apps (RFC 6238): a secret that the app and Rollcall share, from which both make a code each 30 seconds.
A secret counts once a first code has confirmed it; each code is good once."""

from __future__ import annotations

import hmac
import time

import pyotp

from sync import vault
from sync.db import utcnow, writing
from sync.models import AuthenticatorApp, Person
from sync.names import main_email
from sync.people.people import PeopleProblem
from sync.workspace import workspace

STEP = 30  # seconds
DRIFT = 1  # steps that the phone's clock may be early or late


def has(person: Person) -> bool:
    """Whether this person has a confirmed authenticator app."""
    return AuthenticatorApp.select().where(
        AuthenticatorApp.person == person, AuthenticatorApp.secret.is_null(False)).exists()


def of(person: Person) -> AuthenticatorApp | None:
    """The person's row, even if its secret isn't confirmed yet; None if there is none."""
    return AuthenticatorApp.get_or_none(AuthenticatorApp.person == person)


def offer(person: Person) -> str:
    """A new secret (base32), which counts once `confirm` has seen a code of it; one that counts stays until then."""
    secret = pyotp.random_base32()
    sealed = vault.seal({"secret": secret})
    with writing():
        AuthenticatorApp.insert(person=person, offered=sealed).on_conflict(
            conflict_target=[AuthenticatorApp.person], update={AuthenticatorApp.offered: sealed}).execute()
    return secret


def offered(person: Person) -> str | None:
    """The secret that waits for its first code."""
    row = of(person)
    return vault.unseal(row.offered)["secret"] if row is not None and row.offered else None


def address(person: Person, secret: str) -> str:
    """What the QR code says (otpauth://, as Google Authenticator defined it)."""
    return pyotp.TOTP(secret).provisioning_uri(
        name=main_email(person) or person.name, issuer_name=f"Rollcall {workspace().name}".replace(":", " "))


def picture(text: str) -> tuple[int, str]:
    """A QR code as its width in modules and the path of its dark ones (SVG's d), for a page to draw."""
    import segno  # here: it is slow to import, and one page draws

    rows = list(segno.make(text, micro=False, error="m").matrix_iter(border=4))
    dark = [f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, one in enumerate(row) if one]
    return len(rows), "".join(dark)


def confirm(person: Person, code: str) -> None:
    """The first code of the offered secret, which counts from now on. Raises PeopleProblem."""
    row = of(person)
    sealed = row.offered if row is not None else None
    step = _step_of(vault.unseal(sealed)["secret"], code) if sealed else None
    if step is None:
        raise PeopleProblem("This code is wrong. Wait for the next one, and check that the phone's clock is right.")
    with writing():  # of two requests at once one finds it still offered; a newer offer needs a code of its own
        if not AuthenticatorApp.update(
            secret=sealed, offered=None, last_step=step, confirmed_at=utcnow(), used_at=None,
        ).where(AuthenticatorApp.person == person, AuthenticatorApp.offered == sealed).execute():  # fmt: skip
            raise PeopleProblem("This key was already confirmed, or replaced by another one. Nothing was changed.")


def take(person: Person, code: str) -> bool:
    """Whether this is a valid code of the person. This uses it up, and all codes before it."""
    row = of(person)
    if row is None or not row.secret:
        return False
    step = _step_of(vault.unseal(row.secret)["secret"], code)
    if step is None:
        return False
    with writing():  # of two requests with the same code, one finds it unused
        return AuthenticatorApp.update(last_step=step, used_at=utcnow()).where(
            AuthenticatorApp.id == row.id, AuthenticatorApp.last_step < step).execute() == 1


def _step_of(secret: str, code: str) -> int | None:
    """The step that makes this code, within the drift."""
    app, now = pyotp.TOTP(secret), int(time.time()) // STEP
    given = "".join(code.split()).encode()
    fitting = [step for step in range(now - DRIFT, now + DRIFT + 1)
               if hmac.compare_digest(app.generate_otp(step).encode(), given)]
    return max(fitting, default=None)
