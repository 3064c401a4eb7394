"""An operation's effect is shown in plain English, with the day until which it can be undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from connectors.effects import Effect, Reach, Seat, Sessions, Undo, not_declared
from connectors.explaining import CANCEL_SEAT, CHECK_SEAT, UNDECLARED, explained, seats_in_words, sentences

TODAY = date(2026, 11, 26)
SUSPENDED = Effect(
    "Suspends them.", Reach.TENANT, Undo.POSSIBLE, "Restore the user.", undo_days=20, lost=("their licence",),
    frees_seat=Seat.KEPT, seat_note="Desk charges for it.", ends_sessions=Sessions.STAY,
)  # fmt: skip


def test_each_part_is_a_sentence():
    assert sentences(SUSPENDED, TODAY) == [
        "Suspends them.", "It can be undone until 16 Dec 2026: restore the user.", "Also lost: their licence.",
        "Their seat isn't freed.", "Desk charges for it.", "Their open sessions don't end at once.",
    ]  # fmt: skip
    assert sentences(SUSPENDED)[1] == "It can be undone within 20 days: restore the user."
    assert sentences(replace(SUSPENDED, undo_days=None))[1] == "It can be undone at any time: restore the user."


def test_something_for_good_says_how_to_let_them_in_again():
    removed = Effect("Removes them.", Reach.WORKSPACE, Undo.IMPOSSIBLE, "Invite them again.", lost=("a", "b", "c"),
                     frees_seat=Seat.FREED, ends_sessions=Sessions.END)  # fmt: skip
    assert sentences(removed, TODAY) == [
        "Removes them.", "It can't be undone.", "To let them in again, invite them again.", "Also lost: a, b and c.",
        "Their seat is freed.", "Their open sessions end.",
    ]  # fmt: skip


def test_an_optional_permission_is_named():
    ends = replace(SUSPENDED, ends_sessions=Sessions.IF_PERMITTED)
    assert sentences(ends)[-1] == "Their open sessions end if Rollcall has the permission to end them."


def test_undocumented_effects_are_shown_in_one_sentence():
    removed = Effect("Removes them.", Reach.WORKSPACE, Undo.NOT_KNOWN)
    assert sentences(removed) == [
        "Removes them.", "It isn't documented whether it can be undone.",
        "It isn't documented whether their seat is freed or their open sessions end.", CHECK_SEAT,
    ]  # fmt: skip
    free = replace(removed, frees_seat=Seat.NOT_PAID, ends_sessions=Sessions.END)
    assert sentences(free)[2:] == ["Their open sessions end."]


def test_nothing_is_shown_of_the_sessions_of_someone_who_has_not_joined():
    invited = Effect("Cancels the invitation.", Reach.WORKSPACE, Undo.NOT_KNOWN, invited=True)
    assert sentences(invited)[2:] == ["It isn't documented whether their seat is freed.", CHECK_SEAT]
    assert not any("sessions" in shown for shown in sentences(replace(invited, ends_sessions=Sessions.END)))


def test_one_effect_for_everyone_names_nobody_and_several_name_their_accounts():
    assert str(explained([SUSPENDED], TODAY)[0]) == " ".join(sentences(SUSPENDED, TODAY))
    invited = replace(SUSPENDED, invited=True)
    assert [shown.lead for shown in explained([SUSPENDED, invited, replace(invited, people="A guest")])] == [
        "A member:", "Someone who is invited:", "A guest:",
    ]  # fmt: skip


def test_only_a_seat_that_is_known_to_be_freed_needs_nothing_more():
    freed = replace(SUSPENDED, frees_seat=Seat.FREED, seat_note="")
    unknown, free = replace(freed, frees_seat=Seat.NOT_KNOWN), replace(freed, frees_seat=Seat.NOT_PAID)
    assert seats_in_words([freed]) == ""
    assert seats_in_words([freed, free]).startswith("No money is saved,")
    assert seats_in_words([replace(freed, seat_note="Lower the number of seats.")]) == "Lower the number of seats."
    for effects, begins, advice in (
        ([SUSPENDED], "No money is saved yet", "Desk charges for it."),
        ([free, replace(SUSPENDED, seat_note="")], "No money is saved yet", CANCEL_SEAT),
        ([freed, unknown], "It isn't documented", CHECK_SEAT),
        ([], "Rollcall can't see", CHECK_SEAT),
    ):
        sentence = seats_in_words(effects)
        assert sentence.startswith(begins) and sentence.endswith(advice)


def test_several_effects_are_paragraphs_that_name_their_accounts():
    assert list(map(str, explained([SUSPENDED, *not_declared("Removes them.")], TODAY))) == [
        "A member: " + " ".join(sentences(SUSPENDED, TODAY)), f"A member: Removes them. {UNDECLARED}",
    ]  # fmt: skip
