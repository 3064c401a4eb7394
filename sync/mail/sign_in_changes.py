"""Mails to someone whose way of signing in was changed: what, by whom, when, and what to do if it wasn't them.
Someone who takes over an account changes these first; the e-mail lets the person notice."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from sync.db import utcnow
from sync.mail import outbox
from sync.mail.letters import Sentence, moment
from sync.models import Person
from sync.names import main_email, short_name


def notify(person: Person, sentence: str, by: str, further: Iterable[str] = ()) -> None:
    """One mail to the person's main address and to each of `further`, in the transaction of the change.

    `sentence` says what is true now, in our own words; `by` is who did it. Nobody without an address is written to.
    """
    to = dict.fromkeys(address for address in (main_email(person), *further) if address)
    outbox.put(
        list(to), "sign-in changed", f"sign-in-{person.id}-{secrets.token_hex(8)}", template="sign_in_changed",
        subject=Sentence("Your sign-in to Rollcall was changed"), sentence=sentence, by=short_name(by),
        when=moment(utcnow()), link=outbox.link("/settings/your-sign-in"),
    )  # fmt: skip
