"""While a directory isn't read, nobody knows who has left: no app is up to date then."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.base import TemporarilyUnavailable
from sync.apps import status
from sync.db import utcnow
from sync.directory import state
from sync.models import App, Directory, DirectoryEntry
from sync.safety import unread_directories
from tests.sync.fixtures import Chat
from tests.sync.scripted import Scripted

HOUR = timedelta(hours=1)


def shown(chat: Chat) -> str:
    return status.standing(App.get_by_id(chat.app.id)).status


def test_a_directory_that_fails_for_a_day(chat, scripted: type[Scripted]):
    company = scripted(count=10)
    company.read()

    def fails(given: int) -> None:
        raise TemporarilyUnavailable("It can't be reached.")

    company.interrupt = fails
    company.read()
    Directory.update(last_read_at=utcnow() - 23 * HOUR).execute()
    assert shown(chat) == "Up to date", "an outage of some hours is in the checks' warnings"
    Directory.update(last_read_at=utcnow() - 25 * HOUR).execute()
    assert chat.check().state == "succeeded" and shown(chat) == "Overdue"
    sentence = status.standing(App.get_by_id(chat.app.id)).sentence
    assert sentence[0] == "Company LDAP was last read " and "isn't known" in sentence[2]
    company.interrupt = lambda given: None
    company.read()
    assert shown(chat) == "Up to date"


def test_a_directory_that_is_paused_for_a_day(chat, scripted: type[Scripted]):
    company = scripted(count=10)
    company.read()
    state.pause(company.row(), chat.by)
    assert shown(chat) == "Up to date"
    Directory.update(last_read_at=utcnow() - 25 * HOUR).execute()
    assert shown(chat) == "Overdue"
    state.remove(company.row(), chat.by)
    assert shown(chat) == "Up to date"


@pytest.mark.parametrize(("values", "name"), [
    ({"state": "paused"}, "Okta"), ({"state": "active"}, None),
    ({"state": "active", "next_read_at": utcnow(), "last_read_at": utcnow() - 25 * HOUR}, "Okta"),
    ({"state": "active", "next_read_at": utcnow(), "last_read_at": utcnow() - HOUR}, None),
    ({"state": "active", "next_read_at": utcnow()}, "Okta"),
])  # fmt: skip
def test_one_that_pushes_is_current_until_it_is_paused(chat, values, name):
    directory = Directory.create(kind="scim", name="Okta", **values)
    assert unread_directories.longest(utcnow()) is None, "nobody is here by it"
    DirectoryEntry.create(directory=directory, external_id="1", person=chat.people[1])
    found = unread_directories.longest(utcnow())
    assert (found and found.name) == name
    DirectoryEntry.update(status="deprovisioned").execute()
    assert unread_directories.longest(utcnow()) is None
