"""A file of the version before knows why an account is protected by words alone: each gets its code, once."""

from __future__ import annotations

from playhouse.migrations import Runner

from sync.db import MIGRATIONS, db
from sync.models import App, Change
from sync.states import Protection
from tests.database import ON_FILE

pytestmark = ON_FILE

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


def test_earlier_rows_get_their_code_from_their_words(home):
    app = App.create(connector="listed", name="Listed", category="Test")
    rows = [Change.create(app=app, kind="removed user", decision="ignored", protection_reason=words) for words in WORDS]
    runner = Runner(db, str(MIGRATIONS))
    runner.down("0021_protection")
    assert "protection" not in {column.name for column in db.get_columns("change")}
    runner.up()
    found = [(change.protection_reason, change.protection) for change in map(Change.get_by_id, rows)]
    assert found == list(WORDS.items())
