"""Whether a connection stays on this machine, where it needs no encryption."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether the host of a URL is this machine: localhost, or a loopback address (with [] around IPv6 or without)."""
    try:
        return host.casefold() == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
