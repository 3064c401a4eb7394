"""What a new directory may be called. The log names a directory as the one that did what it reports, so its name must
not look like someone else's."""

from __future__ import annotations

from peewee import fn

from connectors.names import clean_name
from sync.models import Directory, Person
from sync.problems import Problem

LONGEST_NAME = 60  # characters
PROGRAMS = ("command line", "schedule", "rollcall")  # how the log names what isn't a person


class DirectoryProblem(Problem):
    """The directory can't be changed like this. Nothing was changed. The text is for the page."""


def cleaned(name: str, label: str) -> str:
    """What someone entered as the name of a directory, as it is stored; without a name, `label`."""
    return clean_name(name)[:LONGEST_NAME].strip() or label


def new_name(name: str, label: str) -> str:
    """The name of a new directory, cleaned().

    Raises DirectoryProblem if another directory has it, if a person or a program has it, or if it has one of the signs
    that the log writes around an address.
    """
    name = cleaned(name, label)
    if Directory.select().where(Directory.name == name).exists():
        raise DirectoryProblem(f"A directory named {name} already exists. Choose another name.")
    is_persons = Person.select().where(fn.LOWER(Person.name) == name.lower()).exists()
    if is_persons or name.casefold() in PROGRAMS or set(name) & set("<>"):
        raise DirectoryProblem(f"A directory can't be called {name}, because in Activity it would look like a person, "
                               "or like Rollcall itself. Choose another name.")
    return name
