"""The one table of what can be true of an app and which of it wins: its rows are asked in their order.
“Up to date” is what is left where no row with a status holds, so a fact that has no row can't be green by mistake.
Lists first ask glance.py which apps can have none of these conditions: it has to know each fact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sync.apps import failures
from sync.apps.gap_words import GAPS
from sync.states import AppState, AppStatus, CheckState, DirectoryGap, Failure, Step, Tone
from sync.words import plural

MATCHED_AT_LEAST = 80  # per cent of the accounts that someone should have


class Due(StrEnum):
    """Whether the app was read since its daily check was last due. SOON: that was moments ago, and it isn't late yet.
    OFF: nothing is ever due, and the last reading is older than a day."""

    NO = "no"
    SOON = "soon"
    LATE = "late"
    OFF = "off"


@dataclass(frozen=True)
class At:
    """A time that is shown as a clock time, not as “2 h ago”."""

    moment: datetime


Words = tuple[str | datetime | At, ...]  # naive UTC times are between the texts; whatever shows them formats them


@dataclass(frozen=True)
class Facts:
    """All that decides an app's status. Numbers of accounts and people; times are naive UTC."""

    name: str = ""
    state: AppState = AppState.ACTIVE
    read_at: datetime | None = None  # the last check that succeeded
    old_file_from: datetime | None = None  # when the file that it read was made, if that is too long ago
    file_is_undated: bool = False  # or has a time in the future
    check: CheckState | None = None  # of the one that waits or runs,
    check_since: datetime | None = None
    retry_error: str = ""  # where it waits after a failed attempt: why,
    retry_at: datetime | None = None  # and until when
    failures: int = 0  # checks failed in a row
    failure: Failure | None = None
    failed_at: datetime | None = None
    error: str = ""
    has_address: bool = True  # its settings say where the app is
    due: Due = Due.NO
    left: int = 0  # people who have left and have an account in it that nobody has accepted,
    left_accounts: int = 0
    leaving: int = 0  # and of these accounts, those that a task removes
    report: bool = False  # one is open
    waiting: int = 0  # changes in it that wait for approval,
    held: int = 0  # and of these, those that a guard holds
    stuck: int = 0  # tasks that need attention
    stuck_error: str = ""
    under_way: int = 0  # tasks that wait or run
    to_match: int = 0  # accounts that someone should have: without those of services and of Rollcall itself
    matched: int = 0  # and of these, those whose owner is known
    doubtful: int = 0  # accounts that may be of someone who has left,
    doubtful_name: str = ""  # and one of them
    removals_by: str = ""  # who approved automatic removals in advance and could not do so now, and why;
    groups_by: str = ""  # who so approved what groups do
    held_leavers: int = 0  # people with an account in it who have left by a directory or list, but count as here,
    held_leaver: str = ""  # and one of them
    unread_directory: str = ""  # one that doesn't show who has left
    unread_directory_id: int | None = None
    unread_since: datetime | None = None  # since then,
    unread_why: DirectoryGap | None = None  # for this reason
    version_warning: str = ""
    lacks: tuple[str, ...] = ()  # permissions that the credential misses

    @property
    def share(self) -> int:
        """Per cent, rounded down."""
        return self.matched * 100 // self.to_match if self.to_match else 100

    @property
    def needs_a_person(self) -> bool:
        return failures.need_a_person(self.error, self.failure, self.failures)

    @property
    def failed(self) -> bool:
        return bool(self.failures or self.error or self.retry_error)


@dataclass(frozen=True)
class Condition:
    """`says` is the whole sentence with what to do next, `short` the same for a card: beside the status where this row
    wins, alone where another does. Without a status it never wins."""

    code: str
    holds: Callable[[Facts], bool]
    tone: Tone
    status: AppStatus | None
    says: Callable[[Facts], Words]
    short: Callable[[Facts], Words]
    steps: Callable[[Facts], tuple[Step, ...]] = lambda facts: ()

    @property
    def beside(self) -> Callable[[Facts], Words]:
        """`short`, understood without the status where another row wins: “Last check failed: just now, …”."""
        named = self.code in ("failed", "paused", "overdue", "not daily")
        return lambda facts: (f"{self.status}: ", *self.short(facts)) if named else self.short(facts)

    @property
    def fault(self) -> bool:
        """True if something doesn't work; False if it only waits for a person."""
        return self.code in ("broken", "stuck")


def _data(facts: Facts) -> Words:
    """Which data the pages show until a check succeeds."""
    return ("showing data from ", At(facts.read_at)) if facts.read_at else ("it has never been read",)


def first_line(text: str) -> str:
    """What happened, in words; the lines below it are technical."""
    return text.split("\n", 1)[0]


def _failed(facts: Facts) -> Words:
    """“Last check failed 1 min ago, showing data from 16:29. Acme Chat can't be reached.”"""
    if facts.retry_error:
        again: Words = (" The next attempt is ", facts.retry_at, ".") if facts.retry_at else ()
        return ("The check failed for now, ", *_data(facts), f". {first_line(facts.retry_error)}", *again)
    when: Words = (" ", facts.failed_at) if facts.failed_at else ()
    what = _failure_in_words(facts)
    since = first_line(facts.error) or "The connection works again: check for updates."
    return (what, *when, ", ", *_data(facts), f". {since}")


def _failure_in_words(facts: Facts) -> str:
    if not facts.failures:
        return "The last test of the connection failed"
    if facts.failures == 1:
        return "The last check failed"
    return f"The last {plural(facts.failures, 'check')} failed, the latest"


def _failed_short(facts: Facts) -> Words:
    if facts.retry_error or not facts.failed_at:
        return _data(facts)
    return (facts.failed_at, ", ", *_data(facts))


_WAY_OUT = {
    Failure.CREDENTIAL: (Step.CREDENTIAL,), Failure.UNREACHABLE: (Step.TEST, Step.ADDRESS),
    Failure.MISSING_FIELDS: (Step.FIELDS,), Failure.REFUSED: (Step.TEST,), Failure.PERSON_NEEDED: (Step.TEST,),
    Failure.SETTINGS: (Step.TEST,), Failure.NOT_KNOWN: (Step.TEST,),
}  # fmt: skip


def way_out(facts: Facts) -> tuple[Step, ...]:
    """The advice for the last failure. Only for a rejected credential is it to replace the credential."""
    steps = _WAY_OUT.get(facts.failure, (Step.CHECK,))
    return tuple(step for step in steps if step != Step.ADDRESS or facts.has_address)


def _leavers(facts: Facts) -> str:
    have = f"still has {plural(facts.left_accounts, 'account')}" if facts.left_accounts > 1 else "still has an account"
    return plural(facts.left, f"person who has left {have}", "people who have left still have accounts")


def _has_leavers(facts: Facts) -> bool:
    return facts.left_accounts > facts.leaving


def _remove(facts: Facts) -> str:
    if not facts.leaving:
        return "Remove them"
    return f"{plural(facts.leaving, 'account is', 'accounts are')} being removed. Remove the rest"


def _removing(facts: Facts) -> str:
    return plural(facts.left, "person who has left is being removed", "people who have left are being removed")


def _is_checking(facts: Facts) -> bool:
    return facts.check == CheckState.RUNNING or (
        facts.check == CheckState.QUEUED and not facts.retry_error) or facts.due == Due.SOON


def _unmatched(facts: Facts) -> Words:
    unknown = plural(facts.to_match - facts.matched, "account belongs", "accounts belong")
    return (f"Only {facts.share} % of the accounts are matched: {unknown} to nobody in People. "
            "Rollcall can't see whether their people have left.",)


def _doubtful(facts: Facts) -> Words:
    if facts.doubtful == 1:
        return (f"{facts.doubtful_name} may be the account of someone who has left. Decide whose it is.",)
    return (f"{doubts(facts.doubtful)}, {facts.doubtful_name} among them. Decide whose they are.",)


def doubts(accounts: int) -> str:
    return plural(accounts, "account may belong to someone who has left",
                  "accounts may belong to people who have left")


def _held_leavers(facts: Facts) -> str:
    return plural(facts.held_leavers, "person in it has left according to a directory or list, but counts as here",
                  "people in it have left according to a directory or list, but count as here")


def _named_leavers(facts: Facts) -> str:
    return facts.held_leaver + (f" and {plural(facts.held_leavers - 1, 'other')}" if facts.held_leavers > 1 else "")


def _unread_directory(facts: Facts) -> Words:
    """“Company LDAP was last read 22 Nov 2026”, the time apart."""
    why = facts.unread_why or DirectoryGap.PAUSED
    if facts.unread_since is None:
        said = "was never read" if why == DirectoryGap.OLD_READING else GAPS[why].of_app
        return (f"{facts.unread_directory} {said}",)
    since = At(facts.unread_since) if GAPS[why].by_the_clock else facts.unread_since
    return (f"{facts.unread_directory} {GAPS[why].of_app}", since)


def _unread_directory_and_what_to_do(facts: Facts) -> Words:
    unknown = "doesn't know who has left since then" if facts.unread_since else "doesn't notice who leaves"
    what = facts.unread_why and GAPS[facts.unread_why].next
    then = f"{what}: see" if what else f"Rollcall {unknown}. See"
    return (*_unread_directory(facts), f". {then} the Directory page.")


def _lapsed(facts: Facts) -> Words:
    removals, groups = facts.removals_by, facts.groups_by
    if not removals:
        return (f"What groups do automatically was approved by {groups}. It waits until an Owner approves it again or "
                "chooses to be asked.",)  # fmt: skip
    both = " and what groups do automatically" if groups == removals else ""
    other = f", and what groups do automatically by {groups}" if groups and not both else ""
    return (f"Automatic removals{both} were approved by {removals}{other}. They wait until an Owner approves them "
            "again or chooses to be asked.",)  # fmt: skip


def _lapsed_steps(facts: Facts) -> tuple[Step, ...]:
    return (*([Step.REMOVALS] if facts.removals_by else []), *([Step.GROUPS] if facts.groups_by else []))


def _held(facts: Facts) -> str:
    return f"{plural(facts.held, 'change is', 'changes are')} held by a guard"


def _to_approve(facts: Facts) -> str:
    free = facts.waiting - facts.held
    return f"{plural(free, 'change waits', 'changes wait')} for approval" if free else "The report is open for review"


def _plainly(*words: str) -> Callable[[Facts], Words]:
    return lambda facts: words


CONDITIONS = (
    Condition("disconnected", lambda f: f.state == AppState.DISCONNECTED, Tone.NEUTRAL, AppStatus.DISCONNECTED,
              _plainly("Its credential is deleted and it is no longer read. You can still view what Rollcall knew."),
              _plainly("")),
    Condition("draft", lambda f: f.state == AppState.CONNECTING, Tone.NEUTRAL, AppStatus.SETUP_UNFINISHED,
              _plainly("It isn't connected yet. Continue its setup."), _plainly(""), lambda f: (Step.SETUP,)),
    Condition("checking", _is_checking, Tone.WORKING, AppStatus.CHECKING,
              lambda f: ("A check began ", f.check_since, ".") if f.check_since else ("A check is about to begin.",),
              lambda f: ("started ", f.check_since) if f.check_since else ("about to begin",)),
    Condition("broken", lambda f: f.needs_a_person, Tone.ATTENTION, AppStatus.NEEDS_ATTENTION,
              _failed, lambda f: (first_line(f.error),), way_out),
    Condition("stuck", lambda f: f.stuck > 0, Tone.ATTENTION, AppStatus.NEEDS_ATTENTION,
              lambda f: (f"{plural(f.stuck, 'task needs', 'tasks need')} attention: {first_line(f.stuck_error)}",),
              lambda f: (f"{plural(f.stuck, 'task needs', 'tasks need')} attention",), lambda f: (Step.TASKS,)),
    Condition("held", lambda f: f.held > 0, Tone.WAITING, AppStatus.APPROVAL_NEEDED,
              lambda f: (f"{_held(f)}, because so many at once look wrong. Review the report and release them.",),
              lambda f: (_held(f),), lambda f: (Step.REPORT,)),
    Condition("approval", lambda f: f.report and (f.waiting > f.held or not f.held), Tone.WAITING,
              AppStatus.APPROVAL_NEEDED, lambda f: (f"{_to_approve(f)}. View the report.",),
              lambda f: (_to_approve(f),), lambda f: (Step.REPORT,)),
    Condition("held leavers", lambda f: f.held_leavers > 0, Tone.WAITING, AppStatus.APPROVAL_NEEDED,
              lambda f: (f"{_held_leavers(f)}: {_named_leavers(f)}. A guard holds that, an older decision by hand wins,"
              " only a directory that may not change them has them, or it waits on the People page.",),
              lambda f: (_held_leavers(f),), lambda f: (Step.DIRECTORIES,)),
    Condition("leavers", _has_leavers, Tone.ATTENTION, AppStatus.NEEDS_ATTENTION,
              lambda f: (f"{_leavers(f)}. {_remove(f)}, or accept each by name.",), lambda f: (_leavers(f),),
              lambda f: (Step.REPORT if f.report else Step.MEMBERS,)),
    Condition("lapsed approval", lambda f: bool(f.removals_by or f.groups_by), Tone.WAITING, AppStatus.APPROVAL_NEEDED,
              _lapsed, _plainly("an Owner's standing approval has ended"), _lapsed_steps),
    Condition("paused", lambda f: f.state == AppState.PAUSED, Tone.NEUTRAL, AppStatus.PAUSED,
              _plainly("No checks and no removals until it is resumed."), _plainly("no checks and no removals"),
              lambda f: (Step.RESUME,)),
    Condition("failed", lambda f: f.failed and not f.needs_a_person, Tone.WAITING, AppStatus.LAST_CHECK_FAILED,
              _failed, _failed_short, way_out),
    Condition("never read", lambda f: f.read_at is None and f.state in (AppState.ACTIVE, AppState.PAUSED), Tone.NEUTRAL,
              AppStatus.SETUP_UNFINISHED, _plainly("It has never been read. Check for updates."),
              _plainly("not read yet"), lambda f: (Step.CHECK,)),
    Condition("overdue", lambda f: f.due == Due.LATE, Tone.WAITING, AppStatus.OVERDUE,
              lambda f: ("Its daily check was due, but it was last read ", f.read_at, ". Check for updates.")
              if f.read_at else ("Its daily check was due, but it has never been read. Check for updates.",),
              lambda f: ("last read ", f.read_at) if f.read_at else ("not read yet",), lambda f: (Step.CHECK,)),
    Condition("old file", lambda f: f.old_file_from is not None, Tone.WAITING, AppStatus.OVERDUE,
              lambda f: ("Its list of users is from ", f.old_file_from,
                         ". Rollcall doesn't know who has got an account since then. Replace the file."),
              lambda f: ("its list of users is from ", f.old_file_from), lambda f: (Step.FILE,)),
    Condition("undated file", lambda f: f.file_is_undated, Tone.WAITING, AppStatus.OVERDUE,
              _plainly("Its list of users has a date in the future, so nobody knows how old it is. Replace the file."),
              _plainly("its list of users has a date in the future"), lambda f: (Step.FILE,)),
    Condition("unread directory", lambda f: bool(f.unread_directory), Tone.WAITING,
              AppStatus.DIRECTORY_UNCLEAR, _unread_directory_and_what_to_do, _unread_directory,
              lambda f: (Step.ATTRIBUTES if f.unread_why == DirectoryGap.UNDEFINED else Step.DIRECTORY,)),
    Condition("removing", lambda f: f.left_accounts > 0 and not _has_leavers(f), Tone.WORKING,
              AppStatus.APPLYING_CHANGES, lambda f: (f"{_removing(f)}.",), lambda f: (_removing(f),),
              lambda f: (Step.TASKS,)),
    Condition("under way", lambda f: f.under_way > 0, Tone.WORKING, AppStatus.APPLYING_CHANGES,
              lambda f: (f"{plural(f.under_way, 'task is', 'tasks are')} under way in it.",),
              lambda f: (f"{plural(f.under_way, 'task is', 'tasks are')} under way",), lambda f: (Step.TASKS,)),
    Condition("doubtful", lambda f: f.doubtful > 0, Tone.WAITING, AppStatus.NEEDS_MATCHING, _doubtful,
              lambda f: (doubts(f.doubtful),), lambda f: (Step.MEMBERS,)),
    Condition("unmatched", lambda f: f.share < MATCHED_AT_LEAST, Tone.WAITING, AppStatus.NEEDS_MATCHING,
              _unmatched, lambda f: (f"only {f.share} % matched",), lambda f: (Step.MATCHING,)),
    Condition("not daily", lambda f: f.due == Due.OFF and f.read_at is not None, Tone.NEUTRAL,
              AppStatus.NOT_CHECKED_DAILY,
              lambda f: ("Its daily check is off. It was last read ", f.read_at, ". Check for updates."),
              lambda f: ("last read ", f.read_at), lambda f: (Step.CHECK,)),
    Condition("version", lambda f: bool(f.version_warning), Tone.WAITING, None,
              lambda f: (f.version_warning,), _plainly("its API version ends")),
    Condition("lacks", lambda f: bool(f.lacks), Tone.WAITING, None,
              lambda f: (f"The credential lacks something: {' '.join(f.lacks)}",), _plainly("a permission is missing")),
)  # fmt: skip
UP_TO_DATE = Condition(
    "up to date", lambda f: True, Tone.OK, AppStatus.UP_TO_DATE,
    lambda f: ("It was read ", f.read_at, ". Nobody who has left has an open account in it, and nothing waits."),
    lambda f: ("checked ", f.read_at),
)  # fmt: skip


def in_plain_text(words: Words) -> str:
    """A sentence of the table for a terminal, its times in UTC."""
    times = (part.moment if isinstance(part, At) else part for part in words)
    return "".join(part if isinstance(part, str) else f"{part:%Y-%m-%d %H:%M} UTC" for part in times)


def that_hold(facts: Facts) -> tuple[Condition, tuple[Condition, ...]]:
    """The row that wins, and the others that hold beside it, in their order: none for an app that isn't connected."""
    holding = [row for row in CONDITIONS if row.holds(facts)]
    winner = next((row for row in holding if row.status), UP_TO_DATE)
    if winner.code in ("disconnected", "draft"):
        return winner, ()
    return winner, tuple(row for row in holding if row is not winner)
