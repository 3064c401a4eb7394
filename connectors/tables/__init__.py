"""Reads files of rows as people really export them, for directories, imports and apps.
`propose()` says what a file's columns mean and what someone must answer; `rows_of()` returns its rows afterwards."""

from connectors.tables.files import as_setting, content_of
from connectors.tables.proposal import Proposal, answered, propose, rows_of

__all__ = ["Proposal", "answered", "as_setting", "content_of", "propose", "rows_of"]
