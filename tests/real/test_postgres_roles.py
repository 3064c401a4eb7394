"""The PostgreSQL connector against a real server: what contract.py asks of connectors over HTTP, asked of this one.
Hostile names, many roles, every operation and refusal, and the whole main job."""

from __future__ import annotations

import pytest

from connectors.apps.postgres import CONNECT, CONNECT_THROUGH, OWNER, OWNER_THROUGH, PUBLIC, SUPERUSER, PostgresRoles
from connectors.base import Account, Asset, CredentialRejected, Refused, TemporarilyUnavailable
from sync.apps import apps
from sync.checks import checks
from sync.jobs import asking, queue
from sync.models import Account as Row
from sync.models import Check, Person
from sync.people import people
from sync.reports import reports
from sync.safety import sole_managers
from tests.real.postgres import ROLLCALL, ROLLCALL_PASSWORD, Postgres, find

NAMES = (
    'ana"; DROP DATABASE shop; --',
    "O'Brien \\ \"Bob\"",
    "{role} %s %(x)s {{}}",
    "Зоя Ångström 王小明",
    "line\nbreak\ttab",
    "<script>alert(1)</script>",
    "=HYPERLINK(1)",
    "x" * 63,
    "public ",
    "select",
)  # fmt: skip


@pytest.fixture
def connector(postgres_roles: PostgresRoles) -> PostgresRoles:
    return postgres_roles


def database(connector: PostgresRoles, name: str) -> Asset:
    return next(asset for asset in connector.assets() if asset.name == name)


def how(connector: PostgresRoles, name: str) -> dict[str, str]:
    """By which right each role may connect to this database, by the role's name."""
    names = {account.id: account.name for account in connector.accounts()}
    asset = database(connector, name)
    return {names[access.account]: access.role for access in connector.access() if access.asset == asset.id}


@pytest.mark.proves("postgresql")
def test_the_main_job_from_connecting_to_no_log_in_any_longer(postgres: Postgres, olga: Person, by: str):
    for name in ("ana", "ben", "cleo", "dan"):
        postgres.role(name)
    postgres.run("CREATE DATABASE {} OWNER {}", "shop", "ben")
    persons = {name: people.add(name, f"{name}@acme.example", by) for name in ("ana", "ben", "cleo", "dan")}
    app = apps.connect("postgresql", "Databases", postgres.settings(), [olga], by)
    first = check(app, by)
    assert (first.state, first.error) == ("succeeded", None)
    assert Row.select().where(Row.app == app, Row.match_kind == "matched").count() == 4

    people.mark_left(persons["ben"], by)
    second = check(app, by)
    assert (second.state, second.waiting, second.report.state) == ("succeeded", 1, "open")
    ben = Row.get(Row.name == "ben")
    [shop] = sole_managers.sole_assets([ben.id])[ben.id]
    assert shop.name == "shop"
    assert postgres.signs_in("ben")

    with postgres.connect("ben", "secret") as session:
        done = reports.finish(second.report, by, version=second.report.version,
                              hand_overs={(ben.id, shop.id): None})
        queue.drain()
        with pytest.raises(Exception, match="terminating connection"):
            session.execute("SELECT 1")
    [task] = [type(task).get_by_id(task.id) for task in done.tasks]
    assert (task.state, task.error) == ("done", None)
    assert not postgres.signs_in("ben") and postgres.signs_in("ana")
    assert postgres.ask("SELECT datname FROM pg_database WHERE datname = 'shop'")

    third = check(app, by)
    assert (third.state, third.waiting) == ("succeeded", 0)


def check(app, by: str) -> Check:
    asked = asking.ask(app, by)
    checks.run(asked.id)
    return Check.get_by_id(asked.id)


# Reading


@pytest.mark.parametrize("count", [0, 1, 499, 500, 2500])
def test_every_role_is_read_in_pages(postgres: Postgres, count: int):
    postgres.run(f"DO $$ BEGIN FOR n IN 1..{count} LOOP EXECUTE 'CREATE ROLE many' || n || ' LOGIN'; END LOOP; END $$")
    shown: list[int] = []
    connector = PostgresRoles(postgres.settings(), shown.append)
    accounts = list(connector.accounts())
    assert len({account.id for account in accounts}) == len(accounts) == count + 1 == shown[0]
    assert len(list(connector.access())) == count + 1
    connector.close()


def test_only_roles_that_sign_in_are_accounts(postgres: Postgres, connector: PostgresRoles):
    postgres.role("ana")
    postgres.role("off", "NOLOGIN")
    postgres.run("GRANT {} TO {} WITH ADMIN OPTION", "off", "ana")
    postgres.role("late", "VALID UNTIL '2020-01-01'")
    postgres.run("CREATE ROLE {}", "team")
    postgres.run("GRANT {} TO {}", "team", "ana")
    postgres.role("boss", "SUPERUSER")
    postgres.role("manager", "CREATEROLE CREATEDB")
    postgres.role("maker", "CREATEDB")
    accounts = {account.name: account for account in connector.accounts()}
    assert set(accounts) == {"postgres", "ana", "off", "late", "boss", "manager", "maker"}
    assert {name for name, account in accounts.items() if account.status == "suspended"} == {"off"}
    assert {name for name, account in accounts.items() if account.kind == "system"} == {"postgres"}
    assert accounts["late"].seat == "password expired"
    assert {name: accounts[name].role for name in ("ana", "boss", "manager", "maker")} == {
        "ana": "login", "boss": "superuser", "manager": "createrole", "maker": "createdb",
    }  # fmt: skip
    assert {role.id for role in connector.roles() if role.privileged} == {"superuser", "createrole"}


@pytest.mark.parametrize(
    ("name", "comment", "email"),
    [
        ("ana", "Ana López <ana.l@acme.example>, Sales", "ana.l@acme.example"),
        ("ana", "owner: ana.l@acme.example.", "ana.l@acme.example"),
        ("ana", "Owner: <ana.l@acme.example>", "ana.l@acme.example"),
        ("importer", "nightly import, ask ana.l@acme.example", "importer@acme.example"),
        ("two words", "nightly import (ana.l@acme.example)", ""),
        ("ana", "a@acme.example or b@acme.example", ""),
        ("ana", "no address", "ana@acme.example"),
        ("ana", "@ or x@y", "ana@acme.example"),
        ("b@other.example", None, "b@other.example"),
        ("b@other.example", "c@acme.example", "c@acme.example"),
        ("two words", None, ""),
    ],
)
def test_a_role_has_an_owner(postgres: Postgres, connector: PostgresRoles, name: str, comment: str | None, email: str):
    postgres.role(name, comment=comment)
    assert find(connector, name).email == email


def test_names_of_every_kind_are_read_and_changed(postgres: Postgres, connector: PostgresRoles):
    postgres.run("CREATE DATABASE {}", "shop")
    postgres.run("REVOKE CONNECT ON DATABASE {} FROM PUBLIC", "shop")
    shop = database(connector, "shop")
    for name in NAMES:
        postgres.role(name)
    for name in NAMES:
        account = find(connector, name)
        connector.grant(account, shop, CONNECT)
        assert how(connector, "shop")[name] == CONNECT
        connector.revoke(account, shop)
        connector.change_role(account, "createdb")
        assert connector.account(account.id).role == "createdb"
        connector.remove(account)
    suspended = {account.name for account in connector.accounts() if account.status == "suspended"}
    assert suspended == set(NAMES) and set(how(connector, "shop")) == {"postgres"}


def test_someone_who_goes_during_a_reading_hides_nobody(postgres: Postgres, connector: PostgresRoles):
    postgres.run("DO $$ BEGIN FOR n IN 1..1100 LOOP EXECUTE 'CREATE ROLE many' || n || ' LOGIN'; END LOOP; END $$")
    reading = connector.accounts()
    read = {next(reading).name}
    postgres.run("DROP ROLE {}", "many1")
    read |= {account.name for account in reading}
    assert read >= {f"many{n}" for n in range(2, 1101)}


def test_the_id_outlives_a_new_name(postgres: Postgres, connector: PostgresRoles):
    id = str(postgres.role("ana", comment="ana@acme.example"))
    postgres.run("ALTER ROLE {} RENAME TO {}", "ana", "married")
    assert connector.account(id) == Account(id, "ana@acme.example", "married", role="login", user_name="married")
    stale = Account(id, name="ana")
    postgres.role("ana")
    connector.remove(stale)
    assert postgres.signs_in("ana") and connector.account(id).status == "suspended"


def test_a_role_renamed_in_this_very_moment_hits_nobody_else(postgres: Postgres, connector: PostgresRoles, monkeypatch):
    postgres.role("ana")
    ana, run = find(connector, "ana"), connector._client.run

    def too_late(text: str, **names: str) -> None:
        postgres.run("ALTER ROLE {} RENAME TO {}", "ana", "married")
        postgres.role("ana")
        run(text, **names)

    monkeypatch.setattr(connector._client, "run", too_late)
    with pytest.raises(TemporarilyUnavailable, match="Nothing was changed"):
        connector.remove(ana)
    assert postgres.signs_in("ana") and postgres.signs_in("married")


def test_nobodys_function_runs_in_place_of_the_servers_own(postgres: Postgres, connector: PostgresRoles):
    postgres.role("ana")
    postgres.run("CREATE FUNCTION public.shobj_description(oid, text) RETURNS text "
                 "RETURN 'owner@acme.example'")  # fmt: skip
    try:
        assert find(connector, "ana").email == "ana@acme.example"
    finally:
        postgres.run("DROP FUNCTION public.shobj_description(oid, text)")


@pytest.mark.parametrize("id", ["", "0", "ana", "99999999", "4294967296", "-1", "1; DROP ROLE ana", "٣"])
def test_nobody_there_is_none(connector: PostgresRoles, id: str):
    assert connector.account(id) is None
    connector.remove(Account(id))


# Operations


def test_a_removal_twice(postgres: Postgres, connector: PostgresRoles):
    postgres.role("ana")
    ana = find(connector, "ana")
    for _ in range(2):
        connector.remove(ana)
    assert connector.account(ana.id).status == "suspended" and not postgres.signs_in("ana")
    postgres.run("DROP ROLE {}", "ana")
    connector.remove(ana)
    assert connector.account(ana.id) is None


def test_protected_roles_are_not_removed(postgres: Postgres, connector: PostgresRoles, modest_roles: PostgresRoles):
    postgres.role("boss", "SUPERUSER")
    with pytest.raises(Refused, match="for itself"):
        connector.remove(find(connector, "postgres"))
    with pytest.raises(Refused, match="itself signs in"):
        modest_roles.remove(find(modest_roles, ROLLCALL))
    with pytest.raises(CredentialRejected):
        modest_roles.remove(find(modest_roles, "boss"))
    assert postgres.signs_in(ROLLCALL, ROLLCALL_PASSWORD) and postgres.signs_in("boss")


def test_the_last_superuser_who_can_log_in_is_refused(postgres: Postgres, connector: PostgresRoles):
    postgres.role("boss", "SUPERUSER")
    postgres.role("late", "SUPERUSER VALID UNTIL '2020-01-01'")
    boss = find(connector, "boss")
    connector.roles()
    with postgres.connect("boss", "secret") as admin:
        admin.execute("ALTER ROLE postgres NOLOGIN")
        try:
            for run in (lambda: connector.remove(boss), lambda: connector.change_role(boss, "login")):
                with pytest.raises(Refused, match="last superuser"):
                    run()
            assert postgres.signs_in("boss") and connector.account(boss.id).role == "superuser"
        finally:
            admin.execute("ALTER ROLE postgres LOGIN")


def test_a_role_is_changed_by_what_differs(postgres: Postgres, modest_roles: PostgresRoles, connector: PostgresRoles):
    with postgres.connect(ROLLCALL, ROLLCALL_PASSWORD) as session:
        session.execute("CREATE ROLE ana LOGIN")
    ana = find(modest_roles, "ana")
    for role in ("createrole", "login"):
        for _ in range(2):
            modest_roles.change_role(ana, role)
        assert modest_roles.account(ana.id).role == role
    with pytest.raises(CredentialRejected):
        modest_roles.change_role(ana, "superuser")
    for role in ("superuser", "createdb", "login", "createrole"):
        connector.change_role(ana, role)
        assert connector.account(ana.id).role == role
    with pytest.raises(Refused):
        connector.change_role(ana, "emperor")


@pytest.mark.parametrize("role", ["superuser", "createrole", "createdb", "login"])
def test_each_attribute_is_a_role_and_a_change_keeps_what_it_says(postgres: Postgres, connector: PostgresRoles, role):
    postgres.role("ana", "SUPERUSER CREATEROLE CREATEDB")
    postgres.role("ben", "CREATEROLE CREATEDB")
    for name, held in (("ana", ("superuser", "createrole", "createdb")), ("ben", ("createrole", "createdb"))):
        account = find(connector, name)
        assert account.roles == held
        announced = connector.roles_after(account, role)
        connector.change_role(account, role)
        assert set(connector.account(account.id).roles) == set(announced) and announced[0] == role


def test_why_each_role_may_connect(postgres: Postgres, connector: PostgresRoles):
    for name in ("ana", "ben", "cleo", "dan"):
        postgres.role(name)
    for group, member in (("owners", "ben"), ("readers", "cleo")):
        postgres.run("CREATE ROLE {}", group)
        postgres.run("GRANT {} TO {}", group, member)
    postgres.run("CREATE DATABASE {} OWNER {}", "shop", "owners")
    assert how(connector, "shop") == {
        "postgres": SUPERUSER, "ana": PUBLIC, "ben": OWNER_THROUGH, "cleo": PUBLIC, "dan": PUBLIC}  # fmt: skip
    postgres.run("REVOKE CONNECT ON DATABASE {} FROM PUBLIC", "shop")
    postgres.run("GRANT CONNECT ON DATABASE {} TO {}, {}", "shop", "readers", "dan")
    assert how(connector, "shop") == {
        "postgres": SUPERUSER, "ben": OWNER_THROUGH, "cleo": CONNECT_THROUGH, "dan": CONNECT}  # fmt: skip
    privileged = [access for access in connector.access() if access.privileged]
    assert {access.role for access in privileged} == {OWNER, OWNER_THROUGH}
    for one in connector.accounts():
        managed = {access.asset for access in privileged if access.account == one.id}
        assert {asset.id for asset in connector.managed(one)} == managed, one.name


def test_access_is_given_and_taken_or_reported_to_remain(postgres: Postgres, connector: PostgresRoles):
    postgres.role("ana")
    postgres.run("CREATE DATABASE {}", "shop")
    ana, shop = find(connector, "ana"), database(connector, "shop")
    connector.grant(ana, shop, CONNECT)
    with pytest.raises(Refused, match="PUBLIC"):
        connector.revoke(ana, shop)
    postgres.run("REVOKE CONNECT ON DATABASE {} FROM PUBLIC", "shop")
    for _ in range(2):
        connector.grant(ana, shop, CONNECT)
    assert postgres.signs_in("ana", database="shop")
    for _ in range(2):
        connector.revoke(ana, shop)
    assert not postgres.signs_in("ana", database="shop")
    with pytest.raises(Refused):
        connector.grant(ana, shop, OWNER)
    postgres.run("ALTER DATABASE {} OWNER TO {}", "shop", "ana")
    with pytest.raises(Refused, match="another owner"):
        connector.revoke(ana, shop)
    listed = {one.role for one in connector.access() if one.asset == shop.id}
    assert {OWNER, SUPERUSER} == listed, "and neither can be given or taken away, so nobody plans it"
    for refused in (PostgresRoles.asset_roles_by_hand, PostgresRoles.asset_roles_kept):
        assert {("database", role) for role in listed} <= refused and ("database", CONNECT) not in refused
    assert ("database", PUBLIC) in PostgresRoles.asset_roles_kept
    connector.revoke(ana, Asset("999999", "database"))
    with pytest.raises(Refused, match="no longer"):
        connector.grant(ana, Asset("999999", "database", "gone"), CONNECT)


def test_access_that_may_not_be_given_is_reported(postgres: Postgres, modest_roles: PostgresRoles):
    postgres.role("ana")
    postgres.run("CREATE DATABASE {}", "shop")
    ana, shop = find(modest_roles, "ana"), database(modest_roles, "shop")
    with pytest.raises(CredentialRejected):
        modest_roles.grant(ana, shop, CONNECT)
    postgres.run("GRANT CONNECT ON DATABASE {} TO {}", "shop", "ana")
    with pytest.raises(CredentialRejected):
        modest_roles.revoke(ana, shop)
