"""The error for a file that can be read in more than one way: a person must choose before it is read."""

from __future__ import annotations

from connectors.base import Refused


class MustChoose(Refused):
    """`key` names the choice (encoding, sheet); `choices`: stored value → text for a person."""

    def __init__(self, message: str, key: str, choices: dict[str, str]):
        super().__init__(message)
        self.key = key
        self.choices = choices
