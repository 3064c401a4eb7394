"""The words that people use in exported files for columns, statuses and roles.
A word listed here is understood. Every other word becomes a question, and never means "active"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from connectors.tables.dates import DAY_FIRST, day_of
from connectors.tables.mapping import key_of
from connectors.tables.meanings import Meaning, Means, Purpose

_EMAIL = ("email", "e-mail", "mail", "email address", "e-mail address", "work email", "work e-mail", "business email",
          "company email", "primary email", "primary email address", "email (work)", "work email address",
          "email work", "company email address", "corporate email")  # fmt: skip
_NAME = ("name", "full name", "fullname", "display name", "displayname", "employee name", "preferred name")
_NUMBER = ("employee number", "employeenumber", "employee id", "employeeid", "employee #", "personnel number",
           "staff number", "staff id", "employee no", "employee no.", "personnel id", "personalnummer")  # fmt: skip
_SHARED = {
    Meaning.FIRST_NAME: ("first name", "firstname", "given name", "givenname", "forename", "legal first name",
                         "preferred first name", "vorname"),
    Meaning.LAST_NAME: ("last name", "lastname", "surname", "family name", "legal last name", "nachname"),
    Meaning.EMPLOYEE_NUMBER: _NUMBER,
}  # fmt: skip
_PEOPLE = {
    **_SHARED,
    Meaning.EMAIL: _EMAIL,
    Meaning.NAME: _NAME,
    Meaning.FURTHER_EMAILS: ("further emails", "further e-mails", "aliases", "email aliases", "proxy addresses",
                             "proxyaddresses", "alternate email", "alternate email addresses", "othermails"),
    Meaning.STATUS: ("status", "employment status", "employee status", "account status", "user status", "active",
                     "enabled", "account enabled", "accountenabled", "is active", "active?", "disabled", "suspended",
                     "is suspended", "locked", "blocked", "archived", "terminated", "is terminated",
                     "deactivated", "deleted", "lifecycle status", "work status", "block credential"),
    Meaning.LAST_DAY: ("last day", "last working day", "last day of work", "termination date", "end date", "leave date",
                       "leaving date", "exit date", "date of leaving", "contract end date", "employment end date",
                       "last workday", "austrittsdatum"),
    Meaning.START_DATE: ("start date", "hire date", "date of joining", "join date", "first day", "joining date",
                         "employment start date", "date hired", "original hire date", "hiring date",
                         "eintrittsdatum"),
    Meaning.GROUPS: ("groups", "group"),
    Meaning.DEPARTMENT: ("department", "dept", "dept.", "abteilung"),
    Meaning.MANAGER: ("manager", "manager email", "manager's email", "manager e-mail", "manager name", "supervisor",
                      "supervisor email", "supervisor name", "line manager", "line manager email", "reports to",
                      "reporting to"),
    Meaning.USER_NAME: ("username", "user name", "login", "user principal name", "userprincipalname", "upn"),
}  # fmt: skip
_APP = {
    **_SHARED,
    Meaning.EMAIL: (*_EMAIL, "user email", "member email", "login email"),
    Meaning.NAME: (*_NAME, "user name", "member name", "user"),
    Meaning.USER_NAME: ("username", "login", "user principal name", "userprincipalname", "upn"),
    Meaning.ID: ("id", "user id", "userid", "account id", "accountid", "member id", "user key", "object id",
                 "objectid"),
    Meaning.STATUS: ("status", "state", "account status", "user status", "billing status", "active", "enabled",
                     "account enabled", "accountenabled", "is active", "active?", "disabled", "suspended",
                     "is suspended", "deactivated", "locked", "blocked", "archived", "deleted", "member status",
                     "membership status", "invitation status", "invite status", "deactivated?", "is deleted"),
    Meaning.ROLE: ("role", "roles", "permission", "permissions", "access level", "user role", "org role",
                   "organization role", "organisation role", "workspace role", "team role", "member role",
                   "account role", "is admin", "admin", "is owner", "owner", "administrator", "is administrator",
                   "site role", "permission level"),
    Meaning.STATUS_AND_ROLE: ("type", "user type", "usertype", "member type", "account type", "kind", "membership",
                              "membership type"),
    Meaning.SEAT: ("seat", "seat type", "license", "licence", "plan", "license type", "licence type", "licenses",
                   "licences", "billing plan"),
    Meaning.LAST_ACTIVITY: ("last activity", "last active", "last login", "last seen", "last sign-in", "last signin",
                            "last active date", "last login date", "last seen date", "last activity date",
                            "last active (utc)", "last login at", "last activity at"),
}  # fmt: skip
ALIASES = {Purpose.DIRECTORY: _PEOPLE, Purpose.IMPORT: {**_PEOPLE}, Purpose.APP: _APP}
_AROUND = re.compile(r"\[(required|read only|upload only|utc)\]|\(read[- ]only\)|(?<!\*)\*+$|:$", re.IGNORECASE)


def meaning_of(header: str, purpose: Purpose) -> Meaning | None:
    """The meaning of a column of this name; None if the name isn't known."""
    return _KNOWN[purpose].get(bare(header))


def bare(header: str) -> str:
    """The name in the form in which it is compared: without additions of an export, such as "[Required]"."""
    return key_of(_AROUND.sub(" ", header))


_KNOWN = {purpose: {key_of(alias): meaning for meaning, aliases in known.items() for alias in aliases}
          for purpose, known in ALIASES.items()}  # fmt: skip

# An unknown column that may decide who is here, or who administers: the import waits until someone has answered.
_LOOKS = (
    ("last day", r"terminat|\bleav|\bleft\b|end date|date end|enddate|last (working )?day|exit|depart(ed|ure|s)|"
                 r"separation|offboard|resign|contract end|austritt|\bend(s|ed)?\b|expir|until|deprovision|"
                 r"retire|dismiss|notice|gek[uü]ndigt|fecha de baja|sortie"),
    ("manager", r"manager|supervisor|reports? to|reporting|\bboss\b|team ?lead|superior|vorgesetzt"),
    ("role", r"\broles?\b|permission|\badmin|administrat|\bowners?\b|privileg|access level|super ?user|\brights?\b|"
             r"\brolle|berechtig"),
    ("status", r"status|\bstate\b|activ(e|ated)\b|\bactiv[oa]?\b|enabl|disabl|inactiv|suspend|lock(ed)?\b|block|"
               r"archiv|delet|remov|\btypes?\b|lifecycle|employed|employment|invit|pending|\bjoined\b|accepted|"
               r"\bkind\b|on leave|absen|\bbot\b|guest|zustand|aktiv"),
)  # fmt: skip
_HARMLESS = re.compile(r"last (active|activity|login|seen|sign|signed|logged)|activity date|marital|phone")


def looks_like(header: str, purpose: Purpose = Purpose.DIRECTORY) -> str:
    """"status", "role", "last day" or "manager": what a column of this name probably is, or "". A manager says nothing
    about an account in an app."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)
    name = bare(words)
    if _HARMLESS.search(name):
        return ""
    asked = [kind for kind in _LOOKS if purpose is not Purpose.APP or kind[0] != "manager"]
    return next((kind for kind, pattern in asked if re.search(pattern, name)), "")


def likely_meaning(kind: str, cells: Sequence[str], purpose: Purpose) -> Meaning | None:
    """The meaning of a column that looks like a `kind`, if all its values agree with that; else None."""
    if not cells:
        return None
    if kind == "manager":
        return Meaning.MANAGER
    if kind == "last day" and purpose is not Purpose.APP and all(day_of(cell, DAY_FIRST) for cell in cells):
        return Meaning.LAST_DAY
    values = {key_of(cell): cell for cell in cells}.values()
    if kind == "status" and all(status_means("", value, purpose)[1] for value in values):
        return Meaning.STATUS
    if kind == "role" and purpose is Purpose.APP and all(role_means("", value)[1] for value in values):
        return Meaning.ROLE
    return None


def _table(**words: str) -> dict[str, Means]:
    return {key_of(word): Means(means) for means, listed in words.items() for word in listed.split(", ")}


PERSON_STATUS = _table(
    active="active, enabled, employed, current, currently employed, current employee, working, aktiv, actif, activo",
    suspended="suspended, locked, blocked, gesperrt",
    nothing="full-time, full time, part-time, part time, permanent, contractor, intern",  # how, not whether
    left="left, leaver, terminated, deprovisioned, disabled, inactive, deactivated, resigned, former, "
         "former employee, dismissed, separated, offboarded, departed, retired, deceased, deleted, removed, inaktiv, "
         "ausgeschieden, ex-employee, no longer employed",
)  # fmt: skip
ACCOUNT_STATUS = _table(
    active="active, enabled, accepted, registered, activated, confirmed, joined, in use, aktiv",
    suspended="suspended, deactivated, inactive, disabled, blocked, locked, archived, inaktiv",
    invited="invited, pending, invitation sent, invite sent, invited (pending), not joined, invitation pending, "
            "invite pending, pending invite, pending invitation, invitation, invite, not accepted",
    leave_out="deleted, removed",
)  # fmt: skip
# Known words whose sense differs from company to company: asked about, with the likelier answer first.
UNCERTAIN = _table(
    active="on leave, leave, leave of absence, loa, parental leave, maternity leave, paternity leave, sick leave, "
           "medical leave, sabbatical, paid leave, unpaid leave, garden leave, gardening leave, notice period, "
           "on notice, onboarding, pre-hire, prehire, hired, pending, not started, future hire, in transition, "
           "active - on leave, long-term leave, absent",
)  # fmt: skip
KINDS_OF_ROW = _table(
    plain="member, user, regular, standard, full member, person, human, employee, guest, external, collaborator, "
          "internal, viewer, editor",
    system="bot, service account, app, integration, application, api user, service, robot",
    invited="invitation, invite, invited, pending invite, pending invitation, invitation pending, pending",
    suspended="deactivated, suspended, disabled, inactive",
    leave_out="deleted, removed",
)  # fmt: skip
YES = frozenset(key_of(word) for word in ("true", "yes", "y", "1", "x", "✓", "on", "ja", "wahr", "oui", "sí", "si"))
NO = frozenset(key_of(word) for word in ("false", "no", "n", "0", "off", "nein", "falsch", "non", ""))
_POSITIVE = re.compile(r"^(is |account ?)?(active|enabled|employed|current employee|aktiv|accountenabled)\??$")
_SUSPENDS = re.compile(r"^(is |account ?)?(suspended|locked|blocked|sign-in blocked|block credential)\??$")
_ENDS = re.compile(r"^(is |account ?)?(disabled|inactive|deactivated|terminated|deleted|archived|left)\??$")
_GRANTS = re.compile(r"\b(admin\w*|owners?|super ?user)\b", re.IGNORECASE)
PRIVILEGED = re.compile(r"\b(owner|admin|administrator|super ?user|superadmin|root)s?\b", re.IGNORECASE)
_NOT_PRIVILEGED = re.compile(r"\b(non|not|no)[ -]*(an? )?(owner|admin)", re.IGNORECASE)
_PLAIN = re.compile(
    r"\b(member|user|editor|viewer|guest|commenter|read[- ]only|reader|contributor|author|subscriber|collaborator|"
    r"regular|standard|basic|developer|reporter|full|lite|free|view[- ]only|writer|employee|participant|observer|"
    r"limited member|mitglied|gast|none|no access)s?\b", re.IGNORECASE)  # fmt: skip


def status_means(header: str, value: str, purpose: Purpose) -> tuple[Means | None, bool]:
    """(the meaning of a value in a status column, whether it is certain); (None, False) for an unknown value."""
    word = key_of(value)
    flag = _flag(bare(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)), word, purpose)
    if flag:
        return flag, True
    if not word:
        return (Means.NOTHING, True) if purpose is Purpose.IMPORT else (None, False)
    known = ACCOUNT_STATUS if purpose is Purpose.APP else PERSON_STATUS
    if word in known:
        return known[word], True
    return UNCERTAIN.get(word), False


def _flag(name: str, word: str, purpose: Purpose) -> Means | None:
    """What yes or no says in a column whose name is a question; an empty cell answers "Terminated", not "Active"."""
    ends = Means.LEFT if purpose is not Purpose.APP else Means.LEAVE_OUT if "deleted" in name else Means.SUSPENDED
    yes, no = word in YES, word in NO
    if not yes and not no:
        return None
    if _POSITIVE.match(name):
        down = Means.SUSPENDED if purpose is Purpose.APP else Means.LEFT
        return (Means.ACTIVE if yes else down) if word else None
    if _SUSPENDS.match(name):
        return Means.SUSPENDED if yes else Means.NOTHING
    if _ENDS.match(name):
        return ends if yes else Means.NOTHING
    return None


def role_means(header: str, value: str) -> tuple[Means | None, bool]:
    """(the meaning of a value in a role column, whether it is certain)."""
    word = key_of(value)
    if not word:
        return Means.NOTHING, True
    if word in YES | NO and _GRANTS.search(header):
        return (Means.PRIVILEGED if word in YES else Means.NOTHING), True
    if _NOT_PRIVILEGED.search(value):
        return Means.PLAIN, True
    if PRIVILEGED.search(value):
        return Means.PRIVILEGED, True
    if _PLAIN.search(value):
        return Means.PLAIN, True
    return None, False


def role_name(header: str, value: str) -> str:
    """What the role is called: the value, or what the column asks about where the value is yes."""
    if key_of(value) in YES and _GRANTS.search(header):
        name = re.sub(r"^is\s+", "", " ".join(header.split()).rstrip("?"), flags=re.IGNORECASE)
        return name[:1].upper() + name[1:]
    return " ".join(value.split())


def kind_means(header: str, value: str, purpose: Purpose) -> tuple[Means | None, bool]:
    """(the meaning of a value in a column of statuses or roles, whether it is certain)."""
    word = key_of(value)
    if not word:
        return None, False
    if word in KINDS_OF_ROW:
        return KINDS_OF_ROW[word], True
    status, certain = status_means("", value, purpose)
    return (status, certain) if certain else role_means(header, value)
