"""The real servers that these tests start, as fixtures."""

from tests.real.smtp import smtp, smtp_starttls, smtps

__all__ = ["smtp", "smtp_starttls", "smtps"]
