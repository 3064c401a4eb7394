"""One person leaves every app, by one approval."""
