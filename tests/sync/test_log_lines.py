"""Activity as lines: one for each write, never cut by a page; the filters, and the seal over all of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync import activity, log_lines
from sync.activity_words import in_words
from sync.db import db, utcnow, writing
from sync.log_lines import KINDS, OTHER, Log
from sync.models import Activity, Person
from sync.people import people
from sync.search import index
from sync.search.index import Kind
from tests.database import ON_FILE

WHATS = st.sampled_from(["new user", "new asset", "check succeeded", "noted"])
WRITES = st.lists(st.lists(WHATS, min_size=1, max_size=7), min_size=1, max_size=12)


@pytest.fixture(autouse=True)
def entries_are_whole() -> None:
    """The entries here are made up: no other test looks at them."""


def write(*whats: str, **values) -> None:
    with writing():
        for what in whats:
            activity.record("schedule", what, **values)


@settings(max_examples=40, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(writes=WRITES, limit=st.integers(1, 4), kind=st.sampled_from(["", "checks", OTHER]),
       sort=st.sampled_from(["", "when"]))
def test_pages_have_each_line_once_and_whole(olga, writes, limit, kind, sort):
    first = Activity.select().order_by(Activity.id.desc()).get().id
    for whats in writes:
        write(*whats)
    shown, beyond = [], first if sort else None
    while True:
        page, more = log_lines.lines(Log(kind=kind), beyond, limit, sort=sort)
        page = [line for line in page if line.id > first]
        shown += page
        if not more or len(page) < limit:
            break
        beyond = page[-1].id
        if not sort:
            write("noted")  # something new, while someone reads on
    is_check = {what: what != "noted" for whats in writes for what in whats}
    kept = [[what for what in whats if not kind or is_check[what] == (kind == "checks")] for whats in writes]
    kept = [some for some in (kept if sort else reversed(kept)) if some]
    expected = [{what: some.count(what) for what in dict.fromkeys(some)} for some in kept]
    assert [line.counts for line in shown] == expected
    assert len({line.id for line in shown}) == len(shown)
    assert activity.verify().ok


def test_nested_writes_are_one_line_and_others_are_not(olga):
    with writing():
        activity.record("schedule", "new user")
        with writing():
            activity.record("schedule", "check succeeded")
    write("noted")
    (newest, one), _ = log_lines.lines(Log(), limit=2)
    assert newest.counts == {"noted": 1}
    assert one.counts == {"new user": 1, "check succeeded": 1} and one.lead.what == "check succeeded"


def test_a_write_that_is_rolled_back_leaves_nothing_to_the_next(olga):
    with pytest.raises(ZeroDivisionError), writing():
        activity.record("schedule", "new user")
        raise ZeroDivisionError
    write("noted", "noted")
    [line], _ = log_lines.lines(Log(), limit=1)
    assert line.counts == {"noted": 2} and line.id == line.lead.id and activity.verify().ok


def test_the_same_outcome_joins_the_line_before(olga, chat):
    def outcome(what: str = "removed from the app", app=chat.app) -> None:
        write(what, app=app, may_follow=True)

    outcome(), outcome(), outcome()
    outcome("could not remove")
    outcome()
    found, _ = log_lines.lines(Log(app=str(chat.app.id)), limit=3)
    assert [line.counts for line in found] == [
        {"removed from the app": 1}, {"could not remove": 1}, {"removed from the app": 3}
    ]  # fmt: skip


def test_regrouping_the_log_breaks_the_seal(olga):
    write("noted", "noted")
    write("person deprovisioned")
    assert activity.verify().ok
    db.no_longer_append_only("activity", "update")
    db.execute_sql("UPDATE activity SET first_entry = id - 1 WHERE id = (SELECT max(id) FROM activity)")
    assert not activity.verify().ok


def test_entries_of_an_earlier_version_are_lines_of_their_own(olga):
    write("noted", "noted")
    db.no_longer_append_only("activity", "update")
    db.execute_sql("UPDATE activity SET first_entry = NULL")
    assert all(line.entries == 1 for line in log_lines.lines(Log())[0])


def test_filters_by_person_app_and_days(olga, chat, by):
    person = people.add("Jana Núñez", "jana@acme.example", by)
    write("noted", person=person)
    for asked in (str(person.id), "nunez", "jana@"):
        found, _ = log_lines.lines(Log(person=asked))
        assert [line.lead.what for line in found] == ["noted", "added person"]
    assert log_lines.lines(Log(person="nobody such"))[0] == []
    for wanted in (Log(app="x"), Log(kind="x"), Log(since="x"), Log(until="x")):
        assert log_lines.lines(wanted)[0] == []
    day = utcnow().date()
    assert log_lines.lines(Log(since=str(day), until=str(day)))[0]
    assert not log_lines.lines(Log(since=str(day + timedelta(days=2))))[0]
    assert not log_lines.lines(Log(until=str(day - timedelta(days=2))))[0]
    log_lines.lines(Log(until="9999-12-31"))


@pytest.mark.parametrize("indexed", [False, True], ids=["before they are in the index", "in the index"])
def test_a_filter_by_a_name_leaves_out_nobody(olga, indexed):
    """However many people have the name, however short it is, and before the search index has any of them."""
    Person.insert_many([{"name": name} for name in ["Bo"] * (index.MANY + 1) + ["Zed"]]).execute()
    *_, bo, zed = Person.select().order_by(Person.id)
    write("noted", person=zed)
    write("onboarded person", person=bo)
    if indexed:
        index.bring_up_to_date(utcnow())
        assert not index.is_behind(Kind.PERSON, 0)
    for asked, what in (("zed", "noted"), ("bo", "onboarded person")):
        found, more = log_lines.lines(Log(person=asked))
        assert [line.lead.what for line in found] == [what] and not more
        assert [row[2] for row in log_lines.download(Log(person=asked))] == [in_words(what)]


@pytest.mark.parametrize("sort", ["", "when"])
@pytest.mark.parametrize("wanted", [
    Log(), Log(kind="checks"), Log(kind=OTHER), Log(search="user 1"), Log(app="1", search="user"), Log(person="jana"),
    Log(person="jana", kind="people"), Log(until="2020-01-01"), Log(kind="x"),
])  # fmt: skip
def test_a_file_has_the_entries_of_all_lines_and_no_others(olga, chat, by, wanted, sort):
    people.add("Jana Núñez", "jana@acme.example", by)
    with writing():
        for number in range(3):
            activity.record("Rollcall", "new user", about=f"user {number}", app=chat.app)
        activity.record("Olga", "noted", about="user 1")
    found, more = log_lines.lines(wanted, limit=500, sort=sort)
    entries = [entry for line in found for entry in _in_order(log_lines.entries_of(line.id, wanted).rows, sort)]
    assert [line.entries for line in found] == [len(log_lines.entries_of(line.id, wanted).rows) for line in found]
    shown = [(entry.at, in_words(entry.what), entry.about) for entry in entries]
    assert [(row[0], row[2], row[3]) for row in log_lines.download(wanted, sort=sort)] == shown and not more
    assert bool(shown) == (wanted not in (Log(until="2020-01-01"), Log(kind="x")))


def _in_order(entries: list[Activity], sort: str) -> list[Activity]:
    return entries if sort else entries[::-1]


def test_no_kind_of_entry_is_in_two_kinds():
    beginnings = [(kind, beginning) for kind, some in KINDS.items() for beginning in some]
    for kind, one in beginnings:
        assert {other for other, two in beginnings if one.startswith(two) or one == f"={two}"} == {kind}


@pytest.mark.parametrize("wanted", [Log(), Log(app="1"), Log(person="1")])
@ON_FILE
def test_a_page_is_answered_from_an_index(olga, wanted):
    query = Activity.select(log_lines.line_id).where(*log_lines._conditions(wanted, None), log_lines.line_id < 99)
    query = query.group_by(log_lines.line_id).order_by(log_lines.line_id.desc()).limit(51)
    plan = [row[3] for row in db.execute_sql("EXPLAIN QUERY PLAN " + query.sql()[0], query.sql()[1])]
    assert all("USING" in step and "INDEX activity_line" in step for step in plan), plan


@pytest.mark.parametrize("wanted", [Log(kind="tasks"), Log(kind=OTHER), Log(kind="tasks", since="2020-01-01")])
@ON_FILE
def test_the_lines_of_a_kind_are_found_in_the_index_of_its_words(olga, wanted):
    """A frequent kind as one that nearly no entry has: the first lines of each of its words are enough."""
    write("onboarded person")
    write("noted")
    others = _plans(lambda: log_lines.lines(wanted))
    assert [step for step in others[0] if "activity_what (what=?)" in step] == others[0]
    assert any("activity_line (<expr>=?" in step for plan in others for step in plan), "their entries alone are read"
    assert not any(step.startswith("SCAN") for plan in others for step in plan), others


@ON_FILE
def test_the_words_of_the_log_are_read_from_one_to_the_next(olga):
    plan = [row[3] for row in db.execute_sql("EXPLAIN QUERY PLAN " + log_lines.EACH_WHAT)]
    assert not any("SCAN activity" in step or "SCAN a" in step for step in plan), plan
    write("noted", "noted", "new user")
    words = [what for (what,) in db.execute_sql(log_lines.EACH_WHAT)]
    assert words == sorted(set(words)) and {"noted", "new user"} <= set(words)


@pytest.mark.parametrize("sort", ["", "when"])
@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_pages_of_a_kind_have_each_of_its_lines_once(olga, limit, sort):
    for number in range(4):
        write("new user", "noted")
        write("removed user" if number % 2 else "renamed asset")
        write("noted")
    seen, beyond, more = [], None, True
    while more:
        page, more = log_lines.lines(Log(kind="checks"), beyond, limit, sort=sort)
        seen += [line.id for line in page]
        beyond = seen[-1]
        assert all(line.counts.keys() <= {"new user", "removed user", "renamed asset"} for line in page)
    assert len(seen) == 8 and seen == sorted(seen, reverse=not sort)


@pytest.mark.parametrize("kind", [*KINDS, OTHER])
def test_a_kind_in_sql_is_the_kind_of_its_words(olga, kind):
    words = [beginning.removeprefix("=") for some in KINDS.values() for beginning in some] + ["noted"]
    write(*words)
    in_sql = {entry.what for entry in Activity.select().where(log_lines._of_kind(kind))}
    assert in_sql == set(log_lines._words_of(kind))


def _plans(page) -> list[list[str]]:
    """The steps of each query about entries that `page` asks."""
    asked = []
    db.connection().set_trace_callback(asked.append)
    try:
        page()
    finally:
        db.connection().set_trace_callback(None)
    about = [query for query in asked if query.startswith("SELECT") and '"activity"' in query]
    return [[row[3] for row in db.execute_sql("EXPLAIN QUERY PLAN " + query)] for query in about]
