"""Files in the shape of what well-known programs export, each read through: who is in them, and what is asked first."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from connectors.base import ColumnsUnclear
from connectors.tables import rows_of
from connectors.tables.known_apps import PRESETS as APPS
from connectors.tables.known_people import PRESETS as PEOPLE
from tests.connectors.tables.asking import answer, asked, look

FILES = Path(__file__).resolve().parents[2] / "files"


def status(column: str, value: str) -> str:
    return f'value:["{column}", "{value}"]'


# file → (recognised as, what is asked and answered, (e-mail, status, last day, first day) of each person)
LISTS = {
    "entra-download-users.csv": (
        "Microsoft Entra, Download users", {},
        [("ana.lopez@acme.example", "active", None, None), ("bo.nilsson@acme.example", "deprovisioned", None, None),
         ("cy@acme.example", "active", None, None)],
    ),
    "microsoft-365-users.csv": (
        "Microsoft 365 admin center, Export users", {},
        [("ana.lopez@acme.example", "", None, None),  # not blocked, not deleted: here, as everyone in a list
         ("bo.nilsson@acme.example", "deprovisioned", None, None),
         ("dora.ek@acme.example", "deprovisioned", None, None)],
    ),
    "google-workspace-users.csv": (
        "Google Workspace, Download users", {},
        [("ana.lopez@acme.example", "active", None, None), ("bo.nilsson@acme.example", "suspended", None, None)],
    ),
    "bamboohr-report.csv": (
        "BambooHR", {},
        [("ana.lopez@acme.example", "active", None, date(2024, 2, 1)),
         ("bo.nilsson@acme.example", "deprovisioned", date(2026, 10, 31), date(2021, 3, 15)),
         ("dora.ek@acme.example", "active", date(2026, 12, 31), date(2022, 5, 20))],
    ),
    "personio-export.csv": (
        "Personio", {status("Status", "Leave"): "active"},
        [("juergen.gross@acme.example", "active", None, date(2024, 2, 1)),
         ("bo.nilsson@acme.example", "deprovisioned", date(2026, 10, 31), date(2021, 3, 15)),
         ("mia.loew@acme.example", "active", None, date(2022, 5, 20)),
         ("neu.anfang@acme.example", "active", None, date(2027, 1, 1))],
    ),
    "workday-workers.xlsx": (
        "Workday", {status("Worker Status", "On Leave"): "suspended"},
        [("ana.lopez@acme.example", "active", None, date(2024, 2, 1)),
         ("bo.nilsson@acme.example", "deprovisioned", date(2026, 10, 31), date(2021, 3, 15)),
         ("dora.ek@acme.example", "suspended", None, date(2022, 5, 20)),
         ("kim.roe@acme.example", "active", date(2026, 12, 31), date(2026, 1, 12))],
    ),
    "gusto-employee-summary.csv": (
        "Gusto, Employee summary", {status("Employment status", "On leave"): "active"},
        [("ana.lopez@acme.example", "active", None, date(2024, 2, 1)),
         ("bo.nilsson@acme.example", "deprovisioned", date(2026, 10, 31), date(2021, 3, 15)),
         ("dora.ek@acme.example", "active", None, date(2022, 5, 20))],
    ),
    "hibob-people.csv": (
        "HiBob", {status("Lifecycle status", "Garden leave"): "active"},
        [("ana.lopez@acme.example", "active", None, date(2024, 2, 1)),
         ("bo.nilsson@acme.example", "deprovisioned", date(2026, 10, 31), date(2021, 3, 15)),
         ("dora.ek@acme.example", "active", date(2026, 12, 31), date(2022, 5, 20)),
         ("neo.start@acme.example", "active", None, date(2027, 1, 13))],
    ),
}  # fmt: skip

# file → (recognised as, (id, e-mail, status, roles and whether privileged, seat type, last activity) of each account)
EXPORTS = {
    "slack-members.csv": ("Slack, member list", [
        ("U01ANA", "ana.lopez@acme.example", "active", {"Primary Owner": True}, "", None),
        ("U01CY", "cy.okafor@acme.example", "active", {"Admin": True}, "", None),
        ("U01BO", "bo.nilsson@acme.example", "active", {"Member": False}, "", None),
        ("U01KIM", "kim@partner.example", "active", {"Multi-Channel Guest": False}, "", None),
        ("U01DORA", "dora.ek@acme.example", "suspended", {}, "", None),
        ("U01BOT", "", "system", {}, "", None),
    ]),
    "atlassian-users.csv": ("Atlassian, Export users", [
        ("712020:0001", "ana.lopez@acme.example", "active", {"Organization admin": True}, "", datetime(2026, 11, 24)),
        ("712020:0002", "bo.nilsson@acme.example", "suspended", {}, "", datetime(2026, 10, 1)),
        ("712020:0003", "cy.okafor@acme.example", "active", {"User": False}, "", datetime(2026, 11, 5)),
    ]),
    "atlassian-managed-accounts.csv": ("Atlassian, managed accounts", [
        ("712020:0001", "ana.lopez@acme.example", "active", {}, "", datetime(2026, 11, 24)),
        ("712020:0002", "bo.nilsson@acme.example", "suspended", {}, "", None),
    ]),
    "github-organisation-members.csv": ("GitHub, people of an organisation", [
        ("ana.lopez@acme.example", "ana.lopez@acme.example", "active", {"Owner": True}, "", datetime(2026, 11, 24, 7)),
        ("bo.nilsson@acme.example", "bo.nilsson@acme.example", "active", {"Member": False}, "", None),
    ]),
    "github-enterprise-licences.csv": ("GitHub, licences of an enterprise", [
        ("ana.lopez@acme.example", "ana.lopez@acme.example", "active", {"acme:Owner": True, "Owner": True},
         "Enterprise", None),
        ("kim@partner.example", "kim@partner.example", "active", {"Outside collaborator": False}, "Enterprise", None),
    ]),
    "gitlab-group-members.csv": ("GitLab, members of a group", [
        ("ana.lopez@acme.example", "ana.lopez@acme.example", "active", {"Owner": True, "Maintainer": False}, "",
         datetime(2026, 11, 24)),
        ("bo.nilsson@acme.example", "bo.nilsson@acme.example", "active", {"Developer": False}, "",
         datetime(2026, 10, 2)),
        ("new@acme.example", "new@acme.example", "invited", {"Reporter": False}, "", None),
    ]),
    "gitlab-user-permissions.csv": ("GitLab, user permissions", [
        ("ana.lopez@acme.example", "ana.lopez@acme.example", "active", {"Owner": True, "Maintainer": False}, "",
         datetime(2026, 11, 24)),
        ("bo.nilsson@acme.example", "bo.nilsson@acme.example", "active", {"Developer": False}, "", None),
    ]),
    "zoom-users.csv": ("Zoom, Export users", [
        ("ana.lopez@acme.example", "ana.lopez@acme.example", "active", {"Owner": True}, "Licensed",
         datetime(2026, 11, 24, 8, 1)),
        ("bo.nilsson@acme.example", "bo.nilsson@acme.example", "suspended", {"Member": False}, "Basic", None),
        ("new@acme.example", "new@acme.example", "invited", {"Member": False}, "Basic", None),
    ]),
    "google-workspace-users.csv": ("Google Workspace, Download users", [
        ("ana.lopez@acme.example", "ana.lopez@acme.example", "active", {}, "", datetime(2026, 11, 24, 8, 15, 2)),
        ("bo.nilsson@acme.example", "bo.nilsson@acme.example", "suspended", {}, "", None),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_people(name):
    preset, answers, expected = LISTS[name]
    content = (FILES / name).read_bytes()
    first = look(content)
    assert first.preset == preset and set(asked(first)) == set(answers)
    if answers:
        with pytest.raises(ColumnsUnclear):
            rows_of(first)
    found = answer(content, answers)
    assert [(row.email, row.status, row.last_day, row.start_date) for row in rows_of(found)] == expected
    assert look(content, mapping=found.settled()).rows == found.rows, "remembered, it asks nothing"


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_of_accounts(name):
    preset, expected = EXPORTS[name]
    found = look((FILES / name).read_bytes(), "app")
    assert found.preset == preset and asked(found) == []
    got = [(row.id, row.email, "system" if row.system else row.status, dict(row.roles), row.seat, row.last_activity)
           for row in rows_of(found)]  # fmt: skip
    assert got == expected
    assert look((FILES / name).read_bytes(), "app", found.settled()).rows == found.rows


def test_names_and_managers_are_read_as_they_are_meant():
    def people(name: str) -> list:
        return list(rows_of(answer((FILES / name).read_bytes(), LISTS[name][1])))

    assert [row.name for row in people("workday-workers.xlsx")] == ["Ana López", "Bo Nilsson", "Dora Ek", "Kim Roe"]
    assert people("personio-export.csv")[0].name == "Jürgen Groß"
    assert [row.employee_number for row in people("personio-export.csv")] == ["0017", "0018", "0019", "0020"]
    assert people("hibob-people.csv")[0].manager == "cy.okafor@acme.example"
    assert people("microsoft-365-users.csv")[0].further_emails == ("ana@acme.example",)
    assert people("entra-download-users.csv")[0].id == "5a1e0c1e-0000-4000-8000-000000000001"


def test_rows_left_out_are_named():
    notes = look((FILES / "entra-download-users.csv").read_bytes()).notes
    assert "1 row was left out because userType is Guest." in notes


@pytest.mark.parametrize(
    ("name", "word", "other", "purpose"),
    [
        ("entra-download-users.csv", "True,ES", "Maybe,ES", "directory"),
        ("microsoft-365-users.csv", "True,,", "Perhaps,,", "directory"),
        ("google-workspace-users.csv", "Suspended", "Archived", "directory"),
        ("bamboohr-report.csv", "Terminated,10/31", "Furloughed,10/31", "directory"),
        ("slack-members.csv", "Deactivated", "Frozen", "app"),
        ("atlassian-users.csv", "Suspended", "Frozen", "app"),
        ("gitlab-group-members.csv", "pending", "blocked by law", "app"),
        ("zoom-users.csv", "Inactive", "Frozen", "app"),
        ("github-organisation-members.csv", "Owner", "Billing", "app"),
    ],
)
def test_another_word_in_a_known_file_is_asked_about(name, word, other, purpose):
    content = (FILES / name).read_text(encoding="utf-8-sig")
    assert word in content
    assert [question.kind for question in look(content.replace(word, other), purpose).questions] == ["value"]


@pytest.mark.parametrize("preset", [*PEOPLE, *APPS], ids=lambda preset: preset.label)
def test_each_preset_says_where_its_headers_are_documented_and_means_only_what_there_is(preset):
    assert preset.source.startswith(("https://", "docs/")) and preset.signs
    assert {name for name in preset.values if name not in preset.columns} == set()
