"""Addresses are compared by NFC, lower case and IDNA 2008, no longer by NFKC and case folding: every key is made again.

Where two addresses turn out to be one, nobody loses anything unsaid: the person who is here keeps it, and Activity says
whose it also was. Where one turns out to be two, accounts are matched again unless someone matched them by hand.
The functions are frozen copies: this file does the same whatever becomes of connectors/names.py and the rules.
"""

import json
import re
import unicodedata
from urllib.parse import unquote

import idna

WHO = "Rollcall"
WHY = "Two spellings are the same address only if mail to both reaches the same mailbox: they are compared so since"


def up(migrator, db):
    connection = db.connection()
    connection.create_function("key_0008", 1, key, deterministic=True)
    told = []
    touched = _addresses_of_people(connection, told)
    before = _matches(connection)
    touched |= _accounts(connection)
    _identities_by_address(connection)
    _invitations(connection, told)
    _sign_ins(connection)
    touched |= _domains(connection)
    if touched:
        connection.execute(MATCH)
        connection.execute(RECOUNT)
        _tell_matches(connection, before, told)
    _leave(connection, told)


def down(migrator, db):
    """The keys are kept: the original addresses still exist, but not which of them were one before."""


def _addresses_of_people(connection, told: list) -> bool:
    rows = connection.execute("""
        SELECT e.id, e.person_id, e.email, e.normal, e.main, p.status, p.name FROM person_email e
        JOIN person p ON p.id = e.person_id ORDER BY p.status = 'deprovisioned', NOT e.main, e.id""").fetchall()
    keepers, lost, changed = {}, [], []
    for id, person, email, normal, main, _status, name in rows:
        new = key(email) or normal
        if new in keepers:
            lost.append((id, person, email, main, name, keepers[new]))
            continue
        keepers[new] = (id, person, email, name)
        if (new, _clean(email) or email) != (normal, email):
            changed.append((new, _clean(email) or email, id))
    for id, person, email, main, name, (kept, keeper, spelled, keeper_name) in lost:
        connection.execute("DELETE FROM person_email WHERE id = ?", (id,))
        if person != keeper:
            told.append(dict(
                what="one address in two spellings", about=name or email, person_id=person, before=email,
                why=f"{email} and {spelled} are one mailbox, and it stays with {keeper_name or spelled}. If the two "
                    "are one person, use that entry in People"))
        if main and person == keeper:
            connection.execute("UPDATE person_email SET main = 1 WHERE id = ?", (kept,))
        elif main:
            connection.execute("UPDATE person_email SET main = 1 WHERE id = (SELECT min(id) FROM person_email "
                               "WHERE person_id = ?)", (person,))
    # In two steps: a new key may be what another row is still called.
    connection.executemany("UPDATE person_email SET normal = 'renamed ' || id WHERE id = ?",
                           [(id,) for _, _, id in changed])
    connection.executemany("UPDATE person_email SET normal = ?, email = ? WHERE id = ?", changed)
    return bool(lost or changed)


def _matches(connection) -> dict:
    rows = connection.execute("SELECT id, app_id, person_id FROM account WHERE state <> 'gone'")
    return {id: (app, person) for id, app, person in rows}


def _accounts(connection) -> bool:
    """Keys of accounts, and of what was asked and decided about them when they had the same address as now."""
    rows = connection.execute("SELECT id, email, normal FROM account WHERE email <> ''")
    changed = [(new, normal, id) for id, email, normal in rows if (new := key(email)) != normal]
    for new, normal, id in changed:
        connection.execute("UPDATE account SET normal = ?1, matched_as = CASE WHEN matched_as = ?2 THEN ?1 "
                           "ELSE matched_as END WHERE id = ?3", (new, normal, id))
        connection.execute("UPDATE match_decision SET matched_as = ?1 WHERE account_id = ?3 AND matched_as = ?2",
                           (new, normal, id))
        connection.execute("UPDATE app_task SET normal = ?1 WHERE account_id = ?3 AND normal = ?2", (new, normal, id))
    for table, column in (("account", "matched_as"), ("match_decision", "matched_as"), ("app_task", "normal")):
        connection.execute(f"UPDATE {table} SET {column} = key_0008({column}) "
                           f"WHERE {column} <> '' AND key_0008({column}) NOT IN ('', {column})")
    return bool(changed)


def _identities_by_address(connection) -> None:
    """Ids that were made of an address in its former form: in CSV files, and of invitations."""
    for id, directory, external_id, email in connection.execute("""
            SELECT e.id, e.directory_id, e.external_id, e.email FROM directory_entry e
            JOIN directory d ON d.id = e.directory_id WHERE d.kind = 'csv' AND e.email <> ''""").fetchall():
        new = key(email)
        if new and external_id == _former(email) != new:
            connection.execute("""UPDATE directory_entry SET external_id = ?1 WHERE id = ?2 AND NOT EXISTS (
                SELECT 1 FROM directory_entry WHERE directory_id = ?3 AND external_id = ?1)""", (new, id, directory))
    connection.execute("UPDATE OR IGNORE former_entry SET external_id = key_0008(external_id) "
                       "WHERE kind = 'csv' AND key_0008(external_id) NOT IN ('', external_id)")
    for id, app, kind, external_id, email, user_name in connection.execute("""
            SELECT a.id, a.app_id, p.connector, a.external_id, a.email, coalesce(a.user_name, '') FROM account a
            JOIN app p ON p.id = a.app_id
            WHERE p.connector IN ('csv_export', 'gitlab', 'tiktok', 'zoom')""").fetchall():
        new = _external_id(kind, external_id, email, user_name)
        if new == external_id or connection.execute(
                "SELECT 1 FROM account WHERE app_id = ? AND external_id = ?", (app, new)).fetchone():
            continue
        connection.execute("UPDATE account SET external_id = ? WHERE id = ?", (new, id))
        connection.execute("UPDATE app_task SET external_id = ?1 WHERE account_id = ?3 AND external_id = ?2",
                           (new, external_id, id))
        connection.execute("UPDATE app SET identity_id = ?1 WHERE id = ?3 AND identity_id = ?2",
                           (new, external_id, app))


def _external_id(kind: str, external_id: str, email: str, user_name: str) -> str:
    if kind != "csv_export":
        return f"invitation:{email.lower()}" if external_id == f"invitation:{email.casefold()}" else external_id
    for text in filter(None, (email, user_name)):
        if external_id == _former(text):
            return key(text) or unicodedata.normalize("NFC", text.strip().lower())
    return external_id


def _former(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


def _invitations(connection, told: list) -> None:
    live, changed = set(), []
    for id, app, email, normal, state, person in connection.execute(
            "SELECT id, app_id, email, normal, state, person_id FROM invitation ORDER BY id").fetchall():
        new = key(email) or normal
        is_live = state in ("ongoing", "failed", "invited")
        if is_live and (app, new) in live:
            connection.execute("UPDATE invitation SET state = 'cancelled' WHERE id = ?", (id,))
            told.append(dict(what="cancelled invitation", about=email, app_id=app, person_id=person,
                             why="The same mailbox is already invited, in another spelling"))
        elif is_live:
            live.add((app, new))
        if new != normal:
            changed.append((new, id))
    connection.executemany("UPDATE invitation SET normal = 'renamed ' || id WHERE id = ?", [(id,) for _, id in changed])
    connection.executemany("UPDATE invitation SET normal = ? WHERE id = ?", changed)


def _sign_ins(connection) -> None:
    connection.execute("UPDATE sign_in_identity SET email = key_0008(email) WHERE key_0008(email) NOT IN ('', email)")


def _domains(connection) -> bool:
    rows = connection.execute("SELECT id, match_domain FROM app WHERE match_domain IS NOT NULL").fetchall()
    changed = [(new, id) for id, domain in rows if (new := _domain(domain)) not in ("", domain)]
    connection.executemany("UPDATE app SET match_domain = ? WHERE id = ?", changed)
    return bool(changed)


MATCH = """
    UPDATE account SET person_id = said.person, "match" = said."match" FROM (
        SELECT id, person, CASE WHEN kind = 'system' THEN 'service account' WHEN person IS NULL THEN 'unmatched'
            ELSE 'matched' END AS "match"
        FROM (
            SELECT id, kind, CASE
                WHEN kind = 'system' THEN NULL
                WHEN by_email IS NOT NULL THEN
                    CASE WHEN (numbered = 0 OR has_number) AND coalesce(by_user_name, by_email) = by_email
                        THEN by_email END
                WHEN numbered = 1 THEN
                    CASE WHEN coalesce(by_user_name, by_number) = by_number THEN by_number END
                WHEN numbered = 0 THEN by_user_name
            END AS person
            FROM (
                SELECT a.id, a.kind, e.person_id AS by_email, u.person_id AS by_user_name,
                    CASE WHEN a.employee_number IS NULL THEN 0 ELSE (
                        SELECT count(*) FROM person p WHERE p.employee_number = a.employee_number COLLATE NOCASE)
                    END AS numbered,
                    (SELECT min(p.id) FROM person p WHERE p.employee_number = a.employee_number COLLATE NOCASE)
                    AS by_number,
                    EXISTS (SELECT 1 FROM person p WHERE p.id = e.person_id
                        AND p.employee_number = a.employee_number COLLATE NOCASE) AS has_number
                FROM account a JOIN app ON app.id = a.app_id
                LEFT JOIN person_email e ON e.normal = a.normal
                LEFT JOIN person_email u ON u.normal = CASE WHEN app.match_domain IS NOT NULL
                    AND a.user_name IS NOT NULL THEN key_0008(a.user_name || '@' || app.match_domain) END
                WHERE a.state <> 'gone' AND NOT a.match_by_hand
            )
        )
    ) said
    WHERE account.id = said.id AND (account.person_id IS NOT said.person OR account."match" <> said."match")
"""
RECOUNT = """
    UPDATE app SET matched = found.matched, unmatched = found.unmatched, guests = found.guests,
        services = found.services
    FROM (SELECT app_id, sum("match" = 'matched') AS matched, sum("match" = 'unmatched') AS unmatched,
              sum("match" IN ('guest', 'local partner')) AS guests, sum("match" = 'service account') AS services
          FROM account WHERE state = 'present' GROUP BY app_id) AS found
    WHERE found.app_id = app.id
"""


def _tell_matches(connection, before: dict, told: list) -> None:
    apps = {}
    for id, (app, person) in _matches(connection).items():
        apps[app] = apps.get(app, 0) + (person != before[id][1])
    names = dict(connection.execute("SELECT id, name FROM app"))
    told += [dict(what="matched accounts again", about=names[app], app_id=app, why=f"{WHY} this version",
                  after=f"{count:,} {'account' if count == 1 else 'accounts'}") for app, count in apps.items() if count]


def _leave(connection, told: list) -> None:
    """For the log, which the start writes (activity.tell_what_was_migrated): a migration has no key to seal with."""
    if told:
        connection.execute("INSERT OR REPLACE INTO setting (name, value) VALUES ('told by migrations', ?)",
                           (json.dumps([{"who": WHO} | entry for entry in told]),))


# connectors/names.py, as it was

PLAIN = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
DOMAIN = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
DIRT = re.compile("[\u200b\u2060\ufeff\u00ad\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
HIDDEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\ufffc\ufffd\U000e0100-\U000e01ef]")
AROUND = {'""', "''", "“”", "„“", "„”", "‘’", "‚‘", "‚’", "«»", "»«"}
SPECIAL = re.compile(r'[()<>\[\]:;\u037e,\\"]')
NAMED = re.compile(r"([^<>]*)<([^<>]*)>")
QUOTED = re.compile(r'"([^"\\@\s]+)"(?=@)')
SIGNS = re.compile("([\u2126\u212a\u212b])")
DOTTED = re.compile("i\u0307(?![\u0300-\u036f])")


def key(text: str | None) -> str:
    """The form in which addresses are compared from this version on; "" for a value that isn't clearly an address."""
    address = _clean(text or "")
    if not address or address.isascii():
        return address.lower()
    local, _, domain = address.rpartition("@")
    parts = [part if SIGNS.fullmatch(part) else _lower(part) for part in SIGNS.split(local)]
    return f"{local.lower() if local.isascii() else ''.join(parts)}@{_domain(domain)}"


def _clean(text: str) -> str:
    if len(text) <= 254 and PLAIN.fullmatch(text):
        return text
    address = _bare(text) if len(text) <= 1000 else text
    local, _, domain = address.partition("@")
    usable = (
        len(address) <= 254 and local and "@" not in domain and address.isprintable()
        and not any(letter.isspace() for letter in address)
        and not HIDDEN.search(address) and not SPECIAL.search(local) and _domain(domain)
    )  # fmt: skip
    return address if usable else ""


def _bare(text: str) -> str:
    text, before = DIRT.sub("", text), ""
    while text != before:
        before = text
        text = text.strip().lstrip(",;").rstrip(",;.，；。．｡、")
        if text[:1] + text[-1:] in AROUND and len(text) > 2:
            text = text[1:-1]
        if text[:7].lower() == "mailto:":
            text = DIRT.sub("", unquote(text[7:].partition("?")[0]))
        named = NAMED.fullmatch(text)
        if named and key(named[1]) in ("", key(named[2])):
            text = named[2]
        text = QUOTED.sub(r"\1", text, count=1) if text.startswith('"') else text
    return text


def _domain(text: str) -> str:
    domain = text.strip().lower()
    if not domain.isascii():
        try:
            domain = idna.encode(text.strip(), uts46=True).decode()
        except (idna.IDNAError, UnicodeError):
            return ""
    return domain if DOMAIN.fullmatch(domain) else ""


def _lower(text: str) -> str:
    return DOTTED.sub("i", unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower()))
