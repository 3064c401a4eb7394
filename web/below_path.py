"""Rollcall below a path of its host: which part of a request's path is a page's.
The path is that of ROLLCALL_URL; a header says another only where a proxy of ROLLCALL_TRUSTED_PROXIES sends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_address

from flask import Flask, request

from sync.config import BadSetting, Config, is_plain_path

FORWARDED = "HTTP_X_FORWARDED_PREFIX"


class BelowPath:
    """Sets SCRIPT_NAME, from which every address of a page is built (PEP 3333).

    A proxy may pass the whole path on or take ROLLCALL_URL's path off: both reach the same page.
    """

    def __init__(self, application: Callable, config: Config):
        self._application = application
        self._prefix, self._trusted = config.prefix, config.trusted_proxies

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        environ["SCRIPT_NAME"] = self._forwarded(environ) or self._prefix
        path = environ.get("PATH_INFO", "")
        if self._prefix and (path == self._prefix or path.startswith(f"{self._prefix}/")):
            path = path[len(self._prefix):]
        environ["PATH_INFO"] = path or "/"
        return self._application(environ, start_response)

    def _forwarded(self, environ: dict) -> str:
        said = environ.get(FORWARDED, "").rstrip("/")
        return said if said and is_plain_path(said) and self._is_trusted(environ.get("REMOTE_ADDR", "")) else ""

    def _is_trusted(self, remote: str) -> bool:
        try:
            address = ip_address(remote)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)


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
    app.wsgi_app = BelowPath(app.wsgi_app, config)


def here(query: bool = True) -> str:
    """The address that was asked for, as a link to it: with the path that Rollcall is below."""
    return request.script_root + (request.full_path.rstrip("?") if query else request.path)
