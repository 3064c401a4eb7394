"""The effects of an operation in an app: how far it reaches, how it can be undone, what else is lost.
Each connector declares the effects of its operations, with their source; explaining.py makes sentences of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType


class Reach(StrEnum):
    """How far an operation reaches. Each reach includes those before it."""

    ASSET = "asset"  # one asset
    WORKSPACE = "workspace"  # only the workspace, business, group, application or server that is connected
    ORGANISATION = "organisation"  # a whole organisation, and so all its workspaces, sites or teams
    TENANT = "tenant"  # the person's work account itself, and so everything they sign in to with it
    NOT_DECLARED = "not declared"  # a file that a team wrote doesn't say: it may be anything

    def includes(self, other: Reach) -> bool:
        return list(Reach).index(other) <= list(Reach).index(self)


class Undo(StrEnum):
    """Whether one step in the app restores the previous state."""

    POSSIBLE = "possible"
    IMPOSSIBLE = "impossible"
    NOT_KNOWN = "not known"


class Seat(StrEnum):
    """Whether a removal frees what is paid for the account."""

    FREED = "yes"
    KEPT = "no"
    NOT_KNOWN = "not known"
    NOT_PAID = "nothing is paid per seat"


class Sessions(StrEnum):
    """Whether sessions that are open in the app end at once."""

    END = "yes"
    IF_PERMITTED = "if permitted"  # with an optional permission: the connector's test reports it if it is missing
    STAY = "no"
    NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of one operation, by the app's documents. An Owner reads the sentences."""

    does: str  # "Removes them from the workspace and all its projects.", "Deactivates them in the organisation."
    reach: Reach
    undo: Undo
    undo_by: str = ""  # a sentence: the step that undoes it, or what to do instead
    undo_days: int | None = None  # for so many days it can be undone; None: at any time
    lost: tuple[str, ...] = ()  # short phrases: "their private projects"
    frees_seat: Seat = Seat.NOT_KNOWN
    seat_note: str = ""  # a sentence on what is still charged
    ends_sessions: Sessions = Sessions.NOT_KNOWN
    people: str = ""  # the people it is about, if not simply all members or all who are invited: "A guest"
    invited: bool = False  # it is only about people who are invited and haven't joined
    when: tuple[str, str] | None = None  # (field, value): it applies if that setting has this value
    source: str = ""  # the title of the document; declared() fills it in

    @property
    def who(self) -> str:
        return self.people or ("Someone who is invited" if self.invited else "A member")


def about(effects: tuple[Effect, ...], invited: bool) -> tuple[Effect, ...]:
    """Those of the effects that apply to accounts that are `invited`, or to those that have joined."""
    if not any(effect.invited for effect in effects):
        return effects
    return tuple(effect for effect in effects if effect.invited == invited)


Effects = Mapping[str, tuple[Effect, ...]]  # capability → its effect; several if it depends on the account

# The effects in most apps. A connector whose app does more declares its own.
ROLE_CHANGED = Effect(
    "Changes what they may do in the app.", Reach.WORKSPACE, Undo.POSSIBLE, "Give them their earlier role again.",
    frees_seat=Seat.NOT_KNOWN, ends_sessions=Sessions.STAY,
)  # fmt: skip
INVITATION_SENT = Effect(
    "Sends an invitation.", Reach.WORKSPACE, Undo.POSSIBLE, "Remove the invitation or the account.",
    frees_seat=Seat.KEPT, ends_sessions=Sessions.STAY,
)  # fmt: skip
GRANTED = Effect(
    "Gives them access to one asset.", Reach.ASSET, Undo.POSSIBLE, "Revoke the access.",
    frees_seat=Seat.KEPT, ends_sessions=Sessions.STAY,
)  # fmt: skip
REVOKED = Effect(
    "Takes away their access to one asset.", Reach.ASSET, Undo.POSSIBLE, "Grant the access again.",
    frees_seat=Seat.KEPT,
)  # fmt: skip

LEFT_BUSINESS = Effect(  # a business in paid social; a connector's `does` names the business and the account that stays
    "Removes them from the business and all its assets.", Reach.WORKSPACE, Undo.IMPOSSIBLE,
    "Invite them again, and assign their assets again.", lost=("their access to each asset",), frees_seat=Seat.NOT_PAID,
)  # fmt: skip
ENDED_PARTNERSHIP = Effect(
    "Ends the whole partnership with another business, for everyone there.", Reach.ORGANISATION, Undo.IMPOSSIBLE,
    "Invite the business again, and share the assets again.", lost=("the partner's access to each asset",),
    frees_seat=Seat.NOT_PAID, people="A partner",
)  # fmt: skip


def declared(
    source: str,
    *,
    remove: Effect | tuple[Effect, ...] = (),
    change_role: Effect | tuple[Effect, ...] = (),
    invite: Effect | tuple[Effect, ...] = (),
    grant: Effect | tuple[Effect, ...] = (),
    revoke: Effect | tuple[Effect, ...] = (),
) -> Effects:
    """A connector's effects by capability. `source`: the title of the document, for effects that name none."""
    given = {"remove": remove, "change role": change_role, "invite": invite, "grant": grant, "revoke": revoke}
    each = {name: (effect,) if isinstance(effect, Effect) else effect for name, effect in given.items()}
    return MappingProxyType({
        name: tuple(replace(one, source=one.source or source) for one in effects)
        for name, effects in each.items() if effects
    })  # fmt: skip


def not_declared(does: str = "Sends the calls that the app's description gives for it.") -> tuple[Effect, ...]:
    """The effect of an operation that nobody has declared."""
    return (Effect(does, Reach.NOT_DECLARED, Undo.NOT_KNOWN),)
