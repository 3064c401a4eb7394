"""Why accounts are unmatched, domain by domain: an app whose addresses are all of another domain needs a decision about
that domain, not one about each account."""

from __future__ import annotations

from dataclasses import dataclass

from sync.db import db
from sync.models import App
from sync.states import AccountMatch, AccountState


@dataclass(frozen=True)
class Domain:
    """Accounts of an app by the domain of their address; `name` is "" for those without an address."""

    name: str
    unmatched: int
    matched: int


def by_domain(app: App) -> list[Domain]:
    """The domains of unmatched accounts, the largest number first. Rollcall's own account doesn't count."""
    rows = db.execute_sql(
        f"""
        SELECT CASE WHEN instr(email_key, '@') > 0 THEN substr(email_key, instr(email_key, '@') + 1)
                ELSE '' END AS name,
            count(*) FILTER (WHERE match_kind = '{AccountMatch.UNMATCHED}') AS unmatched,
            count(*) FILTER (WHERE match_kind = '{AccountMatch.MATCHED}')
        FROM account WHERE app_id = :app AND state = '{AccountState.PRESENT}' AND external_id IS DISTINCT FROM :own
        GROUP BY 1 HAVING count(*) FILTER (WHERE match_kind = '{AccountMatch.UNMATCHED}') > 0 ORDER BY 2 DESC, 1
        """,
        {"app": app.id, "own": app.automation_external_id},
    ).fetchall()
    return [Domain(*row) for row in rows]
