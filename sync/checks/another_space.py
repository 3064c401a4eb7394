"""The settings lead to a different space than at the last reading: an id may be another person's there.
Decisions by hand hold for accounts that are proven to be the same; about the others, people decide again, and what
was known of them is kept neither for what the app leaves out nor by a guard."""

from __future__ import annotations

from sync import activity
from sync.db import db, utcnow
from sync.models import App
from sync.words import plural

# The account is listed as it was known, or with the same e-mail; without any, with the same number or user name.
PROVEN = """
    SELECT a.id FROM account a JOIN staged_same k ON k.account_id = a.id
    WHERE a.email_key <> '' OR a.employee_number <> '' OR a.user_name <> ''
    UNION ALL
    SELECT a.id FROM account a JOIN staged_account s ON s.external_id = a.external_id
    WHERE a.app_id = :app AND s.email_key = a.email_key AND (a.email_key <> ''
        OR a.employee_number <> '' AND s.employee_number = a.employee_number
        OR a.user_name <> '' AND s.user_name = a.user_name)
"""
_DECIDED = """(match_by_hand OR protection_reason IS NOT NULL OR left_out_reason IS NOT NULL
    OR EXISTS (SELECT 1 FROM accepted_leaver l WHERE l.account_id = account.id AND l.ended_at IS NULL))"""
_END_UNDO = f"""
    UPDATE match_decision SET undone_at = :now WHERE undone_at IS NULL
        AND account_id IN (SELECT id FROM account WHERE app_id = :app AND id NOT IN ({PROVEN}))
"""
_END_ACCEPTANCES = f"""
    UPDATE accepted_leaver SET ended_at = :now WHERE ended_at IS NULL
        AND account_id IN (SELECT id FROM account WHERE app_id = :app AND id NOT IN ({PROVEN}))
"""
# Whose it was by hand is kept as the former person: if they have left, someone looks at the account.
_FORGET = f"""
    UPDATE account SET protection_reason = NULL, left_out_reason = NULL, left_out_by = NULL, left_out_at = NULL,
        left_out_person_id = NULL,
        former_person_id = CASE WHEN match_by_hand AND match_kind = 'matched' THEN person_id ELSE former_person_id END,
        person_id = CASE WHEN NOT match_by_hand THEN person_id END,
        match_kind = CASE WHEN match_by_hand THEN 'unmatched' ELSE match_kind END,
        match_note = CASE WHEN NOT match_by_hand THEN match_note END,
        email_when_matched = CASE WHEN NOT match_by_hand THEN email_when_matched END, match_by_hand = FALSE
    WHERE app_id = :app AND {_DECIDED} AND id NOT IN ({PROVEN})
"""


def ask_again(app: App) -> list[str]:
    """End the decisions by hand about accounts that may be other people's; a warning if there are any. In the check's
    transaction, before known values take the place of missing ones and before the rules match."""
    values = {"app": app.id, "now": str(utcnow())}
    db.execute_sql(_END_UNDO, values)
    [(number,)] = db.execute_sql(
        f"SELECT count(*) FROM account WHERE app_id = :app AND {_DECIDED} AND id NOT IN ({PROVEN})", values).fetchall()
    db.execute_sql(_FORGET, values)
    db.execute_sql(_END_ACCEPTANCES, values)
    if not number:
        return []
    accounts = plural(number, "account")
    why = ("The settings lead to a different place than at the last check, where an id may be another person's: decide "
           f"again about {accounts} with a decision by hand.")  # fmt: skip
    activity.record("Rollcall", "ended decisions by hand", about=app.name, before=accounts, why=why, app=app)
    return [why]
