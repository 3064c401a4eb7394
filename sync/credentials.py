"""A stored secret goes only to the place it was entered for. Apps, drafts, directories and sign-in all ask here.
The caller gives what was entered and what is stored; what comes back may be sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connectors.base import Field
from sync.problems import Problem


class SecretNeeded(Problem):
    """The address changed, so the stored secret must be entered again. Nothing was sent. The text is for the page."""


def with_stored(fields: Iterable[Field], entered: Mapping[str, str], settings: Mapping[str, str],
                secrets: Mapping[str, str]) -> dict[str, str]:  # fmt: skip
    """`entered`, with each secret that was left empty filled from `secrets`.

    `settings` are the stored values that aren't secret; the answers about a file's columns are kept if nothing is
    entered for it. Raises SecretNeeded when a field that says where the
    secrets go differs from them and a secret would be filled in.
    """
    fields = list(fields)
    left_empty = [field for field in fields if field.secret and not _given(entered, field) and secrets.get(field.name)]
    changed = moved(fields, entered, settings)
    if changed and left_empty:
        raise SecretNeeded(in_words([field.label for field in left_empty], [field.label for field in changed]))
    columns = {field.name: settings[field.name] for field in fields if field.mapping and settings.get(field.name)}
    return {**columns, **entered, **{field.name: secrets[field.name] for field in left_empty}}


def moved(fields: Iterable[Field], entered: Mapping[str, str], settings: Mapping[str, str]) -> list[Field]:
    """The fields of a place whose entered value differs from the stored `settings`."""
    return [field for field in fields if not field.secret and field.asks_secrets_again
            and _with_default(entered, field) != _with_default(settings, field)]  # fmt: skip


def in_words(secrets: Iterable[str], changed: Iterable[str]) -> str:
    """Enter Token again: Address has changed, and …"""
    return (f"Enter {' and '.join(secrets)} again: {' and '.join(changed)} has changed, and a stored secret is only "
            "sent to the place it was entered for. Nothing was sent.")  # fmt: skip


def _given(values: Mapping[str, str], field: Field) -> str:
    return (values.get(field.name) or "").strip()


def _with_default(values: Mapping[str, str], field: Field) -> str:
    return _given(values, field) or (field.choices[0][0] if field.choices else "")
