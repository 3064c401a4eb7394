"""What `move` asks of the other database, in a process of its own that has it as its database: to make the tables in an
empty one (`prepare`), and whether the activity log there is whole (`verify`: one JSON document)."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from dataclasses import asdict

from sync import activity, vault
from sync.config import Config
from sync.db import DatabaseRefused, connect_database, db


def main(step: str) -> None:
    settings = Config.from_environ()
    try:
        connect_database(settings.database_url or settings.database_path)
        with closing(db):
            if step == "verify":
                vault.open_vault(settings.secret_key_file)
                print(json.dumps(asdict(activity.verify())))
    except DatabaseRefused as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main(sys.argv[1])
