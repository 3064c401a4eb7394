"""What identity providers wrote, kept as scim2-server's own contract for a storage wants it."""

from __future__ import annotations

from pathlib import Path

import pytest
from scim2_models import ScimProvider
from scim2_server.testing import ScimStorageContract
from scim2_server.utils import load_default_provider

from sync.directory import push
from sync.directory.scim_store import Store
from tests.asking import MACHINE


class TestContract(ScimStorageContract):
    """The whole contract, but for cursors, which are not announced: pages are by index."""

    @pytest.fixture(scope="class")
    @classmethod
    def provider(cls) -> ScimProvider:
        """Loaded once: nothing writes to it, and pydantic builds a class for each of its schemas."""
        return load_default_provider()

    @pytest.fixture
    def storage(self, home: Path, provider: ScimProvider) -> Store:
        directory, _ = push.connect("Okta", MACHINE)
        return Store(directory, provider)


for name in [name for name in dir(ScimStorageContract) if name.startswith("test_cursor")]:
    setattr(TestContract, name, None)
