"""dlt: a pipeline into a SQLite file. Its merge strategy for a complete list whose history is kept is `scd2`: a row
that changed or is gone gets an end, and each new state a row of its own, so the table itself records the changes.
As its documentation says: accounts come in chunks of 10,000 (“Optimizing dlt”), as Arrow tables with a hash of each row
(“Merge loading”), which took half the time of dictionaries and twice their memory, and aren't compressed on their way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from pathlib import Path

import dlt
import pandas  # noqa: F401 (dlt would import it during the first reading)
import pyarrow
import pyarrow.parquet
from dlt.sources.helpers.transform import add_row_hash_to_table

from bench.peers.stored import FIELDS, fields
from connectors.base import Account

CHUNK = 10_000
SCHEMA = pyarrow.schema([(field, pyarrow.string()) for field in ("external_id", *FIELDS)])
HASH = "row_hash"
FOUND = """
    SELECT count(*) FILTER (WHERE NOT ended), count(*) FILTER (WHERE NOT begun), count(*) FILTER (WHERE begun AND ended)
    FROM (SELECT max(_dlt_valid_from >= :at) AS begun, max(_dlt_valid_to >= :at) IS TRUE AS ended
          FROM account WHERE _dlt_valid_from >= :at OR _dlt_valid_to >= :at GROUP BY external_id) AS rows
"""


class Dlt:
    """A program of bench/programs.py."""

    def __init__(self, folder: Path):
        dlt.config["runtime.dlthub_telemetry"] = False
        dlt.config["normalize.data_writer.disable_compression"] = True
        file = dlt.destinations.sqlalchemy(f"sqlite:///{folder / 'accounts.db'}")
        self._pipeline = dlt.pipeline("accounts", str(folder / "pipelines"), destination=file, dataset_name="main")
        self._at = datetime(2026, 11, 1, tzinfo=UTC)

    def check(self, pages: Iterable[list[Account]]) -> None:
        self._at += timedelta(days=1)
        strategy = {"disposition": "merge", "strategy": "scd2", "row_version_column_name": HASH,
                    "boundary_timestamp": self._at.isoformat()}  # fmt: skip
        self._pipeline.run(dlt.resource(_tables(pages), name="account", write_disposition=strategy))

    def found(self) -> tuple[int, int, int]:
        """How many accounts were new, gone and changed at the last reading."""
        with self._pipeline.sql_client() as client:
            ((new, gone, changed),) = client.execute_sql(FOUND, at=self._at.strftime("%Y-%m-%d"))
        return new, gone, changed


def _tables(pages: Iterable[list[Account]]) -> Iterator[pyarrow.Table]:
    with_hash = add_row_hash_to_table(HASH)
    rows = ({"external_id": account.id, **fields(account)} for account in chain.from_iterable(pages))
    while chunk := list(islice(rows, CHUNK)):
        yield with_hash(pyarrow.Table.from_pylist(chunk, schema=SCHEMA))
