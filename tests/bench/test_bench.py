"""What bench/ measures holds in the small: both find the same, a quiet check writes little, nobody is locked out."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import leavers, many, reading, run, same_tables, sample, whole
from bench.floor import Floor
from bench.workspace import Rollcall, open_workspace, rows_written, run_check
from sync.db import connected, db
from sync.models import Account, App, Change

COUNT = 2_000


@pytest.fixture
def app(tmp_path: Path) -> App:
    made = open_workspace(tmp_path)
    yield made
    if not db.is_closed():
        db.close()


def read(round: int) -> None:
    sample.SampleApp.pages = staticmethod(lambda: sample.pages(COUNT, round))


def test_the_floor_writes_a_first_reading_into_rollcalls_tables(tmp_path: Path) -> None:
    program = same_tables.SameTables(tmp_path, same_tables.SAME)
    program.check(sample.pages(COUNT, 0))
    with connected():
        assert Account.select().count() == Change.select().where(Change.kind == "new user").count() == COUNT
        assert not db.execute_sql("PRAGMA foreign_key_check").fetchall()
    db.close()


def test_floor_and_check_find_the_same_changes(tmp_path: Path) -> None:
    ours, plain = Rollcall(tmp_path), Floor(tmp_path)
    try:
        for round, changes in enumerate(((COUNT, 0, 0), (COUNT // 400, COUNT // 400, COUNT // 200), (0, 0, 0))):
            for program in (ours, plain):
                program.check(sample.pages(COUNT, round))
                assert program.found() == changes
    finally:
        db.close()


def test_a_check_that_finds_nothing_writes_at_most_ten_rows(app: App) -> None:
    read(0)
    with connected():
        run_check(app)
        with rows_written() as written:
            run_check(app)
    assert 0 < written[0] <= 10


def test_the_counter_counts(app: App) -> None:
    read(0)
    with connected(), rows_written() as written:
        run_check(app)
    assert written[0] > 2 * COUNT, "each account, and a change for each"


def test_others_write_while_an_app_is_being_read(tmp_path: Path) -> None:
    try:
        measured = run.locks_child(COUNT, tmp_path)
    finally:
        db.close()
    assert measured["written"] == measured["tried"] == COUNT // sample.PAGE


@pytest.mark.parametrize("latency", [0, 0.03])
def test_both_read_the_whole_list_over_http(latency: float) -> None:
    with reading.Server(COUNT, latency) as server:
        assert reading.plain(server.url) == reading.connector(server.url) == COUNT


def test_a_loop_that_reads_until_a_page_is_empty_ends_after_a_short_last_page(tmp_path: Path) -> None:
    assert set(whole.plain(reading.PAGE + 100, tmp_path)) == set(whole.STEPS)


def test_a_push_opens_a_report_in_every_app_and_calls_none(tmp_path: Path) -> None:
    """The limit of 60 seconds is measured at 200 apps; this test shows that none of it waits for an app."""
    try:
        measured = leavers.measure(4, 20, tmp_path, leaving=2)
    finally:
        db.close()
    assert (measured["reports"], measured["mails"], measured["calls"]) == (4, 4, 0)


def test_many_apps_are_checked_beside_a_slow_one_and_one_that_never_answers(tmp_path: Path) -> None:
    """What they take is measured with 200 apps; this test shows that the others end, and how many calls there are."""
    try:
        measured = many.measure(3, tmp_path, latency=0.01, slow=0.02)
    finally:
        db.close()
    assert 0 < measured["app"] <= many.PER_APP
    assert measured["app"] <= measured["host"] <= measured["all"]
    assert "3 apps" in many.lines(3, measured)[0]


def test_a_prediction_gives_each_free_place_to_the_next_check_and_leaves_out_what_never_ends() -> None:
    places, most = many.CHECKS, many.MOST_CHECKS
    assert many.predicted([1.0] * places * 2) == 2
    assert many.predicted([5.0] + [1.0] * (places - 1)) == 5
    assert many.predicted([None] * places + [1.0]) == many.PATIENCE + 1, "a check that lasts gives its place away"
    assert many.predicted([None] * most + [1.0]) == many.SILENCE + 1, "as long as there are places for those that last"


def test_the_few_are_among_the_many() -> None:
    assert many._mixed(list("ooooooo"), list("hs")) == list("ohooosooo")
