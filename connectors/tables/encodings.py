"""Finds a file's encoding: UTF-8, UTF-16, or a Windows code page if only one of them makes sense. Where two do
("Sørensen" in one, "Sřrensen" in the other), a person chooses. charset-normalizer isn't used: on lists of names it
rated £ukasz as likely as Łukasz, as such a list is too short and in too many languages for frequencies of letters."""

from __future__ import annotations

import re

from connectors.base import Refused
from connectors.tables.choosing import MustChoose

PAGES = {
    "cp1252": "Western Europe (Windows-1252)",
    "cp1250": "Central Europe (Windows-1250)",
    "iso8859-2": "Central Europe (ISO-8859-2)",
}
NAMES = {"utf-8": "Unicode (UTF-8)", "utf-16": "Unicode (UTF-16)", **PAGES}
_CONTROLS = re.compile(r"[\x80-\x9f]")  # no text has these: the bytes are in another code page
_SIGNS = "".join(chr(code) for code in range(0xA1, 0xC0)) + "×÷ˇ˘˛˙˝"
_BEFORE_LETTER = re.compile(rf"(^|.)([{_SIGNS}])(?=[^\W\d_])", re.DOTALL)
_OF_WORDS = "·\u00ad"  # as in Catalan
_OPENING = "¿¡«»“„‘‚©®°§¶µ"  # before a word, though never in one
NO_LETTERS = "The file's letters can't be read: save it as CSV (UTF-8) and try again."


def decode(content: bytes, chosen: str = "") -> tuple[str, str]:
    """(text, encoding) of a file. Raises Refused if it isn't text, MustChoose if someone must choose the encoding."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _without_marks(_decoded(content, "utf-16")), "utf-16"
    if b"\x00" in content:
        return _without_marks(_utf_16_without_mark(content)), "utf-16"
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = "\x80"
    if not _CONTROLS.search(text):
        return _without_marks(text), "utf-8"
    if chosen:
        if chosen not in PAGES:
            raise Refused(f"The file isn't {NAMES.get(chosen, chosen)}. {NO_LETTERS}")
        return _decoded(content, chosen), chosen
    return _distinguished(content)


def _without_marks(text: str) -> str:
    """The text without byte order marks. Some programs write two."""
    return text.lstrip("\ufeff")


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as problem:
        raise Refused(NO_LETTERS) from problem


def _utf_16_without_mark(content: bytes) -> str:
    """In mostly Latin text, all zeros are on the same side."""
    even, odd = content[0::2].count(0), content[1::2].count(0)
    most, other = max(even, odd), min(even, odd)
    if not len(content) % 2 and not other and most > len(content) * 0.3:
        text = _decoded(content, "utf-16-be" if even > odd else "utf-16-le")
        if not re.search(r"[\x00-\x08\x0e-\x1f]", text):
            return text
    raise Refused("The file isn't text. Save it as CSV (UTF-8) and try again.")


def _distinguished(content: bytes) -> tuple[str, str]:
    texts: dict[str, str] = {}
    for page in PAGES:
        try:
            text = content.decode(page)
        except UnicodeDecodeError:
            continue
        if not _CONTROLS.search(text) and text not in texts.values():
            texts[page] = text
    likely = {page: text for page, text in texts.items() if not _odd(text)}
    if not likely:
        raise Refused(NO_LETTERS)
    if len(likely) == 1:
        [(page, text)] = likely.items()
        return text, page
    readings = _differing(likely)
    shown = " or ".join(f"{words[0]} ({PAGES[page]})" for page, words in readings.items())
    raise MustChoose(f"The file's letters can be read in more than one way: {shown}. Choose which, or save the file as "
                     "CSV (UTF-8).", "encoding",
                     {page: f"{PAGES[page]}: {', '.join(words)}" for page, words in readings.items()})


def _odd(text: str) -> bool:
    """Whether another sign is where only a letter can be, inside a word or before it: "£ukasz", "Stanis³aw"."""
    for match in _BEFORE_LETTER.finditer(text):
        before, sign = match.groups()
        in_a_word = before.isalpha()
        if sign not in _OF_WORDS and not before.isdigit() and (in_a_word or sign not in _OPENING):
            return True
    return False


def _differing(texts: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """The words that differ between the code pages, at most three for each."""
    words = {page: re.findall(r"[^\s,;\t\"@]+", text) for page, text in texts.items()}
    if len({len(found) for found in words.values()}) != 1:
        return {page: (next((word for word in found if not word.isascii()), ""),) for page, found in words.items()}
    places = [place for place, same in enumerate(zip(*words.values())) if len(set(same)) > 1][:3]
    return {page: tuple(found[place] for place in places) for page, found in words.items()}
