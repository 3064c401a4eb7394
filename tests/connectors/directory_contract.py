"""What every directory that is read over HTTP must do, as one battery of tests against a fake behind real HTTP.

To test one, write tests/connectors/directories/test_<slug>.py with two classes (test_directory_contract.py has a small
pair to copy):

1. A `FakeApp` (fake.py): `facts` as in contract.py, and one method for each that answers in the directory's own
   form. `self.listed` (Staff, below) are its people, `self.things` its groups: `thing.members` holds the ids of those
   in it. `account_list` names the `answer` that lists people, `group_lists` (here, in the battery) those about groups.
   A Staff's `status` is the directory's own word ("LOCKED_OUT"): the fake writes it in whatever fields that takes.
2. A subclass of `DirectoryContract` with the attributes below; its name begins with Test. `statuses` names every
   status of the directory and what it is to Rollcall; the first one must be active. Whatever is peculiar to the
   directory (delta, its own error codes) is a further test in it, with the fixtures `app` and `connector`.

Where the API has no total, no further e-mails, no numbers, no groups, say so by sends_… = False and a comment why.
A directory with OAuth2: `address = ("api", "login")` points both hosts at the fake; the token call is one of its
facts, `is_authorised` lets it pass, and `secrets` names what must never be shown (a key's lines, the issued token).
A fault may be limited: app.fail(Reply(500), on="users", skip=1, times=FOREVER); see fake.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from connectors.base import CredentialRejected, DirectoryConnector, DirectoryPerson, TemporarilyUnavailable
from tests.connectors.fake import FOREVER, FakeApp, Reply, Seat, Thing
from tests.connectors.reading_contract import NAMES, ReadingContract


@dataclass
class Staff(Seat):
    """One person in the fake directory; `status` is its own word."""

    user_name: str = ""
    further_emails: tuple[str, ...] = ()
    employee_number: str = ""


class DirectoryContract(ReadingContract):
    kind: type[DirectoryConnector]
    statuses: dict[str, str] = {"active": "active"}  # the directory's own → active, suspended, deprovisioned
    sends_total = False  # few do
    sends_further_emails = True
    sends_numbers = True
    sends_groups = True
    group_lists: tuple[str, ...] = ()  # the `answer` of each call that reads groups or who is in them
    group_page = 100  # how many members of a group, or groups of a person, are asked for at once

    def read(self, connector: DirectoryConnector) -> list[DirectoryPerson]:
        return list(connector.people())

    def make_seat(self, n: int) -> Staff:
        """The n-th person; override where ids or e-mails have a form."""
        email = f"person{n}@acme.example"
        return Staff(f"id-{n}", email, f"Person {n}", next(iter(self.statuses)), user_name=email)

    def make_group(self, n: int) -> Thing:
        return Thing(f"group-{n}", f"Group {n}")

    def people(self, connector: DirectoryConnector) -> dict[str, DirectoryPerson]:
        return {person.id: person for person in self.read(connector)}

    # The class itself

    def test_says_what_a_person_needs_to_connect_it(self):
        assert self.kind.slug and self.kind.label and self.kind.docs and self.kind.fields
        names = [field.name for field in self.kind.fields]
        assert len(names) == len(set(names))
        assert all(field.label for field in self.kind.fields)
        assert any(field.secret for field in self.kind.fields)

    def test_its_statuses_are_ours(self):
        assert next(iter(self.statuses.values())) == "active"
        assert {"active", "deprovisioned"} <= set(self.statuses.values()) <= {"active", "suspended", "deprovisioned"}

    # Reading

    def test_reads_every_status(self, app, connector):
        self.fill(app, len(self.statuses))
        for person, status in zip(app.seats, self.statuses):
            person.status = status
        got = {person.id: person.status for person in self.read(connector)}
        assert got == {person.id: self.statuses[person.status] for person in app.seats}

    def test_reads_who_someone_is(self, app, connector):
        self.fill(app, 2)
        [one, _] = app.seats
        if self.sends_numbers:
            one.employee_number = "0017"
        if self.sends_further_emails:
            one.further_emails = ("one@acme.example", "one@old.example")
        assert self.people(connector)[one.id] == DirectoryPerson(
            id=one.id, email=one.email, name=one.name, status="active", user_name=one.user_name,
            further_emails=one.further_emails, employee_number=one.employee_number,
        )  # fmt: skip

    @pytest.mark.only_where("sends_further_emails")
    def test_one_address_is_reported_once(self, app, connector):
        self.fill(app, 1)
        [one] = app.seats
        one.further_emails = (one.email, "two@acme.example")
        assert self.people(connector)[one.id].further_emails == ("two@acme.example",)

    # Groups

    @pytest.mark.only_where("sends_groups")
    def test_reads_who_is_in_which_group(self, app, connector):
        self.fill(app, 3)
        app.things = [self.make_group(n) for n in range(3)]
        app.things[0].members = {app.seats[0].id: "", app.seats[2].id: ""}
        app.things[1].members = {app.seats[0].id: ""}
        got = {id: set(person.groups) for id, person in self.people(connector).items()}
        assert [got[person.id] for person in app.seats] == [{"Group 0", "Group 1"}, set(), {"Group 0"}]

    @pytest.mark.only_where("sends_groups")
    def test_reads_every_page_of_a_group(self, app, connector):
        self.fill(app, self.group_page + 1)
        app.things = [self.make_group(0)]
        app.things[0].members = {person.id: "" for person in app.seats}
        assert [person.groups for person in self.read(connector)] == [("Group 0",)] * len(app.seats)

    @pytest.mark.only_where("sends_groups")
    def test_reads_every_page_of_groups(self, app, connector):
        self.fill(app, 1)
        app.things = [self.make_group(n) for n in range(self.group_page + 1)]
        for group in app.things:
            group.members = {app.seats[0].id: ""}
        [person] = self.read(connector)
        assert set(person.groups) == {group.name for group in app.things}
        assert len(person.groups) == self.group_page + 1

    @pytest.mark.only_where("sends_groups")
    def test_keeps_groups_of_every_script(self, app, connector):
        self.fill(app, 1)
        app.things = [self.make_group(n) for n in range(len(NAMES))]
        for group, name in zip(app.things, NAMES):
            group.name, group.members = name, {app.seats[0].id: ""}
        [person] = self.read(connector)
        assert set(person.groups) == set(NAMES)

    @pytest.mark.only_where("sends_groups")
    @pytest.mark.parametrize("fault", ["500", "not allowed"])
    def test_groups_that_cannot_be_read_fail_the_reading(self, app, connector, fault):
        """Else everyone would be in no group, and lose what the groups give."""
        self._group(app)
        for answer in self.group_lists:
            app.fail(Reply(500) if fault == "500" else app.error(403, "Not allowed."), on=answer, times=FOREVER)
            with pytest.raises(TemporarilyUnavailable if fault == "500" else CredentialRejected):
                self.read(connector)
            app.behave()

    @pytest.mark.only_where("sends_groups")
    def test_a_group_or_person_that_goes_in_the_meantime_hides_nobody(self, app, connector):
        self._group(app)
        for answer in self.group_lists:
            app.fail(app.error(404, "Not found."), on=answer, times=FOREVER)
            try:
                got = set(self.people(connector))
            except TemporarilyUnavailable:
                got = {person.id for person in app.seats}
            assert got == {person.id for person in app.seats}
            app.behave()

    def _group(self, app: FakeApp) -> None:
        assert self.group_lists, "name the calls that read groups"
        self.fill(app, 2)
        app.things = [self.make_group(0)]
        app.things[0].members = {app.seats[0].id: ""}
