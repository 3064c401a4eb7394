"""`serve` runs pages, queue and schedule in one process; `web` and `worker` run them apart.
At SIGTERM or Ctrl+C the process finishes running work, then ends; a second signal ends it at once."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

from cli import locks
from cli.frame import Failed, installation, nothing_is_garbage, notice
from cli.locks import serving_queue
from cli.pages import Pages
from cli.workers import Workers
from demo.sample import SampleApps
from sync.config import Config
from sync.db import connected, keeping_connections
from sync.jobs import queue
from sync.jobs.crew import Crew
from sync.people import last_owner
from sync.sign_in import sign_in

if TYPE_CHECKING:
    from flask import Flask

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"  # docs/proxy.md has a fail2ban filter for these lines
# After how long a thread lets one run that waits. Python's own 5 ms are paid again at each longer statement, as SQLite
# works without Python's lock: beside four busy threads, 20 statements of 0.3 ms took 112 ms.
SWITCH_SECONDS = 0.0005
M_ARENA_MAX = -8  # of mallopt(3)
HEALTH_SECONDS = 3  # between looks at this process's workers, and at rows that a worker of a dead process held


@click.command()
@click.pass_obj
def serve(create_app: Callable[[Config], Flask]) -> None:
    """Serve pages, queue and schedule in one process (the default)."""
    _begin()
    with installation() as settings:
        serve_all(create_app, settings)


@click.command()
@click.pass_obj
def web(create_app: Callable[[Config], Flask]) -> None:
    """Serve only the pages. At least one `worker` must run too."""
    _begin()
    stop = _stop_signal()
    with installation() as settings, keeping_connections(), _pages(create_app, settings):
        _announce(settings)
        while not stop.wait(HEALTH_SECONDS):
            locks.keep()
            queue.tidy_up()


@click.command()
def worker() -> None:
    """Run only the queue and the schedule, without pages. Several may run at once, beside `web`."""
    _begin()
    stop = _stop_signal()
    with installation() as settings, serving_queue(settings, among_others=True), keeping_connections():
        notice("Rollcall runs the queue and the schedule.")
        _work_until(stop, queue.wake_abandoned, begin=queue.sweep)


def serve_all(
    create_app: Callable[[Config], Flask], settings: Config, welcome: Callable[[], None] = lambda: None
) -> None:
    """Serve an open installation until the process receives a signal to stop. `welcome` is called once pages answer."""
    stop = _stop_signal()
    with ExitStack() as stack:
        stack.enter_context(serving_queue(settings))
        stack.enter_context(keeping_connections())
        samples = SampleApps(settings.home)
        stack.callback(samples.stop)
        with connected():
            samples.resume()
        stack.enter_context(_pages(create_app, settings, samples))
        queue.sweep()
        welcome()
        _announce(settings)
        _work_until(stop)


def _begin() -> None:
    """Set up what each of these processes has of its own: threads that take turns, and a log."""
    sys.setswitchinterval(SWITCH_SECONDS)
    _share_one_heap()
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    logging.getLogger("huey").setLevel(logging.WARNING)
    logging.getLogger("peewee.migrations").setLevel(logging.WARNING)  # Activity names them
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)


def _share_one_heap() -> None:
    """All threads take memory from one heap: glibc makes one for each, and what a page has freed in one, pages of other
    threads can't use. Other libraries of C have no such setting, and MALLOC_ARENA_MAX wins."""
    c = ctypes.CDLL(None)
    if "MALLOC_ARENA_MAX" not in os.environ and hasattr(c, "mallopt"):
        c.mallopt(M_ARENA_MAX, 1)


@contextmanager
def _pages(
    create_app: Callable[[Config], Flask], settings: Config, samples: SampleApps | None = None
) -> Iterator[None]:
    """`samples` is None where pages and queue are in different processes: sample data isn't offered there."""
    with nothing_is_garbage():
        app = create_app(settings)
    app.config["SAMPLE"] = samples
    try:
        pages = Pages(app, settings.listen_host, settings.listen_port, settings.is_proxy)
    except OSError as problem:
        address = f"{settings.listen_host}:{settings.listen_port}"
        raise Failed(
            f"{address} can't be served: {problem.strerror or problem}. Nothing was started: "
            "stop the program that uses it, or set ROLLCALL_LISTEN to another HOST:PORT."
        ) from problem
    try:
        yield
    finally:
        pages.stop()


def _announce(settings: Config) -> None:
    click.echo(f"Rollcall is at {settings.url}")
    with connected():
        token = sign_in.setup_link_token()
    if token:
        again = last_owner.has_lost_its_owners()
        why = "No Owner can sign in any longer. Make a new one" if again else "Nobody owns it yet. Set it up"
        click.echo(f"{why}, once, with this link: {settings.url}/setup?token={token}")


def _stop_signal() -> threading.Event:
    """Set by the first SIGTERM or SIGINT. After it, these signals end the process at once."""
    stop = threading.Event()

    def handle(signum: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        notice("Finishing running work …")
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stop


def _work_until(
    stop: threading.Event, *looks: Callable[[], None], begin: Callable[[], None] = lambda: None
) -> None:
    """`looks` are called every few seconds, and `begin` once the workers are there for what it wakes them for."""
    queue.bell.listen()
    workers = Workers(Crew())
    workers.start()
    begin()
    while not stop.wait(HEALTH_SECONDS):
        locks.keep()
        workers.check_worker_health()
        for look in (queue.tidy_up, *looks):
            look()
    workers.stop(graceful=True)
