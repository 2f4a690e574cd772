"""Keys of every purpose but the vault's and intake's change while they are used (for those two, test_vault_wrapping and
test_intake_encryption): nothing is lost, nothing becomes unreadable.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from domain.access.key_rings import KeyPurpose, key_id, with_accepted, with_in_force
from domain.access.signed_heads import heads_of
from schemas.administration.audit import AuditEntry
from streams.messaging import topics
from streams.runtime.clock import Clock
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings
from streams.security import audit, audit_log, encryption
from streams.security.audit_chains import Heads
from streams.security.encrypted_kafka import make_producer
from streams.security.head_files import signed_now
from streams.security.installation_keys import ring
from streams.security.key_files import ALL, change_ring, make_keys, random_key
from streams.state.case_store import connect

CLOCK = Clock()
USED = (KeyPurpose.AUDIT, KeyPurpose.AUDIT_HEADS, KeyPurpose.SECOND_FACTOR, KeyPurpose.DELIVERY, KeyPurpose.SESSION)
ENCRYPTS = (KeyPurpose.SECOND_FACTOR, KeyPurpose.DELIVERY)
WRITERS, ROUNDS = 3, 2  # to the Chinese algorithms, and back
PAUSE = 0.1  # between two steps of a rotation; the loops go round meanwhile


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    make_keys(tmp_path / "secrets")
    monkeypatch.setenv("QUANZU_KEYS_FILE", str(tmp_path / "secrets" / ALL))
    with Embedded(tmp_path / "servers") as servers:
        settings = servers.settings(Settings())
        topics.create(settings)
        yield settings


class Load:
    """Uses the keys until `over`, and keeps what was made with them."""

    def __init__(self, settings: Settings, heads: Heads) -> None:
        self.settings, self.heads, self.over = settings, heads, asyncio.Event()
        self.used: dict[KeyPurpose, set[str]] = {purpose: set() for purpose in USED}
        self.kept: list[tuple[KeyPurpose, str]] = []
        self.digests: list[str] = []
        self.signed: list[bytes] = []

    async def until_over(self, work: Callable[[], Awaitable[None]]) -> int:
        """Repeat the work; how often."""
        done = 0
        while not self.over.is_set():
            for purpose, used in self.used.items():
                used.add(key_id(ring(self.settings, purpose).current))
            await work()
            done += 1
            await asyncio.sleep(0)
        return done

    async def writes(self) -> int:
        """Write to the audit, as a process of its own."""
        producer = make_producer(self.settings, heads=self.heads)
        await producer.start()
        entry = AuditEntry(at=CLOCK.now(), by="operator-1", act="look-case", on="case-1")
        done = await self.until_over(lambda: audit.write(producer, [entry]))
        await producer.stop()
        return done

    async def seals(self) -> None:
        """Encrypt secrets, and hash a form's token."""
        for purpose in ENCRYPTS:
            self.kept.append((purpose, encryption.sealed(ring(self.settings, purpose), "purpose", "a secret")))
        self.digests.append(ring(self.settings, KeyPurpose.SESSION).digest("a form"))
        await asyncio.sleep(0.005)

    async def signs(self) -> None:
        """Sign the heads of the audit's chains."""
        self.signed.append(await signed_now(self.settings, self.heads, CLOCK.now()))
        await asyncio.sleep(0.01)

    async def rotates(self, folder: Path) -> None:
        """Change each key to a Chinese one, and back to an international one."""
        for number in range(ROUNDS):
            for purpose in USED:
                new = random_key(sm=number % 2 == 0)
                await asyncio.sleep(PAUSE)
                change_ring(folder, purpose, partial(with_accepted, new=new))
                await asyncio.sleep(PAUSE)
                change_ring(folder, purpose, partial(with_in_force, named=key_id(new)))
        await asyncio.sleep(PAUSE)
        self.over.set()

    def unreadable(self) -> int:
        """Of what was made, how much the keys as they are now do not open, match or verify."""
        now = {purpose: ring(self.settings, purpose) for purpose in USED}
        secrets = sum(encryption.opened(now[purpose], "purpose", text) != "a secret" for purpose, text in self.kept)
        forms = sum(not now[KeyPurpose.SESSION].matches_digest("a form", each) for each in self.digests)
        return secrets + forms + sum(len(heads_of(each, now[KeyPurpose.AUDIT_HEADS])) > WRITERS for each in self.signed)


async def test_nothing_is_lost_or_unreadable_while_all_these_keys_change_twice(own: Settings, tmp_path: Path) -> None:
    redis = connect(own)
    load = Load(own, Heads(redis))
    rotating = asyncio.create_task(load.rotates(tmp_path / "secrets"))
    *written, sealings, _ = await asyncio.gather(
        *(load.writes() for _ in range(WRITERS)), load.until_over(load.seals), load.until_over(load.signs)
    )
    await rotating
    found = await audit_log.verified(own, load.heads)
    assert (found.lines, found.faults, found.chains) == (sum(written), (), WRITERS)
    assert load.unreadable() == 0
    assert {purpose: len(used) for purpose, used in load.used.items()} == dict.fromkeys(USED, ROUNDS + 1)
    assert min(sealings, sum(written)) > ROUNDS * len(USED), "the load was none"
    print(f"{sum(written)} audit lines, {len(load.kept)} secrets, {len(load.digests)} forms, {len(load.signed)} signed")
    await redis.aclose()
