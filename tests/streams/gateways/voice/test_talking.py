"""What an answered call says and hears, with baresip as the called telephone on loopback."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
import trustme

from streams.gateways.voice.media.g711 import Samples
from tests.streams.gateways.voice.centre import NUMBER, centre_with_receipts, running_gateway, written
from tests.tools.gateway.baresip import baresip_phone, write_wav

SAID = "这是测试"
SPEAK = '[speech]\nrecordings = "recordings"\n[calls]\nrepeat = 1\nkey_seconds = 2.0\n'


def recorded(folder: Path) -> Samples:
    """Record a message of four seconds of noise in bursts, which nothing else sounds like."""
    chance = np.random.default_rng(7)
    bursts = np.repeat(chance.uniform(0.1, 1.0, 40), 800)
    samples = (chance.normal(0, 4000, 32_000) * bursts).clip(-20_000, 20_000).astype(np.int16)
    (folder / "recordings").mkdir()
    write_wav(folder / "recordings" / "said.wav", samples)
    (folder / "recordings" / "index.toml").write_text(f'[zh]\n"{SAID}" = "said.wav"\n', "utf-8")
    return samples


def correlation(played: Samples, heard: Samples) -> float:
    """The greatest normalised correlation of the middle second of what was played with what was heard."""
    sample = played[12_000:20_000].astype(np.float64)
    sound = heard.astype(np.float64)
    if len(sound) < len(sample):
        return 0.0
    size = 2 ** int(np.ceil(np.log2(len(sound) + len(sample))))
    product = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(sample, size)), size)[: len(sound)]
    sums = np.concatenate([[0.0], np.cumsum(sound**2)])
    count = len(sound) - len(sample) + 1
    energy = np.sqrt((sums[len(sample) :] - sums[:count]) * np.sum(sample**2))
    return float(np.max(product[:count] / np.maximum(energy, 1.0)))


@pytest.mark.parametrize("secure", [False, True], ids=["plain on loopback", "TLS and SRTP"])
async def test_the_telephone_hears_the_recording_and_its_key_is_the_result(tmp_path: Path, secure: bool) -> None:
    played = recorded(tmp_path)
    phone_folder = tmp_path / "phone"
    phone_folder.mkdir()
    lines, account = "", ""
    config: tuple[str, ...] = ()
    if secure:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "phone.pem"))
        lines, account = 'transport = "tls"\nca = "ca.pem"', ";mediaenc=srtp-mand;transport=tls"
        config = (f"sip_certificate {tmp_path / 'phone.pem'}",)
    async with (
        baresip_phone(phone_folder, account, *config) as phone,
        centre_with_receipts() as (centre, receipts),
        running_gateway(
            centre,
            written(
                tmp_path,
                phone.port + secure,
                receipts,
                lines,
                SPEAK,
                'srtp = "required"' if secure else "",
            ),
        ),
    ):
        assert (await centre.order("d", f"{NUMBER}234", SAID)).status_code == 202
        async with asyncio.timeout(40):
            while correlation(played, phone.heard()) < 0.9:  # noqa: ASYNC110 - told to nobody
                await asyncio.sleep(0.2)
        phone.press("7")  # not offered by the message: it goes on
        await asyncio.sleep(0.3)
        phone.press("2")
        told = await centre.receipt("d")
    assert (told["result"], told["key"]) == ("answered", "2"), phone.said()


async def test_who_listens_and_presses_nothing_has_answered_without_a_key(tmp_path: Path) -> None:
    recorded(tmp_path)
    phone_folder = tmp_path / "phone"
    phone_folder.mkdir()
    async with (
        baresip_phone(phone_folder) as phone,
        centre_with_receipts() as (centre, receipts),
        running_gateway(centre, written(tmp_path, phone.port, receipts, tables=SPEAK)),
    ):
        centre.refuse = 2  # a receipt that is not taken is sent again
        assert (await centre.order("d", f"{NUMBER}234", SAID)).status_code == 202
        told = await centre.receipt("d")
    assert told["result"] == "answered", (told, phone.said())
    assert "key" not in told
    assert "played 1 times" in told["detail"]
