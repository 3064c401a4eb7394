"""An installation without anybody in it, as a first start leaves it. It is migrated once for each process that tests,
and copied from then on; that a first start does it right is for tests/test_house.py and tests/cli to say."""

from __future__ import annotations

import functools
import tempfile

from sync import config as configuration
from sync.config import Config
from sync.db import connected, db


def open_blank(config: Config) -> None:
    """What sync.config.open_all() does on a new folder, without applying each migration again."""
    config.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    config.database_path.write_bytes(_migrated())
    configuration.open_all(config)
    with connected():
        db.pragma("synchronous", "off", permanent=True)  # what a process wrote outlives its kill; nobody cuts the power


@functools.cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        config = Config.from_environ({"ROLLCALL_HOME": folder})
        configuration.open_all(config)
        db.connect(reuse_if_open=True)
        db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        return config.database_path.read_bytes()
