"""The base for one maker's app that speaks SCIM by RFC 7644, except for the deviations that its documents name.
A preset has the address, the deviations, the effects and the steps to the credential. Scim has everything else."""

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
    """The client of presets. It never calls /Me (RFC 7644, 3.11), because no maker's document names it."""

    def me(self) -> dict | None:
        return None


class ScimPreset(Scim):
    """A removal deactivates. A subclass defines what differs otherwise: `capabilities`, `client`, `_roles_of`."""

    api = ""  # the address, if it is the same for every customer
    administrators = ""  # names of roles that may administer the whole app, separated by commas; "": SCIM has none
    has_roles = True
    unknown = ""  # a fact that its SCIM never reports, and what to do about it: a phrase for Identity.missing
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
    """The field for the address of an app that has a different one for each customer. `pattern` must require HTTPS."""
    return Field("base_url", "SCIM address", help, pattern=pattern, placeholder=placeholder)
