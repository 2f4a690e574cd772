"""New session descriptions during an operator's call: holds by the telephone, refusals, and answers in an ACK."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from streams.gateways.voice.media.session import offer
from streams.gateways.voice.operators import party
from streams.gateways.voice.operators.bridge import SoundBridge
from streams.gateways.voice.operators.conversation import ConversationRules
from tests.streams.gateways.voice.operators.scripted import MEDIA_PORT, ScriptedCall, ScriptedTrunk, holding

FAR = offer("127.0.0.1", MEDIA_PORT, None)


@dataclass
class Talk:
    """A talk under way."""

    operator: ScriptedTrunk
    resident: ScriptedTrunk
    bridge: SoundBridge
    call: ScriptedCall

    async def sends(self) -> bool:
        """Whether sound goes to the operator."""
        counts = self.bridge._operator.stream.counts
        before = counts.sent
        await asyncio.sleep(0.15)
        return counts.sent > before


@asynccontextmanager
async def talking() -> AsyncIterator[Talk]:
    call = ScriptedCall()
    call.clock.start()
    try:
        async with holding(call, ConversationRules(5.0, 5.0, 60.0, {})) as (talk, _):
            await call.operator.pick_up()
            await call.resident.pick_up()
            async with asyncio.timeout(5):
                while talk._bridge is None:  # noqa: ASYNC110 - told to nobody
                    await asyncio.sleep(0.01)
            yield Talk(call.operator, call.resident, talk._bridge, call)
    finally:
        await call.clock.close()


@pytest.mark.parametrize(
    ("wanted", "answered", "sends"),
    [
        ("a=inactive", "a=inactive", False),
        ("a=sendonly", "a=recvonly", False),
        ("a=recvonly", "a=sendonly", True),
        ("a=sendrecv", "a=sendrecv", True),
    ],
)
async def test_the_direction_that_a_telephone_wants_is_mirrored_and_kept(
    wanted: str, answered: str, sends: bool
) -> None:
    async with talking() as talk:
        answer = talk.operator.ask("INVITE", FAR.replace("a=sendrecv", wanted))
        assert answer is not None
        assert (answer.status_code, answered in answer.text) == (200, True)
        assert await talk.sends() is sends
        again = talk.operator.ask("INVITE", FAR, 2)
        assert again is not None
        assert "a=sendrecv" in again.text
        assert (_version(again.text) > _version(answer.text)) is (wanted != "a=sendrecv")
        assert await talk.sends()


def _version(text: str) -> int:
    return int(text.split("o=- ")[1].split()[1])


async def test_a_hold_of_the_session_or_by_an_empty_address_stops_the_sound_too() -> None:
    async with talking() as talk:
        for number, text in enumerate(
            (
                FAR.replace("a=sendrecv\r\n", "").replace("t=0 0\r\n", "t=0 0\r\na=inactive\r\n"),
                FAR.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0"),
            )
        ):
            answer = talk.operator.ask("INVITE", text, number + 1)
            assert answer is not None
            assert "a=inactive" in answer.text
            assert not await talk.sends()


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
async def test_an_offer_without_a_common_coding_is_refused_and_changes_nothing(method: str) -> None:
    async with talking() as talk:
        before = talk.bridge._operator.plan
        text = FAR.replace("RTP/AVP 8 0 101", "RTP/AVP 9").replace(str(MEDIA_PORT), "25000")
        answer = talk.operator.ask(method, text)
        assert answer is not None
        assert (answer.status_code, answer.text) == (488, "")
        assert talk.bridge._operator.plan == before


async def test_an_invite_without_an_offer_is_answered_with_one_and_the_ack_has_the_answer() -> None:
    async with talking() as talk:
        answer = talk.operator.ask("INVITE")
        assert answer is not None
        assert "a=sendrecv" in answer.text
        assert talk.operator.ask("ACK", FAR.replace(str(MEDIA_PORT), "25000")) is None
        plan = talk.bridge._operator.plan
        assert plan is not None
        assert plan.remote == ("127.0.0.1", 25000)
        talk.operator.ask("ACK", FAR)  # a repeated one, or one that nobody asked for
        assert talk.bridge._operator.plan is plan


async def test_a_side_on_hold_may_be_silent_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(party, "SILENCE_SECONDS", 0.6)
    monkeypatch.setattr(party, "LOOK_SECONDS", 0.05)
    async with talking() as talk:
        for trunk in (talk.operator, talk.resident):
            trunk.ask("INVITE", FAR.replace("a=sendrecv", "a=inactive"))
        await asyncio.sleep(1.0)
        assert not talk.operator.requests("BYE")
        talk.operator.ask("INVITE", FAR, 2)
        await talk.operator.request("BYE")
