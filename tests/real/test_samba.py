"""The LDAP connector against a real Active Directory domain controller: who has left, nested groups, TLS."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.base import CredentialRejected, TemporarilyUnavailable
from connectors.directories.ldap import LdapDirectory
from tests.real.samba import DISABLED, DOMAIN, ENABLED, Samba
from tests.real.test_ldap_directory import problem, read


@pytest.fixture(scope="module")
def samba() -> Iterator[Samba]:
    folder = Path(tempfile.mkdtemp(prefix="samba-"))
    server = None
    try:
        server = Samba(folder)
        server.start()
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder)


def since_1601(moment: datetime) -> int:
    return int((moment - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000


def test_enabled_disabled_expired_and_deleted(samba):
    now = datetime.now(UTC)
    samba.add("Ana López", "ana", employeeID="17", proxyAddresses=["SMTP:ana@acme.example", "smtp:al@acme.example"])
    samba.add("Bo Disabled", "bo", userAccountControl=DISABLED)
    samba.add("Cy Expired", "cy", accountExpires=since_1601(now - timedelta(days=1)))
    samba.add("Di Expires", "di", accountExpires=since_1601(now + timedelta(days=1)))
    samba.add("Ed Never", "ed", accountExpires=0)
    samba.add("Flo Deleted", "flo")
    samba.delete("Flo Deleted")
    everyone = read(samba.settings(base_dn=DOMAIN))
    assert {name: everyone[name].status for name in ("ana", "bo", "cy", "di", "ed")} == {
        "ana": "active", "bo": "deprovisioned", "cy": "deprovisioned", "di": "active", "ed": "active"}
    assert "flo" not in everyone, "what is left of a deleted entry is nobody"
    assert not {name for name in everyone if name.endswith("$")}, "computers are nobody"
    ana = everyone["ana"]
    assert (ana.name, ana.email, ana.further_emails, ana.employee_number) == (
        "Ana López", "ana@acme.example", ("al@acme.example",), "17")
    samba.modify("Bo Disabled", userAccountControl=ENABLED, mail="bo.new@acme.example")
    again = read(samba.settings())["bo"]
    assert (again.status, again.id, again.email) == ("active", everyone["bo"].id, "bo.new@acme.example")


def test_a_lockout_after_wrong_passwords_is_only_for_a_while(samba):
    samba.lock_out_after(3)
    samba.add("Hal", "hal", unicodePwd='"Rollcall-8-Password"'.encode("utf-16-le"))
    for _ in range(3):
        assert not samba.signs_in("hal", "wrong")
    assert not samba.signs_in("hal", "Rollcall-8-Password")
    assert read(samba.settings())["hal"].status == "suspended"
    samba.modify("Hal", lockoutTime=0)
    assert read(samba.settings())["hal"].status == "active"


def test_groups_nested_ones_and_the_primary_one_are_those_that_the_server_itself_resolves(samba):
    samba.add("Gus", "gus")
    samba.add_group("Berlin", "Gus")
    samba.add_group("Germany", "Berlin")
    samba.add_group("Europe", "Germany")
    samba.add_group("Contractors", "Gus")
    for _ in range(2):
        groups = set(read(samba.settings())["gus"].groups)
        assert groups >= {"Berlin", "Germany", "Europe", "Contractors", "Domain Users"}
        assert groups - {"Domain Users", "Users"} == samba.in_chain("Gus")
        samba.modify("Berlin", member=[samba.dn("Gus"), samba.dn("Europe")])  # a ring
    assert "Users" in groups, "which the primary group is in"
    samba.modify("Gus", primaryGroupID=samba.relative_id("Contractors"))
    groups = set(read(samba.settings())["gus"].groups)
    assert "Contractors" in groups, "now the primary one, which memberOf leaves out"
    by_branch = set(read(samba.settings(group_base=f"OU=Staff,{DOMAIN}"))["gus"].groups)
    assert by_branch == {"Berlin", "Germany", "Europe"}


def test_users_sign_in_by_each_name_and_over_each_transport(samba):
    samba.add("Ida", "ida")
    starttls = samba.settings(url=f"ldap://{samba.address}", starttls="yes")
    for settings in (samba.settings(), starttls, samba.settings(bind_dn=f"CN=Administrator,CN=Users,{DOMAIN}")):
        connector = LdapDirectory(settings)
        assert "people" in connector.test().name
        connector.close()
    assert isinstance(problem(samba.settings(password="wrong")), CredentialRejected)
    assert isinstance(problem(samba.settings(ca_file="")), TemporarilyUnavailable)
    plain = problem(samba.settings(url=f"ldap://{samba.address}"))
    assert isinstance(plain, CredentialRejected), "an Active Directory insists on encryption"


def test_more_people_than_a_page_of_the_server(samba):
    """The last test: all others would read these people, too."""
    samba.add_many(1010)
    everyone = read(samba.settings())
    assert len([name for name in everyone if name.startswith("m")]) == 1010
