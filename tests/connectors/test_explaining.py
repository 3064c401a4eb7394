"""An operation's effect is shown in plain English, with the day until which it can be undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from connectors.effects import Effect, Reach, Seat, Sessions, Undo, not_declared
from connectors.explaining import UNDECLARED, explained, sentences

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


def test_what_is_not_documented_is_said_in_one_sentence():
    removed = Effect("Removes them.", Reach.WORKSPACE, Undo.NOT_KNOWN)
    assert sentences(removed) == [
        "Removes them.", "It isn't documented whether it can be undone.",
        "It isn't documented whether their seat is freed or their open sessions end.",
    ]  # fmt: skip
    free = replace(removed, frees_seat=Seat.NOT_PAID, ends_sessions=Sessions.END)
    assert sentences(free)[2:] == ["Their open sessions end."]


def test_several_effects_are_paragraphs_that_name_their_accounts():
    assert list(map(str, explained([replace(SUSPENDED, whom="A member"), *not_declared("Removes them.")], TODAY))) == [
        "A member: " + " ".join(sentences(SUSPENDED, TODAY)), f"Removes them. {UNDECLARED}",
    ]  # fmt: skip
