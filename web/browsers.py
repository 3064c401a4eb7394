"""What a browser calls itself, in two words that its owner recognises: "Firefox on Linux"."""

from __future__ import annotations

BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
           ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip


def in_words(user_agent: str) -> str:
    """The browser and its system in words; it is "An unknown browser" if its name isn't recognised."""
    browser = next((word for sign, word in BROWSERS if sign in user_agent), "An unknown browser")
    system = next((word for sign, word in SYSTEMS if sign in user_agent), "")
    return f"{browser} on {system}" if system else browser
