"""A security key in software, as WebAuthn level 3 describes one (section 6): makes passkeys, signs, counts.
Each part that it signs can be wrong on purpose."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from struct import pack

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

PRESENT, VERIFIED, NEW = 0x01, 0x04, 0x40  # flags


@dataclass
class SecurityKey:
    """One passkey on one device. `count` 0 is a device that doesn't count."""

    origin: str = "https://rollcall.acme.example"
    count: int = 1
    verifies: bool = True
    host: str | None = None  # instead of the one that the site names
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: bytes = b""

    def __post_init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def make(self, options: dict) -> str:
        """The answer to navigator.credentials.create()."""
        self.handle = base64url_to_bytes(options["user"]["id"])
        point = self._key.public_key().public_numbers()
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})
        about = bytes(16) + pack(">H", len(self.credential_id)) + self.credential_id + public
        data = self._data(options["rp"]["id"], NEW) + about
        attested = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer({"clientDataJSON": self._client_data("webauthn.create", options["challenge"]),
                             "attestationObject": attested})

    def use(self, options: dict, **wrong: bytes | str) -> str:
        """The answer to navigator.credentials.get(); `wrong` replaces parts of it."""
        if self.count:
            self.count += 1
        data = self._data(options["rpId"])
        answer = self._client_data("webauthn.get", options["challenge"])
        signature = self._key.sign(data + hashlib.sha256(answer).digest(), ec.ECDSA(SHA256()))
        parts = {"clientDataJSON": answer, "authenticatorData": data, "signature": signature, "userHandle": self.handle}
        return self._answer({**parts, **wrong})

    def _data(self, host: str, flags: int = 0) -> bytes:
        flags |= PRESENT | (VERIFIED if self.verifies else 0)
        return hashlib.sha256((self.host or host).encode()).digest() + bytes([flags]) + pack(">I", self.count)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _answer(self, parts: dict[str, bytes]) -> str:
        known = bytes_to_base64url(self.credential_id)
        response = {name: bytes_to_base64url(value) for name, value in parts.items()}
        return json.dumps({"id": known, "rawId": known, "type": "public-key", "response": response})
