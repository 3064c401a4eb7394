"""A connected sample app with ten members of Acme in it, for tests of the core."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.http import Http
from sync import apps, checks, people
from sync.models import App, Change, Check, Person, Report
from tests.demo.apps import ChatApp

MEMBERS = 10


class Chat(ChatApp):
    """Acme Chat with the rows that Rollcall keeps of it."""

    app: App
    by: str
    people: list[Person]

    def check(self) -> Check:
        """One check by hand, from start to end."""
        asked = checks.ask(self.app, self.by)
        checks.run(asked.id)
        return Check.get_by_id(asked.id)

    def leave(self, *numbers: int) -> None:
        for number in numbers:
            people.mark_left(self.people[number], self.by)

    def change(self, report: Report, number: int) -> Change:
        return next(row for row in report.changes if row.account and row.account.email == email(number))

    def id_of(self, number: int) -> str:
        return next(member["id"] for member in self.members() if member["email"] == email(number))


def email(number: int) -> str:
    return f"p{number}@acme.example"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A passing fault is tried again without a pause."""
    monkeypatch.setattr(checks, "PAUSES", (0, 0))
    monkeypatch.setattr(Http, "first_pause", 0.001)


@pytest.fixture
def chat(tmp_path: Path, olga: Person, by: str, hurried: None) -> Iterator[Chat]:
    """Person 0 is the owner of the chat, persons 1 to 9 are members; all are known people; read once."""
    with Chat(tmp_path / "chat") as chat:
        chat.by = by
        for number in range(MEMBERS):
            role = "member" if number else "owner"
            chat.store.add(email(number), f"Person {number}", role, via="page")
        chat.people = [people.add(f"Person {number}", email(number), by) for number in range(MEMBERS)]
        chat.app = apps.connect("sample-chat", "Chat", chat.settings, [olga], by)
        chat.check()
        yield chat


@pytest.fixture
def second(tmp_path: Path, chat: Chat) -> Iterator[Chat]:
    """Another such app with the same people."""
    with Chat(tmp_path / "second") as second:
        second.by, second.people = chat.by, chat.people
        for number in range(MEMBERS):
            second.store.add(email(number), f"Person {number}", "member" if number else "owner", via="page")
        owners = apps.owners_of(chat.app)
        second.app = apps.connect("sample-chat", "Second chat", second.settings, owners, chat.by)
        second.check()
        yield second
