"""Where Rollcall connects: link-local, metadata and reserved addresses never, loopback where it is configured, private
networks where an Owner entered them or they are configured; decided by the address that the connection goes to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import pytest

import connectors
from connectors.base import ConnectorError, TemporarilyUnavailable
from connectors.tools import net
from connectors.tools.http import Http
from connectors.tools.net import HostRefused, Kind
from connectors.tools.paging import Ahead, Page
from sync.config import BadSetting, Config
from tests.security.listening import PRIVATE, Encrypted, Listener, answers, networks


@pytest.mark.parametrize(("address", "kind"), [
    ("93.184.216.34", Kind.PUBLIC), ("2606:4700::1111", Kind.PUBLIC), ("::ffff:8.8.8.8", Kind.PUBLIC),
    ("64:ff9b::8.8.8.8", Kind.PUBLIC), ("2002:808:808::1", Kind.PUBLIC),
    ("10.1.2.3", Kind.PRIVATE), ("172.16.0.1", Kind.PRIVATE), ("172.31.255.255", Kind.PRIVATE),
    ("192.168.1.1", Kind.PRIVATE), ("100.64.0.1", Kind.PRIVATE), ("fd12:3456::1", Kind.PRIVATE),
    ("::ffff:10.0.0.1", Kind.PRIVATE), ("64:ff9b::10.0.0.1", Kind.PRIVATE), ("2002:a00:1::1", Kind.PRIVATE),
    ("127.0.0.1", Kind.LOOPBACK), ("127.8.8.8", Kind.LOOPBACK), ("::1", Kind.LOOPBACK),
    ("::ffff:127.0.0.1", Kind.LOOPBACK), ("64:ff9b::127.0.0.1", Kind.LOOPBACK), ("2002:7f00:1::", Kind.LOOPBACK),
    ("0.0.0.0", Kind.NEVER), ("0.1.2.3", Kind.NEVER), ("::", Kind.NEVER), ("169.254.169.254", Kind.NEVER),
    ("169.254.170.2", Kind.NEVER), ("::ffff:169.254.169.254", Kind.NEVER), ("64:ff9b::169.254.169.254", Kind.NEVER),
    ("2002:a9fe:a9fe::1", Kind.NEVER), ("fe80::1", Kind.NEVER), ("fec0::1", Kind.NEVER), ("fd00:ec2::254", Kind.NEVER),
    ("fd20:ce::254", Kind.NEVER), ("100.100.100.200", Kind.NEVER), ("168.63.129.16", Kind.NEVER),
    ("192.0.0.192", Kind.NEVER), ("224.0.0.1", Kind.NEVER), ("ff02::1", Kind.NEVER), ("240.0.0.1", Kind.NEVER),
    ("255.255.255.255", Kind.NEVER), ("192.0.2.1", Kind.NEVER), ("198.18.0.1", Kind.NEVER), ("2001:db8::1", Kind.NEVER),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", Kind.NEVER), ("64:ff9b:1::a00:1", Kind.NEVER), ("100::1", Kind.NEVER),
    ("::7f00:1", Kind.NEVER), ("::ffff:0:7f00:1", Kind.NEVER), ("4000::1", Kind.NEVER), ("172.32.0.1", Kind.PUBLIC),
])  # fmt: skip
def test_addresses_have_the_right_kind(address: str, kind: Kind):
    assert net.kind_of(ip_address(address)) is kind


@pytest.mark.parametrize("text", [
    "nonsense", "10.0.0.1/8", "0.0.0.0/0", "::/0", "8.8.8.0/24", "169.254.0.0/16", "127.0.0.0/8;10.0.0.0/8",
    "10.0.0.0/7", "fe80::/10", "224.0.0.0/4", "localhost", "10.0.0.0/33",
])  # fmt: skip
def test_a_setting_that_makes_no_sense_stops_the_start(text: str):
    with pytest.raises(BadSetting, match="ROLLCALL_PRIVATE_NETWORKS"):
        Config.from_environ({"ROLLCALL_PRIVATE_NETWORKS": text})


def test_the_setting_names_several_networks():
    config = Config.from_environ({"ROLLCALL_PRIVATE_NETWORKS": "127.0.0.0/8, 10.0.0.0/8,fd12::/16"})
    assert config.private_networks == networks("127.0.0.0/8", "10.0.0.0/8", "fd12::/16")


@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "metadata.google.internal",
                                  "METADATA.google.internal.", "0", "0.0.0.0", "[::]", "[fe80::1]", "0xa9fea9fe",
                                  "2852039166", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]"])  # fmt: skip
def test_forbidden_addresses_are_refused_to_everyone(host: str):
    connectors.allow_networks(networks("127.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "fc00::/7"))
    with connectors.reaching(private=True), pytest.raises(HostRefused, match="never connects to"):
        Http(f"https://{host}", retries=0, timeout=(1, 1)).get("/")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]"])
def test_loopback_is_refused_unless_it_is_configured(strict, here: Listener, host: str):
    with connectors.reaching(private=True), pytest.raises(HostRefused, match="ROLLCALL_PRIVATE_NETWORKS"):
        Http(f"https://{host}:{here.port}", retries=0).get("/")
    assert here.connections == 0
    connectors.allow_networks(networks("127.0.0.0/8"))
    with pytest.raises(TemporarilyUnavailable):
        Http(f"https://{host}:{here.port}", retries=0).get("/")


def test_a_private_network_needs_a_permitted_person_or_the_configuration(inside: Listener):
    address = f"https://{PRIVATE}:{inside.port}"
    with pytest.raises(HostRefused, match="An Owner of the workspace can enter.*ROLLCALL_PRIVATE_NETWORKS"):
        Http(address, retries=0).get("/")
    assert inside.connections == 0
    with connectors.reaching(private=True), pytest.raises(TemporarilyUnavailable):
        Http(address, retries=0).get("/")
    connectors.allow_networks(networks(f"{PRIVATE}/32"))
    with pytest.raises(TemporarilyUnavailable):
        Http(address, retries=0).get("/")


def test_one_address_that_isnt_allowed_refuses_the_name(strict, monkeypatch: pytest.MonkeyPatch):
    answers(monkeypatch, {"app.example": [["93.184.216.34", "169.254.169.254"]]})
    with connectors.reaching(private=True), pytest.raises(HostRefused, match=r"app\.example leads .* never connects"):
        Http("https://app.example", retries=0).get("/")
    answers(monkeypatch, {"app.example": [["93.184.216.34", "10.0.0.1"]]})
    with pytest.raises(HostRefused, match="private network") as refused:
        Http("https://app.example", retries=0).get("/")
    assert "10.0.0.1" not in str(refused.value), "what an inner name leads to is nobody's business"


def test_plain_http_goes_to_loopback_alone(monkeypatch: pytest.MonkeyPatch):
    connectors.allow_networks(networks("127.0.0.0/8", "10.0.0.0/8"))
    with pytest.raises(ConnectorError, match="https://"):
        Http("http://10.0.0.1").get("/")
    answers(monkeypatch, {"localhost": [["10.0.0.1"]]})
    with pytest.raises(HostRefused, match="only with encryption"):
        Http("http://localhost", retries=0).get("/")


def test_the_connection_goes_to_the_address_that_was_judged(encrypted: Encrypted, monkeypatch: pytest.MonkeyPatch):
    """DNS rebinding: a second answer would lead to metadata. TLS and Host keep the name."""
    asked = answers(monkeypatch, {"app.example": [["127.0.0.1"], ["169.254.169.254"]]})
    app = Http(f"https://app.example:{encrypted.port}", verify=encrypted.authority, retries=0)
    assert app.get("/first").json() == {"host": f"app.example:{encrypted.port}"}
    assert app.get("/second").json() == {"host": f"app.example:{encrypted.port}"}
    assert asked == ["app.example"], "one resolution, one connection, kept alive"
    app.close()
    with pytest.raises(HostRefused):
        Http(f"https://app.example:{encrypted.port}", verify=encrypted.authority, retries=0).get("/")


def test_of_several_addresses_the_first_that_answers_is_used(encrypted: Encrypted, monkeypatch: pytest.MonkeyPatch):
    answers(monkeypatch, {"app.example": [["127.7.7.1", "127.0.0.1"], ["127.7.7.1", "127.7.7.2"]]})
    address = f"https://app.example:{encrypted.port}"
    assert Http(address, verify=encrypted.authority, retries=0).get("/").status == 200
    with pytest.raises(TemporarilyUnavailable):
        Http(address, verify=encrypted.authority, retries=0).get("/")


def test_the_certificate_is_checked_by_the_name(encrypted: Encrypted, monkeypatch: pytest.MonkeyPatch):
    answers(monkeypatch, {"other.example": [["127.0.0.1"]]})
    with pytest.raises(TemporarilyUnavailable, match="certificate"):
        Http(f"https://other.example:{encrypted.port}", verify=encrypted.authority, retries=0).get("/")


def test_pages_read_ahead_by_other_threads_have_the_same_reach(strict):
    seen = []

    def fetch(position: int) -> Page:
        seen.append(net._private.get())
        return Page([position], total=4)

    with connectors.reaching(private=True), Ahead(fetch, 1, 1, 2) as ahead:
        ahead._threads, ahead._last = ThreadPoolExecutor(2), 3
        assert [ahead(position).items for position in range(4)] == [[0], [1], [2], [3]]
    assert seen == [True] * 4


def test_behind_a_proxy_of_the_environment_what_is_known_here_is_refused_too(
    strict, monkeypatch: pytest.MonkeyPatch, here: Listener
):
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{here.port}")
    for host in ("10.0.0.1", "169.254.169.254", "metadata.google.internal"):
        with pytest.raises(HostRefused):
            Http(f"https://{host}", retries=0).get("/")
    assert here.connections == 0
    answers(monkeypatch, {"app.example": [["93.184.216.34"]]})
    with pytest.raises(TemporarilyUnavailable):
        Http("https://app.example", retries=0).get("/")
    assert here.connections == 1, "the proxy itself is the administrator's choice"
