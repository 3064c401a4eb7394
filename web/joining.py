"""People who are joining or leaving an app: invitations, and removals in progress, as the Members tab lists them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from flask import url_for
from markupsafe import Markup

from connectors.base import REMOVE
from sync import roles
from sync.models import Account, App, Change, Invitation
from sync.names import account_name, short_name
from sync.roles import Roles
from sync.states import AccountState, AccountStatus, InvitationState, Tone
from sync.tasks import invitations as tasks_invitations
from sync.tasks import progress as task_progress
from sync.tasks.progress import Provisioning
from web.view import Badge
from web.words import dotted, when

OPEN_UP_TO = 5  # lines that are shown without a click
PENDING = Badge("Invitation pending", Tone.WAITING)
ONGOING = Badge("Invitation ongoing", Tone.WORKING)


@dataclass(frozen=True)
class Cancel:
    """The line of a menu that opens the dialog to cancel an invitation."""

    label: str
    address: str


@dataclass(frozen=True)
class Line:
    """Addresses are empty where this person may not do that, or there is nothing to do."""

    id: str
    name: str
    note: Markup | str
    badge: Badge
    problem: str = ""
    alarming: bool = False
    report: str = ""
    removal: str = ""  # of what the app still has of an invitation that expired
    removal_id: str = ""
    activity: str = ""
    menu: str = ""
    again: str = ""
    cancel: Cancel | None = None


@dataclass(frozen=True)
class Joining:
    """`moves` while one of them may change without anyone's doing."""

    lines: list[Line] = field(default_factory=list)
    moves: bool = False

    @property
    def is_short(self) -> bool:
        return len(self.lines) <= OPEN_UP_TO


class Lines:
    """Makes the lines for one person: an Owner may do more than look."""

    def __init__(self, app: App, owns: bool, can: Iterable[str], may_invite: bool):
        self.app, self.owns, self.may_invite = app, owns, may_invite
        self.may_remove = owns and REMOVE in can
        self.back = url_for("members.index", app_id=app.id)
        self.roles: Roles = roles.of(app)

    def all(self) -> Joining:
        invitations, leaving = tasks_invitations.of_app(self.app), task_progress.leaving(self.app)
        of_invitations = [task_progress.of_invitation(invitation) for invitation in invitations]
        of_leaving = task_progress.states_of(leaving)
        lines = [
            *map(self._awaiting, task_progress.awaiting_invitation(self.app)),
            *map(self._invitation, invitations, of_invitations),
            *map(self._uninvited, tasks_invitations.uninvited(self.app)),
            *(self._leaving(account, of_leaving[account.id]) for account in leaving),
        ]
        return Joining(lines, any(state.live for state in (*of_invitations, *of_leaving.values())))

    def _awaiting(self, change: Change) -> Line:
        """Someone who is invited once a report is finished."""
        name = change.person.name if change.person else change.after or "Someone"
        report = url_for("wizard.show", report_id=change.report_id, back=self.back) if self.owns else ""
        return Line("", name, dotted("invited once its report is finished", change.reason), PENDING, report=report)

    def _invitation(self, invitation: Invitation, state: Provisioning) -> Line:
        name = invitation.person.name if invitation.person else ""
        asked = Markup("requested by {} {}").format(short_name(invitation.asked_by), when(invitation.created_at))
        note = dotted(invitation.email if name else "", self.roles.words([invitation.role]), asked, *_dates(invitation))
        address = {"app_id": self.app.id, "invitation_id": invitation.id, "back": self.back}
        again = self.may_invite and invitation.state != InvitationState.ONGOING
        return Line(
            f"invitation-{invitation.id}", name or invitation.email, note, _badge(state), state.why,
            state.tone == Tone.ATTENTION, removal=self._removal_of(invitation),
            removal_id=f"remove-pending-{invitation.id}",
            menu=f"Actions for the invitation of {invitation.email}" if self.owns else "",
            again=url_for("invitations.send", **address) if again else "",
            cancel=Cancel("Cancel", url_for("invitations.cancellation", **address)),
        )  # fmt: skip

    def _removal_of(self, invitation: Invitation) -> str:
        account = invitation.account
        is_open = (
            account is not None and account.state == AccountState.PRESENT and account.status == AccountStatus.INVITED
        )
        expired = invitation.state == InvitationState.EXPIRED and is_open
        return self._removal(account) if expired and self.may_remove else ""

    def _removal(self, account: Account) -> str:
        return url_for("member_dialogs.choose_removal", app_id=self.app.id, account=account.id, back=self.back)

    def _uninvited(self, account: Account) -> Line:
        """Invited in the app, not by Rollcall."""
        name = account_name(account)
        seen = Markup("invited in {}, first seen {}").format(self.app.name, when(account.first_seen))
        return Line(
            "", name, dotted(_email(account), self.roles.words(account.roles), seen), ONGOING,
            menu=f"Actions for the invitation of {name}" if self.may_remove else "",
            cancel=Cancel(f"Cancel in {self.app.name}", self._removal(account)),
        )  # fmt: skip

    def _leaving(self, account: Account, state: Provisioning) -> Line:
        activity = url_for("tasks.index", app_id=self.app.id) if self.owns else ""
        return Line(f"leaving-{account.id}", account_name(account), _email(account), _badge(state), state.why,
                    state.tone == Tone.ATTENTION, activity=activity)


def _dates(invitation: Invitation) -> list[Markup | str]:
    if invitation.state == InvitationState.INVITED:
        reminded = Markup("reminded {}").format(when(invitation.reminded_at)) if invitation.reminded_at else ""
        return [Markup("invited {}").format(when(invitation.mailed_at)), reminded,
                Markup("expires {}").format(when(invitation.expires_at))]  # fmt: skip
    return (
        [Markup("expired {}").format(when(invitation.expires_at))]
        if invitation.state == InvitationState.EXPIRED
        else []
    )


def _badge(state: Provisioning) -> Badge:
    return Badge(state.word.capitalize(), state.tone, title=state.why)


def _email(account: Account) -> str:
    return account.email if account.email and account.email != account_name(account) else ""
