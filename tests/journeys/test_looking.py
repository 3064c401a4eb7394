"""What look_at() finds: each fault is planted in a page that has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys import looks
from tests.journeys.looks import Look, look_at, opens

ROW = "<tr><td><a href='/a'>Ada</a></td><td>member</td></tr>"
PAGE = """<!doctype html><html lang="en"><head><title>Planted</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; --ink: #111; --page: #fff } td { padding: 12px } dialog { color: inherit }
@media (prefers-color-scheme: dark) { :root { --ink: #eee; --page: #111 } }
body, dialog { color: var(--ink); background: var(--page) } a { color: inherit }
.phone { display: none } @media (max-width: 760px) { .phone { display: block } }
STYLE</style></head>
<body><main><h1>Planted</h1><button id="open" onclick="document.querySelector('dialog').showModal()">Open</button>
<p class="note">Some words</p><table><tr><th>Name</th><th>Role</th></tr>ROWS</table>
<div class="phone"><button>Menu</button></div>MORE</main>
<dialog aria-label="Question"><p class="asked">Sure?</p><button>Yes</button></dialog></body></html>"""
PLANTED = {  # a name: styles, markup, and what is found at which sizes and in which themes
    "nothing": ("", "", set()),
    "structure": ("", "<img src='data:,'>", {"1280, light: image-alt"}),
    "an id that another element has": ("", "<p id='open'>Some words</p>", {"1280, light: duplicate-id"}),
    "words in light": (".note { color: #bbb } @media (prefers-color-scheme: dark) { .note { color: #eee } }", "",
                       {"1280, light: color-contrast"}),
    "words in dark": ("@media (prefers-color-scheme: dark) { .note { color: #333 } }", "",
                      {"390, dark: color-contrast"}),
    "words in dark at a desk": (
        "@media (prefers-color-scheme: dark) and (min-width: 761px) { .note { color: #333 } }", "",
        {"1280, dark: color-contrast"}),
    "words on a phone": ("@media (max-width: 760px) { .note { color: #ccc; background: #fff } }", "",
                         {"390, light: color-contrast"}),
    "ground": (".note { background: #777; color: #555 }", "", {"1280, light: color-contrast"}),
    "only on a phone": ("", "<div class='phone'><button></button></div>", {"390, light: button-name"}),
    "small target on a phone": (
        "@media (max-width: 760px) { td { padding: 0 } td a { font-size: 9px } tr { line-height: 9px } }", "",
        {"390, light: target-size"}),
    "target that another one covers in part": (
        ".under, .over { width: 40px; height: 30px } .over { position: absolute; left: 14px }",
        "<div style='position: relative'><button class='over'>B</button><button class='under'>A</button></div>",
        {"1280, light: target-size"}),
    "region that nobody reaches on a phone": (
        "@media (max-width: 760px) { .long { width: 200px; overflow: auto; white-space: nowrap } }",
        f"<div class='long'>{'Some words ' * 20}</div>", {"390, light: scrollable-region-focusable"}),
    "wide": (".note { width: 500px }", "", {"390, light: 118 px wider", "390, dark: 118 px wider"}),
    "link": ("p a { text-decoration: none; color: #555 }",
             "<p>Earlier changes are shown on <a href='/b'>the other page</a>, with all of their reasons.</p>",
             {"1280, light: link-in-text-block"}),
    "link like others, in a text of another colour": (
        """p a { text-decoration: none; color: #888; background: #fff }
        .near { color: #777; background: #fff } .far { color: #111; background: #fff }""",
        "".join(f"<p class='{kind}'>Earlier changes are on <a href='/{place}'>the other page</a>, with all reasons.</p>"
                for place, kind in enumerate(("far", "far", "far", "near"))),
        {"1280, light: link-in-text-block"}),
    "not on a phone": ("@media (max-width: 760px) { #open { display: none } }", "",
                       {"390, light: nobody can press #open", "390, dark: nobody can press #open"}),
    "words far down a list": ("tr:nth-child(21) td:last-child { color: #bbb; background: #fff }", "",
                              {"1280, light: color-contrast"}),
    "small target far down a list": (
        "tr:nth-child(n+21):nth-child(-n+22) { line-height: 5px; td { padding: 0 } a { font-size: 5px } }",
        "", {"1280, light: target-size"}),
    "a row that is too wide, far down a list": (
        "tr:nth-child(21) td { min-width: 600px }", "", {"390, light: 8", "390, dark: 8"}),
    "dialog": (".asked { color: #bbb; background: #fff }", "", {"1280, light: color-contrast"}),
    "dialog that appears in dark": (
        """@keyframes appear { from { opacity: 0 } } dialog { animation: appear 9s }
        @media (prefers-color-scheme: dark) { .asked { color: #333 } }""", "", {"390, dark: color-contrast"}),
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "TAKES_PICTURES", False)


def plant(page, text: str) -> None:
    page.unroute_all()
    page.route("**/planted", lambda route: route.fulfill(body=text, content_type="text/html"))


def test_planted_faults_are_found(visit, live, monkeypatch: pytest.MonkeyPatch) -> None:
    page = visit(None, at=None)
    wrong = {}
    for name, (style, more, expected) in PLANTED.items():
        monkeypatch.setattr(looks, "met", looks.Met())
        text = PAGE.replace("STYLE", style).replace("ROWS", ROW * 30).replace("MORE", more)
        plant(page, text)
        act = opens("#open") if "dialog" in name or name == "not on a phone" else None
        found = look_at(page, live.url, Look(name, "/planted", act))
        if missing := {one for one in expected if not any(one in line for line in found)}:
            wrong[name] = (missing, found)
        if not expected and found:
            wrong[name] = ("nothing", found)
    assert not wrong, "\n".join(map(str, wrong.items()))


def test_a_fault_in_a_later_page_is_found_where_earlier_ones_had_the_same_colours(visit, live) -> None:
    """Texts in colours that were right before aren't asked again: on another ground they are. Nor is the same markup on
    a phone: with another label it is."""
    page = visit(None, at=None)
    found = []
    dark = ".note { background: #222 } @media (prefers-color-scheme: dark) { .note { background: none } }"
    for style, label in (("", "Search"), (dark, "")):
        more = f"<label for='q'>{label}</label><div class='phone'><input id='q'></div>"
        text = PAGE.replace("STYLE", style).replace("ROWS", ROW).replace("MORE", more)
        plant(page, text)
        found.append(look_at(page, live.url, Look("ground", "/planted")))
    assert not found[0]
    assert any("color-contrast" in line for line in found[1])
    assert any("390, light: label:" in line for line in found[1])


def test_workers_share_which_styles_were_judged(tmp_path: Path) -> None:
    one, other = looks.Met(), looks.Met()
    for met in (one, other):
        met.share(tmp_path / "looks")
    one.add(["blue", "red"])
    other.add(["red"])
    assert one.counts() == other.counts() == {"blue": 1, "red": 2}
    one.add([])
    one.add(["blue"])
    assert one.counts() == other.counts() == {"blue": 2, "red": 2}


def test_a_fault_in_a_dialog_is_found_where_the_page_is_kept_for_it(visit, live) -> None:
    """The second look begins in dark, and finds what is wrong there, in layout, and in the light that follows."""
    page = visit(None, at=None)
    style = """.second { color: #bbb; background: #fff }
        @media (prefers-color-scheme: dark) { .second { background: #111 } }
        @media (max-width: 760px) { .small { font-size: 9px; line-height: 9px } }"""
    more = """<button id="clean" onclick="document.querySelector('[aria-label=Question]').showModal()">Clean</button>
        <dialog aria-label="Second"><img src="data:,"><p class="second">Sure?</p>
        <p class="small"><a href="/a">One</a><br><a href="/b">Two</a></p></dialog>"""
    plant(page, PAGE.replace("STYLE", style).replace("ROWS", ROW).replace("MORE", more))
    opened = []
    page.on("domcontentloaded", lambda: opened.append(page.url))
    found = look_at(page, live.url, Look("1st", "/planted", opens("#clean")), Look("2nd", "/planted", opens("#open")))
    assert len(opened) == 1
    expected = {"2nd at 1280, dark: image-alt", "2nd at 390, dark: target-size", "2nd at 390, light: color-contrast"}
    assert all(any(one in line for line in found) for one in expected), found
    assert not any("1st at" in line for line in found), found
