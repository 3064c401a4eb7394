"""What the form of a report means: who is removed, who waits, and when the person confirms who they are."""

from __future__ import annotations

import pytest

from sync.models import Access, Account, App, Asset, Change, Person, Report
from sync.reports import reports
from tests.sync.fixtures import Chat, after, email
from tests.web.client import Client
from web.wizard import _decided_otherwise, _removes_many, _undecided
from web.wizard_rows import Given


@pytest.fixture
def report(site) -> Report:
    """Eight people have left; the seventh alone manages a channel."""
    app = App.create(connector="sample-chat", name="Desk", category="Seat-based", state="active", users=8)
    report = Report.create(app=app, waiting=8)
    for number in range(1, 9):
        person = Person.create(name=f"Person {number}", status="deprovisioned")
        account = Account.create(app=app, person=person, external_id=str(number), match_kind="matched")
        Change.create(report=report, app=app, account=account, person=person, kind="removed user", in_app=True,
                      decision="needs confirmation")  # fmt: skip
        if number == 7:
            asset = Asset.create(app=app, external_id="1", kind="channel", name="General")
            Access.create(app=app, account=account, asset=asset, role="admin", privileged=True)
    return report


def form(report: Report, ticked: int, undecided: int = 0, shown: int = 8) -> dict[str, object]:
    """With the first boxes ticked, the next ones undecided, and a reason at each other."""
    ids = [change.id for change in Change.select().where(Change.report == report).order_by(Change.id)][:shown]
    reasons = {f"reason-{id}": "Needed" for id in ids[ticked + undecided:]}
    return {"shown": ids, "yes": ids[:ticked], "undecided": ids[ticked : ticked + undecided], **reasons}


@pytest.mark.parametrize(("given", "asks"), [
    ({"ticked": 5}, False),
    ({"ticked": 6}, True),
    ({"ticked": 5, "undecided": 3}, False),
    ({"ticked": 0, "shown": 0}, True),
    ({"ticked": 0, "shown": 1}, True),
    ({"ticked": 0, "shown": 2}, False),
], ids=["five", "six", "undecided", "none shown", "one shown", "two shown"])  # fmt: skip
def test_more_removals_than_five_ask_again_who_it_is(site, report, given, asks):
    """Removals that the form doesn't show count as ticked, but not those that wait for a successor."""
    with site.test_request_context(method="POST", data=form(report, **given)):
        assert _removes_many(report.app, report) is asks


@pytest.mark.parametrize(("given", "waits"), [
    ({"ticked": 5, "undecided": 2}, {6, 7}),
    ({"ticked": 8}, set()),
    ({"ticked": 5}, set()),
    ({"ticked": 2, "shown": 2}, {7}),
], ids=["left open", "ticked", "with a reason", "not shown"])  # fmt: skip
def test_a_removal_waits_for_a_successor_if_the_form_left_it_open_or_did_not_show_it(site, report, given, waits):
    numbers = {change.id: int(change.account.external_id) for change in report.changes}
    with site.test_request_context(method="POST", data=form(report, **given)):
        assert {numbers[id] for id in _undecided(report, Given.from_form())} == waits


def test_a_release_of_nonsense_releases_nothing(owner: Client, report):
    Report.update(held=8).execute()
    Change.update(decision="held").execute()
    answer = owner.send("POST", f"/reports/{report.id}/release", version=report.version, only="everything")
    assert answer.status_code == 400 and {change.decision for change in Change.select()} == {"held"}


def leaves_a_channel(chat: Chat) -> None:
    chat.store.join(chat.store.add_channel("general", via="page"), chat.id_of(1), "manager", via="page")
    chat.check()
    chat.leave(1)
    chat.check()


left_a_channel = after(leaves_a_channel)(lambda chat: Report.get(Report.state == "open"))


@pytest.mark.parametrize("missing", [{"connector": "file-is-gone"}, {"credential": b"of another key"}])
def test_without_its_connector_or_its_key_an_app_is_shown_and_nothing_is_handed_over_in_it(
        owner: Client, chat, left_a_channel, missing):  # fmt: skip
    App.update(missing).where(App.id == chat.app.id).execute()
    account, asset = Account.get(Account.email == email(1)), Asset.get()
    assert "Rollcall can&#39;t hand it over" in owner.get(f"/reports/{left_a_channel.id}").text
    handed = {f"manager-{account.id}-{asset.id}": Account.get(Account.email == email(0)).id}
    ids = [change.id for change in left_a_channel.changes]
    answer = owner.post(f"/reports/{left_a_channel.id}/application", version=left_a_channel.version, shown=ids,
                        yes=ids, **handed)  # fmt: skip
    assert answer.status_code == 422 and "Nothing was changed" in answer.text
    answer = owner.post(f"/apps/{chat.app.id}/removals", account=account.id, seen="", **handed)
    assert answer.status_code == 422 and "Rollcall can&#39;t do that in Chat" in answer.text
    assert owner.get(f"/apps/{chat.app.id}/columns").location == f"/apps/{chat.app.id}"
    assert Account.get_by_id(account.id).state == "present"


ALREADY = "This report was already finished. Its progress is shown below."
STOP = " A removal can be cancelled below until it is done."


@pytest.mark.parametrize(("ticked", "how", "stop"), [
    ((1, 2), "1 change that you left out was approved and 1 change that you approved was left out", STOP),
    ((1, 3), "", ""), ((1, 2, 3), "1 change that you approved was left out", ""),
    ((1,), "1 change that you left out was approved", STOP),
    ((), "2 changes that you left out were approved", STOP),
])  # fmt: skip
def test_an_owner_who_decided_otherwise_than_the_first_one_is_shown_how(owner: Client, chat: Chat, ticked, how, stop):
    """Two Owners have the same wizard open; one removes Persons 1 and 3 and leaves 2 out."""
    chat.leave(1, 2, 3)
    report = chat.check().report
    changes = {number: chat.change(report, number).id for number in (1, 2, 3)}
    reports.finish(report, "Ada Berg <ada@acme.example>", report.version, {changes[2]: "Needed"})
    reasons = {f"reason-{id}": "Needed" for number, id in changes.items() if number not in ticked}
    answer = owner.send("POST", f"/reports/{report.id}/application", version=report.version, shown=[*changes.values()],
                        yes=[changes[number] for number in ticked], **reasons)  # fmt: skip
    assert answer.location == f"/apps/{chat.app.id}/activity"
    assert owner.messages() == [("attention", f"Ada Berg finished this report first: {how}. "
                                 f"Your decisions were not applied.{stop}") if how else ("ok", ALREADY)]  # fmt: skip
    assert {change.decision for change in Change.select().where(Change.report == report, Change.in_app)
            if change.kind == "removed user"} == {"confirmed", "left out"}


def test_a_report_that_no_owner_finished_was_finished_by_a_standing_approval():
    assert _decided_otherwise(Report(), 0, 1).startswith("A standing approval finished this report first: ")
