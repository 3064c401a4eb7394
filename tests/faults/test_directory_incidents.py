"""The incidents of other programs' directory syncs, each re-enacted from start to end and named after its row."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.base import DirectoryPerson, TemporarilyUnavailable
from connectors.directories.ldap import LdapDirectory
from sync import names
from sync.config import Config
from sync.db import db
from sync.directory import directories
from sync.mail import outbox
from sync.models import Account, Activity, App, Directory, DirectoryEntry, DirectoryReading, Mail, Person, PersonEmail
from sync.people import people
from tests.blank import Copy
from tests.real.slapd import Slapd
from tests.sync.scripted import Scripted


@pytest.fixture(scope="module")
def has_read() -> dict[int, Copy]:
    """An installation that has read a company by LDAP, by the number of its people, once a test needs it."""
    return {}


@pytest.fixture
def ldap(slapd: Slapd, config: Config, by: str, has_read: dict[int, Copy]) -> Directory:
    """The company's 100 people by LDAP, read once."""
    return have_read(slapd, 100, config, by, has_read)


@pytest.fixture
def large_ldap(large_slapd: Slapd, config: Config, by: str, has_read: dict[int, Copy]) -> Directory:
    """1,000 people: two pages, and more than slapd gives without pages."""
    return have_read(large_slapd, 1000, config, by, has_read)


def have_read(slapd: Slapd, count: int, config: Config, by: str, has_read: dict[int, Copy]) -> Directory:
    if count not in has_read:
        directory = directories.connect("ldap", "Company LDAP", slapd.settings(), by)
        assert read(directory).counts["joined"] == count
        has_read[count] = Copy.of(config)
    db.close()
    has_read[count].open(config)
    directory = Directory.get()
    directory.settings |= {"url": slapd.url}
    directory.save()
    return directory


def read(directory: Directory) -> DirectoryReading:
    asked = directories.ask(directory, "schedule")
    directories.run(asked.id)
    return DirectoryReading.get_by_id(asked.id)


def gone() -> set[str]:
    return {names.main_email(person) for person in Person.select().where(Person.status == "deprovisioned")}


def test_directory_time_limit(company):
    """go-gitea/gitea issue 4402: the server gave up after a part of the list; everyone was deactivated."""

    def give_up(given: int) -> None:
        if given == 3:
            raise TemporarilyUnavailable('The directory answered "timeLimitExceeded" (3).')

    company.interrupt = give_up
    reading = company.read()
    assert reading.state == "failed" and "timeLimitExceeded" in reading.error
    assert gone() == set()
    assert "timeLimitExceeded" in Activity.select().where(Activity.what == "directory reading failed").get().why


def test_directory_unreachable(ldap, slapd):
    """opnsense/core issue 10129, zulip/zulip issue 13130: no connection; all users were deleted, without an alert."""
    slapd.stop()
    for failures in (1, 2, 3):
        assert read(ldap).state == "failed"
        assert Directory.get_by_id(ldap.id).failures == failures
        mails = list(Mail.select().where(Mail.kind == "directory failed"))
        assert len(mails) == (1 if failures == 3 else 0)
    assert mails[0].to == "olga@acme.example" and "Company LDAP" in mails[0].subject
    assert "can't be reached" in mails[0].text
    assert gone() == set()
    slapd.start()
    slapd.delete("p0001")
    assert read(ldap).counts["deprovisioned"] == 1
    assert gone() == {"p0001@acme.example"}


def test_directory_unreachable_in_the_middle(large_ldap, large_slapd, monkeypatch):
    """The same, when the server dies after the first page."""
    give = LdapDirectory.people

    def killed_after_a_page(self: LdapDirectory) -> Iterator[DirectoryPerson]:
        for given, person in enumerate(give(self)):
            if given == 0:
                large_slapd.kill()
            yield person

    monkeypatch.setattr(LdapDirectory, "people", killed_after_a_page)
    reading = read(large_ldap)
    assert (reading.state, reading.people_read) == ("failed", 500)
    assert gone() == set()


def test_directory_warning(company):
    """glpi-project/glpi issue 984: one lookup among 512 failed, its false was taken for "deleted"."""
    company.say("id5", status="")
    assert company.read().state == "failed"
    company.say("id5", status="active")

    def one_fails(given: int) -> None:
        if given == 5:
            raise TemporarilyUnavailable("one lookup failed")

    company.interrupt = one_fails
    assert company.read().state == "failed"
    assert gone() == set()


def test_empty_directory(large_ldap, large_slapd, by):
    """go-gitea/gitea issue 7949: a successful but empty answer deactivated everyone; here someone must approve."""
    large_ldap.settings |= {"filter": "(uid=nobody)"}
    large_ldap.save()
    reading = read(large_ldap)
    assert (reading.state, reading.counts["held"]) == ("succeeded", 1000)
    assert gone() == set()
    [mail] = Mail.select().where(Mail.kind == "directory held")
    assert mail.to == "olga@acme.example" and "1,000" in mail.subject
    assert len(directories.held(large_ldap)) == 1000
    assert read(large_ldap).counts["held"] == 1000
    assert Mail.select().where(Mail.kind == "directory held").count() == 1
    directories.release(large_ldap, by)
    assert len(gone()) == 1000


def test_size_limit(large_ldap, large_slapd):
    """slapd's default: 500 of 1,000 people come, then "size limit exceeded"; the others look like leavers."""
    large_slapd.stop()
    large_slapd.config.write_text("\n".join(
        line for line in large_slapd.config.read_text().splitlines() if not line.startswith("limits")))
    large_slapd.start()
    reading = read(large_ldap)
    assert reading.state == "failed" and "sizeLimitExceeded" in reading.error
    assert gone() == set()


def test_still_valid(ldap, slapd):
    """zammad/zammad issue 1211: people deleted from the directory stayed active for ever."""
    slapd.delete("p0001")
    slapd.disable("p0002")
    read(ldap)
    assert gone() == {"p0001@acme.example", "p0002@acme.example"}
    reasons = [person.status_reason for person in Person.select().where(Person.status == "deprovisioned")
               .order_by(Person.name)]
    assert reasons == ["No longer in Company LDAP", "Disabled in Company LDAP"]


def test_recreated(ldap, slapd, by):
    """Budibase/budibase issue 17628: connected again, everyone got a new identity and lost their relations."""
    app = App.create(connector="x", name="X", category="Seat-based", state="active")
    one = people.find_by_email("p0001@acme.example")
    account = Account.create(
        app=app,
        external_id="1",
        email="p0001@acme.example",
        email_key="p0001@acme.example",
        person=one,
        match_kind="matched",
    )
    before = {email.email_key: email.person_id for email in PersonEmail.select()}
    directories.remove(ldap, by)
    assert gone() == set()
    slapd.modify("p0001", mail="married@acme.example")
    again = directories.connect("ldap", "Company LDAP", slapd.settings(), by)
    assert read(again).counts["joined"] == 0
    assert people.find_by_email("married@acme.example") == one
    assert before.items() <= {email.email_key: email.person_id for email in PersonEmail.select()}.items()
    assert Account.get_by_id(account.id).person == one
    slapd.delete("p0001")
    read(again)
    assert Person.get_by_id(one.id).status == "deprovisioned"


def test_case_of_e_mail(ldap, slapd, by):
    """langfuse PR 13528, ory/polis PR 4065: Ana@ and ana@ were two people, or an unrelated user was linked."""
    ana = people.add("Ana", "ANA@Acme.Example", by)
    slapd.add("ana", "Ana López", "ana@acme.example")
    slapd.modify("p0001", mail="P0001@ACME.EXAMPLE")
    assert read(ldap).counts["joined"] == 0
    assert DirectoryEntry.get(DirectoryEntry.user_name == "ana").person == ana
    assert PersonEmail.select().where(PersonEmail.email_key == "p0001@acme.example").count() == 1
    with pytest.raises(people.PeopleProblem):
        people.add("Another", "aNa@acme.example", by)


def test_reactivated(ldap, slapd, by):
    """Rocket.Chat issue 17561: each night's sync reactivated people deactivated by hand; and the reverse."""
    one, two = (people.find_by_email(f"p000{number}@acme.example") for number in (1, 2))
    slapd.disable("p0002")
    read(ldap)
    people.mark_left(one, by, "left on Friday")
    people.mark_returned(Person.get_by_id(two.id), by)
    for _night in range(3):
        read(ldap)
        assert Person.get_by_id(one.id).status == "deprovisioned"
        assert Person.get_by_id(two.id).status == "active"
    slapd.disable("p0001")
    read(ldap)
    slapd.enable("p0001")
    read(ldap)
    assert Person.get_by_id(one.id).status == "active"


def test_an_e_mail_of_each_incident_leaves_by_the_outbox(scripted: type[Scripted], by: str):
    """What the rows promise is in the outbox before anyone says so: it waits there while no server is set."""
    company = Scripted(count=3)
    company.read()
    company.entries.clear()
    company.read()
    assert not outbox.can_send()
    assert [mail.state for mail in Mail.select()] == ["queued"]
