"""How old the list is that a directory reads: when it was uploaded, or written to this machine."""

from __future__ import annotations

from datetime import datetime

from connectors.base import DirectoryConnector
from sync.db import utcnow
from sync.models import Directory
from sync.safety import old_files

UPLOADED_AT = "handed_over"  # the setting with the time of a later list than the first

NOTHING_MISSING = {"missing_since": None, "missing_until": None}  # the columns, once a new list or reading is applied


def uploaded_at(directory: Directory) -> datetime:
    """When the list in use was uploaded (UTC)."""
    at = directory.settings.get(UPLOADED_AT)
    return datetime.fromisoformat(at) if at else directory.created_at


def file_from(directory: Directory, read_by: DirectoryConnector) -> datetime | None:
    """When the list that was just read was written or uploaded (UTC); None if the directory isn't a list."""
    return read_by.file_from or (uploaded_at(directory) if read_by.file_purpose else None)


def noted(directory: Directory, read_by: DirectoryConnector) -> dict[str, datetime | None]:
    """The columns of the directory for the list that was just read."""
    return old_files.noted(file_from(directory, read_by), directory, utcnow())
