"""Files of rows as people really export them, and what their columns mean: for directories, imports and apps.
`propose()` says what a file means and what must be answered first; `rows_of()` gives its rows once nothing is open."""

from connectors.tables.files import as_setting, content_of
from connectors.tables.proposal import Proposal, answered, propose, rows_of

__all__ = ["Proposal", "answered", "as_setting", "content_of", "propose", "rows_of"]
