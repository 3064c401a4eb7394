"""One maker's app that speaks SCIM as RFC 7644 has it, but for the deviations that its documents name.
A preset is the address, the deviations, the effects and the steps to the credential; all else is the SCIM connector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

from connectors.base import ASSETS, Field, Identity, Role
from connectors.scim.client import ScimClient
from connectors.scim.connector import Scim
from connectors.scim.extended import FIELDS
from connectors.scim.values import privileged_by_name

GROUPS = FIELDS["groups"]


class PresetClient(ScimClient):
    """No document of a preset's app names /Me (RFC 7644, 3.11), so it is never asked for."""

    def me(self) -> dict | None:
        return None


class ScimPreset(Scim):
    """A removal deactivates. A subclass says what else differs: `capabilities`, `client`, `_roles_of`."""

    api = ""  # the address of an app that has the same one for everyone
    administrators = ""  # names of the roles that may administer the whole app, with commas between; "": SCIM says none
    has_roles = True
    unknown = ""  # what its SCIM never says, and what to do about it: a phrase for Identity.missing
    client = PresetClient

    @property
    def _address(self) -> str:
        return self.settings.get("base_url") or self.api

    @property
    def removal_suspends(self) -> bool:
        return True

    @cached_property
    def _is_privileged(self) -> Callable[[str], bool]:
        listed = self.settings.get("privileged") or self.administrators
        return privileged_by_name(listed) if listed else lambda name: False

    def test(self) -> Identity:
        identity = super().test()
        return replace(identity, missing=(*identity.missing, self.unknown)) if self.unknown else identity

    def _obstacles_to_groups(self) -> list[str]:
        return super()._obstacles_to_groups() if ASSETS in self.capabilities else []

    def roles(self) -> list[Role]:
        return super().roles() if self.has_roles else []


def address_field(help: str, pattern: str, placeholder: str) -> Field:
    """The address of an app that has another one for each customer, over HTTPS alone by its `pattern`."""
    return Field("base_url", "SCIM address", help, pattern=pattern, placeholder=placeholder)
