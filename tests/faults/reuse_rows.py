"""What the properties of reused addresses ask of the database after every step, as statements that are written once."""

from __future__ import annotations

from peewee import ModelSelect

from sync.models import Account, Change, Directory, DirectoryEntry, Person, PersonEmail, Report
from sync.prepared import prepared, prepared_plain


@prepared_plain
def people_by_id(directory: str) -> ModelSelect:
    entries = DirectoryEntry.select(DirectoryEntry.external_id, DirectoryEntry.person)
    return entries.join(Directory).where(Directory.name == directory)


@prepared_plain
def asked_about() -> ModelSelect:
    """The address and the person of each account whose removal is."""
    return Change.select(Account.email_key, Change.person).join(Account).switch(Change).join(Report).where(
        Report.state == "open", Change.kind == "removed user", Change.in_app,
        Change.decision.in_(("needs confirmation", "held")))  # fmt: skip


@prepared
def matched() -> ModelSelect:
    return Account.select(Account, Person).join(Person).where(
        Account.match_kind == "matched", ~Account.match_by_hand, Account.state != "gone")  # fmt: skip


@prepared_plain
def names_in_directories(person: int) -> ModelSelect:
    return DirectoryEntry.select(DirectoryEntry.name).where(DirectoryEntry.person == person)


@prepared
def addresses_of_people() -> ModelSelect:
    return PersonEmail.select().join(Person).where(Person.name != "Olga Brandt")


@prepared
def present_with(address: str) -> ModelSelect:
    return Account.select().where(
        Account.email_key == address, ~Account.match_by_hand, Account.state == "present")  # fmt: skip
