"""The connections that connectors/tools/http.py uses: each read of an answer checks the time limit.
http.client alone reads heads, interim answers and trailers for as long as they come."""

from __future__ import annotations

import io
import socket
from http.client import HTTPResponse
from http.cookiejar import Cookie

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import BaseHTTPResponse

from connectors.time_limit import Timed
from connectors.tools.pinned import Pinned

MOST_COOKIES, LONGEST_COOKIE = 50, 4096  # of a host, characters; RFC 6265, 6.1 asks for as many


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
    """requests' own adapter, with a time limit, for one host. Direct connections are pinned to addresses that are
    allowed. Those through a proxy aren't, because the proxy itself resolves the host's name."""

    _pool: HTTPConnectionPool | None = None  # of that host; requests looks for it at each call

    def init_poolmanager(self, *args, **options) -> None:
        super().init_poolmanager(*args, **options)
        _use(self.poolmanager, {HTTPConnectionPool: _PlainPool, HTTPSConnectionPool: _EncryptedPool})

    def proxy_manager_for(self, *args, **options) -> PoolManager:
        manager = super().proxy_manager_for(*args, **options)
        _use(manager, {HTTPConnectionPool: _PlainPoolOfProxy, HTTPSConnectionPool: _EncryptedPoolOfProxy})
        return manager

    def get_connection_with_tls_context(self, *args, **options) -> HTTPConnectionPool:
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*args, **options)
        return self._pool

    def build_response(self, request: PreparedRequest, answer: BaseHTTPResponse) -> Response:
        """What http.py reads of it. requests also looks for cookies and for the text's encoding."""
        response = Response()
        response.status_code, response.headers = answer.status, CaseInsensitiveDict(answer.headers)
        response.raw, response.request, response.url = answer, request, request.url
        return response

    def close(self) -> None:
        self._pool = None
        super().close()


class Cookies(RequestsCookieJar):
    """The cookies of one app, within limits: an answer may bring a hundred of 64 kB, and each call sends all back."""

    def set_cookie(self, cookie: Cookie, *args, **options) -> None:
        is_long = len(f"{cookie.name}{cookie.value}{cookie.domain}{cookie.path}") > LONGEST_COOKIE
        if not is_long and (len(self) < MOST_COOKIES or cookie.name in self):
            super().set_cookie(cookie, *args, **options)


def _use(manager: PoolManager, ours: dict) -> None:
    manager.pool_classes_by_scheme = {
        scheme: ours.get(pool, pool) for scheme, pool in manager.pool_classes_by_scheme.items()
    }
