"""HTTP connections to the addresses that connectors/tools/net.py allowed.
TLS and the Host header use the name. Only the socket is opened to the address."""

from __future__ import annotations

import socket

from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util import connection

from connectors.tools import net


class Pinned:
    """A mixin, to be named before a connection class of urllib3."""

    _loopback_only = False

    def _new_conn(self) -> socket.socket:
        """As urllib3's, but connected to an address that net.py allowed. Raises net.HostRefused before anything is
        sent."""
        try:
            return self._connected(net.addresses(self._dns_host, self.port, loopback_only=self._loopback_only))
        except socket.gaierror as problem:
            raise NameResolutionError(self.host, self, problem) from problem
        except TimeoutError as problem:
            raise ConnectTimeoutError(self, f"no connection within {self.timeout} seconds") from problem
        except OSError as problem:
            raise NewConnectionError(self, str(problem)) from problem

    def _connected(self, addresses: list[str]) -> socket.socket:
        """A socket to the first address that answers."""
        for address in addresses:
            try:
                return connection.create_connection(
                    (address, self.port), self.timeout, source_address=self.source_address,
                    socket_options=self.socket_options,
                )  # fmt: skip
            except OSError:
                if address == addresses[-1]:
                    raise
        raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
