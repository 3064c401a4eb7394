"""Of a file that was used or discarded, Rollcall knows for a day what became of it, so that a second click is answered
like the first."""

WORDS = {
    "state": ("waiting", "used", "discarded"),
    "tone": ("ok", "working", "waiting", "attention", "neutral"),
}  # fmt: skip


def up(migrator, db):
    for column, words in WORDS.items():
        allowed = ", ".join(f"'{word}'" for word in words)
        db.execute_sql(f'ALTER TABLE waiting_file ADD COLUMN "{column}" VARCHAR(255) NOT NULL DEFAULT \'{words[0]}\' '
                       f'CHECK ("{column}" IN ({allowed}))')
    db.execute_sql("ALTER TABLE waiting_file ADD COLUMN message TEXT NOT NULL DEFAULT ''")


def down(migrator, db):
    """An earlier version stores no file that was used."""
    db.execute_sql("DELETE FROM waiting_file WHERE state <> 'waiting'")
    for column in (*WORDS, "message"):
        db.execute_sql(f'ALTER TABLE waiting_file DROP COLUMN "{column}"')
