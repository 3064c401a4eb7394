"""When a database counts as one of an earlier time, and what is withdrawn then."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from sync import activity, restored, seals, vault
from sync.db import db, utcnow, writing
from sync.directory import directories, push
from sync.directory import preview as directory_preview
from sync.jobs import queue
from sync.models import (
    Account,
    Activity,
    App,
    Change,
    Directory,
    DirectoryEntry,
    DirectoryToken,
    Invitation,
    Mail,
    Offboarding,
    Person,
    Report,
    Session,
    Task,
)
from sync.rank import Asker
from sync.reports import reports
from sync.safety import unread_directories
from sync.settings import set_setting, setting
from sync.states import Approval, DirectoryGap, TaskState
from sync.tasks import still_to_remove, tasks
from tests.sync.fixtures import Chat
from tests.sync.scripted import Scripted

NOON = datetime(2026, 11, 1, 12)
LATER = {"entries": 1_000, "head": "of a later time"}


@pytest.fixture
def approved(home, config) -> Task:
    """It waits for a worker."""
    person = Person.create(name="Ida", email="ida@acme.example")
    app = App.create(connector="none", name="Chat", category="Seat-based", removal_approval=Approval.AUTOMATIC,
                     joiner_approval=Approval.AUTOMATIC)  # fmt: skip
    Offboarding.create(person=person, state="scheduled", remove_on=utcnow().date() + timedelta(9), asked_by="Olga")
    Session.create(token_hash=b"0", person=person, ends_at=utcnow())
    task = Task.create(app=app, kind="change role", detail={"role": "admin"}, external_id="1", email_key="",
                       asked_by="Olga")  # fmt: skip
    with writing():
        activity.record("Olga", "did it")
    restored.begin(config.home)
    return task


def is_withdrawn(task: Task) -> bool:
    return Task.get_by_id(task.id).state == TaskState.NEEDS_ATTENTION


def rewritten(config, **changes: object) -> None:
    """The note, as if the log had been another one."""
    (config.home / restored.NOTE).write_text(json.dumps({seals.end()["began"]: noted(config) | changes}))


def noted(config) -> dict:
    [only] = json.loads((config.home / restored.NOTE).read_text()).values()
    return only


def test_all_that_was_approved_is_withdrawn_once(approved, config):
    rewritten(config, **LATER)
    restored.look()
    app, entries = App.get(), seals.head()["entries"]
    assert is_withdrawn(approved) and (app.removal_approval, app.joiner_approval) == (Approval.ASK, None)
    assert Offboarding.get().state == "cancelled" and not Session.select().exists()
    restored.look()
    assert seals.head()["entries"] == entries and activity.verify().ok and not db.in_transaction()
    assert not any(vars(restored.withdraw(Asker.command_line())).values())


@pytest.mark.parametrize("column, off", [
    ("removal_approval", Approval.ASK), ("joiner_approval", None), ("unassigned_approval", None),
])  # fmt: skip
def test_each_standing_approval_alone_is_withdrawn(home, column, off):
    App.create(connector="none", name="Desk", category="Seat-based")
    App.create(connector="none", name="Chat", category="Seat-based", **{column: Approval.AUTOMATIC})
    assert restored.withdraw(Asker.command_line()).apps == 1
    assert [getattr(app, column) for app in App.select()] == [off, off]


def test_each_task_that_is_under_way_is_withdrawn_and_none_that_has_ended(approved):
    made = {state: Task.create(app=approved.app, kind="change role", detail={"role": "admin"}, external_id=state,
                               email_key="", asked_by="Olga", state=state) for state in TaskState}  # fmt: skip
    under_way = {TaskState.QUEUED, TaskState.RUNNING}
    assert restored.withdraw(Asker.command_line()).tasks == len(under_way) + 1
    for state, task in made.items():
        assert Task.get_by_id(task.id).state == (TaskState.NEEDS_ATTENTION if state in under_way else state)


def test_withdrawn_tasks_are_settled_and_the_owners_get_one_e_mail_about_them(chat, olga):
    report = Report.create(app=chat.app, state="applied", counts={})
    running = [Task.create(app=chat.app, kind="invite", state="running", report=report, lease_owner="one",
                           lease_until=utcnow() + timedelta(hours=1)) for _ in range(2)]  # fmt: skip
    Invitation.create(app=chat.app, email="a@acme.example", email_key="a@acme.example", task=running[1],
                      state="ongoing")  # fmt: skip
    stuck = Task.create(app=chat.app, kind="revoke", state="needs attention", error="Do it.", report=report)
    planned = Offboarding.create(person=chat.people[1], state="applied", asker=olga)
    change = Change.create(app=chat.app, kind="removed user", decision="applied", offboarding=planned, in_app=True)
    Task.create(app=chat.app, kind="remove", state="queued", change=change, account=Account.get())
    restored.withdraw(Asker.command_line())
    assert Invitation.get().state == "failed" and Task.get_by_id(stuck.id).error == "Do it."
    assert [(task.lease_owner, task.lease_until) for task in Task.select()] == [(None, None)] * 4
    assert [mail.key.partition("-failed-")[0] for mail in Mail.select().order_by(Mail.id)] == [
        f"report-{report.id}-outcome", f"offboarding-{planned.id}"]  # fmt: skip


def test_directories_that_are_read_are_due_at_once(approved):
    now = utcnow()
    for kind, due in (("csv", now + timedelta(hours=1)), ("scim", None)):
        Directory.create(kind=kind, name=kind, next_read_at=due)
    restored.withdraw(Asker.command_line())
    assert [(one.name, one.next_read_at and one.next_read_at < now + timedelta(minutes=1))
            for one in Directory.select().order_by(Directory.name)] == [("csv", True), ("scim", None)]  # fmt: skip


def restored_after_3_left(chat: Chat, company: Scripted) -> Task:
    """Their removal, which someone has approved since."""
    company.say("id3", status="deprovisioned")
    company.read()
    chat.check()
    report = Report.get(Report.state == "open")
    assert still_to_remove.will_wait(report) == ""
    restored.withdraw(Asker.command_line())
    assert still_to_remove.will_wait(report).startswith("1 removal will wait: Company LDAP may lack changes since ")
    [task] = reports.finish(report, chat.by).tasks
    return tried(task)


def tried(task: Task) -> Task:
    Task.update(next_at=utcnow()).where(Task.id == task.id).execute()
    tasks.run(task.id)
    return Task.get_by_id(task.id)


@pytest.mark.parametrize("is_back", [True, False])
def test_a_removal_waits_until_the_directory_by_which_they_left_is_read_again(chat, company, is_back):
    task = restored_after_3_left(chat, company)
    assert task.state == "queued" and chat.id_of(3)
    assert task.error.startswith("Company LDAP may lack changes since ")
    assert task.error.endswith("so Person 3 may be back. The removal waits until Company LDAP is read again, or gets a "
                               "new list if its list was uploaded.")  # fmt: skip
    assert still_to_remove.waits(Task(report=None), task.account) is None, "someone asked for it by hand"
    assert unread_directories.found(company.row(), utcnow()).why == DirectoryGap.RESTORED
    company.say("id3", status="active" if is_back else "deprovisioned")
    company.read()
    assert unread_directories.found(company.row(), utcnow()) is None
    assert tried(task).state == ("no longer needed" if is_back else "done")
    assert any(member["email"] == "p3@acme.example" for member in chat.members()) == is_back


def test_a_removal_by_groups_waits_too_and_one_of_someone_whom_the_directory_shows_as_active_does_not(chat, company):
    def waits(status: str, entry: str) -> str | None:
        Person.update(status=status).where(Person.id == chat.people[3].id).execute()
        DirectoryEntry.update(status=entry, reported_status=entry).where(DirectoryEntry.external_id == "id3").execute()
        return still_to_remove.waits(Task(report_id=1), Account(person=chat.people[3]))

    assert waits("deprovisioned", "deprovisioned") is waits("active", "active") is None
    restored.withdraw(Asker.command_line())
    assert "Person 3 may have left, or be in other groups now" in waits("active", "active")
    assert waits("deprovisioned", "active") is None, "someone marked them as having left"
    Directory.update(next_read_at=None).execute()
    assert "until someone makes Company LDAP send everyone again" in waits("deprovisioned", "deprovisioned")


def test_a_removal_waits_too_while_another_directory_may_have_got_them_since_the_backup(chat, company):
    company.say("id3", status="deprovisioned")
    company.read()
    okta = Directory.create(kind="scim", name="Okta")

    def waits() -> str:
        return still_to_remove.waits(Task(report_id=1), Account(person=chat.people[3])) or ""

    assert not waits()
    restored.withdraw(Asker.command_line())
    company.read()
    assert "so Person 3 may be back. The change waits until someone makes Okta send everyone again" in waits()
    push.confirm_sent_again(okta, Directory.get_by_id(okta.id).missing_until, Asker.command_line())
    assert not waits()


def test_an_uploaded_list_of_before_shows_nothing_new_however_often_it_is_read(home, by):
    staff = "email,name,status\nana@acme.example,Ana,active\n"
    listed = directories.connect("csv", "HR", {"source": "upload", "text": staff}, by)
    restored.withdraw(Asker.command_line())
    for values, why in (({}, DirectoryGap.RESTORED), ({"text": staff}, None)):
        if values:
            directories.reconnect(Directory.get(), {"source": "upload", **values}, by)
        directories.run(directories.ask(listed, by).id)
        found = unread_directories.found(Directory.get(), utcnow())
        assert (found and found.why) == why
    restored.withdraw(Asker.command_line())
    directory_preview.upload(Directory.get(), staff, by)
    shown = directory_preview.preview(Directory.get(), by, staff)
    directory_preview.apply_previewed(Directory.get(), shown.mark, by, staff)
    assert unread_directories.found(Directory.get(), utcnow()) is None


def test_a_directory_that_pushes_may_lack_what_it_pushed_since_the_last_request_of_then(approved):
    known, unused = (Directory.create(kind="scim", name=name, created_at=NOON) for name in ("known", "unused"))
    DirectoryToken.create(directory=known, token_hash=b"x", created_at=NOON, used_at=NOON + timedelta(hours=2))
    for _ in range(2):
        restored.withdraw(Asker.command_line())
        assert {one.name: one.missing_since for one in Directory.select()} == {
            "known": NOON + timedelta(hours=2), "unused": NOON}
    noted = Activity.select().where(Activity.what == "directory needs a look")
    assert [(one.about, one.why) for one in noted.order_by(Activity.id)] == [
        ("known", restored.WHY), ("unused", restored.WHY)]


def test_a_log_that_went_another_way_from_the_same_length_on_is_noticed(approved, config):
    rewritten(config, head="another")
    restored.look()
    assert is_withdrawn(approved)


def test_a_log_that_has_only_grown_keeps_all(approved, config):
    with writing():
        activity.record("Olga", "did it")
    restored.look()
    assert not is_withdrawn(approved) and noted(config)["entries"] == 2


def test_another_workspace_in_the_same_folder_is_neither_lost_nor_noted_over(approved, config):
    note = config.home / restored.NOTE
    note.write_text(json.dumps({"another log": noted(config) | LATER, "damaged": {}, **json.loads(note.read_text())}))
    with writing():
        activity.record("Olga", "did it")
    restored.look()
    assert not is_withdrawn(approved)
    assert [(began, of["entries"]) for began, of in json.loads(note.read_text()).items()] == [
        ("another log", 1_000), (seals.end()["began"], 2)]  # fmt: skip


@pytest.mark.parametrize(("is_noted", "unused_for", "is_earlier"), [
    (True, timedelta(minutes=5), False), (True, timedelta(minutes=15), True), (False, timedelta(minutes=15), False),
    (True, None, False),
], ids=["a further machine", "a backup on a new machine", "an update", "never used"])  # fmt: skip
def test_where_no_head_was_noted_the_last_use_decides(approved, config, is_noted, unused_for, is_earlier):
    set_setting(queue.HEARTBEAT, unused_for and (utcnow() - unused_for).isoformat())
    if not is_noted:
        set_setting(restored.NOTED, None)
    (config.home / restored.NOTE).unlink()
    restored.look()
    assert is_withdrawn(approved) == is_earlier


def test_another_machine_knows_that_they_were_withdrawn_already(approved, config):
    before = noted(config)
    rewritten(config, **LATER)
    restored.look()
    withdrawn = setting(restored.WITHDRAWN)
    Task.update(state=TaskState.QUEUED).execute()
    set_setting(queue.HEARTBEAT, utcnow().isoformat())
    rewritten(config, **before | LATER)
    restored.look()
    assert setting(restored.WITHDRAWN) == withdrawn and not is_withdrawn(approved)


@pytest.mark.parametrize("entries", [1, 1_000])
def test_under_another_key_the_length_alone_decides(approved, config, entries):
    key = config.secret_key_file
    key.write_bytes(b"wdFv1sAL2FNYKSgcNe1G8gx8vfOTn1mJ0wQCkMtEXdk=\n" + key.read_bytes())
    vault.open_vault(key)
    seals.renew()
    rewritten(config, entries=entries)
    restored.look()
    assert is_withdrawn(approved) == (entries == 1_000)


def test_a_folder_that_cannot_be_written_notes_nothing(approved, config):
    (config.home / restored.NOTE).unlink()
    set_setting(restored.NOTED, None)
    restored.begin(config.home / "nowhere")
    assert setting(restored.NOTED) is None and not is_withdrawn(approved)
