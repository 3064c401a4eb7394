"""What the attributes of each kind of LDAP server mean: those that the real slapd of tests/real can't give."""

from __future__ import annotations

import re
import uuid
from datetime import date

import pytest

from connectors.apps.ldap_group import Group, LdapGroup
from connectors.base import CredentialRejected, Refused
from connectors.directories.ldap import LdapDirectory
from connectors.ldap import times as ldap_times
from connectors.ldap.client import LdapClient
from connectors.ldap.dn import common_name, id_filter, normal_dn
from connectors.ldap.ends import Ends
from connectors.ldap.references import leads_to, may_have_people
from connectors.ldap.rules import Rule, parse
from tests.security.hostile import listening
from tests.security.test_hostile_ldap import done, entry, once

DN = "cn=Ana,dc=acme,dc=example"
ID = {"entryuuid": [b"9ecf5544-7c08-1041-8136-79c8edfe14d4"]}


def person(values: dict, **settings: str):
    connector = LdapDirectory({"url": "ldap://127.0.0.1", "base_dn": "dc=acme,dc=example", **settings})
    return connector._person(DN, values, [])


def test_an_entry_of_active_directory():
    guid = uuid.UUID("01234567-89ab-cdef-0123-456789abcdef")
    ana = person({
        "objectguid": [guid.bytes_le],
        "samaccountname": [b"ana"],
        "displayname": ["Ana López".encode()],
        "mail": [b"ana@acme.example"],
        "proxyaddresses": [b"SMTP:ana@acme.example", b"smtp:al@acme.example", b"x400:c=US"],
        "employeeid": [b"17"],
        "useraccountcontrol": [b"512"],
    })
    assert (ana.id, ana.user_name, ana.name, ana.email) == (str(guid), "ana", "Ana López", "ana@acme.example")
    assert (ana.further_emails, ana.employee_number) == (("al@acme.example",), "17")
    assert ana.status == "active"


@pytest.mark.parametrize(("shown", "hidden"), [(0, "active"), (1, ""), (1, "active")])
def test_active_directory_that_hides_who_is_disabled(shown, hidden):
    """Only who may read the account restrictions sees userAccountControl."""
    def answer(id: int) -> bytes:
        group = {"objectClass": [b"top", b"group"]}  # a filter of one's own may find some
        control = [{"userAccountControl": [b"512"]}, {}, group] if shown else [{}, {}, group]
        return b"".join(entry(id, f"cn={place},dc=acme,dc=example", objectGUID=[bytes([place]) * 16],
                              sAMAccountName=[b"ana"], **one) for place, one in enumerate(control)) + done(id)

    with listening(once(answer)) as port:
        directory = LdapDirectory({"url": f"ldap://127.0.0.1:{port}", "base_dn": "dc=acme,dc=example",
                                   "hidden": hidden})
        if shown:
            assert [one.hides_status for one in directory.people()] == [False, not hidden, False]
            assert directory.hidden_users == (0 if hidden else 1)
            found = re.search("userAccountControl of 1 user, .* count as still here", "".join(directory.warnings))
            assert (found is None) == bool(hidden)
        else:
            with pytest.raises(CredentialRejected, match="Nothing was changed"):
                list(directory.people())
        directory.close()


def test_hidden_disabled_users_are_noticed_whichever_attribute_identifies_people(monkeypatch):
    has = {"objectGUID": [b"\1" * 16], "sAMAccountName": [b"ana"], "employeeID": [b"7"]}
    monkeypatch.setattr(LdapClient, "search", lambda self, base, filter, asked: [
        (DN, {name.lower(): value for name, value in has.items() if name in asked})])  # fmt: skip
    directory = LdapDirectory({"url": "ldap://127.0.0.1", "base_dn": "dc=acme", "id_attribute": "employeeID"})
    with pytest.raises(CredentialRejected, match="userAccountControl"):
        list(directory.people())


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"useraccountcontrol": [b"514"]}, "deprovisioned"),
        ({"useraccountcontrol": [b"66048"]}, "active"),
        ({"useraccountcontrol": [b"-2147483646"]}, "deprovisioned"),
        ({"useraccountcontrol": [b"528"]}, "suspended"),
        ({"lockouttime": [b"0"]}, "active"),
        ({"lockouttime": [b"133600000000000000"]}, "suspended"),
        ({"lockouttime": [b"133600000000000000"], "msds-user-account-control-computed": [b"0"]}, "active"),
        ({"lockouttime": [b"133600000000000000"], "msds-user-account-control-computed": [b"16"]}, "suspended"),
        ({"sambaacctflags": [b"[DU         ]"]}, "deprovisioned"),
        ({"sambaacctflags": [b"[UL         ]"]}, "suspended"),
        ({"sambaacctflags": [b"[UX         ]"]}, "active"),
        ({"sambakickofftime": [b"1600000000"]}, "deprovisioned"),
        ({"sambakickofftime": [b"0"]}, "active"),
        ({"sambakickofftime": [b"2147483647"]}, "active"),
        ({"logindisabled": [b"TRUE"]}, "deprovisioned"),
        ({"loginexpirationtime": [b"20200101000000Z"]}, "deprovisioned"),
        ({"ds-pwp-account-disabled": [b"true"]}, "deprovisioned"),
        ({"ds-pwp-account-expiration-time": [b"20200101000000.123Z"]}, "deprovisioned"),
        ({"inetuserstatus": [b"active"]}, "active"),
        ({"inetuserstatus": [b"Inactive"]}, "suspended"),
        ({"inetuserstatus": [b"deleted"]}, "deprovisioned"),
        ({"pwdaccounttmplockoutend": [b"20200101000000Z"]}, "active"),
        ({"pwdaccounttmplockoutend": [b"21200101000000Z"]}, "suspended"),
        ({"krbprincipalexpiration": [b"20200101000000+0200"]}, "deprovisioned"),
        ({"accountexpires": [b"0"]}, "active"),
        ({"accountexpires": [b"9223372036854775807"]}, "active"),
        ({"accountexpires": [b"1"]}, "deprovisioned"),
        ({"accountexpires": [b"133600000000000000"]}, "deprovisioned"),
        ({"accountexpires": [b"255000000000000000"]}, "active"),
        ({"accountexpires": [b"-1"]}, "active"),
        ({"nsaccountlock": [b"TRUE"]}, "deprovisioned"),
        ({"nsaccountlock": [b"false"]}, "active"),
        ({"pwdaccountlockedtime": [b"000001010000Z"]}, "deprovisioned"),
        ({"pwdaccountlockedtime": [b"20261124090000Z"]}, "suspended"),
        ({"employeetype": [b"staff", b"LEFT"]}, "deprovisioned"),
        ({"employeetype": [b"staff"]}, "active"),
        ({}, "active"),
    ],
)
def test_an_account_counts_as_disabled_by_any_of_its_values(values, status):
    assert person(ID | values, disabled="employeeType=left").status == status


@pytest.mark.parametrize("values", [
    {"useraccountcontrol": [b"nonsense"]},
    {"useraccountcontrol": [b""], "accountexpires": [b"never"]},
    {"accountexpires": [b"-5"]},
    {"nsaccountlock": [b"1"]},
    {"pwdaccountlockedtime": [b"yesterday"]},
    {"pwdendtime": [b"2026-11-25"]},
    {"krbprincipalexpiration": [b"20261325000000Z"]},
    {"shadowexpire": [b"0"]},
    {"shadowexpire": [b"2026-11-25"]},
    {"sambaacctflags": [b"DU"]},
    {"inetuserstatus": [b"overquota"]},
])  # fmt: skip
def test_a_value_that_is_not_understood_is_never_an_active_account(values):
    with pytest.raises(Refused, match="is unknown whether the account has ended"):
        person(ID | values)


@pytest.mark.parametrize(("text", "day"), [
    ("2026-11-25", date(2026, 11, 25)),
    ("20261125", date(2026, 11, 25)),
    ("20261125093000Z", date(2026, 11, 25)),
    ("25.11.2026", date(2026, 11, 25)),
    ("25/11/2026", date(2026, 11, 25)),
    ("2026-11-25T09:30:00Z", date(2026, 11, 25)),
    ("1795600800", date(2026, 11, 25)),
    ("20782", date(2026, 11, 25)),
    ("134400744000000000", date(2026, 11, 25)),
])  # fmt: skip
def test_a_day_is_read_in_each_form_that_directories_keep(text, day):
    assert ldap_times.day_of(text) == day


@pytest.mark.parametrize("text", ["03/04/2027", "soon", "12", "123456", "99999999", "2026-13-01", "1", "00000000"])
def test_a_text_that_is_no_day_or_could_be_two_is_refused(text):
    with pytest.raises(ValueError):
        ldap_times.day_of(text)


def test_rules_are_written_as_they_are_read():
    lines = ["employeeStatus is left: the company: left", "employeeStatus is not here: locked",
             "x-y contains a b: here", "end before today: left", "start after today: locked",
             "retiredOn is present: left"]
    assert [str(rule) for rule in parse("\n".join(["", *lines]))] == lines
    assert parse("employeeStatus IS NOT Active:LEFT") == (Rule("employeeStatus", "is not", "Active", "left"),)


def test_a_rule_of_an_administrator_wins_over_the_known_meaning_of_the_same_attribute():
    values = ID | {"nsaccountlock": [b"TRUE"], "employeetype": [b"staff"]}
    assert person(values, ends="nsAccountLock is true: locked").status == "suspended"
    assert person(values, ends="employeeType is staff: here").status == "deprovisioned"
    assert person(ID, ends="employeeType is not staff: left").status == "active", "who lacks it fits no rule"


def test_an_entry_without_an_id_is_no_person_to_know_again():
    with pytest.raises(Refused, match="entryUUID"):
        person({"mail": [b"ana@acme.example"]})


def test_a_long_list_of_members_is_read_to_its_last_range(monkeypatch):
    client = LdapClient({"url": "ldap://127.0.0.1"})
    answers = {
        "member;range=1-*": {"member;range=1-1": [b"cn=b"]},
        "member;range=2-*": {"member;range=2-*": [b"cn=c"]},
    }
    monkeypatch.setattr(client, "search", lambda dn, filter, asked, scope: iter([(dn, answers[asked[0]])]))
    assert client.all_values(DN, "member", {"member;range=0-0": [b"cn=a"]}) == ["cn=a", "cn=b", "cn=c"]


def test_a_name_is_compared_without_regard_to_case_spaces_and_escapes():
    assert normal_dn("CN=Ana\\2C L, DC=acme") == normal_dn("cn=ana\\, l,dc=ACME")
    assert common_name("cn=\\C3\\81na,dc=acme") == "Ána"
    assert common_name("cn=a\\5C\\2C b\\\\c3,dc=acme") == "a\\, b\\c3"


def test_an_id_is_searched_in_the_form_that_each_server_keeps():
    guid = uuid.UUID("01234567-89ab-cdef-0123-456789abcdef")
    asked = id_filter(str(guid), ("entryUUID", "objectGUID"))
    octets = "".join(f"\\{byte:02x}" for byte in guid.bytes_le)
    assert asked == f"(|(entryUUID={guid})(objectGUID={octets}))"
    assert id_filter("*)(uid=*", ("entryUUID", "objectGUID")) == "(|(entryUUID=\\2a\\29\\28uid=\\2a)(objectGUID=\\00))"


@pytest.mark.parametrize(
    ("classes", "members", "attribute"),
    [
        (["group", "top"], [], "member"),
        (["groupofnames"], [], "member"),
        (["groupofnames", "posixgroup"], [], "member"),
        (["groupofuniquenames"], [], "uniqueMember"),
        (["posixgroup"], [], "memberUid"),
        (["groupofnames", "posixgroup"], [("memberUid", "ana")], "memberUid"),
    ],
)
def test_a_group_takes_members_in_the_attribute_of_its_kind(classes, members, attribute):
    assert Group(DN, "1", "Sales", frozenset(classes), tuple(members)).attribute == attribute


@pytest.mark.parametrize("who", ["rollcall@acme.example", r"ACME\rollcall"])
def test_the_account_that_signs_in_to_active_directory_by_name_is_known(monkeypatch, who):
    connector, asked = LdapGroup({"bind_dn": who, "base_dn": "dc=acme,dc=example"}), []

    def search(base: str, filter: str, attributes: list[str]):
        asked.append((base, filter))
        return iter([("cn=Rollcall,dc=acme,dc=example", {"entryuuid": [b"u-1"]})])

    monkeypatch.setattr(connector._client, "search", search)
    assert connector._my_id() == "u-1"
    whole, name = who.replace("\\", r"\5c"), who.rpartition("\\")[2]
    assert asked == [("dc=acme,dc=example", f"(|(userPrincipalName={whole})(sAMAccountName={name}))")]


@pytest.mark.parametrize(("reference", "dn", "people"), [
    ("ldap://eu.acme.example/DC=eu,DC=acme,DC=example", "DC=eu,DC=acme,DC=example", True),
    ("ldap://x/ou=S%C3%BCd,dc=acme,dc=example??sub", "ou=Süd,dc=acme,dc=example", True),
    ("ldap://acme.example/CN=Configuration,DC=acme,DC=example", "CN=Configuration,DC=acme,DC=example", False),
    ("ldap://DomainDnsZones.acme.example/DC=DomainDnsZones,DC=acme,DC=example",
     "DC=DomainDnsZones,DC=acme,DC=example", False),
    ("ldap://branch.acme.example", "ldap://branch.acme.example", True),
])  # fmt: skip
def test_a_reference_names_what_the_server_did_not_search(reference, dn, people):
    assert (leads_to(reference), may_have_people(leads_to(reference))) == (dn, people)


def test_another_domain_of_active_directory_is_named_and_its_own_partitions_are_not():
    """Partitions below a base are referred to each time (MS-ADTS 3.1.1.4.7); each domain is a directory of its own."""
    connector = LdapDirectory({"url": "ldap://127.0.0.1", "base_dn": "dc=acme,dc=example"})
    connector._client._is_active_directory = True
    for part in ("DC=DomainDnsZones,DC=acme,DC=example", "DC=eu,DC=acme,DC=example", "DC=eu,DC=acme,DC=example"):
        connector._client._refuse_to_miss(part)
    assert connector._about_other_domains() == [
        "The people of the domain DC=eu,DC=acme,DC=example aren't read here. Connect it as a directory of its own."]


@pytest.mark.parametrize(("count", "shown"), [(1, "“a”"), (6, "“a” or “b” or “c” or “d” or “e” or 1 other")])
def test_values_without_a_rule_are_shown_and_the_further_ones_counted(count: int, shown: str):
    ends = Ends(parse("employeeType is staff: here"))
    for value in "abcdef"[:count]:
        ends.status(DN, {"employeeType": [value]}.get)
    [sentence] = ends.unexplained
    assert sentence == f"No rule says what employeeType means if it is {shown}: these people count as still here."
