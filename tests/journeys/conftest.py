"""The browser's fixtures, for every journey."""

from tests.journeys.browser import chromium, live, visit  # noqa: F401
