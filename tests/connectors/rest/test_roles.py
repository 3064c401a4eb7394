"""Several roles in a YAML-described app: all are read, and a preview shows what a change does to the others."""

from __future__ import annotations

import pytest

import connectors
from connectors.base import Account, Role
from sync.apps import apps
from sync.checks import checks
from sync.jobs import asking, queue
from sync.models import Account as Known
from sync.tasks import by_hand
from tests.connectors.described import SECRET, Anything, described
from tests.connectors.fake import Reply, Request

ROLES = [{"id": 1, "name": "Owner"}, {"id": 3, "name": "Reader"}, {"id": 4, "name": "Editor"},
         {"id": 5, "name": "Billing"}]  # fmt: skip
LIST = {"path": "/roles", "role": {"id": "id", "label": "name", "privileged": {"from": "name", "values": {
    "Owner": True, "*": False}}}}  # fmt: skip
OF_SEVERAL = {"from": "roles.*.id", "prefer": [1]}
SAYS = {
    "the new one alone": ({"method": "PUT", "path": "/users/{account.id}", "body": {"roles": ["{role}"]}}, False),
    "all of them": ({"method": "PUT", "path": "/users/{account.id}", "body": {"roles": "{roles}"}}, True),
    "one in place of one": ([
        {"method": "DELETE", "path": "/users/{account.id}/{account.role}"},
        {"method": "POST", "path": "/users/{account.id}/{role}", "keeps_others": True}], True),
}  # fmt: skip


class RolesApp:
    """Three people; PUT writes someone's roles, POST and DELETE give and take one."""

    def __init__(self, anything: Anything):
        self.held = {"7": ["4", "5"], "8": ["3"], "9": ["1", "4"]}
        anything.answer = self.answer

    def answer(self, request: Request) -> object:
        if request.path == "/roles":
            return ROLES
        _, _, *parts = request.path.split("/")
        if request.method == "GET":
            rows = [{"id": int(id), "email": f"p{id}@acme.example", "roles": [{"id": int(role)} for role in roles]}
                    for id, roles in self.held.items()]  # fmt: skip
            return rows if not parts else next(row for row in rows if str(row["id"]) == parts[0])
        if request.method == "PUT":
            self.held[parts[0]] = request.body["roles"]
        elif request.method == "POST":
            self.held[parts[0]].append(parts[1])
        else:
            self.held[parts[0]].remove(parts[1])
        return Reply(204)


def accounts(call: object = None, role: object = OF_SEVERAL) -> list[dict]:
    entry = {"path": "/users", "account": {"id": "id", "email": "email", "role": role},
             "look_up": {"path": "/users/{account.id}"}}  # fmt: skip
    return [entry | ({"change_role": call} if call else {})]


@pytest.fixture
def app(anything) -> RolesApp:
    return RolesApp(anything)


@pytest.mark.parametrize(
    "role,held",
    [
        (OF_SEVERAL, [("4", "5"), ("3",), ("1", "4")]),
        ({"from": "roles.*.id", "prefer": [4]}, [("4", "5"), ("3",), ("4", "1")]),
        ("roles.*.id", [("4", "5"), ("3",), ("1", "4")]),
        ({"from": "roles.*.id", "values": {"4": "editor", "3": "reader", "1": "owner"}},
         [("editor", "5"), ("reader",), ("owner", "editor")]),
        ({"from": "roles.*.id", "prefer": [1], "values": {"1": "owner", "*": "member"}},
         [("member",), ("member",), ("owner", "member")]),
        ("roles.0.id", [("4",), ("3",), ("1",)]),
        ({"const": "member"}, [("member",)] * 3),
        ({"from": "id", "table": "role_of", "default": "none"}, [("b", "a"), ("none",), ("a",)]),
    ],
    ids=str,
)  # fmt: skip
def test_all_roles_of_an_account_are_read(anything, app, connect, role, held):
    granted = [{"user": 7, "role": "a"}, {"user": 7, "role": "b"}, {"user": 9, "role": "a"}, {"user": 9, "role": "a"}]
    people = anything.answer
    anything.answer = lambda request: granted if request.path == "/granted" else people(request)
    tables = {"role_of": {"path": "/granted", "key": "user", "value": "role", "prefer": ["b"]}}
    connector = connect(accounts=accounts(role=role), tables=tables)
    found = list(connector.accounts())
    assert [account.roles for account in found] == held
    assert [connector.account(account.id) for account in found] == found


def test_further_roles_are_found_in_a_list_alone(anything, connect):
    anything.answer = lambda request: [{"id": 1, "roles": []}, {"id": 2, "roles": ["x", "", None, "x"]}, {"id": 3}]
    connector = connect(accounts=[{"path": "/users", "account": {"id": "id", "role": "roles"}}])
    assert [(one.role, one.further_roles) for one in connector.accounts()] == [("", ()), ("x", ()), ("", ())]


@pytest.mark.parametrize("says", SAYS)
@pytest.mark.parametrize("id,role", [("7", "3"), ("7", "5"), ("8", "4"), ("9", "3")])
def test_the_file_shows_beforehand_which_roles_a_change_keeps(app, connect, says, id, role):
    call, keeps = SAYS[says]
    connector = connect(accounts=accounts(call))
    account = connector.account(id)
    announced = connector.roles_after(account, role)
    assert set(announced) == {role, *(account.further_roles if keeps else ())} and announced[0] == role
    connector.change_role(account, role)
    assert set(connector.account(id).roles) == set(announced)


def test_all_roles_are_sent_in_the_words_of_the_app(anything, connect):
    anything.answer = lambda request: Reply(204)
    call = {"path": "/users/{account.id}", "values": {"reader": 3, "editor": 4}, "body": {"roles": "{roles}"}}
    connector = connect(accounts=[{"path": "/users", "account": {"id": "id"}, "change_role": call}])
    connector.change_role(Account("7", role="owner", further_roles=("editor", "unheard-of")), "reader")
    assert anything.requests[0].body == {"roles": [3, 4, "unheard-of"]}


@pytest.mark.parametrize("says", SAYS)
def test_an_owner_sees_what_goes_before_it_goes(anything, app, tmp_path, monkeypatch, olga, by, says):
    """The whole way: connected, read, previewed, approved, done, read again."""
    call, keeps = SAYS[says]
    kind = described(tmp_path, accounts=accounts(call), roles=[LIST])
    known = {**connectors.app_connectors(), kind.slug: kind}
    monkeypatch.setattr(connectors, "app_connectors", lambda: known)
    settings = {"base_url": anything.url, "user": "olga", "token": SECRET}
    connected = apps.connect(kind.slug, "Tried", settings, [olga], by)

    def check() -> checks.Check:
        asked = asking.ask(connected, by)
        checks.run(asked.id)
        return checks.Check.get_by_id(asked.id)

    assert check().state == "succeeded"
    account = Known.get(Known.external_id == "7")
    assert (account.role, account.further_roles) == ("4", ("5",))

    def plan() -> by_hand.Plan:
        return by_hand.plan_roles(connected, [account.id], "3")

    [line] = plan().lines
    assert (line.before, line.after, line.beside) == (
        "Editor", "Reader", {"keeps": ["Billing"]} if keeps else {"removes": ["Billing"]},
    )  # fmt: skip
    done = by_hand.carry_out(plan, by, plan().seen)
    queue.drain(("task",))
    assert type(done.tasks[0]).get_by_id(done.tasks[0].id).state == "done"
    assert sorted(app.held["7"]) == (["3", "5"] if keeps else ["3"])
    assert check().counts["updated_roles"] == 0


def test_roles_come_from_their_list_with_who_is_privileged(anything, app, connect):
    connector = connect(accounts=accounts(), roles=[LIST])
    assert connector.roles()[0] == Role("1", "Owner", privileged=True)
