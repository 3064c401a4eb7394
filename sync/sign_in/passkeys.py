"""Passkeys (WebAuthn level 3): a key pair that a device keeps for this site alone, so that no page can phish it.
py_webauthn verifies what the device signed; here is whose it is, for which site, and that each answer is good once."""

from __future__ import annotations

import hashlib
import json
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm

from sync import activity
from sync.db import connected, utcnow, writing
from sync.mail import sign_in_changes
from sync.mail.letters import clean
from sync.models import Passkey, Person
from sync.names import main_email, signature
from sync.people.last_owner import may_sign_in
from sync.people.people import PeopleProblem
from sync.sign_in import attempts, challenges

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

PATIENCE = 5 * 60  # seconds that an answer may take
LONGEST_ANSWER = 20_000  # characters
LONGEST_NAME = 60
MOST = 20  # of one person
MALFORMED = (UnsupportedAlgorithm, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, OverflowError,
             RecursionError, struct.error)  # fmt: skip
REFUSED = "This passkey was not accepted. Nothing was changed: try again, or use another way."
LATE = "That took longer than five minutes, or was sent twice. Nothing was changed: try again."


class Purpose(StrEnum):
    """What a challenge is for.
    An answer is valid for that alone."""

    ADD = "add"
    SIGN_IN = "sign in"
    SECOND_STEP = "second step"
    CONFIRM = "confirm"


class PasskeyProblem(PeopleProblem):
    """It is not accepted; the message is a sentence for the page."""


@dataclass(frozen=True)
class Site:
    """What a passkey is bound to: the host of ROLLCALL_URL, and the origin whose pages may use it."""

    host: str
    origin: str


def site(base_url: str) -> Site | None:
    """None where browsers know no passkeys: for an IP address, and without TLS beyond this machine."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if not host or _is_ip(host) or (parts.scheme != "https" and host != "localhost"):
        return None
    standard = {"https": 443, "http": 80}[parts.scheme]
    port = f":{parts.port}" if parts.port not in (None, standard) else ""
    return Site(host, f"{parts.scheme}://{host}{port}")


def _is_ip(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def _library() -> ModuleType:
    """webauthn, imported with the first passkey: with its dependencies, it takes 7 MB."""
    import webauthn

    return webauthn


def _bytes(value: str) -> bytes:
    return _library().helpers.base64url_to_bytes(value)


def _malformed() -> tuple[type[Exception], ...]:
    return (*MALFORMED, _library().helpers.exceptions.WebAuthnException)


def to_add(person: Person, here: Site) -> tuple[str, dict]:
    """What the browser is asked for (JSON), and what it keeps until it answers. Raises PasskeyProblem for too many."""
    if Passkey.select().where(Passkey.person == person).count() >= MOST:
        raise PasskeyProblem(f"You already have {MOST} passkeys: remove one first.")
    webauthn = _library()
    asked = webauthn.helpers.structs
    options = webauthn.generate_registration_options(
        rp_id=here.host, rp_name="Rollcall", user_id=_handle(person, here), user_name=main_email(person) or person.name,
        user_display_name=person.name, exclude_credentials=_known(person), timeout=PATIENCE * 1000,
        authenticator_selection=asked.AuthenticatorSelectionCriteria(
            resident_key=asked.ResidentKeyRequirement.PREFERRED,
            user_verification=asked.UserVerificationRequirement.PREFERRED),
    )  # fmt: skip
    return webauthn.options_to_json(options), _kept(options.challenge, Purpose.ADD, person)


def add(person: Person, here: Site, kept: Mapping | None, answer: str, name: str) -> Passkey:
    """The passkey that the browser has made. Raises PasskeyProblem."""
    challenge = _taken(kept, Purpose.ADD, person)
    try:
        made = _library().verify_registration_response(
            credential=_read(answer), expected_challenge=challenge, expected_rp_id=here.host,
            expected_origin=here.origin,
        )  # fmt: skip
    except _malformed() as problem:
        raise PasskeyProblem(REFUSED) from problem
    credential_id = _library().helpers.bytes_to_base64url(made.credential_id)
    with writing():
        if Passkey.select().where(Passkey.credential_id == credential_id).exists():
            raise PasskeyProblem("This passkey is already registered. Nothing was changed.")
        return Passkey.create(person=person, credential_id=credential_id, public_key=made.credential_public_key,
                              sign_count=made.sign_count, name=clean(name, LONGEST_NAME) or "Passkey")


def to_prove(here: Site, purpose: Purpose, person: Person | None = None) -> tuple[str, dict]:
    """The same for using one: any of `person`'s, or whichever the device has for this site.

    Alone it stands for two factors, so that the device must ask for a PIN, a face or a finger.
    """
    alone = person is None
    webauthn = _library()
    verification = webauthn.helpers.structs.UserVerificationRequirement
    options = webauthn.generate_authentication_options(
        rp_id=here.host, allow_credentials=None if alone else _known(person), timeout=PATIENCE * 1000,
        user_verification=verification.REQUIRED if alone else verification.PREFERRED,
    )  # fmt: skip
    return webauthn.options_to_json(options), _kept(options.challenge, purpose, person)


def prove(here: Site, purpose: Purpose, kept: Mapping | None, answer: str, person: Person | None = None,
          source: str = "", browser: str = "") -> Person:  # fmt: skip
    """Whose passkey has signed, `person`'s where one is given. Raises PasskeyProblem, TooManyAttempts.

    Failures count for the source alone: nobody guesses a signature, and wrong codes must not lock a passkey out.
    A `browser` that this person has signed in with before is counted nowhere: strangers' failures don't lock it out.
    """
    counted = {} if browser else attempts.keys_of_codes(None, source)
    attempts.begin(counted)
    try:
        proven = _proven(here, _taken(kept, purpose, person), answer, person)
    except PasskeyProblem:
        attempts.failed(person, source, counted)
        raise
    attempts.succeeded(counted)
    return proven


def _proven(here: Site, challenge: bytes, answer: str, person: Person | None) -> Person:
    sent = _read(answer)
    with connected():
        known = Passkey.select(Passkey, Person).join(Person).where(Passkey.credential_id == sent.get("id")).first()
    if known is None or (person is not None and known.person != person):
        raise PasskeyProblem("Rollcall doesn't know this passkey. Use another way to sign in.")
    try:
        signed = _library().verify_authentication_response(
            credential=sent, expected_challenge=challenge, expected_rp_id=here.host, expected_origin=here.origin,
            credential_public_key=bytes(known.public_key), credential_current_sign_count=0,  # _count looks at it
            require_user_verification=person is None,
        )  # fmt: skip
        handle = (sent.get("response") or {}).get("userHandle")
        strange = _bytes(handle) != _handle(known.person, here) if handle else person is None
    except _malformed() as problem:
        raise PasskeyProblem(REFUSED) from problem
    if strange or not may_sign_in(known.person):
        raise PasskeyProblem(REFUSED)
    _count(known, signed.new_sign_count)
    return known.person


def _count(passkey: Passkey, count: int) -> None:
    """A counter that doesn't grow means that the key was copied (WebAuthn 7.2, step 22). Devices without one say 0."""
    grown = (Passkey.sign_count < count) | ((Passkey.sign_count == 0) & (count == 0))
    with writing():
        if Passkey.update(sign_count=count, used_at=utcnow()).where(Passkey.id == passkey.id, grown).execute():
            return
        activity.record("sign-in", "refused passkey", about=signature(passkey.person), person=passkey.person_id,
                        why=f"“{passkey.name}” counts {count} after {passkey.sign_count}: it may have been copied")
        what = (f"The passkey “{passkey.name}” was refused. It was used elsewhere since, so it may have been copied. "
                "Remove it.")  # fmt: skip
        sign_in_changes.notify(passkey.person, what, "Rollcall")
    attempts.log.warning("refused a passkey whose counter went back")
    raise PasskeyProblem("This passkey was used elsewhere since: it may have been copied, and is not accepted. "
                         "Sign in another way, remove it, and tell an Owner.")


def _kept(challenge: bytes, purpose: Purpose, person: Person | None) -> dict:
    return {"challenge": _library().helpers.bytes_to_base64url(challenge), "for": purpose, "at": int(time.time()),
            "person": person.id if person else None}


def _taken(kept: Mapping | None, purpose: Purpose, person: Person | None) -> bytes:
    """The challenge that this browser was given for this; it is used up by this, also by two requests at once."""
    wanted = (purpose, person.id if person else None)
    if not kept or (kept["for"], kept["person"]) != wanted or time.time() - kept["at"] > PATIENCE:
        raise PasskeyProblem(LATE)
    if not challenges.use_up(kept["challenge"], PATIENCE):
        raise PasskeyProblem(LATE)
    return _bytes(kept["challenge"])


def _read(answer: str) -> dict:
    """What the browser sent, as JSON. Raises PasskeyProblem for what is none."""
    if not answer:
        raise PasskeyProblem("Passkeys need JavaScript, and a browser that supports them. Use another way.")
    try:
        sent = json.loads(answer) if len(answer) <= LONGEST_ANSWER else None
    except (ValueError, RecursionError):
        sent = None
    if not isinstance(sent, dict) or not isinstance(sent.get("id"), str) or not isinstance(sent.get("response"), dict):
        raise PasskeyProblem(REFUSED)
    return sent


def _known(person: Person) -> list[PublicKeyCredentialDescriptor]:
    ids = Passkey.select(Passkey.credential_id).where(Passkey.person == person).order_by(Passkey.id)
    return [_library().helpers.structs.PublicKeyCredentialDescriptor(id=_bytes(row.credential_id)) for row in ids]


def _handle(person: Person, here: Site) -> bytes:
    """The user handle of a passkey: a device must not learn from it who the person is (WebAuthn 14.6.1)."""
    return hashlib.sha256(f"Rollcall {here.host} {person.id} {person.created_at.isoformat()}".encode()).digest()
