"""Credentials: sealed with a key that is nowhere in the database, rotated, refused in words when the key is wrong."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from sync import vault

SECRET = {"token": "t0p-s3cret-ü✓", "password": ""}


@pytest.fixture
def key(tmp_path: Path) -> Path:
    vault.open_vault(tmp_path / "keys" / "secret.key")
    return tmp_path / "keys" / "secret.key"


def test_the_key_is_made_once_and_readable_by_its_owner_only(key):
    made = key.read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    vault.open_vault(key)
    assert key.read_bytes() == made


def test_of_processes_that_start_together_one_makes_the_key_and_all_have_it(tmp_path):
    path, ready, found = tmp_path / "keys" / "secret.key", threading.Barrier(6), []

    def begin() -> None:
        ready.wait()
        vault._make_key(path)  # open_vault has found no file
        found.append(path.read_bytes())

    path.parent.mkdir()
    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1 and len(found) == 6 and [file.name for file in path.parent.iterdir()] == ["secret.key"]


def test_a_sealed_value_is_unreadable_until_it_is_unsealed(key):
    sealed = vault.seal(SECRET)
    assert vault.unseal(sealed) == SECRET and b"s3cret" not in sealed
    assert vault.seal(SECRET) != sealed, "the same secret does not look the same twice"
    assert vault.unseal(memoryview(sealed)) == SECRET and vault.unseal(None) == {}


def test_a_new_key_in_front_seals_and_the_old_one_still_unseals(key):
    old = vault.seal(SECRET)
    key.write_bytes(Fernet.generate_key() + b"\n" + key.read_bytes())
    vault.open_vault(key)
    assert vault.unseal(old) == SECRET
    renewed = vault.reseal(old)
    key.write_bytes(key.read_bytes().splitlines()[0] + b"\n")
    vault.open_vault(key)
    assert vault.unseal(renewed) == SECRET
    with pytest.raises(vault.VaultProblem, match="secret.key is not the one"):
        vault.unseal(old)


def test_a_wrong_key_is_reported_without_the_secret(key):
    sealed = vault.seal(SECRET)
    key.write_bytes(Fernet.generate_key())
    vault.open_vault(key)
    with pytest.raises(vault.VaultProblem) as problem:
        vault.unseal(sealed)
    assert "s3cret" not in str(problem.value) and "enter the credential again" in str(problem.value)


@pytest.mark.parametrize("broken", [b"", b"\n\n", b"not a key", b"\xff\xfe", b"Zm9yIGEga2V5IGl0IGlzIHRvbyBzaG9ydA=="])
def test_a_file_that_is_no_key_stops_the_start_and_stays(key, broken):
    key.write_bytes(broken)
    with pytest.raises(vault.VaultProblem, match="secret.key"):
        vault.open_vault(key)
    assert key.read_bytes() == broken, "never overwritten: it may be the only copy"


@pytest.mark.parametrize("sealed", [b"", b"x", b"\x00" * 100])
def test_a_value_that_was_never_sealed_is_refused(key, sealed):
    with pytest.raises(vault.VaultProblem):
        vault.unseal(sealed)


def test_a_changed_byte_is_noticed(key):
    sealed = bytearray(vault.seal(SECRET))
    sealed[len(sealed) // 2] ^= 1
    with pytest.raises(vault.VaultProblem):
        vault.unseal(bytes(sealed))


def test_derived_keys_differ_by_purpose_and_stay(key):
    one = vault.derive("sessions")
    assert len(one) == 32 and one != vault.derive("queue")
    vault.open_vault(key)
    assert vault.derive("sessions") == one
