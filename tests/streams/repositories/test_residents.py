"""The register on a real Kafka and Redis: found by what they hold at the time, also after Redis has lost it all."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from redis.asyncio import Redis

from domain.identity.entries import changed, merge
from domain.identity.identifiers import new_resident_id
from schemas.people.residents import Flag, Holding, Occupation, Resident, Sex
from streams.messaging import topics
from streams.repositories.residents.register import Asked, Residents
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
PHONE, OTHER, ACCOUNT = "+8614200000001", "+8614200000002", "6222000000000001"


def days(count: int) -> datetime:
    return NOW + timedelta(days=count)


def resident(*phones: Holding, **fields: object) -> Resident:
    """Somebody new."""
    known = {"name": "某某", "birth_year": 1970, "sex": Sex.FEMALE, "occupation": Occupation.RETIRED}
    known |= {"id": new_resident_id(os.urandom(10)), "division": "220102", "phones": phones}
    return Resident.model_validate(known | fields)


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    client = Redis.from_url(str(settings.redis), protocol=3)
    yield client
    await client.aclose()


@pytest.fixture
async def register(settings: Settings, redis: Redis) -> AsyncIterator[Residents]:
    """An empty register; what earlier tests left on the topic is erased."""
    topics.create(settings, [topics.RESIDENTS])
    producer = make_producer(settings)
    await producer.start()
    residents = Residents(settings, redis, producer)
    await residents.restore()
    await residents.erase([entry.id async for batch in residents.all() for entry in batch])
    yield residents
    await producer.stop()


async def holder(register: Residents, phone: str, at: datetime) -> str | None:
    return (await register.by_phone([(phone, at)]))[0]


async def test_a_resident_is_found_by_telephone_account_and_hashed_id(register: Residents) -> None:
    known = resident(Holding(value=PHONE), accounts=[Holding(value=ACCOUNT)], id_hash="h" * 26)
    await register.put([known])
    assert await register.by_phone([(PHONE, NOW), (OTHER, NOW)]) == [known.id, None]
    assert await register.by_account([(ACCOUNT, NOW), (PHONE, NOW)]) == [known.id, None]
    assert await register.by_id_hash(["h" * 26, "x" * 26]) == [known.id, None]
    assert await register.get([known.id, "r" + "z" * 16]) == {known.id: known}


async def test_a_batch_of_all_kinds_is_answered_in_the_order_asked(register: Residents) -> None:
    many = [resident(Holding(value=f"+86142000001{n:02}"), accounts=[Holding(value=f"ACC{n:06}")]) for n in range(40)]
    await register.put(many)
    asked = [Asked("phones", each.phones[0].value, NOW) for each in many]
    asked += [Asked("accounts", each.accounts[0].value, NOW) for each in many]
    assert await register.find(asked) == [each.id for each in many] * 2
    assert await register.count() == 40


async def test_a_telephone_that_changed_hands_is_each_owner_s_in_their_time(register: Residents) -> None:
    first = resident(Holding(value=PHONE, until=days(-10)))
    second = resident(Holding(value=PHONE, since=days(-10)))
    await register.put([first, second])
    assert await register.by_phone([(PHONE, days(-11)), (PHONE, NOW)]) == [first.id, second.id]


async def test_a_family_s_telephone_means_the_primary_and_tells_the_others(register: Residents) -> None:
    child = resident(Holding(value=PHONE, shared=True, primary=False), id="r" + "a" * 16)
    father = resident(Holding(value=PHONE, shared=True), id="r" + "b" * 16)
    await register.put([child, father])
    assert await holder(register, PHONE, NOW) == father.id
    assert await register.holders([Asked("phones", PHONE, NOW)]) == [(father.id, child.id)]


async def test_an_account_given_up_is_found_under_its_owner_no_more(register: Residents) -> None:
    before = resident(accounts=[Holding(value=ACCOUNT)])
    await register.put([before])
    await register.put([changed(before, accounts=[])])
    assert await register.by_account([(ACCOUNT, NOW)]) == [None]


async def test_a_merged_entry_is_a_signpost_and_never_found(register: Residents) -> None:
    one = resident(Holding(value=PHONE), id_hash="h" * 26)
    other = resident(Holding(value=OTHER), id_hash="h" * 26)
    await register.put([one, other])
    await register.put(merge(one, other, NOW))
    assert await register.by_phone([(PHONE, NOW), (OTHER, days(-5))]) == [one.id, one.id]
    assert await register.by_id_hash(["h" * 26]) == [one.id]
    assert (await register.standing([other.id]))[other.id].id == one.id


async def test_a_circle_of_signposts_leads_to_nobody_and_stops_nobody(register: Residents) -> None:
    one, other = resident(), resident()
    await register.put([changed(one, merged_into=other.id), changed(other, merged_into=one.id)])
    third = resident()
    await register.put([third])
    assert list(await register.standing([one.id, third.id])) == [third.id]


async def test_the_order_in_which_residents_are_put_does_not_matter(register: Residents) -> None:
    entries = [
        resident(Holding(value=PHONE, until=days(-1))),
        resident(Holding(value=PHONE, since=days(-3), shared=True)),
        resident(Holding(value=PHONE, since=days(-3), shared=True, primary=False), Holding(value=OTHER)),
    ]
    asked = [Asked("phones", value, days(at)) for value in (PHONE, OTHER) for at in (-9, -2, 0)]
    answers = []
    for order in permutations(entries):
        await register.erase([each.id for each in entries])
        for each in order:
            await register.put([each])
        answers.append(await register.holders(asked))
    assert all(answer == answers[0] for answer in answers)


async def test_the_same_put_twice_changes_nothing(register: Residents, redis: Redis, settings: Settings) -> None:
    entries = [resident(Holding(value=PHONE, shared=True)), resident(Holding(value=PHONE, shared=True))]
    await register.put(entries)
    before = await register.holders([Asked("phones", PHONE, NOW)])
    await register.put(entries)
    assert await register.holders([Asked("phones", PHONE, NOW)]) == before
    assert sum([await redis.hlen(f"phones:{{{q}}}") for q in range(settings.partitions)]) == 1


async def test_writers_at_the_same_time_leave_one_whole_entry_and_the_topic_agrees(
    register: Residents, redis: Redis
) -> None:
    entry = resident()
    versions = [changed(entry, phones=[Holding(value=f"+86142000002{n:02}")]) for n in range(20)]
    await asyncio.gather(*(register.put([version]) for version in versions))
    last = (await register.get([entry.id]))[entry.id]
    found = await register.by_phone([(version.phones[0].value, NOW) for version in versions])
    assert found == [entry.id if version == last else None for version in versions]
    await redis.flushdb()
    await register.restore()
    assert await register.get([entry.id]) == {entry.id: last}


async def test_a_writer_that_died_half_way_is_set_right_by_the_next(
    register: Residents, redis: Redis, settings: Settings
) -> None:
    entry = resident(Holding(value=PHONE))
    await register.put([entry])
    for q in range(settings.partitions):
        await redis.delete(f"phones:{{{q}}}")
    await register.put([entry])
    assert await holder(register, PHONE, NOW) == entry.id


async def test_redis_comes_back_from_the_topic_as_it_was(register: Residents, redis: Redis) -> None:
    many = [resident(Holding(value=f"+861420001{n:04}")) for n in range(2500)]
    await register.put(many)
    await register.put([changed(many[0], phones=[])])
    await register.erase([many[1].id])
    await redis.flushdb()
    assert await holder(register, many[7].phones[0].value, NOW) is None
    await register.restore()
    found = await register.by_phone([(each.phones[0].value, NOW) for each in many])
    assert found == [None, None, *(each.id for each in many[2:])]
    assert await register.count() == 2499


async def test_an_older_redis_is_brought_up_to_the_topic(register: Residents, redis: Redis, settings: Settings) -> None:
    entry, stranger = resident(Holding(value=PHONE)), resident(Holding(value=OTHER))
    await register.put([entry])
    old = {key: await redis.dump(key) for key in await redis.keys("*")}
    await register.put([changed(entry, phones=[], flags={Flag.VICTIM_BEFORE})])
    await redis.flushdb()
    for key, value in old.items():
        await redis.restore(key, 0, value or b"")
    where = topics.partition_of(stranger.id.encode(), settings.partitions)
    await redis.hset(f"residents:{{{where}}}", stranger.id, stranger.model_dump_json())
    await register.restore()
    assert (await register.get([entry.id]))[entry.id].flags == {Flag.VICTIM_BEFORE}
    assert await holder(register, PHONE, NOW) is None
    assert await register.get([stranger.id]) == {}


async def test_an_erased_resident_leaves_nothing_in_redis(register: Residents, redis: Redis) -> None:
    entry = resident(Holding(value=PHONE), accounts=[Holding(value=ACCOUNT)], id_hash="h" * 26)
    await register.put([entry])
    await register.erase([entry.id])
    names = ("residents", "phones", "accounts", "idhashes")
    assert [key for name in names for key in await redis.keys(f"{name}:*")] == []


async def test_a_register_without_a_producer_only_reads(settings: Settings, redis: Redis) -> None:
    with pytest.raises(RuntimeError, match="read only"):
        await Residents(settings, redis).put([resident()])


async def test_a_store_of_an_earlier_version_is_read_and_its_entries_become_short_as_they_change(
    register: Residents, redis: Redis, settings: Settings
) -> None:
    entry = resident(Holding(value=PHONE), accounts=[Holding(value=ACCOUNT)])
    await register.put([entry])
    where = f"residents:{{{topics.home(entry.id, settings.partitions)}}}"
    await redis.hset(where, entry.id, entry.model_dump_json())
    for key in await redis.keys("phones:*"):
        await redis.hset(key, PHONE, f'[["{entry.id}"]]')
    assert await register.get([entry.id]) == {entry.id: entry}
    assert await holder(register, PHONE, NOW) == entry.id
    await register.put([new := changed(entry, phones=[Holding(value=OTHER)])])
    assert await register.get([entry.id]) == {entry.id: new}
    assert [await holder(register, phone, NOW) for phone in (PHONE, OTHER)] == [None, entry.id]
    short: bytes | None = await redis.hget(where, entry.id)  # type: ignore[assignment]  # it is told to be text
    assert short is not None
    assert short.startswith(b"[")


async def test_two_who_always_shared_a_telephone_are_two_owners_and_one_when_the_other_goes(
    register: Residents, redis: Redis
) -> None:
    one, two = (resident(Holding(value=PHONE)) for _ in range(2))
    await register.put([one, two])
    assert set((await register.holders([Asked("phones", PHONE, NOW)]))[0]) == {one.id, two.id}
    await register.erase([one.id])
    assert await holder(register, PHONE, NOW) == two.id
    assert [await redis.hget(key, PHONE) for key in await redis.keys("phones:*")] == [two.id.encode()]
