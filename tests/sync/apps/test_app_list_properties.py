"""Every filter, order and page of Apps: each app once, only to those who may see it, those that need a person first,
and the same as plain Python finds and sorts."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from sync.apps import app_list
from sync.apps.app_list import Apps
from sync.db import db, utcnow
from sync.models import App, AppPerson, Person
from sync.search.texts import contains, text_of, words_of
from sync.states import Tone
from tests.sync.ordered import FEW, asks, assert_pages, compared, in_order

# What is so of an app, and how loud that is.
TONES = {"well": Tone.OK, "paused": Tone.NEUTRAL, "broken": Tone.ATTENTION, "few matched": Tone.WAITING,
         "never read": Tone.NEUTRAL}  # fmt: skip
HIDDEN = ("disconnected", "connecting")
APPS = st.fixed_dictionaries({
    "name": st.sampled_from(["", "Ads", "ads", "Élan", "Chat"]),
    "so": st.sampled_from([*TONES, *HIDDEN]),
    "users": st.integers(0, 2),
    "hours": st.integers(0, 2),
    "category": st.sampled_from(["Seat-based", "Paid social"]),
    "manages_as": st.sampled_from(["owner", "collaborator", None]),
})  # fmt: skip
VALUES = {
    "search": ("ads", "é", "x ads"),
    "category": ("Seat-based", "seat-based", "' OR 1=1 --"),
    "state": (*Tone, "Up to date", "red"),
}


def build(user: Person, given_apps: list[dict]) -> dict[int, dict]:
    App.delete().execute()
    built, now = {}, utcnow()
    for number, values in enumerate(given_apps):
        so, read, users = values["so"], now - timedelta(hours=values["hours"]), 10 + values["users"]
        app = App.create(
            connector="scim", name=f"{values['name']} {number}",  # connected apps have different names
            category=values["category"], users=users, next_check_at=now + timedelta(days=1),
            state="active" if so in TONES and so != "paused" else so, credential=b"x",
            last_check_at=None if so == "never read" else read, created_at=now - timedelta(days=9),
            error="The token expired." if so == "broken" else None,
            unmatched=users if so == "few matched" else values["users"] % 2,
        )  # fmt: skip
        if values["manages_as"]:
            AppPerson.create(app=app, person=user, manages_as=values["manages_as"])
        built[app.id] = values
    return built


def matches(app: App, values: dict, wanted: Apps, sees_all: bool) -> bool:
    return all((
        values["so"] not in HIDDEN,
        sees_all or values["manages_as"] is not None,
        contains(text_of([app.name]), words_of(wanted.search)),
        wanted.category in ("", app.category),
        not wanted.state or wanted.state == TONES.get(values["so"]),
    ))  # fmt: skip


def by(apps: list[App], built: dict[int, dict], sort: str) -> list[App]:
    loud = [Tone.ATTENTION, Tone.WAITING]

    def value(app: App) -> list:
        tone = TONES[built[app.id]["so"]]
        return [{
            "": loud.index(tone) if tone in loud else len(loud), "name": app.name, "users": app.users,
            "unmatched": app.unmatched, "checked": app.last_check_at,
        }[sort.removeprefix("-")]]  # fmt: skip

    return in_order(apps, value, lambda app: (app.name, app.id), sort.startswith("-"))


@compared(10)
@given(st.booleans(), st.lists(APPS, min_size=7, max_size=9), asks(VALUES, app_list.ORDER))
def test_each_app_once_and_as_plain_python_sorts(olga, is_owner, given_apps, asked) -> None:
    with db.atomic() as undone:
        user = olga if is_owner else Person.create(name="Bo", workspace_role="user")
        built = build(user, given_apps)
        for values, sort in asked:
            wanted = Apps.of(values)
            found = [app for app in App.select() if matches(app, built[app.id], wanted, is_owner)]
            expected = [app.id for app in by(found, built, sort)]
            search = partial(app_list.search, user, wanted, sort, size=FEW)
            assert_pages(search, expected, lambda row: row[0].id)
            assert len(list(app_list.download(user, wanted, sort))) == len(expected)
        undone.rollback()
