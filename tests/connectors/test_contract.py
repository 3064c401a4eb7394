"""The contract itself: a fake notices what is not declared, and the battery notices connectors that are careless."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests

from connectors.base import Account, ConnectorError
from connectors.effects import Reach
from connectors.scim.client import PATCH_SCHEMA
from connectors.scim.connector import Scim
from connectors.tools.holes import EVERYTHING
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import Fact, FakeApp
from tests.connectors.fake_scim import FakeScim


class Declared(FakeApp):
    facts = (
        Fact("GET", "/people/{id}", "person", ("expand",)),
        Fact("POST", "/people", "new_person", ("notify",), ("name", "email"), ("email",)),
    )

    def person(self, request):
        return request.ids

    def new_person(self, request):
        return request.body


@pytest.fixture
def app():
    app = Declared()
    app.start()
    yield app
    if app.violations:
        with pytest.raises(AssertionError, match="does not declare"):
            app.stop()
    else:
        app.stop()


def call(app: FakeApp, method: str, path: str, **more) -> requests.Response:
    headers = {"Authorization": f"Bearer {app.token}"}
    return requests.request(method, app.url + path, headers=headers, timeout=60, **more)


def test_a_declared_call_is_answered(app):
    assert call(app, "GET", "/people/a%2Fb?expand=1").json() == {"id": "a/b"}
    assert call(app, "POST", "/people?notify=no", json={"email": "x"}).json() == {"email": "x"}
    assert call(app, "POST", "/people", data={"email": "x", "name": "y"}).json() == {"email": "x", "name": "y"}
    assert app.violations == []


@pytest.mark.parametrize(
    "method,path,body,objection",
    [
        ("GET", "/people", None, "GET /people: no such call"),
        ("DELETE", "/people/1", None, "DELETE /people/1: no such call"),
        ("GET", "/people/1/2", None, "no such call"),
        ("GET", "/people/1?limit=5", None, "parameter “limit” is not declared"),
        ("POST", "/people", {"email": "x", "age": 7}, "field “age” is not declared"),
        ("POST", "/people", [{"email": "x"}, {"age": 7}], "field “age” is not declared"),
        ("POST", "/people", {"name": "x"}, "“email” is missing"),
        ("POST", "/people", None, "“email” is missing"),
    ],
)
def test_an_undeclared_call_is_noticed(app, method, path, body, objection):
    assert call(app, method, path, json=body).status_code == 418
    assert objection in app.violations[0]


def test_a_wrong_token_is_refused(app):
    assert requests.get(app.url + "/people/1", timeout=60).status_code == 401


class FirstPageOnly(Scim):
    def accounts(self) -> Iterator[Account]:
        page = self._client._page(self._client.http.get("Users", params={"startIndex": 1, "count": 200}))
        return iter([Account(user["id"]) for user in page.items])


class Forgiving(Scim):
    """An error becomes an empty list, or a fine removal."""

    def accounts(self) -> Iterator[Account]:
        try:
            yield from super().accounts()
        except ConnectorError:
            return

    def account(self, id: str) -> Account | None:
        try:
            return super().account(id)
        except ConnectorError:
            return None

    def remove(self, account: Account) -> None:
        try:
            super().remove(account)
        except ConnectorError:
            return


class Talkative(Scim):
    def test(self):
        try:
            return super().test()
        except ConnectorError as failure:
            raise type(failure)(f"{failure} (with {self.settings['token']})") from failure


class Holey(Scim):
    """Sends what the account lacks as if it were nothing."""

    def change_role(self, account: Account, role: str) -> None:
        operation = {"op": "replace", "path": "roles", "value": [{"value": role, "display": account.name}]}
        body = {"schemas": [PATCH_SCHEMA], "Operations": [operation]}
        self._client.http.call("PATCH", f"Users/{account.id}", json=body, may_be_empty=EVERYTHING)

    def invite(self, email: str, role: str) -> None:
        self._client.http.call("GET", "Users", params={"filter": f'userName eq "{email}"'})

    def remove(self, account: Account) -> None:
        self.invite(account.email, "")


class Narrow(Scim):
    """Declares that an operation stays in one workspace, while the address is an organisation's."""

    effects = {operation: tuple(replace(effect, reach=Reach.WORKSPACE) for effect in effects)
               for operation, effects in Scim.effects.items()}  # fmt: skip


CONTRACT = ConnectorContract()
CONTRACT.page = 200


@pytest.fixture
def battery(monkeypatch):
    """Gives a fake and a connector of a kind to the battery."""
    app = FakeScim()
    app.start()
    made: list[Scim] = []

    def battery(kind: type[Scim]) -> tuple[FakeScim, Scim]:
        monkeypatch.setattr(CONTRACT, "kind", kind, raising=False)
        made.append(CONTRACT.connect(app))
        return app, made[0]

    yield battery
    made[0].close()
    app.stop()


@pytest.mark.parametrize(
    "kind,test,more",
    [
        (FirstPageOnly, CONTRACT.test_reads_every_page, {"count": "page+1"}),
        (FirstPageOnly, CONTRACT.test_a_total_that_lies_is_rejected, {}),
        (FirstPageOnly, CONTRACT.test_an_account_in_place_of_another_is_noticed, {}),
        (FirstPageOnly, CONTRACT.test_someone_removed_between_pages_hides_nobody, {}),
        (Forgiving, CONTRACT.test_a_fault_that_stays_fails_the_reading, {"fault": "500", "where": "later page"}),
        (Forgiving, CONTRACT.test_a_token_that_expires_half_way_fails_the_reading, {}),
        (Forgiving, CONTRACT.test_nobody_there_is_none_and_a_fault_is_not, {}),
        (Forgiving, CONTRACT.test_a_removal_that_failed_is_not_done, {}),
        (Forgiving, CONTRACT.test_a_refused_removal_is_reported_in_the_apps_words, {}),
        (Holey, CONTRACT.test_a_change_of_role_has_no_hole, {"role": "other"}),
        (Holey, CONTRACT.test_an_invitation_has_no_hole, {"email": "", "role": "usual"}),
        (Holey, CONTRACT.test_a_removal_has_no_hole, {}),
        (Narrow, CONTRACT.test_a_removal_stays_within_its_reach, {}),
        (Narrow, CONTRACT.test_an_invitation_stays_within_its_reach, {}),
    ],
)
def test_the_battery_notices_a_careless_connector(battery, kind, test, more):
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        test(*battery(kind), **more)


def test_the_battery_notices_a_secret_that_leaks(battery, caplog):
    app, _ = battery(Talkative)
    with pytest.raises(AssertionError):
        CONTRACT.test_secrets_stay_secret(app, caplog)
