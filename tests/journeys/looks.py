"""How pages look: each is opened wide and narrow, light and dark, checked by axe and kept as a picture in screenshots/.
A page that is added to Rollcall is added to a list here; then look at the pictures. A run of all tests takes none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.parts import need

PICTURES = Path(__file__).parents[2] / "screenshots"
TAKES_PICTURES = os.environ.get("ROLLCALL_TEST_PICTURES") != "no"
RULES = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "rules": {"color-contrast": {"enabled": False}},  # it is of COLOURS
}
COLOURS = {  # the dark page is the light one in other colours
    "resultTypes": ["violations"], "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
}
RESTYLE = """  // Chromium leaves inherited colours as they were in the other theme; what is shown again is styled again
    document.documentElement.style.display = "none"
    document.body.offsetTop
    document.documentElement.style.display = ""
"""
FIND = "async ([within, rules]) => (await axe.run(within ?? document, rules)).violations"
# Contrast would take most of axe's time, as a table repeats the same colours in each row. It follows from the styles
# of a text and of all that is around it: of the texts that have all of these in common, axe is given the first two.
FIND_COLOURS = """async ([within, rules]) => {
    const styles = ["color", "backgroundColor", "backgroundImage", "opacity", "fontSize", "fontWeight", "textShadow",
        "textDecorationLine", "filter", "mixBlendMode", "visibility", "borderBottomColor", "borderBottomWidth"]
    const numbers = new Map(), surroundings = new Map(), met = new Map()
    const numberOf = (text) => numbers.get(text) ?? numbers.set(text, numbers.size + 1).get(text)
    const surroundingsOf = (element) => {
        if (!element) return 0
        if (!surroundings.has(element)) {
            const style = getComputedStyle(element)
            const own = [surroundingsOf(element.parentElement), element.tagName, ...styles.map((name) => style[name])]
            own.push(element.matches(":disabled, [aria-disabled=true], [inert]"), element.control?.disabled)
            if (/absolute|fixed|sticky/.test(style.position)) own.push(surroundings.size)  // it may be above anything
            surroundings.set(element, numberOf(own.join("|")))
        }
        return surroundings.get(element)
    }
    const textOf = (element) => {
        if (element.matches("input, textarea, select")) return "a value"
        const own = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)
        return own.map((node) => node.data).join("").trim()
    }
    const isFurther = (element) => {
        const text = textOf(element)
        if (!text || !element.checkVisibility({opacityProperty: true, visibilityProperty: true})) return false
        const alike = `${surroundingsOf(element)} ${text.length > 1}`  // axe is not sure about a single letter
        met.set(alike, (met.get(alike) ?? 0) + 1)
        return met.get(alike) <= 2
    }
    const elements = (within ? document.querySelector(within) : document.body).querySelectorAll("*")
    const include = [...elements].filter(isFurther)
    return include.length ? (await axe.run({include}, rules)).violations : []
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
    """What axe finds wrong in both themes, and a page that is wider than the window, in words. Takes the pictures."""
    page.goto(url + look.address)
    if look.act:
        look.act(page)
    page.evaluate("document.querySelector('dialog:modal') ?? scrollTo(0, 0)")
    _picture(page, look, width, "light")
    wrong = _violations(page, look, RULES, FIND) + _violations(page, look, COLOURS, FIND_COLOURS)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if overflow > 0:
        wrong.append(f"{look.name}: {overflow} px wider than the window at {width}")
    page.emulate_media(color_scheme="dark")
    page.evaluate(RESTYLE)
    _picture(page, look, width, "dark")
    wrong += _violations(page, look, COLOURS, FIND_COLOURS)
    page.emulate_media(color_scheme="light")
    return wrong


def _picture(page, look: Look, width: int, theme: str) -> None:
    if not TAKES_PICTURES:
        return
    PICTURES.mkdir(exist_ok=True)
    path = PICTURES / f"{look.name}-{width}-{theme}.png"
    if page.query_selector("dialog:modal"):
        page.screenshot(path=path)
    else:
        height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
        page.screenshot(path=path, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})


def _violations(page, look: Look, rules: dict, find: str) -> list[str]:
    need("axe_playwright_python")
    from axe_playwright_python.base import AXE_SCRIPT

    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
        page.add_init_script(AXE_SCRIPT)  # for the pages that follow: sending it to each costs as much as running it
    found = page.evaluate(find, [look.within, rules])
    return [
        f"{look.name}: {violation['id']}: {violation['help']}: {node['html'][:160]} {node['failureSummary'][:300]}"
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
