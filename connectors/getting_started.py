"""Shortcuts to a credential: pages to open and texts to copy. It also says how many entries of a connector's `docs` are
steps; the others say what the connector can and can't do."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

STEPS = {  # by slug; all `docs` of any other connector are steps
    "1password": 2, "anthropic": 2, "asana": 3, "atlassian": 2, "aws-identity-center": 2, "calendly": 2, "canva": 3,
    "cloudflare": 3, "csv_export": 3, "datadog": 3, "dropbox": 4, "figma": 3, "github": 4, "gitlab": 3,
    "google_ads": 4, "google_workspace": 3, "hubspot": 3, "ldap-group": 4, "linear": 2, "linkedin_ads": 3,
    "meta": 4, "microsoft_365": 4, "microsoft_ads": 5, "miro": 2, "monday": 2, "notion": 2, "okta_app": 4,
    "openai": 2, "pagerduty": 3, "pinterest": 4, "postgresql": 4, "salesforce": 3, "sentry": 3, "slack": 3,
    "snapchat_ads": 4, "tiktok": 3, "vercel": 2, "zoom": 3, "google": 3, "ldap": 3, "entra": 3, "okta": 3,
}  # fmt: skip


@dataclass(frozen=True)
class Shortcut:
    """A page to open at `link`, or a `text` to copy; `note` says what to do with it."""

    label: str
    note: str
    link: str = ""
    text: str = ""


SLACK_MANIFEST = """\
display_information:
  name: Rollcall
oauth_config:
  scopes:
    bot:
      - users:read
      - users:read.email
      - channels:read
      - usergroups:read
settings:
  org_deploy_enabled: false
  socket_mode_enabled: false
  token_rotation_enabled: false
"""
_GITHUB = "https://github.com/settings/tokens/new?" + urlencode(
    {"description": "Rollcall", "scopes": "admin:org,repo,read:user"})
_AZURE = """\
GRAPH=00000003-0000-0000-c000-000000000000
APP=$(az ad app create --display-name Rollcall --query appId --output tsv)
az ad sp create --id "$APP"
for NAME in {names}; do
  ROLE=$(az ad sp show --id $GRAPH --query "appRoles[?value=='$NAME'].id" --output tsv)
  az ad app permission add --id "$APP" --api $GRAPH --api-permissions "$ROLE=Role"
done
az ad app permission admin-consent --id "$APP"
az ad app credential reset --id "$APP" --display-name Rollcall --years 1
"""
_GOOGLE = """\
gcloud services enable admin.googleapis.com
gcloud iam service-accounts create rollcall --display-name Rollcall
gcloud iam service-accounts keys create rollcall.json \\
  --iam-account "rollcall@$(gcloud config get-value project).iam.gserviceaccount.com"
"""


def _azure(*names: str) -> Shortcut:
    return Shortcut("The same with the Azure command line", "Run this in Azure Cloud Shell, as an administrator. The "
                    "last line prints tenant, appId and password.", text=_AZURE.format(names=" ".join(names)))


def _google(*scopes: str) -> tuple[Shortcut, ...]:
    full = ",".join(f"https://www.googleapis.com/auth/{scope}" for scope in scopes)
    return (
        Shortcut("The same with the Google Cloud command line", "Run this in Google Cloud Shell, in the project for "
                 "Rollcall. Enter the content of rollcall.json here.", text=_GOOGLE),
        Shortcut("Open domain-wide delegation", "Choose “Add new”, and enter the service account's client ID.",
                 link="https://admin.google.com/ac/owl/domainwidedelegation"),
        Shortcut("Scopes to delegate", "Paste them into “OAuth scopes”.", text=full),
    )


SHORTCUTS: dict[str, tuple[Shortcut, ...]] = {
    "slack": (
        Shortcut("Create the Slack app", "Slack opens with the app's name and scopes filled in. Choose your workspace, "
                 "then “Create”, and continue with step 3.",
                 link="https://api.slack.com/apps?" + urlencode({"new_app": 1, "manifest_yaml": SLACK_MANIFEST})),
        Shortcut("App manifest", "The same by hand: “Create New App”, “From a manifest”, and paste this. Then "
                 "continue with step 3.",
                 text=SLACK_MANIFEST),
    ),
    "github": (
        Shortcut("Create a classic token", "GitHub opens with the name and scopes filled in. Choose how long it lasts, "
                 "then “Generate token”.", link=_GITHUB),
    ),
    "microsoft_365": (_azure("User.Read.All", "GroupMember.Read.All", "RoleManagement.Read.Directory",
                             "LicenseAssignment.Read.All", "AuditLog.Read.All"),),
    "entra": (_azure("User.Read.All", "GroupMember.Read.All"),),
    "google_workspace": _google(*(f"admin.directory.{end}" for end in ("user", "group", "rolemanagement"))),
    "google": _google(*(f"admin.directory.{end}.readonly" for end in ("user", "group"))),
}  # fmt: skip


def steps_of(slug: str, docs: tuple[str, ...]) -> tuple[str, ...]:
    """The entries of `docs` that are steps to the credential."""
    return docs[: STEPS.get(slug, len(docs))]


def notes_of(slug: str, docs: tuple[str, ...]) -> tuple[str, ...]:
    """The entries of `docs` that say what the connector can and can't do."""
    return docs[STEPS.get(slug, len(docs)):]
