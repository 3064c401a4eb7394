"""The pages for tests, built once in each process: building them takes as long as five requests."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask
from jinja2.runtime import Undefined, missing

from app import create_app
from sync import vault
from sync.config import Config

ELSEWHERE = Path("/nowhere")


def pages_over(config: Config) -> Flask:
    """What `create_app(config)` gives over the installation that is open. All that a test has put into its settings
    is undone for the next one."""
    paths = dict.fromkeys(("home", "database_path", "secret_key_file"), ELSEWHERE)
    url = urlsplit(config.url)._replace(netloc="site").geturl()  # the port is nothing to the pages
    site, settings = _built(replace(config, **paths, files=(), url=url, listen_port=0))
    site.config.clear()
    site.config.update(settings, ROLLCALL=config, SECRET_KEY=vault.derive("session"))
    return site


@functools.cache
def _built(config: Config) -> tuple[Flask, dict]:
    site = create_app(config)
    site.jinja_env.undefined = OnlyNamesAndKeys
    return site, dict(site.config)


class OnlyNamesAndKeys(Undefined):
    """A template may ask for a name or a key that isn't there, but not for an attribute that an object lacks: what
    depends on it would never be shown."""

    def __init__(self, hint: str | None = None, obj: object = missing, name: str | None = None, *more: object) -> None:
        super().__init__(hint, obj, name, *more)
        if obj is not missing and not isinstance(obj, Mapping):
            raise AttributeError(f"a template asks {type(obj).__name__} for {name}, which it doesn't have")
