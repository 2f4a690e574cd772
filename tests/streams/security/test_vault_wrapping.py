"""The vault keeps keys wrapped: its file opens nothing without the installation's key for the purpose `vault`."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.exceptions import InvalidTag

from domain.access.ciphers import WRAPPED_BYTES, unwrap_key, wrap_key
from domain.access.key_rings import KeyPurpose, key_id, with_accepted, with_in_force, without_key
from streams.messaging.producer import Record
from streams.runtime.settings import Settings, SettingsError
from streams.security.key_files import ALL, change_ring, load_keys, make_keys, random_key
from streams.security.record_encryption import RecordEncryption
from streams.security.vault import Vault, VaultError
from tests.tools.servers.process import wait_for
from tests.tools.servers.redis import RedisServer

OWNERS = [f"r{letter * 16}" for letter in "abc"]
WRAPPING = [random_key(), random_key(sm=True)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the keys, which this process reads."""
    made = tmp_path / "secrets"
    make_keys(made)
    monkeypatch.setenv("QUANZU_KEYS_FILE", str(made / ALL))
    return made


def opened(server: RedisServer) -> Vault:
    where = {"kafka": "127.0.0.1:1", "redis": "redis://127.0.0.1:1/0", "vault": server.url}
    return Vault(Settings.model_validate(where | {"secret": "the key of a test"}))


@pytest.fixture
async def vault(redis_aof: RedisServer, folder: Path) -> AsyncIterator[Vault]:
    async with aclosing(opened(redis_aof)) as made:
        yield made


def accept(folder: Path, *, sm: bool = False) -> None:
    """Make another key for the vault, and put it in force."""
    key = random_key(sm=sm)
    change_ring(folder, KeyPurpose.VAULT, lambda ring: with_accepted(ring, key))
    change_ring(folder, KeyPurpose.VAULT, lambda ring: with_in_force(ring, key_id(key)))


def forget_former(folder: Path) -> None:
    former = key_id(load_keys(folder)[KeyPurpose.VAULT].keys[1])
    change_ring(folder, KeyPurpose.VAULT, lambda ring: without_key(ring, former))


async def made(vault: Vault) -> dict[str, bytes | None]:
    return await vault.to_seal_under(await vault.known(OWNERS))


def stored(server: Any) -> dict[bytes, bytes]:  # noqa: ANN401 - redis-py's types allow strings too
    """What the vault stores, by owner."""
    return {owner: kept for name in server.keys("keys:*") for owner, kept in server.hgetall(name).items()}


def files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file() and "secrets" not in str(path))


@pytest.mark.parametrize("wrapping", WRAPPING, ids=["international", "chinese"])
def test_a_wrapped_key_opens_for_its_owner_and_its_wrapping_key_alone(wrapping: bytes) -> None:
    key = bytes(range(32))
    wrapped = wrap_key(wrapping, key, b"one")
    assert len(wrapped) == WRAPPED_BYTES
    assert wrapped == wrap_key(wrapping, key, b"one")
    assert unwrap_key(wrapping, wrapped, b"one") == key
    others = [(random_key(), wrapped, b"one"), (wrapping, wrapped, b"two")]
    others += [(wrapping, wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :], b"one") for at in (0, 5, 20, 60)]
    for other in others:
        with pytest.raises(InvalidTag):
            unwrap_key(*other)
    assert wrap_key(wrapping, key, b"two")[1:13] != wrapped[1:13]  # no nonce comes again for another owner


async def test_the_vaults_file_has_no_key_as_it_is(vault: Vault, redis_aof: RedisServer, tmp_path: Path) -> None:
    keys = await made(vault)
    kept = stored(redis_aof.client())
    wait_for(lambda: all(each in files(tmp_path) for each in kept.values()), "the keys to be on disk")
    on_disk = files(tmp_path)
    assert len(keys) == len(OWNERS)
    assert all(key is not None and key not in on_disk for key in keys.values())


async def test_a_process_without_the_wrapping_key_stops_and_makes_no_other_keys(vault: Vault, folder: Path) -> None:
    await vault.identified()
    await made(vault)
    await vault.check_wrapping()
    accept(folder)
    forget_former(folder)
    with pytest.raises(VaultError, match="wrapped under a key that QUANZU_KEYS lacks"):
        await vault.check_wrapping()
    with pytest.raises(VaultError, match="wrapped under a key that QUANZU_KEYS lacks"):
        await made(vault)


async def test_nothing_is_read_or_written_without_the_wrapping_key(vault: Vault, folder: Path) -> None:
    identity = await vault.identified()

    async def known() -> str:
        return identity

    person = orjson.dumps({"id": OWNERS[0], "name": "某某某", "sex": "male"})
    (value,) = await RecordEncryption(vault, known).encode([Record("residents", OWNERS[0].encode(), person)])
    accept(folder)
    forget_former(folder)
    for act in ("encode", "decode"):
        record = Record("residents", OWNERS[1 if act == "encode" else 0].encode(), person if act == "encode" else value)
        with pytest.raises(VaultError, match="wrapped under a key that QUANZU_KEYS lacks"):
            await getattr(RecordEncryption(vault, known), act)([record])


async def test_a_damaged_key_concerns_its_owner_alone(vault: Vault, folder: Path, redis_aof: RedisServer) -> None:
    keys, server = await made(vault), redis_aof.client()
    for name in server.keys("keys:*"):
        if server.hexists(name, OWNERS[1]):
            server.hset(name, OWNERS[1], "what is this")
    found = await vault.known(OWNERS)
    assert (found.of[OWNERS[0]], found.of[OWNERS[1]]) == ((keys[OWNERS[0]],), ())
    assert found.shut == {OWNERS[1]}
    with pytest.raises(VaultError, match="or is damaged"):
        await vault.to_seal_under(found)  # a new key would replace what a copy of the vault may still have
    accept(folder)
    assert await vault.rewrap() == len(OWNERS) - 1
    await vault.destroy([OWNERS[1]], datetime(2026, 3, 1, tzinfo=UTC))
    assert (await vault.known(OWNERS)).of[OWNERS[1]] is None


async def test_a_former_key_is_removed_only_when_no_key_in_the_vault_needs_it(vault: Vault, folder: Path) -> None:
    await made(vault)
    former = key_id(load_keys(folder)[KeyPurpose.VAULT].current)
    accept(folder)
    assert await vault.needing(former) == len(OWNERS)
    await vault.rewrap()
    assert await vault.needing(former) == 0


async def test_the_command_refuses_to_remove_a_key_that_the_vault_needs(
    vault: Vault, folder: Path, redis_aof: RedisServer
) -> None:
    await made(vault)
    former = key_id(load_keys(folder)[KeyPurpose.VAULT].current)
    accept(folder)
    where = {"QUANZU_KAFKA": "127.0.0.1:1", "QUANZU_REDIS": "redis://127.0.0.1:1/0", "QUANZU_VAULT": redis_aof.url}
    where["QUANZU_SECRET"] = "the key of a test"
    whole = [sys.executable, "-m", "quanzu", "admin", "access", "keys", "remove", str(folder), "vault", former]
    command = partial(subprocess.run, whole, env=os.environ | where, capture_output=True, text=True, check=False)
    refused = await asyncio.to_thread(command)
    assert refused.returncode != 0
    assert f"3 owners in the vault have a key that only {former} opens" in refused.stderr + refused.stdout
    await vault.rewrap()
    assert (await asyncio.to_thread(command)).returncode == 0
    assert former not in [key_id(key) for key in load_keys(folder)[KeyPurpose.VAULT].keys]


async def test_a_process_without_a_key_for_the_vault_is_told_so(
    vault: Vault, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUANZU_KEYS_FILE", str(folder / "keys-exporter"))
    with pytest.raises(SettingsError, match="no key for vault"):
        await made(vault)


@pytest.mark.parametrize("sm", [False, True], ids=["international", "chinese"])
async def test_the_wrapping_key_is_changed_while_keys_are_used_and_made(
    vault: Vault, folder: Path, redis_aof: RedisServer, tmp_path: Path, sm: bool
) -> None:
    before, first = await made(vault), stored(redis_aof.client())
    accept(folder, sm=sm)
    assert (await vault.known(OWNERS)).of == {owner: (key,) for owner, key in before.items()}
    new = await vault.to_seal_under(await vault.known(["calls/c1"]))
    assert await vault.rewrap() == len(OWNERS)  # the new one is wrapped under the new key already
    assert await vault.rewrap() == 0
    forget_former(folder)
    assert (await vault.known([*OWNERS, "calls/c1"])).of == {owner: (key,) for owner, key in (before | new).items()}
    assert not any(kept in files(tmp_path) for kept in first.values())  # nor on the disk, for whoever has that key


async def test_a_key_that_is_destroyed_while_keys_are_wrapped_anew_stays_destroyed(
    vault: Vault, folder: Path, redis_aof: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await made(vault)
    accept(folder)
    server, replace = redis_aof.client(), vault._redis.eval

    async def destroyed_before(*told: object) -> object:
        for name in server.keys("keys:*"):
            if server.hexists(name, OWNERS[1]):
                server.hset(name, OWNERS[1], "destroyed 2026-03-01T00:00:00+08:00")
        return await replace(*told)

    monkeypatch.setattr(vault._redis, "eval", destroyed_before)
    assert await vault.rewrap() == len(OWNERS) - 1
    found = (await vault.known(OWNERS)).of
    assert [found[owner] is None for owner in OWNERS] == [False, True, False]


async def test_a_copy_under_a_former_key_is_taken_in_once(
    vault: Vault, folder: Path, redis_aof: RedisServer, tmp_path: Path
) -> None:
    before = await made(vault)
    with RedisServer(tmp_path / "copy", synced="always") as server:
        source: Any = redis_aof.client()
        for name in source.keys("keys:*"):
            server.client().hset(name, mapping=source.hgetall(name))
        accept(folder)
        await vault.rewrap()
        async with aclosing(opened(server)) as copy:
            assert await vault.take_in(copy) == 0
            redis_aof.client().flushall()
            assert await vault.take_in(copy) == len(OWNERS)
    forget_former(folder)
    assert (await vault.known(OWNERS)).of == {owner: (key,) for owner, key in before.items()}
