"""Collects what stops an operation in some of the Google Ads accounts: a refusal, an account that can't be used, and
changes that wait for a second admin (“Multi-party approvals” and MultiPartyAuthReviewStatusEnum at
developers.google.com)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from connectors.base import AwaitsApproval, NotRead, PartsUnread, Refused
from connectors.counts import plural
from connectors.google_ads.answers import NotUsable
from connectors.tools.http import clean

ENDED = {
    "REJECTED": "another admin rejected it",
    "EXPIRED": "nobody approved it within 20 days",
    "REVOKED": "the request was withdrawn",
}


class Trouble:
    """The problems in each account. raise_any() raises them together: refusals, else what waits, else accounts that
    can't be read. If the manager account itself can't be used, that is raised at once."""

    def __init__(self, manager: str):
        self._manager = manager
        self._refused: list[str] = []
        self._requests: list[str] = []
        self._parts: list[NotRead] = []

    @contextmanager
    def collected(self, customer: str, name: str) -> Iterator[None]:
        try:
            yield
        except NotUsable as no:
            if customer == self._manager:
                raise
            self._parts.append(NotRead(customer, f"Google Ads can't use {name}. {no}"))
        except AwaitsApproval as waits:
            self._requests += waits.requests
        except Refused as no:
            self._refused.append(f"In {name}: {no}")

    def raise_any(self) -> None:
        waits = held_back(map(customer_of, self._requests)) if self._requests else ""
        if self._refused:
            more = f"And in {plural(len(self._refused) - 1, 'more account')}." if self._refused[1:] else ""
            raise Refused(" ".join(filter(None, (self._refused[0], more, waits))))
        if self._requests:
            raise AwaitsApproval(waits, tuple(self._requests))
        if self._parts:
            raise PartsUnread(f"This person may still have access there. {self._parts[0].why}", tuple(self._parts))


def must_not_wait(row: dict) -> None:
    """Raises AwaitsApproval if a change of this user already waits, so that it isn't requested a second time."""
    if request := clean(row.get("pendingMultiPartyAuthReview")):
        raise AwaitsApproval(held_back([customer_of(request)]), (request,))


def held_back(customers: Iterable[str]) -> str:
    where = " and ".join(dict.fromkeys(customers))
    return (f"Google Ads holds this until a second admin approves it in the account {where}. Google sends no e-mail "
            "about it, so tell the other admins. The request expires after 20 days.")  # fmt: skip


def customer_of(request: str) -> str:
    found = re.fullmatch("customers/([0-9]+)/multiPartyAuthReviews/[0-9]+", request)
    if not found:
        raise Refused(f"Google Ads holds this change, but Rollcall doesn't understand the name of its request, "
                      f"“{request}”. Look in Google Ads.")  # fmt: skip
    return found[1]


def is_open(status: str, customer: str) -> bool:
    """Whether a request still waits. Raises Refused unless it waits or was approved."""
    if status in ("PENDING", "APPROVED"):
        return status == "PENDING"
    why = ENDED.get(status, f"the request has an unknown outcome ({status or 'not in the list'})")
    raise Refused(f"Google Ads didn't do this in the account {customer}: {why}. Retry to request it again.")
