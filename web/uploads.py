"""Files that a browser uploads, as bytes. The code that knows their contents decodes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from flask import current_app, request

import connectors
from connectors.base import Connector, DirectoryConnector
from sync.files import server_files


class UploadProblem(ValueError):
    """The file can't be used. Nothing was changed. The text is for the page."""


def content_of(name: str) -> bytes:
    """The uploaded file; empty where none was chosen."""
    file = request.files.get(name)
    return file.read() if file else b""


def name_of(name: str) -> str:
    """The name of the uploaded file; "" where none was chosen."""
    file = request.files.get(name)
    return Path((file.filename or "").replace("\\", "/")).name[:200] if file else ""


def text_of(name: str) -> str:
    """The uploaded file as a connector's settings hold it; "" where none was chosen."""
    return connectors.as_setting(content_of(name))


def entered(
    kind: type[Connector] | type[DirectoryConnector], stored: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """The values of the connector's fields in the form, and the meaning of a file's columns if the form asks for it.

    Raises UploadProblem for a path on the server that a page may not name; one that is `stored` may stay.
    """
    values = {field.name: text_of(field.name) if field.upload else request.form.get(field.name, "")
              for field in kind.fields if not field.mapping or field.name in request.form}  # fmt: skip
    try:
        server_files.refuse_foreign(kind.fields, values, current_app.config["ROLLCALL"].files, stored)
    except server_files.PathRefused as refused:
        raise UploadProblem(str(refused)) from None
    return values
