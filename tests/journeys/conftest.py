"""The browser's fixtures, for every journey, and the servers that some of them need."""

from tests.journeys.browser import chromium, live, visit  # noqa: F401
from tests.real.oidc_server import oidc_server  # noqa: F401
from tests.real.scim_app import scim_app, scim_server  # noqa: F401
from tests.real.slapd import slapd  # noqa: F401
from tests.real.smtp import smtp, smtp_signed_in, smtp_starttls  # noqa: F401
