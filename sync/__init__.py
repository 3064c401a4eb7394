"""What Rollcall does. No Flask, no HTTP and no app's name may enter.
Each package imports only from those below it: ARCHITECTURE.md lists them, and `.importlinter` keeps the order."""

import sys
from importlib import import_module

DRIVER = "psycopg"  # of PostgreSQL: one connector imports it when it connects
LOOK_FOR_IT = ("peewee", "playhouse.migrations", "huey.storage")  # and do without it; Rollcall's own database is SQLite

if DRIVER not in sys.modules:
    sys.modules[DRIVER] = None  # importing it is an ImportError: it would take a quarter of each command's start
    try:
        for package in LOOK_FOR_IT:
            import_module(package)
    finally:
        del sys.modules[DRIVER]
