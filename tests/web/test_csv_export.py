"""An app without an API from start to end: upload its export, someone leaves, Finish, remove by hand, mark as done."""

from __future__ import annotations

import html
import io
from datetime import timedelta

from cli import tasks as app_tasks
from sync.apps import status
from sync.db import utcnow
from sync.jobs import asking, queue
from sync.mail import news
from sync.models import Account, App, HeldChange, Mail, Report, Task
from sync.people import people
from sync.reports import reports
from sync.reports.reports import Finish
from sync.states import AppStatus
from tests.web.client import Client
from web.outcomes import outcome
from web.wizard import _finished

EXPORT = """\
email,name,role
olga@acme.example,Olga Brandt,Owner
jana.kowalski@acme.example,Jana Kowalski,Editor
"""


def upload(text: str | bytes) -> tuple[io.BytesIO, str]:
    return io.BytesIO(text if isinstance(text, bytes) else text.encode()), "export.csv"


def connect(owner: Client, export: str | bytes = EXPORT) -> App:
    app = App.get_by_id(owner.draft("csv_export"))
    assert 'type="file"' in owner.get(f"/apps/{app.id}/connection").text
    given = {"app_name": "Drawing", "app": "Miro", "source": "upload", "export": upload(export)}
    tested = owner.post(f"/apps/{app.id}/connection", **given)
    assert "Connection works: 2 users in the export of Miro" in tested.text, tested.text
    owner.post(f"/apps/{app.id}/connection/reading", owners="olga@acme.example", daily="yes", time="04:20")
    queue.drain()
    return App.get_by_id(app.id)


def hand_over(owner: Client, app: App, export: str | bytes, **given: str):
    return owner.send("PUT", f"/apps/{app.id}/credential", app="Miro", source="upload", export=upload(export), **given)


def test_a_leaver_is_a_to_do_that_ends_when_someone_confirms_it(owner: Client, someone, by: str) -> None:
    jana = someone("Jana Kowalski")
    app = connect(owner)
    assert (app.users, app.matched) == (2, 2)
    people.mark_left(jana, by)
    asking.ask(app, by)
    queue.drain()
    report = reports.open_report(app)
    wizard = owner.get(f"/reports/{report.id}").text
    assert "Rollcall can&#39;t remove anyone from Drawing. Finish Sync makes a task for each person" in wizard
    assert "1 person has to be removed from Drawing by hand." in wizard and "data-by-hand" in wizard
    finished = owner.post(f"/reports/{report.id}/application", version=report.version, yes=report.changes.get().id)
    assert "1 person has to be removed from Drawing by hand." in owner.get(finished.location).text
    queue.drain()
    [task] = Task.select()
    assert task.state == "needs attention" and "Do it there by hand" in task.error
    members = owner.get(f"/apps/{app.id}/members?search=jana").text
    assert "Removal pending" in members and "Removal failed" not in members
    assert "Do it there by hand" in members and 'small attention">Rollcall' not in members, "nothing failed"
    settings = owner.get(f"/apps/{app.id}").text
    assert "is uploaded here" in settings and "API version" not in settings
    page = owner.get(f"/apps/{app.id}/activity").text
    assert "Jana Kowalski" in page and "Do it there by hand" in page and "To do by hand" in page
    change = HeldChange.create(person=jana, field="status", value="active", asked_by="Okta (directory)")
    back = "Jana Kowalski may be back: a held change on People says so. Check that before you remove the account."
    assert back not in page and app_tasks.lines([task])[0].endswith(f", needs attention: {back} {task.error}")
    assert app_tasks.document(report, [task])["tasks"][0]["error"] == f"{back} {task.error}"
    assert outcome(app, [task]).words == f"Drawing: 1 change has to be made by hand. {back} {task.error}"
    leaver = Account.get(Account.name == "Jana Kowalski")
    for page_of in ("members?search=jana", f"members/{leaver.id}"):
        shown = html.unescape(owner.get(f"/apps/{app.id}/{page_of}").text)
        assert shown.count(f"{back} {task.error}") == shown.count(task.error) - 2 > 0, "the head names nobody"
    assert back in owner.get(f"/apps/{app.id}/activity").text and back in owner.get(f"/reports/{report.id}").text
    Mail.delete().execute()
    [mail] = news.outcome(Report.get_by_id(report.id))
    assert back in " ".join(mail.text.split())
    change.delete_instance()
    assert page.count("I did it in Drawing") == 1 and "Retry" not in page and "removal failed" not in page
    assert outcome(app, [task]).words.startswith("Drawing: 1 change has to be made by hand.")
    for error, why in (("Refused.\nHTTP 403", " Refused."), (None, "")):
        failed = Task(id=0, kind="remove", state="failed", error=error)
        assert outcome(app, [failed]).words == f"Drawing: 1 change failed and needs attention.{why}"
    assert "Waits for someone to remove from the app by hand" in page and "Could not" not in page
    home = owner.get("/").text
    assert "1 change in Drawing has to be made by hand" in home and "failed and" not in home
    both = Finish(report, [Task(kind=kind) for kind in ("remove", "change role")])
    assert _finished(app, both).endswith(
        "then mark the task below as done. 1 other change has to be made in Drawing by hand. Progress is shown below.")
    owner.post(f"/apps/{app.id}/tasks/{task.id}/completion")
    task = Task.get_by_id(task.id)
    assert task.state == "done" and "marked as done by Olga Brandt" in owner.get(f"/apps/{app.id}/activity").text
    assert outcome(app, [task]).words == "Removed 1 account from Drawing: marked as done by hand."
    assert Account.get(Account.name == "Jana Kowalski").state == "gone"

    asking.ask(app, by)  # the export is from before she went: it does not bring her back
    queue.drain()
    assert Account.get(Account.name == "Jana Kowalski").state == "gone" and reports.open_report(app) is None
    hand_over(owner, app, EXPORT)
    queue.drain()
    assert Account.get(Account.name == "Jana Kowalski").state == "gone", "the same file again is no news"
    hand_over(owner, app, EXPORT + "kim@acme.example,Kim,Editor\n")
    queue.drain()
    assert Account.get(Account.name == "Jana Kowalski").state == "present", "a new export lists her: she has a seat"


def test_without_a_name_of_its_own_the_app_is_called_as_the_app_is(owner: Client) -> None:
    form = owner.get("/apps/new/csv_export").text
    assert "Name in Rollcall" in form and 'value="CSV export"' not in form and "What you need" in form
    assert form.count("Connect a CSV export") == 2, "in the title and the heading"
    app_id = owner.draft("csv_export")
    given = {"app_name": "", "app": " Miro ", "source": "upload", "export": upload(EXPORT)}
    shown = owner.post(f"/apps/{app_id}/connection", **given).text
    assert 'value="Miro"' in shown.partition('name="app_name"')[0].rpartition("<input")[2]
    assert App.get_by_id(app_id).name == "Miro"


def test_a_new_export_is_checked_at_once_and_a_broken_one_changes_nothing(owner: Client) -> None:
    app = connect(owner)
    asked = hand_over(owner, app, "name\nJana\n").location
    assert asked.startswith("/files/") and "no column named email" in owner.get(asked).text
    assert App.get_by_id(app.id).users == 2
    three = EXPORT + "kim@acme.example,Kim Sørensen,Editor\n"
    asked = hand_over(owner, app, three.encode("cp1252")).location  # or is it Sřrensen, in Windows-1250?
    assert "can be read in more than one way" in owner.get(asked).text and App.get_by_id(app.id).users == 2
    hand_over(owner, app, three.encode("cp1252"), mapping='{"version": 1, "decisions": {"encoding": "cp1252"}}')
    queue.drain()
    assert App.get_by_id(app.id).users == 3
    assert Account.get(Account.email == "kim@acme.example").name == "Kim Sørensen"


def test_a_picture_is_no_export(owner: Client) -> None:
    app = connect(owner)
    shown = hand_over(owner, app, b"\x89PNG\x00\x01")
    assert shown.status_code == 422 and "isn&#39;t text" in shown.text
    assert App.get_by_id(app.id).users == 2


def test_an_app_whose_export_is_older_than_a_week_is_not_up_to_date(owner: Client) -> None:
    app = connect(owner)
    assert app.file_from and "newest list of users:" in owner.get(f"/apps/{app.id}").text
    assert status.standing(app).status != AppStatus.OVERDUE
    before = (utcnow() - timedelta(days=9)).isoformat()
    app.settings = {**app.settings, "export_at": before, "export_uploaded_at": before}
    app.save()
    for seen in (utcnow(), utcnow() - timedelta(days=3)):
        asking.ask(app, "schedule")
        queue.drain()
        app = App.get_by_id(app.id)
        assert app.file_seen_at >= seen
        App.update(file_seen_at=utcnow() - timedelta(days=2)).execute()
    assert utcnow() - app.file_seen_at > timedelta(days=1), "the same file was seen before"
    assert status.standing(app).status == AppStatus.OVERDUE
    page = owner.get(f"/apps/{app.id}").text
    assert "Rollcall doesn&#39;t know who has got an account since then." in page and "Replace the file" in page
    hand_over(owner, app, EXPORT)  # nothing has changed in the app since
    queue.drain()
    assert status.standing(App.get_by_id(app.id)).status != AppStatus.OVERDUE
