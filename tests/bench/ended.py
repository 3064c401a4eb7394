"""A child of bench/children.py that prints a line and is then ended, by what its first argument says."""

from __future__ import annotations

import os
import resource
import signal
import sys

from bench import children


def main() -> None:
    children.limit_next_part()
    print(resource.getrlimit(resource.RLIMIT_CPU)[0], flush=True)
    if sys.argv[2] == "seconds":
        os.kill(os.getpid(), signal.SIGXCPU)  # what the system sends when the time is up
    elif sys.argv[2] == "memory":
        bytearray(int(sys.argv[3]) * 1024**3)
    raise ValueError("a fault of its own")


if __name__ == "__main__":
    main()
