"""What Rollcall does. No Flask, no HTTP and no app's name may enter.
Each package imports only from those below it: ARCHITECTURE.md lists them, and `.importlinter` keeps the order."""

import os
import sys
from importlib import import_module

DRIVER = "psycopg"  # of PostgreSQL: one connector imports it when it connects
LOOK_FOR_IT = ("peewee", "playhouse.migrations", "huey.storage")  # and do without it where the database is SQLite's
ON_SERVER = os.environ.get("ROLLCALL_DATABASE", "").startswith("postgresql://")

if DRIVER not in sys.modules and not ON_SERVER:
    sys.modules[DRIVER] = None  # importing it is an ImportError: it would take a quarter of each command's start
    try:
        for package in LOOK_FOR_IT:
            import_module(package)
    finally:
        del sys.modules[DRIVER]
