"""Signals by the ten thousand a second: a province's ordinary life, encoded once, sent again under new ids and times.

Encoding each signal anew would take more of the machine than screening it does. What is sent is the same as intake
writes: records of one lane and shard, in the shares of the simulated province's real pace.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from random import Random

from schemas.people.residents import Resident
from schemas.risk.signals import App as Site
from schemas.risk.signals import Call, NumberClass, Signal, Sms, Transfer
from simulators.population.numbers import account, bank_of, resident_phone
from simulators.scams.ordinary import OrdinaryLife
from streams.intake.acceptor import records_of
from streams.messaging.producer import Producer, Record
from streams.runtime.clock import Clock

TICK_SECONDS = 0.05
BATCHES = 400  # encoded ahead; each is sent again and again
STAMP = "@@@@@@@@"  # in every id; eight characters are put in its place
AT = datetime(2001, 1, 1, 1, 1, 1, tzinfo=UTC)  # in every signal; the moment of sending is put in its place
FEW = 100  # of so many whose calls or payments are evidence, one is in the register
_AT = b"2001-01-01T01:01:01Z"
_STRANGERS = 9 * 10**7  # serial numbers of people who are in no register


@dataclass(frozen=True, slots=True)
class Batch:
    """A record to be stamped, and how many signals of each source are in it."""

    record: Record
    sources: Counter[str]

    def stamped(self, number: int, now: datetime) -> Record:
        value = (self.record.value or b"").replace(STAMP.encode(), b"%08x" % number)
        moment = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        return Record(self.record.topic, self.record.key, value.replace(_AT, moment), self.record.partition)


def batches(people: Sequence[Resident], partitions: int, size: int, seed: int, count: int = BATCHES) -> list[Batch]:
    """Ordinary life of these residents, and of as many again who are in no register: `count` records of `size` signals.

    Whoever shows evidence in it is a stranger, but for one in a hundred: what is sent again and again at fifty thousand
    signals a second is decades of these residents' lives, and evidence comes to hardly anybody in ten minutes.
    """
    life = OrdinaryLife(seed, people).hour(AT, 3 * size * count)
    index = {resident.phones[0].value: number for number, resident in enumerate(people)}
    index |= {resident.accounts[0].value: number for number, resident in enumerate(people)}
    chance = Random(seed)
    waiting: dict[tuple[str, int | None], list[Signal]] = {}
    made: list[Batch] = []
    for due in life:
        signal = _of_whom(due.signal, index, chance)
        (record,) = records_of([signal], partitions)
        members = waiting.setdefault((record.topic, record.partition), [])
        members.append(signal)
        if len(members) == size:
            (whole,) = records_of(members, partitions)
            made.append(Batch(whole, Counter(each.source for each in members)))
            members.clear()
        if len(made) == count:
            break
    chance.shuffle(made)
    return made


def _of_whom(signal: Signal, index: dict[str, int], chance: Random) -> Signal:
    common = {"id": f"{signal.id}{STAMP}", "at": AT, "arrived": AT}
    stranger = _STRANGERS + chance.randrange(10**6)
    who = index.get(getattr(signal, "payer", getattr(signal, "called", getattr(signal, "receiver", ""))), 0)
    match signal:
        case Transfer(new_payee=True) if who % FEW:
            common["payer"] = account(bank_of(signal.payer), stranger)
        case Call(number_class=NumberClass.OVERSEAS | NumberClass.GOIP | NumberClass.SPOOFED) if who % FEW:
            common["called"] = resident_phone(stranger)
        case Call(number_class=NumberClass.OVERSEAS | NumberClass.GOIP | NumberClass.SPOOFED):
            common["seconds"] = 30
        case Sms():
            common["receiver"] = resident_phone(stranger)
        case Site():
            common["phone"] = resident_phone(stranger)
        case _:
            pass
    return signal.model_copy(update=common)


@dataclass(slots=True)
class Load:
    """Sends the batches, and keeps the book of what Kafka has."""

    producer: Producer
    clock: Clock
    batches: Sequence[Batch]
    accepted: Counter[str] = field(default_factory=Counter)  # by source
    lanes: Counter[str] = field(default_factory=Counter)  # signals by topic
    number: int = 0
    _next: Iterator[Batch] | None = None

    async def send(self, signals: int) -> int:
        """Send about so many signals more; returns how many. Kafka has them."""
        self._next = self._next or cycle(self.batches)
        chosen: list[Batch] = []
        while sum(each.sources.total() for each in chosen) < signals:
            chosen.append(next(self._next))
        now = self.clock.now()
        records = [each.stamped(self.number + count, now) for count, each in enumerate(chosen)]
        self.number += len(chosen)
        await self.producer.send_all(records)
        for each in chosen:
            self.accepted.update(each.sources)
            self.lanes[each.record.topic] += each.sources.total()
        return sum(each.sources.total() for each in chosen)

    async def offer(self, rate: float, seconds: float) -> float:
        """Send `rate` signals a second whether or not they are screened; returns the rate that was reached."""
        began, sent = time.monotonic(), 0
        while (elapsed := time.monotonic() - began) < seconds:
            if (due := int(rate * elapsed) - sent) > 0:
                sent += await self.send(due)
            await asyncio.sleep(TICK_SECONDS)
        return sent / (time.monotonic() - began)
