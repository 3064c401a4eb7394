"""An entry knows which reason it got when many people left, or were back, at once."""


def up(migrator, db):
    db.execute_sql("ALTER TABLE directory_entry ADD COLUMN burst_reason TEXT")
    db.execute_sql("UPDATE directory_entry SET burst_reason = reason WHERE reason LIKE '%, with many others at once'")


def down(migrator, db):
    migrator.drop_column("directory_entry", "burst_reason").run()
