"""The SMS gateway on real sockets, with sms-core as a carrier that speaks CMPP; and replies over both protocols."""

import asyncio
from pathlib import Path

import pytest

from domain.carriers.protocols import CarrierProtocol
from tests.tools.gateway.rig import PHONE, Rig, rig
from tests.tools.gateway.sms import run
from tests.tools.gateway.test_sms_gateway import KOREAN, SECONDS

CMPP = (CarrierProtocol.CMPP2, CarrierProtocol.CMPP3)
TERMS = '[carrier.cmpp]\nservice_id = "WARN"\nfee_code = "5"\n'
LONG = "他说是公安局的，要我把钱转到安全账户，我该怎么办？" * 4


@pytest.mark.parametrize("protocol", CMPP)
async def test_a_long_message_is_sent_once_and_its_reports_are_joined(
    tmp_path: Path, protocol: CarrierProtocol
) -> None:
    async with asyncio.timeout(SECONDS), rig(tmp_path, protocol=protocol, carrier=TERMS) as made:
        answers = await asyncio.gather(*(made.order("d1:1:sms", KOREAN) for _ in range(5)))
        assert {answer.status_code for answer in answers} == {202}
        await made.until_told("d1:1:sms")
        wired = sorted(made.wired(), key=lambda each: each.content)
        assert [each.content[4:6] for each in wired] == [b"\x03\x01", b"\x03\x02", b"\x03\x03"]
        assert "".join(each.content[6:].decode("utf-16-be") for each in wired) == KOREAN
        assert {(each.coding, each.esm_class, each.phone) for each in wired} == {(8, 0x40, "100000001")}
        assert {each.more for each in wired} == {"quanzu/WARN/2/01/000005/10690000/1"}
        assert made.quanzu.told == {("d1:1:sms", "delivered"): 1}
        await _counted(made)
        log = (tmp_path / "gateway.log").read_text()
        assert "100000001" not in log
        assert "송금" not in log


async def _counted(made: Rig) -> None:
    """Return once the carrier's own figures of the day are exported."""
    while True:
        metrics = (await made.client.get(f"{made.url}/metrics")).text
        if 'quanzu_sms_carrier_day{carrier="c0",counted="delivered"} 3.0' in metrics:
            return
        await asyncio.sleep(0.2)


async def test_chinese_goes_in_gbk_if_the_account_says_so_and_korean_does_not(tmp_path: Path) -> None:
    lines = TERMS + "gbk = true\n"
    async with asyncio.timeout(SECONDS), rig(tmp_path, protocol=CarrierProtocol.CMPP3, carrier=lines) as made:
        await made.order("d1", "请勿转账")
        await made.until_told("d1")
        await made.order("d2", "송금하지 마세요")
        await made.until_told("d2")
        first, second = made.wired()
        assert (first.coding, first.content.decode("gbk")) == (15, "请勿转账")
        assert (second.coding, second.content.decode("utf-16-be")) == (8, "송금하지 마세요")


@pytest.mark.parametrize("protocol", CMPP)
async def test_too_much_at_once_waits_and_is_taken_once(tmp_path: Path, protocol: CarrierProtocol) -> None:
    async with asyncio.timeout(SECONDS), rig(tmp_path, protocol=protocol) as made:
        throttle = tmp_path / f"throttle-{made.ports[0]}"
        throttle.touch()
        assert (await made.order("d1", "x")).status_code == 202
        await asyncio.sleep(1.5)
        assert made.wired() == []
        throttle.unlink()
        await made.until_told("d1")
        assert len(made.wired()) == 1


async def test_another_password_is_refused_and_the_gateway_says_what_to_check(tmp_path: Path) -> None:
    async with asyncio.timeout(SECONDS), rig(tmp_path, protocol=CarrierProtocol.CMPP3) as made:
        (tmp_path / "password").write_text("another")
        await asyncio.to_thread(made.gateway.stop)
        await asyncio.to_thread(made.gateway.start)
        while True:
            if "check system_id and the password" in (tmp_path / "gateway.log").read_text():
                break
            await asyncio.sleep(0.1)
        assert (await made.client.get(f"{made.url}/readyz")).status_code == 503
        (tmp_path / "password").write_text("carrier1")


@pytest.mark.parametrize("protocol", CarrierProtocol)
async def test_a_reply_reaches_quanzu_once_with_the_dispatch_and_without_a_number(
    tmp_path: Path, protocol: CarrierProtocol
) -> None:
    code = "86" if protocol is CarrierProtocol.SMPP else ""
    telephone, stranger = f"{code}100000001", f"{code}100000009"
    async with asyncio.timeout(SECONDS), rig(tmp_path, protocol=protocol) as made:
        await made.order("d1:1:sms", "x", PHONE + "0001")
        await made.until_told("d1:1:sms")
        parts = [LONG.encode("utf-16-be")[at : at + 134] for at in range(0, 2 * len(LONG), 134)]
        long = [
            (telephone, bytes([5, 0, 3, 9, len(parts), number]) + part, 8, True, 100 + number)
            for number, part in enumerate(parts, 1)
        ]
        made.reply((stranger, b"hello", 1, False, 1), *reversed(long), long[0])
        (found,) = await made.until_replies(1)
        assert found == {"id": found["id"], "dispatch": "d1:1:sms", "text": LONG}
        made.reply(*[(telephone, "退订".encode("utf-16-be"), 8, False, 2)] * 2)
        assert {each["text"] for each in await made.until_replies(2)} == {LONG, "退订"}
        metrics = (await made.client.get(f"{made.url}/metrics")).text
        assert 'quanzu_sms_replies_total{carrier="c0",taking="unknown"} 1.0' in metrics
        assert len(made.quanzu.replies) == 2
        log = (tmp_path / "gateway.log").read_text()
        assert "100000001" not in log
        assert "退订" not in log


@pytest.mark.parametrize("protocol", CMPP)
async def test_nothing_is_lost_or_sent_twice_over_cmpp_while_both_sides_are_killed(
    tmp_path: Path, protocol: CarrierProtocol
) -> None:
    found = await run(tmp_path, messages=300, rate=100, kills=4, seed=1, protocol=protocol)
    assert (found.lost, found.twice, found.invented) == (0, 0, 0)
    assert (found.kills_of_gateway, found.kills_of_carrier) == (2, 2)
    assert found.delivered + found.in_doubt == 300
    assert found.delivered > 150
