"""Which apps' last readings are compared again because someone has left or is back, and when."""

from __future__ import annotations

from datetime import timedelta

from sync.db import utcnow, writing
from sync.jobs import comparing
from sync.models import Account, App, Assignment, Directory, DirectoryGroup, GroupRule, Person

HOUR = timedelta(hours=1)


def app(name: str, **values: object) -> App:
    read = {"last_check_at": utcnow(), "state": "active"} | values
    return App.create(connector="none", name=name, category="Seat-based", **read)


def compared() -> list[str]:
    return sorted(app.name for app in App.select() if app.compare_at and app.compare_at < utcnow() + comparing.PAUSE)


def test_apps_where_they_are_or_for_which_rules_may_have_something(home):
    ana, ben = Person.create(name="Ana"), Person.create(name="Ben")
    for name, person, state in (("Here", ana, "present"), ("Gone", ana, "gone"), ("Ben's", ben, "present")):
        Account.create(app=app(name), person=person, external_id=name, state=state)
    for name, values in {"Never read": {"last_check_at": None}, "Past": {"state": "disconnected"},
                         "Paused": {"state": "paused"}}.items():  # fmt: skip
        Account.create(app=app(name, **values), person=ana, external_id=name)
    group = DirectoryGroup.create(directory=Directory.create(kind="csv", name="File"), external_id="a", name="a")
    GroupRule.create(app=app("By rules"), group=group)
    Assignment.create(app=app("Was by rules"), person=ben)
    with writing():
        comparing.apps_of([ana.id])
    assert compared() == ["By rules", "Here", "Paused", "Was by rules"]


def test_it_is_brought_forward_and_never_put_off(home):
    soon, later = app("Soon", compare_at=utcnow()), app("Later", compare_at=utcnow() + HOUR)
    before = soon.compare_at
    for one in (soon, later):
        with writing():
            comparing.app(one.id)
    assert App.get_by_id(soon.id).compare_at == before and App.get_by_id(later.id).compare_at <= utcnow()


def test_one_app_is_compared_alone(home):
    here, _other = app("App"), app("Other")
    with writing():
        comparing.app(here.id)
    assert compared() == ["App"]
