"""`make demo`: the sample company, its two apps, and a Rollcall that is connected to them.
Everything uses the same functions as the pages. This is the only file of demo/ that knows Rollcall."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo import ads_app, chat_app, company_page
from demo.ads_app import AdsStore
from demo.chat_app import ChatStore
from demo.company import OWNER, Company, furnish, let_time_pass
from demo.serve import Served
from demo.store import Store
from sync import ON_SERVER, start
from sync.apps import apps
from sync.config import Config
from sync.db import connected
from sync.directory import directories
from sync.jobs import asking, queue
from sync.matching import decisions as match_decisions
from sync.models import Account, App, Check, Person
from sync.people import people
from sync.rank import Asker
from sync.sign_in import sign_in
from sync.workspace import update_workspace

BY = Asker.command_line("the demo")
MARK = "demo.json"  # marks a demo's folder, and stores its ports and Olga's password
OWN_APPS = "127.0.0.0/8,::1/128"  # the networks that the sample apps are in
SEAT_PRICE = 875  # hundredths of a unit a month


class DemoProblem(Exception):
    """The demo can't start; the text says why and what to do."""


@dataclass(frozen=True)
class Demo:
    """A demo that is ready: everything is being served except Rollcall's own pages."""

    config: Config
    link: str  # signs Olga in once, within an hour
    password: str  # Olga's; empty in a demo that was set up before it was stored
    chat_url: str
    ads_url: str
    company_url: str


def demo(
    home: str | os.PathLike,
    listen: str,
    open_browser: bool,
    serve: Callable[[Config, Callable[[], None]], None],
    reset: bool = False,
) -> None:
    """Run the demo until `serve` returns. It serves Rollcall, and calls what it is given as soon as the pages answer:
    a link that is printed or opened before leads nowhere. Raises DemoProblem.

    home: the folder of all its data. An existing demo continues there, or starts over with `reset`.
    listen: HOST:PORT for Rollcall's pages.
    """
    with running(home, listen, reset) as ready:
        def welcome() -> None:
            print(_welcome(ready), flush=True)
            if open_browser:
                webbrowser.open(ready.link)

        serve(ready.config, welcome)


def _welcome(ready: Demo) -> str:
    password = f"\n  Olga's password, if it is asked for  {ready.password}" if ready.password else ""
    return f"""
Rollcall's demo is ready. Nothing in it leaves this machine.

  Rollcall, signed in as Olga Brandt   {ready.link}{password}
  Acme Chat, a seat-based app          {ready.chat_url}
  Acme Ads, a paid-social app          {ready.ads_url}
  Acme people, who works there         {ready.company_url}

Three people have left Acme and still have accounts. Open Acme Chat in Rollcall and click “Check for updates”.
The link works once: restart the demo for another one. Ctrl+C ends it and keeps your changes.
"""


@contextmanager
def running(home: str | os.PathLike, listen: str, reset: bool = False) -> Iterator[Demo]:
    """The demo for the length of the block: apps served, workspace set up, and the first check done."""
    folder = Path(home).resolve()
    networks = ",".join(filter(None, (OWN_APPS, os.environ.get("ROLLCALL_PRIVATE_NETWORKS"))))
    settings = Config.from_environ(
        {"ROLLCALL_HOME": str(folder), "ROLLCALL_LISTEN": listen, "ROLLCALL_PRIVATE_NETWORKS": networks} | _on_server()
    )
    if reset and settings.database_url:
        raise DemoProblem(f"The demo is in {settings.database_name}, which Rollcall never empties. Nothing changed. "
                          "Drop the database, create it again, and start the demo in another ROLLCALL_HOME.")
    _refuse_taken_address(settings)
    ports, shown = _prepared(folder, reset)
    company = Company(folder / "company")
    chat, ads = ChatStore(folder / "chat"), AdsStore(folder / "ads")
    with ExitStack() as stack:
        stack.callback(chat.let_go)
        stack.callback(ads.let_go)
        served = {}
        for name, app in (
            ("chat", chat_app.create_app(chat)),
            ("ads", ads_app.create_app(ads)),
            ("company", company_page.create_app(company)),
        ):
            served[name] = _serve(app, ports.get(name, 0))
            stack.callback(served[name].stop)
        start.open_all(settings)
        mark = folder / MARK
        password = _known(mark).get("password", "") if shown else secrets.token_urlsafe(12)
        if not shown:
            _refuse_other_workspace(settings)
            _set_up(company, chat, ads, served, password)
        ports = {name: server.port for name, server in served.items()}
        mark.chmod(0o600)
        mark.write_text(json.dumps({"ports": ports, "told": True, "password": password}))
        with connected():
            _follow_moved(chat, "sample-chat", served["chat"])
            _follow_moved(ads, "sample-ads", served["ads"])
            token = sign_in.signed_link(people.find_by_email(OWNER))
        link = f"{settings.url}/sign-in/{token}"
        yield Demo(settings, link, password, served["chat"].url, served["ads"].url, served["company"].url)


def _on_server() -> dict[str, str]:
    """The database on a server, which isn't in the demo's folder. A SQLite file always is."""
    return {"ROLLCALL_DATABASE": os.environ["ROLLCALL_DATABASE"]} if ON_SERVER else {}


def _refuse_other_workspace(settings: Config) -> None:
    with connected():
        if Person.select().exists():
            raise DemoProblem(f"{settings.database_name} already has a workspace, which isn't this demo's. Nothing was "
                              "changed. Name an empty database.")


def _refuse_taken_address(settings: Config) -> None:
    """Checked before anything is touched, because another demo on the same data would answer here too."""
    family = socket.AF_INET6 if ":" in settings.listen_host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.listen_host, settings.listen_port))
        except OSError as problem:
            raise DemoProblem(
                f"{settings.listen_host}:{settings.listen_port} can't be served: {problem.strerror}. "
                "If the demo is already running, use that one. Otherwise set ROLLCALL_LISTEN to another HOST:PORT."
            ) from problem


def _prepared(folder: Path, reset: bool) -> tuple[dict[str, int], bool]:
    """The ports of the last time, and whether the story has happened. Refuses a folder that isn't a demo's."""
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / MARK
    if not mark.exists() and any(folder.iterdir()):
        raise DemoProblem(f"{folder} has files that don't belong to a demo. Nothing was changed. Name another folder.")
    known = _known(mark)
    if reset or not known.get("told"):
        for path in folder.iterdir():
            if path != mark:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        mark.write_text("{}")
        known["told"] = False
    return known.get("ports", {}), known["told"]


def _known(mark: Path) -> dict:
    try:
        known = json.loads(mark.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _serve(app: Callable, port: int) -> Served:
    """On the port of the last time, if it is still free."""
    try:
        return Served(app, port)
    except OSError:
        return Served(app)


def _set_up(company: Company, chat: ChatStore, ads: AdsStore, served: dict[str, Served], password: str) -> None:
    """Set up a workspace with its directory and apps, check them once, then make the changes for the next check."""
    furnish(company, chat, ads)
    with connected():
        olga = sign_in.set_up("Acme", OWNER, "Olga Brandt", password, BY)
        by = Asker.person(olga)
        directories.connect("csv", "Acme staff", {"file": str(company.file)}, by)
        queue.drain(("reading",))
        update_workspace(by, currency="€")
        chat_connected = apps.connect("sample-chat", "Acme Chat", _values(chat, served["chat"]), [olga], by)
        apps.set_seat_price(chat_connected, SEAT_PRICE, by)
        ads_connected = apps.connect("sample-ads", "Acme Ads", _values(ads, served["ads"]), [olga], by)
        for app in (chat_connected, ads_connected):
            _check(app, by)
        agency = Account.get(Account.app == ads_connected, Account.email == "lena@brightagency.example")
        match_decisions.mark_local_partner(agency, by, "Bright Agency: runs the spring campaign")
    let_time_pass(company, chat, ads)


def _values(store: Store, served: Served) -> dict[str, str]:
    return {"base_url": served.url, "token": store.token}


def _check(app: App, by: str) -> None:
    check = asking.ask(app, by, "connect")
    queue.drain(("check",))
    check = Check.get_by_id(check.id)
    if check.state != "succeeded":
        raise DemoProblem(f"The first check of {app.name} {check.state}: {check.error}")


def _follow_moved(store: Store, slug: str, served: Served) -> None:
    """Update a sample app's address in Rollcall, if its port of the last time was taken."""
    for app in list(App.select().where(App.connector == slug, App.state != "disconnected")):
        if app.settings.get("base_url") != served.url:
            apps.replace_credential(app, _values(store, served), BY)
