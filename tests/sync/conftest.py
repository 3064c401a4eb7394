"""What tests of the core alone need."""

from __future__ import annotations

import pytest

from sync import listing
from tests.sync.acting import channel  # noqa: F401
from tests.sync.entries import entries_are_whole  # noqa: F401
from tests.sync.ordered import FEW


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages so short that a few rows fill several."""
    monkeypatch.setattr(listing, "PAGE", FEW)
