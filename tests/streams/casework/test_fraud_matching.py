"""Matching the police's records to the register with a real Redis and Kafka: once, and as they change."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from domain.identity.id_keys import IdKeys
from domain.identity.personal import WITHHELD
from schemas.casework.inputs import FraudReport
from schemas.people.residents import Holding, Resident
from schemas.risk.reported_frauds import MatchedBy, ReportedFraud, UnmatchedReason
from streams.casework.fraud_matching import (
    CONTRADICTS,
    FORGOTTEN,
    REPEATED,
    SUPERSEDED,
    FraudMatching,
    RefusedRecordError,
)
from streams.messaging import topics
from streams.messaging.reader import Tails, read_all
from streams.messaging.record import Raw
from streams.repositories.residents.register import Asked, Residents
from streams.repositories.tables import FraudMatches
from streams.runtime.settings import Settings
from streams.state.shared_state import EmptiedError, Shared
from tests.channel_rig import PHONE, Rig, new_resident, rigged
from tests.dispatched import NOW

ID_NUMBER = "990000197001010077"


@dataclass
class Matching:
    """The stage, its rig, and one resident of the register."""

    rig: Rig
    stage: FraudMatching
    matches: FraudMatches
    register: Residents
    known: Resident

    async def inputs(self) -> list[FraudReport]:
        return [each for each in await self.rig.inputs(self.known.id) if isinstance(each, FraudReport)]


@pytest.fixture
async def matching(settings: Settings) -> AsyncIterator[Matching]:
    async with rigged(settings) as rig:
        topics.create(rig.settings, [topics.REPORTED_FRAUDS, topics.FRAUD_MATCHES, topics.DEAD_LETTERS])
        register = Residents(rig.settings, rig.redis, rig.producer)
        matches = FraudMatches(rig.settings, rig.redis, rig.producer)
        hashed = IdKeys(rig.settings.key()).hash_of_text(ID_NUMBER)
        known = new_resident().model_copy(update={"name": "王某伟", "id_hash": hashed})
        await register.put([known])

        async def restore(_: Tails | None) -> None:  # only of this test, whose topics others wrote before
            await register.put([known])
            for each in await matches.published():
                if each.resident == known.id:
                    await matches.put(each)

        shared = Shared(rig.settings, rig.redis, [restore], lease_seconds=1)
        await shared.ensure()
        stage = FraudMatching(rig.settings, shared, register, matches, rig.producer, rig.clock)
        yield Matching(rig, stage, matches, register, known)


def record(matching: Matching, **fields: object) -> ReportedFraud:
    hashed = matching.rig.settings.id_number_keys().hash_of_text(ID_NUMBER)
    known = {"source": "police", "id": "A1", "reported_at": NOW, "happened_to": NOW - timedelta(hours=2)}
    return ReportedFraud.model_validate({**known, "id_hash": hashed, "loss_fen": 500_000, **fields})


async def test_a_record_reaches_its_victims_case_once(matching: Matching) -> None:
    sent = record(matching)
    assert await matching.stage.take(sent) == MatchedBy.ID_NUMBER
    assert await matching.stage.take(sent) == REPEATED
    [given] = await matching.inputs()
    assert (given.record, given.happened_at, given.loss_fen) == ("police:A1", NOW - timedelta(hours=2), 500_000)
    stored = await matching.matches.get("police:A1")
    assert stored is not None
    assert (stored.resident, stored.by) == (matching.known.id, MatchedBy.ID_NUMBER)
    assert (stored.source, stored.division) == ("police", matching.known.division)
    assert "王" not in stored.model_dump_json()


async def test_a_record_that_was_published_and_not_stored_is_written_again_under_the_same_id(
    matching: Matching, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(matching.matches, "put", lost)
        with pytest.raises(ConnectionError):
            await matching.stage.take(record(matching))
    await matching.stage.take(record(matching))
    first, second = await matching.inputs()
    assert first.id == second.id, "casework applies an id once"


async def test_a_later_version_replaces_an_earlier_one_and_an_earlier_one_none(matching: Matching) -> None:
    await matching.stage.take(record(matching, version=2))
    assert await matching.stage.take(record(matching, version=1)) == SUPERSEDED
    await matching.stage.take(record(matching, version=3, loss_fen=100))
    assert [(each.version, each.loss_fen) for each in await matching.inputs()] == [(2, 500_000), (3, 100)]


async def test_a_record_that_turns_out_to_be_somebody_elses_is_withdrawn_from_the_first(matching: Matching) -> None:
    await matching.stage.take(record(matching))
    result = await matching.stage.take(record(matching, version=2, id_hash=None, phone=None))
    assert result == UnmatchedReason.NO_IDENTIFIER
    _, second = await matching.inputs()
    assert (second.withdrawn, second.version) == (True, 2)


async def test_a_record_without_a_match_is_matched_once_the_register_knows_its_victim(matching: Matching) -> None:
    sent = record(matching, id_hash=None, phone="+8619900009999", name="李某", division="220302")
    assert await matching.stage.take(sent) == UnmatchedReason.NOT_IN_REGISTER
    stored = await matching.matches.get("police:A1")
    assert stored is not None
    assert stored.division == "220302", "without a match, where the record says"
    other = new_resident().model_copy(update={"name": "李某", "phones": [Holding(value="+8619900009999")]})
    await matching.register.put([other])
    assert await matching.stage.take(sent) == MatchedBy.PHONE_NAME


async def test_a_telephone_counts_for_whoever_held_it_at_the_time_of_the_fraud_or_of_the_report(
    matching: Matching,
) -> None:
    since = NOW - timedelta(hours=1)  # after the fraud, before the report
    held = [Holding(value=PHONE, until=since), Holding(value="+8619900008888", since=since)]
    await matching.register.put([matching.known.model_copy(update={"phones": held})])
    for name, phone in (("A1", PHONE), ("A2", "+8619900008888")):
        sent = record(matching, id=name, id_hash=None, phone=phone, name="王某伟")
        assert await matching.stage.take(sent) == MatchedBy.PHONE_NAME


async def test_in_a_redis_that_was_emptied_a_record_waits_for_the_register_and_keeps_its_match(
    matching: Matching,
) -> None:
    await matching.stage.take(record(matching))
    await matching.rig.redis.flushdb()
    assert await matching.stage.take(record(matching)) == REPEATED
    await matching.rig.redis.flushdb()
    assert await matching.stage.take(record(matching, id="A2")) == MatchedBy.ID_NUMBER


async def test_a_redis_that_is_emptied_during_the_look_up_matches_nobody_and_writes_nothing(
    matching: Matching, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = matching.register.holders

    async def emptied(asked: Sequence[Asked]) -> list[tuple[str, ...]]:
        await matching.rig.redis.flushdb()
        return await found(asked)

    with monkeypatch.context() as lost:
        lost.setattr(matching.register, "holders", emptied)
        with pytest.raises(EmptiedError):
            await matching.stage.take(record(matching))
    assert await matching.inputs() == []
    assert await matching.stage.take(record(matching)) == MatchedBy.ID_NUMBER


async def test_a_record_that_comes_back_to_a_resident_from_whom_it_was_withdrawn_is_a_new_input(
    matching: Matching,
) -> None:
    await matching.stage.take(record(matching))
    await matching.stage.take(record(matching, version=2, id_hash=None))
    await matching.stage.take(record(matching, version=3))
    given = await matching.inputs()
    assert [each.withdrawn for each in given] == [False, True, False]
    assert len({each.id for each in given}) == 3, "casework drops an id that it knows"


async def test_another_content_under_the_same_version_is_refused_whichever_came_first(matching: Matching) -> None:
    await matching.stage.take(record(matching))
    for _ in range(2):
        with pytest.raises(RefusedRecordError, match="next version"):
            await matching.stage.take(record(matching, loss_fen=1))
        assert await matching.stage.take(record(matching)) == REPEATED
    assert [each.loss_fen for each in await matching.inputs()] == [500_000]
    await matching.stage.process(0, [Raw(0, record(matching, loss_fen=1).model_dump_json().encode())])
    letters = [each.value or b"" async for each in read_all(matching.rig.settings, topics.DEAD_LETTERS.name)]
    assert any(CONTRADICTS.encode() in each for each in letters)


async def test_a_record_hashed_under_the_next_key_of_id_numbers_is_the_same_record(matching: Matching) -> None:
    await matching.stage.take(record(matching))
    assert await matching.stage.take(record(matching, id_hash=f"{'a' * 26}.1")) == REPEATED
    with pytest.raises(RefusedRecordError):
        await matching.stage.take(record(matching, id_hash="a" * 26))


async def test_a_match_stands_when_the_register_changes_and_the_record_is_sent_again(matching: Matching) -> None:
    sent = record(matching, id_hash=None, phone=PHONE, name="王某伟")
    assert await matching.stage.take(sent) == MatchedBy.PHONE_NAME
    await matching.register.put([matching.known.model_copy(update={"phones": [], "name": "李某"})])
    assert await matching.stage.take(sent) == REPEATED
    assert [each.withdrawn for each in await matching.inputs()] == [False]


@pytest.mark.parametrize("field", ["name", "phone"])
async def test_a_record_whose_victim_was_erased_withdraws_nothing(matching: Matching, field: str) -> None:
    await matching.stage.take(record(matching))
    gone = record(matching, version=2, id_hash=None, **{field: WITHHELD})
    await matching.stage.process(0, [Raw(0, gone.model_dump_json().encode())])
    assert [each.withdrawn for each in await matching.inputs()] == [False]
    letters = [each.value or b"" async for each in read_all(matching.rig.settings, topics.DEAD_LETTERS.name)]
    assert any(FORGOTTEN.encode() in each for each in letters)


async def test_an_entry_that_was_merged_is_matched_as_the_one_that_replaced_it(matching: Matching) -> None:
    twin = new_resident().model_copy(update={"name": "王某伟"})
    await matching.register.put([twin, matching.known.model_copy(update={"merged_into": twin.id})])
    await matching.stage.take(record(matching, id_hash=None, phone=PHONE, name="王某伟"))
    stored = await matching.matches.get("police:A1")
    assert stored is not None
    assert stored.resident == twin.id


async def test_what_cannot_be_read_becomes_a_dead_letter_and_the_next_record_is_matched(matching: Matching) -> None:
    good = record(matching).model_dump_json().encode()
    await matching.stage.process(0, [Raw(0, b"{not json"), Raw(1, good)])
    letters = [each.value or b"" async for each in read_all(matching.rig.settings, topics.DEAD_LETTERS.name)]
    assert any(b"reported-frauds" in each for each in letters)
    assert len(await matching.inputs()) == 1
