"""The kinds of entries in Activity, and the plain words that people read for each.
The stored kind never changes, as the seal covers it and scripts read it; its words may."""

from __future__ import annotations

from sync.states import ChangeKind, CheckState, HeldChangeState, TaskKind, TaskState

# Shown as they are stored.
PLAIN = frozenset((
    "accepted missing fields", "accepted that nobody manages it", "added person", "added second factor",
    "asked for a check", "asked for a new password", "began grace period", "cancelled check", "cancelled invitation",
    "cancelled offboarding", "cancelled task", "changed daily check", "changed e-mail", "changed employee number",
    "changed guard", "changed mail server", "changed matching by user name", "changed name",
    "changed order of directories", "changed removal policy", "changed seat price", "changed setting",
    "changed sign-in provider", "changed team", "changed workspace role", "closed held change", "closed report",
    "confirmed invitation",
    "confirmed removal", "confirmed that changes were sent again", "confirmed that people are back",
    "connected app", "connected directory",
    "credential lost permissions", "deleted shared view", "directory reading failed",
    "disconnected app", "dismissed report", "dismissed waiting sign-in",
    "e-mail address is disputed", "e-mail address is settled", "edited person", "ended decisions by hand",
    "ended sessions", "exported access",
    "failed sign-in", "finished sync", "granted access in the app", "held change", "imported people",
    "invitation expired", "invited", "invited again", "invited colleague", "invited to the app",
    "left matching to the rules", "left out", "lifted legal hold", "lifted protection", "linked sign-in",
    "loaded sample data", "locked out", "marked as guest", "marked as local partner", "marked as service account",
    "matched account", "matched accounts again", "moved account to Unmatched", "moved e-mail address",
    "offboarded person", "onboarded", "one address in two spellings", "paused app", "paused directory",
    "people joined", "person joined", "person returned", "person suspended", "planned offboarding",
    "protected account", "read directory", "reconnected directory", "refused passkey", "refused sign-in",
    "released held leavers", "removed directory", "removed from the app", "removed mail server",
    "removed sample data", "removed second factor", "removed sign-in provider", "removed team", "renamed app",
    "replaced credential", "reset second factor", "restored backup", "resumed app", "resumed directory",
    "retried task", "revoked access in the app", "role changed in the app", "set legal hold", "set password",
    "set up workspace", "shared view", "signed in", "stopped sharing view", "stopped vouching for directory",
    "test e-mail failed", "tested credential", "undid a decision", "unlinked sign-in", "used recovery code",
    "vouched for directory", "withdrew approvals",
    *(f"check {state}" for state in CheckState), *(f"{state} held change" for state in HeldChangeState),
    *(f"{state} all held changes" for state in (HeldChangeState.RELEASED, HeldChangeState.DISMISSED)),
    *(f"downloaded {name}" for name in ("activity", "apps", "assets", "members", "people", "reports")),
    *ChangeKind,
))  # fmt: skip
OPERATIONS = {
    TaskKind.REMOVE: "remove from the app", TaskKind.CHANGE_ROLE: "change the role", TaskKind.INVITE: "invite",
    TaskKind.GRANT: "grant access", TaskKind.REVOKE: "revoke access",
}  # fmt: skip
APPROVED = {
    ChangeKind.REMOVED_USER: "confirmed that the account is gone",
    ChangeKind.REMOVED_ASSET: "confirmed that the asset is gone",
    ChangeKind.REVOKED_ACCESS: "confirmed that the access is gone",
    ChangeKind.NO_LONGER_ASSIGNED: "confirmed that the account is gone",
}
# Stored in words that a reader would stumble over; on the right what is shown.
SHOWN = {
    "accepted leaver": "accepted that a leaver keeps the account",
    "acts as another account": "automation account changed",
    "answers for directory": "became responsible for the directory",
    "changed part in app": "changed Owner or Collaborator",
    "changed rule of groups": "changed group rule",
    "changed what ends an account": "changed which accounts have ended",
    "changed what groups do automatically": "changed standing approvals for groups",
    "cleared remove-on date": "cleared removal date",
    "compared last reading": "compared the last reading again",
    "confirmed access": "confirmed access to an asset",
    "confirmed loss of access": "confirmed removal of access",
    "confirmed role": "confirmed role change",
    "directory needs a look": "directory needs attention",
    "ended acceptance": "acceptance ended",
    "ended token": "revoked token",
    "deleted ended token": "deleted revoked token",
    "handed over": "handed over asset",
    "held leavers": "leavers held for review",
    "held returns": "returns held for review",
    "kept last owner": "kept the last Owner",
    "made one-time sign-in link": "created one-time sign-in link",
    "made recovery codes": "created recovery codes",
    "made rule of groups": "created group rule",
    "made team": "created team",
    "made token": "created token",
    "mail failed": "e-mail failed",
    "mail waits": "e-mail waits",
    "person deprovisioned": "person has left",
    "refused a right": "refused for lack of permission",
    "released mass change": "released held changes",
    "released mass removal": "released held removals",
    "released updates": "released held updates",
    "reminded of invitation": "sent reminder of invitation",
    "removed rule of groups": "removed group rule",
    "said that the clock is right": "confirmed that the clock is right",
    "sent mail": "sent e-mail",
    "sent test mail": "sent test e-mail",
    "set remove-on date": "set removal date",
    "set what columns mean": "set the meaning of columns",
    "took back leaving out": "put back into the report",
    "used database again": "started on this database again",
    **{f"confirmed {kind}": words for kind, words in APPROVED.items()},
    **{f"asked to {operation}": f"asked to {words}" for operation, words in OPERATIONS.items()},
    **{f"could not {operation}": f"could not {words}" for operation, words in OPERATIONS.items()},
    **{f"did not {operation}: {state}": f"did not {words}: {state}"
       for operation, words in OPERATIONS.items() for state in TaskState},
    **{f"awaits someone to {operation} by hand": f"waits for someone to {words} by hand"
       for operation, words in OPERATIONS.items()},
    **{f"awaits approval in the app to {operation}": f"awaits approval in the app to {words}"
       for operation, words in OPERATIONS.items()},
    "removed from the app, by hand": "removed from the app by hand",
    "role changed in the app, by hand": "role changed in the app by hand",
    "invited to the app, by hand": "invited to the app by hand",
    "granted access in the app, by hand": "granted access in the app by hand",
    "revoked access in the app, by hand": "revoked access in the app by hand",
}  # fmt: skip


def in_words(kind: str) -> str:
    """The plain words for a stored kind, in lower case. A kind that an earlier version stored is shown as it is."""
    return SHOWN.get(kind, kind)


def kinds_shown_with(word: str) -> list[str]:
    """The stored kinds whose plain words contain `word`, in any case, although they are stored in other words."""
    part = word.casefold()
    return [kind for kind, words in SHOWN.items() if part in words.casefold()]
