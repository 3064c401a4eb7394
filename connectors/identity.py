"""Who a credential is, as the app or the directory answers. The log, pages and a message's header show it."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.names import clean_name

LONGEST = 1_000  # characters of an id and of each text: an app may answer with millions, and each page reads its apps
MOST = 30  # texts of each kind


@dataclass(frozen=True, slots=True)
class Identity:
    """The account that the credential belongs to, as test() found it. Its name is cleaned and cut like a person's; the
    rest is cut to LONGEST and MOST."""

    name: str
    external_id: str | None = None  # Account.id, where the app reports it
    may: tuple[str, ...] = ()  # what it may do, in plain words: "read members", "remove"
    missing: tuple[str, ...] = ()  # what it may not do, in the same words each day, and how to fix it: "read roles: …"

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", clean_name(str(self.name)))
        object.__setattr__(self, "external_id", self.external_id and str(self.external_id)[:LONGEST])
        object.__setattr__(self, "may", _cut(self.may))
        object.__setattr__(self, "missing", _cut(self.missing))


def _cut(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(clean_name(text, LONGEST) for text in texts[:MOST])
