"""Every filter, order and page of Reports: each report once, only to those who decide it, and the same as plain Python
finds and sorts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from sync.db import db
from sync.models import App, AppPerson, Check, Person, Report
from sync.reports import overview
from sync.reports.overview import Reports
from tests.sync.ordered import asks, assert_pages, compared, in_order

MADE = datetime(2026, 11, 20, 4, 0)
APPS = (("Ads", "active", "owner"), ("ads", "paused", "collaborator"), ("Ended", "disconnected", "owner"),
        ("Ads", "disconnected", None))  # fmt: skip
DECIDED = {"app": st.sampled_from([0, 0, 1, 1, 2, 3]), "state": st.sampled_from(["applied", "dismissed", "superseded"]),
           "waiting": st.integers(0, 2), "days": st.integers(0, 2), "decided": st.none() | st.integers(0, 2),
           "found": st.sampled_from([True, True, True, False])}  # fmt: skip
REPORTS = st.lists(st.fixed_dictionaries(DECIDED), min_size=8, max_size=10)
VALUES = {
    "app": ("0", "1", "2", "3", "999999", "x", "1.0", "0x1", "' OR 1=1 --"),
    "state": ("open", "applied", "dismissed", "Open", "waits", "' OR 1=1 --"),
}


def build(user: Person, given_reports: list[dict], opened: set[int]) -> list[App]:
    Check.delete().execute()
    Report.delete().execute()
    App.delete().execute()
    apps = []
    for name, state, manages_as in APPS:
        apps.append(App.create(connector="scim", name=name, category="", state=state))
        if manages_as:
            AppPerson.create(app=apps[-1], person=user, manages_as=manages_as)
    for values in given_reports:
        is_open = values["app"] in opened and not Report.select().where(Report.app == apps[values["app"]]).exists()
        decided = None if is_open or values["decided"] is None else MADE + timedelta(days=values["decided"])
        Report.create(app=apps[values["app"]], state="open" if is_open else values["state"], waiting=values["waiting"],
                      created_at=MADE - timedelta(days=values["days"]), decided_at=decided,
                      counts={"new user": 1} if values["found"] else {})  # fmt: skip
    return apps


def matches(report: Report, wanted: Reports, owned: list[App]) -> bool:
    return all((
        report.app in owned,
        str(report.app_id) == wanted.app if wanted.app else report.app.state != "disconnected",
        report.state == wanted.state if wanted.state else report.counts != {},
    ))  # fmt: skip


def by(found: list[Report], sort: str) -> list[Report]:
    if not sort:
        return sorted(found, key=lambda report: (report.state != "open", -report.id))

    def value(report: Report) -> list:
        return [{
            "app": report.app.name, "waiting": report.waiting, "state": report.state, "created": report.created_at,
            "decided": report.decided_at,
        }[sort.removeprefix("-")]]  # fmt: skip

    return in_order(found, value, lambda report: report.id, sort.startswith("-"))


@compared(12)
@given(REPORTS, st.sets(st.integers(0, 2)), asks(VALUES, overview.ORDER))
def test_each_report_once_and_as_plain_python_sorts(olga, short_pages, given_reports, opened, asked) -> None:
    with db.atomic() as undone:
        user = Person.create(name="Bo", workspace_role="user")
        apps = build(user, given_reports, opened)
        all_reports = list(Report.select(Report, App).join(App))
        for person, owned in ((olga, apps), (user, [apps[0], apps[2]])):
            for values, sort in asked:
                wanted = Reports.of(values)
                if wanted.app in ("0", "1", "2", "3"):
                    wanted = replace(wanted, app=str(apps[int(wanted.app)].id))
                expected = [row.id for row in by([row for row in all_reports if matches(row, wanted, owned)], sort)]
                assert_pages(partial(overview.search, person, wanted, sort), expected, lambda report: report.id)
                assert [row[0] for row in overview.download(person, wanted, str, sort)] == expected
        undone.rollback()
