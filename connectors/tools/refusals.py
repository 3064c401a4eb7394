"""Refusals that several connectors share, worded the same for every app.
An Owner reads them: what can't be done, that nothing was changed, and what to do instead."""

from __future__ import annotations

from collections.abc import Collection

from connectors.base import Account, Refused

INVITATION = "invitation:"  # begins Account.id of an invitation, where the app lists invitations apart from its users


def must_have_joined(account: Account, app: str) -> None:
    """Raises Refused for an invitation: the operation needs an account. `app`: its label."""
    if account.id.startswith(INVITATION):
        raise Refused(
            f"This person hasn't accepted the invitation to {app} yet, so nothing was changed. Try again once they "
            "have joined, or cancel the invitation."
        )


def must_not_be_invitation(account: Account, app: str) -> None:
    """Raises Refused for a change of role where the app can't change the role of an invitation. `app`: its label."""
    if account.id.startswith(INVITATION):
        raise Refused(
            f"{app} can't change the role of an invitation, so nothing was changed. Remove the invitation, then "
            "invite the person again."
        )


def must_be_offered(role: str, offered: Collection[str], app: str) -> None:
    """Raises Refused if the role isn't one of those (Role.id) that the app's API gives. `app`: its label."""
    if role not in offered:
        but = f", but not “{role}”" if role else ""
        raise Refused(
            f"{app}'s API gives the roles {', '.join(offered)}{but}. Nothing was changed. Choose one of them."
        )


def keeps_asset_role(role: str, app: str) -> Refused:
    """The refusal to lower someone's role on an asset where the app's API can't. `role`: what they are there, with its
    article. `app`: its label."""
    return Refused(f"This person is {role} there, and Rollcall can't lower that in {app}. Nothing was changed. Change "
                   f"it in {app}.")  # fmt: skip


def owns_token(app: str) -> Refused:
    """The refusal to remove the person whose token Rollcall acts with. `app`: its label."""
    return Refused(
        f"Rollcall's token for {app} belongs to this person, so nothing was changed. Enter another person's token in "
        "the app's settings, then remove this person again."
    )
