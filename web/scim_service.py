"""What Rollcall's SCIM server announces and how it reads: scim2-server's protocol with the tolerance that
Okta and Entra ID need, and with limits on what one request may ask for."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pydantic_core import to_json
from scim2_models import (
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    Context,
    ETag,
    Filter,
    InvalidFilterException,
    Patch,
    PayloadTooLargeException,
    Resource,
    ResourceType,
    ResponseParameters,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
)
from scim2_server.bulk import BulkPlan
from scim2_server.responses import ScimResponse
from scim2_server.service import ScimService
from scim2_server.utils import load_default_resource_types, load_default_schemas

from sync.states import ScimKind
from web import scim_forms, scim_members

MOST_BYTES = 4 * 1024 * 1024  # of one request: a group of some ten thousand members
MOST_OPERATIONS = 1000  # of one Bulk or PATCH
MOST_RESULTS = 200  # of one page
LONGEST_FILTER = 4000

# An unknown attribute comes back as it was written; the other two are what Entra ID does beside the standard.
TOLERANT = ScimPolicy(
    unknown=ScimPolicy.Unknown.keep,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)


def describe() -> ScimProvider:
    """The standard's User, EnterpriseUser and Group, and what this service can do."""
    return ScimProvider.from_discovery(
        load_default_schemas().values(), load_default_resource_types().values(), config=_config(), policy=TOLERANT
    )


def _config() -> ServiceProviderConfig:
    return ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=True, max_operations=MOST_OPERATIONS, max_payload_size=MOST_BYTES),
        filter=Filter(supported=True, max_results=MOST_RESULTS),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=True),
        etag=ETag(supported=True),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken, name="Bearer token", primary=True,
                description="The token that Rollcall showed when the directory was connected, as a bearer token.",
                spec_uri="https://www.rfc-editor.org/info/rfc6750",
            )
        ],
    )  # fmt: skip


class Service(ScimService):
    """scim2-server's service, which also reads what identity providers send beside the standard."""

    def read_creation(self, resource_type: ResourceType, body: bytes, content_type: str | None) -> Resource:
        return super().read_creation(resource_type, self._tidy(body, content_type, scim_forms.resource), content_type)

    def read_replacement(self, resource_type: ResourceType, body: bytes, content_type: str | None) -> Resource:
        body = self._tidy(body, content_type, scim_forms.resource)
        return super().read_replacement(resource_type, body, content_type)

    def read_patch(self, resource_type: ResourceType, body: bytes, content_type: str | None) -> Any:
        model = self.get_model(resource_type)
        body = self._tidy(body, content_type, lambda document: scim_forms.patch(document, model))
        patch = super().read_patch(resource_type, body, content_type)
        if len(patch.operations or []) > MOST_OPERATIONS:
            raise PayloadTooLargeException(detail=f"A PATCH may have {MOST_OPERATIONS:,} operations")
        return patch

    def apply_patch(self, current: Resource, patch_op: Any, conditions: Any) -> Resource | None:
        """The resource as it is after all operations; None where nothing is different."""
        self.check_preconditions(current, "PATCH", conditions)
        changed = [step(current) for step in scim_members.steps(patch_op)]
        return current if any(changed) else None

    def read_bulk(self, body: bytes, content_type: str | None) -> BulkPlan:
        self.ensure_bulk_payload_size(len(body))
        return super().read_bulk(self._tidy(body, content_type, self._tidy_bulk), content_type)

    def _tidy_bulk(self, document: Any) -> Any:
        models = {
            (kind.endpoint or "").strip("/").casefold(): self.get_model(kind) for kind in self.provider.resource_types
        }
        return scim_forms.bulk(document, models)

    def read_search(self, resource_types: list[ResourceType], payload: Any) -> tuple:
        asked = payload if isinstance(payload, dict) else {}
        for name, value in asked.items():
            if name.casefold() == "filter" and isinstance(value, str) and len(value) > LONGEST_FILTER:
                raise InvalidFilterException(detail=f"A filter may have {LONGEST_FILTER:,} characters")
        return super().read_search(resource_types, payload)

    def patch_response(
        self, base_url: str, resource: Resource, response_parameters: ResponseParameters
    ) -> ScimResponse:
        """The user as it is now, which Okta reads; nothing for a group, whose members may be many, unless asked."""
        if resource.meta.resource_type != ScimKind.USER:
            return super().patch_response(base_url, resource, response_parameters)
        return self.resource_response(
            self.publish(base_url, resource), Context.RESOURCE_REPLACEMENT_RESPONSE, response_parameters, HTTPStatus.OK
        )

    def _tidy(self, body: bytes, content_type: str | None, form: Any) -> bytes:
        document = self.decode_body(body, content_type)
        tidied = form(document)
        return body if tidied is document else to_json(tidied)
