"""Measures each page with 10, 200 and 1,000 apps: `python -m bench.apps`. Each number of apps has a process of its
own."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from bench.children import run as run_child
from bench.machine import facts

SIZES = (10, 200, 1_000)
ACCOUNTS = 2_000  # in one of the apps


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--child", nargs=2, metavar=("WHAT", "COUNT"), help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.child:
        with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:
            print(json.dumps(_measured(int(given.child[1]), Path(folder))))
        return
    print(*facts(), sep="\n", flush=True)
    found = [run_child("bench.apps", "pages", size) for size in SIZES]
    print(f"\nProcessor milliseconds of a page, {ACCOUNTS:,} accounts in one app; last, size and queries with the most")
    print(f"{'apps':28}{''.join(f'{size:11,}' for size in SIZES)}")
    for page, (_, _, size, queries) in found[-1].items():
        times = "".join(f"{measured[page][0]:8.1f} ms" for measured in found)
        print(f"{page:28}{times}{size / 1024:8.1f} KB{queries:6}")


def _measured(apps: int, folder: Path) -> dict:
    from bench.pages import times

    return times(ACCOUNTS, folder, apps)


if __name__ == "__main__":
    main()
