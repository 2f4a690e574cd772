"""The key that the operator presses before the resident is called."""

import asyncio
import socket
import struct
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from schemas.channels.operator_calls import OperatorCallResult
from streams.gateways.voice.configuration import read_configuration
from streams.gateways.voice.media.g711 import A_LAW
from streams.gateways.voice.media.keys import key_tones
from streams.gateways.voice.media.session import KEYS_PAYLOAD, offer
from streams.gateways.voice.operators import confirmation
from streams.gateways.voice.operators.calls import OperatorCallParts, OperatorCalls
from streams.gateways.voice.operators.conversation import ConversationRules
from tests.streams.gateways.voice.operators.desk import Desk, configured
from tests.streams.gateways.voice.operators.scripted import MEDIA_PORT, ScriptedCall, holding

RULES = ConversationRules(5.0, 5.0, 60.0, {}, confirm_key="1")
WITHOUT_EVENTS = "".join(
    f"{line}\r\n" for line in offer("127.0.0.1", MEDIA_PORT, None).splitlines() if ":101 " not in line
)


async def asking(call: ScriptedCall) -> None:
    """Wait until the operator's telephone is answered and is asked for the key."""
    async with asyncio.timeout(5):
        while "is_confirmed" not in repr(call.operator.latest.events.pressed):  # noqa: ASYNC110 - told to nobody
            await asyncio.sleep(0.01)


def presses(call: ScriptedCall, digit: int) -> None:
    """Send a key as an event."""
    port = int(call.operator.requests("INVITE")[0].text.split("m=audio ")[1].split()[0])
    packet = struct.pack("!BBHII", 0x80, KEYS_PAYLOAD, 1, 160 * digit, 7) + struct.pack("!BBH", digit, 0x80, 800)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
        source.bind(("127.0.0.1", 0))
        source.sendto(packet, ("127.0.0.1", port))


async def test_the_resident_is_called_only_after_the_key() -> None:
    call = ScriptedCall()
    async with holding(call, RULES):
        await call.operator.pick_up()
        await asking(call)
        presses(call, 2)
        await asyncio.sleep(0.1)
        assert (call.resident.requests("INVITE"), call.changes) == ([], [])
        call.operator.latest.events.pressed("1")  # by INFO: the event has another source
        await call.resident.request("INVITE")


async def test_an_event_is_a_key() -> None:
    call = ScriptedCall()
    async with holding(call, RULES):
        await call.operator.pick_up()
        await asking(call)
        presses(call, 1)
        await call.resident.request("INVITE")


async def test_tones_are_a_key_if_the_telephone_sends_no_events() -> None:
    call = ScriptedCall()
    async with holding(call, RULES) as (_, task):
        await call.operator.pick_up(WITHOUT_EVENTS)
        await asking(call)
        port = int(call.operator.requests("INVITE")[0].text.split("m=audio ")[1].split()[0])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
            for number, frame in enumerate(key_tones("1", A_LAW)):
                source.sendto(struct.pack("!BBHII", 0x80, 8, number, 160 * number, 7) + frame, ("127.0.0.1", port))
        await call.resident.request("INVITE")
        assert not task.done()


async def test_a_mailbox_that_presses_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirmation, "KEY_SECONDS", 0.2)
    call = ScriptedCall()
    async with holding(call, RULES) as (_, task):
        await call.operator.pick_up()
        call.operator.answer(await call.operator.request("BYE"), 200)
        await asyncio.wait_for(task, 2)
    assert call.resident.requests("INVITE") == []
    assert call.changes[-1].result is OperatorCallResult.OPERATOR_NO_ANSWER


@pytest.mark.parametrize("by", ["telephone", "console"])
async def test_an_operator_who_hangs_up_instead_has_cancelled(by: str) -> None:
    call = ScriptedCall()
    async with holding(call, RULES) as (talk, task):
        await call.operator.pick_up()
        await asking(call)
        if by == "telephone":
            call.operator.ask("BYE")
        else:
            talk.hang_up()
            call.operator.answer(await call.operator.request("BYE"), 200)
        await asyncio.wait_for(task, 2)
    assert call.resident.requests("INVITE") == []
    assert call.changes[-1].result is OperatorCallResult.CANCELLED


def test_the_key_of_the_file_is_asked_for(tmp_path: Path) -> None:
    file = configured(tmp_path, Desk("http://127.0.0.1:1"), 5060, 5070, more='confirm_key = "1"')
    operators = read_configuration(file).operators
    assert operators is not None
    parts = OperatorCallParts(read_configuration(file), operators, Mock(), Mock(), Mock(), {})
    assert OperatorCalls(parts, Mock(), Mock())._rules.confirm_key == "1"


def test_the_tone_that_asks_for_the_key_is_a_short_beep_in_silence() -> None:
    sound = confirmation.beep()
    loud = np.nonzero(np.abs(sound) > 100)[0]
    assert (len(sound), loud.max() < 1600) == (16_000, True)
    assert round(float(np.argmax(np.abs(np.fft.rfft(sound[:1600])))) * 5) == 1000
