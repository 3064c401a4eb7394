"""What a list's order must have."""

from __future__ import annotations

import pytest

from sync.listing import Order
from sync.models import Person


def test_rows_that_are_alike_are_always_distinguished() -> None:
    Order({}, ties=(Person.name, Person.id))
    for ties in ((), (Person.name,), (Person.id, Person.name)):
        with pytest.raises(ValueError, match="id of the rows"):
            Order({}, ties=ties)
