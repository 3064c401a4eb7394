"""When two spellings of an e-mail address are one: only if mail to both reaches the same mailbox.
Pure: text in, the clean address or its key out, or AddressProblem with the reason. Every door uses this module,
for names too."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from urllib.parse import unquote

import idna

LONGEST = 254  # characters of an address (RFC 5321 4.5.3.1.3, with its erratum 1690)
LONGEST_GIVEN = 1000  # characters, with a name and whatever else is around it
LONGEST_NAME = 200  # characters of a name
SHOWN = 80  # characters of it that a reason repeats
# Nearly all addresses: nothing to clean, and lower case is their key. A check takes this way for each account.
PLAIN = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
DOMAIN = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
# Zero-width space, word joiner, byte order mark, soft hyphen, marks of writing direction: copied along, never typed.
DIRT = re.compile("[\u200b\u2060\ufeff\u00ad\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
BREAKS = ("Cc", "Zl", "Zp")  # a name has a space in place of these
# They are invisible too, but may be meant, or replace a lost letter.
HIDDEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\ufffc\ufffd\U000e0100-\U000e01ef]"
)
AROUND = {'""', "''", "“”", "„“", "„”", "‘’", "‚‘", "‚’", "«»", "»«"}
ENDS = ",;.，；。．｡、"
SPECIAL = re.compile(r'[()<>\[\]:;\u037e,\\"]')  # before the @ they need quotes (RFC 5322 3.2.3), as nobody's do
NAMED = re.compile(r"([^<>]*)<([^<>]*)>")  # Ana Lopez <ana@acme.example>
QUOTED = re.compile(r'"([^"\\@\s]+)"(?=@)')  # RFC 5321 4.1.2: the same mailbox with and without the quotes
SIGNS = re.compile("([\u2126\u212a\u212b])")  # ohm, kelvin, ångström
DOTTED = re.compile("i\u0307(?![\u0300-\u036f])")


class AddressProblem(ValueError):
    """It isn't an e-mail address, or not clearly one. The text names it in a sentence; `why` is only the reason."""

    def __init__(self, text: str, why: str):
        shown = repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")[1:-1]
        super().__init__(f"{shown} isn't an e-mail address: {why}." if shown else "The e-mail address is missing.")
        self.why = why


def email_key(text: str | None) -> str:
    """The form in which addresses are compared: equal only for the same mailbox; "" if it isn't clearly one.

    Before the @: NFC and lower case, which every mail server in use treats as one mailbox. After it: the domain that
    mail goes to by IDNA 2008 (UTS 46, non-transitional), in ASCII. Never case folding or NFKC, which join ß with ss
    and ﬁ with fi. The text around an address, as clean_email() takes it away, makes no difference.
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


def clean_email(text: str | None) -> str:
    """The address as it is written, without what is certainly no part of it.

    That is space, invisible characters, a comma, semicolon or full stop at the end, quotes, <…> with the name before
    it, and mailto:. Raises AddressProblem for what isn't clearly one address.
    """
    given = text or ""
    if PLAIN.fullmatch(given) and len(given) <= LONGEST:
        return given
    address = _bare(given) if len(given) <= LONGEST_GIVEN else given
    if why := _fault(address):
        raise AddressProblem(given.strip(), why)
    return address


def spelling_and_key(text: str | None) -> tuple[str, str]:
    """How an address from outside is shown, and its key. Other values are unchanged, with the key ""."""
    text = text or ""
    if PLAIN.fullmatch(text) and len(text) <= LONGEST:
        return text, text.lower()
    try:
        address = clean_email(text)
    except AddressProblem:
        return text.strip(), ""
    return address, email_key(address)


def clean_name(text: str) -> str:
    """A name on one line, LONGEST_NAME characters at most, without what can't be seen and steers what can.

    Marks of writing direction (U+202E turns the rest of a line around), control characters and lone halves of letters
    go; joiners stay, which Persian and the scripts of India are written with.
    """
    if not text.isprintable():
        kept = (" " if unicodedata.category(letter) in BREAKS else letter for letter in DIRT.sub("", text)
                if unicodedata.category(letter) != "Cs")  # fmt: skip
        text = "".join(kept)
    return " ".join(text.split())[:LONGEST_NAME].strip()


def domain_key(text: str) -> str:
    """The domain in ASCII, as the DNS knows it: Bücher.example is xn--bcher-kva.example.

    By IDNA 2008 with the mapping of UTS 46, non-transitional. Raises ValueError with a sentence.
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
    """The key of an address; of a user name that isn't an address, its letters without capitals."""
    return email_key(text) or unicodedata.normalize("NFC", unicodedata.normalize("NFC", text.strip()).lower())


def readable(address: str) -> str:
    """The address with its domain in letters, where it is one that a browser would show so."""
    local, at, domain = address.rpartition("@")
    try:
        return f"{local}{at}{idna.decode(domain)}" if "xn--" in domain else address
    except (idna.IDNAError, UnicodeError):
        return address


def beyond_ascii(address: str) -> bool:
    """Whether mail to it needs a server that offers SMTPUTF8 (RFC 6531): letters beyond ASCII before the @."""
    return not address.rpartition("@")[0].isascii()


def looks_like(one: str, other: str) -> bool:
    """Whether two keys are of addresses that only look alike: the same by case folding or NFKC, and not the same."""
    return one != other and _look(one) == _look(other)


def _look(key: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", readable(key)).casefold())


def _bare(text: str) -> str:
    """Without the text around it, taken away until nothing is left to take."""
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
    """Why it can't be an address, to follow a colon; "" where it can."""
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
    """Canonically equal spellings are one, and so are capitals.

    Two decisions. The signs for ohm, kelvin and ångström stay apart from the letters that NFC makes of them: nobody's
    name is spelled with a unit, so it is a look-alike. İ is the capital of i, as in Turkish, from where addresses
    with it come: Unicode's default is an i with a second dot, which is a letter of no mailbox.
    """
    if local.isascii():
        return local.lower()
    return "".join(part if SIGNS.fullmatch(part) else _lower(part) for part in SIGNS.split(local))


def _lower(text: str) -> str:
    lower = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())
    return DOTTED.sub("i", lower)
