"""A component that is written once for the same texts is written for each that differs, in its kind as well."""

from __future__ import annotations

from flask import Flask, flash, render_template_string
from markupsafe import Markup

from sync.states import Tone
from tests.web.client import Client
from web import components

BADGE = '{% from "components.html" import badge, icon %}{{ badge(word, title=word) }}{{ icon("check", css) }}'


def test_a_text_is_escaped_after_the_same_markup_was_not(site: Flask) -> None:
    with site.test_request_context():
        markup = render_template_string(BADGE, word=Markup("<i>new</i>"), css="a")
        text = render_template_string(BADGE, word="<i>new</i>", css="a")
        again = render_template_string(BADGE, word=Markup("<i>new</i>"), css="b")
    assert "<i>new</i></span>" in markup and "<i>new" not in text and "&lt;i&gt;new&lt;/i&gt;</span>" in text
    assert again == markup.replace('class="icon a"', 'class="icon b"')


def test_a_message_that_two_requests_asked_for_is_shown_once(site: Flask) -> None:
    with site.test_request_context():
        for text in ("Saved.", "Saved.", "Read."):
            flash(text, Tone.OK)
        flash({"text": "Saved.", "undo": "/decisions/1"}, Tone.OK)
        assert [(one.text, one.undo) for one in components.toasts()] == [
            ("Saved.", ""), ("Read.", ""), ("Saved.", "/decisions/1")]


def test_a_browser_paints_a_page_once_what_would_move_has_arrived(owner: Client) -> None:
    """Chromium waits for the start of the element that is named. The links of a narrow header share its width, and the
    card of a page without a header is in the middle of the window."""
    for page, name, before in ((owner.get("/apps"), "main", "</header>"), (owner.get("/nothing"), "toasts", "</main>")):
        head, _, body = page.text.partition("</head>")
        assert f'<link rel="expect" href="#{name}" blocking="render">' in head
        whole, _, rest = body.partition(before)
        assert f'id="{name}"' in rest and f'id="{name}"' not in whole
