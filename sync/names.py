"""What someone or something is called, in the log, on pages, in mails and on the command line.
Each kind of thing has one function; nothing else puts a name together."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sync.models import Account, Asset, Change, Directory, Person, PersonEmail, Task

SIGNED = re.compile(r"(?:( <)|\A)[^<>\s]+@[^<>\s]+(?(1)>)\Z")


def main_email(person: Person) -> str:
    """The address that mail goes to; "" for someone who has none."""
    return next((row.email for row in person.addresses()), "")


def main_emails(person_ids: Iterable[int]) -> dict[int, str]:
    """Their main addresses by person id; someone who has none isn't in it."""
    mains = PersonEmail.select().where(PersonEmail.person.in_(list(person_ids)), PersonEmail.main)
    return {row.person_id: row.email for row in mains}


def person_name(person: Person) -> str:
    """The name, else the main address, else the number."""
    return person.name or main_email(person) or f"person {person.id}"


def signature(person: Person) -> str:
    """How the log names someone: "Olga Brandt <olga@acme.example>"."""
    email = main_email(person)
    return f"{person.name} <{email}>" if person.name and email else person_name(person)


def is_a_persons(signed: str) -> bool:
    """Whether a name in the log is someone's signature: no program's ends with an address."""
    return SIGNED.search(signed) is not None


_OF_DIRECTORY = " (directory)"


def signature_of_directory(directory: Directory) -> str:
    """How the log names a directory that did something: a person may have the same name, and join later."""
    return f"{directory.name}{_OF_DIRECTORY}"


def directory_in(signature: str) -> str | None:
    """The name of the directory whose signature it is; None for a person's."""
    return signature.removesuffix(_OF_DIRECTORY) if signature.endswith(_OF_DIRECTORY) else None


def short_name(signed: object) -> str:
    """Of a signature, or of an asker: the name without the address."""
    return str(signed).partition(" <")[0]


def account_name(account: Account) -> str:
    """The name, else the e-mail, else the app's own id."""
    return account.name or account.email or account.external_id


def asset_name(asset: Asset) -> str:
    """The name, else the app's own id."""
    return asset.name or asset.external_id


def name_in_change(change: Change) -> str:
    """The name of the person or thing that a change is about."""
    if change.account is not None:
        return account_name(change.account)
    if change.person is not None:
        return change.person.name or (change.detail or {}).get("email", "")
    return change.asset.name if change.asset is not None else ""


def name_in_task(task: Task) -> str:
    """The name of the person that a task is about; for an invitation, the address."""
    return account_name(task.account) if task.account is not None else task.detail.get("email", "")
