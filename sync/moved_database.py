"""What `move` asks of the other database, in a process of its own that has it as its database (ROLLCALL_DATABASE): to
make the tables in an empty one (`prepare`), and whether the activity log there is whole (`verify KEY_FILE`: one JSON
document). It imports little: half of what it costs is to import the rest."""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from sync import activity, vault
from sync.db import DatabaseRefused, connect_database, db


def main(step: str, key_file: str = "") -> None:
    try:
        connect_database(os.environ["ROLLCALL_DATABASE"])
        with closing(db):
            if step == "verify":
                vault.open_vault(Path(key_file))
                print(json.dumps(asdict(activity.verify())))
    except DatabaseRefused as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main(*sys.argv[1:])
