"""An app without an API, by the CSV file of its users that it lets one export: read like any app, acted in by hand.
Who leaves becomes a to-do for an Owner, who removes them in the app itself and says so."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from connectors import csv_rows
from connectors.base import BRONZE, Account, Connector, Field, Identity, Refused, Role
from connectors.times import from_iso

COLUMNS = {
    "id": ("id", "user id", "user_id", "userid", "account id", "member id", "user key"),
    "email": ("email", "e-mail", "mail", "email address", "e-mail address", "user email", "member email",
              "login email"),
    "name": ("name", "full name", "fullname", "display name", "displayname", "user name", "member name", "user"),
    "user_name": ("username", "login", "user_name"),
    "employee_number": ("employee number", "employee_number", "employeenumber", "employee id", "employee_id",
                        "personnel number", "staff number"),
    "first_name": ("first name", "firstname", "given name"),
    "last_name": ("last name", "lastname", "surname", "family name"),
    "role": ("role", "roles", "permission", "permissions", "access level", "user role", "member type", "user type"),
    "status": ("status", "state", "account status", "user status", "billing status"),
    "seat": ("seat", "seat type", "license", "licence", "plan", "license type", "licence type"),
    "last_activity": ("last activity", "last active", "last login", "last seen", "last sign-in", "last_activity",
                      "last active date", "last login date", "last seen date"),
}  # fmt: skip
SUSPENDED = {"suspended", "deactivated", "inactive", "disabled", "blocked", "locked", "archived"}
GONE = {"deleted", "removed"}
INVITED = {"invited", "pending", "invitation sent", "invite sent", "invited (pending)", "not joined"}
PRIVILEGED = re.compile(r"\b(owner|admin|administrator)s?\b", re.IGNORECASE)
STANDARD = Role("member", "Member", default=True)


class CsvExport(Connector):
    """Every reading takes the whole file; a file that may be damaged is refused, never half read."""

    slug = "csv_export"
    label = "CSV export"
    level = BRONZE
    docs = (
        "For an app that has no API, or none in your plan: export its list of users or members as a CSV file, "
        "usually on its page of members, billing or administration.",
        "The first row names the columns. An e-mail, user name or id is needed; name, role, status, seat and last "
        "activity are used where they are there.",
        "Upload the file here, and a new one whenever you like: whoever is missing from it counts as gone from the "
        "app. Or let a program put it on the machine that Rollcall runs on: then it is read anew each day.",
        "Rollcall can't act in such an app. Who has left the company becomes a to-do in the app's Activity: remove "
        "them in the app, then say that it is done.",
    )
    fields = (
        Field("app", "Which app", "Its name.", placeholder="Miro", where=False),
        Field("source", "The export", choices=(("upload", "is uploaded here"), ("path", "is a file on this machine")),
              where=False),
        Field("export", "CSV file", "As the app exports it, not opened and saved in between.", secret=True, upload=True,
              when=("source", "upload")),
        Field("path", "Path", "On the machine that Rollcall runs on.", placeholder="/srv/exports/figma.csv",
              when=("source", "path"), where=False),
        Field("owner", "Your own account", "The e-mail or user name that you administer the app with: it is never "
              "offered for removal.", required=False, where=False),
    )  # fmt: skip

    @property
    def as_of(self) -> datetime | None:
        """When the file was handed over, or written."""
        if self.settings.get("source") != "path":
            return from_iso(self.settings.get("export_at"))
        try:
            written = Path(self.settings["path"]).stat().st_mtime
        except (OSError, ValueError):
            return None
        return datetime.fromtimestamp(written, UTC).replace(tzinfo=None)

    def test(self) -> Identity:
        accounts = self._read()
        mine = _normal(self.settings.get("owner", ""))
        me = next((one for one in accounts if mine and mine in map(_normal, (one.email, one.user_name, one.id))), None)
        if mine and me is None:
            raise Refused(f"{self.settings['owner']} isn't in the export. Enter it as it is there, or leave it empty.")
        number = f"{len(accounts):,} user{'' if len(accounts) == 1 else 's'} in the export of {self.settings['app']}"
        return Identity(number, me.id if me else None, may=("read members",))

    def roles(self) -> list[Role]:
        labels = dict.fromkeys(account.role for account in self._read())
        found = [Role(label, label, privileged=bool(PRIVILEGED.search(label))) for label in labels if label != "member"]
        return [STANDARD, *found]

    def accounts(self) -> Iterator[Account]:
        accounts = self._read()
        self.on_total(len(accounts))
        yield from accounts

    def _read(self) -> list[Account]:
        """Everybody in the file as it is now. Raises Refused, with the line, for what could make the list wrong."""
        lines = csv_rows.lines(csv_rows.decode(self._content()))
        line, header = next(lines, (1, []))
        columns = csv_rows.columns(line, header, COLUMNS)
        if not columns.keys() & {"id", "email", "user_name"}:
            raise Refused(
                f"The header in line {line} has no column named email, username or id.{csv_rows.header_words(header)}"
            )
        known: dict[str, int] = {}
        accounts = []
        for line, cells in lines:
            said = csv_rows.cells_of(line, cells, columns)
            if said.get("status", "").casefold() in GONE:
                continue
            account = _account(line, said)
            if account.id in known:
                raise Refused(f"Lines {known[account.id]} and {line} are both about {account.email or account.id}.")
            known[account.id] = line
            accounts.append(account)
        if not accounts:
            raise Refused("The file names nobody: there is no row below the header.")
        return accounts

    def _content(self) -> bytes:
        if self.settings.get("source") == "path":
            return csv_rows.file_content(Path(self.settings["path"]))
        return self.settings["export"].encode()


def _account(line: int, said: dict[str, str]) -> Account:
    id = said.get("id") or _normal(said.get("email", "")) or _normal(said.get("user_name", ""))
    if not id:
        raise Refused(f"The row in line {line} has no e-mail, user name or id.")
    name = said.get("name") or f"{said.get('first_name', '')} {said.get('last_name', '')}".strip()
    state = said.get("status", "").casefold()
    return Account(
        id=id,
        email=said.get("email", ""),
        name=" ".join((name or said.get("user_name", "")).split()),
        status="suspended" if state in SUSPENDED else "invited" if state in INVITED else "active",
        role=" ".join(said.get("role", "").split()) or STANDARD.id,
        last_activity=from_iso(said.get("last_activity", "")),
        seat=said.get("seat", ""),
        user_name=said.get("user_name", ""),
        employee_number=said.get("employee_number", ""),
    )


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()
