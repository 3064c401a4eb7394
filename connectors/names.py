"""Decides whether two spellings are the same e-mail address: only if mail to both reaches the same mailbox.
Pure functions: from a text to the clean address or its key, or AddressProblem with the reason. Every text from outside
passes through this module, names too."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote

import idna

LONGEST = 254  # characters of an address (RFC 5321 4.5.3.1.3, with its erratum 1690)
LONGEST_GIVEN = 1000  # characters of a text in which an address is looked for, with a name and so on around it
LONGEST_NAME = 200  # characters of a name
SHOWN = 80  # characters of an address that a message repeats
# Nearly all addresses are like this: there is nothing to clean, and the key is the address in lower case. It is the
# shortcut for each account of a check.
PLAIN = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
PLAIN_LINES = re.compile(f"{PLAIN.pattern}(?:\n{PLAIN.pattern})*")
DOMAIN = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
# Zero-width space, word joiner, byte order mark, soft hyphen, marks of writing direction: nobody types these, but they
# are copied along with a text.
DIRT = re.compile("[\u200b\u2060\ufeff\u00ad\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
BREAKS = ("Cc", "Zl", "Zp")  # a name has a space in place of these
# These are invisible too, but someone may have meant them, or they replace a lost letter.
HIDDEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\ufffc\ufffd\U000e0100-\U000e01ef]"
)
AROUND = {'""', "''", "“”", "„“", "„”", "‘’", "‚‘", "‚’", "«»", "»«"}
ENDS = ",;.，；。．｡、"
SPECIAL = re.compile(r'[()<>\[\]:;\u037e,\\"]')  # before the @ they need quotes (RFC 5322 3.2.3), which nobody uses
NAMED = re.compile(r"([^<>]*)<([^<>]*)>")  # Ana Lopez <ana@acme.example>
QUOTED = re.compile(r'"([^"\\@\s]+)"(?=@)')  # RFC 5321 4.1.2: the same mailbox with and without the quotes
SIGNS = re.compile("([\u2126\u212a\u212b])")  # ohm, kelvin, ångström
DOTTED = re.compile("i\u0307(?![\u0300-\u036f])")


class AddressProblem(ValueError):
    """A text isn't clearly an e-mail address. The message is a sentence that names it; `why` is only the reason."""

    def __init__(self, text: str, why: str):
        shown = repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")[1:-1]
        super().__init__(f"{shown} isn't an e-mail address: {why}." if shown else "The e-mail address is missing.")
        self.why = why


def email_key(text: str | None) -> str:
    """The key by which addresses are compared: equal only for the same mailbox; "" for a text that isn't clearly an
    address.

    Before the @, it is in NFC and lower case: every mail server in use treats these spellings as one mailbox. After the
    @, it is the domain in ASCII by IDNA 2008 (UTS 46, non-transitional). Case folding and NFKC are never used, because
    they join ß with ss and ﬁ with fi. The text around an address that clean_email() removes makes no difference.
    """
    if not text:
        return ""
    if PLAIN.fullmatch(text) and len(text) <= LONGEST:
        return text.lower()
    try:
        local, _, domain = clean_email(text).rpartition("@")
    except AddressProblem:
        return ""
    return f"{_local_key(local)}@{domain_key(domain)}"


def email_keys(texts: Sequence[str]) -> tuple[str, ...]:
    """The key of each. A list in which all addresses are plain is read as one text, in half of the time."""
    lines = "\n".join(texts)
    if PLAIN_LINES.fullmatch(lines) and lines.count("\n") == len(texts) - 1 and max(map(len, texts)) <= LONGEST:
        return tuple(lines.lower().split("\n"))
    return tuple(map(email_key, texts))


def clean_email(text: str | None) -> str:
    """The address as it is written, without the text around it that certainly isn't a part of it: space, invisible
    characters, a comma, semicolon or full stop at the end, quotes, <…> with a name before it, and mailto:.

    Raises AddressProblem for a text that isn't clearly one address.
    """
    given = text or ""
    if PLAIN.fullmatch(given) and len(given) <= LONGEST:
        return given
    address = _bare(given) if len(given) <= LONGEST_GIVEN else given
    if why := _fault(address):
        raise AddressProblem(given.strip(), why)
    return address


def spelling_and_key(text: str | None) -> tuple[str, str]:
    """An address from outside as it is shown, and its key. Any other text is returned stripped, with the key ""."""
    text = text or ""
    if PLAIN.fullmatch(text) and len(text) <= LONGEST:
        return text, text.lower()
    try:
        address = clean_email(text)
    except AddressProblem:
        return text.strip(), ""
    return address, email_key(address)


def clean_name(text: str, longest: int = LONGEST_NAME) -> str:
    """A name on one line, of at most `longest` characters, without invisible characters that change how it is shown.

    Removed are marks of writing direction (U+202E reverses the rest of a line), control characters and lone surrogates.
    Joiners are kept, because Persian and the scripts of India need them.
    """
    if not text.isprintable():
        kept = (" " if unicodedata.category(letter) in BREAKS else letter for letter in DIRT.sub("", text)
                if unicodedata.category(letter) != "Cs")  # fmt: skip
        text = "".join(kept)
    return " ".join(text.split())[:longest].strip()


def domain_key(text: str) -> str:
    """The domain in ASCII, as the DNS has it: xn--bcher-kva.example for Bücher.example.

    By IDNA 2008 with the mapping of UTS 46, non-transitional. Raises ValueError, with the reason in words.
    """
    text = text.strip()
    domain = text.lower() if text.isascii() else _in_ascii(text)
    if not DOMAIN.fullmatch(domain):
        raise ValueError(f"{repr(text[:SHOWN])[1:-1]} isn't a domain" if text else "there is nothing after the @")
    return domain


@lru_cache(maxsize=1000)
def _in_ascii(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return ""


def text_key(text: str) -> str:
    """The key of an address; for a user name that isn't an address, its NFC in lower case."""
    return email_key(text) or normal("NFC", normal("NFC", text.strip()).lower())


def normal(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
    """The text in this normal form of Unicode; one of more than LONGEST_GIVEN characters as it is.

    Python sorts accents that follow one another in the square of their number: a megabyte of them takes ten minutes, in
    which nothing else runs.
    """
    return unicodedata.normalize(form, text) if len(text) <= LONGEST_GIVEN else text


def readable(address: str) -> str:
    """The address with its domain decoded from xn--…, if that is valid."""
    local, at, domain = address.rpartition("@")
    try:
        return f"{local}{at}{idna.decode(domain)}" if "xn--" in domain else address
    except (idna.IDNAError, UnicodeError):
        return address


def beyond_ascii(address: str) -> bool:
    """Whether mail to the address needs a server with SMTPUTF8 (RFC 6531): it has letters beyond ASCII before the @."""
    return not address.rpartition("@")[0].isascii()


def looks_like(one: str, other: str) -> bool:
    """Whether two different keys look alike: they are equal by case folding or NFKC."""
    return one != other and _look(one) == _look(other)


def _look(key: str) -> str:
    return normal("NFKC", normal("NFKC", readable(key)).casefold())


def _bare(text: str) -> str:
    """The address without the text around it, removed layer by layer."""
    text, before = DIRT.sub("", text), ""
    while text != before:
        before = text
        text = text.strip().lstrip(",;").rstrip(ENDS)
        if text[:1] + text[-1:] in AROUND and len(text) > 2:
            text = text[1:-1]
        if text[:7].lower() == "mailto:":
            text = DIRT.sub("", unquote(text[7:].partition("?")[0]))
        named = NAMED.fullmatch(text)
        if named and email_key(named[1]) in ("", email_key(named[2])):
            text = named[2]
        text = QUOTED.sub(r"\1", text, count=1) if text.startswith('"') else text
    return text


def _fault(address: str) -> str:
    """The reason why it isn't an address, to follow a colon; "" if it is one."""
    local, at, domain = address.partition("@")
    if len(address) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if not at:
        return "it has no @"
    if "@" in domain:
        return "it has more than one @"
    if not local:
        return "there is nothing before the @"
    if any(letter.isspace() for letter in address):
        return "there is a space in it"
    strange = HIDDEN.search(address) or next((letter for letter in address if not letter.isprintable()), None)
    if strange:
        letter = strange if isinstance(strange, str) else strange.group()
        return f"the character U+{ord(letter):04X} in it can't be seen, or replaces a lost letter"
    if special := SPECIAL.search(local):
        return f"there is a {special.group()} in it"
    try:
        domain_key(domain)
    except ValueError as problem:
        return str(problem)
    return ""


def _local_key(local: str) -> str:
    """The key of the part before the @: NFC and lower case, with two exceptions.

    The signs for ohm, kelvin and ångström aren't replaced by the letters that NFC makes of them: nobody's name is
    spelled with a unit, so it is a look-alike. İ becomes i, as in Turkish, because addresses with it are Turkish.
    Unicode's default is an i with a second dot, which no mailbox has.
    """
    if local.isascii():
        return local.lower()
    return "".join(part if SIGNS.fullmatch(part) else _lower(part) for part in SIGNS.split(local))


def _lower(text: str) -> str:
    lower = normal("NFC", normal("NFC", text).lower())
    return DOTTED.sub("i", lower)
