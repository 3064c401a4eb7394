"""`make audit`: bandit over our code, pip-audit over what we run on, by requirements.lock.
Where no advisory database can be reached it says so: nothing was checked then, and nothing has passed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OURS = ("app.py", "cli", "connectors", "demo", "sync", "web")
SECONDS = 180


def bandit() -> int:
    """0 when it finds nothing beyond what bandit.yaml and the lines marked `nosec` give reasons for."""
    command = [sys.executable, "-m", "bandit", "-q", "-r", "-c", "bandit.yaml", *OURS]
    return subprocess.run(command, cwd=ROOT, timeout=SECONDS).returncode


def advisories(lock: str) -> int:
    """0 when no locked package has a known vulnerability, or when that could not be asked: then it says so."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner", "off"]
    try:
        done = subprocess.run(
            [*command, "--format", "json", "-r", lock], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return report_failure(lock, None, "it took too long")
    try:
        return report_failure(lock, json.loads(done.stdout), "")
    except ValueError:
        return report_failure(lock, None, (done.stderr.strip().splitlines() or ["no answer"])[-1][:200])


def report_failure(lock: str, answer: Any, why: str) -> int:
    """Says what pip-audit's answer means: it counts what it could not ask about as if all were well."""
    packages = answer["dependencies"] if answer else []
    asked = [one for one in packages if "skip_reason" not in one]
    found = [(one, each) for one in asked for each in one["vulns"]]
    for one, each in found:
        versions = ", ".join(each["fix_versions"]) or "no version yet"
        print(f"VULNERABLE: {one['name']} {one['version']}: {each['id']}; fixed in {versions}.")
    left = len(packages) - len(asked)
    if not asked:
        print(f"NOT CHECKED: {lock}: no advisory database could be reached{f' ({why})' if why else ''}.")
    elif left:
        print(f"NOT CHECKED: {left} of {len(packages)} packages of {lock}.")
    else:
        print(f"{lock}: {len(asked)} packages, {len(found)} known vulnerabilities.")
    return 1 if found else 0


def main() -> None:
    results = [bandit(), *map(advisories, ("requirements.lock", "requirements-dev.lock", "requirements-bench.lock"))]
    sys.exit(1 if any(results) else 0)


if __name__ == "__main__":
    main()
