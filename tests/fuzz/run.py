"""`make fuzz`: new inputs, round after round, until the minutes are over or something is found.
`python -m tests.fuzz.run MINUTES [FILE…]`"""

from __future__ import annotations

import os
import subprocess
import sys
import time


def main() -> None:
    minutes, files = float(sys.argv[1]), sys.argv[2:] or ["tests/fuzz"]
    ends = time.monotonic() + minutes * 60
    command = [sys.executable, "-m", "pytest", "-q", "-n", "auto", "--dist", "worksteal", *files]
    environment = {**os.environ, "FUZZ_PROFILE": "long"}
    rounds = 0
    while (left := ends - time.monotonic()) > 0:
        try:
            done = subprocess.run(command, env=environment, timeout=left)
        except subprocess.TimeoutExpired:
            break
        if done.returncode:
            sys.exit(f"Round {rounds + 1} found something: make it a test of its own in tests/fuzz/test_found.py.")
        rounds += 1
    print(f"Nothing was found in {minutes:g} minutes: {rounds} whole rounds.")


if __name__ == "__main__":
    main()
