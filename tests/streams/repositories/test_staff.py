"""Accounts and tokens outlive Redis, and of two who change one at once none is lost."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis

from schemas.people.staff import Account, ApiToken, StaffRole
from streams.messaging import topics
from streams.messaging.producer import Producer, Record
from streams.messaging.reader import Tails
from streams.repositories.staff import Staff
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer
from streams.state.keys import STAFF_ACCOUNTS, STAFF_TOKENS

DATABASE = 13
NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)


@dataclass
class Room:
    """A store of accounts in an empty Redis; the topic may hold other tests' accounts."""

    redis: Any
    producer: Producer
    staff: Staff


@pytest.fixture
async def room(settings: Settings) -> AsyncIterator[Room]:
    topics.create(settings, [topics.STAFF])
    producer = make_producer(settings)
    await producer.start()
    async with Redis.from_url(f"{str(settings.redis).rsplit('/', 1)[0]}/{DATABASE}", protocol=3) as redis:
        await redis.flushdb()
        yield Room(redis, producer, Staff(settings, redis, producer))
    await producer.stop()


def account(login: str, **fields: object) -> Account:
    plain = {"login": login, "name": "某某", "role": StaffRole.OPERATOR, "changed_at": NOW, "changed_by": "test"}
    return Account.model_validate(plain | fields)


def token(number: str, login: str) -> ApiToken:
    who = {"made_by": "admin", "confirmed_by": "second"}
    fields = {"purpose": "地图", "scopes": ["cases.read"], "epoch": 0, "until": NOW, "made_at": NOW}
    return ApiToken.model_validate({"id": number, "hash": "a" * 64, "login": login} | fields | who)


async def test_accounts_and_tokens_come_back_after_redis_was_wiped(room: Room) -> None:
    await room.staff.put(account("back-1"))
    await room.staff.put(account("back-1", area="2202"))
    await room.staff.put_token(token("0123456789ab", "back-1"))
    await room.staff.put_token(token("ffffffffffff", "back-1"))
    await room.staff.revoke("ffffffffffff")
    await room.redis.flushdb()
    await room.staff.restore()
    found = await room.staff.get("back-1")
    assert found is not None
    assert found.area == "2202"
    assert await room.staff.token("0123456789ab") == token("0123456789ab", "back-1")
    assert await room.staff.token("ffffffffffff") is None


async def test_who_looks_somebody_up_in_a_wiped_redis_finds_him(room: Room) -> None:
    await room.staff.put(account("back-2"))
    await room.redis.flushdb()
    assert await room.staff.get("back-2") == account("back-2")


async def test_who_lists_the_tokens_in_a_wiped_redis_finds_them(room: Room) -> None:
    await room.staff.put(account("back-3"))
    await room.staff.put_token(token("aaaaaaaaaaaa", "back-3"))
    await room.redis.flushdb()
    assert token("aaaaaaaaaaaa", "back-3") in await room.staff.tokens()


async def test_the_names_on_pages_are_read_again_after_some_seconds_and_have_what_was_written_at_once(
    room: Room, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Staff(settings, room.redis, room.producer)
    await room.staff.put(account("named-1"))
    await other.names()
    assert other.named["named-1"] == account("named-1").name
    await room.staff.put(account("named-2"))
    await other.names()
    assert "named-2" not in other.named, "every request of a page asks for them"
    await other.put(account("named-3"))
    assert other.named["named-3"] == account("named-3").name
    monkeypatch.setattr("streams.repositories.staff.NAMES_SECONDS", 0.0)
    await other.names()
    assert {"named-1", "named-2", "named-3"} <= set(other.named)


class CountingStaff(Staff):
    """Counts how often the topic is read."""

    reads = 0

    async def restore(self, since: Tails | None = None) -> None:
        self.reads += 1
        await super().restore(since)


async def test_tokens_come_back_if_only_they_were_lost(room: Room) -> None:
    await room.staff.put(account("back-4"))
    await room.staff.put_token(token("bbbbbbbbbbbb", "back-4"))
    assert await room.staff.token("bbbbbbbbbbbb") is not None
    await room.redis.delete(STAFF_TOKENS)
    assert await room.staff.token("bbbbbbbbbbbb") == token("bbbbbbbbbbbb", "back-4")


async def test_nobody_is_missed_while_another_process_puts_the_accounts_back(room: Room) -> None:
    await room.staff.put(account("back-5"))
    await room.staff.put(account("back-6"))
    raw = await room.redis.hget(STAFF_ACCOUNTS, "back-6")
    await room.redis.flushdb()
    await room.redis.hset(STAFF_ACCOUNTS, "back-6", raw)  # so far
    assert await room.staff.get("back-5") == account("back-5")


async def test_an_installation_without_tokens_is_read_from_the_topic_once(room: Room, settings: Settings) -> None:
    counting = CountingStaff(settings, room.redis, room.producer)
    await counting.put(account("back-7"))
    for each in await counting.tokens():  # of other tests
        await counting.revoke(each.id)
    counting.reads = 0
    for _ in range(3):
        assert await counting.tokens() == []
    assert counting.reads == 0
    await counting.put_token(token("cccccccccccc", "back-7"))
    await room.redis.delete(STAFF_TOKENS)
    assert await counting.token("cccccccccccc") is not None


async def test_a_record_that_is_no_account_is_passed_over(room: Room) -> None:
    strange = [
        Record(topics.STAFF.name, b"strange-1", b"{}"),
        Record(topics.STAFF.name, b"strange-2", account("another").model_dump_json().encode()),
        Record(topics.STAFF.name, b"token/strange", b"[]"),
    ]
    await room.producer.send_all(strange)
    await room.staff.put(account("strange-3"))
    await room.redis.delete(STAFF_ACCOUNTS, STAFF_TOKENS)
    await room.staff.restore()
    logins = {each.login for each in await room.staff.all()}
    assert "strange-3" in logins
    assert not {"strange-1", "strange-2", "another"} & logins


async def test_of_two_changes_at_once_none_is_lost(room: Room) -> None:
    await room.staff.put(account("both", epoch=0))

    def count(before: Account, everybody: list[Account]) -> Account:
        return before.model_copy(update={"epoch": before.epoch + 1})

    await asyncio.gather(*(room.staff.change("both", count) for _ in range(8)))
    found = await room.staff.get("both")
    assert found is not None
    assert found.epoch == 8


async def test_what_is_refused_is_not_written(room: Room) -> None:
    await room.staff.put(account("stays"))

    def refuse(before: Account, everybody: list[Account]) -> Account:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await room.staff.change("stays", refuse)
    with pytest.raises(KeyError):
        await room.staff.change("nobody-here", lambda before, _: before)
    assert await room.staff.get("stays") == account("stays")
