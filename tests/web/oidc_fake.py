"""A provider of OpenID Connect that answers whatever a test wants, rightly signed or not, behind real HTTP.
tests/real/test_oidc.py has one that keeps to the standard."""

from __future__ import annotations

import base64
import hmac
import json
import threading
import time
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from connectors.oidc import discovery

CLIENT, SECRET = "rollcall", "s3cret-that-nobody-may-see"


@cache
def key(name: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig"})


class FakeProvider:
    """`claims` and `userinfo` are what the next sign-in returns; the other attributes are how it misbehaves."""

    def __init__(self) -> None:
        self.claims: dict = {}
        self.userinfo: dict | tuple[int, str] | None = None
        self.metadata: dict = {}  # over what it publishes of itself
        self.keys: object = None  # instead of those of `published`
        self.id_token: str | None = None  # instead of a signed one
        self.signed_with, self.published = "a", ["a"]
        self.token_answer: tuple[int, dict] | None = None
        self.asked: list[str] = []  # paths
        self.forms: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        discovery.clear(self.issuer)

    def answers(self, path: str) -> int:
        return self.asked.count(path)

    def described(self) -> dict:
        document = {
            "issuer": self.issuer, "authorization_endpoint": self.issuer + "/auth", "jwks_uri": self.issuer + "/keys",
            "token_endpoint": self.issuer + "/token", "end_session_endpoint": self.issuer + "/end",
            "response_types_supported": ["code"], "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        }  # fmt: skip
        if self.userinfo is not None:
            document["userinfo_endpoint"] = self.issuer + "/userinfo"
        return {name: value for name, value in {**document, **self.metadata}.items() if value is not None}

    def token(self, nonce: str) -> str:
        if self.id_token is not None:
            return self.id_token
        now = int(time.time())
        right = {"iss": self.issuer, "aud": CLIENT, "sub": "u-1", "iat": now, "exp": now + 300, "nonce": nonce}
        claims = {name: value for name, value in {**right, **self.claims}.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": self.signed_with.partition(" ")[0]}, claims, key(self.signed_with))

    def _handler(provider) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the handler's
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                provider.asked.append(path)
                if path == discovery.PATH:
                    self.say(200, provider.described())
                elif path == "/keys":
                    listed = [key(name).as_dict(private=False) for name in provider.published]
                    self.say(200, {"keys": listed if provider.keys is None else provider.keys})
                elif path == "/userinfo" and isinstance(provider.userinfo, dict):
                    self.say(200, {"sub": "u-1"} | provider.userinfo)
                elif path == "/userinfo":
                    self.say(*provider.userinfo)
                else:
                    self.say(404, {})

            def do_POST(self) -> None:
                provider.asked.append(self.path)
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                provider.forms.append(form)
                provider.headers.append(dict(self.headers))
                if provider.token_answer:
                    self.say(*provider.token_answer)
                elif form["code"].startswith("for "):
                    id_token = provider.token(form["code"][4:])
                    self.say(200, {"access_token": "at", "token_type": "Bearer", "id_token": id_token})
                else:
                    self.say(400, {"error": "invalid_grant"})

            def say(self, status: int, body: object) -> None:
                data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_) -> None:
                pass

        return Handler


def unsigned(claims: dict, alg: str = "none") -> str:
    return f"{packed({'alg': alg})}.{packed(claims)}."


def by_secret(claims: dict, secret: str | bytes, header: dict | None = None) -> str:
    """Signed as if the client's secret, or the provider's public key, were a key."""
    signed = f"{packed({'alg': 'HS256', **(header or {})})}.{packed(claims)}"
    seal = hmac.digest(secret.encode() if isinstance(secret, str) else secret, signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(seal).decode().rstrip('=')}"


def packed(value: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
