"""Nobody changes someone above them by a list, a directory or a push: it is held, and released by someone of rank."""

from __future__ import annotations

from datetime import date

import pytest

from sync import rank
from sync.directory import directories, precedence, push
from sync.matching import vouching
from sync.models import Activity, Directory, HeldChange, Person
from sync.people import held, importing, people
from sync.rank import Asker, NotAllowed
from tests.web.client import Client
from tests.web.provider import Provider

EVIL = "mallory@evil.example"
LISTS = {
    "admin_becomes_owner": f"email,further emails,name,status\nolga@acme.example,{EVIL},Olga Brandt,active\n",
    "admin_removes_owner": "email,name,status\nolga@acme.example,Olga Brandt,deprovisioned\n",
    "admin_suspends_owner": "email,name,status\nolga@acme.example,Olga Brandt,suspended\n",
    "admin_renames_owner": "email,name,manager,department,employee number\nolga@acme.example,Mal,m,IT,4711\n",
    "admin_ends_owner_later": "email,name,last day\nolga@acme.example,Olga Brandt,2031-01-01\n",
}


def _as_now(person: Person) -> tuple:
    now = Person.get_by_id(person.id)
    return (now.name, now.status, now.employee_number, now.manager, now.department, now.workspace_role, now.last_day,
            sorted((email.email, email.main, email.disputed) for email in now.emails))


@pytest.fixture
def mallory(someone) -> Person:
    """An admin; and there is a second Owner, so that the rule of the last one says nothing."""
    someone("Jana Kowalski", role="owner")
    return someone("Mallory Admin", role="admin")


def _directory(file, text: str, by: Asker) -> Directory:
    """A list of ten people and this one, as a directory."""
    header, *rows = text.strip().split("\n")
    emails = ["jana.kowalski@acme.example", *(f"p{number}@acme.example" for number in range(9))]
    more = [email + "," * header.count(",") for email in emails]
    file.write_text("\n".join([header, *rows, *more]) + "\n")
    known = Directory.get_or_none(Directory.name == "Mine")
    directory = known or directories.connect("csv", "Mine", {"file": str(file)}, by)
    _read(directory)
    return directory


def _read(directory: Directory) -> None:
    reading = directories.ask(directory, "schedule")
    directories.run(reading.id)
    assert directory.readings.order_by(directory.readings.model.id.desc()).get().state == "succeeded"


@pytest.mark.parametrize("attack", LISTS)
def test_an_imported_change_of_someone_above_is_held(mallory, olga, attack):
    before = _as_now(olga)
    outcome = importing.import_csv(LISTS[attack].encode(), Asker.person(mallory))
    assert _as_now(olga) == before
    assert outcome.held == 1 and outcome.updated == 0
    waiting = held.waiting(olga)
    assert waiting and all(change.asked_by.startswith("Mallory Admin") for change in waiting)
    again = importing.import_csv(LISTS[attack].encode(), Asker.person(mallory))
    assert (again.held, len(held.waiting(olga))) == (0, len(waiting)), "the same is asked once"


@pytest.mark.parametrize("attack", LISTS)
def test_the_same_list_by_an_owner_or_the_command_line_is_applied(mallory, olga, by, attack):
    before = _as_now(olga)
    importing.import_csv(LISTS[attack].encode(), by)
    assert _as_now(olga) != before and not held.waiting()


@pytest.mark.parametrize("attack", LISTS)
def test_a_change_of_an_owner_from_an_admins_directory_is_held(mallory, olga, tmp_path, attack):
    before = _as_now(olga)
    directory = _directory(tmp_path / "list.csv", LISTS[attack], Asker.person(mallory))
    _read(directory)
    assert _as_now(olga) == before
    assert bool(held.waiting(olga, directory) or directories.held(directory)) == (attack != "admin_ends_owner_later")


def test_an_owner_who_is_missing_from_it_is_held(mallory, olga, tmp_path):
    directory = _directory(tmp_path / "list.csv", "email,name\nolga@acme.example,Olga\n", Asker.person(mallory))
    _directory(tmp_path / "list.csv", "email,name\nelse@acme.example,Else\n", Asker.person(mallory))
    assert _as_now(olga)[1] == "active"
    assert [entry.person_id for entry in directories.held(directory)] == [olga.id]


@pytest.mark.parametrize("attack", LISTS)
def test_a_directory_of_an_owner_and_one_that_an_owner_vouches_for_change_owners(mallory, olga, by, tmp_path, attack):
    before = _as_now(olga)
    directory = _directory(tmp_path / "list.csv", LISTS[attack], by)
    changed = _as_now(olga)
    if attack in ("admin_ends_owner_later",):
        return  # the day is kept beside the entry
    assert changed != before and not directories.held(directory)
    vouched, _ = push.connect("Another", Asker.person(mallory))
    assert vouching.rank_of_directory(vouched) == 2
    vouching.vouch(vouched, by)
    assert vouching.rank_of_directory(vouched) == 0
    assert Activity.select().where(Activity.what == "vouched for directory", Activity.about == "Another").exists()


def test_a_change_of_an_owner_pushed_by_an_admins_directory_is_held(site, mallory, olga):
    before = _as_now(olga)
    mine = Provider(site, "Mine", Asker.person(mallory))
    user = mine.add("olga@acme.example", emails=[{"value": EVIL}, {"value": "olga@acme.example"}])
    mine.patch(f"/Users/{user}", {"op": "replace", "path": "displayName", "value": "Mallory"})
    assert {change.field for change in held.waiting(olga, mine.directory)} == {"address", "name"}
    mine.deactivate(user)
    assert _as_now(olga) == before
    mine.call("DELETE", f"/Users/{user}")
    assert _as_now(olga) == before
    assert [entry.person_id for entry in directories.held(mine.directory)] == [olga.id]
    assert not held.waiting(olga, mine.directory), "what it no longer says doesn't wait any longer"


def test_nobody_takes_an_address_from_someone_above_by_a_directory(site, mallory, olga, by):
    people.edit(olga, by, emails=["olga@acme.example", "olga.b@acme.example"])
    okta = Provider(site, "Okta", by)
    user = okta.add("olga@acme.example", emails=[{"value": "olga@acme.example"}, {"value": "olga.b@acme.example"}])
    before = _as_now(olga)
    mine = Provider(site, "Mine", Asker.person(mallory))
    mine.add("olga.b@acme.example", displayName="Mallory Other")
    assert _as_now(olga) == before, "neither taken nor disputed"
    okta.patch(f"/Users/{user}", {"op": "replace", "path": "emails", "value": [{"value": "olga@acme.example"}]})
    mine.add("second@evil.example", displayName="Mallory Other", emails=[{"value": "olga.b@acme.example"}])
    assert people.find_by_email("olga.b@acme.example") == olga


def test_it_is_asked_by_the_rank_that_the_creator_has_now(mallory, olga, someone, by, tmp_path):
    sue = someone("Sue Super", role="super admin")
    directory, _ = push.connect("Mine", Asker.person(mallory))
    ranks = []
    for role in ("super admin", "owner", "user", None, "admin"):
        people.set_workspace_role(mallory, role, by)
        ranks.append(vouching.rank_of_directory(directory))
    assert ranks == [1, 0, 3, 3, 2]
    people.mark_left(mallory, by)
    assert vouching.rank_of_directory(directory) == 3, "a directory of someone who left may change plain users alone"
    push.rotate(directory, Asker.person(sue))
    assert vouching.rank_of_directory(directory) == 1, "who has its new token is responsible for it"


def test_the_person_who_changes_how_it_is_read_is_responsible_for_it(mallory, olga, by, tmp_path):
    file = tmp_path / "list.csv"
    directory = _directory(file, LISTS["admin_renames_owner"], Asker.command_line())
    assert Directory.get_by_id(directory.id).vouched_for, "the command line counts as an Owner"
    directories.reconnect(Directory.get_by_id(directory.id), {"file": str(file)}, by)
    assert vouching.rank_of_directory(directory) == 0
    directories.reconnect(Directory.get_by_id(directory.id), {"file": str(file)}, Asker.person(mallory))
    assert vouching.rank_of_directory(directory) == 2, "the Owner's word ends"
    assert Activity.select().where(Activity.what == "answers for directory", Activity.about == "Mine").exists()


def test_held_changes_are_released_or_dismissed_by_someone_of_rank_alone(site, mallory, olga, by):
    importing.import_csv(LISTS["admin_renames_owner"].encode(), Asker.person(mallory))
    importing.import_csv(LISTS["admin_becomes_owner"].encode(), Asker.person(mallory))
    admin, owner = Client(site, mallory), Client(site, olga)
    for change in held.waiting(olga):
        assert admin.post(f"/people/held/{change.id}/release").status_code == 403
        assert admin.send("DELETE", f"/people/held/{change.id}").status_code == 403
        with pytest.raises(NotAllowed):
            held.release(change, Asker.person(mallory))
    page = owner.get(f"/people/{olga.id}").text
    assert EVIL in page and "Mallory Admin" in page and "Held changes" in page and page.count(">Release<") == 6 - 1
    assert EVIL in owner.get("/people").text
    by_field = {change.field: change for change in held.waiting(olga)}
    assert owner.send("DELETE", f"/people/held/{by_field['address'].id}").status_code == 303
    for field in ("name", "employee number", "manager", "department"):
        assert owner.post(f"/people/held/{by_field[field].id}/release").status_code == 303
    now = Person.get_by_id(olga.id)
    assert (now.name, now.employee_number, now.manager, now.department) == ("Mal", "4711", "m", "IT")
    assert people.find_by_email(EVIL) is None and not held.waiting()
    assert HeldChange.select().where(HeldChange.state == "dismissed").count() == 1


def test_a_dismissed_change_is_not_proposed_again_by_the_next_reading(mallory, olga, by, tmp_path):
    text = "email,name,further emails\nolga@acme.example,Mallory,evil@evil.example\n"
    directory = _directory(tmp_path / "list.csv", text, Asker.person(mallory))
    for change in held.waiting(olga):
        held.dismiss(change, by)
    _read(directory)
    assert not held.waiting()
    _directory(tmp_path / "list.csv", text.replace("evil@evil", "new@evil"), Asker.person(mallory))
    assert [change.value for change in held.waiting()] == ["new@evil.example"]


def test_held_statuses_of_people_above_are_let_through_by_someone_of_rank_alone(mallory, olga, someone, by, tmp_path):
    bo = someone("Bo Other", role="super admin")
    text = "email,name,status\nolga@acme.example,Olga,deprovisioned\nbo.other@acme.example,Bo,deprovisioned\n"
    directory = _directory(tmp_path / "list.csv", text, Asker.person(mallory))
    assert len(directories.held(directory)) == 2
    with pytest.raises(NotAllowed):
        directories.release(directory, Asker.person(mallory))
    sue = someone("Sue Super", role="super admin")
    assert directories.release(directory, Asker.person(sue)) == 1
    assert Person.get_by_id(bo.id).status == "deprovisioned" and Person.get_by_id(olga.id).status == "active"
    assert directories.release(directory, by) == 1
    assert Person.get_by_id(olga.id).status == "deprovisioned"


def test_an_admin_neither_removes_nor_outranks_the_directory_of_an_owner(mallory, olga, by):
    first, _ = push.connect("First", by)
    mine, _ = push.connect("Mine", Asker.person(mallory))
    with pytest.raises(NotAllowed):
        precedence.move(mine, -1, Asker.person(mallory))
    with pytest.raises(NotAllowed):
        directories.remove(first, Asker.person(mallory))
    assert precedence.move(mine, -1, by)


def test_a_text_is_not_who_asks(olga):
    with pytest.raises(TypeError):
        people.edit(olga, "command line", name="Mallory")
    assert not rank.may_change(Asker("Nobody", None), Person.create(name="X"))


def test_a_last_day_from_a_list_of_an_admin_ends_nobody_above(mallory, olga):
    importing.import_csv(LISTS["admin_ends_owner_later"].encode(), Asker.person(mallory))
    assert Person.get_by_id(olga.id).last_day is None
    [change] = [change for change in held.waiting(olga) if change.field == "last day"]
    held.release(change, Asker.command_line())
    assert Person.get_by_id(olga.id).last_day == date(2031, 1, 1)


def test_an_owner_left_out_of_the_directory_of_an_admin_does_not_leave(mallory, olga, tmp_path):
    file = tmp_path / "list.csv"
    directory = _directory(file, f"email,name\nolga@acme.example,{olga.name}\n", Asker.person(mallory))
    assert directories.held(directory) == []
    rows = file.read_text().splitlines(keepends=True)
    file.write_text("".join(row for row in rows if not row.startswith(("olga@", "p0@"))))
    _read(directory)
    assert [entry.person.id for entry in directories.held(directory)] == [olga.id]
    assert Person.get_by_id(olga.id).status == "active"
    assert people.find_by_email("p0@acme.example").status == "deprovisioned", "below the admin, the list decides"
