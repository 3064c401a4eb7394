"""The connector of LDAP groups against a real slapd: each kind of group, nested and dangling members, hostile names,
1,001 members, refusals, and the whole main job."""

from __future__ import annotations

import shutil
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from ldap3.utils.dn import escape_rdn

from connectors.apps.ldap_group import MEMBER, NO_ENTRY, OUTSIDE, LdapGroup
from connectors.base import Account, Asset, ConnectorError, CredentialRejected, Refused, TemporarilyUnavailable
from sync.apps import apps
from sync.checks import checks
from sync.jobs import asking, queue
from sync.models import Account as Row
from sync.models import Check, Person
from sync.people import people
from sync.reports import reports
from tests.parts import need
from tests.real.slapd import GROUPS, KEEPER, KEEPER_PASSWORD, PEOPLE, READER, READER_PASSWORD, SUFFIX, Slapd

KINDS = [
    ("groupOfNames", "member"), ("groupOfUniqueNames", "uniqueMember"), ("posixGroup", "memberUid"),
    ("groupOfMembers", "member"), ("groupOfEntries", "member"),
]  # fmt: skip
NAMES = (
    "Müller, Zoë",
    "Александра + 王小明",
    "o'brien \"bob\" \\ <x>",
    "*)(uid=*",
    "#leading; semicolon=equals",
    "<script>alert(1)</script>",
)


@pytest.fixture
def connector(slapd: Slapd) -> Iterator[LdapGroup]:
    """Of all the groups."""
    connector = LdapGroup(slapd.group_settings())
    yield connector
    connector.close()


def find(connector: LdapGroup, email: str) -> Account:
    return next(account for account in connector.accounts() if account.email == f"{email}@acme.example")


def group(connector: LdapGroup, name: str) -> Asset:
    return next(asset for asset in connector.assets() if asset.name == name)


def emails(connector: LdapGroup) -> list[str]:
    return sorted(account.email.partition("@")[0] for account in connector.accounts())


def problem(settings: dict[str, str]) -> ConnectorError:
    connector = LdapGroup(settings)
    with pytest.raises(ConnectorError) as raised:
        connector.test()
    connector.close()
    return raised.value


@pytest.mark.proves("ldap-group")
def test_the_main_job_from_connecting_to_gone_from_the_group(slapd: Slapd, olga: Person, by: str):
    uids = [f"p{number:04}" for number in range(4)]
    slapd.add_group("vpn", *uids)
    persons = [people.add(uid, f"{uid}@acme.example", by) for uid in uids]
    app = apps.connect("ldap-group", "VPN", slapd.group_settings("vpn"), [olga], by)
    first = check(app, by)
    assert (first.state, first.error) == ("succeeded", None)
    assert Row.select().where(Row.app == app, Row.match_kind == "matched").count() == 4

    people.mark_left(persons[2], by)
    second = check(app, by)
    assert (second.state, second.waiting, second.report.state) == ("succeeded", 1, "open")
    assert slapd.dn("p0002") in slapd.members("vpn")

    done = reports.finish(second.report, by, version=second.report.version)
    queue.drain()
    [task] = [type(task).get_by_id(task.id) for task in done.tasks]
    assert (task.state, task.error) == ("done", None)
    assert slapd.members("vpn") == [slapd.dn(uid) for uid in uids if uid != "p0002"]

    third = check(app, by)
    assert (third.state, third.waiting) == ("succeeded", 0)


def check(app, by: str) -> Check:
    asked = asking.ask(app, by)
    checks.run(asked.id)
    return Check.get_by_id(asked.id)


@pytest.mark.parametrize(("kind", "attribute"), KINDS)
def test_each_kind_of_group_is_read_and_changed(slapd: Slapd, connector: LdapGroup, kind: str, attribute: str):
    name_of = (lambda uid: uid) if attribute == "memberUid" else slapd.dn
    slapd.add_group_of(kind, "team", attribute, [name_of("p0001"), name_of("p0002")])
    slapd.add_group("others", "p0003")
    slapd.disable("p0002")
    assert {account.email: account.status for account in connector.accounts()} == {
        "p0001@acme.example": "active", "p0002@acme.example": "suspended", "p0003@acme.example": "active",
    }  # fmt: skip
    first, third = find(connector, "p0001"), find(connector, "p0003")
    assert connector.account(first.id) == first and first.name == "Person 0001" and first.role == MEMBER
    for _ in range(2):
        connector.remove(first)
    assert slapd.members("team") == [name_of("p0002")] and connector.account(first.id) is None
    for _ in range(2):
        connector.grant(third, group(connector, "team"), MEMBER)
    assert slapd.members("team") == [name_of("p0002"), name_of("p0003")]
    for _ in range(2):
        connector.revoke(third, group(connector, "team"))
    assert slapd.members("team") == [name_of("p0002")] and slapd.members("others") == [slapd.dn("p0003")]


@pytest.mark.parametrize(("kind", "attribute"), KINDS[2:])
def test_an_empty_group_takes_its_first_member(slapd: Slapd, connector: LdapGroup, kind: str, attribute: str):
    slapd.add_group_of(kind, "team", attribute, [])
    slapd.add_group("others", "p0003")
    connector.grant(find(connector, "p0003"), group(connector, "team"), MEMBER)
    assert slapd.members("team") == ["p0003" if attribute == "memberUid" else slapd.dn("p0003")]


def test_a_person_in_several_groups_is_one_account_and_leaves_all(slapd: Slapd, connector: LdapGroup):
    for name in ("one", "two"):
        slapd.add_group(name, "p0001", "p0002")
    slapd.add_group_of("posixGroup", "three", "memberUid", ["P0001"])
    assert emails(connector) == ["p0001", "p0002"]
    ana = find(connector, "p0001")
    names = {asset.id: asset.name for asset in connector.assets()}
    assert sorted(names[access.asset] for access in connector.access() if access.account == ana.id) == [
        "one", "three", "two"]  # fmt: skip
    connector.remove(ana)
    assert slapd.members("one") == slapd.members("two") == [slapd.dn("p0002")] and slapd.members("three") == []


@pytest.mark.parametrize("kind", ["groupOfNames", "groupOfMembers", "groupOfEntries"])
def test_nested_groups_count_and_a_ring_of_them_ends(slapd: Slapd, kind: str):
    slapd.add_group_of("groupOfNames", "vpn", "member", [slapd.dn("p0001"), slapd.group_dn("staff")])
    slapd.add_group_of(kind, "staff", "member", [slapd.dn("p0002"), slapd.group_dn("vpn")])
    slapd.add_group("unrelated", "p0009")
    connector = LdapGroup(slapd.group_settings("vpn", base_dn=SUFFIX))
    assert emails(connector) == ["p0001", "p0002"]
    assert sorted(asset.name for asset in connector.assets()) == ["staff", "vpn"]
    connector.remove(find(connector, "p0002"))
    assert slapd.members("staff") == [slapd.group_dn("vpn")] and emails(connector) == ["p0001"]
    connector.close()


def test_a_nested_group_from_elsewhere_is_shown_and_no_person(slapd: Slapd):
    slapd.add_group_of("groupOfNames", "vpn", "member", [slapd.dn("p0001"), slapd.group_dn("staff")])
    slapd.add_group("staff", "p0002")
    connector = LdapGroup(slapd.group_settings("vpn"))
    shown = next(account for account in connector.accounts() if account.name == "staff")
    assert (shown.kind, shown.seat) == ("system", OUTSIDE) and connector.account(shown.id) == shown
    connector.close()


@pytest.mark.parametrize(("kind", "attribute"), KINDS)
def test_a_member_without_an_entry_is_shown_and_can_go(slapd: Slapd, connector: LdapGroup, kind: str, attribute: str):
    name_of = (lambda uid: uid) if attribute == "memberUid" else slapd.dn
    slapd.add_group_of(kind, "team", attribute, [name_of("p0001"), name_of("p0002")])
    before = find(connector, "p0001")
    slapd.delete("p0001")
    assert connector.account(before.id) is None
    dangling = next(account for account in connector.accounts() if account.seat == NO_ENTRY)
    assert (dangling.name, dangling.email) == ("p0001", "") and connector.account(dangling.id) == dangling
    assert "see everyone: the entries of 1 member were deleted" in connector.test().missing[0]
    assert {access.account for access in connector.access()} == {dangling.id, find(connector, "p0002").id}
    with pytest.raises(Refused, match="no entry"):
        connector.grant(dangling, group(connector, "team"), MEMBER)
    slapd.add("p0001", "Another Person", "another@acme.example")
    assert connector.account(dangling.id) is None and find(connector, "another").id != before.id
    connector.remove(dangling)
    assert slapd.members("team") == [name_of("p0001"), name_of("p0002")]
    slapd.delete("p0001")
    for _ in range(2):
        connector.remove(dangling)
    assert slapd.members("team") == [name_of("p0002")]


def test_names_of_every_kind_are_read_and_changed(slapd: Slapd, connector: LdapGroup):
    slapd.add_group("keep", "p0001")
    for number, name in enumerate(NAMES):
        uid = escape_rdn(name)
        slapd.add(uid, f"{name} {number}", f"n{number}@acme.example")
        slapd.add_group_of("groupOfNames", uid, "member", [slapd.dn(uid), slapd.dn("p0001")])
        by_name = ["p0001", name] if name.isascii() else ["p0001"]  # memberUid is ASCII
        slapd.add_group_of("posixGroup", f"by name {number}", "memberUid", by_name)
    accounts = {account.email: account for account in connector.accounts()}
    assert len(accounts) == len(NAMES) + 1
    assert set(NAMES) <= {asset.name for asset in connector.assets()}
    for number, name in enumerate(NAMES):
        account = accounts[f"n{number}@acme.example"]
        assert account.name == f"{name} {number}" and connector.account(account.id) == account
        connector.remove(account)
        assert connector.account(account.id) is None
        assert slapd.members(escape_rdn(name)) == [slapd.dn("p0001")]
        assert slapd.members(f"by name {number}") == ["p0001"]


@pytest.mark.parametrize("name", NAMES)
def test_a_member_without_an_entry_may_have_any_name(slapd: Slapd, connector: LdapGroup, name: str):
    uid = escape_rdn(name)
    slapd.add(uid, name, "gone@acme.example")
    slapd.add_group("team", uid, "p0001")
    slapd.delete(uid)
    dangling = next(account for account in connector.accounts() if account.seat == NO_ENTRY)
    assert dangling.name == name and connector.account(dangling.id) == dangling
    connector.remove(dangling)
    assert slapd.members("team") == [slapd.dn("p0001")]


def test_people_whose_names_only_case_folding_joins_are_two(slapd: Slapd, connector: LdapGroup):
    for uid in ("gross", "groß"):
        slapd.add(uid, f"Hans {uid}", f"{'ss' if uid.isascii() else 'sz'}@acme.example")
    slapd.add_group("team", "gross", "groß")
    assert emails(connector) == ["ss", "sz"]
    connector.remove(find(connector, "sz"))
    assert slapd.members("team") == [slapd.dn("gross")] and emails(connector) == ["ss"]


@pytest.mark.parametrize(
    "spelling", ["uid=Jo\u0308rg x", "uid=jörg  X", "userid=jörg x"], ids=["letters", "spaces", "alias"]
)
def test_a_member_in_another_spelling_is_seen_and_leaves(slapd: Slapd, connector: LdapGroup, spelling: str):
    """The server compares composed letters (RFC 4518, 2.3), regardless of the number of spaces (2.6.1) and of which
    name of an attribute is used (RFC 4512, 2.5)."""
    slapd.add("jörg x", "Jörg", "joerg@acme.example")
    slapd.add_group_of("groupOfNames", "team", "member", [f"{spelling},{PEOPLE}", slapd.dn("p0001")])
    joerg = find(connector, "joerg")
    assert connector.account(joerg.id) == joerg
    connector.remove(joerg)
    assert slapd.members("team") == [slapd.dn("p0001")] and connector.account(joerg.id) is None


def test_the_id_outlives_a_new_name(slapd: Slapd, connector: LdapGroup):
    slapd.add_group("team", "p0001", "p0002")
    before = find(connector, "p0001")
    slapd.rename("p0001", "married")
    slapd.modify("married", mail="married@acme.example")
    slapd.add_group("second", "married", "p0002")
    after = connector.account(before.id)
    assert (after.id, after.email) == (before.id, "married@acme.example")


NO_IDS = ("", "*", ")(uid=*", "dn:", "dn:nonsense", "uid:", "uid:*", "00000000-0000-0000-0000-000000000000")


@pytest.mark.parametrize("id", NO_IDS)
def test_nobody_there_is_none(slapd: Slapd, connector: LdapGroup, id: str):
    slapd.add_group("team", "p0001", "p0002")
    try:
        assert connector.account(id) is None
        connector.remove(Account(id))
    except TemporarilyUnavailable:
        assert id in ("dn:", "dn:nonsense")
    assert len(slapd.members("team")) == 2


def test_the_last_member_is_refused_and_the_other_groups_drop_them(slapd: Slapd, connector: LdapGroup):
    slapd.add_group("alone", "p0001")
    slapd.add_group("both", "p0001", "p0002")
    ana = find(connector, "p0001")
    with pytest.raises(Refused, match="last member of alone"):
        connector.remove(ana)
    assert slapd.members("alone") == [slapd.dn("p0001")] and slapd.members("both") == [slapd.dn("p0002")]
    assert connector.account(ana.id) == ana


def test_a_credential_that_can_only_read_is_reported_and_changes_nothing(slapd: Slapd):
    slapd.add_group("team", "p0001", "p0002")
    reader = LdapGroup(slapd.group_settings(bind_dn=READER, password=READER_PASSWORD))
    who = reader.test()
    assert "insufficientAccessRights" in who.missing[0] and who.may == ("read groups and members",)
    with pytest.raises(CredentialRejected):
        reader.remove(find(reader, "p0001"))
    with pytest.raises(CredentialRejected):
        reader.revoke(find(reader, "p0001"), group(reader, "team"))
    assert len(slapd.members("team")) == 2
    reader.close()


def test_test_shows_who_it_is_and_changes_nothing(slapd: Slapd, connector: LdapGroup):
    slapd.add_group("team", "p0001", "p0002")
    who = connector.test()
    assert KEEPER in who.name and "2 members in 1 group" in who.name and who.missing == ()
    assert len(slapd.members("team")) == 2


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"password": "wrong secret"}, CredentialRejected, "invalidCredentials"),
        ({"group_base": f"cn=nothing,{GROUPS}"}, TemporarilyUnavailable, "noSuchObject"),
        ({"base_dn": f"ou=nothing,{SUFFIX}"}, TemporarilyUnavailable, "noSuchObject"),
        ({"group_filter": "(cn=nothing)"}, Refused, "shows no group"),
        ({"group_filter": "(cn=nothing"}, Refused, "isn't valid"),
        ({"id_attribute": "carLicense"}, Refused, "carLicense"),
        ({"url": "ldap://ldap.acme.example"}, Refused, "unencrypted"),
        ({"url": "ldap://127.0.0.1:1"}, TemporarilyUnavailable, "can't be reached"),
    ],
)
def test_test_says_what_to_fix_and_no_secret(slapd: Slapd, caplog, changes, kind, words):
    caplog.set_level("DEBUG")
    slapd.add_group("team", "p0001", "p0002")
    failed = problem(slapd.group_settings(**changes))
    assert type(failed) is kind and words in str(failed)
    reported = "".join(traceback.format_exception(failed)) + repr(failed) + caplog.text
    assert KEEPER_PASSWORD not in reported and "wrong secret" not in reported


def test_an_id_that_several_have_is_none(slapd: Slapd):
    slapd.add_group("team", "p0001", "p0002")
    connector = LdapGroup(slapd.group_settings(id_attribute="objectClass"))
    with pytest.raises(Refused, match="no two are alike"):
        list(connector.accounts())
    connector.close()


def test_a_server_that_dies_half_way_gives_no_whole_list(slapd: Slapd, connector: LdapGroup):
    slapd.add_group("team", *(f"p{number:04}" for number in range(50)))
    reading = connector.accounts()
    ana = next(reading)
    slapd.kill()
    for ask in (lambda: list(reading), lambda: connector.account(ana.id), lambda: connector.remove(ana)):
        with pytest.raises(TemporarilyUnavailable):
            ask()
    slapd.start()
    again = LdapGroup(slapd.group_settings())
    assert again.account(ana.id) == ana
    again.close()


@pytest.fixture(scope="module")
def big() -> Iterator[Slapd]:
    need("slapd")
    folder = Path(tempfile.mkdtemp(prefix="slapd-"))
    server = Slapd(folder, people=1001)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.mark.parametrize("count", [1, 500, 1001])  # a page, and more than two
def test_every_member_is_read_whatever_their_number(big: Slapd, count: int):
    big.add_group(f"g{count}", *(f"p{number:04}" for number in range(count)))
    connector = LdapGroup(big.group_settings(f"g{count}"))
    accounts = list(connector.accounts())
    assert len({account.id for account in accounts}) == len(accounts) == count
    assert len(list(connector.access())) == count
    connector.close()


def test_user_name_and_employee_number_are_reported(slapd: Slapd, connector: LdapGroup):
    slapd.add_group("vpn", "p0001")
    slapd.modify("p0001", employeeNumber="E7")
    account = find(connector, "p0001")
    assert (account.user_name, account.employee_number) == ("p0001", "E7")
