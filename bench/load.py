"""Measures a server under load: people click through 200 apps and 100,000 accounts while four checks run, and another
connection writes all the time. `python -m bench.load`, or with `--people 20 --seconds 120 --apps 200`."""

from __future__ import annotations

import argparse
import os
import random
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

import connectors
from bench import pages, reading
from bench.machine import facts
from bench.workspace import BY, open_owner, run_check, waiting_writer
from sync.apps import apps
from sync.db import connected, db, utcnow, writing
from sync.jobs import asking
from sync.models import App, AppPerson, Check, Person, Report
from sync.search import index
from sync.sign_in import sign_in
from sync.states import AppState

PEOPLE, SECONDS, APPS, ACCOUNTS = 20, 120, 200, 100_000
CHECKED, OF_CHECKED, LATENCY = 4, 1_000, 1.0  # apps that are checked all the time, their accounts, seconds a page
LEFT_EVERY = 500  # one of so many people has left
FULL = reading.PAGE  # accounts of the big app come in whole pages
THINKS = (0.5, 1.5)  # seconds between an answer and the next click
STARTS, ANSWERS = 60, 60  # seconds that the server may take to start, and to answer a click
PAUSE = 0.1  # seconds between two writes of another program
NETWORK = "127.0.0.0/8"
LIMIT = 0.3  # seconds for 95 of 100 clicks, the aim
ALL_AT_ONCE = 10  # seconds at the beginning: everyone signs in at the same moment, to a server that has just started


@dataclass
class Load:
    """Seconds of each click by its page, what went wrong, seconds that each write of another program waited, checks
    that ended in that time, and the server's processor seconds and peak memory in MB.

    `later` are the seconds of clicks after the beginning, which was at `began` on the clock of perf_counter.
    """

    clicks: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    checks: int = 0
    processor: float = 0.0
    memory: float = 0.0
    began: float = 0.0
    later: list[float] = field(default_factory=list)

    @property
    def all(self) -> list[float]:
        return [seconds for clicks in self.clicks.values() for seconds in clicks]


def measure(folder: Path, people: int, count: int, accounts: int, goes_on: Callable[[int], bool],
            thinks: tuple[float, float] = THINKS) -> Load:  # fmt: skip
    """Each person clicks while `goes_on`, which gets the number of clicks they have made, says so."""
    load, big = Load(), max(FULL, (accounts - CHECKED * OF_CHECKED) // FULL * FULL)
    with ExitStack() as servers:
        whole = servers.enter_context(reading.Server(big))
        slow = [servers.enter_context(reading.Server(OF_CHECKED, LATENCY)).url for _ in range(CHECKED)]
        addresses, checked, links = _fill(folder, people, count, big, whole.url, slow)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with _server(folder) as (url, process), waiting_writer(db.database, PAUSE) as waits:
            over, load.began = threading.Event(), time.perf_counter()
            checker = threading.Thread(target=_keep_checking, args=(checked, over))
            threads = [threading.Thread(target=_click, args=(url, link, addresses, goes_on, thinks, load, number))
                       for number, link in enumerate(links)]  # fmt: skip
            for thread in (checker, *threads):
                thread.start()
            for thread in threads:
                thread.join()
            over.set()
            checker.join()
            load.memory = _peak(process.pid)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    load.waits, load.processor = waits, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    with connected():
        load.checks = Check.select().where(Check.app.in_(checked), Check.finished_at.is_null(False)).count()
        failed = Check.select(Check.error).where(Check.error.is_null(False))
        load.errors += [f"a check: {check.error}" for check in failed]
    return load


def _fill(
    folder: Path, people: int, count: int, big: int, whole: str, slow: list[str]
) -> tuple[dict, list[App], list[str]]:
    """The pages' addresses, the apps to check, and a link that signs in for each person."""
    owner = open_owner(folder)
    connectors.allow_networks(connectors.parse_networks(NETWORK))
    with connected():
        pages.people_here(big * 9 // 10)
        first = _connect("Big", whole, owner)
        run_check(first)
        left = range(LEFT_EVERY, big * 9 // 10, LEFT_EVERY)
        Person.update(status="deprovisioned", status_reason="Disabled in Company LDAP", status_since=utcnow()).where(
            Person.id.in_(left)).execute()  # fmt: skip
        run_check(first)
        checked = [_connect(f"Checked {number}", url, owner) for number, url in enumerate(slow)]
        _others(count - 1 - CHECKED, owner, first)
        report = Report.get(Report.app == first, Report.is_open)
        with writing():
            App.update(checked_daily=False).execute()
            clicking = [Person.create(name=f"Colleague {number}", workspace_role="super admin")
                        for number in range(people)]  # fmt: skip
        while index.bring_up_some():  # as the sweeps of its first minutes do: people come to a server that has run
            pass
        links = [f"/sign-in/{sign_in.signed_link(person)}" for person in clicking]
    here = f"/apps/{first.id}"
    return {
        "Home": "/", "Apps": "/apps", "Apps, searched": "/apps?search=app+17", "an app": here,
        "Members": f"{here}/members", "Members, a later page": f"{here}/members?page=40",
        "Members, searched": f"{here}/members?search=Person.4999",
        "Members, unmatched": f"{here}/members?tab=unmatched", "the Sync Data wizard": f"/reports/{report.id}",
        "Reports": "/reports", "People": "/people", "People, searched": "/people?search=Person+77",
        "Activity": "/activity", "an app that is checked": f"/apps/{checked[0].id}",
    }, checked, links  # fmt: skip


def _connect(name: str, url: str, owner: Person) -> App:
    return apps.connect("scim", name, {"base_url": url, "token": "t", "groups": "leave out"}, [owner], BY)


def _others(count: int, owner: Person, like: App) -> None:
    """Apps that are only shown."""
    with writing():
        for number in range(count):
            app = App.create(connector=like.connector, name=f"App {number}", category=("Seat-based", "Paid social")[
                number % 2], settings=like.settings, credential=like.credential, state=AppState.ACTIVE, users=40,
                matched=36, unmatched=4, last_check_at=utcnow())  # fmt: skip
            AppPerson.create(app=app, person=owner, manages_as="owner")
            if number % 10 == 0:
                Report.create(app=app, waiting=2, counts={"removed user": 2})


@contextmanager
def _server(folder: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    """`app.py serve` in a process of its own, from its first answer to its end."""
    root, port = Path(__file__).parent.parent, _free_port()
    url = f"http://127.0.0.1:{port}"
    surroundings = {**os.environ, "ROLLCALL_HOME": str(folder), "ROLLCALL_PRIVATE_NETWORKS": NETWORK,
                    "ROLLCALL_LISTEN": f"127.0.0.1:{port}"}  # fmt: skip
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen([sys.executable, "app.py"], cwd=root, env=surroundings, stdout=log, stderr=log)
        try:
            until = time.monotonic() + STARTS
            while not _answers(f"{url}/healthz"):
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"the server doesn't answer:\n{(folder / 'server.log').read_text()}")
                time.sleep(0.1)
            yield url, process
        finally:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=5).ok
    except requests.ConnectionError:
        return False


def _keep_checking(checked: list[App], over: threading.Event) -> None:
    """Ask for a check of each as soon as its last one has ended."""
    with connected():
        while not over.is_set():
            for app in checked:
                if asking.live(app) is None:
                    asking.ask(app, BY)
            over.wait(0.2)


def _click(url: str, link: str, addresses: dict[str, str], goes_on: Callable[[int], bool],
           thinks: tuple[float, float], load: Load, number: int) -> None:  # fmt: skip
    chance, made = random.Random(number), 0
    with requests.Session() as browser:
        browser.headers.update(pages.BROWSER)
        _ask(browser, "signing in", url + link, load)
        while goes_on(made):
            name = chance.choice(list(addresses))
            _ask(browser, name, url + addresses[name], load)
            made += 1
            time.sleep(chance.uniform(*thinks))


def _ask(browser: requests.Session, name: str, address: str, load: Load) -> None:
    began = time.perf_counter()
    try:
        answer = browser.get(address, timeout=ANSWERS)
    except requests.RequestException as problem:
        load.errors.append(f"{name}: {problem}")
        return
    took = time.perf_counter() - began
    load.clicks.setdefault(name, []).append(took)
    if began > load.began + ALL_AT_ONCE:
        load.later.append(took)
    if answer.status_code != 200 or "/sign-in" in answer.url:
        load.errors.append(f"{name}: {answer.status_code} {answer.url}")


def _peak(process: int) -> float:
    """MB of memory that the process had at most (Linux)."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def lines(load: Load) -> list[str]:
    """The result in words."""
    if not load.all:
        return ["nobody got an answer", *load.errors[:10]]
    found = load.all
    keeps = "keeps" if _percentile(found, 95) <= LIMIT else "misses"
    return [
        f"{len(found):,} clicks: {_within(found)} ({keeps} {LIMIT * 1000:.0f} ms), the longest "
        f"{max(found) * 1000:.0f} ms; {len(load.errors)} errors",
        *([f"after the first {ALL_AT_ONCE} seconds, in which everyone signs in: {_within(load.later)}"]
          if load.later else []),
        *(f"{name:26}{statistics.median(clicks) * 1000:7.0f} ms {_percentile(clicks, 95) * 1000:7.0f} ms  "
          f"{len(clicks):5} clicks" for name, clicks in sorted(load.clicks.items())),
        f"another program's {len(load.waits):,} writes: 99 of 100 within {_percentile(load.waits, 99) * 1000:.0f} ms, "
        f"the longest {max(load.waits) * 1000:.0f} ms",
        f"{load.checks} checks ended; the server took {load.processor:.1f} processor seconds and {load.memory:.0f} MB",
        *load.errors[:10],
    ]  # fmt: skip


def _within(seconds: list[float]) -> str:
    return (f"half of them within {statistics.median(seconds) * 1000:.0f} ms, 95 of 100 within "
            f"{_percentile(seconds, 95) * 1000:.0f} ms")  # fmt: skip


def _percentile(seconds: list[float], percent: int) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    for name, default in (("people", PEOPLE), ("seconds", SECONDS), ("apps", APPS), ("accounts", ACCOUNTS)):
        given.add_argument(f"--{name}", type=int, default=default)
    asked = given.parse_args()
    print("\n".join(facts()), flush=True)
    ends: list[float] = []

    def goes_on(_made: int) -> bool:
        if not ends:
            ends.append(time.monotonic() + asked.seconds)
        return time.monotonic() < ends[0]

    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:
        load = measure(Path(folder), asked.people, asked.apps, asked.accounts, goes_on)
    print(f"\n{asked.people} people click for {asked.seconds} seconds on {asked.apps} apps and {asked.accounts:,} "
          f"accounts, while {CHECKED} checks run", *lines(load), sep="\n")


if __name__ == "__main__":
    main()
