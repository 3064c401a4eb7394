"""An LDAP server at the addresses that connectors/tools/net.py allowed."""

from __future__ import annotations

import socket

import ldap3

from connectors.tools import net


class Pinned(ldap3.Server):
    """A server of ldap3 that is connected at the addresses that net.py allowed. TLS checks the name."""

    def pin(self, loopback_only: bool) -> None:
        """Resolve the name, once. Raises net.HostRefused, or socket.gaierror if the name doesn't exist."""
        self._pinned = [
            [socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "",
             (address, self.port), None, None]
            for address in net.addresses(self.host, self.port, loopback_only=loopback_only)
        ]  # fmt: skip

    @property
    def address_info(self) -> list[list]:
        return self._pinned
