"""What is searched of people, accounts and assets, in a trigram index. Triggers note which rows have changed.
The index is filled by a job: at the first start after this, it begins with everyone."""

from peewee import IntegerField, Model, TextField

KINDS = {"person": 1, "account": 2, "asset": 3}
OF_PERSON = f"({KINDS['person']} << 60) | {{row}}"
OF_APP = "({kind} << 60) | ({row}.app_id << 40) | {row}.id"
CHANGES = {
    "person": "OLD.name IS NOT NEW.name",
    "account": "OLD.name IS NOT NEW.name OR OLD.email IS NOT NEW.email OR OLD.user_name IS NOT NEW.user_name "
               "OR OLD.match_note IS NOT NEW.match_note OR (OLD.state = 'gone') <> (NEW.state = 'gone')",
    "asset": "OLD.name IS NOT NEW.name OR OLD.state <> NEW.state",
}  # fmt: skip
COLUMNS = {"person": "name", "account": "name, email, user_name, match_note, state", "asset": "name, state"}


class Base(Model):
    class Meta:
        legacy_table_names = False


class SearchText(Base):
    text = TextField()


class SearchDue(Base):
    pass


class SearchMark(Base):
    kind = IntegerField(primary_key=True)
    up_to = IntegerField(default=0)


TABLES = (SearchText, SearchDue, SearchMark)


def up(migrator, db):
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES, safe=False)
        SearchMark.insert_many([{"kind": kind, "up_to": 0} for kind in KINDS.values()]).execute()
    db.execute_sql("CREATE VIRTUAL TABLE search_index USING fts5("
                   "text, content='search_text', content_rowid='id', tokenize='trigram', columnsize=0)")
    for name, statement in _triggers().items():
        db.execute_sql(f"CREATE TRIGGER {name} {statement}")


def down(migrator, db):
    for name in _triggers():
        db.execute_sql(f"DROP TRIGGER IF EXISTS {name}")
    db.execute_sql("DROP TABLE search_index")
    with db.bind_ctx(TABLES):
        db.drop_tables(TABLES)


def _triggers():
    made = {}
    for table, kind in KINDS.items():
        old = _id(table, kind, "OLD")
        made[f"search_{table}_changed"] = (
            f"AFTER UPDATE OF {COLUMNS[table]} ON {table} WHEN {CHANGES[table]} BEGIN {_note(old)}; END"
        )
        # The id of the last row may be given to another one, which must be above the mark as well.
        made[f"search_{table}_deleted"] = (
            f"AFTER DELETE ON {table} BEGIN {_note(old)}; UPDATE search_mark "
            f"SET up_to = min(up_to, (SELECT coalesce(max(id), 0) FROM {table})) WHERE kind = {kind}; END"
        )
    for act, rows in (("INSERT", ("NEW",)), ("DELETE", ("OLD",)), ("UPDATE OF email, person_id", ("OLD", "NEW"))):
        notes = "; ".join(_note(OF_PERSON.format(row=f"{row}.person_id")) for row in rows)
        # A new person is above the mark, and needs no note for each address.
        new = f"WHEN NEW.person_id <= (SELECT up_to FROM search_mark WHERE kind = {KINDS['person']}) "
        made[f"search_email_{act.split()[0].lower()}"] = (
            f"AFTER {act} ON person_email {new if act == 'INSERT' else ''}BEGIN {notes}; END"
        )
    return made


def _id(table, kind, row):
    return OF_PERSON.format(row=f"{row}.id") if table == "person" else OF_APP.format(kind=kind, row=row)


def _note(id):
    return f"INSERT INTO search_due (id) SELECT {id} WHERE NOT EXISTS (SELECT 1 FROM search_due WHERE id = {id})"
