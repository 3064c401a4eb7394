"""Why a directory doesn't show who has left, in words for its card and its page, and what to do about it."""

from __future__ import annotations

from markupsafe import Markup

from sync.models import Directory
from sync.safety.unread_directories import Unread
from sync.states import DirectoryGap, DirectoryState
from web.view import first_upper
from web.words import at, when

ADVICE = {
    DirectoryGap.HIDDEN_USERS: ("It hides whether some of its users are disabled",
                                "let Rollcall's account read that, or accept it under Change how it is read."),
    DirectoryGap.UNKNOWN_ATTRIBUTES: ("Rollcall couldn't look for attributes that may show who has left",
                                      "let its account read them, or define which ones count under What ends an "
                                      "account."),
    DirectoryGap.OLD_LIST: ("Its list is from {}", "give it a new list, also if nothing has changed."),
    DirectoryGap.UNDATED_LIST: ("Its list has a date in the future and may be of any age",
                                "give it a list that was just exported."),
    DirectoryGap.UNUSED_TOKEN: ("It has never used its token, which was made {}",
                                "enter the token there, or make a new one."),
}  # fmt: skip
AT_A_MOMENT = (DirectoryGap.MISSING_CHANGES, DirectoryGap.MANY_BACK)


def advice(directory: Directory, unread: Unread | None) -> Markup | str:
    """What to do about what no other part of the page is about; "" if there is nothing."""
    if unread is None or unread.why not in ADVICE:
        return ""
    found, then = ADVICE[unread.why]
    then = f"Resume it and {then}" if directory.state == DirectoryState.PAUSED else first_upper(then)
    unknown = f"Rollcall doesn't know who has left{' since then' if unread.since else ''}"
    return Markup(f"{found}, so no app is up to date: {unknown}. {then}").format(when(unread.since))


def note(unread: Unread) -> Markup | str:
    """Why it doesn't show who has left, beside its badge."""
    since = at(unread.since) if unread.why in AT_A_MOMENT and unread.since else when(unread.since, "never")
    return {
        DirectoryGap.OLD_READING: Markup("last read {}").format(since),
        DirectoryGap.OLD_LIST: Markup("list from {}").format(since),
        DirectoryGap.UNDATED_LIST: "list from the future", DirectoryGap.HIDDEN_USERS: "hides who is disabled",
        DirectoryGap.UNDEFINED: "attributes to define", DirectoryGap.NO_TOKEN: "no token",
        DirectoryGap.UNKNOWN_ATTRIBUTES: "attributes unknown",
        DirectoryGap.UNUSED_TOKEN: Markup("token not used, made {}").format(since),
        DirectoryGap.MISSING_CHANGES: Markup("changes may be missing since {}").format(since),
        DirectoryGap.MANY_BACK: Markup("many are back since {}").format(since),
    }.get(unread.why, "")  # fmt: skip
