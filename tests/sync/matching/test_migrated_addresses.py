"""A file whose addresses were compared by case folding is opened: nothing is lost, nobody is taken for another."""

from __future__ import annotations

import functools
import shutil
import sqlite3
import tempfile
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from peewee import SqliteDatabase
from playhouse.migrations import Runner

from sync import activity, names
from sync.config import Config
from sync.db import MIGRATIONS, db
from sync.models import (
    Account,
    Activity,
    App,
    DirectoryAddress,
    DirectoryEntry,
    Invitation,
    MatchDecision,
    Person,
    PersonEmail,
    SignInIdentity,
    Task,
)
from sync.people import people
from sync.people.people import PeopleProblem
from sync.sign_in import sign_in
from sync.start import connect_all, open_all
from tests.asking import MACHINE
from tests.blank import config_of
from tests.database import ON_FILE

pytestmark = ON_FILE

NOW = "2026-11-01 08:00:00.000001"


WORDS = {"removal": "ask", "status": "active", "reported": "active", "trigger": "hand", "phase": "waiting",
         "part": "owner", "state": "active"}  # of columns that hold one of a few
TASK = {"state": "queued"}


def former(text: str) -> str:
    """How addresses were compared before."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


class Old:
    """The file of the version before; `add` fills what must not be empty."""

    def __init__(self, path: Path):
        self.file = sqlite3.connect(path, isolation_level=None)

    def add(self, table: str, **values: object) -> int:
        words = WORDS | TASK if table == "app_task" else WORDS
        for _, name, kind, required, default, is_key in self.file.execute(f'PRAGMA table_info("{table}")'):
            if required and not is_key and default is None and name not in values:
                filler = NOW if kind == "DATETIME" else 0 if kind in ("INTEGER", "SMALLINT") else words.get(name, "")
                values[name] = "{}" if kind == "JSON" else filler
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" * len(values))
        return self.file.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', list(values.values())).lastrowid

    def person(self, name: str, *emails: str, status: str = "active") -> int:
        person = self.add("person", name=name, status=status)
        for place, email in enumerate(emails):
            self.add("person_email", person_id=person, email=email, normal=former(email), main=int(place == 0))
        return person

    def app(self, name: str, **more: object) -> int:
        return self.add("app", name=name, **{"connector": "listed", "category": "seat-based", "state": "active",
                                             "users": 9} | more)  # fmt: skip

    def account(self, app: int, email: str, person: int | None = None, **more: object) -> int:
        return self.add("account", app_id=app, **{
            "external_id": f"id of {email}", "email": email, "normal": former(email), "person_id": person,
            "state": "present", "kind": "user", "match": "matched" if person else "unmatched"} | more)  # fmt: skip


_new: dict[str, bytes] = {}


def new_at(migration: str) -> bytes:
    """A new file that has had all migrations up to this one. It is made of the newest one that was asked for before."""
    if migration not in _new:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "new.db"
            path.write_bytes(_new.get(max((made for made in _new if made < migration), default=""), b""))
            file = SqliteDatabase(path)
            with file.connection_context():
                Runner(file, str(MIGRATIONS)).up(migration)
            _new[migration] = path.read_bytes()
    return _new[migration]


Filled = Callable[[Old], object]
_parts: dict[str, list[Filled]] = {}  # by which file they are in


def part_of(file: str) -> Callable[[Filled], Callable]:
    """Decorates what fills a part of an old file, which is opened once: a fixture of what it returned then. Each test
    has a copy of that file after it was opened."""

    def decorated(fill: Filled) -> Callable:
        _parts.setdefault(file, []).append(fill)

        @pytest.fixture(name=fill.__name__)
        def found(opened: Callable, config: Config) -> object:
            home, parts = opened(file)
            shutil.copytree(home, config.home)
            connect_all(config)
            yield parts[fill]
            db.close()

        return found

    return decorated


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, dict[Filled, object]]]:
    @functools.cache
    def opened(file: str) -> tuple[Path, dict[Filled, object]]:
        config = config_of(tmp_path_factory.mktemp("opened") / "home")
        config.home.mkdir()
        config.database_path.write_bytes(new_at("0007_given"))
        old = Old(config.database_path)
        parts = {fill: fill(old) for fill in _parts[file]}
        old.file.close()
        open_all(config)
        return config.home, parts

    return opened


def match_of(account: int) -> tuple[str, int | None]:
    row = Account.get_by_id(account)
    return row.match_kind, row.person_id


@part_of("mixed")
def two_mailboxes(old):
    app = old.app("The list")
    weiss = old.person("Maria Weiss", "maria.weiss@acme.example", status="deprovisioned")
    hers = old.account(app, "MARIA.weiss@acme.example", weiss)
    anothers = old.account(app, "maria.weiß@acme.example", weiss)
    by_hand = old.account(app, "ﬁona@acme.example", weiss, match_by_hand=1, matched_as="fiona@acme.example")
    return app, weiss, hers, anothers, by_hand


def test_addresses_of_two_mailboxes_are_matched_again(two_mailboxes):
    app, weiss, hers, anothers, by_hand = two_mailboxes
    assert [match_of(id) for id in (hers, anothers, by_hand)] == [
        ("matched", weiss), ("unmatched", None), ("matched", weiss)]
    assert Account.get_by_id(anothers).email_key == "maria.weiß@acme.example"
    assert Account.get_by_id(by_hand).email_when_matched == Account.get_by_id(by_hand).email_key == "ﬁona@acme.example"
    now = App.get_by_id(app)
    assert (now.matched, now.unmatched, now.users) == (2, 1, 9)
    entry = Activity.get(Activity.what == "matched accounts again", Activity.app == app)
    assert (entry.about, entry.after, entry.app_id) == ("The list", "1 account", app)
    assert activity.verify().ok


@part_of("mixed")
def two_spellings(old):
    app = old.app("Of spellings")
    left = old.person("Maria", "maria@zürich.example", status="deprovisioned")
    irem = old.person("İrem", "irem@acme.example", status="deprovisioned")
    accounts = [old.account(app, "maria@xn--zrich-kva.example"), old.account(app, "<Maria@zürich.example>"),
                old.account(app, "İREM@acme.example"), old.account(app, "maria@zuerich.example")]  # fmt: skip
    return left, irem, accounts


def test_two_spellings_of_one_mailbox_find_the_leaver(two_spellings):
    left, irem, accounts = two_spellings
    assert [match_of(id)[1] for id in accounts] == [left, left, irem, None]
    assert people.find_by_email("MARIA@XN--ZRICH-KVA.example").id == left
    assert PersonEmail.get(PersonEmail.person == left).email == "maria@zürich.example"


@part_of("mixed")
def left_and_active(old):
    app = old.app("Of two people")
    left = old.person("Maria who left", "maria@würzburg.example", "m@acme.example", status="deprovisioned")
    here = old.person("Maria", "other@acme.example", "maria@xn--wrzburg-n2a.example")
    account = old.account(app, "maria@würzburg.example", left)
    return left, here, account


def test_an_active_person_keeps_an_address_that_two_had_in_two_spellings(left_and_active):
    left, here, account = left_and_active
    assert people.find_by_email("maria@würzburg.example").id == here and match_of(account) == ("matched", here)
    assert names.main_email(Person.get_by_id(left)) == "m@acme.example", "who lost it has another main one"
    entry = Activity.get(Activity.what == "one address in two spellings", Activity.person == left)
    assert (entry.person_id, entry.about, entry.before) == (left, "Maria who left", "maria@würzburg.example")
    assert "it stays with Maria" in entry.why
    assert activity.verify().ok


@part_of("mixed")
def two_present(old):
    first = old.person("Bo", "bo@acme.example", "x@lübeck.example")
    second = old.person("Chen", "x@xn--lbeck-kva.example")
    return first, second


def test_between_two_present_people_the_main_address_counts_and_both_stay(two_present):
    first, second = two_present
    assert people.find_by_email("x@lübeck.example").id == second
    assert Person.select().where(Person.id << [first, second]).count() == 2
    assert names.main_email(Person.get_by_id(first)) == "bo@acme.example"
    of_both = Activity.what == "one address in two spellings", Activity.before == "x@lübeck.example"
    assert [entry.person_id for entry in Activity.select().where(*of_both)] == [first]


@part_of("in order")
def both_spellings(old):
    return old.person("Ana", "<ana@acme.example>", "ana@acme.example", "ana@acme.example,")


def test_one_person_who_had_both_spellings_has_one(both_spellings):
    [row] = PersonEmail.select().where(PersonEmail.person == both_spellings)
    assert (row.email, row.email_key, row.main) == ("ana@acme.example", "ana@acme.example", True)
    assert not Activity.select().exists()


@part_of("mixed")
def changed_places(old):
    return [old.person("Strasse", "strasse@straße.example"), old.person("Also", "x@xn--strae-oqa.example"),
            old.person("Also odd", "x@💩.example"), old.person("Odd", "a,b@acme.example")]  # fmt: skip


def test_keys_may_change_places_and_what_is_no_address_any_longer_stays(changed_places):
    """The new key of one row is what another was called before."""
    odd = Person(id=changed_places[-1])
    assert {row.email_key for row in PersonEmail.select().where(PersonEmail.person << changed_places)} == {
        "strasse@xn--strae-oqa.example", "x@xn--strae-oqa.example", "a,b@acme.example", "x@💩.example"}
    people.edit(odd, MACHINE, emails=["b@acme.example", "a,b@acme.example"])
    assert [row.email for row in odd.emails] == ["b@acme.example", "a,b@acme.example"], "what is there is no mistake"
    with pytest.raises(PeopleProblem, match="there is a , in it"):
        people.edit(odd, MACHINE, emails=["b@acme.example", "c,d@acme.example"])


@part_of("mixed")
def followers(old):
    app = old.app("Of Ana")
    ana = old.person("Ana", "ana@münchen.example")
    kept, cancelled = (
        old.add("invitation", app_id=app, email=email, normal=former(email), state="invited", asked_by="Olga")
        for email in ("ana@münchen.example", "ana@xn--mnchen-3ya.example"))  # fmt: skip
    ended = old.add("invitation", app_id=app, email="<bo@acme.example>", normal="<bo@acme.example>", state="expired")
    account = old.account(app, "ana@münchen.example", ana, match_by_hand=1, matched_as="ana@münchen.example")
    task = old.add("app_task", app_id=app, account_id=account, act="remove", normal="ana@münchen.example")
    elsewhere = old.add("app_task", app_id=app, account_id=account, act="revoke", normal="former@münchen.example")
    decision = old.add("match_decision", account_id=account, match="matched", matched_as="ana@münchen.example")
    old.add("sign_in_identity", issuer="https://id.example", subject="1", person_id=ana, email="ana@münchen.example")
    return account, kept, cancelled, ended, task, elsewhere, decision


def test_invitations_tasks_and_sign_ins_follow(followers):
    account, kept, cancelled, ended, task, elsewhere, decision = followers
    ascii_form = "ana@xn--mnchen-3ya.example"
    assert [Invitation.get_by_id(id).state for id in (kept, cancelled, ended)] == ["invited", "cancelled", "expired"]
    assert {row.email_key for row in Invitation.select()} == {ascii_form, "bo@acme.example"}
    assert Activity.get(Activity.what == "cancelled invitation").about == "ana@xn--mnchen-3ya.example"
    assert Account.get_by_id(account).email_when_matched == Account.get_by_id(account).email_key == ascii_form
    assert Task.get_by_id(task).email_key == MatchDecision.get_by_id(decision).email_when_matched == ascii_form
    assert Task.get_by_id(elsewhere).email_key == "former@xn--mnchen-3ya.example"
    assert SignInIdentity.get().email == ascii_form


@part_of("mixed")
def at_a_domain(old):
    ana = old.person("Ana", "ana@düren.example", status="deprovisioned")
    app = old.app("Of user names", match_domain="düren.example")
    account = old.account(app, "", user_name="Ana")
    return app, account, ana


def test_user_names_at_a_domain_in_letters(at_a_domain):
    app, account, ana = at_a_domain
    assert App.get_by_id(app).match_domain == "xn--dren-0ra.example" and match_of(account) == ("matched", ana)


@part_of("mixed")
def ids_of_addresses(old):
    directory = old.add("directory", kind="csv", name="Staff")
    ldap = old.add("directory", kind="ldap", name="Other LDAP")
    maria = old.person("Maria", "maria.preuß@acme.example")
    entries = [
        old.add("directory_entry", directory_id=place, external_id=id, person_id=maria,
                email="maria.preuß@acme.example")
        for place, id in ((directory, "maria.preuss@acme.example"), (directory, "17"),
                          (ldap, "maria.preuss@acme.example"))
    ]
    export = old.add("app", connector="csv_export", name="Miro", category="seat-based",
                     identity_id="maria.preuss@acme.example")  # fmt: skip
    account = old.account(export, "maria.preuß@acme.example", maria, external_id="maria.preuss@acme.example")
    other = old.account(export, "", external_id="jörg", user_name="JÖRG")
    gitlab = old.add("app", connector="gitlab", name="GitLab", category="seat-based")
    invited = old.account(gitlab, "Preuß@acme.example", external_id="invitation:preuss@acme.example")
    return entries, export, account, other, invited


def test_ids_that_were_made_of_addresses_stay_those_of_the_same_people(ids_of_addresses):
    """Otherwise the next file would mean that all of them left and new people joined."""
    entries, export, account, other, invited = ids_of_addresses
    assert [DirectoryEntry.get_by_id(id).external_id for id in entries] == [
        "maria.preuß@acme.example", "17", "maria.preuss@acme.example"]
    assert [Account.get_by_id(id).external_id for id in (account, other, invited)] == [
        "maria.preuß@acme.example", "jörg", "invitation:preuß@acme.example"]
    assert App.get_by_id(export).automation_external_id == "maria.preuß@acme.example"


@part_of("in order")
def as_it_was(old):
    app = old.app("The list")
    bea = old.person("Bea", "Bea@acme.example")
    account = old.account(app, "BEA@acme.example", bea)
    return account, bea


def test_an_old_file_without_any_such_address_is_as_it_was(as_it_was):
    account, bea = as_it_was
    assert match_of(account) == ("matched", bea)
    assert PersonEmail.get(PersonEmail.person == bea).email == "Bea@acme.example"
    assert not Activity.select().exists()
    person = sign_in.set_up("Acme", "olga@acme.example", "Olga", "correct horse battery", MACHINE)
    assert activity.verify().ok and person.workspace_role == "owner"


@part_of("mixed")
def reported(old):
    ldap = old.add("directory", kind="ldap", name="LDAP", state="active", settings="{}", created_at=NOW)
    okta = old.add("directory", kind="scim", name="Okta", state="active", settings="{}", created_at=NOW)
    ana = old.person("Ana", "Ana@Acme.example", "former@acme.example")
    bob = old.person("Bob", "bob@acme.example")
    body = {"person_id": ana, "status": "active", "reported": "active", "reported_at": NOW}
    old.add("directory_entry", directory_id=ldap, external_id="1", email="Ana@acme.example", name="Ana", **body)
    for number, active in ((1, "true"), (2, "false")):
        document = (f'{{"userName": "u{number}@acme.example", "active": {active}, "displayName": "U{number}", '
                    f'"emails": [{{"value": "Work{number}@acme.example"}}, {{"value": "no address"}}]}}')
        old.add("scim_resource", directory_id=okta, kind="User", scim_id=f"s{number}", name_key=f"u{number}",
                document=document, created_at=NOW, modified_at=NOW)  # fmt: skip
    return (ldap, okta), ana, bob


def test_addresses_reported_before_claims_were_kept_still_count(reported):
    """The main address of each entry, and all of a user who was pushed; addresses that a person entered are by hand."""
    directories, ana, bob = reported
    rows = DirectoryAddress.select().where(DirectoryAddress.directory << directories)
    assert sorted((row.external_id, row.email_key, row.main, row.active, row.name) for row in rows) == [
        ("1", "ana@acme.example", True, True, "Ana"),
        ("s1", "u1@acme.example", False, True, "U1"), ("s1", "work1@acme.example", False, True, "U1"),
        ("s2", "u2@acme.example", False, False, "U2"), ("s2", "work2@acme.example", False, False, "U2")]  # fmt: skip
    by_hand = {row.email for row in PersonEmail.select().where(
        PersonEmail.by_hand, PersonEmail.person << (ana, bob))}
    assert by_hand == {"bob@acme.example"} and people.find_by_email("former@acme.example").id == ana
    assert people.find_by_email("bob@acme.example").id == bob
