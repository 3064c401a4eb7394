"""Rollcall behind a proxy, perhaps below a path of its host: which part of a request's path is a page's, and who asks.
The path is that of ROLLCALL_URL. Headers count only if a proxy of ROLLCALL_TRUSTED_PROXIES sends them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_address

from flask import Flask, request

from sync.config import BadSetting, Config, is_plain_path
from web.answers import without_dialog

FORWARDED_PREFIX, FORWARDED_FOR = "HTTP_X_FORWARDED_PREFIX", "HTTP_X_FORWARDED_FOR"


class BehindProxy:
    """Sets SCRIPT_NAME, from which every address of a page is built, and REMOTE_ADDR (PEP 3333, RFC 3875 4.1.8).

    A proxy may pass the whole path on or take ROLLCALL_URL's path off: both reach the same page.
    """

    def __init__(self, application: Callable, config: Config):
        self._application = application
        self._prefix, self._is_trusted = config.prefix, config.is_proxy

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        environ["SCRIPT_NAME"] = self._prefix
        if self._is_trusted(environ.get("REMOTE_ADDR", "")):
            environ["SCRIPT_NAME"] = self._forwarded_prefix(environ) or self._prefix
            environ["REMOTE_ADDR"] = self._forwarded_for(environ) or environ["REMOTE_ADDR"]
        path = environ.get("PATH_INFO", "")
        if self._prefix and (path == self._prefix or path.startswith(f"{self._prefix}/")):
            path = path[len(self._prefix):]
        environ["PATH_INFO"] = path or "/"
        return self._application(environ, start_response)

    def _forwarded_prefix(self, environ: dict) -> str:
        value = environ.get(FORWARDED_PREFIX, "").rstrip("/")
        return value if is_plain_path(value) else ""

    def _forwarded_for(self, environ: dict) -> str:
        """The last address that isn't a proxy of ours: anyone may have written what comes before it."""
        for value in reversed(environ.get(FORWARDED_FOR, "").split(",")):
            if not self._is_trusted(value):
                return _address(value.strip())
        return ""


def _address(text: str) -> str:
    """The address, of IPv4 also where a proxy that listens on IPv6 writes it as ::ffff:192.0.2.1; "" for none.

    One with a zone (RFC 4007, 11) is none: that may be any text, and the log has the address in lines that fail2ban
    reads.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    return "" if "%" in text else str(getattr(address, "ipv4_mapped", None) or text)


def install(app: Flask, config: Config) -> None:
    """To be called when all views are there. Raises BadSetting for a path that is that of a page."""
    pages = {rule.rule.split("/")[1] for rule in app.url_map.iter_rules()}
    if config.prefix.split("/")[1:2] and config.prefix.split("/")[1] in pages:
        raise BadSetting(
            f"ROLLCALL_URL ends in {config.prefix}, which is the address of a page of Rollcall's own: "
            "serve it below another path, such as /rollcall."
        )
    app.config["APPLICATION_ROOT"] = config.prefix or "/"
    app.jinja_env.globals["here"] = here
    app.wsgi_app = BehindProxy(app.wsgi_app, config)


def here(query: bool = True) -> str:
    """The address that was asked for, as a link to it: with the path that Rollcall is below, without an open dialog."""
    return without_dialog(as_asked()) if query else request.script_root + request.path


def as_asked() -> str:
    """Like here(), but with the dialog that is open, for a link that is followed later."""
    return request.script_root + request.full_path.rstrip("?")
