"""Somebody is forgotten: on real servers, and looked for everywhere afterwards, on their disks too."""

import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import pytest_asyncio

from domain.identity.entries import merge
from domain.identity.identifiers import account_token, new_resident_id
from domain.statistics.export import pseudonyms
from schemas.administration.after_warning import AfterWarningReading
from schemas.administration.dead_letters import DeadLetter
from schemas.casework.acts import CloseAct, LossAvoidedClaim, NoteAct, OutcomeAct
from schemas.casework.events import FactKind
from schemas.levels import EvidenceClass, Level, Outcome
from schemas.people.calls import Call as CallIn
from schemas.people.complaints import Complaint, ComplaintKind
from schemas.people.legal_holds import LegalAuthority, LegalHold, LegalHoldState
from schemas.people.residents import Holding, Resident, TrustedContact
from schemas.people.subject_requests import IdentityProof, SubjectRequest, SubjectRight
from schemas.risk.reported_frauds import FraudMatch, MatchedBy, UnmatchedReason
from schemas.risk.signals import Signal
from streams.casework.after_warning_watch import stored_after_warning
from streams.channels.settings import ChannelSettings
from streams.intake.settings import embedded_key, hash_of_key
from streams.messaging import topics
from streams.messaging.dead_letter_writer import DeadLetters
from streams.messaging.reader import read_all
from streams.operations import backup
from streams.operations.erasure import NotForgottenError, forget
from streams.operations.export import Format, Kind, Span, export
from streams.operations.preservation import preserve_records
from streams.runtime.settings import Settings
from streams.security.vault import VaultError
from streams.state.keys import AFTER_WARNING
from tests.end_to_end.harness.house import SETTLE_SECONDS, House, on_servers, until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer
from tests.folding import proven_cases
from tests.preserved import preserved_of
from tests.tools.installation_keys import KEYS
from tests.tools.servers.kafka import Kafka
from tests.tools.servers.redis import RedisServer

SOURCES = ("bank", "carrier")
NAME, ADDRESS, FRIEND = "忘忧某", "遗忘示例路九号", "亲友忘某"
NOTE, COMPLAINT, SAID = "a word that the resident said", "the words of a complaint", "the words of a call"
REQUEST = "the words of a request"
FAR = timedelta(days=4000)


@contextmanager
def installed(folder: Path) -> Iterator[Settings]:
    """A broker, a store and a vault on disk."""
    with (
        Kafka(folder / "kafka") as kafka,
        RedisServer(folder / "redis") as redis,
        RedisServer(folder / "vault", synced="always") as vault,
    ):
        yield Settings(
            kafka=kafka.address,
            redis=redis.url,
            vault=vault.url,
            replication=1,
            secret="the key of a test",
            keys=KEYS,
            data=folder / "data",
            http_port=0,
            metrics_port=0,
        )


@asynccontextmanager
async def installed_house(folder: Path) -> AsyncIterator[House]:
    """A whole installation on such servers, with the keys of intake and of receipts in the environment."""
    secrets = ",".join(f"{name}:a secret of {name} with more than 32 signs" for name in ChannelSettings().signers())
    with installed(folder) as settings, pytest.MonkeyPatch.context() as patch:
        settings.data.mkdir()
        patch.setenv("QUANZU_API_KEYS", f"bank:{hash_of_key(embedded_key(settings))}")
        patch.setenv("QUANZU_RECEIPTS_SECRET", secrets)
        async with on_servers(settings) as made:
            yield made


@pytest_asyncio.fixture(loop_scope="session")
async def a_house(tmp_path: Path) -> AsyncIterator[House]:
    async with installed_house(tmp_path) as made:
        yield made


async def sent(line: Line, *signals: Signal) -> None:
    """Signals of several sources: here one feed tells them all, as a bank that knows of calls."""
    await line.signal(*(each.model_copy(update={"source": "bank"}) for each in signals))


def words_of(person: Resident, own_payee: str) -> list[bytes]:
    """By which the person would be known, wherever they stand."""
    numbers = [holding.value.removeprefix("+86") for holding in (*person.phones, *person.accounts)]
    friends = [friend.phone.removeprefix("+86") for friend in person.contacts]
    told = [NAME, ADDRESS, FRIEND, NOTE, COMPLAINT, SAID, REQUEST, str(person.id_hash), own_payee]
    return [word.encode() for word in (*numbers, *friends, *told)]


async def on_topics(settings: Settings, words: list[bytes]) -> set[tuple[str, bytes]]:
    """Which words can be read on which topics, by whoever has the vault."""
    return {
        (topic.name, word)
        for topic in topics.ALL
        async for record in read_all(settings, topic.name)
        for word in words
        if word in (record.value or b"") or word in _refused(topic.name, record.value)
    }


def _refused(topic: str, value: bytes | None) -> bytes:
    return DeadLetter.model_validate_json(value).content if topic == "dead-letters" and value else b""


async def in_redis(house: House, words: list[bytes]) -> set[tuple[bytes, bytes]]:
    """Which words stand under which keys, whatever their kind."""
    redis, found = house.line.redis, set()
    async for name in redis.scan_iter(count=1000):
        match (await redis.type(name)).decode():
            case "string":
                parts = [await redis.get(name)]
            case "hash":
                parts = [part for pair in (await redis.hgetall(name)).items() for part in pair]
            case "zset":
                parts = await redis.zrange(name, 0, -1)
            case "set":
                parts = await redis.smembers(name)
            case "none":  # it has just run out
                parts = []
            case other:
                raise AssertionError(f"nobody looks into a {other}")
        found |= {(name, word) for word in words for part in (name, *parts) if word in (part or b"")}
    return found


def on_disk(folder: Path, words: list[bytes]) -> set[tuple[str, bytes]]:
    """Which words stand in which files of the servers, of the workers' logs and of what was taken out."""
    found = set()
    for root, _, names in os.walk(folder):  # passes over what goes away meanwhile
        for path in map(Path(root).joinpath, names):
            raw = path.read_bytes()
            if path.suffix == ".parquet":
                raw += repr(pq.read_table(path).to_pylist()).encode() + b"".join(_cells(path))
            lane = re.match(r"signals(-urgent)?(?=-\d+$)", path.parent.name)
            found |= {(lane[0] if lane else str(path), word) for word in words if word in raw}
    return found


def _cells(path: Path) -> Iterator[bytes]:
    for row in pq.read_table(path).to_pylist():
        yield from (value for value in row.values() if isinstance(value, bytes))


async def lived_through(line: Line, person: Resident, *payees: str) -> None:
    """A case from its first signal to its end, with all that may be written down of somebody on the way."""
    house = line.house
    paid = [transfer(line, person, payee) for payee in payees]
    await sent(line, call(line, person, ongoing=True), *paid)
    assert (await line.case(person)).level is Level.RED
    await line.operator(person, NoteAct(what="note", note=NOTE))
    kept = LossAvoidedClaim(transfer=f"bank:{paid[0].id}", evidence=EvidenceClass.C, amount_fen=paid[0].amount_fen)
    await line.operator(person, NoteAct(what="conversation"))
    await line.operator(person, OutcomeAct(outcome=Outcome.DISSUADED, kept=[kept]))
    now = house.clock.now()
    await house.line.complaints.put(
        Complaint(
            id=f"k{'0' * 20}",
            at=now,
            by="operator-1",
            kind=ComplaintKind.TOO_OFTEN,
            text=COMPLAINT,
            area="2201",
            resident=person.id,
            answer_due=now,
            end_due=now,
        )
    )
    await house.line.subject_requests.put(
        SubjectRequest(
            id=f"s{'0' * 20}",
            at=now,
            by="operator-1",
            right=SubjectRight.ERASE,
            proof=IdentityProof.IN_PERSON,
            name=NAME,
            note=REQUEST,
            area="2201",
            resident=person.id,
            due=now,
        )
    )
    called = CallIn(id=f"c{'0' * 20}", at=now, by="operator-1", phone=person.phones[0].value, recording=SAID)
    await house.line.calls.put(called)
    refused = f'{{"kind":"call","called":"{person.phones[0].value}"}}'.encode()
    await DeadLetters(house.line.producer, house.clock).record("signals", 0, 10**6, refused, "no such thing", "bank")
    await line.advance(days=6)
    case = await line.case(person)
    if case.open:
        await line.operator(person, CloseAct(do="close", reason="there is nothing more to do"))


def _match(name: str, of: dict[str, object]) -> FraudMatch:
    times = dict.fromkeys(("reported_at", "happened_at", "received_at"), datetime(2026, 3, 1, tzinfo=UTC))
    known = {"id": name, "version": 1, "change": 1, "digest": "0" * 32, "dated": True}
    return FraudMatch.model_validate(known | times | of)


async def test_nothing_of_who_was_forgotten_can_be_read_anywhere_and_all_is_counted_as_before(
    a_house: House, tmp_path: Path
) -> None:
    house = a_house
    line, settings = Line.begun(house), house.settings
    own_payee, shared_payee = line.account(), line.account()
    friend = TrustedContact(name=FRIEND, phone=line.phone(), relation="亲友")
    person = await line.resident(name=NAME, address=ADDRESS, contacts=[friend], id_hash="a" * 64)
    other = await line.resident(name="旁人某")
    await lived_through(line, person, own_payee, shared_payee)
    await sent(line, call(line, other, ongoing=True), transfer(line, other, shared_payee))
    await line.advance(days=6)  # so that nothing that counts is under way: the clock goes on meanwhile
    words = words_of(person, own_payee)

    # Before: it is all there, and this search finds it; on Kafka's disk there is nothing of it.
    assert {word for _, word in await on_topics(settings, words)} == set(words)
    assert set(words) - {word for _, word in await in_redis(house, words)} == {NOTE.encode()}  # in the journal alone
    lanes = {lane.name for lane in topics.LANES}
    assert on_disk(tmp_path / "kafka", words) == set()
    assert {word for topic in topics.ALL for _, word in await _lying(settings, topic, words)} == set()
    before = await _books(house)
    assert before[0]["kept_c"] == 3_000_000

    matches = house.line.fraud_matches
    await matches.put(_match("police:1", {"resident": person.id, "by": MatchedBy.ID_NUMBER}))
    await matches.put(_match("police:2", {"why": UnmatchedReason.CONFLICT, "candidates": [person.id, other.id]}))

    reading = AfterWarningReading(
        at=house.clock.now(), since=house.clock.now(), groups=[], after_warning=frozenset({"police:1"})
    )
    figures = {"at": house.clock.now().isoformat(), "reading": reading.model_dump_json()}
    await house.line.redis.hset(AFTER_WARNING, mapping=figures)

    told = await forget(house.line, person.id, "supervisor-1", "asked for in writing")
    assert (told.cases, told.records, told.accounts) == (1, 4, 2)
    await line.settle()

    # After: by whoever has the vault, and in the store.
    assert {each for each in await on_topics(settings, words) if each[0] not in lanes} == set()
    assert await in_redis(house, words) == set()
    assert [(each.id, each.candidates) for each in await matches.published()] == [("police:2", [other.id])]
    assert await matches.get("police:1") is None
    stored = await stored_after_warning(house.line.redis)  # none, or counted anew
    assert stored is None or stored.after_warning == frozenset()

    # What is counted is as it was, who is beside the person is known as before, and the journal says what was done.
    assert await _books(house) == before
    assert (await house.line.residents.get([other.id]))[other.id].name == "旁人某"
    assert await house.line.outgoing.account(account_token(settings.key(), shared_payee)) == shared_payee
    assert [fact.kind for fact in (await line.facts(person))[-1:]] == [FactKind.FORGOTTEN]
    case = await line.case(person)
    assert (case.profile.birth_year, case.profile.division) == (1970, "220100")

    # A store that is built anew from the journal knows no more.
    await house.line.redis.flushall()
    await until(lambda: _whole(house), SETTLE_SECONDS, lambda: house.worker.log)
    assert await line.case(person) == case
    assert await in_redis(house, words) == set()
    assert await _books(house) == before

    # What is taken out now has nothing of it, and nothing that is on disk has.
    await _taken_out(house, tmp_path / "out")
    assert on_disk(tmp_path, words) == set()


async def _lying(settings: Settings, topic: topics.Topic, words: list[bytes]) -> set[tuple[str, bytes]]:
    """What can be read on a topic by who has no vault, such as in a backup."""
    return {
        (topic.name, word)
        async for record in read_all(settings, topic.name, opened=False)
        for word in words
        if word in (record.value or b"")
    }


async def _books(house: House) -> tuple[Counter[str], int, int, list[str]]:
    partitions = range(house.settings.partitions)
    counts = await house.line.store.sums("counts", partitions)
    folded = [await proven_cases(house.settings, partition) for partition in partitions]
    cases = sorted(name for each in folded for name in each)
    return await house.line.store.sums("ledger", partitions), counts["fact|kept"], counts["opened|red"], cases


async def _whole(house: House) -> bool:
    stands = [await house.line.store.offset(partition) for partition in range(house.settings.partitions)]
    return None not in stands and not [p for p in range(len(stands)) if await house.line.store.behind(p)]


async def _taken_out(house: House, folder: Path) -> None:
    """A backup, and every kind of export in both formats."""
    now = house.clock.now()
    await backup.backup(house.settings, folder / "backup", now, lambda name, records: None)
    for kind in Kind:
        for form in Format:
            name = pseudonyms(house.settings.key())
            span = Span(now - FAR, now + FAR)
            rows = await export(house.settings, kind, span, name, folder / f"{kind}.{form}", form)
            assert (rows > 0) is (kind is not Kind.EXPERIMENTS), "no experiment is in the policy"


async def test_nobody_is_forgotten_in_danger_without_a_vault_or_who_is_not_known(
    a_house: House,
) -> None:
    house = a_house
    line = Line.begun(house)
    person = await line.resident(name=NAME)
    await sent(line, call(line, person, ongoing=True), transfer(line, person, line.account()))
    with pytest.raises(NotForgottenError, match="is open: nobody is forgotten while in danger"):
        await forget(house.line, person.id, "supervisor-1", "a test")
    with pytest.raises(NotForgottenError, match="there is no resident"):
        await forget(house.line, new_resident_id(b"nobodynobody"[:10]), "supervisor-1", "a test")
    assert (await house.line.residents.get([person.id]))[person.id].name == NAME
    house.line.settings = house.settings.model_copy(update={"vault": None})
    with pytest.raises(VaultError, match="QUANZU_VAULT is not set"):
        await forget(house.line, person.id, "supervisor-1", "a test")
    house.line.settings = house.settings


async def test_nobody_is_forgotten_while_a_court_has_ordered_the_data_to_be_kept(a_house: House) -> None:
    house = a_house
    line, now = Line.begun(house), house.clock.now()
    person = await line.resident(name=NAME, phones=[Holding(value=line.phone())])
    hold = LegalHold(
        id=f"l{'0' * 20}",
        resident=person.id,
        ordered_by=LegalAuthority.COURT,
        number="2026-1",
        until=now + timedelta(days=30),
        area="2201",
        state=LegalHoldState.IN_FORCE,
    )
    await house.line.legal_holds.put(hold)
    with pytest.raises(NotForgottenError, match="an order to keep the data"):
        await forget(house.line, person.id, "supervisor-1", "a test")
    assert (await house.line.residents.get([person.id]))[person.id] == person
    told = await preserve_records(house.line, "operator-1")
    assert told.copied > 0
    assert await _lying(house.settings, topics.PRESERVED, [NAME.encode()]) == set()  # encrypted as a whole
    assert NAME in "".join([each.model_dump_json() async for each in preserved_of(house.line, person.id)])
    await house.line.legal_holds.put(hold.model_copy(update={"until": now}))
    await forget(house.line, person.id, "supervisor-1", "a test")
    assert await on_topics(house.settings, [NAME.encode()]) == set()


async def test_who_was_forgotten_half_way_is_forgotten_wholly_the_second_time(
    a_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = a_house
    line = Line.begun(house)
    person = await line.resident(name=NAME, phones=[Holding(value=line.phone())])
    real = house.line.residents.erase

    async def fails(ids: object) -> None:
        raise ConnectionError("the process is killed here")

    monkeypatch.setattr(house.line.residents, "erase", fails)
    with pytest.raises(ConnectionError):
        await forget(house.line, person.id, "supervisor-1", "a test")
    monkeypatch.setattr(house.line.residents, "erase", real)
    await forget(house.line, person.id, "supervisor-1", "a test")
    assert await house.line.residents.get([person.id]) == {}
    assert await in_redis(house, [NAME.encode(), person.phones[0].value.encode()]) == set()


async def test_what_was_merged_into_a_person_is_forgotten_with_him(a_house: House) -> None:
    house = a_house
    line = Line.begun(house)
    keep, gone = await line.resident(name="留存某"), await line.resident(name=NAME, address=ADDRESS)
    await house.line.residents.put(merge(keep, gone, house.clock.now()))
    with pytest.raises(NotForgottenError, match=f"was merged into {keep.id}: nothing was destroyed"):
        await forget(house.line, gone.id, "supervisor-1", "a test")
    await forget(house.line, keep.id, "supervisor-1", "a test")
    assert await house.line.residents.get([keep.id, gone.id]) == {}
    numbers = [holding.value for who in (keep, gone) for holding in (*who.phones, *who.accounts)]
    assert await in_redis(house, [word.encode() for word in (NAME, ADDRESS, "留存某", *numbers)]) == set()


async def test_a_payee_is_not_forgotten_while_money_of_somebody_in_danger_may_be_stopped_there(a_house: House) -> None:
    house = a_house
    line = Line.begun(house)
    payee, victim = await line.resident(name=NAME), await line.resident()
    account = payee.accounts[0].value
    await sent(line, call(line, victim, ongoing=True), transfer(line, victim, account))
    await line.settle()
    with pytest.raises(NotForgottenError, match="is open and has paid the person: nothing was destroyed"):
        await forget(house.line, payee.id, "supervisor-1", "asked for by the payee")
    assert await house.line.outgoing.account(account_token(house.settings.key(), account)) == account
    assert (await house.line.residents.get([payee.id]))[payee.id].name == NAME
