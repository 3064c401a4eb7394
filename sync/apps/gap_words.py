"""The words for a directory that doesn't show who has left: one row for each gap, with a text for each place.
Where a text ends in a space, the moment since when follows it."""

from __future__ import annotations

from dataclasses import dataclass

from sync.states import DirectoryGap


@dataclass(frozen=True)
class GapWords:
    """`of_app` and `of_home` follow the directory's name, `beside` its badge; `next` is a sentence for an app.
    `found` and `advice` are for the directory's own page, "" where another part of it says that."""

    of_app: str
    beside: str = ""
    of_home: str = "doesn't show who has left"
    next: str = ""
    found: str = ""
    advice: str = ""
    by_the_clock: bool = False  # the moment is shown as a time of day, not as “2 h ago”


NOT_SURE = "may not show who has left"
GAPS = {
    DirectoryGap.PAUSED: GapWords("is paused"),
    DirectoryGap.NO_TOKEN: GapWords("has no token", "no token"),
    DirectoryGap.UNDEFINED: GapWords(
        "has attributes that may show who has left, and nobody has defined what they mean", "attributes to define",
        NOT_SURE, "People who have left may count as here. Define or dismiss them"),
    DirectoryGap.UNKNOWN_ATTRIBUTES: GapWords(
        "may have attributes that show who has left, and Rollcall couldn't look for them", "attributes unknown",
        NOT_SURE, "Let Rollcall read them, or define which ones show who has left",
        "Rollcall couldn't look for attributes that may show who has left",
        "let its account read them, or define which ones count under What ends an account."),
    DirectoryGap.HIDDEN_USERS: GapWords(
        "hides whether some of its users are disabled", "hides who is disabled", NOT_SURE,
        "People who have left may count as here. Let Rollcall read that, or accept it",
        "It hides whether some of its users are disabled",
        "let Rollcall's account read that, or accept it under Change how it is read."),
    DirectoryGap.OLD_READING: GapWords("was last read ", "last read "),
    DirectoryGap.OLD_LIST: GapWords(
        "has a list from ", "list from ", next="Rollcall doesn't know who has left since then. It needs a new list",
        found="Its list is from ", advice="give it a new list, also if nothing has changed."),
    DirectoryGap.UNDATED_LIST: GapWords(
        "has a list with a date in the future, so nobody knows how old it is", "list from the future",
        next="It needs a new list", found="Its list has a date in the future and may be of any age",
        advice="give it a list that was just exported."),
    DirectoryGap.UNUSED_TOKEN: GapWords(
        "has never used its token, which was made ", "token not used, made ",
        found="It has never used its token, which was made ", advice="enter the token there, or make a new one."),
    DirectoryGap.MISSING_CHANGES: GapWords(
        "may lack changes since ", "changes may be missing since ", by_the_clock=True),
    DirectoryGap.RESTORED: GapWords(
        "may lack changes since ", "changes may be missing since ",
        next="A backup was restored. Rollcall has to read the directory again, or needs a new list if it was uploaded",
        found="A backup was restored, and changes may be missing since ",
        advice="let Rollcall read it again. If its list was uploaded, upload the newest one. People who have left by "
        "it may be back, so their removals wait.", by_the_clock=True),
    DirectoryGap.MANY_BACK: GapWords(
        "says that many people who had left are back, since ", "many are back since ",
        "says that many people who had left are back",
        "Perhaps it no longer shows who has left. Confirm that they are back, or fix it", by_the_clock=True),
}  # fmt: skip
