"""Where an address leads: whether a connection leaves this machine.
A connection within the machine needs no encryption."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    try:
        return host.casefold() == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
