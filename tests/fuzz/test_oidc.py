"""What providers of OpenID Connect say: of themselves, their keys, their tokens and people.
Someone is signed in by verified values, or one of the connectors' errors says why not."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import ConnectorError
from connectors.oidc import discovery
from connectors.oidc.provider import Provider, SignedIn
from tests.fuzz.odd import fuzzed, nearly, nearly_bytes, odd_scalars, odd_texts, odd_values
from tests.web.oidc_fake import CLIENT, SECRET, FakeProvider, key, unsigned

JANA = {"email": "jana@acme.example", "email_verified": True, "name": "Jana", "groups": ["a", "b"], "sub": "u-1"}
CLAIMS = (
    "iss",
    "aud",
    "sub",
    "iat",
    "exp",
    "nbf",
    "nonce",
    "azp",
    "at_hash",
    "email",
    "email_verified",
    "groups",
    "auth_time",
    "amr",
    "acr",
)
ODD = (
    st.sampled_from(
        (CLIENT, [CLIENT], [CLIENT, "x"], ["x"], "x", 0, -1, 2**63, 1e999, "1", True, [], {}, [[]], {"a": 1})
    )
    | odd_values
)
METADATA = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "end_session_endpoint",
    "scopes_supported",
    "id_token_signing_alg_values_supported",
    "token_endpoint_auth_methods_supported",
    "authorization_response_iss_parameter_supported",
)
HEADERS = (
    {"alg": "RS256", "kid": "a", "typ": "JWT"},
    {"alg": "RS256", "kid": "a", "crit": ["x"], "x": 1},
    {"alg": "none"},
    {"alg": "HS256"},
)


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    fake = FakeProvider()
    yield fake
    fake.stop()


def sign_in(fake: FakeProvider, **answer: str) -> SignedIn | None:
    discovery.clear(fake.issuer)
    client = Provider(fake.issuer, CLIENT, SECRET)
    try:
        pending, address = client.begin("http://127.0.0.1:8000/answer", "openid email")
        assert isinstance(address, str)
        given = {"code": f"for {pending.nonce}", "state": pending.state} | answer
        found = client.signed_in(given, vars(pending))
        client.end_address(found.id_token, "http://127.0.0.1:8000/")
    except ConnectorError as problem:
        assert 0 < len(str(problem)) < 2000 and SECRET not in str(problem)
        return None
    assert isinstance(found.claims["sub"], str) and found.claims["sub"] and found.claims["iss"] == fake.issuer
    return found


def set_right(fake: FakeProvider) -> None:
    fake.claims, fake.userinfo, fake.metadata, fake.id_token, fake.token_answer, fake.keys = (
        dict(JANA),
        None,
        {},
        None,
        None,
        None,
    )


@fuzzed
@given(claims=st.dictionaries(st.sampled_from(CLAIMS), ODD, max_size=3))
def test_claims(provider, claims):
    set_right(provider)
    provider.claims = {**JANA, **{name: value for name, value in claims.items() if value is not None}}
    try:
        json.dumps(provider.claims, allow_nan=False).encode()
    except ValueError:
        return
    found = sign_in(provider)
    for name in ("aud", "nonce", "iss"):
        right = {"aud": (CLIENT, [CLIENT])}.get(name, ())
        assert (
            found is None
            or claims.get(name) is None
            or claims[name] in right
            or name == "aud"
            and CLIENT in claims[name]
        )


@fuzzed
@given(
    claims=st.dictionaries(st.sampled_from(METADATA), ODD | odd_texts | st.just("http://169.254.169.254/x"), max_size=2)
)
def test_metadata(provider, claims):
    set_right(provider)
    provider.metadata = claims
    sign_in(provider)


@fuzzed
@given(
    claims=nearly(st.just({**JANA, "address": {"x": 1}})) | odd_values,
    status=st.sampled_from((200, 200, 401, 404, 500, 302)),
)
def test_userinfo(provider, claims, status):
    set_right(provider)
    provider.claims = {"email": "jana@acme.example"}
    provider.userinfo = (status, json.dumps(claims))
    found = sign_in(provider)
    assert found is None or found.claims["email"] == "jana@acme.example"


@fuzzed
@given(
    header=nearly(st.sampled_from(HEADERS)),
    claims=nearly(st.just({"iss": "ISSUER", "sub": "u-1", "aud": CLIENT, "exp": 9**11})),
    signature=st.binary(max_size=300),
)
def test_tokens_that_nobody_signed(provider, header, claims, signature):
    set_right(provider)
    parts = [
        base64.urlsafe_b64encode(part).rstrip(b"=").decode()
        for part in (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    ]
    provider.id_token = ".".join(parts)
    assert sign_in(provider) is None, "nobody signed it"


@fuzzed
@given(
    change=nearly_bytes(st.just(b"."), 3)
    | st.sampled_from((b"", b"..", b"a.b.c", b"." * 1000, b"\xff.e30.", b"e30.e30.e30")),
    at=st.integers(0, 400),
)
def test_tokens_that_were_changed(provider, change, at):
    set_right(provider)
    right = provider.token("n")
    provider.id_token = (right[:at] + change.decode("latin-1") + right[at:]) if at % 2 else change.decode("latin-1")
    assert sign_in(provider) is None, "it is for another nonce, or changed"
    provider.id_token = unsigned({"iss": provider.issuer, "sub": "u-1", "aud": CLIENT})
    assert sign_in(provider) is None


@fuzzed
@given(
    answer=st.tuples(
        st.sampled_from((200, 200, 400, 401, 403, 429, 500)),
        nearly(st.just({"access_token": "at", "token_type": "Bearer", "id_token": "x.y.z", "error": "invalid_grant"}))
        | odd_values,
    )
)
def test_answers_of_the_token_address(provider, answer):
    set_right(provider)
    provider.token_answer = answer
    assert sign_in(provider) is None


@fuzzed
@given(
    keys=nearly(
        st.builds(
            lambda: [
                key("a").as_dict(private=False),
                {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
                {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
            ]
        ),
        4,
    )
    | odd_values
)
def test_keys(provider, keys):
    set_right(provider)
    provider.keys = keys
    sign_in(provider)


@fuzzed
@given(
    answer=st.dictionaries(
        st.sampled_from(("code", "state", "iss", "error", "error_description")), odd_scalars.map(str), max_size=3
    )
)
def test_any_address_of_the_provider_is_survived(provider, answer):
    set_right(provider)
    found = sign_in(provider, **answer)
    assert found is None or not answer.keys() & {"state", "error"}
