"""Sample data from the page: runs the sample apps inside the server process, and connects them to the workspace.
They listen on the loopback interface alone, on the same ports after a restart. sync/sample.py removes all of it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import connectors
from demo import ads_app, chat_app, company_page
from demo.ads_app import AdsStore
from demo.chat_app import ChatStore
from demo.company import Company, furnish, let_time_pass
from demo.serve import Served
from demo.store import Store
from sync import sample, sample_data
from sync.apps import apps
from sync.directory import directories
from sync.jobs import asking, queue
from sync.models import App, Check, DirectoryReading, Person
from sync.rank import Asker
from sync.sample_data import Sample, SampleProblem
from sync.states import CheckState, ReadingState

FOLDER = "sample"  # in ROLLCALL_HOME
DIRECTORY, CHAT, ADS = "Acme staff (sample)", "Acme Chat (sample)", "Acme Ads (sample)"
SEAT_PRICE = 875  # hundredths of a unit a month
LOOK_EVERY, PATIENCE = 0.1, 600  # seconds between looks at work that a worker does, and how many looks


class SampleApps:
    """The sample apps of one installation. `addresses` are their pages, while they run."""

    def __init__(self, home: Path):
        self._folder = home / FOLDER
        self._served: dict[str, Served] = {}
        self._stores: tuple[Store, ...] = ()
        self._one_at_a_time = threading.Lock()

    @property
    def addresses(self) -> dict[str, str]:
        return {name: served.url for name, served in self._served.items()}

    def resume(self) -> None:
        """At the start of the server: run them again where sample data is loaded."""
        kept = sample_data.loaded()
        if kept is None:
            return
        chat, ads = self._serve(kept.ports)
        with sample_data.loading():
            for app in list(App.select().where(App.id.in_(kept.apps), App.is_connected)):
                store, served = (ads, "ads") if app.connector == "sample-ads" else (chat, "chat")
                if app.settings.get("base_url") != self._served[served].url:
                    apps.replace_credential(app, self._values(store, served), Asker.rollcall("sample data"))
        sample_data.keep(replace(kept, ports=self._ports()))

    def load(self, owner: Person) -> bool:
        """Connect the sample company and its apps, and read them; then three people leave. False if it was loaded
        before; waits for anyone who is loading it. Raises SampleProblem, and leaves nothing behind, if it can't."""
        with self._one_at_a_time, sample_data.loading():
            if sample_data.loaded() is not None:
                return False
            by = Asker.person(owner)
            kept = sample.begin(by)
            try:
                self._load(kept, owner, by)
            except Exception as problem:
                self._end(lambda: sample.remove(by))
                raise SampleProblem(f"The sample data can't be loaded: {problem} Nothing was kept.") from problem
        return True

    def _load(self, kept: Sample, owner: Person, by: Asker) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        chat, ads = self._serve({})
        company = Company(self._folder / "company")
        furnish(company, chat, ads)
        directory = directories.connect("csv", DIRECTORY, {"file": str(company.file)}, by)
        kept = replace(kept, directories=[directory.id], ports=self._ports())
        sample_data.keep(kept)
        _finish("reading", DirectoryReading.get(DirectoryReading.directory == directory), ReadingState.SUCCEEDED)
        for slug, name, store, served in (("sample-chat", CHAT, chat, "chat"), ("sample-ads", ADS, ads, "ads")):
            app = apps.connect(slug, name, self._values(store, served), [owner], by)
            kept = replace(kept, apps=[*kept.apps, app.id])
            sample_data.keep(kept)
            apps.set_seat_price(app, SEAT_PRICE, by)
            _finish("check", asking.ask(app, by, "connect"), CheckState.SUCCEEDED)
        let_time_pass(company, chat, ads)
        sample_data.keep(replace(kept, complete=True))

    def remove(self, by: Asker) -> int:
        """All of it, files included: how many people. Raises SampleProblem."""
        with self._one_at_a_time:
            return self._end(lambda: sample.remove(by))

    def _end(self, remove: Callable[[], int]) -> int:
        removed = remove()
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
        return removed

    def stop(self) -> None:
        for served in self._served.values():
            served.stop()
        self._served.clear()
        for store in self._stores:
            store.let_go()
        connectors.allow_own_ports(())

    def _serve(self, ports: dict[str, int]) -> tuple[ChatStore, AdsStore]:
        self._stores = chat, ads = ChatStore(self._folder / "chat"), AdsStore(self._folder / "ads")
        for name, app in (("chat", chat_app.create_app(chat)), ("ads", ads_app.create_app(ads)),
                          ("company", company_page.create_app(Company(self._folder / "company")))):
            try:
                self._served[name] = Served(app, ports.get(name, 0))
            except OSError:  # another program has taken the port since
                self._served[name] = Served(app)
        connectors.allow_own_ports(self._ports().values())
        return chat, ads

    def _ports(self) -> dict[str, int]:
        return {name: served.port for name, served in self._served.items()}

    def _values(self, store: Store, served: str) -> dict[str, str]:
        return {"base_url": self._served[served].url, "token": store.token}


def _finish(kind: str, row: Check | DirectoryReading, succeeded: str) -> None:
    """Do this work here, or wait for the worker that has it. Raises SampleProblem if it fails."""
    for _ in range(PATIENCE):
        queue.drain((kind,))
        row = type(row).get_by_id(row.id)
        if not row.is_live:
            break
        threading.Event().wait(LOOK_EVERY)
    if row.state != succeeded:
        raise SampleProblem(row.error or f"The {kind} of the sample data {row.state}.")
