"""Names and e-mails of people at GitHub. The list of members lacks them.

GraphQL (docs.github.com/graphql): User: name, email, organizationVerifiedDomainEmails. Where the organisation itself
has SAML sign-on, Organization.samlIdentityProvider: externalIdentities with samlIdentity and scimIdentity, visible to
"organization owners", their tokens "with read:org or admin:org scope" and Apps "with read or write access to members".
Where the enterprise has it, Enterprise.ownerInfo.samlIdentityProvider: for enterprise owners, their tokens with
read:enterprise or admin:enterprise (GitHub Changelog, 30 March 2023). The organisation's own is then refused
(Internet2/grouper, notes on GitHub provisioning).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from connectors.base import TemporarilyUnavailable
from connectors.github.client import GitHubClient
from connectors.tools.http import Forbidden
from connectors.tools.paging import Page, pages_by_cursor

PEOPLE = """query ($ids: [ID!]!, $org: String!) { nodes(ids: $ids) { ... on User {
  databaseId name email organizationVerifiedDomainEmails(login: $org) } } }"""
IDENTITIES = """samlIdentityProvider {
  externalIdentities(first: 100, membersOnly: true, after: $after, login: $login) {
    nodes { guid user { databaseId } samlIdentity { nameId emails { value } } scimIdentity { emails { value } } }
    pageInfo { hasNextPage endCursor } } }"""
SIGN_ON = f"query ($org: String!, $after: String, $login: String) {{ organization(login: $org) {{ {IDENTITIES} }} }}"
OF_ENTERPRISE = f"""query ($enterprise: String!, $after: String, $login: String) {{
  enterprise(slug: $enterprise) {{ ownerInfo {{ {IDENTITIES} }} }} }}"""
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


class People:
    """`read`: whether names and e-mails are read at all. `enterprise`: the name of the enterprise that has the SAML
    sign-on, "" if the organisation itself has it."""

    def __init__(self, client: GitHubClient, read: bool, enterprise: str = ""):
        self._client, self._read, self._enterprise = client, read, enterprise
        self._sign_on: dict[int, str] | None = None  # user id → e-mail; None until read_sign_on()

    def read_sign_on(self) -> None:
        """Read everyone's e-mail by SAML sign-on, for a whole reading. Only these e-mails are kept in memory."""
        if self._read:
            self._sign_on = dict(self._by_sign_on())

    def one(self, user: dict) -> dict:
        """The row of one user, with name and e-mails added."""
        if not self._read:
            return user
        known = self._by_sign_on(login=user["login"]) if self._sign_on is None else self._sign_on.items()
        return self._with_profiles([user], dict(known))[0]

    def all(self, page: list[dict]) -> list[dict]:
        """The rows of a page, with names and e-mails added."""
        return self._with_profiles(page, self._sign_on or {}) if self._read else page

    def _with_profiles(self, page: list[dict], by_sign_on: dict[int, str]) -> list[dict]:
        nodes = self._client.graphql(PEOPLE, ids=[row["node_id"] for row in page], org=self._client.org).get("nodes")
        known = {node["databaseId"]: node for node in nodes or () if node and "databaseId" in node}
        if missing := [row["login"] for row in page if row["id"] not in known and row.get("type") == "User"]:
            raise TemporarilyUnavailable(f"GitHub didn't return the profile of {missing[0]}. Nothing was changed.")
        return [row | known.get(row["id"], {}) | {"sign_on": by_sign_on.get(row["id"], "")} for row in page]

    def _by_sign_on(self, **of: str) -> Iterator[tuple[int, str]]:
        """(user id, e-mail) of each SAML identity; none without SAML sign-on, or without the permission to see it."""

        def fetch(cursor: str | None) -> Page:
            after = {"after": cursor} if cursor else {}
            identities = (self._provider(**of, **after) or {}).get("externalIdentities")
            if not identities:
                return Page([])
            info = identities["pageInfo"]
            return Page(identities["nodes"], next=info["endCursor"] if info["hasNextPage"] else None)

        try:
            for page in pages_by_cursor(fetch, what="SAML identities", id_of=lambda identity: identity["guid"]):
                for identity in page:
                    if (user := identity.get("user")) and (email := _email_of(identity)):
                        yield user["databaseId"], email
        except Forbidden:
            return


    def _provider(self, **variables: str) -> dict | None:
        """The SAML provider: the enterprise's if one is named, else the organisation's own."""
        if not self._enterprise:
            found = self._client.graphql(SIGN_ON, org=self._client.org, **variables).get("organization") or {}
            return found.get("samlIdentityProvider")
        found = self._client.graphql(OF_ENTERPRISE, enterprise=self._enterprise, **variables).get("enterprise") or {}
        return (found.get("ownerInfo") or {}).get("samlIdentityProvider")

    def lacks(self) -> str:
        """Why the e-mails of an enterprise's sign-on can't be read; "" if they can, or if no enterprise is named."""
        if not self._read or not self._enterprise:
            return ""
        try:
            if self._provider() is not None:
                return ""
        except (Forbidden, TemporarilyUnavailable):
            pass
        return (f"read e-mails of the enterprise {self._enterprise}: it has no SAML sign-on that this credential may "
                "see. Use the token of an enterprise owner, with the scope read:enterprise.")  # fmt: skip


def email_of(row: dict) -> str:
    """The e-mail of a row: at a verified domain, else from the SAML sign-on, else from the public profile."""
    verified = row.get("organizationVerifiedDomainEmails") or ()
    return min(verified, default=None) or row.get("sign_on") or row.get("email") or ""


def _email_of(identity: dict) -> str:
    saml, scim = identity.get("samlIdentity") or {}, identity.get("scimIdentity") or {}
    addresses = [email.get("value") for kind in (saml, scim) for email in kind.get("emails") or ()]
    return next((one for one in (*addresses, saml.get("nameId")) if one and ADDRESS.fullmatch(one)), "")
