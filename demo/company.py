"""The sample company Acme: its staff, as a CSV file that Rollcall reads as a directory, and the members of its apps.
`Company` is the file, `furnish` fills the apps, and `let_time_pass` makes the changes between two checks."""

from __future__ import annotations

import csv
import io
import os
import secrets
import threading
from dataclasses import astuple, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from demo.ads_app import AdsStore
from demo.chat_app import ChatStore
from demo.store import Refusal

DOMAIN = "acme.example"
OWNER = "olga@acme.example"
TEAMS = {
    "Operations": "Olga Brandt, Sofia Marino, Ruth Adler",
    "IT": "Pavel Horák, Yusuf Demir",
    "Engineering": "Ana Duarte, Li Wei, Björn Åkesson, Priya Nair, Daniel Cohen, Chidi Eze, Elif Şahin",
    "Marketing": "Jana Kowalski, Tom Okafor, Ines Prado, Marco Bianchi, Nadia Haddad, Hanna Virtanen",
    "Sales": "Lucas Meyer, Grace Kim, Omar Farouk, Zoë van Dijk",
    "Support": "Mira Lindqvist, Leo Fontaine, Siobhán O'Neill",
}
LEAVERS = ("jana@acme.example", "tom@acme.example", "pavel@acme.example")
JOINERS = ("mira@acme.example", "yusuf@acme.example")


@dataclass(frozen=True)
class Employee:
    """A row of staff.csv; `status` is active or left."""

    employee_number: str
    email: str
    name: str
    status: str
    groups: str


class Company:
    """Acme's staff, kept in `folder`/staff.csv. For use from any thread."""

    def __init__(self, folder: str | os.PathLike):
        """Opens the file as if it was just exported again, or creates it with all staff active."""
        self.file = Path(folder) / "staff.csv"
        self.form_key = secrets.token_urlsafe(24)
        self._lock = threading.Lock()
        if self.file.exists():
            self.file.touch()
        else:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._write(_everyone())

    def staff(self) -> list[Employee]:
        with self.file.open(newline="", encoding="utf-8") as file:
            return [Employee(**row) for row in csv.DictReader(file)]

    def set_status(self, email: str, status: str) -> None:
        """Someone leaves ("left") or comes back ("active"). Refusal 404 for an unknown address."""
        with self._lock:
            staff = self.staff()
            changed = [replace(one, status=status) if one.email == email else one for one in staff]
            if email not in {one.email for one in staff}:
                raise Refusal(404, "not_found", "Nobody at Acme has this e-mail address.")
            self._write(changed)

    def join(self, name: str, email: str, team: str) -> None:
        """Add someone. Refusal 409 if the address is taken, 400 if it isn't an address."""
        with self._lock:
            staff = self.staff()
            if "@" not in email[1:-1] or any(letter.isspace() for letter in email):
                raise Refusal(400, "invalid_email", "This isn't an e-mail address.")
            if email.casefold() in {one.email.casefold() for one in staff}:
                raise Refusal(409, "already_there", "Someone at Acme already has this e-mail address.")
            number = max(int(one.employee_number[1:]) for one in staff) + 1
            self._write([*staff, Employee(f"E{number}", email, name, "active", team)])

    def _write(self, staff: list[Employee]) -> None:
        """Replace the whole file at once, so that nobody reads half of it."""
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(field.name for field in fields(Employee))
        rows.writerows(astuple(one) for one in staff)
        partial = self.file.with_suffix(".partial")
        with partial.open("w", newline="", encoding="utf-8") as file:
            file.write(text.getvalue())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.file)


def _everyone() -> list[Employee]:
    people = [(name, team) for team, names in TEAMS.items() for name in names.split(", ")]
    return [
        Employee(f"E{number}", _email(name), name, "active", team) for number, (name, team) in enumerate(people, 1001)
    ]


def _email(name: str) -> str:
    first = {"Björn": "bjorn", "Zoë": "zoe", "Siobhán": "siobhan"}.get(name.split()[0], name.split()[0].lower())
    return f"{first}@{DOMAIN}"


def furnish(company: Company, chat: ChatStore, ads: AdsStore) -> None:
    """Fill the apps as they are when Acme first connects them."""
    _furnish_chat(company, chat)
    _furnish_ads(ads)


def _furnish_chat(company: Company, chat: ChatStore) -> None:
    roles = {"pavel@acme.example": "owner", "leo@acme.example": "guest"}
    ids = {}
    for days, one in enumerate(company.staff()):
        if one.email not in JOINERS:
            role = roles.get(one.email, "member")
            ids[one.email] = chat.add(one.email, one.name, role, "story", last_active=_ago(days % 9))
    ids["kim"] = chat.add("kim@freelance.example", "Kim Sørensen", "guest", "story", last_active=_ago(2))
    chat.change(ids["jana@acme.example"], "story", last_active=_ago(24))
    chat.change(ids["tom@acme.example"], "story", last_active=_ago(40))
    chat.change(ids["omar@acme.example"], "story", status="deactivated")
    everyone, marketing, incidents = (
        chat.add_channel(name, "story") for name in ("everyone", "marketing", "incidents")
    )
    for email, id in ids.items():
        chat.join(everyone, id, "manager" if email == OWNER else "member", "story")
    for email in ("jana@acme.example", "tom@acme.example", "ines@acme.example", "kim"):
        chat.join(marketing, ids[email], "manager" if email == "jana@acme.example" else "member", "story")
    for email in ("pavel@acme.example", "ana@acme.example", "li@acme.example", "priya@acme.example"):
        chat.join(incidents, ids[email], "manager" if email == "pavel@acme.example" else "member", "story")


def _furnish_ads(ads: AdsStore) -> None:
    people = (
        ("olga@acme.example", "Olga Brandt", "admin", 1),
        ("tom@acme.example", "Tom Okafor", "admin", 41),
        ("Jana@acme.example", "Jana Kowalski", "employee", 25),
        ("ines@acme.example", "Ines Prado", "employee", 0),
        ("marco@acme.example", "Marco Bianchi", "employee", 3),
        ("sofia@acme.example", "Sofia Marino", "finance", 6),
        ("lena@brightagency.example", "Lena Vogt", "employee", 2),
    )
    ids = {
        name.split()[0]: ads.add("person", email, name, role, "story", _ago(days)) for email, name, role, days in people
    }
    ids["Reports"] = ads.add("system user", None, "Nightly reports", "employee", "story")
    assets = {
        name: ads.add_asset(kind, name, "story")
        for kind, name in (
            ("ad account", "Acme Brand"), ("ad account", "Acme Spring Sale"),
            ("page", "Acme"), ("page", "Acme Careers"), ("pixel", "acme.example shop"),
        )
    }  # fmt: skip
    for asset, name, task in (
        ("Acme Brand", "Olga", "MANAGE"), ("Acme Brand", "Tom", "MANAGE"), ("Acme Brand", "Lena", "ADVERTISE"),
        ("Acme Spring Sale", "Tom", "MANAGE"), ("Acme Spring Sale", "Jana", "ADVERTISE"),
        ("Acme Spring Sale", "Ines", "ADVERTISE"), ("Acme Spring Sale", "Reports", "ANALYZE"),
        ("Acme", "Olga", "MANAGE"), ("Acme", "Marco", "MANAGE"), ("Acme", "Jana", "ADVERTISE"),
        ("Acme Careers", "Marco", "MANAGE"), ("Acme Careers", "Olga", "MANAGE"),
        ("acme.example shop", "Olga", "MANAGE"), ("acme.example shop", "Sofia", "ANALYZE"),
    ):  # fmt: skip
        ads.assign(assets[asset], ids[name], [task], "story")


def let_time_pass(company: Company, chat: ChatStore, ads: AdsStore) -> None:
    """Three people leave, two join, one is invited, one gets another role, and a page is renamed."""
    for email in LEAVERS:
        company.set_status(email, "left")
    names = {one.email: one.name for one in company.staff()}
    for email in JOINERS:
        chat.add(email, names[email], "member", "story", last_active=_ago(0))
    leo = next(member for member in chat.members() if member["email"] == "leo@acme.example")
    chat.change(leo["id"], "story", role="member")
    ads.add("invitation", "nadia@acme.example", "Nadia Haddad", "employee", "story")
    careers = next(asset for asset in ads.page("asset", 0, -1) if asset["name"] == "Acme Careers")
    ads.rename_asset(careers["id"], "Acme Jobs", "story")


def _ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days, hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
