"""Whether an identity provider has asked for two factors itself, by what its ID token says of how somebody signed in.
What it doesn't say doesn't count: then Rollcall asks for its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# RFC 8176, section 2, by the kind of factor (NIST SP 800-63B, section 4.2: two factors are of two different kinds).
# Left out: sms and tel, which SP 800-63B restricts; geo, rba, user, wia and mca, which are no factor.
KNOWS = frozenset({"pwd", "pin", "kba"})
HAS = frozenset({"otp", "hwk", "swk", "sc", "pop"})
IS = frozenset({"face", "fpt", "iris", "retina", "vbm"})
SAYS_SO = "mfa"


def are_two(claims: Mapping[str, Any], acr_values: str) -> bool:
    """Whether the `amr` names two kinds of factor, or the `acr` is one that the sign-in settings name."""
    said = claims.get("amr")
    named = {one for one in said if isinstance(one, str)} if isinstance(said, list) else set()
    kinds = sum(bool(named & kind) for kind in (KNOWS, HAS, IS))
    acr = claims.get("acr")
    return SAYS_SO in named or kinds > 1 or (isinstance(acr, str) and acr in acr_values.split())
