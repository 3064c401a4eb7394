"""The row that an address names, or 404."""

from __future__ import annotations

from typing import TypeVar

from flask import abort
from peewee import Model

Row = TypeVar("Row", bound=Model)


def row_or_404(model: type[Row], number: int, **of: object) -> Row:
    """The row with this id; `of` are values that its columns must have, such as `app=app`."""
    asked = [column == value for name, value in of.items() if (column := model._meta.fields[name])]
    return model.get_or_none(model.id == number, *asked) or abort(404)
