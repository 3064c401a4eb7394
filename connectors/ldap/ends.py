"""Decides by an LDAP entry's attributes whether its account has ended or is locked: by known attributes, and by an
administrator's rules for others. A value that can't be read stops the reading, and never means that the account is in
use."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime

from connectors.base import Refused
from connectors.counts import plural
from connectors.ldap.rules import BEFORE, CONTAINS, HERE, IS, LEFT, LOCKED, Rule, Unreadable, day_in
from connectors.ldap.times import from_filetime, from_generalized

STATUSES = {HERE: "active", LOCKED: "suspended", LEFT: "deprovisioned"}
SHOWN = 5  # values, in a sentence about them
_SEVERITY = {HERE: 0, LOCKED: 1, LEFT: 2}

ACCOUNT_DISABLED, LOCKOUT = 0x2, 0x10  # bits of userAccountControl, MS-ADTS 2.2.16
LOCKED_FOR_GOOD = ("000001010000Z", "00000101000000Z")  # draft-behera-ldap-password-policy-11 5.3.3
KERBEROS_NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # 0, which MIT Kerberos writes for a principal that never expires
DISABLED_ROLES = ("cn=nsmanageddisabledrole", "cn=nsdisabledrole")  # of 389 Directory Server's ns-inactivate


class Ends:
    """Finds the `status` and the `last_day` of entries. Afterwards, `unexplained` has the values without a rule.

    `rules` take precedence over the known meaning of the same attribute. `marks`: a rule whose attribute needs no rules
    for its other values. `now`: aware, default the present. `today`: the day in the workspace's time zone, default the
    day in UTC.
    """

    def __init__(
        self, rules: Iterable[Rule], marks: Rule | None = None, now: datetime | None = None, today: date | None = None
    ):
        self._now, self._marks = now or datetime.now(UTC), marks
        self._today = today or self._now.date()
        self._rules: dict[str, list[Rule]] = defaultdict(list)
        self._names: dict[str, str] = {}
        for rule in (*rules, *filter(None, [marks])):
            self._rules[rule.attribute.casefold()].append(rule)
            self._names.setdefault(rule.attribute.casefold(), rule.attribute)
        self._unexplained: dict[str, Counter[str]] = defaultdict(Counter)

    @property
    def asked(self) -> tuple[str, ...]:
        """The names of the attributes that decide. Each is requested by name, because some are operational."""
        return (*KNOWN, *(name for key, name in self._names.items() if key not in _KNOWN))

    def status(self, dn: str, texts_of: Callable[[str], list[str]]) -> str:
        """active, suspended or deprovisioned: the most severe that any attribute says. `texts_of`: returns an
        attribute's values. Raises Refused for a value that can't be read."""
        worst = HERE
        for name in self.asked:
            texts = texts_of(name)
            if not texts or name == "lockoutTime" and texts_of("msDS-User-Account-Control-Computed"):
                continue  # the computed attribute takes the lock's duration into account
            try:
                outcome = self._outcome(name, texts)
            except Unreadable as problem:
                raise Refused(
                    f"{dn} has {name}: {', '.join(texts)[:100]}. {problem} So it is unknown whether the account has "
                    "ended, and nobody was changed. Correct the value in the directory, or say under What ends an "
                    f"account what it means, such as “{name} {IS} {texts[0][:40]}: {LEFT}”."
                ) from None
            worst = max(worst, outcome, key=_SEVERITY.__getitem__)
        return STATUSES[worst]

    def _outcome(self, name: str, texts: list[str]) -> str:
        rules = self._rules.get(name.casefold(), ())
        for rule in rules:
            if rule.matches(texts, self._today):
                return rule.outcome
        if known := _KNOWN.get(name.casefold()):
            return max((known(text, self._now) for text in texts), key=_SEVERITY.__getitem__)
        if any(rule.operator in (IS, CONTAINS) and rule is not self._marks for rule in rules):
            self._unexplained[name].update(texts)
        return HERE

    def last_day(self, texts_of: Callable[[str], list[str]]) -> date | None:
        """The earliest day after which a rule ends the account; None if there is none."""
        return min((day for name in self._rules for day in self._ends_on(name, texts_of(name))), default=None)

    def _ends_on(self, name: str, texts: list[str]) -> list[date]:
        for rule in self._rules[name]:
            if (rule.operator, rule.outcome) == (BEFORE, LEFT):
                return [day for text in texts if (day := day_in(text))]
            if rule.matches(texts, self._today):
                break
        return []

    @property
    def unexplained(self) -> list[str]:
        """A sentence for each attribute that has rules but also values to which no rule applies."""
        return [
            f"No rule says what {self._names.get(name.casefold(), name)} means if it is {_any_of(values)}: "
            "these people count as still here."
            for name, values in sorted(self._unexplained.items())
        ]


def _any_of(values: Counter[str]) -> str:
    """The first of them in words: “on leave” or “unpaid”"""
    quoted = [f"“{value[:40]}”" for value in sorted(values)]
    further = [plural(len(quoted) - SHOWN, "other")] if len(quoted) > SHOWN else []
    return " or ".join([*quoted[:SHOWN], *further])


def _account_control(text: str, now: datetime) -> str:
    """userAccountControl and msDS-User-Account-Control-Computed: a signed 32-bit number (MS-ADTS 2.2.16)."""
    bits = _number(text)
    return LEFT if bits & ACCOUNT_DISABLED else LOCKED if bits & LOCKOUT else HERE


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Unreadable("That isn't a whole number.") from None


def _account_expires(text: str, now: datetime) -> str:
    """accountExpires (MS-ADA1 2.1): 0 and the largest number mean never, and so does -1, which ADSI scripts write."""
    ticks = _number(text)
    if ticks < -1:
        raise Unreadable("Such a time can't be negative.")
    expires = from_filetime(ticks)
    return LEFT if expires and expires <= now else HERE


def _lockout_time(text: str, now: datetime) -> str:
    """lockoutTime (MS-ADA1 2.401): 0 if the account isn't locked out."""
    return LOCKED if _number(text) else HERE


def _true(text: str, now: datetime) -> str:
    if text.casefold() not in ("true", "false"):
        raise Unreadable("That is neither TRUE nor FALSE.")
    return LEFT if text.casefold() == "true" else HERE


def _role(text: str, now: datetime) -> str:
    """nsRole and nsRoleDN: the roles that 389's tools give to an inactive account."""
    return LEFT if text.casefold().replace(" ", "").partition(",")[0] in DISABLED_ROLES else HERE


def _moment(text: str) -> datetime:
    try:
        return from_generalized(text)
    except ValueError as problem:
        raise Unreadable(str(problem)) from None


def _ends_at(text: str, now: datetime) -> str:
    return LEFT if _moment(text) <= now else HERE


def _principal_ends_at(text: str, now: datetime) -> str:
    moment = _moment(text)
    return LEFT if moment != KERBEROS_NEVER and moment <= now else HERE


def _locked_since(text: str, now: datetime) -> str:
    """pwdAccountLockedTime: locked for good, or until pwdLockoutDuration is over, which the entry doesn't show."""
    if text in LOCKED_FOR_GOOD:
        return LEFT
    _moment(text)
    return LOCKED


def _locked_until(text: str, now: datetime) -> str:
    return LOCKED if _moment(text) > now else HERE


def _unlocked_at(text: str, now: datetime) -> str:
    """389's accountUnlockTime: 1970 if someone must unlock the account."""
    moment = _moment(text)
    return LOCKED if moment > now or moment == KERBEROS_NEVER else HERE


def _shadow_expire(text: str, now: datetime) -> str:
    """shadowExpire (shadow(5)): days since 1970; the account has expired from that day on. -1 means never, and 0 should
    not be used."""
    days = _number(text)
    if days == 0:
        raise Unreadable("According to shadow(5), 0 may mean that the account never ends or that it ended in 1970.")
    if days < -1:
        raise Unreadable("According to shadow(5), there is no such number of days.")
    return LEFT if 0 < days <= now.timestamp() // 86400 else HERE


def _samba_flags(text: str, now: datetime) -> str:
    """sambaAcctFlags, [DU         ]: D is disabled, L locked out (samba/lib/util/util_pw, pdb_decode_acct_ctrl)."""
    if not (text.startswith("[") and text.endswith("]")):
        raise Unreadable("Such flags must be in brackets.")
    return LEFT if "D" in text else LOCKED if "L" in text else HERE


def _kickoff(text: str, now: datetime) -> str:
    """sambaKickoffTime: seconds since 1970, 0 for never (sam_account_ok)."""
    return LEFT if 0 < _number(text) <= now.timestamp() else HERE


def _user_status(text: str, now: datetime) -> str:
    """inetUserStatus of Sun's and 389's mail schema."""
    try:
        return {"active": HERE, "inactive": LOCKED, "deleted": LEFT}[text.casefold()]
    except KeyError:
        raise Unreadable("It must be active, inactive or deleted.") from None


KNOWN: dict[str, Callable[[str, datetime], str]] = {
    # Active Directory
    "userAccountControl": _account_control,
    "msDS-User-Account-Control-Computed": _account_control,
    "accountExpires": _account_expires,
    "lockoutTime": _lockout_time,
    # FreeIPA and 389 Directory Server
    "nsAccountLock": _true,
    "nsRole": _role,
    "nsRoleDN": _role,
    "accountUnlockTime": _unlocked_at,
    "krbPrincipalExpiration": _principal_ends_at,
    "inetUserStatus": _user_status,
    # OpenLDAP's password policy
    "pwdAccountLockedTime": _locked_since,
    "pwdAccountTmpLockoutEnd": _locked_until,
    "pwdEndTime": _ends_at,
    # RFC 2307 and Samba's schema for other directories
    "shadowExpire": _shadow_expire,
    "sambaAcctFlags": _samba_flags,
    "sambaKickoffTime": _kickoff,
    # eDirectory; PingDirectory and OpenDJ
    "loginDisabled": _true,
    "loginExpirationTime": _ends_at,
    "ds-pwp-account-disabled": _true,
    "ds-pwp-account-expiration-time": _ends_at,
}
_KNOWN = {name.casefold(): known for name, known in KNOWN.items()}
