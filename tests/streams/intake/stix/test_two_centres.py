"""Two installations, each with its own Kafka and Redis: one shares its suspects, the other polls them over HTTP, and a
payment to one of them is evidence there until the first withdraws it.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from aiokafka import TopicPartition

from domain.stix.objects import identity_id
from schemas.administration.dead_letters import StixFile, letter_adapter
from schemas.risk.evidence import EvidenceKind
from schemas.risk.sharing import Tlp
from schemas.risk.signals import Watch, WatchState
from streams.dead_letters.taking import ready
from streams.intake.formats import Options
from streams.intake.formats.stix import STIX_OBJECTS
from streams.intake.server import running
from streams.intake.taxii.collection import collection_id
from streams.intake.taxii.polling import PollReport, TaxiiSource
from streams.intake.taxii.server import sharing
from streams.intake.taxii.taking import Poller, taxii_client
from streams.messaging import topics
from streams.messaging.reader import read_all
from streams.messaging.record import Raw
from streams.runtime.clock import Clock
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings
from tests.streams.intake.stix.taxii_line import CENTRE, ROOT, given, reader
from tests.streams.screening.screening_line import MULE, Line, on, transfer, watch

POLICY = Path(__file__).parents[4] / "deploy/policy/jilin.toml"
OTHER = "Centre B, invented"
Subject = Literal["account", "phone", "link"]


def ago(minutes: float) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


def confirmed(
    uid: str, value: str, subject: Subject = "account", tlp: Tlp | None = Tlp.AMBER, minutes: float = 30
) -> Watch:
    found = watch(uid, value=value, subject=subject)
    return found.model_copy(update={"tlp": tlp, "at": ago(minutes)})


@asynccontextmanager
async def centre(folder: Path, rights: str, policy: Path) -> AsyncIterator[Line]:
    with Embedded(folder) as servers:
        named = Settings(app_id="screening", policy=policy, source_rights=rights, http_port=0)
        async with on(servers.settings(named)) as line:
            yield line


def policy_that_trusts(folder: Path) -> Path:
    path = folder / "policy.toml"
    path.write_text(POLICY.read_text("utf-8").replace("vendors = {}", "vendors = { centre-a = 0.8 }", 1), "utf-8")
    return path


@asynccontextmanager
async def both(tmp_path: Path) -> AsyncIterator[tuple[Line, Line, str]]:
    """Two centres, and the address of the first one's intake, which shares."""
    trusting = policy_that_trusts(tmp_path)
    async with (
        centre(tmp_path / "a", "police:all", POLICY) as first,
        centre(tmp_path / "b", "police:all,centre-a:rated", trusting) as second,
        sharing(first.settings, given(), Clock()) as routes,
        running(first.settings, given(), Clock(), routes) as address,
    ):
        yield first, second, address


async def poll(line: Line, address: str) -> PollReport:
    options = Options(stix=StixFile(source="centre-a", own=identity_id(OTHER)))
    where = TaxiiSource("centre-a", f"{address}{ROOT}", collection_id(CENTRE), "key of liaoning")
    async with taxii_client() as client:
        return await Poller(line.settings, line.producer, Clock(), options).poll(where, client)


async def polled(line: Line, address: str, rows: int) -> PollReport:
    """Poll until the other centre's list has what was written just now."""
    async with asyncio.timeout(60):
        while not (report := await poll(line, address)).rows:  # noqa: ASYNC110 - a server is asked
            await asyncio.sleep(0.2)
    assert report.rows == rows, report
    return report


async def screen(line: Line) -> None:
    """Screen what intake wrote, lane by lane, as a worker does."""
    found: defaultdict[TopicPartition, list[Raw]] = defaultdict(list)
    for lane in topics.LANES:
        async for record in read_all(line.settings, lane.name):
            tp = TopicPartition(lane.name, record.partition)
            if record.offset >= line.offsets.get(tp, 0):
                found[tp].append(Raw(record.offset, record.value or b""))
    for tp, raws in found.items():
        line.offsets[tp] = raws[-1].offset + 1
        await line.screening.lanes.screen(tp, raws)


async def paid(line: Line, uid: str) -> dict[str, float | None]:
    """The shares of the evidence of reported payees, after one more payment to the account."""
    payment = transfer(uid=uid).model_copy(update={"at": ago(0)})
    await line.screen([payment], partition=1)
    found = await line.evidence()
    return {each.id: each.share for each in found.values() if each.kind is EvidenceKind.REPORTED_PAYEE}


async def test_a_suspect_is_shared_counts_at_the_other_centre_and_is_withdrawn(tmp_path: Path) -> None:
    before = STIX_OBJECTS.labels("centre-a", "accepted")._value.get()
    async with both(tmp_path) as (first, second, address):
        await first.screen(
            [
                confirmed("a", MULE),
                confirmed("p", "+8614200000009", "phone"),
                confirmed("l", "loan.example/now", "link"),
                confirmed("unmarked", "990000000667", tlp=None),
                confirmed("strict", "990000000668", tlp=Tlp.AMBER_STRICT),
            ]
        )
        report = await polled(second, address, 3)
        assert (report.accepted, report.dead_lettered, report.reasons) == (3, 0, {})
        await screen(second)
        assert await paid(second, "one") == {"bank:one~reported_payee": pytest.approx(0.8 * 0.85)}

        lifted = watch("w", state=WatchState.LIFTED).model_copy(update={"at": ago(1)})
        await first.screen([lifted])
        assert (await polled(second, address, 1)).accepted == 1
        await screen(second)
        assert "bank:two~reported_payee" not in await paid(second, "two")
        assert await second.dead_letters() == []

        async with reader(address) as client:  # nothing else of the first centre leaves it
            told = (await client.get(f"{ROOT}collections/{collection_id(CENTRE)}/objects/")).text
        assert "990000000667" not in told
        assert "990000000668" not in told
    after = STIX_OBJECTS.labels("centre-a", "accepted")._value.get()
    assert after - before == 4


async def test_a_refused_object_is_a_dead_letter_with_its_place_that_can_be_sent_again(tmp_path: Path) -> None:
    async with both(tmp_path) as (first, second, address):
        await first.screen([confirmed("a", MULE)])
        own = Options(stix=StixFile(source="centre-a", own=identity_id(CENTRE)))  # as if the suspects were its own
        where = TaxiiSource("centre-a", f"{address}{ROOT}", collection_id(CENTRE), "key of liaoning")
        async with taxii_client() as client, asyncio.timeout(60):
            poller = Poller(second.settings, second.producer, Clock(), own)
            while not (report := await poller.poll(where, client)).rows:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.2)
        assert (report.accepted, report.dead_lettered) == (0, 1)
        assert report.reasons == {"created_by_ref: this centre made the object itself": 1}
        (raw,) = await second.dead_letters()
        letter = letter_adapter.validate_python(raw)
        assert letter.source == "centre-a"
        assert letter.where.reading is not None  # type: ignore[union-attr]
        mended = letter.content.replace(identity_id(CENTRE).encode(), identity_id("Centre C").encode())
        found = ready(letter, mended, 4, datetime.now(UTC), second.settings.rights())
        assert [signal.source for signal in found.signals] == ["centre-a"]
