"""One address in two spellings, and two that only look alike: through every door by which addresses come."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

import cli.apps
import connectors
from connectors.apps.csv_export import CsvExport
from connectors.base import Refused
from sync import names
from sync.apps import apps
from sync.checks import checks
from sync.directory import directories
from sync.jobs import asking
from sync.mail import outbox
from sync.mail import reach as mail_reach
from sync.matching import rules as match_rules
from sync.models import Activity, App, Change, Directory, Invitation, Person, SignInIdentity, Task
from sync.people import importing, people
from sync.people.people import PeopleProblem
from sync.reports import reports
from sync.sign_in import oidc_people, sign_in
from sync.sign_in.oidc import Settings
from sync.tasks import invitations, tasks
from tests.connectors.described import LEAST, SECRET, Anything
from tests.real.slapd import Slapd
from tests.real.smtp import SmtpServer
from tests.sync.scripted import Scripted
from tests.web.conftest import *  # noqa: F403 - the browsers and providers of the web's tests
from tests.web.provider import USER, Provider, problem

LOOK_ALIKES = [
    ("maria.weiss@acme.example", "maria.weiß@acme.example"),
    ("fiona@acme.example", "ﬁona@acme.example"),
    ("kate@acme.example", "\u212aate@acme.example"),
    ("maria@weiss.example", "maria@weiß.example"),
    ("ana@acme.example", "ａｎａ@acme.example"),
]
ONE_MAILBOX = [
    ("irem@acme.example", "İREM@ACME.EXAMPLE"),
    ("maria@münchen.example", "maria@xn--mnchen-3ya.example"),
    ("maria@xn--wei-7ka.example", "MARIA@WEIẞ.example"),
    ("ana@acme.example", "an\u200ba@acme.example"),
    ("ana@acme.example", "\ufeffana@acme.example"),
    ("ana@acme.example", "ana@ac\u00adme.example"),
    ("ana@acme.example", "\u202aana@acme.example\u202c"),
    ("ana@acme.example", "ana@acme.example,"),
    ("ana@acme.example", "ana@acme.example."),
    ("ana@acme.example", "<ana@acme.example>"),
    ("ana@acme.example", '"ana@acme.example"'),
    ("ana@acme.example", "mailto:ana@acme.example"),
    ("ana@acme.example", "Ana Lopez <ana@acme.example>"),
]
UNCLEAR = ["ana lopez@acme.example", "ana@acme.example;bo@acme.example", "an\u200da@acme.example", "ana(at)a.example"]


def removals() -> list[Change]:
    return list(Change.select().where(Change.kind == "removed user"))


@pytest.mark.parametrize(("left", "stays"), LOOK_ALIKES)
def test_the_account_of_a_look_alike_is_not_put_up_for_removal(listed, left, stays):
    listed.add("1", email=stays, name="Somebody")
    people.mark_left(people.add("Who left", left, listed.by), listed.by)
    listed.check()
    assert (listed.account("1").match_kind, listed.account("1").person) == ("unmatched", None)
    assert removals() == []


@pytest.mark.parametrize(("left", "here"), ONE_MAILBOX)
def test_the_account_of_someone_who_left_is_found_in_every_spelling(listed, left, here):
    listed.add("1", email=here, name="Somebody")
    people.mark_left(people.add("Who left", left, listed.by), listed.by)
    listed.check()
    assert [change.account for change in removals()] == [listed.account("1")]


@pytest.mark.parametrize(("before", "after"), ONE_MAILBOX)
def test_a_list_that_spells_them_otherwise_says_nothing_new(tmp_path: Path, by: str, before, after):
    """"1 joined, 1 left" was what a zero-width space made of one person."""
    file = tmp_path / "staff.csv"
    file.write_text(f"email,name\n{before},Ana\nbo@acme.example,Bo\n")
    directory = directories.connect("csv", "Staff", {"file": str(file)}, by)
    assert read(directory)["joined"] == 2
    ana = people.find_by_email(before)
    file.write_text(f'email,name\n"{after.replace(chr(34), chr(34) * 2)}",Ana\nbo@acme.example,Bo\n')
    counts = read(directory)
    assert (counts["joined"], counts["deprovisioned"], counts["held"]) == (0, 0, 0)
    assert people.find_by_email(after) == ana and Person.get_by_id(ana.id).status == "active"
    assert Person.select().where(Person.name == "Ana").count() == 1


def read(directory: Directory) -> dict[str, int]:
    asked = directories.ask(directory, "schedule")
    directories.run(asked.id)
    reading = type(asked).get_by_id(asked.id)
    assert reading.state == "succeeded", reading.error
    return reading.counts


@pytest.mark.parametrize("text", [text for text in UNCLEAR if ";" not in text])  # which of two is asked
def test_a_file_with_an_invalid_address_is_refused_with_its_line(tmp_path: Path, by: str, text):
    rows = f'email,name\nbo@acme.example,Bo\n"{text}",Ana\n'
    with pytest.raises(PeopleProblem, match=r"line 3 .* isn't an e-mail address: .*Nothing was changed"):
        importing.import_csv(rows.encode(), by)
    assert people.find_by_email("bo@acme.example") is None
    with pytest.raises(Refused, match=r"line 3 .* isn't an e-mail address"):
        list(CsvExport({"source": "upload", "app": "Miro", "export": rows}).accounts())
    file = tmp_path / "staff.csv"
    file.write_text(rows)
    with pytest.raises(Refused, match=r"line 3 .* isn't an e-mail address"):
        directories.connect("csv", "Staff", {"file": str(file)}, by)


@pytest.mark.parametrize(("known", "spelled"), ONE_MAILBOX)
def test_an_import_finds_the_people_who_are_there(by: str, known, spelled):
    ana = people.add("Ana", known, by)
    quoted = spelled.replace('"', '""')
    listed = f'email,name\n"{quoted}",Ana Lopez\n'.encode()
    assert importing.import_csv(listed, by) == importing.ImportOutcome(0, 1, 0)
    assert Person.get_by_id(ana.id).name == "Ana Lopez"
    assert names.main_email(ana) == known


def test_an_export_with_both_of_two_look_alikes_has_two_accounts(tmp_path: Path):
    rows = "email\nmaria.weiss@acme.example\nmaria.weiß@acme.example\n"
    accounts = list(CsvExport({"source": "upload", "app": "Miro", "export": rows}).accounts())
    assert [account.id for account in accounts] == ["maria.weiss@acme.example", "maria.weiß@acme.example"]
    again = "email\nana@münchen.example\n<ana@xn--mnchen-3ya.example>\n"
    with pytest.raises(Refused, match="Lines 2 and 3"):
        list(CsvExport({"source": "upload", "app": "Miro", "export": again}).accounts())


@pytest.mark.parametrize(("known", "spelled"), ONE_MAILBOX)
def test_a_directory_that_is_read_finds_the_people_who_are_there(company: Scripted, by: str, known, spelled):
    ana = people.add("Ana", known, by)
    company.add("ana", spelled, "Ana")
    company.read()
    assert [entry.directory_id for entry in ana.entries] == [company.directory.id]
    assert [row.email for row in ana.emails] == [known]


def test_a_directory_sees_which_address_is_none_and_its_people_stay(company: Scripted):
    company.add("ana", "ana@acme.example", "Ana")
    company.read()
    company.say("ana", email="ana lopez@acme.example")
    company.read()
    assert people.find_by_email("ana@acme.example").status == "active"
    logged = Activity.select().where(Activity.what == "directory needs a look").get().why
    assert "gives Ana an address that was left out. ana lopez@acme.example isn't an e-mail address" in logged


def test_a_directory_by_ldap_finds_the_people_who_are_there(slapd: Slapd, by: str):
    ana, maria = people.add("Ana", "ana@acme.example", by), people.add("Maria", "maria@münchen.example", by)
    slapd.add("ana", "Ana Lopez", "Ana Lopez <ana@acme.example>,")
    slapd.add("maria", "Maria", "Maria@XN--MNCHEN-3YA.example")
    slapd.add("odd", "Odd One", "odd one@acme.example")
    three = slapd.settings(filter="(|(uid=ana)(uid=maria)(uid=odd))")
    directory = directories.connect("ldap", "Company LDAP", three, by)
    assert read(directory)["joined"] == 1
    assert [one.entries.count() for one in (ana, maria)] == [1, 1]
    logged = Activity.select().where(Activity.what == "directory needs a look").get().why
    assert "One an address that was left out. odd one@acme.example isn't an e-mail address: there is a space" in logged


@pytest.fixture
def desk(tmp_path: Path, home: Path):
    """An app that a file describes; `rows` is who is in it."""
    app = Anything()
    app.rows = []
    app.answer = lambda request: app.rows
    app.start()
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "tried.yaml").write_text(json.dumps(LEAST))
    connectors.load_folder(tmp_path / "files")
    yield app
    app.stop()
    connectors.load_folder(tmp_path / "nothing here")


def test_an_app_by_a_file_separates_look_alikes_and_joins_spellings(desk, olga, by: str):
    spellings = [pair for pair in ONE_MAILBOX if "maria@xn" not in pair[0]]  # who is also one of the look-alikes
    for left, _ in (*LOOK_ALIKES, *spellings):
        if people.find_by_email(left) is None:
            people.mark_left(people.add("Who left", left, by), by)
    seen = [here for _, here in (*LOOK_ALIKES, *spellings)]
    desk.rows = [{"id": number, "email": email} for number, email in enumerate(seen)]
    app = apps.connect("tried", "Tried", {"base_url": desk.url, "user": "olga", "token": SECRET}, [olga], by)
    asked = asking.ask(app, by)
    checks.run(asked.id)
    removed = {int(change.account.external_id) for change in removals()}
    assert removed == set(range(len(LOOK_ALIKES), len(seen)))


# SCIM push


@pytest.mark.parametrize(("known", "spelled"), ONE_MAILBOX)
def test_a_push_finds_the_person_and_answers_as_it_was_sent(okta: Provider, by: str, known, spelled):
    ana = people.add("Ana", known, by)
    user = okta.add("ana", emails=[{"value": spelled, "type": "work"}])
    assert okta.person(user) == ana
    assert okta.get(f"/Users/{user}")["emails"][0]["value"] == spelled
    okta.deactivate(user)
    assert Person.get_by_id(ana.id).status == "deprovisioned"


@pytest.mark.parametrize("text", UNCLEAR)
def test_a_push_of_an_invalid_address_is_refused_with_the_reason(okta: Provider, text):
    body = {"schemas": [USER], "userName": "ana", "active": True, "emails": [{"value": text, "type": "work"}]}
    answer = okta.call("POST", "/Users", body)
    assert problem(answer) == (400, "invalidValue") and "isn't an e-mail address" in json.loads(answer.text)["detail"]
    user = okta.add("ana", emails=[{"value": "ana@acme.example"}])
    answer = okta.call("PUT", f"/Users/{user}", body | {"id": user})
    assert problem(answer) == (400, "invalidValue")
    assert okta.get(f"/Users/{user}")["emails"][0]["value"] == "ana@acme.example"
    assert okta.call("PUT", f"/Users/{user}", body | {"id": user, "active": False}).status_code == 200
    assert people.find_by_email("ana@acme.example").status == "deprovisioned", "who is switched off is switched off"


# Signing in through a provider

PASSWORD = "correct horse battery"
KNOWN = Settings(issuer="https://id.acme.example", client_id="rollcall", default_role="user")


def claims(email: str, subject: str = "u-1") -> dict:
    return {"iss": KNOWN.issuer, "sub": subject, "email": email, "email_verified": True, "name": "Somebody"}


@pytest.mark.parametrize(("theirs", "claimed"), LOOK_ALIKES)
def test_a_verified_look_alike_signs_in_as_someone_else(by: str, theirs, claimed):
    owner = people.add("The owner", theirs, by, workspace_role="owner")
    came_in = oidc_people.admit(claims(claimed), KNOWN)
    assert came_in != owner and came_in.workspace_role == "user"


@pytest.mark.parametrize(("theirs", "claimed"), ONE_MAILBOX)
def test_a_verified_address_signs_in_its_owner_in_every_spelling(by: str, theirs, claimed):
    owner = people.add("Whose it is", theirs, by, workspace_role="user")  # above a user, the first time is confirmed
    assert oidc_people.admit(claims(claimed), KNOWN) == owner


def test_a_sign_in_that_was_linked_by_a_look_alike_is_unlinked(by: str):
    """From before, when a verified maria@weiß.example signed in as the Owner maria@weiss.example."""
    owner = people.add("The owner", "maria@weiss.example", by, workspace_role="owner")
    SignInIdentity.create(issuer=KNOWN.issuer, subject="u-1", person=owner, email="maria@weiss.example")
    came_in = oidc_people.admit(claims("maria@weiß.example"), KNOWN)
    assert came_in != owner and SignInIdentity.get().person == came_in
    logged = Activity.get(Activity.what == "unlinked sign-in")
    assert logged.person == owner and "they are different mailboxes" in logged.why


# Forms, the command line, invitations


@pytest.mark.parametrize(("known", "spelled"), ONE_MAILBOX)
def test_a_form_finds_the_person_who_is_there(owner, by: str, known, spelled):
    ana = people.add("Ana", known, by)
    answer = owner.post("/people", name="Ana again", email=spelled)
    assert answer.status_code == 422 and "belongs to Ana" in answer.text
    assert people.find_by_email(spelled) == ana
    sign_in.set_password(ana, "correct horse battery")
    people.set_workspace_role(ana, "user", by)
    assert sign_in.authenticate(spelled, "correct horse battery") == ana


@pytest.mark.parametrize(("theirs", "typed"), LOOK_ALIKES)
def test_a_look_alike_neither_finds_nor_signs_in_anybody(by: str, theirs, typed):
    ana = people.add("Ana", theirs, by, workspace_role="owner")
    sign_in.set_password(ana, "correct horse battery")
    assert people.find_by_email(typed) is None
    assert sign_in.authenticate(typed, "correct horse battery") is None
    assert people.add("Somebody else", typed, by) != ana


def test_a_form_keeps_the_clean_address(owner):
    owner.post("/people", name="Ana", email=" \u200bAna Lopez <Ana@acme.example>, ")
    [row] = people.find_by_email("ana@acme.example").emails
    assert (row.email, row.email_key) == ("Ana@acme.example", "ana@acme.example")


@pytest.mark.parametrize("text", UNCLEAR[:1] + UNCLEAR[2:])
def test_a_form_with_an_invalid_address_comes_back_with_the_reason(owner, text):
    answer = owner.post("/people", name="Ana", email=text)
    assert answer.status_code == 422
    assert "isn&#39;t an e-mail address: " in answer.text and "Nothing was changed." in answer.text


def test_an_invitation_goes_to_the_clean_address_once(chat):
    typed = "<Ana@münchen.example>, ana@xn--mnchen-3ya.example, maria.weiß@acme.example, maria.weiss@acme.example"
    clean = ["Ana@münchen.example", "maria.weiß@acme.example", "maria.weiss@acme.example"]
    assert invitations.addresses(typed) == clean
    invitation = invitations.invite(chat.app, "mailto:ana@acme.example", "member", chat.by)
    assert (invitation.email, invitation.email_key) == ("ana@acme.example", "ana@acme.example")
    assert invitations.invite(chat.app, "ANA@acme.example.", "member", chat.by) == invitation
    assert Invitation.select().count() == 1


def test_the_preview_marks_invitations_that_mail_may_not_reach(owner, chat):
    address = f"/apps/{chat.app.id}/invitations"
    shown = owner.post(address, people="jörg@acme.example, bo@acme.example", role="member").text
    assert "Mail to jörg@acme.example can only be sent through a mail server that offers SMTPUTF8" in shown
    assert "SMTPUTF8" not in owner.post(address, people="bo@münchen.example", role="member").text


def test_where_an_address_is_typed_it_is_shown_that_mail_may_not_reach_it(owner, anybody, by: str, smtp: SmtpServer):
    added = owner.post("/people", name="Jörg", email="jörg@acme.example")
    assert "none is set yet" in owner.get(added.location).text
    outbox.configure(smtp.url, "http://127.0.0.1:8000")
    try:
        shown = owner.get(added.location).text
        assert "can&#39;t send e-mail to jörg@acme.example" in shown and "must offer SMTPUTF8" in shown
        people.edit(people.find_by_email("jörg@acme.example"), by, emails=["joerg@acme.example", "jörg@acme.example"])
        assert "SMTPUTF8" not in owner.get(added.location).text, "mail goes to the first"
        listed = "email,name\nzoë@acme.example,Zoë\n".encode()
        form = {"csrf_token": owner.token(), "file": (io.BytesIO(listed), "list.csv")}
        imported = owner.client.post("/people/imports", data=form, content_type="multipart/form-data")
        assert "can&#39;t send e-mail to zoë@acme.example" in owner.get(imported.location).text
    finally:
        outbox.configure(None, "http://127.0.0.1:8000")
        mail_reach._known.clear()


def test_at_the_first_start_too(anybody):
    token = sign_in.setup_link_token()
    given = {"token": token, "workspace": "Acme", "name": "Jörg", "email": "jörg@acme.example"}
    done = anybody.post("/setup", **given, password=PASSWORD, password_again=PASSWORD)
    assert "offers SMTPUTF8: none is set yet" in anybody.get(done.location).text


def test_the_field_lets_such_addresses_and_what_is_cleaned_through(anybody):
    """A browser refuses them in an input of the type email."""
    page = anybody.get(f"/setup?token={sign_in.setup_link_token()}").text
    assert 'type="text" inputmode="email"' in page and 'type="email"' not in page


@pytest.mark.parametrize(("known", "spelled"), ONE_MAILBOX)
def test_the_command_line_finds_the_person_who_is_there(by: str, known, spelled):
    ana = people.add("Ana", known, by)
    assert cli.apps._person(spelled) == ana


def test_a_user_name_at_a_domain_in_either_form(listed):
    ana = people.add("Ana", "ana@münchen.example", listed.by)
    listed.add("1", user_name="ana")
    listed.check()
    match_rules.set_domain(App.get_by_id(listed.app.id), "XN--MNCHEN-3YA.example", listed.by)
    assert listed.account("1").person == ana
    assert App.get_by_id(listed.app.id).match_domain == "xn--mnchen-3ya.example"
    assert match_rules.set_domain(App.get_by_id(listed.app.id), "münchen.example", listed.by) == 0
    assert "user name@münchen.example" in Activity.get(Activity.what == "changed matching by user name").after


@pytest.mark.parametrize(
    ("email", "state"), [("WEISS@acme.example", "done"), ("<weiss@acme.example>", "done"),
                         ("weiß@acme.example", "no longer needed")],
)  # fmt: skip
def test_the_last_look_before_an_operation_knows_the_address_in_every_spelling(chat, email, state):
    chat.store.add("weiss@acme.example", "Maria", "member", via="page")
    people.mark_left(people.add("Maria", "weiss@acme.example", chat.by), chat.by)
    reports.finish(chat.check().report, chat.by)
    [task] = Task.select().where(Task.kind == "remove")
    with chat.store.writing() as store:
        store.execute("UPDATE member SET email = ? WHERE email = 'weiss@acme.example'", (email,))
    tasks.run(task.id)
    assert Task.get_by_id(task.id).state == state
