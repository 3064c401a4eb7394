"""An app gives the id of an account that was gone to someone else: a decision about the first one doesn't hold for the
second, unless its e-mail address shows that it is the same."""

from __future__ import annotations

import pytest

from sync.apps import status
from sync.matching import decisions as match_decisions
from sync.matching import doubtful
from sync.matching import rules as match_rules
from sync.models import App
from sync.people import people
from sync.reports import reports


@pytest.mark.parametrize("address", ["", "jones@else.example"])
def test_an_id_of_an_account_without_an_address_that_is_given_out_again_is_asked_about(listed, by, address):
    """Nothing in the app proves that the next account with the same id is the same person's."""
    bo = people.add("Bo Smith", "bo@acme.example", by)
    listed.add("bo", name="Bo")
    listed.check()
    match_decisions.match(listed.account("bo"), bo, by)
    people.mark_left(bo, by)
    listed.check()
    del listed.seats["bo"]
    listed.check()
    listed.add("bo", name="Bo Jones", email=address)
    listed.check()
    seat = listed.account("bo")
    assert (seat.match_kind, seat.person, seat.match_by_hand) == ("unmatched", None, False)
    assert reports.open_report(listed.app) is None
    why = match_rules.why(App.get_by_id(listed.app.id), [seat])[seat.id]
    assert why.startswith("bo belonged to Bo Smith (left ") and why.endswith("decide whose it is")
    assert status.standing(App.get_by_id(listed.app.id)).facts.doubtful == 1
    match_decisions.match(seat, people.add("Bo Jones", "bo.jones@acme.example", by), by)
    listed.check()
    assert reports.open_report(listed.app) is None and doubtful.numbers() == {}


@pytest.mark.parametrize(("before", "back", "stays"), [
    ("", "", False), ("", "jones@else.example", False), ("bo@else.example", "jones@else.example", False),
    ("bo@else.example", "bo@else.example", True),
])  # fmt: skip
@pytest.mark.parametrize("kind", ["guest", "service account"])
def test_a_mark_by_hand_ends_with_an_account_whose_id_may_be_anothers_now(listed, by, kind, before, back, stays):
    bo = people.add("Bo Smith", "bo@acme.example", by)
    listed.add("bo", name="Bo", email=before)
    listed.check()
    match_decisions.match(listed.account("bo"), bo, by)
    match_decisions.leave_to_rules(listed.account("bo"), by)
    match_decisions.decide(listed.app, [listed.account("bo").id], match_decisions.Decision(kind, bo, "of Bright"), by)
    del listed.seats["bo"]
    listed.check()
    listed.add("bo", name="Bo Jones", email=back)
    listed.check()
    seat = listed.account("bo")
    assert (seat.match_kind, seat.match_by_hand, seat.former_person) == (
        kind if stays else "unmatched", stays, None)  # fmt: skip
    assert seat.match_note == ("of Bright" if stays and kind == "guest" else None)
    assert bool(match_decisions.undoable(App.get_by_id(listed.app.id), 5)) == stays


@pytest.mark.parametrize(("then", "before_it_was_gone", "back"), [
    ("builder@else.example", "builder@else.example", "builder@else.example"),
    ("", "builder@else.example", "builder@else.example"),
    ("", "", "bo@acme.example"),
])  # fmt: skip
def test_an_account_that_is_back_with_its_address_is_still_whose_it_was(listed, by, then, before_it_was_gone, back):
    bo = people.add("Bo Smith", "bo@acme.example", by)
    listed.add("bo", name="Bo", email=then)
    listed.check()
    match_decisions.match(listed.account("bo"), bo, by)
    listed.add("bo", name="Bo", email=before_it_was_gone)
    listed.check()
    del listed.seats["bo"]
    listed.check()
    listed.add("bo", name="Bo", email=back)
    listed.check()
    assert (listed.account("bo").state, listed.account("bo").person) == ("present", bo)
