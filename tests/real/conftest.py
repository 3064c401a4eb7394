"""The servers of other makers, each with what a test asks of it."""

from tests.real.oidc_server import oidc_server  # noqa: F401
from tests.real.postgres import modest_roles, postgres, postgres_roles, postgres_server  # noqa: F401
from tests.real.scim_app import own_scim_server, scim, scim_app, scim_server  # noqa: F401
from tests.real.slapd import large_slapd, slapd  # noqa: F401
from tests.real.smtp import smtp, smtp_starttls, smtp_utf8, smtps  # noqa: F401
