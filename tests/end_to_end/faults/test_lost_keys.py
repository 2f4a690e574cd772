"""A vault that has lost keys: those residents' records are put aside, all others go on; the copy brings them back."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
import pytest_asyncio
from redis import Redis

from domain.feeds.dead_letters import DeadLetterFilter
from domain.ids import short_hash
from domain.wording.codes import in_language
from schemas.casework.acts import NoteAct
from schemas.casework.cases import Case
from schemas.casework.events import FactKind
from schemas.casework.inputs import OperatorReport
from schemas.levels import Action
from schemas.people.residents import Resident
from streams.channels.settings import ChannelSettings
from streams.dead_letters.index import DeadLetterIndex
from streams.dead_letters.sending import Sending, Who
from streams.intake.settings import embedded_key, hash_of_key
from streams.messaging import topics
from streams.messaging.case_inputs import record
from streams.messaging.codec import LOST
from streams.messaging.producer import Record
from streams.messaging.reader import known_vault
from streams.security.record_encryption import RecordEncryption
from streams.security.vault import Vault
from streams.security.vault_identity import take_in
from tests.end_to_end.harness.house import SETTLE_SECONDS, House, on_servers, until
from tests.end_to_end.harness.rig import OPERATOR, Line
from tests.end_to_end.harness.signals import scam_app
from tests.end_to_end.test_forgotten import installed
from tests.streams.security.test_seals import copied, lose
from tests.tools.servers.redis import RedisServer

WORDS = "a word that the resident said"
ME = Who(OPERATOR, "a test")


@pytest_asyncio.fixture(loop_scope="session")
async def a_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    with installed(tmp_path) as settings:
        settings.data.mkdir()
        monkeypatch.setenv("QUANZU_API_KEYS", f"appwatch:{hash_of_key(embedded_key(settings))}")
        monkeypatch.setenv(
            "QUANZU_RECEIPTS_SECRET",
            ",".join(f"{name}:a secret of {name} with more than 32 signs" for name in ChannelSettings().signers()),
        )
        async with on_servers(settings) as made:
            yield made


def note(case: Case, line: Line) -> OperatorReport:
    act = NoteAct(what="note", note=WORDS)
    name, now = short_hash("lost", case.id), line.house.clock.now()
    return OperatorReport(
        id=name, at=now, resident=case.resident, case=case.id, by=OPERATOR, seen=case.version, act=act
    )


async def sealed_note(line: Line, resident: Resident) -> Record:
    """The record of an operator's note, sealed under the resident's key of today."""
    settings = line.house.settings
    plain = record(note(await line.case(resident), line), topics.home(resident.id, settings.partitions))
    async with aclosing(RecordEncryption(Vault(settings))) as encryption:
        (value,) = await encryption.encode([plain])
    return Record(plain.topic, plain.key, value, plain.partition)


async def in_case(line: Line, resident: Resident) -> None:
    await line.signal(scam_app(line, resident))
    await line.advance(minutes=4)
    line.expect(Action.SMS, resident)


async def test_who_lost_a_key_waits_for_the_copy_and_all_others_go_on(a_house: House, tmp_path: Path) -> None:
    line = Line.begun(a_house)
    settings = a_house.settings
    lost, other = await line.resident(), await line.resident()
    await in_case(line, lost)
    waiting = await sealed_note(line, lost)
    vault = Redis.from_url(str(settings.vault))
    with RedisServer(tmp_path / "copy", synced="always") as copy:
        copied(vault, copy.client())
        lose(vault, lost.id)

        await a_house.line.producer.send_all([waiting])
        await in_case(line, other)  # perhaps on the same partition: nobody waits
        assert a_house.worker.running, a_house.worker.log
        assert await noted(line, lost) == []

        letters = DeadLetterIndex(settings)
        await until(lambda: there(letters), SETTLE_SECONDS, lambda: a_house.worker.log)
        (letter,) = letters.page(DeadLetterFilter(topic=topics.CASE_INPUTS.name)).found
        assert letter.letter.why == LOST
        sending = Sending(settings, letters, a_house.line.producer, a_house.clock)
        refused = await sending.send_again([letter.letter.id], None, ME)
        assert refused.refused == {letter.letter.id: LOST}

        await line.operator(lost, NoteAct(what="note", note="under a new key"))  # his case goes on meanwhile
        assert await known_vault(settings) is not None
        assert await take_in(settings, copy.url, OPERATOR, "a test", a_house.clock.now()) >= 1
    sent = await sending.send_again([letter.letter.id], None, ME)
    assert list(sent.done) == [letter.letter.id]
    await line.settle()
    assert any(WORDS in words for words in await noted(line, lost))
    assert any("under a new key" in words for words in await noted(line, lost))
    line.expect_nothing_else()


async def there(letters: DeadLetterIndex) -> bool:
    await letters.refresh()
    return bool(letters.page(DeadLetterFilter(topic=topics.CASE_INPUTS.name)).found)


async def noted(line: Line, resident: Resident) -> list[str]:
    return [in_language("zh").sentence(fact.what) for fact in await line.facts(resident, FactKind.NOTE)]
