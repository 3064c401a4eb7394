"""How pages look: each is seen wide and narrow, light and dark, checked by axe and kept as a picture in screenshots/.
A page that is added to Rollcall is added to a list here; then look at the pictures. A run of all tests takes none."""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.parts import need

PICTURES = Path(__file__).parents[2] / "screenshots"
OURS = Path(__file__).with_name("looks.js")
TAKES_PICTURES = os.environ.get("ROLLCALL_TEST_PICTURES") != "no"
TALLEST = 1600  # pixels of a picture
DIALOG = "dialog:modal"
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


class Met:
    """How many texts of each style axe has judged in this run. Its workers share a file with a line for each text."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._file: Path | None = None
        self._read = 0  # bytes of the file

    def share(self, file: Path) -> None:
        self._file = file
        file.touch()

    def known(self) -> str:
        """Each style with its count. Playwright would send a dict entry by entry: 12 ms for 1,000 of them."""
        return " ".join(f"{style}:{count}" for style, count in self.counts().items())

    def counts(self) -> dict[str, int]:
        if self._file:
            with self._file.open("rb") as file:
                file.seek(self._read)
                lines = file.read().rpartition(b"\n")[0]
            self._read += len(lines) + bool(lines)
            self._counts.update(lines.decode().split())
        return dict(self._counts)

    def add(self, styles: list[str]) -> None:
        """`styles`: one for each text that was judged now."""
        if self._file is None:
            self._counts.update(styles)
        elif styles:
            with self._file.open("ab", buffering=0) as file:  # in one piece, so that no other worker comes between
                file.write("".join(f"{style}\n" for style in styles).encode())


met = Met()


@dataclass(frozen=True)
class Look:
    """One page or dialog: where to go, and what to do there before it is looked at. `within`: what axe looks at, where
    an open menu half covers what is below it. `sizes`: of the window, where not all show it."""

    name: str
    address: str
    act: Callable | None = None
    within: str | None = None
    sizes: tuple[dict[str, int], ...] = (DESK, PHONE)


def look_at(page, url: str, *looks: Look) -> list[str]:
    """What axe finds wrong, wide and narrow, in both themes, and a page that is wider than the window, in words.
    Takes the pictures. A page is opened once for all sizes and themes, and for the dialogs that are looked at one after
    the other."""
    wrong, theme, before = [], "light", None
    page.tab.add_script(_script())  # sending it to each page costs as much as running it
    for look in looks:
        _resize(page, look.sizes[0])
        if before is None or before.address != look.address or not _is_as_opened(page, url, before):
            page.goto(url + look.address)
        if look.act:
            look.act(page)
        for number, size in enumerate(look.sizes):
            wrong += _seen(page, look, size, theme, begins=number == 0)
        theme = "dark" if theme == "light" else "light"
        page.emulate_media(color_scheme=theme)
        for size in reversed(look.sizes):
            wrong += _seen(page, look, size, theme)
        before = look
    page.emulate_media(color_scheme="light")
    return wrong


def _is_as_opened(page, url: str, look: Look) -> bool:
    """Whether the page is as it was before this look at it, after its dialog is closed."""
    if look.act is None:
        return True
    if not isinstance(look.act, Press) or look.act.until != DIALOG:
        return False
    page.keyboard.press("Escape")
    page.wait_for_selector(DIALOG, state="detached")
    page.wait_for_url(url + look.address)  # a dialog is in the address
    return True


def _seen(page, look: Look, size: dict[str, int], theme: str, begins: bool = False) -> list[str]:
    _resize(page, size)
    _picture(page, look, size["width"], theme)
    asked = [look.within, met.known(), begins]
    found, overflow, judged = page.evaluate("(asked) => looks(...asked)", asked)
    met.add(judged)
    wrong = [
        f"{violation['id']}: {violation['help']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for violation in found
        for node in violation["nodes"][:3]
    ]
    if overflow > 0:
        wrong.append(f"{overflow} px wider than the window")
    if isinstance(look.act, Press) and not _can_press(page, look.act.selector):
        wrong.append(f"nobody can press {look.act.selector}")
    return [f"{look.name} at {size['width']}, {theme}: {problem}" for problem in wrong]


def _resize(page, size: dict[str, int]) -> None:
    if page.viewport_size != size:
        page.set_viewport_size(size)


def _can_press(page, selector: str) -> bool:
    """Whether it is shown, or is among the warnings that are one line on a phone until someone opens it."""
    if page.is_visible(selector):
        return True
    if not page.is_visible("label:has(#show-warnings)"):
        return False
    page.evaluate("document.querySelector('#show-warnings').checked = true")
    shown = page.is_visible(selector)
    page.evaluate("document.querySelector('#show-warnings').checked = false")
    return shown


def _picture(page, look: Look, width: int, theme: str) -> None:
    if not TAKES_PICTURES:
        return
    page.evaluate("document.querySelector('dialog:modal') ?? scrollTo(0, 0)")
    PICTURES.mkdir(exist_ok=True)
    path = PICTURES / f"{look.name}-{width}-{theme}.png"
    if page.query_selector(DIALOG):
        page.screenshot(path=path)
    else:
        height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
        page.screenshot(path=path, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})


@functools.cache
def _script() -> str:
    need("axe_playwright_python")
    from axe_playwright_python.base import AXE_SCRIPT

    return f"{AXE_SCRIPT}\n{OURS.read_text(encoding='utf-8')}"


def nothing_wrong(found: Iterable[str]) -> None:
    wrong = list(found)
    assert not wrong, "\n".join(wrong)


@dataclass(frozen=True)
class Press:
    """Click it, and wait until something is there."""

    selector: str
    until: str | None = None

    def __call__(self, page) -> None:
        page.click(self.selector)
        if self.until:
            page.wait_for_selector(self.until)


def opens(selector: str) -> Press:
    return Press(selector, DIALOG)


def clicks(selector: str) -> Press:
    return Press(selector)
