"""The base for one maker's app that speaks SCIM and has the role in the maker's own extension of a user, such as Figma
and Notion. Each connector's file names the maker's documents."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.base import Account, Refused, Role
from connectors.scim.connector import Scim
from connectors.tools.refusals import must_be_offered

FIELDS = {field.name: field for field in Scim.fields}


class ExtendedScim(Scim):
    """A subclass defines `_address`, `_role_of` and `_extension_of`."""

    extension = ""  # the schema with the attribute that holds the role
    role_key = ""  # the name of that attribute
    ranks: tuple[Role, ...] = ()
    reads_item_by_item = False  # a subclass may add facts from another answer to an account

    def roles(self) -> list[Role]:
        return list(self.ranks)

    def _held(self, user: dict, roles: list[tuple[str, str, bool]] | None = None) -> Sequence[str]:
        extension = user.get(self.extension)
        role = self._role_of(extension if isinstance(extension, dict) else {})
        return (role,) if role else ()

    def _says_role(self, user: dict, roles: list[tuple[str, str, bool]]) -> bool:
        extension = user.get(self.extension)
        return isinstance(extension, dict) and self.role_key in extension

    def _role_of(self, extension: dict) -> str:
        raise NotImplementedError

    def _extension_of(self, role: str) -> dict:
        raise NotImplementedError

    def change_role(self, account: Account, role: str) -> None:
        must_be_offered(role, [rank.id for rank in self.ranks], self.label)
        super().change_role(account, role)

    def _set_role(self, user: dict, before: str, role: str) -> None:
        """By a PATCH without a path (RFC 7644, 3.5.2.3), because few servers understand a schema's name as a path."""
        value = {self.extension: self._extension_of(role)}
        operation = {"op": "replace", "value": value}
        after = self._client.change("Users", user, [operation], lambda whole: whole.update(value))
        if after and self.extension in after and next(iter(self._held(after)), "") != role:
            raise Refused(f"{self.label} accepted the request, but the role is unchanged. Check whether your plan "
                          "allows roles over SCIM.")

    def _new_user(self, email: str, role: str) -> dict:
        default = next(rank.id for rank in self.ranks if rank.default)
        return {**super()._new_user(email, ""), self.extension: self._extension_of(role or default)}
