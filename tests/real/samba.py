"""A real Active Directory domain controller, Samba's, in a folder of its own, on a loopback address of its own.
Only its LDAP server runs; it has fixed ports below 1024, so it takes root."""

from __future__ import annotations

import os
import random
import shutil
import ssl
import subprocess
import time
from pathlib import Path

import ldap3
import trustme

from tests.made_once import made_once
from tests.parts import lack, need

REALM, DOMAIN = "acme.example", "DC=acme,DC=example"
ADMIN, PASSWORD = f"Administrator@{REALM}", "Rollcall-7-Password"
ENABLED, DISABLED = 0x220, 0x222  # userAccountControl: a normal account that needs no password, enabled or not
READY_SECONDS = 60
NO_SYNC = {"TDB_NO_FSYNC": "1"}  # a test's databases needn't outlive the machine: an added user waits ten times less


def provisioned() -> Path:
    """The folder of a domain that nobody has changed, made once for each version of Samba: it takes four seconds of
    processor time."""
    command = [
        "samba-tool", "domain", "provision", f"--realm={REALM}", "--domain=ACME", "--server-role=dc",
        "--host-name=DC1", "--dns-backend=NONE", f"--adminpass={PASSWORD}", "--host-ip=127.0.0.1",
        "--option=vfs objects=dfs_samba4 acl_xattr xattr_tdb",
    ]  # fmt: skip
    by = f"{_run(need('samba'), '--version')} {command}"
    return made_once("samba", by, lambda folder: _run(*command, f"--targetdir={folder}"))


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | NO_SYNC)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


class Samba:
    """`start`, `stop`; and the company in it: `add`, `add_group`, `modify`, `delete`."""

    def __init__(self, folder: Path):
        program = need("samba")
        if os.geteuid() != 0:
            lack("samba's LDAP ports are below 1024, so it takes root")
        self.folder, self.address = folder, ".".join(["127", *(str(random.randint(1, 254)) for _ in range(3))])
        self._process: subprocess.Popen | None = None
        self._program = program
        self.authority = folder / "ca.pem"
        authority = trustme.CA()
        certificate = authority.issue_cert(self.address)
        authority.cert_pem.write_to_path(self.authority)
        certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
        certificate.private_key_pem.write_to_path(folder / "key.pem")
        (folder / "key.pem").chmod(0o600)
        domain = provisioned()
        shutil.copytree(domain, folder / "dc")
        settings = folder / "dc/etc/smb.conf"  # the only file that holds its own place
        settings.write_text(settings.read_text().replace(str(domain), str(folder / "dc")))

    def start(self) -> None:
        options = {
            "server services": "ldap", "tls keyfile": self.folder / "key.pem", "tls cafile": self.authority,
            "tls certfile": self.folder / "cert.pem", "pid directory": self.folder,
            "ncalrpc dir": self.folder / "ncalrpc", "interfaces": f"{self.address}/8", "bind interfaces only": "yes",
        }  # fmt: skip
        self._process = subprocess.Popen(
            [self._program, "-s", self.folder / "dc/etc/smb.conf", "--foreground", "--no-process-group",
             "--debug-stdout", "--model=single", *(f"--option={name}={value}" for name, value in options.items())],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | NO_SYNC)  # fmt: skip
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            assert self._process.poll() is None, "samba ended at once"
            assert time.monotonic() < deadline, "samba did not become ready"
            time.sleep(0.1)
        self._do("add", f"OU=Staff,{DOMAIN}", ["organizationalUnit"])

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    def settings(self, **changes: str) -> dict[str, str]:
        """What the LDAP connector asks for."""
        return {
            "url": f"ldaps://{self.address}", "bind_dn": ADMIN, "password": PASSWORD, "base_dn": f"OU=Staff,{DOMAIN}",
            "ca_file": str(self.authority),
        } | changes  # fmt: skip

    def dn(self, name: str) -> str:
        return f"CN={name},OU=Staff,{DOMAIN}"

    def add(self, name: str, login: str, **attributes: object) -> None:
        self._do("add", *self._user(name, login, **attributes))

    def add_many(self, count: int) -> None:
        """m0000, m0001, …"""
        with self._admin() as connection:
            for number in range(count):
                assert connection.add(*self._user(f"Many {number:04}", f"m{number:04}")), connection.result

    def _user(self, name: str, login: str, **attributes: object) -> tuple:
        return self.dn(name), ["user"], {
            "sAMAccountName": login, "userAccountControl": ENABLED, "displayName": name,
            "mail": f"{login}@{REALM}", **attributes}  # fmt: skip

    def add_group(self, name: str, *members: str) -> None:
        self._do("add", self.dn(name), ["group"], {
            "sAMAccountName": name, **({"member": [self.dn(member) for member in members]} if members else {})})

    def modify(self, name: str, **attributes: object) -> None:
        self._do("modify", self.dn(name), {
            attribute: [(ldap3.MODIFY_REPLACE, value if isinstance(value, list) else [value])]
            for attribute, value in attributes.items()})

    def lock_out_after(self, wrong_passwords: int) -> None:
        self._do("modify", DOMAIN, {"lockoutThreshold": [(ldap3.MODIFY_REPLACE, [wrong_passwords])]})

    def signs_in(self, login: str, password: str) -> bool:
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(self.authority))
        server = ldap3.Server(f"ldaps://{self.address}", tls=tls, get_info=ldap3.NONE)
        connection = ldap3.Connection(server, f"{login}@{REALM}", password)
        try:
            return connection.bind()
        finally:
            connection.unbind()

    def delete(self, name: str) -> None:
        self._do("delete", self.dn(name))

    def in_chain(self, name: str) -> set[str]:
        """The names of all groups of a user, as the server itself resolves them."""
        with self._admin() as connection:
            connection.search(DOMAIN, f"(member:1.2.840.113556.1.4.1941:={self.dn(name)})", attributes=["cn"])
            return {entry.cn.value for entry in connection.entries}

    def relative_id(self, name: str) -> int:
        """The last part of the SID."""
        with self._admin() as connection:
            connection.search(self.dn(name), "(objectClass=*)", ldap3.BASE, attributes=["objectSid"])
            return int.from_bytes(connection.response[0]["raw_attributes"]["objectSid"][0][-4:], "little")

    def _do(self, operation: str, *arguments: object) -> None:
        with self._admin() as connection:
            assert getattr(connection, operation)(*arguments), connection.result

    def _admin(self) -> ldap3.Connection:
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(self.authority))
        server = ldap3.Server(f"ldaps://{self.address}", tls=tls, get_info=ldap3.NONE, connect_timeout=5)
        return ldap3.Connection(server, ADMIN, PASSWORD, auto_bind=True, auto_referrals=False, check_names=False)

    def _answers(self) -> bool:
        try:
            self._admin().unbind()
        except ldap3.core.exceptions.LDAPException:
            return False
        return True
