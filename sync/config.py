"""What the environment says: where the files are, where pages are served, how mail leaves.
A bad value stops the start with a sentence that names it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

import connectors
from sync.mail import smtp

PLAIN_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+")
LINK = "what links begin with, such as https://rollcall.acme.example or https://tools.acme.example/rollcall"


class BadSetting(ValueError):
    """An environment variable that can't be used; the text names it and says what it should be."""


@dataclass(frozen=True)
class Config:
    home: Path
    database_path: Path  # of the SQLite file
    listen_host: str
    listen_port: int
    url: str  # without a slash at the end
    smtp_url: str | None = field(repr=False)  # it may contain a password
    secret_key_file: Path
    files: tuple[Path, ...] = ()  # folders below which a page may name a file on the server
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()  # whose X-Forwarded-Prefix is trusted
    private_networks: tuple[IPv4Network | IPv6Network, ...] = ()  # that everyone's connections may go to
    database_url: str | None = field(default=None, repr=False)  # of one on a server; it may contain a password

    @property
    def database_name(self) -> str:
        """Which database it is, for a sentence: without the password of one on a server."""
        return str(self.database_path) if self.database_url is None else _server_name(self.database_url)

    @property
    def prefix(self) -> str:
        """The path of `url`, below which every page is: /rollcall, or nothing."""
        return urlsplit(self.url).path

    def is_proxy(self, address: str) -> bool:
        """Whether a connection from this network address is one of ROLLCALL_TRUSTED_PROXIES."""
        try:
            ip = ip_address(address.strip())
        except ValueError:
            return False
        ip = getattr(ip, "ipv4_mapped", None) or ip
        return any(ip in network for network in self.trusted_proxies)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Config:
        home = Path(environ.get("ROLLCALL_HOME") or "data").resolve()
        host, port = _listen(environ.get("ROLLCALL_LISTEN") or "127.0.0.1:8000")
        smtp_url = environ.get("ROLLCALL_SMTP_URL") or None
        if smtp_url:
            try:
                smtp.parse_smtp_url(smtp_url)
            except ValueError as problem:
                raise BadSetting(f"ROLLCALL_SMTP_URL: {problem}") from None
        return cls(
            home=home,
            database_path=_database_path(environ.get("ROLLCALL_DATABASE"), home),
            database_url=_database_url(environ.get("ROLLCALL_DATABASE")),
            listen_host=host,
            listen_port=port,
            url=_url(environ.get("ROLLCALL_URL"), host, port),
            smtp_url=smtp_url,
            secret_key_file=Path(environ.get("ROLLCALL_SECRET_KEY_FILE") or home / "secret.key"),
            files=_folders(environ.get("ROLLCALL_FILES") or ""),
            trusted_proxies=_networks(environ.get("ROLLCALL_TRUSTED_PROXIES") or ""),
            private_networks=_private(environ.get("ROLLCALL_PRIVATE_NETWORKS") or ""),
        )


def _folders(text: str) -> tuple[Path, ...]:
    folders = tuple(Path(part) for part in text.split(":") if part)
    for folder in folders:
        if not folder.is_absolute() or not folder.is_dir() or folder.resolve() == Path("/"):
            raise BadSetting(f"ROLLCALL_FILES is {text!r}: {folder} must be the whole path of a folder that is there, "
                             "and not the root; several are separated by a colon.")
    return folders


def _listen(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise BadSetting(f"ROLLCALL_LISTEN is {text!r}: it must be HOST:PORT, such as 127.0.0.1:8000.")
    return host.strip("[]") or "127.0.0.1", int(port)


def _database_path(text: str | None, home: Path) -> Path:
    return home / "rollcall.db" if not text or "://" in text else Path(text).resolve()


def _database_url(text: str | None) -> str | None:
    if not text or "://" not in text:
        return None
    if not text.startswith("postgresql://"):
        raise BadSetting("ROLLCALL_DATABASE must be the path of a SQLite file or the address of a PostgreSQL database, "
                         "postgresql://USER@HOST:PORT/NAME.")  # without the address, which may have a password
    try:
        _server_name(text)
    except ValueError as problem:
        raise BadSetting(str(problem)) from None
    return text


def _server_name(address: str) -> str:
    from sync.postgres import address as addresses  # imports the driver

    return addresses.name(address)


def _url(text: str | None, host: str, port: int) -> str:
    if not text:
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"
    try:
        parts = urlsplit(text)
        port, path = parts.port, parts.path.rstrip("/")
    except ValueError:
        raise BadSetting(f"ROLLCALL_URL is {text!r}, whose host and port can't be read: it must be {LINK}.") from None
    address = f"{parts.scheme}://{parts.netloc}{path}"
    whole = text.rstrip("/") == address  # without a query or fragment, not even an empty one
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or port == 0 or not whole:
        raise BadSetting(
            f"ROLLCALL_URL is {text!r}: it must be {LINK}, with http:// or https://, a host and nothing after the path."
        )
    if path and not is_plain_path(path):
        raise BadSetting(
            f"ROLLCALL_URL is {text!r}: each part of its path may contain letters, digits, - . _ ~ and nothing else."
        )
    return address


def is_plain_path(text: str) -> bool:
    """Whether it is a path that every address can begin with: /rollcall, /tools/rollcall."""
    return PLAIN_PATH.fullmatch(text) is not None


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as problem:
        raise BadSetting(
            f"ROLLCALL_TRUSTED_PROXIES is {text!r}: it must be addresses or networks, separated by commas, "
            f"such as 127.0.0.1 or 10.1.0.0/16 ({problem})."
        ) from None


def _private(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return connectors.parse_networks(text)
    except ValueError as problem:
        raise BadSetting(
            f"ROLLCALL_PRIVATE_NETWORKS is {text!r}: it must be private networks or loopback, separated by commas, "
            f"such as 10.0.0.0/8 or 127.0.0.0/8 ({problem})."
        ) from None
