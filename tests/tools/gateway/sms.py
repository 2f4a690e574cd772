"""Kills the SMS gateway and its carrier at random moments: `python -m tests.tools.gateway.sms --messages 100000`.

Prints a report as JSON. Its exit status is 1 if a message was lost, or was on the wire twice.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import orjson

from domain.carriers.protocols import CarrierProtocol
from tests.tools.gateway.rig import Rig, rig

AT_ONCE = 100
STILL_SECONDS = 60.0  # without any news at the end: what is missing is lost
_TAKEN, _DOUBT = 202, 504


@dataclass(frozen=True)
class Outcome:
    """What a run showed. `lost`: taken, and neither reported nor in doubt; `twice`: on the wire more than once;
    `invented`: reported as delivered, and never on the wire.
    """

    messages: int
    delivered: int
    undelivered: int
    in_doubt: int
    in_doubt_on_the_wire: int
    lost: int
    twice: int
    invented: int
    repeated_reports: int
    kills_of_gateway: int
    kills_of_carrier: int
    seconds: float

    @property
    def good(self) -> bool:
        """Whether nothing was lost, sent twice or invented."""
        return not (self.lost or self.twice or self.invented)


async def run(
    folder: Path,
    messages: int,
    rate: float,
    kills: int,
    seed: int,
    protocol: CarrierProtocol = CarrierProtocol.SMPP,
) -> Outcome:
    """Send messages while the gateway and the carrier are killed in turn, at random moments."""
    chance, began = random.Random(seed), time.monotonic()
    lines = "enquire_seconds = 2\nwindow = 50\n"
    async with rig(folder, carrier=lines, away=0.1, protocol=protocol) as made:
        sending = asyncio.create_task(_send(made, messages, rate))
        done = await _kill(made, kills, messages / rate, chance)
        await sending
        made.quanzu.away = 0.0
        fates = await _settled(made, messages)
        return _outcome(made, messages, fates, done, time.monotonic() - began)


def _text(number: int) -> str:
    return f"劝阻 {number:07d}"


def _key(number: int) -> str:
    return f"d{number:07d}:1:sms"


async def _send(made: Rig, messages: int, rate: float) -> None:
    """Send each order until it is taken, with the same id."""
    free = asyncio.Semaphore(AT_ONCE)
    began = time.monotonic()

    async def one(number: int) -> None:
        try:
            while True:
                try:
                    if (await made.order(_key(number), _text(number))).status_code in (_TAKEN, _DOUBT):
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.2)
        finally:
            free.release()

    async with asyncio.TaskGroup() as group:
        for number in range(messages):
            await free.acquire()
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            group.create_task(one(number))


async def _kill(made: Rig, kills: int, seconds: float, chance: random.Random) -> Mapping[str, int]:
    done: Counter[str] = Counter()
    for number in range(kills):
        await asyncio.sleep(chance.uniform(0.2, 1.8) * seconds / max(1, kills))
        process = made.gateway if number % 2 == 0 else made.smsc
        process.kill()
        await asyncio.to_thread(process.start)
        await made.until_ready()  # so that the next one strikes at work, not at a start
        done[process.name] += 1
    return done


async def _settled(made: Rig, messages: int) -> dict[int, str]:
    """Return the fate of each message: delivered, undelivered or doubt; those without one are missing."""
    fates: dict[int, str] = {}
    still_since = time.monotonic()
    while len(fates) < messages and time.monotonic() - still_since < STILL_SECONDS:
        before = len(fates)
        for number in range(messages):
            if number not in fates and (fate := await _fate(made, number)):
                fates[number] = fate
        if len(fates) > before:
            still_since = time.monotonic()
        await asyncio.sleep(0.5)
    return fates


async def _fate(made: Rig, number: int) -> str | None:
    for result in ("delivered", "undelivered"):
        if made.quanzu.told[_key(number), result]:
            return result
    try:
        return "doubt" if await made.ask(_key(number)) == _DOUBT else None
    except httpx.HTTPError:
        return None


def _outcome(made: Rig, messages: int, fates: Mapping[int, str], kills: Mapping[str, int], seconds: float) -> Outcome:
    wire = Counter(each.content.decode("utf-16-be") for each in made.wired())
    by_fate = Counter(fates.values())
    return Outcome(
        messages=messages,
        delivered=by_fate["delivered"],
        undelivered=by_fate["undelivered"],
        in_doubt=by_fate["doubt"],
        in_doubt_on_the_wire=sum(fate == "doubt" and wire[_text(number)] > 0 for number, fate in fates.items()),
        lost=messages - len(fates),
        twice=sum(times > 1 for times in wire.values()),
        invented=sum(fate == "delivered" and not wire[_text(number)] for number, fate in fates.items()),
        repeated_reports=sum(times > 1 for times in made.quanzu.told.values()),
        kills_of_gateway=kills.get("gateway", 0),
        kills_of_carrier=kills.get("smsc", 0),
        seconds=round(seconds, 1),
    )


def main() -> int:
    """Run, and print the report. Returns 1 if a message was lost or sent twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--rate", type=float, default=100.0, help="orders a second")
    parser.add_argument("--kills", type=int, default=20, help="of the gateway and the carrier in turn")
    parser.add_argument("--seed", type=int, default=1)
    names = [each.value for each in CarrierProtocol]
    parser.add_argument("--protocol", choices=names, default=names[0], help="smpp: jSMPP; cmpp2, cmpp3: sms-core")
    given = parser.parse_args()
    protocol = CarrierProtocol(given.protocol)
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(run(Path(folder), given.messages, given.rate, given.kills, given.seed, protocol))
    sys.stdout.write(orjson.dumps(asdict(found), option=orjson.OPT_INDENT_2).decode() + "\n")
    return 0 if found.good else 1


if __name__ == "__main__":
    sys.exit(main())
