"""What a check may apply automatically, what needs approval, what is protected, and what a guard holds back.
The rules 2, 5 and 6 live here; set-based on the TEMP table `wanted`, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from peewee import fn

from sync import roles
from sync.db import db, utcnow
from sync.matching import addresses
from sync.models import Access, Account, App, Asset, Change, PersonEmail, Report
from sync.roles import Roles
from sync.safety import protection as protections
from sync.safety.protection import Protected, Protection
from sync.workspace import today, workspace

WANTED = (
    "kind TEXT, account_id INT, asset_id INT, in_app INT, before TEXT, reason TEXT, protection TEXT, protected TEXT, "
    "left_out TEXT, after TEXT, person_id INT, detail TEXT"
)
WANT = "INSERT INTO wanted (kind, account_id, asset_id, in_app, before, reason, left_out, person_id)"
REMOVALS = ("removed user", "no longer assigned")  # kinds of Change by which someone leaves the app
REMOVES = "kind IN ('removed user', 'no longer assigned')"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Guard:
    """Holds a mass change: more than `accounts` and more than `percent` of all."""

    accounts: int
    percent: int

    def holds(self, leaving: int, of: int) -> bool:
        return leaving > self.accounts and leaving * 100 > self.percent * of

    def holds_by_itself(self, leaving: int, of: int) -> bool:
        """The same for changes that need no approval: there, nothing may become empty either."""
        return leaving > 0 and (leaving >= of or self.holds(leaving, of))


# The columns of App that hold a guard's numbers, by what it looks at: removals, and what changes in Rollcall's copy.
GUARDS = {
    "removed user": ("guard_accounts", "guard_percent"),
    "updated role": ("guard_roles_accounts", "guard_roles_percent"),
    "updated profile": ("guard_profiles_accounts", "guard_profiles_percent"),
}


def guard_of(app: App, kind: str = "removed user") -> Guard:
    """The guard of this app over changes of a kind of GUARDS, the workspace's where it has no number of its own."""
    default = workspace_guard()
    accounts, percent = (getattr(app, column) for column in GUARDS[kind])
    return Guard(default.accounts if accounts is None else accounts, default.percent if percent is None else percent)


def has_own_guard(app: App, kind: str) -> bool:
    return any(getattr(app, column) is not None for column in GUARDS[kind])


def workspace_guard() -> Guard:
    settings = workspace()
    return Guard(settings.guard_accounts, settings.guard_percent)


def is_mass(app: App, leaving: int, besides: int = 0) -> bool:
    """Whether a guard, the app's or the workspace's, holds it that so many more leave the app now (rule 6); `besides`
    are those that leave other apps by the same yes."""
    before = confirmed_lately(app)
    users = Account.select().where(Account.app == app, Account.state == "present").count() + before
    elsewhere, others = leaving_elsewhere(app)
    leaving_today = leaving + before
    return leaving > 0 and (
        guard_of(app).holds(leaving_today, users)
        or workspace_guard().holds(leaving_today + elsewhere + besides, users + others)
    )


def is_mass_of(app: App, kinds: tuple[str, ...], people: int) -> bool:
    """Whether the app's guard holds it that so many more people are invited to it, or get another role or access."""
    marks = ", ".join("?" * len(kinds))
    before = db.execute_sql(
        f"""
        SELECT count(DISTINCT coalesce(c.person_id, -c.account_id)) FROM change c JOIN report r ON r.id = c.report_id
        WHERE r.app_id = ? AND c.kind IN ({marks}) AND c.created_at > ? AND c.decision = 'confirmed'
          AND (r.released_at IS NULL OR c.created_at > r.released_at)
        """,
        (app.id, *kinds, str(utcnow() - DAY)),
    ).fetchone()[0]
    users = Account.select().where(Account.app == app, Account.state == "present").count()
    return people > 0 and guard_of(app).holds(people + before, users)


def confirmed_lately(app: App) -> int:
    """Removals that were found in this app within a day and confirmed, or asked for by hand, but not as part of a mass
    that was released."""
    found = db.execute_sql(
        f"""
        SELECT count(DISTINCT c.account_id) FROM change c JOIN report r ON r.id = c.report_id
        WHERE c.{REMOVES} AND c.in_app AND c.created_at > ? AND c.app_id = ? AND c.decision = 'confirmed'
          AND (r.released_at IS NULL OR c.created_at > r.released_at)
        """,
        (str(utcnow() - DAY), app.id),
    ).fetchone()[0]
    return found + _by_hand_lately("app_id = ? AND detail ->> 'released' IS NULL", app)


def waiting_beside(app: App, accounts: Iterable[int], *decisions: str) -> int:
    """How many other accounts' removal is so decided in the app's open report, but not as part of a mass that was
    released."""
    return (
        Change.select(fn.COUNT(Change.account.distinct())).join(Report)
        .where(Change.app == app, Report.state == "open", Change.kind.in_(REMOVALS), Change.in_app,
               Change.decision.in_(decisions), Change.account.not_in(list(accounts)),
               Report.released_at.is_null() | (Change.created_at > Report.released_at))
        .scalar()
    )  # fmt: skip


def _by_hand_lately(which: str, app: App) -> int:
    """Removals that no check found but someone asked for within a day, and that were not given up."""
    return db.execute_sql(
        f"""
        SELECT count(*) FROM app_task WHERE act = 'remove' AND change_id IS NULL AND report_id IS NULL
          AND created_at > ? AND state NOT IN ('cancelled', 'no longer needed') AND {which}
        """,
        (str(utcnow() - DAY), app.id),
    ).fetchone()[0]


def leaving_elsewhere(app: App) -> tuple[int, int]:
    """(removals found in other apps within a day that may still happen or did, accounts in all other apps)."""
    leaving = db.execute_sql(
        f"""
        SELECT count(DISTINCT account_id) FROM change
        WHERE {REMOVES} AND in_app AND created_at > ? AND app_id <> ?
          AND decision IN ('needs confirmation', 'held', 'confirmed')
        """,
        (str(utcnow() - DAY), app.id),
    ).fetchone()[0]
    others = db.execute_sql(
        "SELECT coalesce(sum(users), 0) FROM app WHERE id <> ? AND state <> 'disconnected'", (app.id,)
    ).fetchone()[0]
    return leaving + _by_hand_lately("app_id <> ?", app), others


def want_nothing() -> None:
    """An empty `wanted` to begin with."""
    db.execute_sql("DROP TABLE IF EXISTS temp.wanted")
    db.execute_sql(f"CREATE TEMP TABLE wanted ({WANTED})")


def want_gone(app: App, account_ids: list[int]) -> None:
    """Accounts that the app no longer lists, in such number that a person must look first."""
    db.connection().executemany(
        f"{WANT} SELECT 'removed user', a.id, NULL, 0, {roles.words('a')}, 'No longer in the app''s list', NULL, NULL "
        "FROM account a WHERE a.id = :id",
        [{"app": app.id, "id": account_id} for account_id in account_ids],
    )


def want_lost_assets(asset_ids: list[int]) -> None:
    db.connection().executemany(
        f"{WANT} SELECT 'removed asset', NULL, id, 0, name, 'No longer in the app''s list', NULL, NULL "
        "FROM asset WHERE id = ?",
        [(asset_id,) for asset_id in asset_ids],
    )


def want_lost_access(pairs: list[tuple[int, int]]) -> None:
    db.connection().executemany(
        f"{WANT} SELECT 'revoked access', account_id, asset_id, 0, role, 'No longer in the app''s list', "
        "NULL, NULL FROM access WHERE account_id = ? AND asset_id = ?",
        pairs,
    )


def want_leavers(app: App, removal_suspends: bool) -> None:
    """The accounts of deprovisioned people, each with what protects it; leaving out is valid for one departure."""
    values = {"app": app.id, "suspends": removal_suspends, "identity": app.identity_id, "today": str(today())}
    db.execute_sql(
        f"""
        {WANT} SELECT 'removed user', a.id, NULL, 1, {roles.words("a")},
            p.status_reason || CASE WHEN p.status_reason = '' THEN 'Left' ELSE '' END,
            CASE WHEN a.left_out_at >= p.status_since THEN a.left_out END, p.id
        FROM person p JOIN account a ON a.person_id = p.id
        WHERE p.status = 'deprovisioned' AND a.app_id = :app AND a.state = 'present' AND a."match" = 'matched'
          AND (a.status <> 'suspended' OR NOT :suspends)
          AND NOT EXISTS (SELECT 1 FROM wanted w WHERE w.account_id = a.id AND w.kind = 'removed user')
        """,
        values,
    )
    protections.protect("removed user", values)
    _protect_last_privileged(values)


def _protect_last_privileged(values: dict) -> None:
    leaving = "SELECT account_id FROM wanted WHERE in_app AND protected IS NULL AND left_out IS NULL"
    db.execute_sql(
        f"""
        UPDATE wanted SET protection = '{Protection.LAST_ADMINISTRATOR}',
            protected = ({roles.why_last("wanted.account_id")})
        WHERE in_app AND protected IS NULL AND left_out IS NULL AND {roles.may_be_last("wanted.account_id")}
          AND NOT EXISTS ({roles.administrators_but(leaving)})
        """,
        values,
    )


def wanted_counts() -> dict[str, int]:
    """By kind of change, what needs approval: nothing that is protected or was left out."""
    return dict(
        db.execute_sql(
            "SELECT kind, count(*) FROM wanted WHERE coalesce(protected, left_out) IS NULL GROUP BY kind"
        ).fetchall()
    )


def protection(account: Account, known: Roles | None = None) -> Protected | None:
    """Why this account may not be removed right now; None when it may. The same rules as want_leavers, for one.

    `known`: the app's roles, where more is known of them than at the last check.
    """
    return kept(account) or protection_of_seat(account, known)


def kept(account: Account) -> Protected | None:
    """Why all of its person's accounts must stay for now: a legal hold, or a keep-until date."""
    if why := on_hold(account):
        return why
    person = account.person
    if person is None:
        return None
    if account.match == "matched" and person.status == "deprovisioned" and (person.remove_on or today()) > today():
        return Protected(Protection.KEPT_UNTIL, protections.kept_until(person.remove_on))
    return None


def on_hold(account: Account) -> Protected | None:
    """Why nobody may change or remove this account."""
    person = account.person
    if person is None or person.hold is None:
        return None
    return Protected(Protection.HOLD, f"Protected: legal hold: {person.hold}")


def protection_of_seat(account: Account, known: Roles | None = None) -> Protected | None:
    """Why this account itself may not be removed, no matter who owns it."""
    if account.protected:
        return Protected(Protection.BY_HAND, f"Protected: {account.protected}")
    if account.app.identity_id == account.external_id:
        return Protected(Protection.AUTOMATION_ACCOUNT, "Protected: Rollcall acts with this account")
    if account.kind == "system":
        return Protected(Protection.SYSTEM, "Protected: the app made it for itself")
    if why := anothers_address(account):
        return why
    if _has_another_email_than_decided(account):
        return Protected(Protection.OTHER_EMAIL, protections.OTHER_EMAIL)
    known = known or roles.of(account.app)
    if known.may_administer(roles.at_worst(account)) and not administrators_beside(account, known).exists():
        return Protected(Protection.LAST_ADMINISTRATOR, known.why_last(roles.at_worst(account)))
    return None


def anothers_address(account: Account) -> Protected | None:
    """Why it isn't a leaver's, even if matched so by hand: its address belongs to someone else who is here."""
    why = addresses.anothers(account)
    return Protected(Protection.ANOTHERS_ADDRESS, f"Protected: {why}") if why else None


def _has_another_email_than_decided(account: Account) -> bool:
    """Whether it may be someone else's by now: a match by hand stays, and an app may give an id out again."""
    if account.matched_as in (None, "", account.normal):
        return False
    theirs = (PersonEmail.normal == account.normal) & (PersonEmail.person == account.person_id)
    return not PersonEmail.select().where(theirs).exists()


def administrators_beside(account: Account, known: Roles):
    """Who else can administer the app, as the last check knew, as a query."""
    return roles.administrators(account.app, known).where(Account.id != account.id)


def sole_assets(account_ids: list[int]) -> dict[int, list[Asset]]:
    """For each account that controls assets which nobody beside these accounts does: those assets.

    Given all that leave together, it finds what two of them control together. Hand these over before a removal.
    """
    leaving = set(account_ids)
    found: dict[int, list[Asset]] = {}
    for start in range(0, len(account_ids), 500):
        part = account_ids[start : start + 500]
        rows = list(Access.select(Access.account_id, Access.asset_id).where(
            Access.account.in_(part), Access.privileged).order_by(Access.id).tuples())  # fmt: skip
        assets = {asset.id: asset for asset in Asset.select().where(Asset.id.in_({row[1] for row in rows}))}
        stay = _controllers(list(assets), leaving)
        for account_id, asset_id in rows:
            if asset_id not in stay:
                found.setdefault(account_id, []).append(assets[asset_id])
    return found


def ready_to_leave(app: App, leaving: list[Change]) -> set[int]:
    """The ids of those removals that a standing yes covers: of nobody who alone controls an asset, and never all."""
    alone = sole_assets([change.account_id for change in leaving])
    ready = {change.id for change in leaving if change.account_id not in alone}
    members = Account.select().where(Account.app == app, Account.state == "present", Account.kind == "user").count()
    return ready if len(ready) < members else set()


def _controllers(asset_ids: list[int], leaving: set[int]) -> set[int]:
    """Those of the assets that someone who can act in the app, and isn't leaving, controls too."""
    others = Access.select(Access.asset_id, Access.account_id).join(Account).where(
        Access.asset.in_(asset_ids), Access.privileged,
        Account.state == "present", Account.status == "active", Account.kind == "user",
    )  # fmt: skip
    return {asset_id for asset_id, account_id in others.tuples() if account_id not in leaving}


def told_before(app: App) -> set[int]:
    """The accounts whose protected removal an earlier, decided report has already shown since their person left."""
    rows = db.execute_sql(
        """
        SELECT c.account_id FROM wanted w JOIN account a ON a.id = w.account_id JOIN person p ON p.id = a.person_id
        JOIN change c ON c.account_id = a.id AND c.app_id = ? AND c.protected IS NOT NULL
            AND c.decided_at >= p.status_since
        WHERE w.protected IS NOT NULL
        """,
        (app.id,),
    ).fetchall()
    return {row[0] for row in rows}
