"""Lists of accounts that apps export, with the pages that documented them in November 2026. Where a program documents
no header, public code that reads its files is named."""

from __future__ import annotations

from connectors.tables.meanings import Meaning, Means, Purpose
from connectors.tables.preset import Preset

_APP = (Purpose.APP,)
_IGNORE = Meaning.IGNORE

SLACK = Preset(
    "Slack, member list", "https://slack.com/help/articles/201387327-Export-your-workspaces-member-list",
    _APP, ("username", "email", "status", "userid", "fullname", "displayname"),
    {"username": Meaning.USER_NAME, "email": Meaning.EMAIL, "status": Meaning.STATUS_AND_ROLE, "userid": Meaning.ID,
     "fullname": Meaning.NAME, "billing-active": _IGNORE, "expiration-timestamp": _IGNORE},
    {"status": {"Primary Owner": Means.PRIVILEGED, "Owner": Means.PRIVILEGED, "Admin": Means.PRIVILEGED,
                "Member": Means.PLAIN, "Multi-Channel Guest": Means.PLAIN, "Single-Channel Guest": Means.PLAIN,
                "Multi-channel guest": Means.PLAIN, "Single-channel guest": Means.PLAIN, "Invited": Means.INVITED,
                "Deactivated": Means.SUSPENDED, "Bot": Means.SYSTEM}},
)  # fmt: skip

ATLASSIAN = Preset(
    "Atlassian, Export users", "https://support.atlassian.com/organization-administration/docs/export-users-from-a-site/",
    _APP, ("User id", "User name", "email", "User status"),
    {"User id": Meaning.ID, "User name": Meaning.NAME, "email": Meaning.EMAIL, "User status": Meaning.STATUS,
     "Org role": Meaning.ROLE, "Last seen in *": Meaning.LAST_ACTIVITY, "Added to org": _IGNORE, "Group id": _IGNORE,
     "Group name": _IGNORE},
    {"Org role": {"None": Means.NOTHING, "User": Means.PLAIN, "Organization admin": Means.PRIVILEGED,
                  "Site admin": Means.PRIVILEGED, "User access admin": Means.PRIVILEGED}},
    {"repeated": "merge"},  # with groups, it has one row for each group of a user
)  # fmt: skip

ATLASSIAN_MANAGED = Preset(
    "Atlassian, managed accounts", "https://support.atlassian.com/user-management/docs/export-managed-accounts/",
    _APP, ("Atlassian ID", "Name", "Email", "Status"),
    {"Atlassian ID": Meaning.ID, "Name": Meaning.NAME, "Email": Meaning.EMAIL, "Status": Meaning.STATUS,
     "Last active date [UTC]": Meaning.LAST_ACTIVITY},
)  # fmt: skip

GITHUB = Preset(
    "GitHub, people of an organisation",
    "https://docs.github.com/en/organizations/managing-membership-in-your-organization/"
    "exporting-member-information-for-your-organization",
    _APP, ("login", "name", "role", "tfa_enabled"),
    {"login": Meaning.USER_NAME, "name": Meaning.NAME, "role": Meaning.ROLE, "last_active": Meaning.LAST_ACTIVITY,
     "saml_name_id": Meaning.EMAIL, "is_public": _IGNORE, "tfa_enabled": _IGNORE},
)  # fmt: skip

GITHUB_ENTERPRISE = Preset(
    "GitHub, licences of an enterprise", "https://docs.github.com/en/billing/reference/license-reports",
    _APP, ("GitHub com login", "GitHub com name", "License type"),
    {"GitHub com login": Meaning.USER_NAME, "GitHub com name": Meaning.NAME, "License type": Meaning.SEAT,
     "GitHub com enterprise roles": Meaning.ROLE, "GitHub com member roles": Meaning.ROLE,
     "GitHub com saml name": Meaning.EMAIL, "GitHub com orgs with pending invites": _IGNORE,
     "GitHub com two factor auth*": _IGNORE, "Ghe license*": _IGNORE, "Visual studio license status": _IGNORE,
     "Enterprise server*": _IGNORE, "GitHub com verified domain emails": _IGNORE},
)  # fmt: skip

GITLAB_MEMBERS = Preset(
    "GitLab, members of a group", "https://gitlab.com/gitlab-org/gitlab/-/merge_requests/170889",
    _APP, ("Username", "Email", "Path", "Role", "Membership type", "Membership source"),
    {"Username": Meaning.USER_NAME, "Email": Meaning.EMAIL, "Name": Meaning.NAME, "Role": Meaning.ROLE,
     "Membership status": Meaning.STATUS, "Last activity": Meaning.LAST_ACTIVITY, "Type": _IGNORE,
     "Role type": _IGNORE, "Membership type": _IGNORE, "Membership source": _IGNORE, "Access granted": _IGNORE,
     "Access expiration": _IGNORE, "Access expired": _IGNORE},
    {"Membership status": {"approved": Means.ACTIVE, "pending": Means.INVITED},
     "Role": {"Maintainer": Means.PLAIN, "Planner": Means.PLAIN, "Security Manager": Means.PLAIN}},
    {"repeated": "merge"},  # one row for each group and project of a user
)  # fmt: skip

GITLAB_PERMISSIONS = Preset(
    "GitLab, user permissions", "https://docs.gitlab.com/administration/admin_area/#user-permission-export",
    _APP, ("Username", "Email", "Type", "Path", "Access Level"),
    {"Username": Meaning.USER_NAME, "Email": Meaning.EMAIL, "Type": _IGNORE, "Access Level": Meaning.ROLE,
     "Last Activity": Meaning.LAST_ACTIVITY, "Inherited memberships": _IGNORE},
    {"Access Level": {"Maintainer": Means.PLAIN, "Planner": Means.PLAIN, "Minimal Access": Means.PLAIN}},
    {"repeated": "merge"},
)  # fmt: skip

ZOOM = Preset(
    "Zoom, Export users", "https://support.zoom.com/hc/en/article?id=zm_kb&sysparm_article=KB0068315",
    _APP, ("Email", "First Name", "Last Name", "User Type", "User Status"),
    {"Email": Meaning.EMAIL, "User Type": Meaning.SEAT, "User Status": Meaning.STATUS, "Role": Meaning.ROLE,
     "Last Login(UTC)": Meaning.LAST_ACTIVITY, "Employee ID": Meaning.EMPLOYEE_NUMBER, "Login Type": _IGNORE,
     "Manager": _IGNORE, "Department": _IGNORE},
    {"User Status": {"Active": Means.ACTIVE, "Inactive": Means.SUSPENDED, "Pending": Means.INVITED}},
)  # fmt: skip

PRESETS = (SLACK, ATLASSIAN, ATLASSIAN_MANAGED, GITHUB, GITHUB_ENTERPRISE, GITLAB_MEMBERS, GITLAB_PERMISSIONS, ZOOM)
