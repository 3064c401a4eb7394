"""An app without an API: Rollcall reads the CSV file of users that the app exports, and people make the changes by
hand. For someone who leaves, an Owner gets a task, removes them in the app itself and marks it as done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from connectors.base import Account, Connector, Field, Identity, Refused, Role
from connectors.counts import plural
from connectors.names import text_key
from connectors.quality import Exempt, Missing, Rule, not_kept
from connectors.tables import Proposal, content_of, propose, rows_of
from connectors.tables.accounts import AccountRow
from connectors.tables.meanings import Meaning
from connectors.tools.csv_rows import file_content, written_at
from connectors.tools.times import from_iso
from connectors.versions import NO_API

STANDARD = Role("member", "Member", default=True)
# The fields that an export without such a column doesn't contain.
MEANINGS_OF = {
    "email": {Meaning.EMAIL},
    "status": {Meaning.STATUS, Meaning.STATUS_AND_ROLE},
    "role": {Meaning.ROLE, Meaning.STATUS_AND_ROLE},
}


class CsvExport(Connector):
    """Each reading reads the whole file. A file that may be damaged is refused, and none of it is used."""

    slug = "csv_export"
    label = "CSV export"
    logo = "own-csv.svg"
    file_purpose = "app"
    named_by = "app"
    quality = MappingProxyType({
        Rule.DOCUMENTED: Exempt("It reads a file and makes no calls."),
        Rule.READING_TESTED: Exempt("It reads a file, and has tests of its own for files."),
        Rule.SECOND_LOOK: Missing("A file can't be asked again about one account."),
        **not_kept(Missing("It changes nothing: people do that in the app."), (Rule.CHANGES_TESTED, Rule.OPERATIONS)),
        **not_kept(Exempt("It makes no calls."), (Rule.WAITS, Rule.CREDENTIAL_END, Rule.SECRETS)),
        Rule.ASSETS: Missing("It reads accounts only."),
        Rule.REAL_SERVER: Missing("There is no server."),
    })  # fmt: skip
    docs = (
        "For an app that has no API, or none in your plan: export its list of users or members as a CSV file, "
        "usually on its page of members, billing or administration.",
        "Upload the file as exported, CSV or .xlsx. Each row needs an e-mail, user name or id. Rollcall also uses "
        "name, role, status, seat type and last activity, if the file has them, and asks about anything that isn't "
        "clear.",
        "Upload the file here, and a new one each week. Anyone who is missing from it counts as gone from the app, and "
        "after eight days the app is overdue. Or have a program put the file on the machine that Rollcall runs on: "
        "Rollcall then reads it every day.",
        "Rollcall can't act in such an app. For someone who has left the company, Finish Sync makes a task in the "
        "app's Activity: remove them in the app, then mark the task as done.",
    )
    api_version = NO_API
    fields = (
        Field("app", "Which app", "Its name.", placeholder="Miro", asks_secrets_again=False),
        Field("source", "The export", choices=(("upload", "is uploaded here"), ("path", "is a file on this machine")),
              asks_secrets_again=False),
        Field("export", "CSV file", "As the app exported it: don't open and save it first.", secret=True, upload=True,
              when=("source", "upload")),
        Field("path", "Path", "On the machine that Rollcall runs on.", placeholder="/srv/exports/figma.csv",
              when=("source", "path"), asks_secrets_again=False, path=True),
        Field("owner", "Your own account", "The e-mail or user name with which you administer the app. Rollcall never "
              "offers to remove it.", required=False, asks_secrets_again=False),
        Field("mapping", "Columns", "What the columns mean, as JSON.", required=False, mapping=True,
              asks_secrets_again=False),
    )  # fmt: skip

    @property
    def as_of(self) -> datetime | None:
        """When the file was uploaded, or written. The same file once more says nothing new."""
        if self._is_on_this_machine():
            return written_at(self.settings["path"])
        return from_iso(self.settings.get("export_at"))

    @property
    def file_from(self) -> datetime | None:
        if self._is_on_this_machine():
            return written_at(self.settings["path"])
        return from_iso(self.settings.get("export_uploaded_at") or self.settings.get("export_at"))

    def _is_on_this_machine(self) -> bool:
        return self.settings.get("source") == "path"

    def test(self) -> Identity:
        accounts = self._read()
        mine = text_key(self.settings.get("owner", ""))
        me = next((one for one in accounts if mine and mine in map(text_key, (one.email, one.user_name, one.id))), None)
        if mine and me is None:
            raise Refused(f"{self.settings['owner']} isn't in the export. Enter it as it is there, or leave it empty.")
        number = f"{plural(len(accounts), 'user')} in the export of {self.settings['app']}"
        return Identity(number, me.id if me else None, may=("read members",))

    def roles(self) -> list[Role]:
        privileged: dict[str, bool] = {}
        for row in self._rows():
            for name, administers in row.roles:
                privileged[name] = administers or privileged.get(name, False)
        return [STANDARD, *(Role(name, name, privileged=administers) for name, administers in privileged.items()
                            if name != STANDARD.id)]  # fmt: skip

    def accounts(self) -> Iterator[Account]:
        accounts = self._read()
        self.on_total(len(accounts))
        yield from accounts

    def _read(self) -> list[Account]:
        found = self._found()
        read = {column.meaning for column in found.columns}
        missing_fields = frozenset(field for field, meanings in MEANINGS_OF.items() if not read & meanings)
        return [_account(row, missing_fields) for row in rows_of(found)]

    def _rows(self) -> tuple[AccountRow, ...]:
        """Everyone in the file as it is now. Raises Refused, with the line, for a row that could be wrong."""
        return rows_of(self._found())

    def _found(self) -> Proposal:
        return propose(self.content(), self.file_purpose, self.settings.get("mapping", ""))

    def content(self) -> bytes:
        if self._is_on_this_machine():
            return file_content(Path(self.settings["path"]))
        return content_of(self.settings["export"])


def _account(row: AccountRow, missing_fields: frozenset[str]) -> Account:
    names = [name for name, _administers in sorted(row.roles, key=lambda role: not role[1])]
    return Account(
        id=row.id,
        email=row.email,
        name=row.name,
        status=row.status,
        role=names[0] if names else STANDARD.id,
        kind="system" if row.system else "user",
        last_activity=row.last_activity,
        seat=row.seat,
        user_name=row.user_name,
        employee_number=row.employee_number,
        further_roles=tuple(names[1:]),
        missing_fields=missing_fields,
    )
