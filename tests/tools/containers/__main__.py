"""python -m tests.tools.containers --image quanzu:0.1.0 --next quanzu:0.1.1 --report containers.json

Starts compose.yaml, measures the time to the first warning, then kills containers and rolls the image under load.
Ends with 1 if somebody was not warned or was warned twice, or if a container has a right too many.
"""

import argparse
import asyncio
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.tools.containers.carrier import Carrier
from tests.tools.containers.feeds import Feeds, Person, people
from tests.tools.containers.stack import Stack

KILLED = ("worker-1", "kafka-2", "intake", "redis-1", "gateway-sms", "worker-2", "sentinel-2", "vault", "console")
REST_SECONDS = 20.0  # after a killed service is ready again
READY_SECONDS = 180.0
LAST_SECONDS = 300.0  # after the last signal, for whoever is not warned yet
STILL_SECONDS = 30.0  # after the last warning, for what might come twice
LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Judgement:
    """`lost`: people without a message; `twice`: segments that the carrier took once more; `journal`: orders of
    messages that have a result there; `strangers`: telephones with a message that nobody was to get.
    """

    people: int
    lost: int
    twice: int
    journal: int
    strangers: int

    @property
    def good(self) -> bool:
        """Whether everybody was warned, nobody else and nobody twice, and the journal has a result for each."""
        return not (self.lost or self.twice or self.strangers) and self.journal >= self.people


def judge(found: Sequence[Person], carrier: Carrier, contacts: Path) -> Judgement:
    """Compare who must be warned with what the carrier took and what the journal says."""
    reached = {each.phone for each in carrier.taken()}
    phones = {person.phone for person in found}
    with contacts.open(encoding="utf-8-sig", newline="") as rows:
        orders = {row["dispatch"] for row in csv.DictReader(rows) if row["channel"] == "sms"}
    return Judgement(
        people=len(phones),
        lost=len(phones - reached),
        twice=carrier.twice(),
        journal=len(orders),
        strangers=len(reached - phones),
    )


async def until(seconds: float, wanted: int, carrier: Carrier) -> float | None:
    """Wait until so many telephones have a message. Returns the seconds that it took, or None."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if len({each.phone for each in carrier.taken()}) >= wanted:
            return time.monotonic() - began
        await asyncio.sleep(LOOK_SECONDS)
    return None


async def disturb(stack: Stack, image: str, told: dict[str, Any]) -> None:
    """Kill one container after the other, then roll the image. Writes into `told` how long each was away."""
    for service in KILLED:
        began = time.monotonic()
        stack.kill(service)
        await asyncio.to_thread(stack.ready, service, READY_SECONDS)
        told["kills"][service] = round(time.monotonic() - began, 1)
        _say(f"killed {service}: ready again after {told['kills'][service]} s")
        await asyncio.sleep(REST_SECONDS)
    began = time.monotonic()
    _say(await asyncio.to_thread(stack.script, "roll", image))
    told["roll_seconds"] = round(time.monotonic() - began, 1)


async def run(stack: Stack, carrier: Carrier, given: argparse.Namespace) -> dict[str, Any]:
    """Start everything, disturb it under load, and judge. Returns the report."""
    told: dict[str, Any] = {"kills": {}}
    began = time.monotonic()
    _say(stack.script("up"))
    told["up_seconds"] = round(time.monotonic() - began, 1)
    stack.operator("residents", "example", "--count", str(given.people + 1), "/exchange/people.csv")
    stack.operator("residents", "import", "/exchange/people.csv")
    first, *others = everybody = people(stack.folder / "exchange" / "people.csv")
    async with Feeds(stack) as feeds:
        await feeds.watchlist()
        sent = time.monotonic()
        await feeds.transfer(0, first)
        if await until(READY_SECONDS, 1, carrier) is None:
            raise RuntimeError("the first signal became no warning")
        told["signal_to_warning_seconds"] = round(time.monotonic() - sent, 1)
        told["up_to_warning_seconds"] = round(time.monotonic() - began, 1)
        _say(f"first warning {told['up_to_warning_seconds']} s after the start")
        told["rights"] = {name: wrong for name, wrong in stack.rights().items() if wrong}
        if given.next:
            await _under_load(stack, feeds, others, given, told)
        else:
            await feeds.load(others, given.rate)
        told["late_seconds"] = await until(LAST_SECONDS, len(everybody), carrier)
        await asyncio.sleep(STILL_SECONDS)
        told["repeated"] = feeds.repeated
    reasons = ["--by", "operator", "--reason", "trial", "--from", "1d", "--to", "0s"]
    stack.operator("admin", "export", "contacts", *reasons, "--out", "/exchange/contacts.csv")
    judgement = judge(everybody, carrier, stack.folder / "exchange" / "contacts.csv")
    return told | asdict(judgement) | {"good": judgement.good and not told["rights"]}


async def _under_load(
    stack: Stack, feeds: Feeds, others: Sequence[Person], given: argparse.Namespace, told: dict[str, Any]
) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(feeds.load(others, given.rate))
        group.create_task(disturb(stack, given.next, told))


def _say(text: str) -> None:
    sys.stderr.write(text.rstrip() + "\n")


def main() -> int:
    """Run it, write the report, and take everything down. Returns 1 if something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", default="quanzu:0.1.0")
    parser.add_argument("--next", default="", help="roll to this image under load; none: no kills and no roll")
    parser.add_argument("--java", default="docker.io/apache/kafka:4.3.2", help="an image with Java, for the carrier")
    parser.add_argument("--people", type=int, default=300)
    parser.add_argument("--rate", type=float, default=1.0, help="signals a second")
    parser.add_argument("--report", type=Path, default=Path("containers.json"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quanzu-containers-") as folder:
        stack = Stack(Path(folder), given.image)
        stack.folder.chmod(0o755)
        stack.prepare()
        try:
            with Carrier(stack, given.java) as carrier:
                found = asyncio.run(run(stack, carrier, given))
        finally:
            stack.script("down", "--volumes")
    text = json.dumps(found, indent=2)
    given.report.write_text(text + "\n")
    sys.stdout.write(text + "\n")
    return 0 if found["good"] else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}: {error.stdout}")
