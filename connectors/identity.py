"""Who a credential is, as the app or the directory answers. The log, pages and a message's header show it."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.names import clean_name


@dataclass(frozen=True, slots=True)
class Identity:
    """The account that the credential belongs to, as test() found it. Its name is cleaned and cut like a person's."""

    name: str
    external_id: str | None = None  # Account.id, where the app reports it
    may: tuple[str, ...] = ()  # what it may do, in plain words: "read members", "remove"
    missing: tuple[str, ...] = ()  # what it may not do, in the same words each day, and how to fix it: "read roles: …"

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", clean_name(str(self.name)))
