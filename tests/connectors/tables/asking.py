"""What the tests of files share: a proposal on a fixed day, and its open questions by key."""

from __future__ import annotations

from datetime import date

from connectors.tables import Proposal, answered, propose, rows_of

TODAY = date(2026, 11, 25)


def look(content: str | bytes, purpose: str = "directory", mapping: str = "") -> Proposal:
    content = content.encode() if isinstance(content, str) else content
    return propose(content, purpose, mapping, today=TODAY)


def answer(content: str | bytes, answers: dict[str, str], purpose: str = "directory", mapping: str = "") -> Proposal:
    return look(content, purpose, answered(purpose, mapping, answers))


def asked(proposal: Proposal) -> list[str]:
    """The keys of the open questions."""
    return [question.key for question in proposal.questions]


def people(content: str | bytes, answers: dict[str, str] | None = None, purpose: str = "directory") -> list:
    return list(rows_of(answer(content, answers or {}, purpose)))


def accounts(content: str | bytes, answers: dict[str, str] | None = None) -> list:
    return people(content, answers, "app")
