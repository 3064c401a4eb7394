"""Where credentials are sealed and unsealed; the key lives in a file beside the database, never in it.
The file holds one key a line, newest first: the first seals, all unseal."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class VaultProblem(Exception):
    """The key file is not usable, or a credential was sealed with a key that is not in it."""


_keys: list[bytes] = []


def open_vault(path: str | os.PathLike) -> None:
    """Read the key file, or make one with mode 0600 where there is none."""
    path = Path(path)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _make_key(path)
    keys = path.read_bytes().split()
    try:
        MultiFernet([Fernet(key) for key in keys])
    except ValueError as problem:
        raise VaultProblem(f"{path} is not a key file: each line must be a Fernet key") from problem
    _keys[:] = keys


def _make_key(path: Path) -> None:
    """Make the file of the key in one step. If several processes start at once, one of them makes it and all use it."""
    made = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    opened = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(opened, "wb") as file:
            file.write(Fernet.generate_key() + b"\n")
        try:
            os.link(made, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            os.rename(made, path)
    finally:
        made.unlink(missing_ok=True)


def seal(values: dict[str, str]) -> bytes:
    return _fernet().encrypt(json.dumps(values).encode())


def unseal(sealed: bytes | None) -> dict[str, str]:
    """The values that `seal` was given; {} for None. Raises VaultProblem when no key fits."""
    if sealed is None:
        return {}
    try:
        return json.loads(_fernet().decrypt(bytes(sealed)))
    except InvalidToken as problem:
        raise VaultProblem(
            "A stored credential can't be decrypted: secret.key is not the one it was stored with. "
            "Restore the matching key file, or enter the credential again."
        ) from problem


def reseal(sealed: bytes) -> bytes:
    """The same values, sealed with the newest key."""
    return _fernet().rotate(bytes(sealed))


def derive(purpose: str) -> bytes:
    """32 bytes for a use other than credentials, made from the newest key."""
    return derived(_open_keys()[0], purpose)


def derived(key: bytes, purpose: str) -> bytes:
    """The same of one of all_keys()."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(key)


def all_keys() -> list[bytes]:
    """Every key of the file, the newest first."""
    return list(_open_keys())


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in _open_keys()])


def _open_keys() -> list[bytes]:
    if not _keys:
        raise VaultProblem("The key file has not been opened.")
    return _keys
