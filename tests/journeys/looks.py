"""How pages look: each is opened wide and narrow, light and dark, checked by axe and kept as a picture in screenshots/.
A page that is added to Rollcall is added to a list here; then look at the pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.parts import need

PICTURES = Path(__file__).parents[2] / "screenshots"
RULES = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
TALLEST = 1600  # pixels of a picture
VARIANTS = [(width, dark) for width in (1280, 390) for dark in (False, True)]


@dataclass(frozen=True)
class Look:
    """One picture: where to go, and what to do there before it is taken. `within`: what axe looks at, where an open
    menu half covers what is below it."""

    name: str
    address: str
    act: Callable | None = None
    within: str | None = None


def look_at(page, url: str, look: Look, width: int, dark: bool) -> list[str]:
    """Take the picture; what axe finds wrong, and a page that is wider than the window, in words."""
    need("axe_playwright_python")
    from axe_playwright_python.sync_playwright import Axe

    page.goto(url + look.address)
    if look.act:
        look.act(page)
    PICTURES.mkdir(exist_ok=True)
    path = PICTURES / f"{look.name}-{width}-{'dark' if dark else 'light'}.png"
    if page.query_selector("dialog:modal"):
        page.screenshot(path=path)
    else:
        page.evaluate("scrollTo(0, 0)")
        height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
        page.screenshot(path=path, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})
    found = Axe().run(page, context=look.within, options=RULES).response["violations"]
    wrong = [
        f"{look.name}: {violation['id']}: {violation['help']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for violation in found
        for node in violation["nodes"][:3]
    ]
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if overflow > 0:
        wrong.append(f"{look.name}: {overflow} px wider than the window at {width}")
    return wrong


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
