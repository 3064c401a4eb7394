"""Lists of people that directories and HR programs export. An HR program's report has the columns that someone chose.
The names of these columns here are from the programs' documentation of November 2026."""

from __future__ import annotations

from connectors.tables.meanings import Meaning, Means, Purpose
from connectors.tables.preset import ANY, PEOPLE, Preset

_ANYWHERE = (*PEOPLE, Purpose.APP)
# These say how someone is employed, not whether. Another value, or another column, says whether.
_EMPLOYED = {kind: Means.NOTHING for kind in (
    "Full-Time", "Part-Time", "Contractor", "Intern", "Temporary", "Seasonal", "Permanent", "Regular", "Fixed-Term",
    "Apprentice", "Working student", "Freelancer", "Trainee", "Probation")}  # fmt: skip
_STATES_OF_A_MAP = {"state": Meaning.IGNORE, "State": Meaning.IGNORE}

_OWN = ("email", "name", "status", "groups", "employee_number", "further_emails", "last_day", "start_date",
        "department", "manager", "user_name")  # fmt: skip
OWN = Preset(
    "Rollcall's own form", "docs/directories.md", PEOPLE, ("email", "status"),
    {name: Meaning(name) for name in _OWN}, {"status": {"": Means.NOTHING}}, closed=True,
)  # fmt: skip

ENTRA = Preset(
    "Microsoft Entra, Download users",
    "https://learn.microsoft.com/en-us/entra/identity/users/users-bulk-download",
    PEOPLE, ("userPrincipalName", "displayName", "objectId", "accountEnabled"),
    {"userPrincipalName": Meaning.USER_NAME, "displayName": Meaning.NAME, "surname": Meaning.LAST_NAME,
     "mail": Meaning.EMAIL, "givenName": Meaning.FIRST_NAME, "objectId": Meaning.ID, "userType": Meaning.STATUS,
     "department": Meaning.DEPARTMENT, "accountEnabled": Meaning.STATUS, "alternateEmailAddress": Meaning.IGNORE,
     "authenticationEmail": Meaning.IGNORE, "invitationState": Meaning.IGNORE, "creationType": Meaning.IGNORE,
     "ageGroup": Meaning.IGNORE, "directorySynced": Meaning.IGNORE, "isLicensed": Meaning.IGNORE,
     **_STATES_OF_A_MAP},
    # As the connector of Entra does: guests don't belong to the company.
    {"accountEnabled": {"True": Means.ACTIVE, "False": Means.LEFT},
     "userType": {"Member": Means.NOTHING, "Guest": Means.LEAVE_OUT, "": Means.NOTHING}},
)  # fmt: skip

MICROSOFT_365 = Preset(
    "Microsoft 365 admin center, Export users",
    "https://learn.microsoft.com/en-us/microsoft-365/admin/add-users/add-users",
    PEOPLE, ("Block credential", "Display name", "User principal name"),
    {"User principal name": Meaning.EMAIL, "Display name": Meaning.NAME, "First name": Meaning.FIRST_NAME,
     "Last name": Meaning.LAST_NAME, "Object Id": Meaning.ID, "Department": Meaning.DEPARTMENT,
     "Block credential": Meaning.STATUS, "Soft deletion time stamp": Meaning.STATUS,
     "Proxy addresses": Meaning.FURTHER_EMAILS, "Password never expires": Meaning.IGNORE,
     "DirSyncEnabled": Meaning.IGNORE, "StateOrProvince": Meaning.IGNORE, "CountryOrRegion": Meaning.IGNORE,
     **_STATES_OF_A_MAP},
    {"Block credential": {"True": Means.LEFT, "False": Means.NOTHING},
     "Soft deletion time stamp": {"": Means.NOTHING, ANY: Means.LEFT}},
)  # fmt: skip

GOOGLE_WORKSPACE = Preset(
    "Google Workspace, Download users",
    "https://support.google.com/a/answer/40057",
    _ANYWHERE, ("First Name [Required]", "Last Name [Required]", "Email Address [Required]"),
    {"First Name [Required]": Meaning.FIRST_NAME, "Last Name [Required]": Meaning.LAST_NAME,
     "Email Address [Required]": Meaning.EMAIL, "Status [READ ONLY]": Meaning.STATUS,
     "Last Sign In [READ ONLY]": Meaning.LAST_ACTIVITY, "Employee ID": Meaning.EMPLOYEE_NUMBER,
     "Manager Email": Meaning.MANAGER, "Department": Meaning.DEPARTMENT, "Employee Type": Meaning.IGNORE,
     "New Status [UPLOAD ONLY]": Meaning.IGNORE, "Work Secondary Email": Meaning.FURTHER_EMAILS,
     "Licenses [READ ONLY]": Meaning.SEAT},
    {"Status [READ ONLY]": {"Active": Means.ACTIVE, "Suspended": Means.SUSPENDED}},
)  # fmt: skip

BAMBOOHR = Preset(
    "BambooHR", "https://documentation.bamboohr.com/docs/list-of-field-names",
    PEOPLE, ("Employee #", "Work Email"),
    {"Employee #": Meaning.EMPLOYEE_NUMBER, "Work Email": Meaning.EMAIL, "Status": Meaning.STATUS,
     "Employment Status": Meaning.STATUS, "Hire Date": Meaning.START_DATE, "Termination Date": Meaning.LAST_DAY,
     "Department": Meaning.DEPARTMENT, "Supervisor": Meaning.MANAGER, "Reporting To": Meaning.MANAGER,
     "Original Hire Date": Meaning.IGNORE, "Employment Status: Date": Meaning.IGNORE},
    {"Employment Status": {**_EMPLOYED, "Terminated": Means.LEFT}},
)  # fmt: skip

PERSONIO = Preset(
    "Personio", "https://support.personio.de/hc/en-us/articles/115002699585",
    PEOPLE, ("First name", "Last name", "Email", "Status", "Hire date", "Supervisor"),
    {"Email": Meaning.EMAIL, "Status": Meaning.STATUS, "Hire date": Meaning.START_DATE,
     "End of employment": Meaning.LAST_DAY, "Termination date": Meaning.LAST_DAY, "Supervisor": Meaning.MANAGER,
     "Department": Meaning.DEPARTMENT, "Employee number": Meaning.EMPLOYEE_NUMBER,
     # It says internal or external, not whether someone works there. Fixed-term contracts are often extended, and the
     # column above has the end of the employment.
     "Employment type": Meaning.IGNORE, "Contract end date": Meaning.IGNORE, "Contract ends": Meaning.IGNORE},
    {"Status": {"Active": Means.ACTIVE, "Inactive": Means.LEFT, "Onboarding": Means.ACTIVE}},
)  # fmt: skip

WORKDAY = Preset(
    "Workday", "https://help.merge.dev/en/articles/8694660-workday-how-do-i-send-hris-data-via-sftp",
    PEOPLE, ("Employee ID", "Worker Status"),
    {"Employee ID": Meaning.EMPLOYEE_NUMBER, "Worker Status": Meaning.STATUS, "Active Status": Meaning.STATUS,
     "Work Email": Meaning.EMAIL, "Primary Work Email": Meaning.EMAIL, "Email - Primary Work": Meaning.EMAIL,
     "Worker": Meaning.IGNORE, "Preferred Name": Meaning.NAME, "Legal First Name": Meaning.FIRST_NAME,
     "Legal Last Name": Meaning.LAST_NAME, "Hire Date": Meaning.START_DATE, "Termination Date": Meaning.LAST_DAY,
     "Manager": Meaning.MANAGER, "Worker's Manager": Meaning.MANAGER, "Supervisory Organization": Meaning.DEPARTMENT,
     # "Worker" is the name and, in brackets, the status: Bo Nilsson (Terminated).
     "Worker Type": Meaning.IGNORE, "Employee Type": Meaning.IGNORE, "Time Type": Meaning.IGNORE},
    {"Active Status": {"Yes": Means.NOTHING, "1": Means.NOTHING, "No": Means.LEFT, "0": Means.LEFT}},
)  # fmt: skip

GUSTO = Preset(
    "Gusto, Employee summary", "https://support.gusto.com/article/101334493100000",
    PEOPLE, ("First name", "Last name", "Work email", "Employment status", "Start date"),
    {"Work email": Meaning.EMAIL, "Personal email": Meaning.IGNORE, "Employment status": Meaning.STATUS,
     "Start date": Meaning.START_DATE, "End date": Meaning.LAST_DAY, "Termination date": Meaning.LAST_DAY,
     "Dismissal date": Meaning.LAST_DAY, "Manager": Meaning.MANAGER, "Department": Meaning.DEPARTMENT,
     "Employment type": Meaning.IGNORE, "Gusto employee ID": Meaning.ID},
    {"Employment status": {**_EMPLOYED, "Active": Means.ACTIVE, "Terminated": Means.LEFT, "Dismissed": Means.LEFT}},
)  # fmt: skip

HIBOB = Preset(
    "HiBob", "https://help.hibob.com/hc/en-us/articles/4409776355857",
    PEOPLE, ("Email", "Lifecycle status"),
    {"Email": Meaning.EMAIL, "Display name": Meaning.NAME, "Lifecycle status": Meaning.STATUS,
     "Status": Meaning.IGNORE,  # whether they may sign in to Bob: someone who starts later is inactive too
     "Employee ID": Meaning.EMPLOYEE_NUMBER, "Start date": Meaning.START_DATE, "Termination date": Meaning.LAST_DAY,
     "Department": Meaning.DEPARTMENT, "Reports to email": Meaning.MANAGER, "Reports to": Meaning.MANAGER,
     "Employment type": Meaning.IGNORE},
    {"Lifecycle status": {"Employed": Means.ACTIVE, "Hired": Means.ACTIVE, "Terminated": Means.LEFT}},
)  # fmt: skip

PRESETS = (OWN, ENTRA, MICROSOFT_365, GOOGLE_WORKSPACE, BAMBOOHR, PERSONIO, WORKDAY, GUSTO, HIBOB)
