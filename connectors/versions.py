"""The version of an app's API that a connector uses, and the day on which the app's maker ends it.
`doctor`, the app's page and a test warn from WARN_DAYS before that day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

WARN_DAYS = 90


@dataclass(frozen=True, slots=True)
class ApiVersion:
    name: str  # of the API: "Graph API"
    version: str  # as the app's maker writes it; "" for an API without versions
    ends: date | None = None  # the last day on which it works, if the maker has announced one
    source: str = ""  # the title of the document with the version and its end
    setting: str = ""  # the name of the connector's field that overrides the version; "" if there is none
    end_of: Callable[[str], date | None] | None = None  # returns the end of a version that someone entered

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()

    def with_end(self) -> str:
        """The version and its end: “Google Ads API v26, until 1 Oct 2027”."""
        return f"{self}, until {self.ends.day} {self.ends:%b %Y}" if self.ends else str(self)

    def chosen(self, settings: Mapping[str, str]) -> ApiVersion:
        """The version that an app with these settings uses."""
        entered = settings.get(self.setting, "").strip() if self.setting else ""
        if not entered or entered == self.version:
            return self
        return replace(self, version=entered, ends=self.end_of(entered) if self.end_of else None)

    def warning(self, label: str, today: date) -> str:
        """A warning in sentences, from WARN_DAYS before the version's end; "" before that. `label`: the app's."""
        if self.ends is None or today < self.ends - timedelta(days=WARN_DAYS):
            return ""
        day = f"{self.ends.day} {self.ends:%B %Y}"
        happens = f"ended on {day}" if today > self.ends else f"ends on {day}"
        advice = "Enter a later version in the app's settings." if self.setting else "Update Rollcall before that."
        return f"{label}: the version in use, {self}, {happens}. {advice} Source: {self.source}."


LDAP = ApiVersion("LDAP", "v3", source="RFC 4511")
NO_API = ApiVersion("A file", "", source="It makes no calls.")
