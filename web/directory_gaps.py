"""Why a directory doesn't show who has left, in words for its card and its page, and what to do about it."""

from __future__ import annotations

from markupsafe import Markup

from sync.apps.gap_words import GAPS
from sync.models import Directory
from sync.safety.unread_directories import Unread
from sync.states import DirectoryState
from web.view import first_upper
from web.words import at, when


def advice(directory: Directory, unread: Unread | None) -> Markup | str:
    """What to do about what no other part of the page is about; "" if there is nothing."""
    words = unread and GAPS[unread.why]
    if not words or not words.found:
        return ""
    then = f"Resume it and {words.advice}" if directory.state == DirectoryState.PAUSED else first_upper(words.advice)
    unknown = f"Rollcall doesn't know who has left{' since then' if unread.since else ''}"
    return Markup("{}, so no app is up to date: {}. {}").format(_with_moment(words.found, unread), unknown, then)


def note(unread: Unread) -> Markup | str:
    """Why it doesn't show who has left, beside its badge."""
    return _with_moment(GAPS[unread.why].beside, unread)


def _with_moment(text: str, unread: Unread) -> Markup | str:
    if not text.endswith(" "):
        return text
    by_the_clock = GAPS[unread.why].by_the_clock and unread.since
    return Markup("{}{}").format(text, at(unread.since) if by_the_clock else when(unread.since, "never"))
