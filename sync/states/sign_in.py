"""Words of signing in."""

from __future__ import annotations

from enum import StrEnum


class SignInMethod(StrEnum):
    """How a session began.
    NOT_KNOWN: before this was stored."""

    NOT_KNOWN = ""
    PASSWORD = "password"
    LINK = "link"
    PROVIDER = "provider"
    PASSKEY = "passkey"
    SET_UP_LINK = "set-up link"


class SecondFactor(StrEnum):
    """The second factor that a session began with.
    The provider asked for it where it is the identity provider's."""

    NONE = ""
    APP = "authenticator app"
    PASSKEY = "passkey"
    RECOVERY = "recovery code"
    PROVIDER = "identity provider"
