"""Files that a browser hands over, as text."""

from __future__ import annotations

from flask import request

from connectors.base import Connector, DirectoryConnector

BOMS = (b"\xff\xfe", b"\xfe\xff")


class UploadProblem(ValueError):
    """The file can't be used; nothing was changed; the text is for the page."""


def text_of(name: str) -> str:
    """The uploaded file's text, in UTF-8, UTF-16 or what Windows programs write; "" where none was chosen."""
    file = request.files.get(name)
    content = file.read() if file else b""
    try:
        if content.startswith(BOMS):
            return content.decode("utf-16")
        if b"\x00" in content:
            raise UploadProblem("The file is no text. Nothing was changed: save it as CSV UTF-8.")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            return content.decode("cp1252")
    except UnicodeDecodeError:
        raise UploadProblem("The file's letters can't be read. Nothing was changed: save it as CSV UTF-8.") from None


def entered(kind: type[Connector] | type[DirectoryConnector]) -> dict[str, str]:
    """What the form holds for the connector's fields."""
    return {field.name: text_of(field.name) if field.upload else request.form.get(field.name, "")
            for field in kind.fields}  # fmt: skip
