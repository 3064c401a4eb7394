"""E-mails about invitations: one and a reminder to the invited person, and one to the Owners if they don't join.
The app itself sends the link to join; these say what it is about and who asked."""

from __future__ import annotations

from sync.mail import news, outbox
from sync.mail.letters import Sentence, day, name_in_line
from sync.models import App, Invitation, Mail, Role
from sync.names import short_name
from sync.words import plural


def invited(invitation: Invitation) -> list[Mail]:
    """Tell the invited person, by e-mail, that the app has accepted the invitation."""
    return _to_the_invited(invitation, "invitation", f"Join {name_in_line(invitation.app.name)}")


def remind(invitation: Invitation) -> list[Mail]:
    """Remind the invited person, who has not joined yet."""
    return _to_the_invited(
        invitation, "invitation reminder", f"Your invitation to {name_in_line(invitation.app.name)} is still open"
    )


def _to_the_invited(invitation: Invitation, kind: str, subject: str) -> list[Mail]:
    app, person = invitation.app, invitation.person
    role = Role.get_or_none(Role.app == app, Role.external_id == invitation.role)
    return outbox.put(
        [invitation.email], kind, f"{kind}-{invitation.id}-{invitation.task_id}", app=app, template="invitation",
        subject=Sentence(subject), name=person.name if person else "", app_name=app.name,
        role=role.label if role else invitation.role, asked_by=short_name(invitation.asked_by),
        since=day(invitation.mailed_at), until=day(invitation.expires_at), reminder=kind != "invitation",
    )  # fmt: skip


def expired(app: App, invitations: list[Invitation]) -> list[Mail]:
    """Tell the Owners whose invitations expired, so that they decide about those still open in the app."""
    count = len(invitations)
    last = max(invitation.id for invitation in invitations)
    return outbox.put(
        news.owners_of(app), "invitations expired", f"app-{app.id}-expired-through-{last}", app=app,
        template="invitations_expired",
        subject=Sentence(f"{plural(count, 'invitation')} to {name_in_line(app.name)} expired"),
        app_name=app.name, emails=[invitation.email for invitation in invitations[: news.LISTED]],
        more=max(0, count - news.LISTED), link=outbox.link(f"/apps/{app.id}/members"),
    )  # fmt: skip
