"""Answers a SCIM request: the bearer token says for which directory it is.
scim2-server speaks the protocol; the resources are in sync/directory/scim_store.py."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from functools import cache

from flask import Response, current_app, make_response, request
from scim2_models import PayloadTooLargeException, SCIMException, UnauthorizedException
from scim2_server.handler import ScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import SCIM_MEDIA_TYPE, ScimResponse
from scim2_server.routing import Operation
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge

from sync import faults
from sync.directory import push, scim_disabling
from sync.directory.scim_store import Store
from sync.models import Directory
from sync.states import DirectoryState
from web import scim_forms, scim_tokens
from web.scim_limits import examine_body, examine_query
from web.scim_service import MOST_BYTES, Service, describe

READS = (Operation.query, Operation.search, Operation.search_with_body)
CHANGES = (Operation.create, Operation.replace, Operation.patch, Operation.delete, Operation.bulk)
MEANS_NOTHING = (404, 412)  # there is no such user; it was read before it was changed, and is read again
NEVER_TRIED = 424  # an operation of a Bulk request; RFC 4918, 11.4, has the word for it
WAIT_SECONDS = 60
PAUSED_SECONDS = 3600

log = logging.getLogger("rollcall.scim")


class Problem(SCIMException):
    """An answer of ours that the standard has no word for."""

    def __init__(self, status: int, detail: str):
        self.status, self.scim_type = status, ""
        super().__init__(detail=detail)


def answer(path: str) -> Response:
    """`path`: below /scim/v2. Several slashes are one, as where "/Users" was joined to an address that ends in one."""
    service = _service()
    asked = ScimRequest(
        method=request.method, base_url=current_app.config["ROLLCALL"].url + push.PATH,
        path=re.sub("/+", "/", f"/{path}"), query=request.args.to_dict(), headers=list(request.headers.items()),
    )  # fmt: skip
    wait: dict[str, str] = {}
    try:
        answered = _serve(service, asked, wait)
    except Exception as problem:
        if fault := faults.note(problem):
            wait["Retry-After"] = str(WAIT_SECONDS)
            problem = Problem(503, f"{fault.sentence} Nothing was changed: send it again later.")
        elif not isinstance(problem, SCIMException):
            log.exception("%s %s", request.method, request.path)
        answered = service.error_response(problem)
    return _response(answered, wait)


def refusal(problem: HTTPException) -> Response:
    """What never came to answer(): an address or a method that no route knows, in the standard's form."""
    return _response(_service().error_response(Problem(problem.code, problem.description or problem.name)), {})


def _serve(service: Service, asked: ScimRequest, wait: dict[str, str]) -> ScimResponse:
    with service.provider:
        operation = service.match(asked).operation
    if operation is Operation.service_provider_config:  # open to all, says RFC 7643
        return service.service_provider_config(asked.url, asked.query)
    directory = _directory(wait)
    if directory.state != DirectoryState.ACTIVE:
        if operation in CHANGES:
            push.note_refused(directory, "it is paused")
        wait["Retry-After"] = str(PAUSED_SECONDS)
        raise Problem(503, f"{directory.name} is paused in Rollcall: nothing was changed.")
    handler = ScimHandler(service, Store(directory, service.provider, operation not in READS))
    try:
        examine_query(asked.query)
        asked.body = _body()
        examine_body(asked.body)
        answer = handler.handle(asked)
    except SCIMException as problem:
        if operation in CHANGES:
            _note_refusal(directory, operation, asked, [problem.status], problem.detail or type(problem).__name__)
        raise
    except Exception as problem:
        if operation in CHANGES and _may_disable(operation, asked):
            push.note_failed(directory, problem)
        raise
    if operation is Operation.bulk:
        statuses = [int(done["status"]) for done in (answer.body or {}).get("Operations", ())]
        left_out = scim_forms.number_of_operations(asked.body) - len(statuses)  # after as many errors as failOnErrors
        _note_refusal(directory, operation, asked, [*statuses, *[NEVER_TRIED] * left_out],
                      "an operation of a Bulk request")
    return answer


def _note_refusal(
    directory: Directory, operation: Operation, asked: ScimRequest, statuses: Iterable[int], why: str
) -> None:
    is_refused = any(status >= 400 and status not in MEANS_NOTHING for status in statuses)
    if is_refused and _may_disable(operation, asked):
        push.note_refused(directory, why)


def _may_disable(operation: Operation, asked: ScimRequest) -> bool:
    return operation is Operation.delete or scim_disabling.may_disable(asked.body or b"")


@cache
def _service() -> Service:
    return Service(describe())


def _directory(wait: dict[str, str]) -> Directory:
    try:
        return scim_tokens.directory()
    except scim_tokens.WrongToken:
        raise UnauthorizedException(
            detail="A valid bearer token is needed: make one on Rollcall's Directory page."
        ) from None
    except scim_tokens.TooManyWrong:
        wait["Retry-After"] = str(scim_tokens.WAIT_SECONDS)
        raise Problem(429, "Too many requests without a valid token.") from None


def _body() -> bytes:
    request.max_content_length = MOST_BYTES
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise PayloadTooLargeException(detail=f"A request may have {MOST_BYTES:,} bytes") from None
    except ClientDisconnected:
        raise Problem(ClientDisconnected.code, "The request broke off before its end.") from None


def _response(answered: ScimResponse, wait: dict[str, str]) -> Response:
    body = b"" if answered.body is None else json.dumps(answered.body, ensure_ascii=False).encode()
    response = make_response(body, answered.status.value)
    response.headers.update(answered.headers | wait)
    if answered.body is None:
        del response.headers["Content-Type"]
    else:
        response.headers["Content-Type"] = SCIM_MEDIA_TYPE
    return response
