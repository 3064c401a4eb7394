"""A CSV file as a directory: the complete list of the company's people.
Whoever is missing from it has left, so a file that may be damaged is refused, never half read."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

from connectors.base import DirectoryConnector, DirectoryPerson, Field, Identity, Refused
from connectors.csv_rows import file_content
from connectors.people_csv import PersonRow, read_people


class CsvDirectory(DirectoryConnector):
    """Reads the file anew each time; `text` in the settings stands for a file that was handed over."""

    slug = "csv"
    label = "CSV file"
    docs = (
        "Let your HR program or directory export everybody into one CSV file: regularly, on the machine that Rollcall "
        "runs on; or hand the file over here, and a new one whenever something changed.",
        "The first row names the columns: email is needed; name, status, groups, employee_number "
        "and further_emails are used where they are there.",
        "The file is a complete list: whoever is missing from it counts as having left. What a new file would change "
        "is shown before it is applied.",
    )
    fields = (
        Field("source", "The list", choices=(("path", "is a file on this machine"), ("upload", "is handed over here")),
              where=False),
        Field("file", "File", "The path of the file on the machine that Rollcall runs on.",
              placeholder="/srv/hr/staff.csv", when=("source", "path"), where=False),
        Field("text", "CSV file", "Everybody of the company.", secret=True, upload=True, when=("source", "upload")),
    )  # fmt: skip

    def test(self) -> Identity:
        rows = self.rows()
        return Identity(name=f"{len(rows)} people in {self._name()}", may=("read people",))

    def people(self) -> Iterator[DirectoryPerson]:
        for row in self.rows():
            yield DirectoryPerson(
                id=row.employee_number or unicodedata.normalize("NFKC", row.email).casefold(),
                email=row.email,
                name=row.name,
                status=row.status or "active",
                user_name=row.email,
                further_emails=row.further_emails,
                employee_number=row.employee_number,
                groups=row.groups,
            )

    def rows(self) -> list[PersonRow]:
        """The whole file as it is now."""
        try:
            return read_people(self._content())
        except Refused as problem:
            raise Refused(f"{self._name()} can't be taken over. {problem}") from problem

    def _content(self) -> bytes:
        if self._handed_over:
            return self.settings["text"].encode()
        return file_content(Path(self.settings["file"]))

    @property
    def _handed_over(self) -> bool:
        return not self.settings.get("file")

    def _name(self) -> str:
        return "The list" if self._handed_over else Path(self.settings["file"]).name
