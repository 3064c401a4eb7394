"""Which letters a file's bytes are: UTF-8, UTF-16, or one of the Windows pages, where only one of them makes sense.
Where two do ("Sørensen" in one, "Sřrensen" in the other), a person chooses."""

from __future__ import annotations

import re
import unicodedata

from connectors.base import Refused

PAGES = {
    "cp1252": "Western Europe (Windows-1252)",
    "cp1250": "Central Europe (Windows-1250)",
    "iso8859-2": "Central Europe (ISO-8859-2)",
}
NAMES = {"utf-8": "Unicode (UTF-8)", "utf-16": "Unicode (UTF-16)", **PAGES}
NO_LETTERS = "The file's letters can't be read: save it as CSV (UTF-8) and try again."


class Unclear(Refused):
    """The bytes make sense in more than one page; `readings`: page → how its first differing words read."""

    def __init__(self, readings: dict[str, tuple[str, ...]]):
        shown = " or ".join(f"{words[0]} ({PAGES[page]})" for page, words in readings.items() if words)
        super().__init__(f"The file's letters can be read in more than one way: {shown}. "
                         "Choose which, or save the file as CSV (UTF-8).")
        self.readings = readings


def decode(content: bytes, chosen: str = "") -> tuple[str, str, list[str]]:
    """(text, encoding, notes). Raises Refused for what is no text, Unclear where somebody must choose."""
    notes: list[str] = []
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _without_marks(_decoded(content, "utf-16")), "utf-16", notes
    if b"\x00" in content:
        return _without_marks(_utf_16_without_mark(content)), "utf-16", notes
    try:
        return _without_marks(content.decode("utf-8")), "utf-8", notes
    except UnicodeDecodeError:
        pass
    if chosen:
        if chosen not in PAGES:
            raise Refused(f"The file isn't {NAMES.get(chosen, chosen)}. {NO_LETTERS}")
        return _decoded(content, chosen), chosen, notes
    return *_told_apart(content), notes


def _without_marks(text: str) -> str:
    """Without byte order marks: some programs write two."""
    return text.lstrip("\ufeff")


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as problem:
        raise Refused(NO_LETTERS) from problem


def _utf_16_without_mark(content: bytes) -> str:
    """Text that is mostly Latin has its zeros all on one side."""
    even, odd = content[0::2].count(0), content[1::2].count(0)
    most, other = max(even, odd), min(even, odd)
    if not len(content) % 2 and not other and most > len(content) * 0.3:
        text = _decoded(content, "utf-16-be" if even > odd else "utf-16-le")
        if not re.search(r"[\x00-\x08\x0e-\x1f]", text):
            return text
    raise Refused("The file is no text: save it as CSV (UTF-8) and try again.")


def _told_apart(content: bytes) -> tuple[str, str]:
    texts: dict[str, str] = {}
    for page in PAGES:
        try:
            text = content.decode(page)
        except UnicodeDecodeError:
            continue
        if not re.search(r"[\x80-\x9f]", text) and text not in texts.values():
            texts[page] = text
    likely = {page: text for page, text in texts.items() if not _odd(text)}
    if not likely:
        raise Refused(NO_LETTERS)
    if len(likely) == 1:
        [(page, text)] = likely.items()
        return text, page
    raise Unclear(_differing(likely))


def _odd(text: str) -> bool:
    """Whether a sign stands where only a letter can: "£ukasz", "Stanis³aw"."""
    odd = re.compile(r"[^\W\d_][\u00a1-\u00bf\u00d7\u00f7\u02d8-\u02dd¤ˇ]|[\u00a1-\u00bf\u00d7\u00f7¤ˇ˘˛˙˝¸][^\W\d_]")
    return any(match for match in odd.finditer(text) if not _apt(match.group()))


def _apt(pair: str) -> bool:
    """Quotation marks, the ordinals and the middle dot do stand beside letters."""
    return any(sign in "«»·ªº©®°" for sign in pair) or all(unicodedata.category(sign)[0] == "L" for sign in pair)


def _differing(texts: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """The words that differ from one page to the other, at most three of each."""
    words = {page: re.findall(r"[^\s,;\t\"@]+", text) for page, text in texts.items()}
    if len({len(found) for found in words.values()}) != 1:
        return {page: (next((word for word in found if not word.isascii()), ""),) for page, found in words.items()}
    places = [place for place, same in enumerate(zip(*words.values())) if len(set(same)) > 1][:3]
    return {page: tuple(found[place] for place in places) for page, found in words.items()}
