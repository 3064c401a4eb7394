"""Sample data in a workspace that has nothing real yet: when it is offered, and how all of it is removed again.
The activity log is append-only: it keeps its sentences, and empty apps and reports that its entries refer to."""

from __future__ import annotations

from sync import activity, rank, sample_data
from sync.db import writing
from sync.models import App, Check, Directory, DirectoryEntry, DirectoryReading, Person, PersonEmail, Report, Task
from sync.rank import Asker
from sync.sample_data import SampleProblem
from sync.states import AppState, CheckState, ReadingState, ReportState, TaskState, WorkspaceRole
from sync.tasks import disconnecting
from sync.words import plural

DOMAIN = "acme.example"  # of the sample company


def is_offered() -> bool:
    """Only while there is no app, no directory and nobody but the people who sign in, none of them at its domain."""
    return not (
        sample_data.loaded() is not None
        or App.select().where(App.state != AppState.DISCONNECTED).exists()
        or Directory.select().exists()
        or Person.select().where(Person.workspace_role.is_null()).exists()
        or PersonEmail.select().where(PersonEmail.email_key.endswith(f"@{DOMAIN}")).exists()
    )


def begin(by: Asker) -> sample_data.Sample:
    """From now on sample data is being loaded. Raises SampleProblem where it isn't offered, NotAllowed."""
    rank.require(by, WorkspaceRole.OWNER)
    with writing():
        if not is_offered():
            raise SampleProblem("Sample data is for a workspace without apps, directories and people. "
                                "Nothing was changed.")
        sample = sample_data.Sample([person.id for person in Person.select(Person.id)])
        sample_data.keep(sample)
        activity.record(by, "loaded sample data")
    return sample


def people_of(sample: sample_data.Sample) -> list[int]:
    """The ids of people who came with its directory. Others were here before, or were invited since: they stay."""
    came = DirectoryEntry.select(DirectoryEntry.person).where(DirectoryEntry.directory.in_(sample.directories))
    return [row.person_id for row in came if row.person_id not in sample.before]


def remove(by: Asker) -> int:
    """Remove its people, its directory, and all that its apps have, in one transaction: how many people.

    Raises SampleProblem while something of it is being read or changed, NotAllowed. A second call does nothing.
    """
    rank.require(by, WorkspaceRole.OWNER)
    with writing():
        sample = sample_data.loaded()
        if sample is None:
            return 0
        apps = list(App.select().where(App.id.in_(sample.apps)))
        _refuse_while_working(sample)
        for app in apps:
            if app.state != AppState.DISCONNECTED:
                disconnecting.disconnect(app, by)
        people = people_of(sample)
        _empty(apps)
        Directory.delete().where(Directory.id.in_(sample.directories)).execute()
        Person.delete().where(Person.id.in_(people)).execute()
        activity.record(by, "removed sample data",
                        after=f"{plural(len(people), 'person', 'people')}, {plural(len(apps), 'app')}")
        sample_data.keep(None)
    return len(people)


def _refuse_while_working(sample: sample_data.Sample) -> None:
    running = (
        Check.select().where(Check.app.in_(sample.apps), Check.state == CheckState.RUNNING).exists()
        or Task.select().where(Task.app.in_(sample.apps), Task.state == TaskState.RUNNING).exists()
        or DirectoryReading.select().where(DirectoryReading.directory.in_(sample.directories),
                                           DirectoryReading.state == ReadingState.RUNNING).exists()
    )  # fmt: skip
    if running:
        raise SampleProblem("A sample app or list is being read or changed right now. Nothing was removed. "
                            "Try again in a moment.")


def _empty(apps: list[App]) -> None:
    """Delete all that belongs to these apps. The log refers to the apps and reports themselves: those stay, hidden."""
    ids = [app.id for app in apps]
    for field, model in App._meta.backrefs.items():
        if field.on_delete == "CASCADE" and model not in (Report, Check):
            model.delete().where(field.in_(ids)).execute()
    waits = (Check.state == CheckState.QUEUED) & Check.app.in_(ids)
    Check.update(state=CheckState.CANCELLED).where(waits).execute()
    Report.update(state=ReportState.DISMISSED).where(Report.app.in_(ids), Report.state == ReportState.OPEN).execute()
    for app in apps:
        App.update(name=f"{app.name}, removed", settings={}, users=0, matched=0, unmatched=0, guests=0,
                   service_accounts=0, next_check_at=None).where(App.id == app.id).execute()
