"""An account with several roles, wherever a role is shown: in both themes, at both widths, opened by keyboard."""

from __future__ import annotations

import pytest

from sync.groups import rules as group_rules
from sync.models import Account, App, DirectoryGroup, Person
from sync.people import people
from sync.reports import reports
from tests.journeys.looks import Look, look_at, nothing_wrong
from tests.sync.listed import Listed
from tests.sync.scripted import Scripted

CREW = {
    "Ada Lovelace": ("editor", ("billing",)), "Ben Okafor": ("admin", ("billing", "editor")),
    "Cem Yıldız": ("member", ()), "Dora Maar": ("editor", ()), "Eve Adam": ("billing", ("Compliance (read only)",)),
}  # fmt: skip


@pytest.fixture
def app(acting: Listed, scripted: type[Scripted], by: str) -> App:
    """A rule makes members of two of them, one has left, and one has a role that the app does not name."""
    company = scripted(count=0)
    for name, (role, further) in CREW.items():
        address = f"{name.split()[0].lower()}@acme.example"
        acting.add(name, email=address, name=name, role=role, further_roles=further)
        company.add(name, address, name, groups=("Staff",) if name[0] in "AD" else ())
    assert company.read().state == "succeeded"
    acting.check()
    group_rules.save(acting.app, group_rules.Draft(group=DirectoryGroup.get(), role="member"), by)
    people.mark_left(Person.get(Person.name == "Ben Okafor"), by)
    acting.check()
    return App.get_by_id(acting.app.id)


def _open_names(page) -> None:
    page.focus(".role-names > summary >> nth=0")
    page.keyboard.press("Enter")
    page.wait_for_selector(".role-names[open]")


def test_several_roles(visit, live, app: App, olga: Person) -> None:
    ids = {account.name: account.id for account in Account.select()}
    some = "&".join(f"account={ids[name]}" for name in CREW if ids[name] and name[0] in "ABCD")
    ben = Person.get(Person.name == "Ben Okafor")
    here, way = f"/apps/{app.id}", "keeps" if Listed.now().keeps else "removes"
    looks = [
        Look(f"roles-members-{way}", f"{here}/members"),
        Look(f"roles-members-open-{way}", f"{here}/members", _open_names),
        Look(f"roles-account-{way}", f"{here}/members/{ids['Ada Lovelace']}"),
        Look(f"roles-choice-{way}", f"{here}/role-changes/new?account={ids['Ada Lovelace']}"),
        Look(f"roles-preview-{way}", f"{here}/role-changes/new?{some}&role=admin"),
        Look(f"roles-wizard-{way}", f"/reports/{reports.open_report(app).id}"),
        Look(f"roles-person-{way}", f"/people/{ben.id}"),
        Look(f"roles-offboarding-{way}", f"/people/{ben.id}/offboardings/new"),
        Look(f"roles-rule-{way}", f"{here}/rules/preview?source=group:{DirectoryGroup.get().id}&role=member"),
    ]  # fmt: skip
    page = visit(olga, at=None)
    nothing_wrong(look_at(page, live.url, *looks))
