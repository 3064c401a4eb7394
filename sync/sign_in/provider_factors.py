"""What an identity provider's ID token says of how someone signed in: whether by two factors, and when.
Factors that it doesn't name don't count: then Rollcall asks for its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sync.db import utcnow

# RFC 8176, section 2, by the kind of factor (NIST SP 800-63B, section 4.2: two factors are of two different kinds).
# Left out: sms and tel, which SP 800-63B restricts; geo, rba, user, wia and mca, which aren't factors.
KNOWS = frozenset({"pwd", "pin", "kba"})
HAS = frozenset({"otp", "hwk", "swk", "sc", "pop"})
IS = frozenset({"face", "fpt", "iris", "retina", "vbm"})
SAYS_SO = "mfa"


def are_two(claims: Mapping[str, Any], acr_values: str) -> bool:
    """Whether the `amr` names two kinds of factor, or the `acr` is one that the sign-in settings name."""
    claimed = claims.get("amr")
    named = {one for one in claimed if isinstance(one, str)} if isinstance(claimed, list) else set()
    kinds = sum(bool(named & kind) for kind in (KNOWS, HAS, IS))
    acr = claims.get("acr")
    return SAYS_SO in named or kinds > 1 or (isinstance(acr, str) and acr in acr_values.split())


def proved_at(claims: Mapping[str, Any]) -> datetime | None:
    """When someone last proved there who they are, as naive UTC (`auth_time`, OpenID Connect Core 2): a provider that
    still knows them signs them in without asking. None where it doesn't say, or names a time that can't be."""
    claimed = claims.get("auth_time")
    if isinstance(claimed, bool) or not isinstance(claimed, int | float):
        return None
    try:
        at = datetime.fromtimestamp(claimed, UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        return None
    return at if at < utcnow() else None
