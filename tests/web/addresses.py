"""Every address that an answer of Rollcall leads to: links, forms, files, htmx, where it is sent on to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html import unescape

LEADING = {"href", "src", "action", "formaction", "poster", "xlink:href", "hx-get", "hx-post", "hx-put", "hx-patch",
           "hx-delete", "hx-push-url", "hx-replace-url"}  # fmt: skip
NONE_AT_ALL = ("true", "false", "yes")
SENDING = ("Location", "HX-Redirect", "HX-Push-Url", "HX-Replace-Url", "Content-Location")

# What html.parser finds in these pages, in a sixth of its time.
_TAG = re.compile(r"""<[a-z][^"'>]*(?:"[^"]*"[^"'>]*|'[^']*'[^"'>]*)*>""", re.I)
_ATTRIBUTE = re.compile(r"""([^\s"'>/=]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_MAY_LEAD = re.compile(r"""[\s"'](?:href|src|action|formaction|poster|xlink:|hx-|value)""", re.I)


def _named(text: str) -> Iterator[str]:
    """What the tags of a page lead to."""
    for tag in filter(_MAY_LEAD.search, _TAG.findall(text)):
        values = {name.lower(): unescape(one or other or bare) for name, one, other, bare in _ATTRIBUTE.findall(tag)}
        yield from (value for name, value in values.items() if name in LEADING and value not in NONE_AT_ALL)
        if values.get("name") in ("back", "next") and values["value"] not in NONE_AT_ALL:
            yield values["value"]


def led_to(text: str, headers: Mapping[str, str]) -> Iterator[str]:
    """The addresses of our own host that an answer names; fragments and addresses of other hosts are left out."""
    found = list(_named(text)) if "html" in headers.get("Content-Type", "") else []
    found += [headers[name] for name in SENDING if name in headers]
    if refresh := re.search(r"url=(.+)", headers.get("Refresh", "")):
        found.append(refresh.group(1))
    if "HX-Location" in headers:
        found.append(json.loads(headers["HX-Location"])["path"])
    for address in found:
        if address and not address.startswith(("#", "http://", "https://", "mailto:")):
            yield address
            yield from re.findall(r"[?&](?:back|next)=([^&#]+)", address.replace("%2F", "/"))


def outside(prefix: str, addresses: Iterable[str]) -> list[str]:
    """Those that leave the path that Rollcall is served below."""
    return [address for address in addresses
            if address != prefix and not address.startswith((f"{prefix}/", f"{prefix}?"))]  # fmt: skip
