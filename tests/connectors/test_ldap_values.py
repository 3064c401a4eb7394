"""What the attributes of each kind of LDAP server mean: those that the real slapd of tests/real can't give."""

from __future__ import annotations

import uuid

import pytest

from connectors.base import Refused
from connectors.ldap_client import LdapClient, common_name, id_filter, normal_dn
from connectors.ldap_directory import LdapDirectory
from connectors.ldap_group import Group, LdapGroup

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


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"useraccountcontrol": [b"514"]}, "deprovisioned"),
        ({"useraccountcontrol": [b"66048"]}, "active"),
        ({"useraccountcontrol": [b"-2147483646"]}, "deprovisioned"),
        ({"useraccountcontrol": [b"nonsense"]}, "active"),
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
def test_what_counts_as_disabled(values, status):
    assert person(ID | values, disabled="employeeType=left").status == status


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
def test_who_signs_in_by_name_at_active_directory_is_known_too(monkeypatch, who):
    connector, asked = LdapGroup({"bind_dn": who, "base_dn": "dc=acme,dc=example"}), []

    def search(base: str, filter: str, attributes: list[str]):
        asked.append((base, filter))
        return iter([("cn=Rollcall,dc=acme,dc=example", {"entryuuid": [b"u-1"]})])

    monkeypatch.setattr(connector._client, "search", search)
    assert connector._my_id() == "u-1"
    whole, name = who.replace("\\", r"\5c"), who.rpartition("\\")[2]
    assert asked == [("dc=acme,dc=example", f"(|(userPrincipalName={whole})(sAMAccountName={name}))")]
