"""What protects an account from being removed (rule 5): one ordered table of code, condition and words.
A check asks it of all accounts it wants to remove, an approval and a task of a single one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sync import roles
from sync.db import db
from sync.matching.addresses import ANOTHERS
from sync.models import Account, App
from sync.roles import Roles
from sync.safety import administrators
from sync.states import Protection
from sync.workspace import sql_day_in_words, today

OTHER_EMAIL = "Protected: its e-mail address has changed since it was matched by hand: match it again"


@dataclass(frozen=True)
class Protected:
    """Why one account stays, for the program and in words."""

    code: Protection
    words: str

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True)
class Rule:
    """`condition` and `words` are SQL over the account `a`, its person `p` (NULL without one), `:identity` (the
    external id of the account that Rollcall acts with) and `:today`."""

    code: Protection
    condition: str
    words: str


RULES = (  # the first that holds is the one that is shown
    Rule(Protection.HOLD, "p.legal_hold_reason IS NOT NULL", "'Protected: legal hold: ' || p.legal_hold_reason"),
    Rule(Protection.KEPT_UNTIL,
         "a.match_kind = 'matched' AND p.status = 'deprovisioned' AND p.remove_on > :today",
         f"'Kept until ' || {sql_day_in_words('p.remove_on', ':today')}"),
    Rule(Protection.BY_HAND, "a.protection_reason IS NOT NULL", "'Protected: ' || a.protection_reason"),
    Rule(Protection.AUTOMATION_ACCOUNT, "a.external_id = :identity", "'Protected: Rollcall acts with this account'"),
    Rule(Protection.SYSTEM, "a.kind = 'system'", "'Protected: the app made it for itself'"),
    Rule(Protection.ANOTHERS_ADDRESS, f"{ANOTHERS} IS NOT NULL", f"'Protected: ' || {ANOTHERS}"),
    # It may be someone else's by now: a match by hand stays, and an app may give an id out again.
    Rule(Protection.OTHER_EMAIL, """a.email_when_matched <> '' AND a.email_when_matched <> a.email_key AND NOT EXISTS (
        SELECT 1 FROM person_email e WHERE e.email_key = a.email_key AND e.person_id = a.person_id)""",
        f"'{OTHER_EMAIL}'"),
)  # fmt: skip
# For one account. In a check it depends on who else leaves: there it is asked after all others.
LAST = Rule(
    Protection.LAST_ADMINISTRATOR,
    f"{roles.may_administer('a')} AND NOT EXISTS ({administrators.left('SELECT a.id')})",
    administrators.why_last("a"),
)
OF_THE_PERSON = (Protection.HOLD, Protection.KEPT_UNTIL)  # all accounts of the person stay, whatever they are
MAY_BE_ANOTHERS = (Protection.ANOTHERS_ADDRESS, Protection.OTHER_EMAIL)
OF_THE_ACCOUNT = tuple(code for code in Protection if code not in OF_THE_PERSON)  # it stays, no matter who owns it


def _first(rules: Iterable[Rule]) -> str:
    """SQL: JSON of the code and the words of the first rule that holds, NULL when none does."""
    return " ".join(["CASE", *(f"WHEN {rule.condition} THEN json_array('{rule.code}', {rule.words})" for rule in rules),
                     "END"])  # fmt: skip


_PROTECT = f"""
    WITH known AS MATERIALIZED (
        SELECT w.rowid AS id, {_first(RULES)} AS why FROM wanted w JOIN account a ON a.id = w.account_id
        LEFT JOIN person p ON p.id = a.person_id WHERE w.kind = :kind AND w.in_app AND w.protection IS NULL)
    UPDATE wanted SET protection = known.why ->> 0, protection_reason = known.why ->> 1
    FROM known WHERE wanted.rowid = known.id AND known.why IS NOT NULL
"""


def none_of(*codes: Protection) -> str:
    """SQL: none of these rules holds for the account `a` of the person `p`."""
    return " AND ".join(f"({rule.condition}) IS NOT TRUE" for rule in RULES if rule.code in codes)


def any_of(*codes: Protection) -> str:
    """SQL: one of these rules holds for the account `a` of the person `p`."""
    return f"NOT ({none_of(*codes)})"


def protect(kind: str, values: dict[str, object]) -> None:
    """Note in TEMP `wanted` what protects the accounts that changes of this kind would remove."""
    db.execute_sql(_PROTECT, values | {"kind": kind})


_LOSES = """
    wanted.protection_reason IS NULL AND wanted.left_out_reason IS NULL AND wanted.in_app
    AND (wanted.kind IN ('removed user', 'no longer assigned')
        OR CAST(wanted.detail ->> 'demotes' AS TEXT) IN ('1', 'true'))
"""
_LEAVING = f"SELECT account_id FROM wanted WHERE account_id IS NOT NULL AND {_LOSES}"
_PROTECT_LAST = f"""
    UPDATE wanted SET protection = '{Protection.LAST_ADMINISTRATOR}',
        protection_reason = (SELECT {administrators.why_last("a")} FROM account a WHERE a.id = wanted.account_id)
    WHERE kind IN (SELECT value FROM json_each(:kinds)) AND {_LOSES}
      AND {administrators.may_be_last("wanted.account_id")} AND NOT EXISTS ({administrators.left(_LEAVING)})
"""


def protect_last(values: dict[str, object], *kinds: str) -> None:
    """The same for those by whose change, one of these kinds, the app would have no administrator left."""
    db.execute_sql(_PROTECT_LAST, values | {"kinds": json.dumps(kinds)})


# The columns of `account` that the rules read.
_READ = ("id", "app_id", "external_id", "person_id", "protection_reason", "kind", "email_key", "user_name",
         "match_kind", "email_when_matched", "role", "further_roles", "missing_fields")  # fmt: skip
# The account as it is in the caller's object: right before its removal that has what the app just answered, unsaved.
_NUMBERS = ("id", "app_id", "person_id", "missing_fields")
_AS_IT_IS = ", ".join(
    [f'CAST(:{column} AS {"INTEGER" if column in _NUMBERS else "TEXT"}) AS "{column}"' for column in _READ]
    + ["json(:held_values) AS held_values"]
)


def of(account: Account, *codes: Protection, known: Roles | None = None) -> Protected | None:
    """What protects this account right now: the same rules for one account. None when it may be removed.

    `codes`: only these rules. `known`: the app's roles, where more is known of them than at the last check.
    """
    rules = [rule for rule in (*RULES, LAST) if rule.code in (codes or Protection)]
    values = {column: _value(account, column) for column in _READ} | {
        "held_values": account.held_values and json.dumps(account.held_values), "app": account.app_id,
        "identity": account.app.automation_external_id, "today": str(today()), "roles": known and known.as_json(),
    }  # fmt: skip
    [why] = db.execute_sql(
        f"{roles.AS_KNOWN if known else ''} SELECT {_first(rules)} FROM (SELECT {_AS_IT_IS}) AS a "
        "LEFT JOIN person p ON p.id = a.person_id", values).fetchone()  # fmt: skip
    return _protected(why)


def of_all(app: App, account_ids: Iterable[int], *codes: Protection) -> dict[int, Protected]:
    """The same of many accounts of an app, each alone, by the rows as they are now. Those that may be removed are
    missing."""
    rules = [rule for rule in (*RULES, LAST) if rule.code in (codes or Protection)]
    rows = db.execute_sql(
        f"SELECT a.id, {_first(rules)} FROM account a LEFT JOIN person p ON p.id = a.person_id "
        "WHERE a.app_id = :app AND a.id IN (SELECT CAST(value AS INTEGER) FROM json_each(:ids))",
        {"app": app.id, "ids": json.dumps(list(account_ids)), "identity": app.automation_external_id,
         "today": str(today())},
    ).fetchall()
    return {id: _protected(why) for id, why in rows if why is not None}


def of_each(app: App, account_ids: Iterable[int]) -> Callable[[Account], Protected | None]:
    """of() for these accounts of an app, to be called for one after the other, in a transaction in which nothing but
    their removals happens: they decide only whether an account is the last administrator, which is asked each time."""
    ids = list(account_ids)
    known = of_all(app, ids, *(rule.code for rule in RULES)) if ids else {}
    may_be_last = {id for (id,) in db.execute_sql(
        f"SELECT a.id FROM account a WHERE a.app_id = :app AND a.id IN (SELECT CAST(value AS INTEGER) "
        f"FROM json_each(:ids)) AND {roles.may_administer('a')}", {"app": app.id, "ids": json.dumps(ids)})}  # fmt: skip

    def protected(account: Account) -> Protected | None:
        return known.get(account.id) or (of(account, LAST.code) if account.id in may_be_last else None)

    return protected


def _protected(why: str | None) -> Protected | None:
    if why is None:
        return None
    code, words = json.loads(why)
    return Protected(Protection(code), words)


def _value(account: Account, column: str) -> object:
    field = Account._meta.columns[column]
    return field.db_value(account.__data__.get(field.name))


def last_administrator(account: Account, others: Iterable[object], known: Roles,
                       after: Iterable[str] = ()) -> Protected | None:  # fmt: skip
    """Why the account must stay an administrator of the app: it may be one now, wouldn't be with the roles that it has
    `after` this, and there are no `others` (only the first is looked for)."""
    now = roles.at_worst(account)
    if known.can_administer(after) or not known.may_administer(now) or any(True for _ in others):
        return None
    return Protected(Protection.LAST_ADMINISTRATOR, known.why_last(now))
