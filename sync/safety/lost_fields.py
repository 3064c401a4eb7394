"""A reading that has lost fields: the app still returns its list, but without the fields that the credential can no
longer see. A missing field is never taken for an empty value. If most values of a field are missing, the check fails,
unless nobody's access is decided by it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from connectors.base import OPTIONAL_FIELDS, ConnectorError
from sync import activity, roles
from sync.db import db, writing
from sync.models import BIT, App
from sync.safety import guards
from sync.staging import tables
from sync.staging.check import STAGED_ACCOUNT, STAGED_SAME
from sync.words import are, plural

WORDS = {
    "email": ("e-mail address", "e-mail addresses"),
    "name": ("name", "names"),
    "status": ("status", "statuses"),
    "role": ("role", "roles"),
    "kind": ("kind of account", "kinds of account"),
    "last_activity": ("last activity", "last activities"),
    "seat": ("seat type", "seat types"),
    "user_name": ("user name", "user names"),
    "employee_number": ("employee number", "employee numbers"),
    "administrators": ("administrator", "administrators"),
    "access role": ("role on an asset", "roles on assets"),
    "managers": ("right to manage an asset", "rights to manage assets"),
    "asset name": ("name of an asset", "names of assets"),
}
# Matching and protection depend on these: not even a few may all be lost at once.
VITAL = frozenset(("email", "status", "role", "user_name", "employee_number", "access role", "managers"))
# What an app may give to some credentials or plans only. If it is left out, the known values stay, with a warning.
OPTIONAL = frozenset(("last_activity", "seat"))
ADVICE = (
    "Nothing was changed. Look at the credential's permissions in the app, then check again. If the app really no "
    "longer returns this, confirm it on the app's Settings tab: the known values are then kept."
)


class FieldsLost(ConnectorError):
    """The list came whole, but a field that was there is missing from all or most of it."""


@dataclass(frozen=True)
class Loss:
    """`lost` of the `had` accounts (or asset roles, or assets) with the field come without it now. `kept` of these keep
    their value, since the app left it out; the others came with an empty one. `given`: how many come with it."""

    field: str
    lost: int
    had: int
    kept: int = 0
    given: int = 0

    def is_most(self, guard: guards.Guard) -> bool:
        if self.field == "administrators":
            return self.lost > 1  # one alone may have become someone else's part: a guard holds that
        if self.field in OPTIONAL and self.kept == self.lost:
            return False
        if self.field in VITAL and self.lost == self.had > 1 and not self.given:
            return True
        return self.lost > guard.accounts and self.lost * 2 > self.had

    @property
    def sentence(self) -> str:
        if self.field == "administrators":
            return f"Nobody is an administrator now, and {self.lost:,} were before"
        return f"{self.lost:,} of {self.had:,} {WORDS[self.field][self.had != 1]} {are(self.lost)} missing"


def find(app: App) -> list[str]:
    """Compare what was staged with what is known. The warnings, for what is missing from a few.

    Raises FieldsLost where it is missing from all or most, unless an Owner has accepted it for this field.
    """
    _separate_missing_from_defaulted()
    losses = (*_of_accounts(app), _of_administrators(app), *_of_access(app), _of_assets(app))
    found, guard, accepted = [loss for loss in losses if loss.lost], guards.guard_of(app), _accepted(app)
    lost = [loss for loss in found if loss.is_most(guard) and loss.field not in accepted]
    if lost:
        _remember(app, [loss.field for loss in lost])
        sentences = "; ".join(loss.sentence for loss in lost if len(lost) == 1 or loss.field != "administrators")
        raise FieldsLost(f"{sentences}: has the credential lost a permission?")
    return [
        f"The app no longer returns the {WORDS[loss.field][0]} of {plural(loss.kept, 'account')} that had one: it is "
        "kept."
        for loss in found if loss.kept
    ] + _unknown_statuses()  # fmt: skip


def _separate_missing_from_defaulted() -> None:
    """A missing key has its meaning only while the app sends the key for at least one account."""
    pairs = _missing_and_defaulted() if _was_given("defaulted_fields") else []
    only_defaulted = sum(
        bit for bit in BIT.values()
        if any(defaulted & bit for _, defaulted in pairs)
        and all((missing | defaulted) & bit for missing, defaulted in pairs)
    )  # fmt: skip
    for table in (STAGED_ACCOUNT, STAGED_SAME) if only_defaulted else ():
        db.execute_sql(
            f"UPDATE {table.name} SET missing_fields = missing_fields | (defaulted_fields & :bits), "
            "defaulted_fields = defaulted_fields & ~:bits WHERE (defaulted_fields & :bits) <> 0",
            {"bits": only_defaulted},
        )
    _stage_where_only_these_differ()


def _missing_and_defaulted() -> list[tuple[int, int]]:
    """Both sets of bits of all listed accounts, each pair once for each table."""
    return [
        pair for table in (STAGED_ACCOUNT, STAGED_SAME)
        for pair in db.execute_sql(
            f"SELECT missing_fields, defaulted_fields FROM {table.name} GROUP BY missing_fields, defaulted_fields"
        ).fetchall()
    ]  # fmt: skip


def _stage_where_only_these_differ() -> None:
    """Stage in full the accounts that are listed as known, except for which fields are missing or defaulted."""
    if not tables.was_given(STAGED_SAME, "missing_fields", "defaulted_fields", "known_missing", "known_defaulted"):
        return
    differs = "(k.missing_fields <> k.known_missing OR k.defaulted_fields <> k.known_defaulted)"
    these = ("missing_fields", "defaulted_fields")
    columns = ", ".join(f"{'k' if name in these else 'a'}.{name}" for name in STAGED_ACCOUNT.names)
    known = "staged_same k CROSS JOIN account a ON a.id = k.account_id"
    if db.execute_sql(f"INSERT INTO staged_account SELECT {columns} FROM {known} WHERE {differs}").rowcount:
        db.execute_sql(f"DELETE FROM staged_same AS k WHERE {differs}")


def _was_given(*columns: str) -> bool:
    """Whether the list has an unusual value in any of these columns."""
    return any(tables.was_given(table, *columns) for table in (STAGED_ACCOUNT, STAGED_SAME))


def _is_listed(condition: str) -> bool:
    """Whether the condition, on what was left out, holds for any account of the list."""
    return any(
        db.execute_sql(f"SELECT 1 FROM {table.name} WHERE {condition} LIMIT 1").fetchone()
        for table in (STAGED_ACCOUNT, STAGED_SAME)
    )


def _says(bit: int) -> str:
    """Condition: the app gives the key of this field for a listed account."""
    return f"((missing_fields | defaulted_fields) & {bit}) = 0"


_NULL_WHERE_EMPTY = ("last_activity", "user_name", "employee_number")


def _of_accounts(app: App) -> list[Loss]:
    """Nothing is lost by accounts that are exactly as they are known. They are only counted where others lost some."""
    if not app.has_accounts:
        return []
    counted = ", ".join(f"count(*) FILTER (WHERE {_missing(field)})" for field in BIT)
    of, *missing = db.execute_sql(f"SELECT count(*), {counted} FROM staged_account s").fetchone()
    given = {field: of - number for field, number in zip(BIT, missing)}
    asked = [field for field in BIT if given[field] < of]
    if not asked:
        return []
    row = db.execute_sql(
        f"""
        SELECT {", ".join(_counted(field) for field in asked)} FROM staged_account s
        CROSS JOIN account a ON a.app_id = :app AND a.external_id = s.external_id AND a.state = 'present'
        """,
        {"app": app.id},
    ).fetchone()
    losses = [Loss(field, *row[place * 3 : place * 3 + 3], given[field]) for place, field in enumerate(asked)]
    return [_with_others(loss) if loss.lost else loss for loss in losses]


def _with_others(loss: Loss) -> Loss:
    """With the accounts that have the field and are exactly as they are known."""
    row = db.execute_sql(
        f"""
        SELECT count(*) FILTER (WHERE a.state = 'present'), count(*)
        FROM staged_same k CROSS JOIN account a ON a.id = k.account_id
        WHERE {_has("a", loss.field)} AND ((k.missing_fields | k.defaulted_fields) & {BIT[loss.field]}) = 0
        """
    ).fetchone()
    return replace(loss, had=loss.had + row[0], given=loss.given + row[1])


def _has(account: str, field: str) -> str:
    """Whether the account (an alias) has a value for the field; for the kind, whether the app returned it."""
    if field == "kind":
        return "NOT (FALSE)"
    if field == "status":
        return f"NOT ({account}.status = 'unknown')"
    if field == "role":
        return f"NOT ({account}.role = '' AND coalesce({account}.further_roles, '[]') = '[]')"
    return f"NOT ({account}.{field} IS NULL)" if field in _NULL_WHERE_EMPTY else f"NOT ({account}.{field} = '')"


def _missing(field: str) -> str:
    return f"(NOT {_has('s', field)} OR ((s.missing_fields | s.defaulted_fields) & {BIT[field]}) <> 0)"


def _counted(field: str) -> str:
    """lost, had, kept. Where no reading has noted yet what the app left out of an account, its values show it."""
    bit, missing = BIT[field], _missing(field)
    same = "NOT " + roles.differ("a", "s") if field == "role" else f"a.{field} IS NOT DISTINCT FROM s.{field}"
    waits = f"a.held_values -> '{field}' IS NOT NULL AND coalesce(a.held_values ->> '{field}', '') = ''"
    reported = (f"CASE WHEN a.missing_fields IS NULL THEN NOT ({missing} AND {same}) "
                f"ELSE ((a.missing_fields | a.defaulted_fields) & {bit}) = 0 END")  # fmt: skip
    had = f"{_has('a', field)} AND NOT ({waits}) AND {reported}"
    counted = (f"{had} AND {missing}", had, f"{had} AND (s.missing_fields & {bit}) <> 0")
    return ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in counted)


def _of_administrators(app: App) -> Loss:
    were = administrators_lost(app, f"(s.missing_fields & {BIT['role']}) = 0 AND a.held_values ->> 'role' IS NULL")
    return Loss("administrators", were, were)


def administrators_lost(app: App, which: str = "true") -> int:
    """How many administered the app, and are still listed, where by what it says now neither they do nor anyone else.

    Every app has an administrator: it no longer says who, or the one there was has become something else.
    `which`: a condition on known accounts `a` and listed ones `s`.
    """
    privileged = """
        SELECT external_id FROM staged_role WHERE privileged UNION ALL SELECT external_id FROM role
        WHERE app_id = :app AND privileged AND external_id NOT IN (SELECT external_id FROM staged_role)
    """
    by_further = f"SELECT 1 FROM json_each(o.further_roles) h WHERE h.value IN ({privileged})"
    is_one = f"(o.role IN ({privileged}) OR o.further_roles <> '[]' AND EXISTS ({by_further}))"
    were = f"a.app_id = :app AND a.state = 'present' AND {roles.can_administer('a')} AND {which}"
    for listed_ones in ("staged_account o", "staged_same k CROSS JOIN account o ON o.id = k.account_id"):
        if db.execute_sql(f"SELECT 1 FROM {listed_ones} WHERE {is_one} LIMIT 1", {"app": app.id}).fetchone():
            return 0
    return sum(
        db.execute_sql(f"SELECT count(*) FROM {both} WHERE {were}", {"app": app.id}).fetchone()[0]
        for both in ("staged_account s CROSS JOIN account a ON a.external_id = s.external_id",
                     "staged_same k CROSS JOIN account a ON a.id = k.account_id CROSS JOIN account s ON s.id = a.id")
    )  # fmt: skip


def _of_access(app: App) -> list[Loss]:
    row = db.execute_sql(
        """
        SELECT count(*) FILTER (WHERE x.role <> '' AND (s.role = '' OR s.role_defaulted AND s.role <> x.role)),
            count(*) FILTER (WHERE x.role <> ''), count(*) FILTER (WHERE s.role <> '' AND s.role_defaulted IS NOT TRUE),
            count(*) FILTER (WHERE x.privileged AND NOT s.privileged AND s.role IN ('', x.role)),
            count(*) FILTER (WHERE x.privileged), count(*) FILTER (WHERE s.privileged)
        FROM access x JOIN account a ON a.id = x.account_id AND a.state = 'present'
        JOIN asset t ON t.id = x.asset_id AND t.state = 'present'
        JOIN staged_access s ON s.account = a.external_id AND s.asset = t.external_id
        WHERE x.app_id = ?
        """,
        (app.id,),
    ).fetchone()
    lost, had, given, no_longer, managed, manage = row
    return [Loss("access role", lost, had, given=given), Loss("managers", no_longer, managed, given=manage)]


def _of_assets(app: App) -> Loss:
    row = db.execute_sql(
        """
        SELECT count(*) FILTER (WHERE s.name = ''), count(*)
        FROM asset t JOIN staged_asset s ON s.external_id = t.external_id
        WHERE t.app_id = ? AND t.state = 'present' AND t.name <> ''
        """,
        (app.id,),
    ).fetchone()
    return Loss("asset name", *row)


def _unknown_statuses() -> list[str]:
    """A warning about statuses that the connector doesn't know, for a person to look at."""
    if not tables.was_given(STAGED_ACCOUNT, "status"):
        return []
    rows = db.execute_sql(
        "SELECT substr(status, 10), count(*) FROM staged_account WHERE status <> 'active' AND status LIKE 'unknown: %' "
        "GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    if not rows:
        return []
    number = sum(count for _, count in rows)
    words = ", ".join(f"“{word}”" for word, _ in rows[:5])
    return [
        f"{plural(number, 'account has', 'accounts have')} a status that Rollcall does not know: {words}. "
        "Look at them in the app. None of them counts as active, and nobody is removed because of it."
    ]


def keep_known_values(app: App, of: str | None = None) -> None:
    """In the staged list, what the app did not say becomes what is known; of a new account nothing is made up, nor of
    a known one that isn't among `of` (SQL: ids of the accounts of :app).

    Inside the check's transaction, before it compares.
    """
    if not _was_given("missing_fields", "defaulted_fields"):  # a field noted as defaulted may count as missing by now
        return
    if db.execute_sql("SELECT 1 FROM staged_account WHERE missing_fields <> 0 LIMIT 1").fetchone() is None:
        return
    known = "a.app_id = :app AND a.external_id = staged_account.external_id"
    known += f" AND a.id IN ({of})" if of else ""
    kept = {field: (field,) for field in OPTIONAL_FIELDS}
    kept |= {"email": ("email", "email_key"), "role": ("role", "further_roles")}
    for field, columns in kept.items():
        db.execute_sql(
            f"""
            UPDATE staged_account SET {", ".join(f"{column} = a.{column}" for column in columns)} FROM account a
            WHERE (staged_account.missing_fields & :bit) <> 0 AND {known}
            """,
            {"bit": BIT[field], "app": app.id},
        )
    new = f"NOT EXISTS (SELECT 1 FROM account a WHERE {known})"
    nothing = {"role": "role = '', further_roles = '[]'"}
    if _is_listed(_says(BIT["status"])):  # where it says nobody's, who is listed is active
        nothing["status"] = "status = 'unknown'"
    for field, values in nothing.items():
        db.execute_sql(
            f"UPDATE staged_account SET {values} WHERE {new} AND (missing_fields & :bit) <> 0",
            {"bit": BIT[field], "app": app.id},
        )


def _remember(app: App, fields: list[str]) -> None:
    with writing():
        App.update(missing_fields={"fields": fields, "accepted": False}).where(App.id == app.id).execute()


def _accepted(app: App) -> frozenset[str]:
    lost = App.get_by_id(app.id).missing_fields or {}
    return frozenset(lost.get("fields", ())) if lost.get("accepted") else frozenset()


def waiting(app: App) -> list[str]:
    """What the last check found missing, in words, while nobody has accepted it."""
    lost = app.missing_fields or {}
    return [] if lost.get("accepted") else [WORDS[field][1] for field in lost.get("fields", ())]


def accept(app: App, by: str) -> None:
    """The Owner confirms that the app no longer returns this: the next check continues and keeps the known values."""
    with writing():
        app = App.get_by_id(app.id)
        if words := waiting(app):
            App.update(missing_fields={**app.missing_fields, "accepted": True}).where(App.id == app.id).execute()
            activity.record(by, "accepted missing fields", about=app.name, why=", ".join(words), app=app)


def clear(app: App) -> None:
    """The app was read: what is missing from now on is a new question."""
    App.update(missing_fields=None).where(App.id == app.id, App.missing_fields.is_null(False)).execute()
