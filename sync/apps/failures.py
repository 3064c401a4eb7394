"""What an error in an app means for it: its kind, the words and the advice for a person, and what follows.
A check and a test of the credential decide by this one table."""

from __future__ import annotations

from dataclasses import dataclass, replace

from connectors.base import ConnectorError, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from sync.db import utcnow, writing
from sync.models import App
from sync.problems import AppProblem, TooLong, UnusableReading
from sync.safety import lost_fields
from sync.states import Failure
from sync.vault import VaultProblem

MANY = 3  # failed checks in a row, from which on an app needs attention whatever the reason
AT_ONCE = (Failure.CREDENTIAL, Failure.REFUSED, Failure.MISSING_FIELDS, Failure.PERSON_NEEDED, Failure.SETTINGS,
           Failure.NOT_KNOWN)  # fmt: skip
PASSING = (Failure.UNREACHABLE, Failure.RATE_LIMIT, Failure.INCOMPLETE)
# A test that succeeds shows that these are over. Only a check can show that of the others.
DISPROVED_BY_A_TEST = (Failure.CREDENTIAL, Failure.UNREACHABLE, Failure.RATE_LIMIT, Failure.SETTINGS, Failure.NOT_KNOWN)
BUG = "This is a bug in the connector: please report it. Nothing was changed."


def need_a_person(error: str | None, kind: Failure | None, in_a_row: int) -> bool:
    """True if another attempt alone won't help, or hasn't helped for long. `in_a_row`: checks that failed."""
    return bool(error) and (kind in (None, *AT_ONCE) or in_a_row >= MANY)


class IncompleteReading(TemporarilyUnavailable):
    """The reading ended without an error, but can't be whole."""


@dataclass(frozen=True)
class Met:
    """A failure in words. `unexpected` is True where the process should also log the error."""

    kind: Failure
    words: str
    advice: str
    unexpected: bool = False

    @property
    def passing(self) -> bool:
        """True if a later attempt may succeed without anyone's help."""
        return self.kind in PASSING


# The first class that fits decides.
_KINDS = (
    (CredentialRejected, Failure.CREDENTIAL, "Replace the automation account's credential on the app's Settings tab."),
    (VaultProblem, Failure.CREDENTIAL, ""),
    (AppProblem, Failure.SETTINGS, ""),
    (lost_fields.FieldsLost, Failure.MISSING_FIELDS, lost_fields.ADVICE),
    (RateLimited, Failure.RATE_LIMIT, "The app asks for fewer calls. The next check tries again."),
    (IncompleteReading, Failure.INCOMPLETE, "The next check tries again."),
    (TemporarilyUnavailable, Failure.UNREACHABLE, "The next check tries again."),
    (TooLong, Failure.CONNECTOR, "Shorten it in the app. Rollcall on SQLite has no such limit."),
    (Refused, Failure.REFUSED, "The app refused to be read: test the credential on its Settings tab."),
)  # fmt: skip


def in_app(app: App, problem: Exception) -> Met:
    """Like of(), and the words name the app: “Acme Chat can't be reached: it accepts no connection.”"""
    met = of(problem)
    for subject in ("The server ", "The app "):
        if met.words.startswith(subject):
            return replace(met, words=f"{app.name} {met.words.removeprefix(subject)}")
    return met


def of(problem: Exception) -> Met:
    """The failure that an exception means. A connector or the core raised it while it worked with an app."""
    if isinstance(problem, TemporarilyUnavailable) and problem.advice:
        return Met(Failure.PERSON_NEEDED, str(problem), problem.advice)
    for error, kind, advice in _KINDS:
        if isinstance(problem, error):
            return Met(kind, str(problem), advice)
    expected = isinstance(problem, (ConnectorError, UnusableReading))
    detail = str(problem) if expected else ""
    return Met(Failure.CONNECTOR, f"The connector failed: {type(problem).__name__} {detail}".strip(), BUG, not expected)


def note(app: App, met: Met, **more: object) -> None:
    """Store the failure on the app's row, together with other columns (`more`)."""
    with writing():
        kept = {"error": met.words, "failure": met.kind, "failed_at": utcnow(), **more}
        App.update(kept).where(App.id == app.id).execute()


def cleared() -> dict[str, object]:
    """The columns of an app whose check succeeded."""
    return {"error": None, "failure": None, "failed_at": None, "failures": 0}


def after_a_test(app: App) -> dict[str, object]:
    """The columns of an app whose credential was tested and works. A failed check stays failed, without its reason."""
    if app.error is None or app.failure not in DISPROVED_BY_A_TEST:
        return {}
    return {"error": None, "failure": None} if app.failures else cleared()
