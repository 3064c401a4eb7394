"""A connected sample app with ten members of Acme in it, for tests of the core."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from peewee import ModelSelect, fn

from sync.apps import apps
from sync.checks import checks
from sync.config import Config
from sync.db import connected, utcnow
from sync.jobs import asking
from sync.models import App, Change, Check, Person, PersonEmail, Report
from sync.people import people
from sync.prepared import prepared
from sync.rank import Asker
from tests.blank import OLGA, Copy, config_of, open_blank, set_up_acme
from tests.demo.apps import ChatApp

MEMBERS = 10
NAMES = ("Chat", "Second chat")


class Chat(ChatApp):
    """Acme Chat with the rows that Rollcall keeps of it."""

    app: App
    by: str
    people: list[Person]

    def check(self) -> Check:
        """One check by hand, from start to end."""
        asked = asking.ask(self.app, self.by)
        checks.run(asked.id)
        return Check.get_by_id(asked.id)

    def leave(self, *numbers: int) -> None:
        for number in numbers:
            people.mark_left(self.people[number], self.by)

    def change(self, report: Report, number: int) -> Change:
        changes = report.changes.order_by(Change.id)
        return next(row for row in changes if row.account and row.account.email == email(number))

    def id_of(self, number: int) -> str:
        return next(member["id"] for member in self.members() if member["email"] == email(number))


def email(number: int) -> str:
    return f"p{number}@acme.example"


Step = Callable[[Chat], object]


class Samples:
    """Sample apps that are served as long as this process tests, and copies of an installation that has read them:
    of the first one alone, of the first two. Each test begins with what they were at first, or after a step that
    others begin with too."""

    def __init__(self, folder: Path):
        self.folder, self.until = folder, datetime.min
        self.apps: list[Chat] = []
        self.kept: list[bytes] = []  # what is in each of them at first
        self.copies: list[Copy] = []
        self.later: dict[tuple[int, Step], tuple[list[bytes], Copy]] = {}
        self.begun: Step | None = None

    def open(self, config: Config, count: int, step: Step | None = None) -> None:
        """An installation on a new folder that has read the first `count` of the apps, and in which this step was done
        afterwards."""
        if self.until <= utcnow():
            self.copies.clear()
            self.later.clear()
        while len(self.copies) < count:
            self._connect_another()
        self.begun = step
        self._open(config, *(self._later(count, step) if step else (self.kept[:count], self.copies[count - 1])))

    def _open(self, config: Config, kept: list[bytes], copy: Copy) -> None:
        for app, data in zip(self.apps, kept):
            app.begin_again(data)
        copy.open(config)

    def _later(self, count: int, step: Step) -> tuple[list[bytes], Copy]:
        """What the step leaves in the apps and in the installation, where it is done once."""
        if (count, step) not in self.later:
            before = self.copies[count - 1]
            with tempfile.TemporaryDirectory() as home:
                config = config_of(home)
                self._open(config, self.kept[:count], before)
                with connected():
                    step(self.known(0))
                    self.later[count, step] = [app.keep() for app in self.apps[:count]], before.later(config)
        return self.later[count, step]

    def _connect_another(self) -> None:
        number = len(self.copies)
        if number == len(self.apps):
            self.apps.append(_furnished(self.folder / str(number)))
            self.kept.append(self.apps[number].keep())
        self.apps[number].begin_again(self.kept[number])
        with tempfile.TemporaryDirectory() as home:
            config = config_of(home)
            self.copies[-1].open(config) if self.copies else open_blank(config)
            with connected():
                self._connect(self.apps[number], NAMES[number])
            self.copies.append(Copy.of(config))

    def _connect(self, chat: Chat, name: str) -> None:
        olga = people.find_by_email(OLGA) or set_up_acme()
        chat.by = Asker.person(olga)
        if not self.copies:
            for member in range(MEMBERS):
                people.add(f"Person {member}", email(member), chat.by)
        chat.app = apps.connect("sample-chat", name, chat.settings, [olga], chat.by)
        chat.check()
        due = App.select(fn.MIN(App.next_check_at)).scalar()
        self.until = min(due, utcnow().replace(hour=0, minute=0, second=0) + timedelta(days=1))  # of today, and not due

    def known(self, number: int) -> Chat:
        """One of the apps, with the rows of the installation that is open."""
        chat = self.apps[number]
        [chat.app] = _app(NAMES[number])
        chat.people = _members()
        assert len(chat.people) == MEMBERS
        chat.by = Asker.person(people.find_by_email(OLGA))
        return chat

    def stop(self) -> None:
        for app in self.apps:
            app.stop()


@prepared
def _app(name: str) -> ModelSelect:
    return App.select().where(App.name == name)


@prepared
def _members() -> ModelSelect:
    """The people with the members' addresses, by their numbers."""
    addresses = [email(member) for member in range(MEMBERS)]
    return Person.select().join(PersonEmail).where(PersonEmail.email_key << addresses).order_by(PersonEmail.email_key)


def _furnished(folder: Path) -> Chat:
    chat = Chat(folder)
    for number in range(MEMBERS):
        chat.store.add(email(number), f"Person {number}", "member" if number else "owner", via="page")
    return chat


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samples]:
    samples = Samples(tmp_path_factory.mktemp("samples"))
    yield samples
    samples.stop()


@pytest.fixture
def chat(samples: Samples, home: Path) -> Iterator[Chat]:
    """Person 0 is the owner of the chat, persons 1 to 9 are members. All are known people. It is read once."""
    chat = samples.known(0)
    yield chat
    chat.end()


def after(step: Step) -> Callable[[Callable], Callable]:
    """A fixture of what there is after this step with the chat, such as a check. A test that asks for it begins with a
    copy in which the step was done. Beside another such fixture, the step is done for each test."""

    def decorated(found: Callable) -> Callable:
        @functools.wraps(found)
        def fixture(samples: Samples, chat: Chat) -> object:
            if samples.begun is not step:
                step(chat)
            return found(chat)

        del fixture.__wrapped__  # pytest would look for the arguments there
        fixture.step = step
        return pytest.fixture(fixture)

    return decorated


@functools.cache
def departure(*numbers: int) -> Step:
    """These persons leave, and a check reports it."""

    def step(chat: Chat) -> None:
        chat.leave(*numbers)
        chat.check()

    return step


@pytest.fixture
def second(samples: Samples, chat: Chat) -> Iterator[Chat]:
    """Another such app with the same people."""
    second = samples.known(1)
    yield second
    second.end()
