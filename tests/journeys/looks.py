"""How pages look: each is opened wide and narrow, light and dark, checked by axe and kept as a picture in screenshots/.
A page that is added to Rollcall is added to a list here; then look at the pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.parts import need

PICTURES = Path(__file__).parents[2] / "screenshots"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EVERY_RULE = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": TAGS}}
CONTRAST = {"resultTypes": ["violations"], "runOnly": {"type": "rule", "values": ["color-contrast"]}}
# Chromium leaves the inherited colours of some elements as they were in the other theme, until it must style them anew.
RESTYLE = """() => {
    document.body.style.display = "none";
    document.body.offsetHeight;
    document.body.style.removeProperty("display");
    return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""
TALLEST = 1600  # pixels of a picture
WIDTHS = (1280, 390)


@dataclass(frozen=True)
class Look:
    """One picture: where to go, and what to do there before it is taken. `within`: what axe looks at, where an open
    menu half covers what is below it."""

    name: str
    address: str
    act: Callable | None = None
    within: str | None = None


def look_at(page, url: str, look: Look, width: int) -> list[str]:
    """Take the pictures; what axe finds wrong, and a page that is wider than the window, in words.

    The colours are all that the dark theme changes, so that axe looks at nothing else there.
    """
    page.emulate_media(color_scheme="light")
    page.goto(url + look.address)
    if look.act:
        look.act(page)
    wrong = []
    for theme, rules in (("light", EVERY_RULE), ("dark", CONTRAST)):
        page.emulate_media(color_scheme=theme)
        page.evaluate(RESTYLE)
        _take(page, PICTURES / f"{look.name}-{width}-{theme}.png", width)
        wrong += [f"{look.name}, {theme}: {violation}" for violation in _violations(page, look.within, rules)]
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if overflow > 0:
        wrong.append(f"{look.name}: {overflow} px wider than the window at {width}")
    return wrong


def _take(page, path: Path, width: int) -> None:
    PICTURES.mkdir(exist_ok=True)
    if page.query_selector("dialog:modal"):
        page.screenshot(path=path)
    else:
        page.evaluate("scrollTo(0, 0)")
        height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
        page.screenshot(path=path, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})


def _violations(page, within: str | None, rules: dict) -> list[str]:
    need("axe_playwright_python")
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context=within, options=rules).response["violations"]
    return [
        f"{violation['id']}: {violation['help']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for violation in found
        for node in violation["nodes"][:3]
    ]


def nothing_wrong(found: Iterable[str]) -> None:
    wrong = list(found)
    assert not wrong, "\n".join(wrong)


def opens(selector: str) -> Callable:
    """Click it and wait for the dialog."""

    def act(page) -> None:
        page.click(selector)
        page.wait_for_selector("dialog:modal")

    return act


def clicks(selector: str) -> Callable:
    return lambda page: page.click(selector)
