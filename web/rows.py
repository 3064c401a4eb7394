"""The row that an address names, or 404."""

from __future__ import annotations

from typing import TypeVar

from flask import abort
from peewee import Model

Row = TypeVar("Row", bound=Model)


def row_or_404(model: type[Row], number: int, **of: object) -> Row:
    """The row with this id; `of` are values that its columns must have, such as `app=app`."""
    return model.get_or_none(id=number, **of) or abort(404)
