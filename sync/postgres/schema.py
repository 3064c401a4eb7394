"""The schema of a new PostgreSQL database: the newest tables, what SQLite has built in, and its triggers.
Migrations from FIRST on run on both databases. Those before it ran on the file only."""

from __future__ import annotations

from importlib import import_module

from playhouse.migrations import Runner

from sync.postgres import keys
from sync.postgres.database import Postgres

FIRST = "0037"  # the first migration that may have to run on PostgreSQL
FUNCTIONS = """
CREATE FUNCTION json_each(list text) RETURNS TABLE (key text, value text) LANGUAGE sql IMMUTABLE ROWS 5 AS $$
    SELECT (ordinality - 1)::text, value FROM jsonb_array_elements_text(list::jsonb) WITH ORDINALITY AS x(value) $$;
CREATE FUNCTION json_each(list jsonb) RETURNS TABLE (key text, value text) LANGUAGE sql IMMUTABLE ROWS 5 AS $$
    SELECT (ordinality - 1)::text, value FROM jsonb_array_elements_text(list) WITH ORDINALITY AS x(value) $$;
CREATE FUNCTION json(given text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT given::jsonb $$;
CREATE FUNCTION json_patch(one jsonb, other jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT one || other $$;
CREATE FUNCTION json_extract(given text, place text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_path_query_first(given::jsonb, place::jsonpath) #>> '{}' $$;
CREATE FUNCTION min(one bigint, other bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT least(one, other) $$;
CREATE FUNCTION instr(whole text, part text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT position(part IN whole) $$;
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
"""
# What is searched: the same triggers as in the file, where migration 0031 makes them.
SEARCH = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX search_text_trigrams ON search_text USING gin (text gin_trgm_ops);
CREATE FUNCTION search_note(text_id bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO search_due (id) VALUES (text_id) ON CONFLICT DO NOTHING $$;
CREATE FUNCTION search_of_person() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM search_note((1::bigint << 60) | OLD.id);
    IF TG_OP = 'DELETE' THEN
        UPDATE search_mark SET up_to = least(up_to, (SELECT coalesce(max(id), 0) FROM person)) WHERE kind = 1;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION search_of_app() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE of_kind bigint := CASE TG_TABLE_NAME WHEN 'account' THEN 2 ELSE 3 END; newest bigint;
BEGIN
    PERFORM search_note((of_kind << 60) | (OLD.app_id << 40) | OLD.id);
    IF TG_OP = 'DELETE' THEN
        EXECUTE format('SELECT coalesce(max(id), 0) FROM %I', TG_TABLE_NAME) INTO newest;
        UPDATE search_mark SET up_to = least(up_to, newest) WHERE kind = of_kind;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION search_of_email() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP <> 'INSERT' THEN PERFORM search_note((1::bigint << 60) | OLD.person_id); END IF;
    IF TG_OP = 'UPDATE' OR TG_OP = 'INSERT' AND NEW.person_id <= (SELECT up_to FROM search_mark WHERE kind = 1) THEN
        PERFORM search_note((1::bigint << 60) | NEW.person_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER search_person_changed AFTER UPDATE OF name ON person FOR EACH ROW
    WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION search_of_person();
CREATE TRIGGER search_person_deleted AFTER DELETE ON person FOR EACH ROW EXECUTE FUNCTION search_of_person();
CREATE TRIGGER search_account_changed AFTER UPDATE OF name, email, user_name, match_note, state ON account FOR EACH ROW
    WHEN (OLD.name IS DISTINCT FROM NEW.name OR OLD.email IS DISTINCT FROM NEW.email
        OR OLD.user_name IS DISTINCT FROM NEW.user_name OR OLD.match_note IS DISTINCT FROM NEW.match_note
        OR (OLD.state = 'gone') <> (NEW.state = 'gone')) EXECUTE FUNCTION search_of_app();
CREATE TRIGGER search_account_deleted AFTER DELETE ON account FOR EACH ROW EXECUTE FUNCTION search_of_app();
CREATE TRIGGER search_asset_changed AFTER UPDATE OF name, state ON asset FOR EACH ROW
    WHEN (OLD.name IS DISTINCT FROM NEW.name OR OLD.state <> NEW.state) EXECUTE FUNCTION search_of_app();
CREATE TRIGGER search_asset_deleted AFTER DELETE ON asset FOR EACH ROW EXECUTE FUNCTION search_of_app();
CREATE TRIGGER search_email AFTER INSERT OR DELETE OR UPDATE OF email, person_id ON person_email FOR EACH ROW
    EXECUTE FUNCTION search_of_email();
INSERT INTO search_mark (kind, up_to) VALUES (1, 0), (2, 0), (3, 0);
"""


def create(db: Postgres, runner: Runner) -> None:
    """All of it in an empty database, inside the caller's transaction. Each migration counts as applied."""
    db.run_script(FUNCTIONS + keys.TABLE)
    for name in keys.NAMES:
        db.run_script(keys.function(name))
    db.create_tables(db.base.__subclasses__())
    db.run_script(SEARCH)
    import_module("sync.migrations.0039_known_items").make_triggers(db, watched())
    for statement in ("update", "delete"):
        db.append_only("activity", statement)
    runner.fake()


def watched() -> list[str]:
    """The columns of an account whose version is counted up, by the names that they have now."""
    names = import_module("sync.migrations.0048_names_that_explain").NAMES["account"]
    return [names.get(column, column) for column in import_module("sync.migrations.0039_known_items").WATCHED]
