"""A real slapd with a company of people, in a folder of its own, on a free port; for every test that needs LDAP.
Folders whose tests need it name its fixtures in their conftest.py."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import NAMESPACE_X500, uuid5

import ldap3
import pytest

from tests.parts import free_port, need

SUFFIX = "dc=acme,dc=example"
PEOPLE = f"ou=people,{SUFFIX}"
GROUPS = f"ou=groups,{SUFFIX}"
ADMIN, PASSWORD = f"cn=admin,{SUFFIX}", "the directory's password"
READER, READER_PASSWORD = f"cn=rollcall,{SUFFIX}", "the reader's password"
KEEPER, KEEPER_PASSWORD = f"cn=keeper,{SUFFIX}", "the keeper's password"  # reads, and changes the groups' members
LOCKED_FOR_GOOD = "000001010000Z"
READY_SECONDS = 60
SCHEMAS = Path(__file__).parent / "schemas"
LOCKED_AFTER = 3  # wrong passwords, for a minute

# In pages the reader may read everything; without pages it meets the default limit of 500.
PAGED_ONLY = f'limits dn.exact="{READER}" size.prtotal=unlimited'
CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
include {schemas}/ends.schema
include {schemas}/groups.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload ppolicy
pidfile {folder}/slapd.pid
{tls}
database mdb
suffix "{suffix}"
rootdn "{admin}"
rootpw "{password}"
directory {folder}/data
maxsize 104857600
{limits}
limits dn.exact="{keeper}" size.prtotal=unlimited
overlay memberof
overlay ppolicy
ppolicy_default "cn=policy,{suffix}"
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="{groups}" attrs=member,uniqueMember,memberUid
  by dn.exact="{keeper}" write by dn.exact="{reader}" read by * none
access to * by dn.exact="{reader}" read by dn.exact="{keeper}" read by * none
"""


class Slapd:
    """The server: `start`, `stop`, `kill`; and the company in it: `add`, `disable`, `enable`, `delete`, `modify`."""

    def __init__(self, folder: Path, people: int = 1000, tls: str = "", limits: str = PAGED_ONLY):
        self.folder, self.port = folder, free_port()
        self.url = f"ldap://127.0.0.1:{self.port}"
        self.tls_port = free_port() if tls else None
        self.config = folder / "slapd.conf"
        self._process: subprocess.Popen | None = None
        (folder / "data").mkdir()
        self.config.write_text(CONFIG.format(
            folder=folder, suffix=SUFFIX, admin=ADMIN, password=PASSWORD, reader=READER, keeper=KEEPER,
            groups=GROUPS, tls=tls, limits=limits, schemas=SCHEMAS))
        (folder / "seed.ldif").write_text(_seed(people))
        loaded = subprocess.run(
            [need("slapadd"), "-q", "-f", self.config, "-l", folder / "seed.ldif"], capture_output=True, text=True)
        assert loaded.returncode == 0, loaded.stderr

    def settings(self, **changes: str) -> dict[str, str]:
        """What the LDAP connector asks for."""
        return {
            "url": self.url, "bind_dn": READER, "password": READER_PASSWORD, "base_dn": PEOPLE,
            "disabled": "employeeType=disabled",
        } | changes  # fmt: skip

    def group_settings(self, group: str = "", **changes: str) -> dict[str, str]:
        """What the connector of groups asks for; a group's name, or all."""
        return {
            "url": self.url, "bind_dn": KEEPER, "password": KEEPER_PASSWORD, "base_dn": PEOPLE,
            "group_base": self.group_dn(group) if group else GROUPS, "disabled": "employeeType=disabled",
        } | changes  # fmt: skip

    def start(self) -> None:
        addresses = [self.url] + ([f"ldaps://127.0.0.1:{self.tls_port}"] if self.tls_port else [])
        self._process = subprocess.Popen(
            [need("slapd"), "-f", self.config, "-h", " ".join(addresses), "-d", "0"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            assert self._process.poll() is None, "slapd ended at once"
            assert time.monotonic() < deadline, "slapd did not become ready"
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            self._admin().unbind()
        except ldap3.core.exceptions.LDAPException:
            return False
        return True

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    def kill(self) -> None:
        """At once, in the middle of whatever it does."""
        self._process.kill()
        self._process.wait(60)
        self._process = None

    def add(self, uid: str, name: str, email: str, **attributes: str | list[str]) -> None:
        self._do("add", self.dn(uid), ["inetOrgPerson"],
                 {"cn": name, "sn": name.split()[-1], "displayName": name, "mail": email, **attributes})

    def add_group(self, name: str, *uids: str) -> None:
        self.add_group_of("groupOfNames", name, "member", [self.dn(uid) for uid in uids])

    def add_group_of(self, kind: str, name: str, attribute: str, members: list[str]) -> None:
        number = {"gidNumber": 1} if kind == "posixGroup" else {}
        self._do("add", self.group_dn(name), [kind], number | ({attribute: members} if members else {}))

    def set_members(self, name: str, *members: str) -> None:
        self._do("modify", self.group_dn(name), {"member": [(ldap3.MODIFY_REPLACE, list(members))]})

    def members(self, name: str) -> list[str]:
        """What the group holds in member, uniqueMember and memberUid, in the order of letters."""
        connection = self._admin()
        try:
            connection.search(self.group_dn(name), "(objectClass=*)", ldap3.BASE, attributes=["*"])
            held = connection.entries[0].entry_attributes_as_dict
        finally:
            connection.unbind()
        return sorted(held.get("member", []) + held.get("uniqueMember", []) + held.get("memberUid", []))

    def refer(self, branch: str, url: str) -> None:
        """A branch below the people that another server has (RFC 3296)."""
        self._do("add", f"ou={branch},{PEOPLE}", ["referral", "extensibleObject"], {"ref": url})

    def rename(self, uid: str, new: str) -> None:
        self._do("modify_dn", self.dn(uid), f"uid={new}")

    def disable(self, uid: str) -> None:
        """In the way that `settings` describes to the connector."""
        self.modify(uid, employeeType="disabled")

    def enable(self, uid: str) -> None:
        self.modify(uid, employeeType="employee")

    def modify(self, uid: str, **attributes: str | list[str]) -> None:
        changes = {
            name: [(ldap3.MODIFY_REPLACE, values if isinstance(values, list) else [values])]
            for name, values in attributes.items()
        }
        self._do("modify", self.dn(uid), changes)

    def delete(self, uid: str) -> None:
        self._do("delete", self.dn(uid))

    def dn(self, uid: str) -> str:
        return f"uid={uid},{PEOPLE}"

    def group_dn(self, name: str) -> str:
        return f"cn={name},{GROUPS}"

    def _do(self, operation: str, *arguments: object) -> None:
        connection = self._admin()
        try:
            assert getattr(connection, operation)(*arguments), connection.result
        finally:
            connection.unbind()

    def _admin(self) -> ldap3.Connection:
        return ldap3.Connection(ldap3.Server(self.url, get_info=ldap3.NONE), ADMIN, PASSWORD, auto_bind=True)


def _seed(people: int) -> str:
    domain = SUFFIX.split(",")[0].split("=")[1]
    entries = [
        f"dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\no: Acme\ndc: {domain}",
        f"dn: {READER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: rollcall\n"
        f"userPassword: {READER_PASSWORD}",
        f"dn: {KEEPER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: keeper\n"
        f"userPassword: {KEEPER_PASSWORD}",
        f"dn: cn=policy,{SUFFIX}\nobjectClass: organizationalRole\nobjectClass: pwdPolicy\ncn: policy\n"
        f"pwdAttribute: userPassword\npwdLockout: TRUE\npwdMaxFailure: {LOCKED_AFTER}\npwdLockoutDuration: 60",
        f"dn: {PEOPLE}\nobjectClass: organizationalUnit\nou: people",
        f"dn: {GROUPS}\nobjectClass: organizationalUnit\nou: groups",
    ]
    for number in range(people):
        uid = f"p{number:04}"
        entries.append(
            f"dn: uid={uid},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: Person {number:04}\n"
            f"sn: {number:04}\ndisplayName: Person {number:04}\nmail: {uid}@acme.example\n"
            f"employeeNumber: {number}\nemployeeType: employee\n"
            f"entryUUID: {uuid5(NAMESPACE_X500, uid)}"  # the same in each company, so that what has read one knows all
        )
    return "\n\n".join(entries) + "\n\n"


@contextmanager
def _company(people: int) -> Iterator[Slapd]:
    need("slapd")
    folder = Path(tempfile.mkdtemp(prefix="slapd-"))
    server = Slapd(folder, people)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def slapd() -> Iterator[Slapd]:
    """A fresh company of 100 people for each test: it takes 0.1 s, and so does reading it."""
    with _company(100) as server:
        yield server


@pytest.fixture
def large_slapd() -> Iterator[Slapd]:
    """A fresh company of 1,000 people, for what is about their number: more than a page, and more than slapd gives
    without pages. It takes 0.3 s, and as long for each reading."""
    with _company(1000) as server:
        yield server
