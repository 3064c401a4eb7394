"""The address of a PostgreSQL database, as libpq reads it, and its name in a sentence: never with the password.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS"""

from __future__ import annotations

import psycopg
from psycopg.conninfo import conninfo_to_dict

UNREADABLE = ("The address in ROLLCALL_DATABASE can't be read. Write postgresql://USER:PASSWORD@HOST:PORT/NAME, with "
              "special characters of the password as %XX, such as %40 for @.")


def name(address: str) -> str:
    """The host, the port and the database. Raises ValueError, without the address, if it can't be read."""
    found = parts(address)
    if found is None:
        raise ValueError(UNREADABLE)
    host, port = found.get("host", ""), found.get("port", "")
    return f"postgresql://{host}{f':{port}' if port else ''}/{found.get('dbname') or found.get('user', '')}"


def parts(address: str) -> dict[str, str] | None:
    """The parts of the address, None where it can't be read, or where a part of the password may be taken for the
    host, the port or the name: no sentence may show that."""
    try:
        found = {name: str(value) for name, value in conninfo_to_dict(address).items()}
    except psycopg.ProgrammingError:
        return None
    strange = any("@" in found.get(name, "") for name in ("host", "dbname")) or not _is_port(found.get("port", ""))
    return None if strange else found


def _is_port(text: str) -> bool:
    """Also several, for several hosts."""
    return all(one.isdecimal() or not one for one in text.split(","))
