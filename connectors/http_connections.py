"""The connections that connectors/http.py speaks over: what comes over them is asked for piece by piece, in time.
http.client itself reads heads, interim answers and trailers for as long as they come."""

from __future__ import annotations

import io
import socket
from http.client import HTTPResponse

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from connectors.time_limit import Timed


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *args, **options):
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(Timed(self.fp))


class _Plain(HTTPConnection):
    response_class = _Response


class _Encrypted(HTTPSConnection):
    response_class = _Response


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _Encrypted


class InTime(HTTPAdapter):
    """As requests' own adapter, directly and through a proxy."""

    def init_poolmanager(self, *args, **options) -> None:
        super().init_poolmanager(*args, **options)
        _in_time(self.poolmanager)

    def proxy_manager_for(self, *args, **options) -> PoolManager:
        manager = super().proxy_manager_for(*args, **options)
        _in_time(manager)
        return manager


def _in_time(manager: PoolManager) -> None:
    ours = {HTTPConnectionPool: _PlainPool, HTTPSConnectionPool: _EncryptedPool}
    manager.pool_classes_by_scheme = {
        scheme: ours.get(pool, pool) for scheme, pool in manager.pool_classes_by_scheme.items()
    }
