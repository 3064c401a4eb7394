"""A PostgreSQL server: its roles that sign in are accounts, its databases assets, CONNECT and ownership the access.
By the catalogs, ALTER ROLE, GRANT and REVOKE of https://www.postgresql.org/docs/15/; no role is dropped."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from types import MappingProxyType

from connectors.base import (
    ASSETS,
    CHANGE_ROLE,
    GRANT,
    INVITE,
    LOOK_UP,
    REMOVE,
    REVOKE,
    Access,
    Account,
    Asset,
    Connector,
    CredentialRejected,
    Field,
    Identity,
    Refused,
    Role,
    TemporarilyUnavailable,
)
from connectors.counts import plural
from connectors.effects import GRANTED, REVOKED, ROLE_CHANGED, Effect, Reach, Seat, Sessions, Undo, declared
from connectors.postgres.client import SSL_MODES, PostgresClient
from connectors.quality import NOT_OVER_HTTP
from connectors.versions import ApiVersion

PAGE = 500
BOOTSTRAP = 10  # BOOTSTRAP_SUPERUSERID of pg_authid.dat: the role that initdb made
HIGHEST_OID = 4_294_967_295
SESSION_SECONDS = 5  # how long ended sessions may take to disappear

# The attribute that gives each role of Rollcall, the highest first; an account may have several.
ATTRIBUTES = {"superuser": "SUPERUSER", "createrole": "CREATEROLE", "createdb": "CREATEDB"}
CONNECT, OWNER, SUPERUSER = "may connect", "owner", "may connect, as a superuser"
OWNER_THROUGH, CONNECT_THROUGH = "owner, through another role", "may connect, through another role"
PUBLIC = "may connect, as everyone (PUBLIC)"

# Nothing is tried again inside what *+ and ++ have taken, nor from inside a word: a comment may be long.
_PART = r"""[^\s<>,;:"'()\[\]@]"""
EMAIL = re.compile(rf"(?<!{_PART}){_PART}++@{_PART}+\.(?:(?!\.){_PART})+")
OWNED = re.compile(rf"\s*+(?:owner:\s*+)?(?:[^<@]*+<)?({EMAIL.pattern})", re.IGNORECASE)  # further on, it is a contact
USER_NAME = re.compile(r"[A-Za-z0-9._+-]+")

# Group roles aren't accounts: they can't sign in, have members, and no e-mail address.
# A member with ADMIN OPTION proves nothing: from PostgreSQL 16 on, the creator of a role becomes one.
ROLES = r"""
  SELECT r.oid, r.rolname, r.rolcanlogin, r.rolsuper, r.rolcreaterole, r.rolcreatedb,
         coalesce(r.rolvaliduntil < now(), false), coalesce(shobj_description(r.oid, 'pg_authid'), '')
    FROM pg_roles r
   WHERE r.rolname !~ '^pg_'
     AND (r.rolcanlogin OR r.rolname LIKE '%%@%%' OR shobj_description(r.oid, 'pg_authid') LIKE '%%@%%'
          OR NOT EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = r.oid AND NOT m.admin_option))
"""
DATABASES = "SELECT oid, datname, datdba FROM pg_database WHERE datallowconn AND NOT datistemplate"
EXPLICIT = """EXISTS (SELECT FROM pg_database g, aclexplode(g.datacl) a
                       WHERE g.oid = d.oid AND a.grantee = r.oid AND a.privilege_type = 'CONNECT')"""
HOW = f"""
  CASE WHEN d.datdba = r.oid THEN '{OWNER}'
       WHEN r.rolsuper THEN '{SUPERUSER}'
       WHEN pg_has_role(r.oid, d.datdba, 'USAGE') THEN '{OWNER_THROUGH}'
       WHEN {EXPLICIT} THEN '{CONNECT}'
       WHEN has_database_privilege('public', d.oid, 'CONNECT') THEN '{PUBLIC}'
       ELSE '{CONNECT_THROUGH}' END
"""
ACCESS = f"""
  SELECT r.oid, {HOW} FROM ({DATABASES}) d, pg_roles r JOIN ({ROLES}) account ON account.oid = r.oid
   WHERE d.oid = %s AND r.oid > %s AND has_database_privilege(r.oid, d.oid, 'CONNECT') ORDER BY r.oid LIMIT {PAGE}
"""
OWNS = f"""SELECT d.oid, d.datname FROM ({DATABASES}) d JOIN pg_roles r ON r.oid = %s
            WHERE {HOW} IN ('{OWNER}', '{OWNER_THROUGH}') ORDER BY d.oid"""
OTHER_SUPERUSERS = """SELECT count(*) FROM pg_roles WHERE rolsuper AND rolcanlogin AND oid <> %s
                         AND coalesce(rolvaliduntil > now(), true)"""
SESSIONS = "pg_stat_activity WHERE usesysid = %s AND pid <> pg_backend_pid()"


class PostgresRoles(Connector):
    slug = "postgresql"
    label = "PostgreSQL"
    logo = "postgresql.svg"
    quality = MappingProxyType(NOT_OVER_HTTP)
    docs = (
        "Create a role for Rollcall, as a superuser: CREATE ROLE rollcall LOGIN CREATEROLE PASSWORD '…'; "
        "then GRANT pg_signal_backend TO rollcall; so that it can end a leaver's sessions.",
        "From PostgreSQL 16 on it also needs each role that it manages: GRANT ana TO rollcall WITH ADMIN TRUE, "
        "INHERIT FALSE, SET FALSE; Superusers can be changed by a superuser only, and CONNECT on a database by its "
        "owner. Test connection shows what is missing; reading needs no rights at all.",
        "Allow the role in pg_hba.conf, and let it connect straight to the server, not through a pooler.",
        "Name a role's owner in its comment: COMMENT ON ROLE ana IS 'ana@acme.example'; An address further on in a "
        "comment doesn't count, because it may name a contact. A role whose name is an e-mail address needs none. Or "
        "fill in a domain below, if your roles have the names that your people's addresses begin with.",
        "A removal runs ALTER ROLE … NOLOGIN and ends all sessions of the role. What it owns stays, and so do its "
        "rights; REASSIGN OWNED and DROP ROLE are left to you. An expired password (VALID UNTIL) shows as active, "
        "not as suspended: it doesn't keep out someone who signs in with a certificate.",
        "A role that can't log in counts as a suspended account, unless others are its members: that is a group. "
        "Databases that everyone (PUBLIC) may connect to say so; taking CONNECT from one role changes nothing there. "
        "After a dump and restore into another server every role has a new id, and is a new account.",
    )
    fields = (
        Field("host", "Server", "A name, an address, or the folder of the socket on this machine.",
              pattern=r"[^\s,=@]+", placeholder="db.acme.example"),
        Field("port", "Port", "Empty: 5432", required=False, pattern=r"[0-9]{1,5}", placeholder="5432"),
        Field("database", "Database", "Any one that Rollcall may connect to. Empty: postgres", required=False,
              placeholder="postgres", of_credential=True),
        Field("user", "Role", "The role that Rollcall signs in as.", placeholder="rollcall", of_credential=True),
        Field("password", "Password", secret=True),
        Field("email_domain", "Domain of your e-mail addresses", "With acme.example, the role ana is "
              "ana@acme.example. Empty: only comments and names that are e-mail addresses count.",
              required=False, pattern=r"[^\s@]+\.[^\s@.]+", placeholder="acme.example", asks_secrets_again=False),
        Field("sslmode", "Encryption", "How the server proves who it is.", choices=SSL_MODES),
        Field("ca_file", "Certificate authority", "The path of a PEM file, where the server's certificate is your own.",
              required=False, placeholder="/etc/ssl/acme-ca.pem", path=True),
    )  # fmt: skip
    absent_operations = MappingProxyType({INVITE: "nobody is invited to a server: a role is made with its password"})
    capabilities = frozenset((LOOK_UP, ASSETS, REMOVE, CHANGE_ROLE, GRANT, REVOKE))
    effects = declared(
        "PostgreSQL 15, “ALTER ROLE” and “pg_terminate_backend”",
        remove=Effect(
            "Disables login for the role, on every database of the server. What it owns stays.", Reach.WORKSPACE,
            Undo.POSSIBLE, "Run ALTER ROLE … LOGIN.", frees_seat=Seat.NOT_PAID, ends_sessions=Sessions.END,
        ),
        change_role=ROLE_CHANGED, grant=GRANTED, revoke=REVOKED,
    )  # fmt: skip
    api_version = ApiVersion("PostgreSQL catalogs", "15", source="PostgreSQL 15 documentation")
    asset_word = "database"
    asset_roles_by_hand = frozenset(("database", how) for how in (OWNER, OWNER_THROUGH, SUPERUSER))
    asset_roles_kept = asset_roles_by_hand | {("database", PUBLIC), ("database", CONNECT_THROUGH)}

    def __init__(self, settings: dict[str, str], on_total: Callable[[int], None] | None = None):
        super().__init__(settings, on_total)
        self._client = PostgresClient(settings)

    @property
    def removal_suspends(self) -> bool:
        return True

    def close(self) -> None:
        self._client.close()

    def test(self) -> Identity:
        [(id, name, superuser, version, signals, accounts)] = self._client.rows(
            "SELECT r.oid, r.rolname, r.rolsuper, current_setting('server_version'), "
            f"pg_has_role('pg_signal_backend', 'USAGE'), (SELECT count(*) FROM ({ROLES}) every) "
            "FROM pg_roles r WHERE r.rolname = current_user"
        )
        [(beyond,)] = self._client.rows(f"SELECT count(*) FROM ({ROLES}) r WHERE NOT ({self._may_alter('r')})")
        [(closed,)] = self._client.rows(
            f"SELECT count(*) FROM ({DATABASES}) d WHERE NOT pg_has_role(d.datdba, 'USAGE')"
        )
        missing = []
        if beyond:
            missing.append(f"disable login for some roles: {name} may not alter {beyond:,} of them (see the steps).")
        if not signals:
            missing.append(f"end the sessions of people who leave: GRANT pg_signal_backend TO {name}.")
        if closed:
            missing.append(f"grant and revoke CONNECT on some databases: {name} doesn't own {closed:,} of them.")
        return Identity(
            name=f"{name}{', a superuser' if superuser else ''}, on {self._client.place} (PostgreSQL {version}), "
            f"sees {plural(accounts, 'role')}",
            external_id=str(id),
            may=("read roles and databases", *(["disable login"] if beyond < accounts else [])),
            missing=tuple(missing),
        )

    def _may_alter(self, role: str) -> str:
        """An SQL condition, as ALTER ROLE decides: https://www.postgresql.org/docs/16/sql-alterrole.html"""
        before_16 = "current_setting('server_version_num')::int < 160000"
        of_it = f"({before_16} OR pg_has_role({role}.oid, 'USAGE WITH ADMIN OPTION'))"
        mine = f"me.rolsuper OR (me.rolcreaterole AND NOT {role}.rolsuper AND {of_it})"
        return f"EXISTS (SELECT FROM pg_roles me WHERE me.rolname = current_user AND ({mine}))"

    def roles(self) -> list[Role]:
        return [
            Role("superuser", "Superuser", privileged=True),
            Role("createrole", "May manage roles", privileged=True),
            Role("createdb", "May create databases"),
            Role("login", "May log in", default=True),
        ]

    def accounts(self) -> Iterator[Account]:
        """In the order of their ids, so that a removal during the reading hides nobody."""
        [(total,)] = self._client.rows(f"SELECT count(*) FROM ({ROLES}) every")
        self.on_total(total)
        last = 0
        while page := self._client.rows(f"{ROLES} AND r.oid > %s ORDER BY r.oid LIMIT {PAGE}", (last,)):
            yield from map(self._account, page)
            last = page[-1][0]

    def _account(self, row: tuple) -> Account:
        id, name, can_login, superuser, createrole, createdb, expired, comment = row
        held = {"superuser": superuser, "createrole": createrole, "createdb": createdb}
        main, *further = [role for role, has in held.items() if has] or ["login"]
        return Account(
            id=str(id),
            email=self._email(name, comment, by_domain=id != BOOTSTRAP),
            name=name,
            status="active" if can_login else "suspended",
            role=main,
            further_roles=tuple(further),
            kind="system" if id == BOOTSTRAP else "user",
            seat="password expired" if expired else "",
            user_name=name if id != BOOTSTRAP else "",
        )

    def _email(self, name: str, comment: str, by_domain: bool) -> str:
        """The address at the start of the comment, else the name if it is one, else the name at the domain. "" if the
        comment has two addresses."""
        if len(set(EMAIL.findall(comment))) > 1:
            return ""
        if owned := OWNED.match(comment):
            return owned[1]
        if EMAIL.fullmatch(name):
            return name
        domain = self.settings.get("email_domain") if by_domain else ""
        return f"{name}@{domain}" if domain and USER_NAME.fullmatch(name) else ""

    def assets(self) -> Iterator[Asset]:
        for id, name, _ in self._client.rows(f"{DATABASES} ORDER BY oid"):
            yield Asset(str(id), "database", name)

    def access(self) -> Iterator[Access]:
        for database, _, _ in self._client.rows(f"{DATABASES} ORDER BY oid"):
            last = 0
            while page := self._client.rows(ACCESS, (database, last)):
                for id, how in page:
                    yield Access(str(id), str(database), how, privileged=how in (OWNER, OWNER_THROUGH))
                last = page[-1][0]

    def managed(self, account: Account) -> list[Asset]:
        return [Asset(str(id), "database", name) for id, name in self._client.rows(OWNS, (int(account.id),))]

    def account(self, id: str) -> Account | None:
        if not id.isascii() or not id.isdigit() or int(id) > HIGHEST_OID:
            return None
        found = self._client.rows(f"{ROLES} AND r.oid = %s", (int(id),))
        return self._account(found[0]) if found else None

    def remove(self, account: Account) -> None:
        """Sets NOLOGIN first and then ends the sessions, so that nobody signs in again between the two."""
        now = self.account(account.id)
        if now is None:
            return
        self._refuse_the_last_way_in(now, "disable login for")
        with self._client.transaction():
            self._refuse_if_sessions_would_stay(now)
            self._client.run("ALTER ROLE {role} NOLOGIN", role=now.name)
            altered = self._client.rows("SELECT NOT rolcanlogin FROM pg_roles WHERE oid = %s", (int(now.id),))
            _refuse_another(altered == [(True,)])
        self._end_sessions(now)

    def _refuse_the_last_way_in(self, now: Account, operation: str) -> None:
        if now.kind == "system":
            raise Refused(f"PostgreSQL made {now.name} for itself: it stays.")
        mine = self._client.rows("SELECT rolname = session_user FROM pg_roles WHERE oid = %s", (int(now.id),))
        if mine == [(True,)]:
            raise Refused(f"{now.name} is the role that Rollcall itself signs in as, so it wasn't changed.")
        if now.role == "superuser" and now.status == "active":
            [(others,)] = self._client.rows(OTHER_SUPERUSERS, (int(now.id),))
            if not others:
                raise Refused(f"{now.name} is the last superuser who can log in: Rollcall doesn't {operation} it.")

    def _refuse_if_sessions_would_stay(self, now: Account) -> None:
        id = int(now.id)
        [(sessions, may)] = self._client.rows(
            f"SELECT (SELECT count(*) FROM {SESSIONS}), "
            "pg_has_role(%s::oid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE')",
            (id, id),
        )
        if sessions and not may:
            raise CredentialRejected(
                f"{now.name} has {plural(sessions, 'open session')}, which Rollcall may not end. Nothing was changed. "
                "GRANT pg_signal_backend to Rollcall's role, then try again."
            )

    def _end_sessions(self, now: Account) -> None:
        deadline = time.monotonic() + SESSION_SECONDS
        while self._client.rows(f"SELECT pg_terminate_backend(pid) FROM {SESSIONS}", (int(now.id),)):
            if time.monotonic() > deadline:
                raise TemporarilyUnavailable(f"{now.name} can no longer log in, but its sessions don't end.")
            time.sleep(0.1)

    @classmethod
    def roles_after(cls, account: Account, role: str) -> tuple[str, ...]:
        """Higher privileges are revoked, lower ones are kept."""
        below = list(ATTRIBUTES)[list(ATTRIBUTES).index(role) + 1 :] if role in ATTRIBUTES else ()
        return (role, *(held for held in account.roles if held in below))

    def change_role(self, account: Account, role: str) -> None:
        """ALTER ROLE names only what differs: a statement that names SUPERUSER needs a superuser."""
        if role not in {known.id for known in self.roles()}:
            raise Refused(f"PostgreSQL has no role {role} in Rollcall.")
        now = self._present(account)
        if now.role == role:
            return
        if role != "superuser":
            self._refuse_the_last_way_in(now, "take SUPERUSER from")
        [(_, _, _, *held, _, _)] = self._client.rows(f"{ROLES} AND r.oid = %s", (int(now.id),))
        above = list(ATTRIBUTES)[: list(ATTRIBUTES).index(role)] if role in ATTRIBUTES else list(ATTRIBUTES)
        has = dict(zip(ATTRIBUTES, held))
        changes = [f"NO{ATTRIBUTES[name]}" for name in above if has[name]]
        changes += [ATTRIBUTES[role]] if role in ATTRIBUTES and not has[role] else []
        with self._client.transaction():
            self._client.run(f"ALTER ROLE {{role}} {' '.join(changes)}", role=now.name)
            _refuse_another(self._present(now).role == role)

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        if role not in (CONNECT, ""):
            raise Refused(f"Only “{CONNECT}” can be given here: “{role}” follows from other roles or from ownership.")
        now, database = self._present(account), self._database(asset)
        if database is None:
            raise Refused(f"The database {asset.name or asset.id} no longer exists.")
        self._client.run("GRANT CONNECT ON DATABASE {database} TO {role}", database=database, role=now.name)
        if self._how(account, asset, explicit=True) is None:
            raise CredentialRejected(f"PostgreSQL didn't grant CONNECT on {database}: only its owner or a superuser "
                                     "can do that.")

    def revoke(self, account: Account, asset: Asset) -> None:
        now, database = self.account(account.id), self._database(asset)
        if now is None or database is None:
            return
        if self._how(account, asset) == OWNER:
            raise Refused(f"{now.name} owns the database {database}: give it another owner first.")
        if self._how(account, asset, explicit=True) is not None:
            self._client.run("REVOKE CONNECT ON DATABASE {database} FROM {role}", database=database, role=now.name)
        left = self._how(account, asset)
        if left == CONNECT:
            raise CredentialRejected(
                f"{now.name} keeps CONNECT on {database}: someone else granted it, or Rollcall's role can't revoke it."
            )
        if left is not None:
            raise Refused(f"{now.name} has no CONNECT of its own on {database}, but still “{left}”. Change that there.")

    def _present(self, account: Account) -> Account:
        now = self.account(account.id)
        if now is None:
            raise Refused(f"The role {account.name or account.id} no longer exists.")
        return now

    def _database(self, asset: Asset) -> str | None:
        found = self._client.rows(f"SELECT datname FROM ({DATABASES}) d WHERE oid::text = %s", (asset.id,))
        return found[0][0] if found else None

    def _how(self, account: Account, asset: Asset, explicit: bool = False) -> str | None:
        """The right by which the role may connect now, if any; `explicit`: CONNECT was given to the role itself."""
        condition = EXPLICIT if explicit else "has_database_privilege(r.oid, d.oid, 'CONNECT')"
        found = self._client.rows(
            f"SELECT {HOW} FROM pg_database d, pg_roles r WHERE d.oid::text = %s AND r.oid::text = %s AND {condition}",
            (asset.id, account.id),
        )
        return found[0][0] if found else None


def _refuse_another(hit: bool) -> None:
    """A statement names a role, but Rollcall knows it by its id. Raises TemporarilyUnavailable if the name has changed,
    so that no other role is changed."""
    if not hit:
        raise TemporarilyUnavailable("The role was renamed or dropped at the same time. Nothing was changed.")
