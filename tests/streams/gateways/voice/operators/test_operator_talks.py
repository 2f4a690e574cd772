"""An operator's call between two real telephones: what each hears, and how it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import trustme

from schemas.channels.operator_calls import CallEnder, OperatorCallResult, OperatorCallState
from streams.gateways.voice.media.g711 import Samples
from tests.streams.gateways.voice.centre import running_gateway
from tests.streams.gateways.voice.operators.desk import Desk, configured, reported_to
from tests.streams.gateways.voice.test_talking import correlation
from tests.tools.gateway.baresip import BaresipPhone, baresip_phone, write_wav

CONNECTED = OperatorCallState.CONNECTED


def said(seed: int) -> Samples:
    """Four seconds of noise in bursts, which nothing else sounds like."""
    chance = np.random.default_rng(seed)
    bursts = np.repeat(chance.uniform(0.1, 1.0, 40), 800)
    return (chance.normal(0, 4000, 32_000) * bursts).clip(-20_000, 20_000).astype(np.int16)


@asynccontextmanager
async def telephones(
    folder: Path, *, secure: bool = False, codec: str = "pcma", more: str = ""
) -> AsyncIterator[tuple[Desk, BaresipPhone, BaresipPhone]]:
    """A gateway between the operator's and the resident's telephone."""
    folders = [folder / "operator", folder / "resident"]
    for each in folders:
        each.mkdir()
    lines, account, media = "", "", ""
    config: tuple[str, ...] = ()
    if secure:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(folder / "phone.pem"))
        lines, account, media = (
            'transport = "tls"\nca = "ca.pem"',
            ";mediaenc=srtp-mand;transport=tls",
            'srtp = "required"',
        )
        config = (f"sip_certificate {folder / 'phone.pem'}",)
    async with (
        baresip_phone(folders[0], account, *config, plays=said(1)) as operator,
        baresip_phone(folders[1], account, *config, plays=said(2), codec=codec) as resident,
        reported_to() as desk,
        running_gateway(
            desk.gateway,
            configured(folder, desk, resident.port + secure, operator.port + secure, lines, media, more),
        ),
    ):
        yield desk, operator, resident


async def hears(phone: BaresipPhone, what: Samples, least: float = 0.9) -> None:
    """Wait until a telephone has heard a sound."""
    async with asyncio.timeout(40):
        while correlation(what, phone.heard()) < least:  # noqa: ASYNC110 - told to nobody
            await asyncio.sleep(0.2)


@pytest.mark.parametrize(
    ("secure", "codec"),
    [(False, "pcma"), (False, "pcmu"), (True, "pcma")],
    ids=["plain", "another law", "TLS and SRTP"],
)
async def test_both_hear_each_other_and_the_end_of_one_ends_the_other(tmp_path: Path, secure: bool, codec: str) -> None:
    async with telephones(tmp_path, secure=secure, codec=codec) as (desk, operator, resident):
        assert await desk.call("c1") == 202
        await desk.until(CONNECTED)
        await asyncio.gather(hears(resident, said(1)), hears(operator, said(2)))
        resident.press("b")  # hangs up
        told = await desk.ended()
        async with asyncio.timeout(10):
            while "terminated" not in operator.said() and "closed" not in operator.said():  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    assert [state for state in desk.states() if state != "ringing"] == ["operator_ringing", "connected", "ended"]
    assert (told.result, told.ended_by, told.answered) == (OperatorCallResult.ANSWERED, CallEnder.RESIDENT, True)
    assert told.seconds is not None
    assert told.seconds > 1


async def test_a_resident_on_hold_hears_music_and_the_operator_nothing(tmp_path: Path) -> None:
    music = said(3)
    write_wav(tmp_path / "hold.wav", music)
    async with telephones(tmp_path, more='hold_music = "hold.wav"') as (desk, operator, resident):
        assert await desk.call("c1") == 202
        await desk.until(CONNECTED)
        await hears(resident, said(1))
        assert await desk.act("c1", "hold") == 202
        await desk.until(CONNECTED, held=True)
        await hears(resident, music)
        before = len(operator.heard())
        await asyncio.sleep(1.5)
        silent = operator.heard()[before + 4000 :]
        assert len(silent) > 2000
        assert float(np.sqrt(np.mean(silent.astype(np.float64) ** 2))) < 20
        assert await desk.act("c1", "resume") == 202
        until = len(resident.heard())
        async with asyncio.timeout(20):
            while correlation(said(1), resident.heard()[until:]) < 0.9:  # noqa: ASYNC110 - told to nobody
                await asyncio.sleep(0.2)
        assert await desk.act("c1", "hang_up") == 202
        told = await desk.ended()
    assert (told.result, told.ended_by) == (OperatorCallResult.ANSWERED, CallEnder.OPERATOR)


@pytest.mark.parametrize("by", ["operator", "resident"])
async def test_keys_are_passed_on_both_ways(tmp_path: Path, by: str) -> None:
    async with telephones(tmp_path) as (desk, operator, resident):
        assert await desk.call("c1") == 202
        await desk.until(CONNECTED)
        await hears(resident, said(1))
        sender, receiver = (operator, resident) if by == "operator" else (resident, operator)
        sender.press("5")
        async with asyncio.timeout(10):
            while "event: '5'" not in receiver.said():  # noqa: ASYNC110 - told to nobody
                await asyncio.sleep(0.1)
