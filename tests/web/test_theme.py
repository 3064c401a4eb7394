"""A chosen theme stays with the browser, on every page; without a choice the device decides."""

from __future__ import annotations

import pytest

from tests.web.client import Client


def shown(client: Client) -> str:
    page = client.get("/people").text
    return page.partition("<html")[2].partition(">")[0]


@pytest.mark.parametrize("chosen", ["light", "dark"])
def test_a_choice_stays_until_the_device_decides_again(owner: Client, chosen: str) -> None:
    assert "data-theme" not in shown(owner)
    answer = owner.send("PUT", "/theme", theme=chosen, back="/people?search=x")
    assert (answer.status_code, answer.location) == (303, "/people?search=x")
    assert f'data-theme="{chosen}"' in shown(owner)
    assert f'value="{chosen}" aria-pressed="true"' in owner.get("/settings").text
    owner.send("PUT", "/theme", theme="")
    assert "data-theme" not in shown(owner)


def test_the_cookie_is_for_the_server_alone(owner: Client) -> None:
    cookies = owner.send("PUT", "/theme", theme="dark").headers.getlist("Set-Cookie")
    [cookie] = [text for text in cookies if "theme" in text]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie


@pytest.mark.parametrize("hostile", ["blue", '"><script>', "dark ", "DARK"])
def test_another_word_is_refused(owner: Client, hostile: str) -> None:
    assert owner.send("PUT", "/theme", theme=hostile).status_code == 400
    owner.client.set_cookie("rollcall-theme", hostile)
    head = owner.get("/people").text.partition("<link")[0]
    assert "data-theme" not in head and "<script>" not in head


def test_the_way_back_never_leaves_rollcall(owner: Client) -> None:
    assert owner.send("PUT", "/theme", theme="dark", back="https://evil.example/").location == "/"
