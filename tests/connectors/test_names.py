"""One address, however it is spelled; and never one where mail goes to two mailboxes."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.names import (
    LONGEST,
    AddressProblem,
    beyond_ascii,
    clean_email,
    domain_key,
    email_key,
    email_keys,
    readable,
)

HERE = "@acme.example"
LETTERS = "aAeEiIkKsSzZıİßẞéÉe\u0301öÖłŁσΣςſﬁﬀ\u212a\u2126\u212bÅåωΩⅨ①ａＡµμĳ\u0307\u0323\u0327дЖعا漢が"
WORDS = st.text(LETTERS, min_size=1, max_size=6)
SIGNS = "\u2126\u212a\u212b"
DOMAINS = {label: name for name, labels in {
    "weiss": ("weiss", "WEISS"), "weiß": ("weiß", "WEIß", "xn--wei-7ka", "XN--WEI-7KA"), "fırma": ("fırma",),
    "firma": ("firma", "ﬁrma", "FIRMA", "ｆirma"), "muenchen": ("muenchen",),
    "münchen": ("münchen", "MÜNCHEN", "mu\u0308nchen", "xn--mnchen-3ya"), "ςοφος": ("ςοφος",), "σοφος": ("σοφος",),
    "kate": ("kate", "\u212aate"),
}.items() for label in labels}  # fmt: skip
LABELS = tuple(DOMAINS)
PAIRS = (("ss", "ß"), ("fi", "ﬁ"), ("ff", "ﬀ"), ("k", "\u212a"), ("å", "\u212b"), ("ω", "\u2126"), ("i", "ı"),
         ("s", "ſ"), ("a", "ａ"), ("1", "①"), ("μ", "µ"), ("ij", "ĳ"), ("e", "é"), ("σ", "ς"), ("ix", "Ⅸ"))  # fmt: skip
DIRT = ("\u200b", "\ufeff", "\u00ad", "\u200e", "\u200f", "\u202a", "\u202c", "\u2066", "\u2069", "\u2060")
AROUND = ("{}", " {} ", "<{}>", '"{}"', "'{}'", "“{}”", "mailto:{}", "MAILTO:{}", "Ana Lopez <{}>", '"Lopez, Ana" <{}>',
          "{},", "{}.", "{};", "{} ;", "\ufeff{}", "\u202a{}\u202c", "{}\u00a0", "\t{}\r\n", "<{}>,")  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ana@Acme.Example", "ana@acme.example"),
        ("ANA.LÓPEZ@acme.example", "ana.lópez@acme.example"),
        ("ana.lo\u0301pez@acme.example", "ana.lópez@acme.example"),
        ("ana@MÜNCHEN.example", "ana@xn--mnchen-3ya.example"),
        ("ana@münchen.example", "ANA@XN--MNCHEN-3YA.EXAMPLE"),
        ("ana@weiß.example", "ana@xn--wei-7ka.example"),
        ("ana@ａｃｍｅ.example", "ana@acme.example"),  # in a domain UTS 46 says so, and mail goes there
        ("ana@acme。example", "ana@acme.example"),
        ("İREM@acme.example", "irem@acme.example"),  # the Turkish capital of i
        ("i\u0307rem@acme.example", "irem@acme.example"),  # what Unicode's default lower case makes of it
        ("I\u0307REM@acme.example", "irem@acme.example"),
        ("MARIA.WEIẞ@acme.example", "maria.weiß@acme.example"),
        ("ΝΙΚΟΣ@acme.example", "νικος@acme.example"),
    ],
)
def test_one_mailbox_in_two_spellings(one, other):
    assert email_key(one) == email_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("maria.weiss@acme.example", "maria.weiß@acme.example"),
        ("maria.weiss@acme.example", "MARIA.WEIẞ@acme.example"),
        ("fiona@acme.example", "ﬁona@acme.example"),
        ("kate@acme.example", "\u212aate@acme.example"),
        ("ångström@acme.example", "\u212bngström@acme.example"),
        ("ana@acme.example", "ａｎａ@acme.example"),
        ("isik@acme.example", "ısık@acme.example"),
        ("jose@acme.example", "josé@acme.example"),
        ("nikos@acme.example", "níkos@acme.example"),
        ("νικοσ@acme.example", "νικος@acme.example"),
        ("x9@acme.example", "x⑨@acme.example"),
        ("ana@weiss.example", "ana@weiß.example"),
        ("ana@weiss.example", "ana@xn--wei-7ka.example"),
        ("ana@firma.example", "ana@fırma.example"),
        ("ana@σοφοσ.example", "ana@σοφος.example"),
        ("ana@acme.example", "ana+x@acme.example"),
        ("ana.lopez@acme.example", "analopez@acme.example"),
    ],
)
def test_look_alikes_are_two_mailboxes(one, other):
    assert email_key(one) and email_key(other)
    assert email_key(one) != email_key(other)


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("address", ["Ana.O'Neill+x@acme.example", "jörg@münchen.example", "a@localhost"])
def test_characters_around_an_address_are_removed(around, address):
    assert clean_email(around.format(address)) == address
    assert email_key(around.format(address)) == email_key(address)


@pytest.mark.parametrize("dirt", DIRT)
@pytest.mark.parametrize("address", ["an{}a@acme.example", "ana@ac{}me.example", "{}ana@acme.example", "ana{}@{}a.b"])
def test_invisible_characters_are_removed(dirt, address):
    assert clean_email(address.replace("{}", dirt)) == address.replace("{}", "")


def test_addresses_copied_from_outlook_or_from_a_link_are_cleaned():
    assert clean_email("ana@acme.example<mailto:ana@acme.example>") == "ana@acme.example"
    assert clean_email("mailto:ana%2Bnews@acme.example?subject=Hello") == "ana+news@acme.example"
    assert clean_email('"ana.lopez"@acme.example') == "ana.lopez@acme.example"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "The e-mail address is missing."),
        (" \u200b ", "isn't an e-mail address: it has no @."),
        ("nobody", "nobody isn't an e-mail address: it has no @."),
        ("@acme.example", "there is nothing before the @"),
        ("ana@", "there is nothing after the @"),
        ("ana lopez@acme.example", "ana lopez@acme.example isn't an e-mail address: there is a space in it."),
        ("ana\u00a0lopez@acme.example", "there is a space in it"),
        ("ana@acme.example, bo@acme.example", "it has more than one @"),
        ("ana@acme.example;bo@acme.example", "it has more than one @"),
        ("bo@acme.example <ana@acme.example>", "it has more than one @"),
        ("a@b@c", "it has more than one @"),
        ("ana,lopez@acme.example", "there is a , in it"),
        ("ana(work)@acme.example", "there is a ( in it"),
        ("ana@acme.example (Ana)", "there is a space in it"),
        ("ana@acme\u200d.example", "U+200D"),
        ("ana\x00@acme.example", "U+0000"),
        ("\ud800@acme.example", "U+D800"),
        ("m\ufffdller@acme.example", "U+FFFD in it can't be seen, or replaces a lost letter"),
        ("ana\ufe0f@acme.example", "U+FE0F"),
        ("ana@acme..example", "acme..example isn't a domain"),
        ("ana@[127.0.0.1]", "[127.0.0.1] isn't a domain"),
        ("ana@-münchen.example", "-münchen.example isn't a domain"),
        ("ana@💩.example", "💩.example isn't a domain"),
        ("a" * 250 + "@b.example", "it is longer than 254 characters"),
        ('"' * 500_000 + "@" + '"' * 500_000, "it is longer than 254 characters"),
    ],
)
def test_the_rest_is_refused_with_the_reason(text, why):
    with pytest.raises(AddressProblem) as refused:
        clean_email(text)
    assert why in str(refused.value) and str(refused.value).isprintable() and len(str(refused.value)) < 250
    assert email_key(text) == ""


def test_none_is_no_address():
    assert email_key(None) == ""


def test_the_keys_of_a_list_are_those_of_its_addresses():
    plain, unlike = ["Ana@Acme.example", "ben@acme.example"], [
        "", "ana", "jörg@münchen.example", "ana@acme.example\nben@acme.example", " ana@acme.example\n",
        f"{'a' * LONGEST}@acme.example",
    ]  # fmt: skip
    for texts in ([], plain, *([*plain, text] for text in unlike), [*unlike, *plain]):
        assert email_keys(texts) == tuple(map(email_key, texts)), texts


def test_each_letter_that_has_another_form_has_one():
    """Taken again it stays, alone and beside the marks that compose with it."""
    for letter in map(chr, range(0x80, sys.maxunicode + 1)):
        if letter == letter.lower() == unicodedata.normalize("NFC", letter) and not unicodedata.combining(letter):
            continue
        for local in (letter, f"i{letter}", f"i\u0307{letter}", f"{letter}\u0307", f"{letter}\u0323\u0307\u0301"):
            key = email_key(local + HERE)
            assert email_key(key) == key, repr(local)


def spelled(local: str) -> str:
    """What makes a name before the @: its letters and marks without capitals. An independent, plainer definition."""
    apart = local.translate({0x212A: "\ue000", 0x2126: "\ue001", 0x212B: "\ue002"})  # signs of units aren't letters
    small = "".join(letter.lower() for letter in unicodedata.normalize("NFD", apart))
    return small.replace("ς", "σ").replace("i\u0307", "i")


@given(WORDS, WORDS, st.sampled_from(LABELS), st.sampled_from(LABELS))
def test_equal_keys_are_one_mailbox(one, other, label, other_label):
    key, other_key = email_key(f"{one}@{label}.example"), email_key(f"{other}@{other_label}.example")
    if key == other_key:
        assert spelled(one) == spelled(other)
        assert DOMAINS[label] == DOMAINS[other_label]


@given(st.text(LETTERS, max_size=3), st.sampled_from(PAIRS), st.sampled_from(PAIRS), st.text(LETTERS, max_size=3))
def test_a_letter_that_makes_another_mailbox_does_so_anywhere(before, pair, other_pair, after):
    one, other = (f"{before}{first}x{second}{after}{HERE}" for first, second in zip(pair, other_pair))
    assert email_key(one) != email_key(other)


@given(WORDS, st.sampled_from(LABELS), st.sampled_from(AROUND), st.sampled_from(("NFC", "NFD")), st.data())
def test_every_spelling_of_one_mailbox_has_one_key(local, label, around, form, data):
    """Decomposed, with dirt in it, with something around it, the domain in ASCII or in letters."""
    key = email_key(f"{local}@{label}.example")
    other = data.draw(st.sampled_from([one for one in LABELS if DOMAINS[one] == DOMAINS[label]]))
    spelling = "".join(part if part in SIGNS else unicodedata.normalize(form, part) for part in split_signs(local))
    place = data.draw(st.integers(0, len(spelling)))
    spelling = spelling[:place] + data.draw(st.sampled_from(DIRT)) + spelling[place:]
    assert key and email_key(around.format(f"{spelling}@{other}.example")) == key


def split_signs(local: str) -> list[str]:
    return [part for part in re.split(f"([{SIGNS}])", local) if part]


@given(st.one_of(st.emails(), st.builds("{}@{}".format, st.text(max_size=8), st.text(max_size=8)), st.text()))
def test_clean_and_key_are_forms(text):
    """Normalising twice changes nothing. The result can be stored and printed, and both spellings have the same."""
    key = email_key(text)
    assert email_key(key) == key
    assert email_key(f" {text}\t") == key
    try:
        clean = clean_email(text)
    except AddressProblem as problem:
        assert key == "" and str(problem).isprintable() and problem.why
        return
    assert clean_email(clean) == clean and email_key(clean) == key != ""
    assert all(form.isprintable() and form.encode() and form.count("@") == 1 for form in (clean, key))


@given(st.emails())
def test_an_address_that_mail_can_go_to_is_one(text):
    assert email_key(text) == text.lower()


def test_a_domain_is_what_the_dns_knows():
    assert domain_key(" Bücher.Example ") == "xn--bcher-kva.example"
    assert domain_key("a_b.example") == "a_b.example"
    assert readable("ana@xn--bcher-kva.example") == "ana@bücher.example"
    assert readable("ana@xn--a.example") == "ana@xn--a.example", "no browser would show that in letters"
    assert readable("ana@acme.example") == "ana@acme.example"
    for text in ("", "a b.example", "a@b", "a..b", "ü/b.example", "[127.0.0.1]"):
        with pytest.raises(ValueError):
            domain_key(text)


def test_which_address_needs_a_server_that_offers_smtputf8():
    assert beyond_ascii("jörg@acme.example") and not beyond_ascii("jorg@münchen.example")
