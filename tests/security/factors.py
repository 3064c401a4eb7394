"""What the tests of second factors share: someone who has an authenticator app, and a browser half signed in."""

from __future__ import annotations

import re
import time
from contextlib import suppress

import pyotp

from sync.models import Person, Session
from sync.people.people import PeopleProblem
from sync.sign_in import authenticator, second_factor
from sync.sign_in.sessions import Way, session_of, start_session
from sync.states import SecondFactor, SignInMethod
from tests.web.client import Client

HERE = "/settings/your-sign-in"
STEP = "/sign-in/second-factor"
PASSWORD = "correct horse battery"


def code(secret: str, steps: int = 0) -> str:
    """The code of now, or of some steps of 30 seconds from now."""
    return pyotp.TOTP(secret).at(int(time.time()) + 30 * steps)


def with_app(person: Person) -> tuple[str, list[str]]:
    """Gives the person an authenticator app: its secret, and the recovery codes. No code of now or later is used up."""
    secret = authenticator.offer(person)
    step = None
    while step != (step := int(time.time()) // authenticator.STEP):  # again, where a step has begun in between
        with suppress(PeopleProblem):
            authenticator.confirm(person, code(secret, -1))
            break
    assert authenticator.has(person)
    session: Session = session_of(start_session(person, Way(SignInMethod.PASSWORD)))
    codes = second_factor.added(person, SecondFactor.APP, session)
    session.delete_instance()
    return secret, codes


def sign_in(browser: Client, email: str = "olga@acme.example", password: str = PASSWORD, **values: str):
    return browser.send("POST", "/session", email=email, password=password, **values)


def codes_of(page: str) -> list[str]:
    """The recovery codes that a page shows."""
    return re.findall(r"<li><code>([a-z0-9-]{19})</code>", page)


def secret_of(page: str) -> str:
    """The secret that a page shows as text."""
    return re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page).group(1).replace(" ", "")
