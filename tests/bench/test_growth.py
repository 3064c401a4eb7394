"""The comparison with other programs: what ends one, what is refused, and how table and picture say it.
No peer is needed here; `make peers` and `make growth` run them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import children, clock, growth, picture, sample
from bench.floor import Floor
from bench.peers.stored import FIELDS, Stored, fields
from bench.programs import FLOOR, PEAK, ROLLCALL, Run

COUNT = 800
FIRST, CHANGED, NOTHING = sample.STEPS
MEASURED = {
    FLOOR: {FIRST: [0.05, 1], CHANGED: [0.04, 1], NOTHING: [0.04, 1], PEAK: [20, 1], "ended": None},
    ROLLCALL: {FIRST: [0.2, 4], CHANGED: [0.1, 2.5], NOTHING: [12.3, 307.5], PEAK: [1234, 61.7], "ended": None},
    "dlt": {FIRST: [6, 120], "ended": children.Limit.MEMORY},
}


class Plain(Stored):
    """A peer without a library."""

    def check(self, pages) -> None:
        known = {id: dict(zip(FIELDS, values)) for id, *values in self.known()}
        read = {account.id: fields(account) for page in pages for account in page}
        for id, account in read.items():
            if id not in known:
                self.new(id, account)
            elif account != known[id]:
                self.changed(id, known[id], account)
        for id in known.keys() - read:
            self.gone(id, known[id])
        self.write()


def test_a_peer_that_only_compares_stores_what_the_floor_stores(tmp_path: Path) -> None:
    for name in ("floor", "peer"):
        (tmp_path / name).mkdir()
    floor, peer = Floor(tmp_path / "floor"), Plain(tmp_path / "peer")
    for round in (0, 1, 2, 0):
        floor.check(sample.pages(COUNT, round))
        peer.check(sample.pages(COUNT, round))
        stored = "SELECT external_id, email, name, status, role, last_activity, gone FROM account ORDER BY external_id"
        assert peer.connection.execute(stored).fetchall() == floor.connection.execute(stored).fetchall()
        if round:
            assert peer.found() == floor.found()
        else:
            floor.found(), peer.found()  # the floor doesn't count an account that is back as new
    assert not peer.connection.in_transaction


@pytest.mark.parametrize("limit", children.Limit, ids=lambda limit: limit.name)
def test_a_child_ended_by_a_limit_has_reported_what_it_finished(limit: children.Limit) -> None:
    found, ended = children.results("tests.bench.ended", limit.name.lower(), children.GIGABYTES + 1)
    assert ended == limit
    assert len(found) == 1 and children.SECONDS <= found[0] <= children.SECONDS + 5


def test_a_child_that_fails_for_another_reason_is_reported() -> None:
    with pytest.raises(SystemExit, match="a fault of its own"):
        children.run("tests.bench.ended", "nothing", 0)


def test_the_driver_measures_and_leaves_out_what_did_not_end_before() -> None:
    measured = growth.measure(COUNT, 1, {"dlt": "1"}, {"400": {"dlt": MEASURED["dlt"]}})
    assert list(measured) == [FLOOR, ROLLCALL, "dlt"]
    assert measured["dlt"] == {"ended": growth.NOT_TRIED}
    for name in (FLOOR, ROLLCALL):
        assert measured[name]["ended"] is None and measured[name][PEAK][0] > 10
        assert all(measured[name][step][1] > 0 for step in sample.STEPS)
    assert measured[FLOOR][FIRST][1] == 1 < measured[ROLLCALL][PEAK][1]


def test_a_ratio_is_that_of_a_program_to_the_floor_of_the_same_turn() -> None:
    turns = [{FLOOR: Run({FIRST: floor}, {}, None), ROLLCALL: Run({FIRST: ours}, {}, None)}
             for floor, ours in ((0.1, 0.3), (0.5, 1), (0.2, 0.8))]  # fmt: skip
    assert growth._medians(ROLLCALL, turns) == {FIRST: [0.8, 3], "ended": None}
    assert growth._medians(FLOOR, turns) == {FIRST: [0.2, 1], "ended": None}


def test_a_part_in_which_the_clock_of_the_processor_stops_takes_the_time_of_the_wall(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert 0 < clock.seconds(lambda: sum(range(1000))) < 60
    monkeypatch.setattr(time, "process_time", lambda: 7.0)
    began = time.perf_counter()
    assert 0 < clock.seconds(lambda: sum(range(1000))) <= time.perf_counter() - began


def test_a_program_that_finds_something_else_than_the_floor_is_refused() -> None:
    right = {FIRST: [8, 0, 0], CHANGED: [1, 1, 2]}
    growth.agree({FLOOR: right, "dlt": {FIRST: [8, 0, 0]}})
    with pytest.raises(SystemExit, match="dlt, 1 % changed: found .1, 0, 2. .* instead of .1, 1, 2."):
        growth.agree({FLOOR: right, "dlt": {FIRST: [8, 0, 0], CHANGED: [1, 0, 2]}})


def test_the_table_says_what_a_program_did_not_finish() -> None:
    assert growth.table({"10000": MEASURED, "30000": {**MEASURED, "dlt": {"ended": growth.NOT_TRIED}}})[:7] == [
        "| accounts | | floor | Rollcall | dlt |",
        "| ---: | --- | ---: | ---: | ---: |",
        "| 10,000 | first reading | 0.050 | 0.20 (4.0×) | 6.00 (120.0×) |",
        "| 10,000 | 1 % changed | 0.040 | 0.10 (2.5×) | over 4 GB |",
        "| 10,000 | nothing new | 0.040 | 12 (307.5×) | over 4 GB |",
        "| 10,000 | peak memory, MB | 20 | 1,234 (61.7×) | over 4 GB |",
        "| 30,000 | first reading | 0.050 | 0.20 (4.0×) | not tried |",
    ]


def test_the_picture_names_every_line_and_what_did_not_finish() -> None:
    drawn = growth.drawn({"sizes": {"10000": MEASURED, "100000": MEASURED}})
    texts = [text.text for text in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count(FLOOR) == texts.count(ROLLCALL) == 3 and texts.count("dlt") == 1
    assert {"10,000", "100,000", "0.03 s", "3 GB"} <= set(texts)
    assert "dlt: 10,000 accounts, a reading not finished within 4 GB." in texts
    assert "prefers-color-scheme: dark" in drawn


def test_names_of_lines_that_end_side_by_side_stay_apart() -> None:
    heights = picture._apart({"floor": (9, 50), "dlt": (9, 48), "deepdiff": (9, 49), "diffsync": (5, 48)})
    assert heights == {"dlt": 48, "deepdiff": 67, "floor": 86, "diffsync": 48}


def test_page_and_picture_show_what_was_measured() -> None:
    found = json.loads(growth.NUMBERS.read_text())
    page = growth.NUMBERS.with_name("README.md").read_text()
    assert growth.PICTURE.read_text() == growth.drawn(found), "run `python -m bench.growth --draw`"
    assert [line for line in growth.table(found["sizes"]) if line not in page] == []
    assert found["date"] in page and growth.PICTURE.name in page
