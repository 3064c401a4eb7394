"""The LDAP connector against a real slapd: 1,000 people, pages, limits, refusals, and a server that dies."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from connectors.apps.ldap_group import LdapGroup
from connectors.base import ConnectorError, CredentialRejected, DirectoryPerson, Refused, TemporarilyUnavailable
from connectors.directories.ldap import LdapDirectory
from tests.parts import free_port, need
from tests.real.slapd import GROUPS, PEOPLE, READER, READER_PASSWORD, SUFFIX, Slapd


def read(settings: dict[str, str]) -> dict[str, DirectoryPerson]:
    """Everyone, by user name."""
    connector = LdapDirectory(settings)
    try:
        everyone = list(connector.people())
    finally:
        connector.close()
    assert len({person.id for person in everyone}) == len(everyone)
    return {person.user_name: person for person in everyone}


def problem(settings: dict[str, str]) -> ConnectorError:
    connector = LdapDirectory(settings)
    with pytest.raises(ConnectorError) as raised:
        connector.test()
    connector.close()
    assert READER_PASSWORD not in str(raised.value)
    return raised.value


@pytest.fixture
def folder() -> Iterator[Path]:
    need("slapd")
    folder = Path(tempfile.mkdtemp(prefix="slapd-"))
    yield folder
    shutil.rmtree(folder)


def test_a_thousand_people_come_in_pages_although_the_server_stops_at_500_without(large_slapd):
    everyone = read(large_slapd.settings())
    assert len(everyone) == 1000
    person = everyone["p0007"]
    assert (person.email, person.name, person.status, person.employee_number) == (
        "p0007@acme.example", "Person 0007", "active", "7")  # fmt: skip


def test_a_size_limit_fails_the_reading_instead_of_cutting_it_short(folder):
    server = Slapd(folder, limits="")
    server.start()
    try:
        failed = problem(server.settings())
    finally:
        server.stop()
    assert isinstance(failed, TemporarilyUnavailable)
    assert "sizeLimitExceeded" in str(failed) and "size.prtotal" in str(failed)


def test_a_branch_on_another_server_fails_the_reading_instead_of_losing_its_people(folder):
    """RFC 4511, 4.5.3: the search hasn't looked where a reference leads. By slapo-chain(5), a server that follows them
    itself still returns one while the other server is down."""
    server = Slapd(folder, people=5)
    server.start()
    try:
        whole = read(server.settings())
        server.refer("branch", "ldap://branch.acme.example/ou=branch,dc=acme,dc=example")
        failed = problem(server.settings())
        groups = LdapGroup(server.group_settings(base_dn=PEOPLE, group_base=PEOPLE))
        with pytest.raises(TemporarilyUnavailable, match="another server"):
            list(groups.accounts())
        groups.close()
    finally:
        server.stop()
    assert len(whole) == 5
    assert isinstance(failed, TemporarilyUnavailable)
    assert "ou=branch,dc=acme,dc=example" in str(failed) and "Nothing was changed" in str(failed)


def test_active_disabled_locked_and_deleted(slapd):
    before = read(slapd.settings())
    slapd.disable("p0001")
    slapd.delete("p0002")
    slapd.add("new", "New Person", "new@acme.example")
    after = read(slapd.settings())
    assert after["p0001"].status == "deprovisioned"
    assert "p0002" not in after
    assert after["new"].email == "new@acme.example"
    assert {name: person for name, person in before.items() if name not in ("p0001", "p0002")} == {
        name: person for name, person in after.items() if name not in ("p0001", "new")
    }
    slapd.enable("p0001")
    assert read(slapd.settings())["p0001"] == before["p0001"]


def test_the_id_outlives_a_change_of_everything_else(slapd):
    before = read(slapd.settings())["p0001"]
    slapd.modify("p0001", mail="married@acme.example", cn="New Name", displayName="New Name")
    after = read(slapd.settings())["p0001"]
    assert (after.id, after.email, after.name) == (before.id, "married@acme.example", "New Name")


def test_several_addresses_and_letters_of_every_kind(slapd):
    slapd.add("olga", "Ольга Núñez 🙂", "olga@acme.example")
    slapd.modify("olga", mail=["olga@acme.example", "o.n@acme.example"])
    olga = read(slapd.settings())["olga"]
    assert (olga.name, olga.email, olga.further_emails) == (
        "Ольга Núñez 🙂", "olga@acme.example", ("o.n@acme.example",))  # fmt: skip


def test_groups_by_member_of_and_by_their_own_branch(slapd):
    slapd.add_group("Sales, Berlin".replace(",", "\\,"), "p0001", "p0002")
    slapd.add_group("Everyone", "p0001")
    for settings in (slapd.settings(), slapd.settings(group_base=GROUPS)):
        everyone = read(settings)
        assert sorted(everyone["p0001"].groups) == ["Everyone", "Sales, Berlin"]
        assert everyone["p0002"].groups == ("Sales, Berlin",)
        assert everyone["p0003"].groups == ()


def test_groups_within_groups_are_followed_even_in_a_ring(slapd):
    slapd.add_group("Berlin", "p0001")
    slapd.add_group_of("groupOfNames", "Germany", "member", [slapd.group_dn("Berlin"), slapd.dn("p0002")])
    slapd.add_group_of("groupOfNames", "Europe", "member", [slapd.group_dn("Germany")])
    slapd.set_members("Berlin", slapd.dn("p0001"), slapd.group_dn("Europe"))
    for settings in (slapd.settings(), slapd.settings(group_base=GROUPS)):
        everyone = read(settings)
        assert sorted(everyone["p0001"].groups) == ["Berlin", "Europe", "Germany"]
        assert sorted(everyone["p0002"].groups) == ["Berlin", "Europe", "Germany"]
        assert everyone["p0003"].groups == ()


def test_groups_of_posix_accounts_are_found_by_user_name(slapd):
    slapd.add_group_of("posixGroup", "Shell", "memberUid", ["p0001", "p0009999"])
    slapd.add_group("Sales", "p0001")
    assert sorted(read(slapd.settings(group_base=GROUPS))["p0001"].groups) == ["Sales", "Shell"]


def test_the_test_shows_its_account_and_how_many_people_it_sees(large_slapd):
    large_slapd.disable("p0001")
    large_slapd.add("noone", "Without Address", "x@acme.example")
    large_slapd.modify("noone", mail=[])
    identity = LdapDirectory(large_slapd.settings()).test()
    assert READER in identity.name and "1,001 people" in identity.name and "1 of them disabled" in identity.name
    assert "match 1 person to accounts" in identity.missing[0]


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"password": "wrong"}, CredentialRejected, "invalidCredentials"),
        ({"bind_dn": f"cn=nobody,{SUFFIX}"}, CredentialRejected, "invalidCredentials"),
        ({"password": ""}, CredentialRejected, "no password"),
        ({"base_dn": "ou=elsewhere,dc=other"}, TemporarilyUnavailable, "noSuchObject"),
        ({"base_dn": f"ou=nothing,{SUFFIX}"}, TemporarilyUnavailable, "noSuchObject"),
        ({"base_dn": "nonsense"}, TemporarilyUnavailable, "invalidDNSyntax"),
        ({"filter": "(objectClass=person"}, Refused, "isn't valid"),
        ({"filter": "(uid=nobody)"}, Refused, "shows nobody"),
        ({"id_attribute": "carLicense"}, Refused, "carLicense"),
        ({"starttls": "yes"}, TemporarilyUnavailable, "StartTLS"),
        ({"url": "ldap://ldap.acme.example"}, Refused, "unencrypted"),
        ({"url": "ldaps://127.0.0.1:1"}, TemporarilyUnavailable, "can't be reached"),
    ],
)
def test_test_says_exactly_what_to_fix(slapd, changes, kind, words):
    failed = problem(slapd.settings(**changes))
    assert type(failed) is kind and words in str(failed)


def test_nobody_in_particular_sees_nothing_rather_than_no_people(slapd):
    failed = problem(slapd.settings(bind_dn="", password=""))
    assert isinstance(failed, ConnectorError)


def test_a_server_that_is_not_there(slapd):
    slapd.stop()
    failed = problem(slapd.settings())
    assert type(failed) is TemporarilyUnavailable and "refused" in str(failed)


def test_a_server_killed_in_the_middle_of_a_reading_gives_no_whole_list(large_slapd):
    connector = LdapDirectory(large_slapd.settings())
    everyone = connector.people()
    next(everyone)
    large_slapd.kill()
    with pytest.raises(TemporarilyUnavailable, match="broke"):
        list(everyone)
    connector.close()


@pytest.fixture
def encrypted(folder) -> Iterator[tuple[Slapd, Path]]:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    server = Slapd(folder, people=3, tls=(
        f"TLSCACertificateFile {folder}/ca.pem\nTLSCertificateFile {folder}/cert.pem\n"
        f"TLSCertificateKeyFile {folder}/key.pem"))
    server.start()
    yield server, folder / "ca.pem"
    server.stop()


def test_ldaps_and_starttls_with_an_authority_of_ones_own(encrypted):
    server, authority = encrypted
    ldaps = f"ldaps://127.0.0.1:{server.tls_port}"
    assert len(read(server.settings(url=ldaps, ca_file=str(authority)))) == 3
    assert len(read(server.settings(starttls="yes", ca_file=str(authority)))) == 3


def test_a_certificate_that_nobody_trusts_is_refused(encrypted, tmp_path):
    server, _ = encrypted
    for changes in ({"url": f"ldaps://127.0.0.1:{server.tls_port}"}, {"starttls": "yes"}):
        failed = problem(server.settings(**changes))
        assert type(failed) is TemporarilyUnavailable and "certificate" in str(failed)
        other = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(other)
        assert "certificate" in str(problem(server.settings(ca_file=str(other), **changes)))
    failed = problem(server.settings(ca_file=str(tmp_path / "none.pem"), starttls="yes"))
    assert "none.pem" in str(failed)


def test_a_certificate_of_another_host_is_refused(folder):
    authority = trustme.CA()
    certificate = authority.issue_cert("ldap.other.example")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    server = Slapd(folder, people=3, tls=(
        f"TLSCACertificateFile {folder}/ca.pem\nTLSCertificateFile {folder}/cert.pem\n"
        f"TLSCertificateKeyFile {folder}/key.pem"))
    server.start()
    try:
        for changes in ({"url": f"ldaps://127.0.0.1:{server.tls_port}"}, {"starttls": "yes"}):
            failed = problem(server.settings(ca_file=f"{folder}/ca.pem", **changes))
            assert type(failed) is TemporarilyUnavailable and "match" in str(failed)
    finally:
        server.stop()


def test_a_port_that_speaks_something_else(slapd):
    assert type(problem(slapd.settings(url=f"ldap://127.0.0.1:{free_port()}"))) is TemporarilyUnavailable


def test_people_are_only_those_below_the_base(slapd):
    assert "rollcall" not in read(slapd.settings(base_dn=SUFFIX))
    assert len(read(slapd.settings(base_dn=f"uid=p0001,{PEOPLE}"))) == 1
