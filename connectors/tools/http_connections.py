"""The connections that connectors/tools/http.py uses: each read of an answer checks the time limit.
http.client alone reads heads, interim answers and trailers for as long as they come."""

from __future__ import annotations

import io
import socket
from http.client import HTTPResponse

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from connectors.time_limit import Timed
from connectors.tools.pinned import Pinned


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *args, **options):
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(Timed(self.fp))


class _Plain(HTTPConnection):
    response_class = _Response


class _Encrypted(HTTPSConnection):
    response_class = _Response


class _PinnedPlain(Pinned, _Plain):
    _loopback_only = True


class _PinnedEncrypted(Pinned, _Encrypted):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PinnedPlain


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _PinnedEncrypted


class _PlainPoolOfProxy(HTTPConnectionPool):
    ConnectionCls = _Plain


class _EncryptedPoolOfProxy(HTTPSConnectionPool):
    ConnectionCls = _Encrypted


class InTime(HTTPAdapter):
    """requests' own adapter, with a time limit. Direct connections are pinned to addresses that are allowed. Those
    through a proxy aren't, because the proxy itself resolves the host's name."""

    def init_poolmanager(self, *args, **options) -> None:
        super().init_poolmanager(*args, **options)
        _use(self.poolmanager, {HTTPConnectionPool: _PlainPool, HTTPSConnectionPool: _EncryptedPool})

    def proxy_manager_for(self, *args, **options) -> PoolManager:
        manager = super().proxy_manager_for(*args, **options)
        _use(manager, {HTTPConnectionPool: _PlainPoolOfProxy, HTTPSConnectionPool: _EncryptedPoolOfProxy})
        return manager


def _use(manager: PoolManager, ours: dict) -> None:
    manager.pool_classes_by_scheme = {
        scheme: ours.get(pool, pool) for scheme, pool in manager.pool_classes_by_scheme.items()
    }
