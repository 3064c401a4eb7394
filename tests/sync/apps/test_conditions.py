"""Rule 13: a green state is a promise. Every combination of facts has one status, and only one of them is green."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from datetime import datetime
from functools import cache
from itertools import product

import pytest

from sync.apps.conditions import CONDITIONS, UP_TO_DATE, At, Condition, Due, Facts, in_plain_text, that_hold, way_out
from sync.apps.gap_words import GAPS
from sync.states import AppState, AppStatus, CheckState, DirectoryGap, Failure, Step, Tone

NOW = datetime(2026, 11, 26, 9, 0)
GREEN = Facts("Chat", read_at=NOW)
READ = (None, NOW)
CHECKS = (
    {}, {"check": CheckState.RUNNING, "check_since": NOW}, {"check": CheckState.QUEUED, "check_since": NOW},
    {"check": CheckState.QUEUED, "check_since": NOW, "retry_error": "No answer", "retry_at": NOW},
)  # fmt: skip
FAILURES = (
    {}, {"failures": 1, "failure": Failure.UNREACHABLE, "error": "No answer", "failed_at": NOW},
    {"failures": 3, "failure": Failure.UNREACHABLE, "error": "No answer", "failed_at": NOW},
    {"failures": 1, "failure": Failure.CREDENTIAL, "error": "Revoked", "failed_at": NOW},
    {"failures": 0, "failure": Failure.UNREACHABLE, "error": "No answer", "failed_at": NOW},
    {"failures": 4, "failed_at": NOW},
)  # fmt: skip
LEFT = ({}, {"left": 1, "left_accounts": 2}, {"left": 1, "left_accounts": 2, "leaving": 2},
        {"left": 2, "left_accounts": 3, "leaving": 1})  # fmt: skip
REPORTS = ({}, {"report": True, "waiting": 3}, {"report": True, "waiting": 3, "held": 3}, {"report": True},
           {"report": True, "waiting": 3, "held": 2})  # fmt: skip
MATCHED = ({}, {"to_match": 10, "matched": 8}, {"to_match": 10, "matched": 7})


plain = cache(in_plain_text)  # of the same words, once: many combinations are explained alike


def every_combination():
    for parts in product(CHECKS, FAILURES, LEFT, REPORTS, MATCHED, ({}, {"stuck": 1, "stuck_error": "No"}),
                         ({}, {"under_way": 2}), AppState, READ, Due):  # fmt: skip
        *groups, state, read_at, due = parts
        values = {name: value for group in groups for name, value in group.items()}
        yield Facts("Chat", state, read_at, due=due, **values)


@pytest.fixture(scope="module")
def combinations() -> list[tuple[Facts, Condition, tuple[Condition, ...]]]:
    """Each with the row that wins and the others that hold."""
    return [(facts, *that_hold(facts)) for facts in every_combination()]


def keeps_the_promise(facts: Facts) -> bool:
    """Rule 13 in its own words, without the table."""
    read_since_it_was_due = facts.read_at is not None and facts.due == Due.NO and facts.check is None
    nobody_who_has_left = facts.left_accounts == 0
    nothing_waits = not (facts.report or facts.stuck or facts.under_way)
    nothing_failed = not (facts.failures or facts.error or facts.retry_error)
    known = not facts.to_match or facts.matched / facts.to_match >= 0.8
    return facts.state == AppState.ACTIVE and all(
        (read_since_it_was_due, nobody_who_has_left, nothing_waits, nothing_failed, known))


def test_of_every_combination_only_the_promise_is_green(combinations):
    seen = Counter()
    for facts, row, others in combinations:
        seen[row.status] += 1
        assert (row.tone == Tone.OK) == (row.status == AppStatus.UP_TO_DATE) == keeps_the_promise(facts), facts
        assert row is UP_TO_DATE or row.holds(facts)
        connected = facts.state in (AppState.ACTIVE, AppState.PAUSED)
        assert {row, *others} >= {one for one in CONDITIONS if connected and one.holds(facts)}, "nothing is swallowed"
        assert not others or connected
    seen[that_hold(replace(GREEN, unread_directory="Company LDAP"))[0].status] += 1
    assert set(seen) == set(AppStatus), "each status has its facts"


def test_apps_that_need_attention_are_found_without_looking_at_each_app(combinations):
    """`needing_attention` of status.py looks only at apps of which one of these is true."""
    for facts, row, others in combinations:
        if Tone.ATTENTION in {one.tone for one in (row, *others)}:
            assert facts.error or facts.stuck or facts.left, facts


def test_the_winning_condition_explains_itself_and_what_to_do(combinations):
    for facts, row, others in combinations:
        shown = plain(row.says(facts))
        assert shown.endswith(".") or facts.error in shown or facts.stuck_error in shown
        assert "None" not in shown and "  " not in shown
        if row.tone in (Tone.ATTENTION, Tone.WAITING):
            assert row.steps(facts), (row.code, facts)
        for other in others:
            assert other.short(facts) and "None" not in plain(other.short(facts))


def test_someone_who_has_left_is_counted_whatever_else_is_so(combinations):
    for facts, row, others in combinations:
        if facts.left_accounts and facts.state in (AppState.ACTIVE, AppState.PAUSED):
            shown = " ".join(plain(one.short(facts)) for one in (row, *others))
            assert f"{facts.left} p" in shown and "left" in shown


SPOILS = {
    "state": AppState.PAUSED, "read_at": None, "check": CheckState.RUNNING, "retry_error": "No answer", "failures": 1,
    "error": "No answer", "due": Due.LATE, "left_accounts": 1, "report": True, "held": 1, "stuck": 1, "under_way": 1,
    "to_match": 5, "doubtful": 1, "held_leavers": 1, "removals_by": "Ana, who has left",
    "groups_by": "Ana, who has left",
    "unread_directory": "Company LDAP", "old_file_from": datetime(2026, 1, 2),
    "file_is_undated": True,
}  # fmt: skip
# Only together with one of these, or without meaning for the promise.
HARMLESS = {"name", "check_since", "retry_at", "failure", "failed_at", "has_address", "left", "leaving", "waiting",
            "stuck_error", "matched", "doubtful_name", "held_leaver", "unread_since", "unread_why",
            "unread_directory_id",
            "version_warning", "lacks"}  # fmt: skip


def test_each_fact_alone_ends_the_green_state():
    assert that_hold(GREEN) == (UP_TO_DATE, ())
    assert that_hold(replace(GREEN, error="No answer"))[0].tone == Tone.ATTENTION, "a failure of no known kind is loud"
    assert {field.name for field in fields(Facts)} == set(SPOILS) | HARMLESS, "is the new fact part of the promise?"
    for name, value in SPOILS.items():
        assert that_hold(replace(GREEN, **{name: value}))[0].tone != Tone.OK, name


@pytest.mark.parametrize(("louder", "quieter"), [
    ({"check": CheckState.RUNNING}, {"failures": 3, "error": "No", "failure": Failure.CREDENTIAL}),
    ({"failures": 1, "error": "No", "failure": Failure.CREDENTIAL}, {"report": True, "waiting": 1}),
    ({"stuck": 1}, {"report": True, "waiting": 1}),
    ({"report": True, "waiting": 1}, {"left": 1, "left_accounts": 1}),
    ({"left": 1, "left_accounts": 1}, {"state": AppState.PAUSED}),
    ({"state": AppState.PAUSED}, {"failures": 1, "error": "No", "failure": Failure.UNREACHABLE}),
    ({"failures": 1, "error": "No", "failure": Failure.UNREACHABLE}, {"due": Due.LATE}),
    ({"due": Due.LATE}, {"left": 1, "left_accounts": 1, "leaving": 1}),
    ({"left": 1, "left_accounts": 1, "leaving": 1}, {"to_match": 5}),
    ({"held_leavers": 1}, {"left": 1, "left_accounts": 1}),
    ({"left": 1, "left_accounts": 1}, {"doubtful": 2, "doubtful_name": "Ana"}),
    ({"doubtful": 1, "doubtful_name": "Ana"}, {"to_match": 5}),
    ({"due": Due.LATE}, {"unread_directory": "LDAP"}), ({"unread_directory": "LDAP"}, {"doubtful": 1}),
])  # fmt: skip
def test_the_loudest_condition_wins(louder, quieter):
    alone, _ = that_hold(replace(GREEN, **louder))
    below, _ = that_hold(replace(GREEN, **quieter))
    row, others = that_hold(replace(GREEN, **louder, **quieter))
    assert row is alone and below in others


@pytest.mark.parametrize(("waiting", "held", "codes"), [
    (2, 0, ["approval"]), (2, 1, ["held", "approval"]), (2, 2, ["held"]), (0, 0, ["approval"])])  # fmt: skip
def test_changes_that_are_all_held_do_not_wait_for_approval_too(waiting, held, codes):
    row, others = that_hold(replace(GREEN, report=True, waiting=waiting, held=held))
    assert [one.code for one in (row, *others)] == codes


@pytest.mark.parametrize(("report", "step"), [(True, Step.REPORT), (False, Step.MEMBERS)])
def test_leavers_are_found_in_the_open_report_or_else_among_the_members(report, step):
    row = next(row for row in CONDITIONS if row.code == "leavers")
    assert row.steps(replace(GREEN, left=1, left_accounts=1, report=report)) == (step,)


@pytest.mark.parametrize(("leaving", "words"), [
    (0, "Remove them, or"), (1, "1 account is being removed. Remove the rest, or"),
    (2, "2 accounts are being removed. Remove the rest, or"),
])  # fmt: skip
def test_accounts_that_are_being_removed_are_not_asked_for_again(leaving, words):
    row = next(row for row in CONDITIONS if row.code == "leavers")
    [sentence] = row.says(replace(GREEN, left=3, left_accounts=3, leaving=leaving))
    assert f"3 people who have left still have accounts. {words}" in sentence


@pytest.mark.parametrize(("failure", "steps"), [
    (Failure.CREDENTIAL, (Step.CREDENTIAL,)), (Failure.UNREACHABLE, (Step.TEST, Step.ADDRESS)),
    (Failure.RATE_LIMIT, (Step.CHECK,)), (Failure.INCOMPLETE, (Step.CHECK,)), (Failure.CONNECTOR, (Step.CHECK,)),
    (Failure.MISSING_FIELDS, (Step.FIELDS,)), (Failure.REFUSED, (Step.TEST,)), (None, (Step.CHECK,)),
])  # fmt: skip
def test_only_a_rejected_credential_must_be_replaced(failure, steps):
    facts = replace(GREEN, failures=1, error="No", failure=failure)
    assert way_out(facts) == steps
    assert way_out(replace(facts, has_address=False)) == tuple(step for step in steps if step != Step.ADDRESS)


def test_a_failed_check_says_when_and_what_one_sees():
    facts = replace(GREEN, failures=1, error="Chat can't be reached.\nGET https://…", failure=Failure.UNREACHABLE,
                    failed_at=NOW)  # fmt: skip
    row, _ = that_hold(facts)
    assert row.short(facts) == (NOW, ", ", "showing data from ", At(NOW))
    assert in_plain_text(row.says(facts)) == (
        "The last check failed 2026-11-26 09:00 UTC, showing data from 2026-11-26 09:00 UTC. Chat can't be reached.")


def test_every_gap_of_a_directory_has_its_words() -> None:
    assert set(GAPS) == set(DirectoryGap)
    for words in GAPS.values():
        assert words.of_app and words.of_home and bool(words.found) == bool(words.advice)
