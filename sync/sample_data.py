"""Whether sample data is loaded, and what it is. While it is, nothing real is connected, so that the two never mix.
Loading it is demo/sample.py, removing it is sync/sample.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from sync.problems import Problem
from sync.settings import set_setting, setting

KEPT_AS = "sample data"

_loading: ContextVar[bool] = ContextVar("this thread loads the sample data", default=False)


class SampleProblem(Problem):
    """The sample data is in the way, or can't be loaded or removed now. The text is for the page."""


@dataclass(frozen=True)
class Sample:
    """Ids of its directory and apps, ids of the people who were here before it, and the ports of the sample apps."""

    before: list[int]
    directories: list[int] = field(default_factory=list)
    apps: list[int] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)
    complete: bool = False


def loaded() -> Sample | None:
    """What is loaded, even in part; None where there is no sample data."""
    kept = setting(KEPT_AS)
    return Sample(**kept) if kept else None


def keep(sample: Sample | None) -> None:
    set_setting(KEPT_AS, None if sample is None else vars(sample))


@contextmanager
def loading() -> Iterator[None]:
    """In this block, this thread connects the sample apps themselves."""
    before = _loading.set(True)
    try:
        yield
    finally:
        _loading.reset(before)


def refuse_real() -> None:
    """Raises SampleProblem while sample data is loaded."""
    if not _loading.get() and loaded() is not None:
        raise SampleProblem("Sample data is loaded, and real people and apps aren't mixed with it. Nothing was "
                            "changed. Remove the sample data first.")


def without_sample_people(entries: list[dict]) -> list[dict]:
    """Activity entries, which last for ever, without references to people who will be removed again."""
    sample = loaded()
    if sample is None:
        return entries
    return [entry if entry.get("person_id") in (None, *sample.before) else entry | {"person_id": None}
            for entry in entries]
