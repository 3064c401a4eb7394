"""What tests of the core alone need."""

from tests.sync.acting import channel  # noqa: F401
