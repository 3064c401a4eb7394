"""Measures many apps that are due at once: a worker process of Rollcall, and their SCIM servers in another process,
which answer each call after 100 ms. One app is slow, and some never answer. `python -m bench.many 200 --hanging 20`."""

from __future__ import annotations

import argparse
import heapq
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import connectors
from bench.machine import facts
from bench.many_servers import Servers
from bench.pages import people_here
from bench.workspace import BY, open_owner, run_check
from connectors.scim.client import AHEAD
from sync.apps import apps
from sync.db import connected, utcnow, writing
from sync.jobs.crew import CHECKS, MOST_CHECKS, PATIENCE
from sync.models import App, Check, Person
from sync.states import CheckState, CheckTrigger

LATENCY, SLOW = 0.1, 1.0  # seconds before each answer
ACCOUNTS = 100  # of each app
ALONE = 5  # apps that are read one by one, for the prediction
SHARED = 20  # apps whose addresses are on one host; each of the others has its own
PER_APP = AHEAD + 1  # calls at once that the reading of one app makes
SILENCE = 61.0  # seconds after which a check gives up an app that hangs: two calls of 30, and the pause between them
LIMIT = 1800  # seconds
NETWORK = "127.0.0.0/8"


def measure(
    count: int, folder: Path, hanging: int = 1, latency: float = LATENCY, slow: float = SLOW
) -> dict[str, float]:
    """Check `count` ordinary apps, a slow one and `hanging` that never answer, all due at the same moment.

    Seconds: `wall`, from the moment that all are asked for to the end of the last one but the hanging ones, and the
    `predicted`; of an ordinary app `alone`, `median` and `longest`; `slow` and `slow alone`; `processor` of the worker,
    and `queued`, in which its threads could have run but other threads and programs did.
    The others are calls at once: of one `app`, of the `host` that several share, and of `all`.
    """
    owner = open_owner(folder)
    connectors.allow_networks(connectors.parse_networks(NETWORK))
    with connected(), Servers(latency, slow, ACCOUNTS) as servers:
        people_here(ACCOUNTS)
        spare = [_connect(owner, servers, f"Spare {number}", SHARED + number) for number in range(ALONE)]
        spare_slow = _connect(owner, servers, "Spare, slow", SHARED, "slow")
        kinds = _mixed(["ordinary"] * count, ["slow", *["hanging"] * hanging])
        due = [_connect(owner, servers, f"App {number}", number, kind) for number, kind in enumerate(kinds)]
        servers.begin()
        alone = statistics.median([_seconds(lambda app=app: run_check(app)) for app in spare][1:])
        slow_alone = _seconds(lambda: run_check(spare_slow))
        lengths = {"ordinary": alone, "slow": slow_alone, "hanging": None}
        _make_due(due)
        processor, queued = _work(folder, count + 1)
        found = {check.app_id: check for check in Check.select().where(Check.trigger == CheckTrigger.DAILY)}
        most = servers.most()
    for app, kind in zip(due, kinds):
        if (found[app.id].state == CheckState.SUCCEEDED) is (kind == "hanging"):
            raise RuntimeError(f"expected: all but {hanging} succeed ({found[app.id].state}: {found[app.id].error})")
    took = {app.name: _length(found[app.id]) for app, kind in zip(due, kinds) if kind != "hanging"}
    slowest = took.pop(next(app.name for app, kind in zip(due, kinds) if kind == "slow"))
    ended = max(check.finished_at for check in found.values() if check.state == CheckState.SUCCEEDED)
    return {
        "wall": (ended - min(check.created_at for check in found.values())).total_seconds(),
        "predicted": predicted([lengths[kind] for kind in kinds]), "alone": alone,
        "median": statistics.median(took.values()), "longest": max(took.values()), "slow": slowest,
        "slow alone": slow_alone, "processor": processor, "queued": queued, "hanging": hanging, **most,
    }  # fmt: skip


def predicted(lengths: list[float | None]) -> float:
    """When the last check ends of those that end, if each begins as soon as sync/jobs/crew.py lets it, in this order.
    A length in seconds is None for an app that hangs."""
    now = last = 0.0
    new, all_of_them = [], []  # when each of these places becomes free
    for length in lengths:
        lasts = SILENCE if length is None else length
        for places, most in ((new, CHECKS), (all_of_them, MOST_CHECKS)):
            if len(places) == most:
                now = max(now, heapq.heappop(places))
        heapq.heappush(new, now + min(lasts, PATIENCE))
        heapq.heappush(all_of_them, now + lasts)
        last = max(last, now + (length or 0))
    return last


def _mixed(many: list[str], few: list[str]) -> list[str]:
    """The few among the many, at equal distances."""
    distance = len(many) // len(few)
    for place, one in enumerate(few):
        many.insert(distance // 2 + place * (distance + 1), one)
    return many


def _connect(owner: Person, servers: Servers, name: str, number: int, kind: str = "ordinary") -> App:
    address = servers.address(max(0, number - SHARED + 1), f"{kind}/{name.replace(' ', '-')}")
    values = {"base_url": address, "token": "t", "groups": "leave out"}
    return apps.connect("scim", name, values, [owner], BY)


def _make_due(due: list[App]) -> None:
    """In the order in which they were connected. No other app becomes due in that time, and none of these once more."""
    now = utcnow()
    far_away = (now.hour * 60 + now.minute + 720) % 1440  # the workspace's time zone is UTC
    with writing():
        App.update(next_check_at=now + timedelta(days=1), check_minute=far_away).execute()
        App.update(next_check_at=now).where(App.id.in_([app.id for app in due])).execute()


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _length(check: Check) -> float:
    return (check.finished_at - check.started_at).total_seconds()


def _work(folder: Path, count: int) -> tuple[float, float]:
    """Run a worker until so many checks have succeeded; its processor seconds, and those it waited for."""
    root = Path(__file__).parent.parent
    surroundings = {**os.environ, "ROLLCALL_HOME": str(folder), "ROLLCALL_PRIVATE_NETWORKS": NETWORK}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with (folder / "worker.log").open("w") as log:
        worker = subprocess.Popen([sys.executable, "app.py", "worker"], cwd=root, env=surroundings, stderr=log)
        succeeded = (Check.trigger == CheckTrigger.DAILY) & (Check.state == CheckState.SUCCEEDED)
        until = time.monotonic() + LIMIT
        try:
            while Check.select().where(succeeded).count() < count:
                if worker.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"the worker ended, or took too long:\n{(folder / 'worker.log').read_text()}")
                time.sleep(0.1)
            queued = _queued(worker.pid)
        finally:
            worker.kill()
            worker.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, queued


def _queued(process: int) -> float:
    """Seconds that the process's threads waited for a processor (Linux, Documentation/scheduler/sched-stats)."""
    threads = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[1]) for thread in threads) / 1e9


def lines(count: int, measured: dict[str, float]) -> list[str]:
    """The result in words."""
    wall, expected = measured["wall"], measured["predicted"]
    return [
        f"{count:,} apps of {ACCOUNTS} accounts are due at once, and a slow one and {measured['hanging']} that never "
        f"answer; {LATENCY * 1000:.0f} ms a call, {CHECKS} new checks at once",
        f"all but the hanging ones checked after {wall:.1f} s; predicted {expected:.1f} s; {wall / expected:.2f}×",
        f"an ordinary check: alone {measured['alone']:.2f} s; among the others {measured['median']:.2f} s, "
        f"the longest {measured['longest']:.2f} s",
        f"the slow app's check: alone {measured['slow alone']:.1f} s; among the others {measured['slow']:.1f} s",
        f"calls at once: {measured['app']} of one app (at most {PER_APP}), {measured['host']} of a host that "
        f"{SHARED} apps share, {measured['all']} in all (at most {MOST_CHECKS * PER_APP})",
        f"processor seconds of the worker: {measured['processor']:.1f}, start included; its threads waited "
        f"{measured['queued']:.1f} s for a processor",
    ]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("counts", nargs="*", type=int, default=[200])
    asked.add_argument("--hanging", type=int, default=1)
    arguments = asked.parse_args()
    print("\n".join(facts()), flush=True)
    for count in arguments.counts:
        with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:
            found = measure(count, Path(folder), arguments.hanging)
        print("", *lines(count, found), sep="\n", flush=True)


if __name__ == "__main__":
    main()
