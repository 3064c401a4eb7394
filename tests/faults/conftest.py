"""The servers of other makers that faults are tried with."""

from tests.real.scim_app import scim_app, scim_server  # noqa: F401
from tests.real.slapd import large_slapd, slapd  # noqa: F401
from tests.real.smtp import smtp  # noqa: F401
