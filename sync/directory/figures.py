"""Directories as the pages and commands list and count them: who is in each, what is held, its readings."""

from __future__ import annotations

from peewee import SQL, ModelSelect, fn

from sync.directory import push
from sync.models import Directory, DirectoryEntry, DirectoryReading
from sync.prepared import prepared_plain
from sync.states import DirectoryState


def all_by_name() -> list[Directory]:
    return list(Directory.select().order_by(Directory.name))


def can_be_read() -> list[Directory]:
    """The active directories that don't push, by name."""
    return list(Directory.select().where(Directory.is_active, Directory.kind != push.SLUG).order_by(Directory.name))


def named(name: str) -> Directory | None:
    return Directory.get_or_none(Directory.name == name)


def working() -> list[Directory]:
    """Those that are not paused."""
    return list(Directory.select().where(Directory.state == DirectoryState.ACTIVE).order_by(Directory.name))


def failing() -> list[Directory]:
    """Those whose last reading failed."""
    return list(Directory.select().where(Directory.error.is_null(False)))


def live_reading(directory: Directory) -> DirectoryReading | None:
    """The reading that waits or runs."""
    return DirectoryReading.get_or_none(DirectoryReading.directory == directory, DirectoryReading.is_live)


def readings_of(directory: Directory, most: int) -> list[DirectoryReading]:
    """The newest readings first, at most so many."""
    mine = DirectoryReading.select().where(DirectoryReading.directory == directory)
    return list(mine.order_by(DirectoryReading.id.desc()).limit(most))


def people_by_status(directory: Directory) -> dict[str, int]:
    """How many of its people have each PersonStatus; a status that nobody has is left out."""
    counted = DirectoryEntry.select(DirectoryEntry.status, fn.COUNT(DirectoryEntry.id))
    return dict(counted.where(DirectoryEntry.directory == directory).group_by(DirectoryEntry.status).tuples())


def count_present(directory: Directory) -> int:
    """How many of its people haven't left."""
    return _entries(directory).where(~DirectoryEntry.has_left).count()


def count_held(directory: Directory) -> int:
    """How many of its people have a status that a guard holds back."""
    return _entries(directory).where(DirectoryEntry.is_held).count()


def holding() -> list[tuple[Directory, int]]:
    """The directories with changes that a guard holds, by name, and of how many people."""
    rows = (
        Directory.select(Directory, fn.COUNT(DirectoryEntry.id).alias("held")).join(DirectoryEntry)
        .where(DirectoryEntry.is_held).group_by(Directory).order_by(Directory.name)
    )  # fmt: skip
    return [(row, row.held) for row in rows.objects()]


def held_in_all() -> int:
    """How many people's changes are held in all directories."""
    [(number,)] = _held_in_all()
    return number


@prepared_plain
def _held_in_all() -> ModelSelect:
    return DirectoryEntry.select(fn.COUNT(SQL("*"))).where(DirectoryEntry.is_held)


def _entries(directory: Directory) -> ModelSelect:
    return DirectoryEntry.select().where(DirectoryEntry.directory == directory)
