"""Decides where Rollcall may connect: every outgoing connection calls `addresses()` and connects to what it returns.
The name is resolved once and each of its addresses is checked, so a second answer of the name server (DNS rebinding)
changes nothing. The only exception is the mail server that the environment names."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from connectors.base import Refused

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Kind(Enum):
    PUBLIC = "public"
    PRIVATE = "private"  # allowed to Owners of the workspace, to the command line, and where it is configured
    LOOPBACK = "loopback"  # allowed only where it is configured
    NEVER = "never"


class HostRefused(Refused):
    """Rollcall may not connect there, and nothing was sent. The text has nothing that the server answered."""


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


LOOPBACK = _networks("127.0.0.0/8", "::1/128")
PRIVATE = _networks(
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",  # RFC 1918
    "100.64.0.0/10",  # carriers' NAT, and private networks between clouds (RFC 6598)
    "fc00::/7",  # unique local addresses (RFC 4193)
)  # fmt: skip
# Addresses where clouds give a machine its credentials, beside those in the link-local range below.
METADATA = _networks("100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::/32", "fd20:ce::254/128")
METADATA_NAMES = frozenset(("metadata", "metadata.google.internal", "metadata.goog", "instance-data",
                            "instance-data.ec2.internal"))  # fmt: skip
# IANA's special-purpose registries: this network, link-local, protocol assignments, documentation, benchmarks,
# multicast, reserved. Of IPv6, everything outside 2000::/3 that isn't named above is reserved or not assigned.
NEVER = METADATA + _networks(
    "0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "3fff::/20",
)  # fmt: skip
GLOBAL_V6 = ip_network("2000::/3")
NAT64 = ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are the IPv4 address

_configured: tuple[Network, ...] = ()
_own_ports: frozenset[int] = frozenset()
_private: ContextVar[bool] = ContextVar("private networks may be reached", default=False)


def allow(networks: Iterable[Network]) -> None:
    """Set the networks of ROLLCALL_PRIVATE_NETWORKS, which everyone who may connect something may reach."""
    global _configured
    _configured = tuple(networks)


def allow_own(ports: Iterable[int]) -> None:
    """Set the ports on 127.0.0.1 that this process itself serves for the sample apps."""
    global _own_ports
    _own_ports = frozenset(ports)


@contextmanager
def reaching(private: bool) -> Iterator[None]:
    """In this block and thread, private addresses are allowed if `private`: an Owner or the command line entered
    them."""
    before = _private.set(private)
    try:
        yield
    finally:
        _private.reset(before)


def parse_networks(text: str) -> tuple[Network, ...]:
    """The networks in a text, separated by commas. Raises ValueError for a network that isn't wholly private or
    loopback, and names it."""
    networks = tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    for network in networks:
        if not any(network.version == one.version and network.subnet_of(one) for one in LOOPBACK + PRIVATE):
            raise ValueError(f"{network} is neither a private network nor loopback")
    return networks


def kind_of(address: Address) -> Kind:
    """The kind of an address; for an IPv6 address that carries an IPv4 address, the kind of the latter."""
    address = _carried(address)
    if _is_in(address, LOOPBACK):
        return Kind.LOOPBACK
    if _is_in(address, NEVER):
        return Kind.NEVER
    if _is_in(address, PRIVATE):
        return Kind.PRIVATE
    return Kind.PUBLIC if address.version == 4 or address in GLOBAL_V6 else Kind.NEVER


def addresses(host: str, port: int, *, loopback_only: bool = False) -> list[str]:
    """The network addresses to connect to, all of them allowed, in the resolver's order.

    `loopback_only`: for an unencrypted connection. If one of the host's addresses isn't allowed, none is; only for
    localhost are the allowed ones returned. Raises HostRefused, or socket.gaierror if the name doesn't exist.
    """
    host = host.strip("[]").rstrip(".").lower()
    _refuse_name(host)
    if host == "127.0.0.1" and port in _own_ports:
        return [host]
    found = _resolved(host, port)
    if host == "localhost":
        found = [one for one in found if _is_allowed(one)] or found
    for one in found:
        if loopback_only and kind_of(one) is not Kind.LOOPBACK:
            raise HostRefused(f"{host} isn't on this machine, and Rollcall connects to other machines only with "
                              "encryption. Nothing was sent. Check the address.")  # fmt: skip
        if not _is_allowed(one):
            raise HostRefused(_why(host, kind_of(one)))
    return [str(one) for one in found]


def refuse_behind_proxy(host: str, port: int) -> None:
    """Raises HostRefused like addresses(), for a host that is reached through the environment's proxy. The proxy
    resolves names itself. A name that is unknown here is left to it, and to its own rules."""
    try:
        addresses(host, port)
    except socket.gaierror:
        return


def refuse_socket_file(path: str) -> None:
    """Raises HostRefused for a socket in the file system, which is on this machine, unless loopback is configured."""
    if not any(_is_in(network.network_address, LOOPBACK) for network in _configured):
        raise HostRefused(_why(path, Kind.LOOPBACK))


def _resolved(host: str, port: int) -> list[Address]:
    try:
        answers = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from None
    return list(dict.fromkeys(ip_address(answer[4][0]) for answer in answers))


def _refuse_name(host: str) -> None:
    if host in METADATA_NAMES:
        raise HostRefused(_why(host, Kind.NEVER))


def _is_allowed(address: Address) -> bool:
    kind = kind_of(address)
    if kind in (Kind.PUBLIC, Kind.NEVER):
        return kind is Kind.PUBLIC
    return (kind is Kind.PRIVATE and _private.get()) or _is_in(_carried(address), _configured)


def _carried(address: Address) -> Address:
    """The IPv4 address inside a mapped (RFC 4291), NAT64 (RFC 6052) or 6to4 (RFC 3056) address; else the address."""
    if address.version == 4:
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def _why(host: str, kind: Kind) -> str:
    if kind is Kind.NEVER:
        return (f"{host} leads to an address that Rollcall never connects to: link-local, cloud metadata, multicast or "
                "reserved. Nothing was sent. Check the address.")
    if kind is Kind.LOOPBACK:
        return (f"{host} leads to this machine itself. Nothing was sent. To allow it, name the network, such as "
                "127.0.0.0/8, in ROLLCALL_PRIVATE_NETWORKS and start Rollcall again.")
    return (f"{host} leads into a private network. Nothing was sent. An Owner of the workspace can enter this address, "
            "here or on the command line. To allow it to everyone who connects apps, name the network in "
            "ROLLCALL_PRIVATE_NETWORKS and start Rollcall again.")

