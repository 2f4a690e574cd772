"""An attended transfer between real telephones: a colleague is asked while the resident is on hold, and takes over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from schemas.channels.operator_calls import (
    CallEnder,
    ConsultedColleague,
    OperatorCallReport,
    OperatorCallResult,
    OperatorCallState,
)
from streams.gateways.voice.media.stream import RtpStream, open_rtp_stream
from streams.gateways.voice.operators import party
from streams.gateways.voice.operators.ledger import CallChange, OperatorCallLedger
from tests.streams.gateways.voice.centre import running_gateway
from tests.streams.gateways.voice.operators.desk import PHONE, Desk, configured, reported_to
from tests.streams.gateways.voice.operators.test_operator_talks import CONNECTED, hears, said
from tests.streams.gateways.voice.operators.test_three_way import (
    RESIDENT,
    WHOM,
    answered,
    hears_from_now,
    hung_up,
    is_quiet,
)
from tests.streams.gateways.voice.test_talking import correlation
from tests.tools.gateway.baresip import BaresipPhone, baresip_phone, write_wav
from tests.tools.gateway.switch import trunk_to

LI = "19900005678"  # li's telephone, as `configured` names it


@dataclass
class Transferring:
    """The telephones of a transfer."""

    desk: Desk
    wang: BaresipPhone
    li: BaresipPhone
    resident: BaresipPhone

    async def until(self, colleague: ConsultedColleague | None, *, operator: str = "wang") -> OperatorCallReport:
        """Wait until the latest report has this colleague and operator."""
        async with asyncio.timeout(40):
            while True:
                latest = self.desk.reports[-1]
                if (latest.colleague, latest.operator) == (colleague, operator):
                    return latest
                await asyncio.sleep(0.02)

    async def consult(self) -> None:
        """Ask li, who answers."""
        assert await self.desk.act("c1", "consult", colleague="li") == 202
        await self.until(ConsultedColleague(login="li", talks=True))

    async def transfer(self) -> None:
        """Ask li, and hand the resident over."""
        await self.consult()
        assert await self.desk.act("c1", "transfer") == 202
        await self.until(None, operator="li")


@asynccontextmanager
async def transferring(folder: Path, more: str = "third_parties = 1") -> AsyncIterator[Transferring]:
    """A talk of wang and a resident, on a gateway where li has a telephone too."""
    for name in ("wang", "li", "resident"):
        (folder / name).mkdir()
    write_wav(folder / "hold.wav", said(4))
    async with (
        baresip_phone(folder / "wang", plays=said(1)) as wang,
        baresip_phone(folder / "li", plays=said(3)) as li,
        baresip_phone(folder / "resident", plays=said(2)) as resident,
        trunk_to({PHONE: wang.port, LI: li.port}, PHONE) as (exchange, _),
        trunk_to({RESIDENT[3:]: resident.port}, PHONE) as (trunk, _),
        reported_to() as desk,
        running_gateway(
            desk.gateway, configured(folder, desk, trunk, exchange, more=f'{more}\nhold_music = "hold.wav"')
        ),
    ):
        assert await desk.call("c1", to=RESIDENT) == 202
        await desk.until(CONNECTED)
        await hears(resident, said(1))
        yield Transferring(desk, wang, li, resident)


async def test_the_resident_hears_music_while_the_two_speak_and_then_the_colleague(tmp_path: Path) -> None:
    async with transferring(tmp_path) as phones:
        await phones.consult()
        await asyncio.gather(
            hears_from_now(phones.resident, said(4), 0.9),
            hears_from_now(phones.wang, said(3), 0.9),
            hears_from_now(phones.li, said(1), 0.9),
        )
        assert correlation(said(2), phones.li.heard()) < 0.3, "the colleague hears the resident before the transfer"
        assert await phones.desk.act("c1", "resume") == 409  # the operator speaks with the colleague
        assert await phones.desk.act("c1", "add_third", third=WHOM) in (409, 503)
        assert await phones.desk.act("c1", "transfer") == 202
        told = await phones.until(None, operator="li")
        assert (told.state, told.held, told.answered) == (CONNECTED, False, True)
        await hung_up(phones.wang)
        await asyncio.gather(hears_from_now(phones.resident, said(3), 0.9), hears_from_now(phones.li, said(2), 0.9))
        assert await phones.desk.act("c1", "hold") == 202
        await hears_from_now(phones.resident, said(4), 0.9)
        assert await phones.desk.act("c1", "resume") == 202
        assert await phones.desk.call("c2", operator="li", to=RESIDENT) == 409  # li has the call
        phones.li.press("b")
        ended = await phones.desk.ended()
        await hung_up(phones.resident)
    assert (ended.operator, ended.result, ended.ended_by) == ("li", OperatorCallResult.ANSWERED, CallEnder.OPERATOR)
    assert ended.seconds is not None
    assert ended.seconds > 4, "the talk with both operators counts"


async def test_a_call_goes_back_to_the_first_operator_and_every_telephone_is_free_once(tmp_path: Path) -> None:
    async with transferring(tmp_path) as phones:
        await phones.transfer()
        await hung_up(phones.wang)
        assert await phones.desk.act("c1", "consult", colleague="wang") == 202  # wang is free for it
        await phones.until(ConsultedColleague(login="wang", talks=True), operator="li")
        assert await phones.desk.act("c1", "transfer") == 202
        await phones.until(None, operator="wang")
        await hung_up(phones.li)
        await hears_from_now(phones.resident, said(1), 0.9)
        assert await phones.desk.call("c2", operator="wang", to=RESIDENT) == 409
        assert await phones.desk.call("c2", operator="li", to=RESIDENT) == 202  # li is free
        assert await phones.desk.act("c1", "hang_up") == 202
        await phones.desk.until(OperatorCallState.ENDED)
        assert await phones.desk.call("c3", operator="li", to=RESIDENT) == 409, "the end of c1 freed li's telephone"
        assert await phones.desk.act("c2", "hang_up") == 202


async def test_who_has_transferred_the_call_neither_ends_nor_holds_that_of_the_colleague(tmp_path: Path) -> None:
    async with transferring(tmp_path) as phones:
        await phones.transfer()
        for act in ("hang_up", "hold", "drop_third", "transfer"):
            assert await phones.desk.act("c1", act, operator="wang") == 403
        assert await phones.desk.act("c1", "add_third", third=WHOM, operator="wang") == 403
        assert await phones.desk.act("c1", "consult", colleague="wang", operator="wang") == 403
        await hears_from_now(phones.resident, said(3), 0.9)
        assert await phones.desk.act("c1", "hang_up", operator="li") == 202


async def test_while_the_disk_does_not_have_the_transfer_the_call_is_the_colleagues_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with transferring(tmp_path) as phones:
        await phones.consult()
        free, change = asyncio.Event(), OperatorCallLedger.change

        async def slow(ledger: OperatorCallLedger, call: str, to: CallChange) -> bool:
            await free.wait()
            return await change(ledger, call, to)

        monkeypatch.setattr(OperatorCallLedger, "change", slow)
        moving = asyncio.create_task(phones.desk.act("c1", "transfer"))
        await hung_up(phones.wang)
        assert await phones.desk.act("c1", "hang_up", operator="wang") == 403
        free.set()
        assert await moving == 202
        await hears_from_now(phones.resident, said(3), 0.9)
        told = await phones.until(None, operator="li")
    assert [(each.number, each.by, each.to) for each in told.moves] == [(1, "wang", "li")]


async def test_a_transfer_frees_the_port_of_who_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: set[int] = set()
    open_stream, close = open_rtp_stream, RtpStream.close

    async def counted(host: str, ports: tuple[int, int], key: bytes | None) -> tuple[RtpStream, int]:
        stream, port = await open_stream(host, ports, key)
        opened.add(id(stream))
        return stream, port

    def closed(stream: RtpStream) -> None:
        opened.discard(id(stream))
        close(stream)

    async def until_two() -> None:
        async with asyncio.timeout(10):
            while len(opened) > 2:  # noqa: ASYNC110 - told to nobody
                await asyncio.sleep(0.05)

    monkeypatch.setattr(party, "open_rtp_stream", counted)
    monkeypatch.setattr(RtpStream, "close", closed)
    async with transferring(tmp_path) as phones:
        await phones.transfer()
        await until_two()
        assert await phones.desk.act("c1", "consult", colleague="wang") == 202
        await phones.until(ConsultedColleague(login="wang", talks=True), operator="li")
        assert len(opened) == 3
        assert await phones.desk.act("c1", "transfer") == 202
        told = await phones.until(None, operator="wang")
        await until_two()
        await hears_from_now(phones.resident, said(1), 0.9)
        assert await phones.desk.act("c1", "hang_up") == 202
        await phones.desk.ended()
    assert [(each.by, each.to) for each in told.moves] == [("wang", "li"), ("li", "wang")]
    assert not opened


@pytest.mark.parametrize("how", ["the operator ends it", "the colleague hangs up"])
async def test_after_a_consultation_without_transfer_the_operator_resumes_the_talk(tmp_path: Path, how: str) -> None:
    async with transferring(tmp_path) as phones:
        await phones.consult()
        if how == "the operator ends it":
            assert await phones.desk.act("c1", "end_consultation") == 202
            await hung_up(phones.li)
        else:
            phones.li.press("b")
        told = await phones.until(None)
        assert told.held
        assert await is_quiet(phones.wang)
        assert await phones.desk.act("c1", "transfer") == 409
        assert await phones.desk.act("c1", "resume") == 202
        await asyncio.gather(hears_from_now(phones.resident, said(1), 0.9), hears_from_now(phones.wang, said(2), 0.9))


@pytest.mark.parametrize("who", ["wang", "resident"])
async def test_a_consultation_ends_with_the_call_of_operator_or_resident(tmp_path: Path, who: str) -> None:
    async with transferring(tmp_path) as phones:
        await phones.consult()
        getattr(phones, who).press("b")
        told = await phones.desk.ended()
        await asyncio.gather(hung_up(phones.li), hung_up(phones.resident if who == "wang" else phones.wang))
    assert (told.operator, told.colleague) == ("wang", None)
    assert told.ended_by is (CallEnder.OPERATOR if who == "wang" else CallEnder.RESIDENT)


async def test_only_a_colleague_with_a_free_telephone_is_asked_and_one_at_a_time(tmp_path: Path) -> None:
    async with transferring(tmp_path, more="third_parties = 2") as phones:
        assert await phones.desk.act("c1", "transfer") == 409  # nobody was asked
        assert await phones.desk.act("c1", "consult", colleague="zhao") == 422
        assert await phones.desk.act("c1", "consult", colleague="wang") == 409
        assert await phones.desk.act("c1", "consult") == 422
        assert await phones.desk.act("c1", "consult", colleague="li") == 202
        await answered(phones.li)
        assert await phones.desk.act("c1", "consult", colleague="li") == 409
        await phones.until(ConsultedColleague(login="li", talks=True))
