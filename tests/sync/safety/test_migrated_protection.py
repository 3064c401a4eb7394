"""A file of the version before knows why an account is protected by words alone: each gets its code, once."""

from __future__ import annotations

from peewee import SqliteDatabase
from playhouse.migrations import Runner

from sync.config import Config
from sync.db import MIGRATIONS
from sync.states import Protection
from tests.database import ON_FILE
from tests.sync.matching.test_migrated_addresses import Old
from tests.sync.test_named_states import bring_to, made, rows

pytestmark = ON_FILE

ITSELF = "0021_protection"

WORDS = {
    "Kept until 3 December": Protection.KEPT_UNTIL,
    "Protected: legal hold: case 12": Protection.HOLD,
    "Protected: Rollcall acts with this account": Protection.AUTOMATION_ACCOUNT,
    "Protected: the app made it for itself": Protection.SYSTEM,
    "Protected: its e-mail is that of Bo in LDAP": Protection.ANOTHERS_ADDRESS,
    "Protected: its e-mail is another than when it was matched by hand: match it again": Protection.OTHER_EMAIL,
    "Protected: the last Owner of the app": Protection.LAST_ADMINISTRATOR,
    "Protected: the last one with this role in the app": Protection.LAST_ADMINISTRATOR,
    "Protected: it has a role that the app did not name, and nobody else is known to administer the app":
        Protection.LAST_ADMINISTRATOR,
    "Protected: the CEO wants it so": Protection.BY_HAND,
    None: None,
}  # fmt: skip


def test_earlier_rows_get_their_code_from_their_words(config: Config) -> None:
    config.home.mkdir()
    path = config.database_path
    bring_to(path, "0020_reach")
    old = Old(path)
    app = old.app("Listed")
    for words in WORDS:
        old.add("change", app_id=app, kind="removed user", decision="ignored", protected=words)
    old.file.close()
    before, shape = rows(path), made(path)
    bring_to(path, ITSELF)
    found = [(change["protected"], change["protection"]) for change in rows(path)["change"]]
    assert found == list(WORDS.items())
    file = SqliteDatabase(path)
    with file.connection_context():
        Runner(file, str(MIGRATIONS)).down(ITSELF)
    assert (rows(path), made(path)) == (before, shape)
