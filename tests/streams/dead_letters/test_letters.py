"""Dead letters sent again, mended, and dropped: on a real log, by whoever comes, once."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from domain.feeds.dead_letters import LEASE, DeadLetterFilter, State
from domain.feeds.repair import load
from schemas.administration.dead_letters import DeadLetter, Place, RecordPlace
from schemas.casework.acts import NoteAct
from schemas.casework.events import Dispatch
from schemas.casework.inputs import OperatorReport
from schemas.codes.people import Said
from schemas.levels import Action, Level
from schemas.people.residents import Language
from streams.dead_letters.index import DeadLetterIndex, OpenLetters, UnknownLetterError, ids
from streams.dead_letters.sending import ActError, Sending, Who, status_text
from streams.intake.acceptor import Intake
from streams.intake.files import intake_file
from streams.intake.formats import Options
from streams.messaging import dead_letter_writer, topics
from streams.messaging.offsets import end_offsets
from streams.messaging.producer import Producer
from streams.messaging.reader import read_on
from streams.runtime.clock import Clock
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings
from streams.security.audit import write as write_audit
from streams.security.encrypted_kafka import make_producer
from tests.streams.intake.intake_signals import transfer, watch_entry

RESIDENT = "r" + "a" * 16
ME = Who("operator-1", "the feed's mistake")
CLOCK = Clock()
PLACES = count(1)


class Desk:
    """Somebody who handles dead letters, beside a log of his own test."""

    def __init__(self, settings: Settings, producer: Producer, begun: dict[str, dict[int, int]]) -> None:
        self.settings, self.producer, self._begun = settings, producer, begun
        self.letters = DeadLetterIndex(settings)
        self.sending = Sending(settings, self.letters, producer, CLOCK)
        self.began = CLOCK.now()

    def another(self) -> Sending:
        """Another process's."""
        return Sending(self.settings, DeadLetterIndex(self.settings), self.producer, CLOCK)

    async def letter(
        self, where: Place, raw: bytes, source: str = "bank", why: str = "payer: the field is missing"
    ) -> str:
        letter = DeadLetter.of(source, where, why, raw, CLOCK.now())
        await dead_letter_writer.write(self.producer, [letter])
        return letter.id

    async def state(self, name: str) -> State:
        await self.letters.refresh()
        return self.letters.get(name).standing.state

    def wanted(self, **other: Any) -> DeadLetterFilter:  # noqa: ANN401 - a builder's fields
        """The letters of this test."""
        return DeadLetterFilter(since=self.began, **other)

    async def on(self, topic: str) -> list[dict[str, Any]]:
        """What this test wrote on a topic."""
        return [
            json.loads(record.value or b"")
            for partition, first in self._begun[topic].items()
            async for record in read_on(self.settings, topic, partition, first)
        ]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with Embedded(tmp_path_factory.mktemp("letters")) as servers:
        settings = servers.settings(Settings())
        topics.create(settings)
        yield settings


@pytest.fixture
async def desk(house: Settings) -> AsyncIterator[Desk]:
    producer = make_producer(house)
    await producer.start()
    written = ("signals", "signals-urgent", "case-inputs", "dispatches.sms", "audit")
    yield Desk(house, producer, {topic: await end_offsets(house, topic) for topic in written})
    await producer.stop()


def at(topic: str = "signals", item: int | None = 0) -> RecordPlace:
    """A place that no other test has."""
    return RecordPlace(topic=topic, partition=1, offset=next(PLACES), item=item)


def raw(**other: object) -> bytes:
    return json.dumps(transfer(id="t1", **other)).encode()


async def test_a_signal_mended_by_a_mapping_goes_back_under_its_own_id(desk: Desk) -> None:
    name = await desk.letter(at(), raw(amount_fen="¥49,800"))
    mapping = load('strip = {amount_fen = "¥,"}\nrescale = {amount_fen = 100}')
    outcome = await desk.sending.send_again([name], mapping, ME)
    assert "amount_fen" in outcome.refused[name]  # a text still, and money is a whole number
    whole = json.dumps(transfer(id="t1", amount_fen=4_980_000)).encode()
    outcome = await desk.sending.send_again([name], whole, ME)
    assert outcome.done == {name: ["bank:t1"]}
    (record,) = await desk.on("signals")
    assert (record["letter"], record["tallied"], record["signals"][0]["id"]) == (name, "bank", "t1")
    assert await desk.state(name) is State.SENT


async def test_a_letter_sent_again_twice_is_written_once(desk: Desk) -> None:
    name = await desk.letter(at(), raw())
    await desk.sending.send_again([name, name], None, ME)
    second = await desk.another().send_again([name], None, Who("operator-2", "I had not seen it"))
    assert second.done == {}
    assert "was sent again by operator-1" in second.before[name]
    assert len(await desk.on("signals")) == 1


async def test_two_who_mend_one_letter_at_once_do_not_both_send_it(desk: Desk) -> None:
    name = await desk.letter(at(), b"{")
    mended = [raw(amount_fen=amount) for amount in (1, 2)]
    one, two = (desk.another().send_again([name], each, ME) for each in mended)
    outcomes = await asyncio.gather(one, two)
    assert sorted(len(outcome.done) for outcome in outcomes) == [0, 1]
    assert len(await desk.on("signals")) == 1


async def test_what_was_broken_off_is_sent_once_more_with_the_same_name(desk: Desk) -> None:
    name = await desk.letter(at(), raw())
    begun = desk.sending._entry("letter-sending", name, ME, "as it came")  # type: ignore[arg-type]  # cut off here
    await write_audit(desk.producer, [begun])
    assert await desk.state(name) is State.SENDING
    assert desk.letters.page(desk.wanted()).total == 1
    assert (await desk.another().send_again([name], raw(amount_fen=5), ME)).done == {}
    assert (await desk.another().drop([name], ME)).done == {}
    assert (await desk.another().send_again([name], None, ME)).done == {name: ["bank:t1"]}
    assert begun.at + LEASE > CLOCK.now()


async def test_a_dropped_letter_stays_dropped_and_says_by_whom_and_why(desk: Desk) -> None:
    name = await desk.letter(at(), raw())
    assert (await desk.sending.drop([name], Who("operator-1", "a test of the bank's"))).done == {name: []}
    assert (await desk.sending.drop([name], ME)).done == {}
    assert "was dropped by operator-1" in (await desk.sending.send_again([name], None, ME)).before[name]
    assert "a test of the bank's" in status_text(desk.letters.get(name))
    assert await desk.on("signals") == []
    (entry,) = await desk.on("audit")
    assert (entry["act"], entry["on"], entry["by"]) == ("letter-dropped", name, "operator-1")


async def test_the_audit_tells_how_a_letter_was_mended_and_holds_none_of_its_bytes(desk: Desk) -> None:
    name = await desk.letter(at(), b"{")
    await desk.sending.send_again([name], raw(), ME)
    entries = await desk.on("audit")
    assert [entry["act"] for entry in entries] == ["letter-sending", "letter-sent"]
    assert entries[0]["detail"].startswith("by hand: ")
    assert "6222" not in json.dumps(entries)


@pytest.mark.parametrize("who", [Who("", "a reason"), Who("me", " "), Who("me", "")])
async def test_without_a_name_and_a_reason_nothing_is_done(desk: Desk, who: Who) -> None:
    name = await desk.letter(at(), raw())
    for act in (desk.sending.drop([name], who), desk.sending.send_again([name], None, who)):
        with pytest.raises(ActError, match="--reason"):
            await act
    assert await desk.state(name) is State.OPEN


async def test_a_letter_nobody_has_is_said_to_be_unknown(desk: Desk) -> None:
    with pytest.raises(UnknownLetterError, match="quanzu dead list"):
        await desk.sending.drop(["signals/9/9"], ME)


async def test_what_it_is_known_by_cannot_be_changed_by_hand_or_by_a_mapping(desk: Desk) -> None:
    name = await desk.letter(at(), raw(amount_fen="?"))
    for mended in (load('set = {id = "another"}'), json.dumps(transfer(id="another")).encode()):
        assert "id: must stay" in (await desk.sending.send_again([name], mended, ME)).refused[name]


async def test_a_signal_without_an_id_is_known_by_its_letter(desk: Desk) -> None:
    name = await desk.letter(at(), json.dumps(transfer(id="")).encode())
    assert (await desk.sending.send_again([name], None, ME)).done == {name: [f"bank:{name}"]}


async def test_a_letter_goes_back_to_the_lane_and_partition_it_came_on(desk: Desk) -> None:
    name = await desk.letter(at(topic="signals-urgent"), raw())
    await desk.sending.send_again([name], None, ME)
    assert [record["letter"] for record in await desk.on("signals-urgent")] == [name]
    assert await desk.on("signals") == []


async def test_a_record_cut_off_becomes_all_its_signals(desk: Desk) -> None:
    name = await desk.letter(at(item=None), b'[{"kind": "transfer", ', "unknown")
    mended = json.dumps([transfer(id=f"t{n}") for n in range(3)]).encode()
    assert (await desk.sending.send_again([name], mended, ME)).done == {name: ["bank:t0", "bank:t1", "bank:t2"]}


async def test_trying_out_changes_nothing(desk: Desk) -> None:
    good = await desk.letter(at(), raw())
    bad = await desk.letter(at(), raw(amount_fen=-1))
    outcome = await desk.sending.try_out([good, bad], None)
    assert (list(outcome.done), list(outcome.refused)) == ([good], [bad])
    assert await desk.on("signals") == await desk.on("audit") == []


async def test_a_case_input_goes_to_its_resident_s_partition_under_its_id(desk: Desk) -> None:
    given = OperatorReport(
        id="op-1",
        at=CLOCK.now(),
        resident=RESIDENT,
        case=f"{RESIDENT}-1",
        by="o",
        seen=1,
        act=NoteAct(do="note", what="note"),
    )
    broken = given.model_dump(mode="json") | {"seen": "one"}
    name = await desk.letter(at(topic="case-inputs", item=None), json.dumps(broken).encode(), "case-inputs")
    assert "seen" in (await desk.sending.send_again([name], None, ME)).refused[name]
    assert (await desk.sending.send_again([name], load("set = {seen = 1}"), ME)).done == {name: ["op-1"]}
    assert [each["id"] for each in await desk.on("case-inputs")] == ["op-1"]


async def test_a_dispatch_whose_id_tells_of_another_step_is_not_sent(desk: Desk) -> None:
    dispatch = Dispatch(
        id=f"{RESIDENT}-1:sms:1:sms",
        case=f"{RESIDENT}-1",
        resident=RESIDENT,
        step="sms",
        attempt=1,
        action=Action.SMS,
        level=Level.BLUE,
        at=CLOCK.now(),
        due=CLOCK.now(),
        language=Language.CHINESE,
        scam_type="loan",
        division="220102",
        because=Said("a test"),
    )
    good = dispatch.model_dump(mode="json")
    place = at(topic="dispatches.sms", item=None)
    name = await desk.letter(place, json.dumps(good | {"attempt": 2}).encode(), "dispatches.sms")
    assert "another case, step" in (await desk.sending.send_again([name], None, ME)).refused[name]
    assert (await desk.sending.send_again([name], load("set = {attempt = 1}"), ME)).done == {name: [dispatch.id]}


async def test_a_letter_of_a_topic_that_nothing_takes_in_is_refused_with_what_to_do(desk: Desk) -> None:
    name = await desk.letter(at(topic="case-events", item=None), b"{}", "case-events")
    assert "its writer" in (await desk.sending.send_again([name], None, ME)).refused[name]


async def test_of_a_letter_too_large_only_the_whole_mended_by_hand_is_sent(desk: Desk) -> None:
    name = await desk.letter(at(), b" " * 700_000)
    assert "only the first" in (await desk.sending.send_again([name], None, ME)).refused[name]
    assert (await desk.sending.send_again([name], raw(), ME)).done == {name: ["bank:t1"]}


async def test_a_column_mended_by_a_mapping_takes_all_rows_of_a_file_in_once(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    rows = "".join(f'{n},9,"¥{n},000",1\n' for n in range(1, 6))
    file.write_text(f"sourceNodeId,targetNodeId,amount,time\n{rows}", "utf-8")
    intake = Intake(desk.producer, desk.settings)
    report = await intake_file("amlsim", file, intake, desk.settings, CLOCK, options=Options(start=date(2026, 3, 1)))
    assert (report.rows, report.dead_lettered) == (5, 5)
    await desk.letters.refresh()
    names = ids(desk.letters.page(desk.wanted(topic="file")).found)
    mapping = load('rename = {amount = "value"}\nstrip = {value = "¥,"}')
    assert (await desk.sending.send_again(names, load('rename = {amount = "value"}'), ME)).done == {}
    outcome = await desk.sending.send_again(names, mapping, ME)
    assert (len(outcome.done), outcome.accepted) == (5, {"amlsim": 5})
    assert (await desk.sending.send_again(names, mapping, ME)).accepted == {}
    signals = [signal for record in await desk.on("signals") for signal in record["signals"]]
    assert sorted(signal["amount_fen"] for signal in signals) == [100_000, 200_000, 300_000, 400_000, 500_000]
    assert {signal["at"][:10] for signal in signals} == {"2026-03-02"}


async def test_told_to_stop_it_finishes_what_is_under_way_and_says_what_is_left(desk: Desk) -> None:
    names = [await desk.letter(at(), raw()) for offset in range(3)]
    desk.sending.stop.set()
    outcome = await desk.sending.send_again(names, None, ME)
    assert (outcome.done, outcome.left) == ({}, 3)


async def test_a_list_tells_how_many_of_each_reason_and_goes_on_page_by_page(desk: Desk) -> None:
    names = [await desk.letter(at(), b"{", why=f"not JSON: line 1, column {n}") for n in range(5)]
    await desk.letter(at(), b"{}", "carrier", "kind: the field is missing")
    await desk.letters.refresh()
    first = desk.letters.page(desk.wanted(source="bank"), most=2)
    second = desk.letters.page(desk.wanted(source="bank"), most=9, before=first.next)
    assert (first.total, first.reasons) == (5, {"not JSON: line N column N": 5})
    assert [each.letter.id for each in first.found + second.found] == names[::-1]
    assert second.next is None


async def test_open_letters_are_counted_by_source(desk: Desk) -> None:
    names = [await desk.letter(at(), b"{", "a-feed") for _ in range(3)]
    await desk.sending.drop(names[:1], ME)
    assert desk.letters.open_by_source()["a-feed"] == 2


async def test_open_letters_are_a_metric_of_the_one_worker_whose_they_are(desk: Desk) -> None:
    gauge = OpenLetters(desk.settings)
    names = [await desk.letter(at(), b"{", "case-inputs") for _ in range(2)]
    before = await _shown(gauge)
    await desk.sending.drop(names[:1], ME)
    assert await _shown(gauge) == before - 1
    await gauge.show(ours=False)
    assert REGISTRY.get_sample_value("quanzu_dead_letters_open", {"source": "case-inputs"}) is None


async def _shown(gauge: OpenLetters) -> float:
    await gauge.show(ours=True)
    return REGISTRY.get_sample_value("quanzu_dead_letters_open", {"source": "case-inputs"}) or 0


async def test_a_process_that_stays_keeps_the_newest_letters_in_mind_and_no_more(desk: Desk) -> None:
    names = [await desk.letter(at(), b"{") for _ in range(5)]
    bounded = DeadLetterIndex(desk.settings, most=3)
    await bounded.refresh()
    assert ids(bounded.page(DeadLetterFilter()).found) == names[2:]
    assert bounded.left_out > 0


async def test_letters_that_are_not_meant_take_no_place(desk: Desk) -> None:
    names = [await desk.letter(at(), b"{", source) for source in ("meant", "other", "other")]
    bounded = DeadLetterIndex(desk.settings, most=1, keep=DeadLetterFilter(source="meant").means)
    await bounded.refresh()
    assert (ids(bounded.page(DeadLetterFilter()).found), bounded.left_out) == (names[:1], 0)


async def test_a_letter_refused_again_is_the_same_letter_and_stays_as_it_was_settled(desk: Desk) -> None:
    place = at()
    name = await desk.letter(place, raw())
    await desk.sending.drop([name], ME)
    await desk.letter(place, raw())
    assert await desk.state(name) is State.DROPPED
    assert desk.letters.page(desk.wanted(state=None)).total == 1


async def test_a_letter_is_not_mended_into_a_confirmed_suspect_of_a_bank(desk: Desk) -> None:
    name = await desk.letter(at(), json.dumps(watch_entry("confirmd")).encode(), why="state: not one of these")
    mended = load('[replace.state]\nconfirmd = "confirmed"')
    outcome = await desk.sending.send_again([name], mended, ME)
    assert "this source may not confirm a suspect" in outcome.refused[name]
    assert (outcome.done, await desk.state(name)) == ({}, State.OPEN)
