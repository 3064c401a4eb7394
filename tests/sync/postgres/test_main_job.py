"""The main job from start to end on whichever database tests run: someone leaves, a report, an approval, a removal."""

from __future__ import annotations

from sync import activity
from sync.jobs import queue
from sync.models import Account, Activity, Mail, Task
from sync.reports import reports
from tests.sync.fixtures import MEMBERS, email


def test_someone_who_has_left_is_removed_after_an_approval_and_nobody_else(chat):
    chat.leave(3, 4)
    check = chat.check()
    report = check.report
    waiting = {row.account.email for row in report.changes if row.decision == "needs confirmation"}
    assert (check.waiting, waiting) == (2, {email(3), email(4)}) and Mail.select().exists()
    stays = chat.change(report, 4)
    done = reports.finish(report, chat.by, version=report.version, left_out={stays.id: "On parental leave"})
    assert [task.account.email for task in done.tasks] == [email(3)] and done.report.decided_by == chat.by
    queue.drain()
    assert chat.removed() == [email(3)]
    assert Task.get().state == "done" and Account.get(Account.email == email(3)).is_gone
    assert Account.get(Account.email == email(4)).left_out_reason == "On parental leave"
    assert chat.check().waiting == 0 and Account.select().where(Account.is_present).count() == MEMBERS
    assert activity.verify().ok and Activity.select().where(Activity.report == report).exists()


def test_a_list_that_lost_most_of_its_members_changes_nothing(chat):
    for number in range(2, MEMBERS):
        chat.store.remove(chat.id_of(number), via="page")
    chat.check()
    assert Account.select().where(Account.is_gone).count() == 0 and chat.removed() == []
