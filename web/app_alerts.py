"""What each page of an app says above its tab: what needs a person, why, and the buttons that do something about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import url_for
from markupsafe import Markup

from sync.apps import conditions, status
from sync.apps.conditions import Condition
from sync.apps.status import Standing
from sync.matching import decisions, doubtful, unmatched
from sync.models import App
from sync.names import account_name
from sync.states import Step, Tone
from sync.words import are, listed
from web.app_card import ICONS
from web.components import words_and_details
from web.frame import manages
from web.security import signed_in_person
from web.words import number, plural, spoken

SHOWN = ("broken", "stuck", "held", "held leavers", "leavers", "failed", "overdue", "old file", "undated file",
         "unread directory", "lapsed approval", "doubtful", "unmatched")  # fmt: skip
DOMAINS_SHOWN = 3
UNANSWERED_NAMED = 3
LOUD = {
    "broken": "{} needs attention.", "stuck": "{} needs attention.", "held": "", "held leavers": "", "leavers": "",
    "failed": "{} isn't up to date.", "overdue": "{} is overdue.", "old file": "{} is overdue.",
    "undated file": "{} is overdue.", "unread directory": "{} isn't up to date.", "lapsed approval": "",
    "doubtful": "{} needs matching.",
    "unmatched": "{} needs matching.",
}  # fmt: skip

OF_DIRECTORIES = (Step.DIRECTORIES, Step.DIRECTORY, Step.ATTRIBUTES)  # for those who manage the workspace


@dataclass(frozen=True)
class Button:
    """`form` is sent and its answer is a dialog, `dialog` opens one; else it is a link."""

    label: str
    address: str
    icon: str
    id: str
    form: bool = False
    dialog: bool = False


@dataclass(frozen=True)
class Alert:
    tone: Tone
    icon: str
    id: str
    title: str
    words: Markup
    details: str  # technical, folded away
    buttons: list[Button]


@dataclass(frozen=True)
class Unanswered:
    """Service accounts whose responsible person has left."""

    headline: str
    names: str
    shown_here: bool
    is_warned_of: bool  # a warning above the page is about these accounts, and none that isn't among them


@dataclass(frozen=True)
class Warnings:
    """The line that stands for several warnings on a narrow page: their number, and the title of the first one."""

    fold: bool
    tone: Tone
    icon: str
    count: str
    first: str


def line_for(alerts: Sequence[Alert], further: Sequence[str]) -> Warnings:
    """The line for these alerts. `further`: sentences about leavers, which the page shows after the alerts."""
    count = len(alerts) + len(further)
    words = [alert.title or alert.words for alert in alerts] + list(further)
    tone = Tone.ATTENTION if any(alert.tone == Tone.ATTENTION for alert in alerts) else Tone.WAITING
    return Warnings(count > 1, tone, "alert-triangle", plural(count, "warning"), words[0] if words else "")


def alerts(app: App, standing: Standing, owns: bool) -> list[Alert]:
    """For Owners what they can do something about; for everyone that the app is no longer connected."""
    if app.is_disconnected:
        words = spoken(standing.sentence)
        return [Alert(Tone.NEUTRAL, "plug-connected-x", "", f"{app.name} is disconnected.", words, "", [])]
    rows = (standing.row, *standing.others) if owns else ()
    return [_alert(app, standing, row) for row in rows if row.code in SHOWN]


def _alert(app: App, standing: Standing, row: Condition) -> Alert:
    if row.code == "doubtful" and (found := unanswered(app)) and found.is_warned_of:
        return _of_services(app, row, found)
    steps = row.steps(standing.facts)
    words = spoken(row.says(standing.facts))
    if row.code == "unmatched":
        words = Markup(" ").join((words, *why_unmatched(app)))
    id = "missing-fields" if Step.FIELDS in steps else f"alert-{row.code.replace(' ', '-')}"
    return Alert(row.tone, ICONS.get(row.code, ""), id, LOUD[row.code].format(app.name), words,
                 words_and_details(standing.facts.error).details if row.code in ("broken", "failed") else "",
                 [button for step in steps
                  if (button := button_for(app, step, standing.facts.unread_directory_id))])  # fmt: skip


def _of_services(app: App, row: Condition, found: Unanswered) -> Alert:
    """All doubtful accounts are service accounts whose responsible person has left."""
    words = Markup("{} Choose someone else, or remove the accounts you no longer need.").format(found.names)
    there = url_for("members.index", app_id=app.id, tab="service accounts")
    return Alert(row.tone, "robot", "unanswered", found.headline, words, "",
                 [Button("Service accounts", there, "robot", "show-services")])  # fmt: skip


def unanswered(app: App, tab: str = "") -> Unanswered | None:
    """None where there are no such accounts. `tab`: the one of the Members tab that is shown."""
    accounts = decisions.unanswered(app) if app.service_accounts else []
    if not accounts:
        return None
    count = len(accounts)
    headline = ("A service account has no one responsible." if count == 1
                else f"{plural(count, 'service account')} have no one responsible.")  # fmt: skip
    named = [f"{account_name(account)} ({account.person.name} has left)" for account in accounts]
    in_doubt = doubtful.of_app(app.id)
    return Unanswered(headline, f"{listed(named, UNANSWERED_NAMED)}.", tab == "service accounts",
                      bool(in_doubt) and in_doubt <= {account.id for account in accounts})  # fmt: skip


def why_unmatched(app: App) -> list[str]:
    """A sentence for each of the largest domains: “None of the 24 addresses at acme.example is in your directory.”"""
    domains = unmatched.by_domain(app)
    rest = sum(domain.unmatched for domain in domains[DOMAINS_SHOWN:])
    more = f"{plural(rest, 'more address is', 'more addresses are')} at other domains."
    return [_why(domain) for domain in domains[:DOMAINS_SHOWN]] + ([more] if rest else [])


def _why(domain: unmatched.Domain) -> str:
    if not domain.name:
        return f"{plural(domain.unmatched, 'account has', 'accounts have')} no e-mail address."
    if domain.matched:
        of = f"{number(domain.unmatched)} of the {number(domain.unmatched + domain.matched)} addresses"
        return f"{of} at {domain.name} {are(domain.unmatched)} not in your directory."
    if domain.unmatched == 1:
        return f"The one address at {domain.name} isn't in your directory."
    return f"None of the {number(domain.unmatched)} addresses at {domain.name} is in your directory."


def fixes(app: App) -> list[Button]:
    """What one can do about the app's last failure, for a dialog that has a way to try again itself."""
    standing = status.standing(app)
    steps = [step for step in conditions.way_out(standing.facts) if step != Step.TEST]
    found = [button for step in steps if (button := button_for(app, step))]
    return [replace(button, id=f"{button.id}-now") for button in found]  # the page below has the same buttons


def button_for(app: App, step: Step, directory_id: int | None = None) -> Button | None:
    """None for what is in the title of each page anyway: Check for updates, View report, Resume; and for what this
    person may not open. `directory_id`: of the one that doesn't show who has left."""
    if step in OF_DIRECTORIES:
        return _of_directories(step, directory_id) if manages(signed_in_person()) else None
    credential = url_for("app_settings.credential", app_id=app.id)
    tests = url_for("app_settings.create_test", app_id=app.id)
    buttons = {
        Step.TEST: Button("Test again", tests, "plug", "test-again", form=True),
        Step.ADDRESS: Button("Check address", credential, "link", "check-address", dialog=True),
        Step.CREDENTIAL: Button("Replace the credential", credential, "key", "fix-credential", dialog=True),
        Step.FILE: Button("Replace the file", credential, "upload", "replace-file", dialog=True),
        Step.FIELDS: Button("Continue without", url_for("app_settings.missing_fields", app_id=app.id), "",
                            "go-on-without", dialog=True),
        Step.TASKS: Button("Show the tasks", url_for("tasks.index", app_id=app.id), "history", "show-tasks"),
        Step.MEMBERS: Button("Show the members", url_for("members.index", app_id=app.id), "users",
                             "show-members"),
        Step.REMOVALS: Button("Decide about removals", url_for("app_settings.policy_of", app_id=app.id), "",
                              "decide-removals", dialog=True),
        Step.GROUPS: Button("Decide what groups do", url_for("group_rules.policy", app_id=app.id), "",
                            "decide-groups", dialog=True),
        Step.MATCHING: Button("Match people", url_for("members.index", app_id=app.id, tab="unmatched"), "link",
                              "match-people"),
    }  # fmt: skip
    return buttons.get(step)


def _of_directories(step: Step, directory_id: int | None) -> Button:
    if step == Step.DIRECTORIES or directory_id is None:
        return Button("Show the directories", url_for("directories.index"), "address-book", "show-directories")
    if step == Step.ATTRIBUTES:
        rules = url_for("directory_rules.show", directory_id=directory_id)
        return Button("Define the attributes", rules, "address-book", "define-attributes", dialog=True)
    shown = url_for("directories.show", directory_id=directory_id)
    return Button("Show the directory", shown, "address-book", "show-directory")
