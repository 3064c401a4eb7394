"""A CSV file as a directory: the complete list of the company's people.
Someone who is missing from it has left, so a file that may be damaged is refused and never read in part."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from connectors.base import ColumnsUnclear, DirectoryConnector, DirectoryPerson, Field, Identity, Refused
from connectors.counts import plural
from connectors.names import email_key
from connectors.tables import content_of, propose, rows_of
from connectors.tables.people import PersonRow
from connectors.tools.csv_rows import file_content, written_at
from connectors.versions import NO_API


class CsvDirectory(DirectoryConnector):
    """Reads the file each time. The setting `text` holds an uploaded file."""

    slug = "csv"
    label = "CSV file"
    logo = "own-csv.svg"
    api_version = NO_API
    file_purpose = "directory"
    docs = (
        "Have your HR program or directory export everyone into one file, CSV or .xlsx. Either it exports the file "
        "regularly to the machine that Rollcall runs on, or you upload the file here, and a new one each week, even if "
        "nothing has changed. Once the list is older than eight days, no app is up to date, because nobody knows who "
        "has left since then.",
        "Use the file as it was exported. Everyone needs an e-mail address. Rollcall also uses name, status, first and "
        "last day, groups, department, manager and employee number, if the file has them, and asks about anything that "
        "isn't clear.",
        "The file must be complete: anyone who is missing from it counts as having left. Rollcall shows what a new "
        "file would change before it applies it.",
    )
    fields = (
        Field("source", "The list", choices=(("path", "is a file on this machine"), ("upload", "is uploaded here")),
              asks_secrets_again=False),
        Field("file", "File", "The path of the file on the machine that Rollcall runs on.",
              placeholder="/srv/hr/staff.csv", when=("source", "path"), asks_secrets_again=False, path=True),
        Field("text", "CSV file", "Everyone in the company.", secret=True, upload=True, when=("source", "upload")),
        Field("mapping", "Columns", "What the columns mean, as JSON.", required=False, mapping=True,
              asks_secrets_again=False),
    )  # fmt: skip

    def test(self) -> Identity:
        return Identity(name=f"{plural(len(self._rows()), 'person', 'people')} in {self._name()}", may=("read people",))

    def people(self) -> Iterator[DirectoryPerson]:
        for row in self._rows(days_are_known=True):
            yield DirectoryPerson(
                id=row.id or row.employee_number or email_key(row.email),
                email=row.email,
                name=row.name,
                status=row.status or "active",
                user_name=row.user_name or row.email,
                further_emails=row.further_emails,
                employee_number=row.employee_number,
                groups=row.groups,
                last_day=row.last_day,
                start_date=row.start_date,
                department=row.department,
                manager=row.manager,
            )

    def _rows(self, days_are_known: bool = False) -> tuple[PersonRow, ...]:
        """All rows of the current file. Raises ColumnsUnclear or Refused, with the file's name."""
        try:
            found = propose(self.content(), self.file_purpose, self.settings.get("mapping", ""), self.today)
            rows = rows_of(found, days_are_known)
        except ColumnsUnclear as unclear:
            raise ColumnsUnclear(f"{self._name()}: {unclear}", unclear.proposal) from unclear
        except Refused as problem:
            raise Refused(f"{self._name()} can't be read. {problem}") from problem
        self.settled, self.notes = found.settled(), found.passed_over
        return rows

    def content(self) -> bytes:
        if self._handed_over:
            return content_of(self.settings["text"])
        return file_content(Path(self.settings["file"]))

    @property
    def file_from(self) -> datetime | None:
        return None if self._handed_over else written_at(self.settings["file"])

    @property
    def _handed_over(self) -> bool:
        return not self.settings.get("file")

    def _name(self) -> str:
        return "The list" if self._handed_over else Path(self.settings["file"]).name
