"""The SMS gateway on real sockets, with jSMPP as the carrier."""

import asyncio
import secrets
import time
from pathlib import Path

import pytest

from streams.channels.provider import KEY_HEADER
from streams.channels.signing import SignedMessage, sign
from tests.tools.gateway.rig import KEY, Rig, rig
from tests.tools.gateway.sms import run

KOREAN = "경찰입니다. 지금 송금하지 마세요. " * 8
SECONDS = 240.0
FAILOVER_SECONDS = 10.0


async def test_a_message_is_sent_once_and_its_receipt_reported(tmp_path: Path) -> None:
    async with asyncio.timeout(SECONDS), rig(tmp_path) as made:
        answers = await asyncio.gather(*(made.order("d1:1:sms", KOREAN, flash=True) for _ in range(5)))
        assert {answer.status_code for answer in answers} == {202}
        await made.until_told("d1:1:sms")
        assert await made.ask("d1:1:sms") == 200
        assert await made.ask("d2:1:sms") == 404
        wired = sorted(made.wired(), key=lambda each: each.content)
        assert [each.content[:3] for each in wired] == [b"\x05\0\x03"] * 3
        assert [each.content[4:6] for each in wired] == [b"\x03\x01", b"\x03\x02", b"\x03\x03"]
        assert "".join(each.content[6:].decode("utf-16-be") for each in wired) == KOREAN
        assert {(each.coding, each.esm_class, each.phone) for each in wired} == {(0x18, 0x40, "86100000001")}
        assert made.quanzu.told == {("d1:1:sms", "delivered"): 1}
        await _refused(made)
        log = (tmp_path / "gateway.log").read_text()
        assert "86100000001" not in log
        assert "송금" not in log


async def _refused(made: Rig) -> None:
    """An order that is not signed, or with another's signature, is not carried out; nor is one that is too long."""
    before = len(made.wired())
    body = b'{"to":"+86100000001","text":"x"}'
    signed = sign(KEY, SignedMessage("sms", "/sms", body), time.time(), secrets.token_hex(12))
    forged = signed | sign(b"another key of sixteen", SignedMessage("sms", "/sms", body), time.time(), "n" * 20)
    answers = [
        (await made.client.post(f"{made.url}/sms", content=body, headers={KEY_HEADER: key, **headers})).status_code
        for key, headers in (("d3", {}), ("d3", forged), ("", signed), ("d3", signed), ("d4", signed), ("d3", signed))
    ]
    assert answers == [401, 401, 400, 202, 401, 202]
    assert (await made.order("d5", "劝" * 1000)).status_code == 422
    await made.until_told("d3")
    assert len(made.wired()) == before + 1


async def test_a_carrier_whose_receipts_stop_is_left_within_ten_seconds_and_used_again_later(tmp_path: Path) -> None:
    async with asyncio.timeout(SECONDS), rig(tmp_path, carriers=2, carrier="receipt_seconds = 4\n") as made:
        cheap, dear = made.ports
        mute = tmp_path / f"mute-{cheap}"
        assert set(await _ports(made, "before", 20)) == {cheap}
        mute.touch()
        began = time.monotonic()
        number = 0
        while (await _ports(made, f"during-{number}", 1)) != [dear]:
            number += 1
            await asyncio.sleep(0.3)
            assert time.monotonic() - began < FAILOVER_SECONDS
        mute.unlink()
        while (await _ports(made, f"after-{number}", 1, flash=True)) != [cheap]:
            number += 1
            await _ports(made, f"trial-{number}", 1)
            await asyncio.sleep(0.3)


async def _ports(made: Rig, name: str, messages: int, *, flash: bool = False) -> list[int]:
    """Send messages; return the carrier's port that took each."""
    before = len(made.wired())
    for number in range(messages):
        await made.order(f"{name}-{number}", "x", flash=flash)
    while len(made.wired()) < before + messages:
        await made.client.get(f"{made.url}/healthz")
    return [each.port for each in made.wired()[before:]]


async def test_a_carrier_is_reached_by_tls_with_its_own_authority(tmp_path: Path) -> None:
    async with asyncio.timeout(SECONDS), rig(tmp_path, tls=True) as made:
        await made.order("d1", "x")
        await made.until_told("d1")


async def test_a_throttled_message_waits_and_is_taken_once(tmp_path: Path) -> None:
    async with asyncio.timeout(SECONDS), rig(tmp_path) as made:
        throttle = tmp_path / f"throttle-{made.ports[0]}"
        throttle.touch()
        assert (await made.order("d1", "x")).status_code == 202
        await asyncio.sleep(1.5)
        assert made.wired() == []
        throttle.unlink()
        await made.until_told("d1")
        assert len(made.wired()) == 1


@pytest.mark.parametrize("seed", [1])
async def test_nothing_is_lost_or_sent_twice_while_the_gateway_and_the_carrier_are_killed(
    tmp_path: Path, seed: int
) -> None:
    found = await run(tmp_path, messages=600, rate=100, kills=4, seed=seed)
    assert (found.lost, found.twice, found.invented) == (0, 0, 0)
    assert (found.kills_of_gateway, found.kills_of_carrier) == (2, 2)
    assert found.delivered + found.in_doubt == 600
    assert found.delivered > 300
