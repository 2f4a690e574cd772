"""A third party in an operator's call, between three real telephones: what each hears, and how each part ends."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from schemas.casework.third_parties import ThirdPartyCallState
from schemas.channels.operator_calls import CallEnder, OperatorCallReport, OperatorCallResult
from streams.gateways.voice.media.g711 import A_LAW, G711, MU_LAW, Samples, mixed
from streams.gateways.voice.operators import party, third_party
from tests.streams.gateways.voice.centre import running_gateway
from tests.streams.gateways.voice.operators.desk import PHONE, Desk, configured, reported_to
from tests.streams.gateways.voice.operators.test_operator_talks import CONNECTED, hears, said
from tests.streams.gateways.voice.test_talking import correlation
from tests.tools.gateway.baresip import BaresipPhone, baresip_phone, write_wav
from tests.tools.gateway.switch import trunk_to

RESIDENT, BANK = "+8619900001234", "+8619900005555"
WHOM = {"kind": "bank", "party": "icbc", "to": BANK}
JOINED, RINGING = ThirdPartyCallState.JOINED, ThirdPartyCallState.RINGING


@dataclass
class ThreePhones:
    """The telephones of a three-way call. `dialled`: the numbers that the trunk was asked for."""

    desk: Desk
    operator: BaresipPhone
    resident: BaresipPhone
    bank: BaresipPhone
    dialled: list[str]

    async def talk(self) -> None:
        """Begin a talk of operator and resident."""
        assert await self.desk.call("c1", to=RESIDENT) == 202
        await self.desk.until(CONNECTED)
        await hears(self.resident, said(1))

    async def until_third(self, state: ThirdPartyCallState, number: int = 1) -> OperatorCallReport:
        """Wait until a third party is reported in a state."""
        async with asyncio.timeout(40):
            while True:
                for each in self.desk.reports:
                    if any(third.number == number and third.state is state for third in each.thirds):
                        return each
                await asyncio.sleep(0.02)

    async def join(self) -> None:
        """Call the bank, which presses the key after it has heard the notice begin."""
        assert await self.desk.act("c1", "add_third", third=WHOM) == 202
        await self.until_third(RINGING)
        await answered(self.bank)
        await asyncio.sleep(0.5)
        self.bank.press("1")
        await self.until_third(JOINED)


async def answered(phone: BaresipPhone) -> None:
    """Wait until a telephone hears something."""
    async with asyncio.timeout(20):
        while not len(phone.heard()):  # noqa: ASYNC110 - told to nobody
            await asyncio.sleep(0.05)


async def hears_from_now(phone: BaresipPhone, what: Samples, least: float) -> None:
    """Wait until a telephone has heard a sound, beginning now."""
    before = len(phone.heard())
    async with asyncio.timeout(40):
        while correlation(what, phone.heard()[before:]) < least:  # noqa: ASYNC110 - told to nobody
            await asyncio.sleep(0.2)


async def is_quiet(phone: BaresipPhone) -> bool:
    """Return True if a telephone hears nothing for more than a second."""
    before = len(phone.heard())
    await asyncio.sleep(1.5)
    sound = phone.heard()[before + 2400 :].astype(np.float64)
    assert len(sound) > 4000
    return bool(np.sqrt(np.mean(sound**2)) < 20)


async def hung_up(phone: BaresipPhone) -> None:
    """Wait until a telephone's call has ended."""
    async with asyncio.timeout(10):
        while "terminated" not in phone.said() and "closed" not in phone.said():  # noqa: ASYNC110 - told to nobody
            await asyncio.sleep(0.1)


@asynccontextmanager
async def three_phones(
    folder: Path, more: str = "third_parties = 2", codec: str = "pcma"
) -> AsyncIterator[ThreePhones]:
    """A gateway with an operator's telephone, and a trunk to the resident's and the bank's."""
    folders = [folder / name for name in ("operator", "resident", "bank")]
    for each in folders:
        each.mkdir()
    async with (
        baresip_phone(folders[0], plays=said(1)) as operator,
        baresip_phone(folders[1], plays=said(2)) as resident,
        baresip_phone(folders[2], plays=said(3), codec=codec) as bank,
        trunk_to({RESIDENT[3:]: resident.port, BANK[3:]: bank.port}, PHONE) as (trunk, dialled),
        reported_to() as desk,
        running_gateway(desk.gateway, configured(folder, desk, trunk, operator.port, more=more)),
    ):
        yield ThreePhones(desk, operator, resident, bank, dialled)


@pytest.mark.parametrize("codec", ["pcma", "pcmu"], ids=["one law", "another law"])
async def test_all_three_hear_each_other_once_the_third_has_pressed_the_key(tmp_path: Path, codec: str) -> None:
    async with three_phones(tmp_path, codec=codec) as phones:
        await phones.talk()
        await phones.join()
        # Two voices at once: each is a part of what is heard. One alone correlates with over 0.9.
        await asyncio.gather(
            *(hears_from_now(phones.operator, said(each), 0.5) for each in (2, 3)),
            *(hears_from_now(phones.resident, said(each), 0.5) for each in (1, 3)),
            *(hears_from_now(phones.bank, said(each), 0.5) for each in (1, 2)),
        )
        own = [correlation(said(seed), phone.heard()) for seed, phone in ((1, phones.operator), (3, phones.bank))]
        assert max(own) < 0.3, "somebody hears themselves"
        assert phones.dialled == [RESIDENT[3:], BANK[3:]]
        assert await phones.desk.act("c1", "hang_up") == 202
        told = await phones.desk.ended()
        await asyncio.gather(*map(hung_up, (phones.operator, phones.resident, phones.bank)))
    assert (told.result, told.ended_by) == (OperatorCallResult.ANSWERED, CallEnder.OPERATOR)
    assert [(each.kind, each.party, each.state) for each in told.thirds] == [("bank", "icbc", ThirdPartyCallState.LEFT)]


async def test_who_presses_no_key_hears_nothing_of_the_talk_and_is_hung_up_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(third_party, "JOIN_SECONDS", 4.0)
    async with three_phones(tmp_path) as phones:
        await phones.talk()
        assert await phones.desk.act("c1", "add_third", third=WHOM) == 202
        await answered(phones.bank)
        phones.bank.press("5")  # another key
        told = await phones.until_third(ThirdPartyCallState.NO_ANSWER)
        await hung_up(phones.bank)
        heard = phones.bank.heard()
        assert float(np.max(np.abs(heard.astype(np.int32)))) > 2000, "no notice was heard"
        assert max(correlation(said(1), heard), correlation(said(2), heard)) < 0.3
        assert told.state is CONNECTED
        assert not any(third.state is JOINED for each in phones.desk.reports for third in each.thirds)
        await hears_from_now(phones.resident, said(1), 0.9)  # the talk goes on


@pytest.mark.parametrize("how", ["it hangs up", "it is dropped", "its network is lost"])
async def test_a_third_party_who_is_gone_leaves_the_two_in_their_talk(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "its network is lost":
        monkeypatch.setattr(party, "SILENCE_SECONDS", 3.0)
    async with three_phones(tmp_path) as phones:
        await phones.talk()
        await phones.join()
        assert await phones.desk.act("c1", "add_third", third=WHOM) == 409  # one at a time
        if how == "it hangs up":
            phones.bank.press("b")
        elif how == "it is dropped":
            assert await phones.desk.act("c1", "drop_third") == 202
            await hung_up(phones.bank)
        else:
            phones.bank.process.send_signal(signal.SIGSTOP)
        told = await phones.until_third(ThirdPartyCallState.LEFT)
        assert told.state is CONNECTED
        assert await phones.desk.act("c1", "drop_third") == 409
        await asyncio.gather(
            hears_from_now(phones.resident, said(1), 0.9), hears_from_now(phones.operator, said(2), 0.9)
        )
        if how == "its network is lost":
            phones.bank.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("who", ["operator", "resident"])
async def test_without_operator_or_resident_the_call_ends_for_all(tmp_path: Path, who: str) -> None:
    async with three_phones(tmp_path) as phones:
        await phones.talk()
        await phones.join()
        getattr(phones, who).press("b")
        told = await phones.desk.ended()
        await asyncio.gather(*map(hung_up, (phones.operator, phones.resident, phones.bank)))
    assert told.ended_by == who
    assert [each.state for each in told.thirds] == [ThirdPartyCallState.LEFT]


async def test_the_end_of_the_talk_stops_a_third_telephone_that_rings(tmp_path: Path) -> None:
    async with three_phones(tmp_path) as phones:
        await phones.talk()
        assert await phones.desk.act("c1", "add_third", third=WHOM) == 202
        await answered(phones.bank)  # and the key is not pressed
        phones.resident.press("b")
        told = await phones.desk.ended()
        await hung_up(phones.bank)
    assert [each.state for each in told.thirds] == [ThirdPartyCallState.CANCELLED]


async def test_on_hold_the_third_party_hears_music_and_neither_of_the_two(tmp_path: Path) -> None:
    music = said(4)
    write_wav(tmp_path / "hold.wav", music)
    async with three_phones(tmp_path, 'third_parties = 1\nhold_music = "hold.wav"') as phones:
        await phones.talk()
        await phones.join()
        assert await phones.desk.act("c1", "hold") == 202
        await phones.desk.until(CONNECTED, held=True)
        await asyncio.gather(hears_from_now(phones.bank, music, 0.9), hears_from_now(phones.resident, music, 0.9))
        assert await is_quiet(phones.operator)
        assert await phones.desk.act("c1", "resume") == 202
        await hears_from_now(phones.bank, said(1), 0.5)


async def test_the_operators_keys_reach_both_and_the_residents_no_third_party(tmp_path: Path) -> None:
    async with three_phones(tmp_path) as phones:
        await phones.talk()
        await phones.join()
        phones.resident.press("7")
        await _until(lambda: "event: '7'" in phones.operator.said())
        phones.operator.press("8")
        await _until(lambda: "event: '8'" in phones.bank.said() and "event: '8'" in phones.resident.said())
        phones.bank.press("9")
        await asyncio.sleep(1)
        assert "event: '7'" not in phones.bank.said()
        assert "event: '9'" not in phones.operator.said() + phones.resident.said()


async def test_nobody_is_called_without_a_talk_or_where_third_parties_are_not_configured(tmp_path: Path) -> None:
    async with three_phones(tmp_path, more="") as phones:
        assert "third_parties" not in (await phones.desk.phones()).json()
        await phones.talk()
        assert await phones.desk.act("c1", "add_third", third=WHOM) == 422
        assert await phones.desk.act("c1", "add_third") == 422  # nobody is named
        assert await phones.desk.act("c1", "hold", third=WHOM) == 422
        assert phones.dialled == [RESIDENT[3:]]


async def test_an_order_that_comes_twice_calls_once_and_a_forbidden_number_not_at_all(tmp_path: Path) -> None:
    async with three_phones(tmp_path) as phones:
        assert (await phones.desk.phones()).json()["third_parties"] is True
        assert await phones.desk.act("c1", "add_third", third=WHOM) == 409
        await phones.talk()
        assert await phones.desk.act("c1", "add_third", third=WHOM | {"to": "+8613900000001"}) == 422
        assert await phones.desk.act("c1", "add_third", "again", third=WHOM) == 202
        assert await phones.desk.act("c1", "add_third", "again", third=WHOM) == 202
        await phones.until_third(RINGING)
        await answered(phones.bank)
        assert phones.dialled == [RESIDENT[3:], BANK[3:]]


@pytest.mark.parametrize("law", [A_LAW, MU_LAW], ids=["A-law", "µ-law"])
def test_a_sum_is_that_of_the_samples_and_a_too_loud_one_is_as_loud_as_possible(law: G711) -> None:
    soft, loud = law.frames(np.array([100, -300, 2000]))[0], law.frames(np.array([30000, -30000, 8]))[0]
    sums = law.decode(mixed(soft, loud, law))[:3].astype(int)
    parts = law.decode(soft)[:3].astype(int) + law.decode(loud)[:3]
    loudest = int(law.levels.max())
    assert np.all(np.abs(sums - np.clip(parts, -loudest, loudest)) <= np.maximum(np.abs(parts) / 16, 16))
    assert np.max(np.abs(law.decode(mixed(loud, loud, law))[:2])) == loudest
    assert mixed(soft, law.quiet, law)[:3] == soft[:3]


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - told to nobody
            await asyncio.sleep(0.1)
