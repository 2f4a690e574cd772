"""Asks whoever has answered a telephone for a key: a mailbox or an answering machine presses none."""

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np

from streams.gateways.voice.media.g711 import FRAME, RATE, Samples
from streams.gateways.voice.media.relay import LoopedSound
from streams.gateways.voice.operators.party import CallParty

KEY_SECONDS = 15.0  # in which the key must be pressed
BEEP_HERTZ, BEEP_SECONDS, BEEP_PERIOD, BEEP_LEVEL = 1000, 0.2, 2.0, 4000.0  # no tone of a network: it asks for the key


async def is_confirmed(
    party: CallParty, key: str, notice: Mapping[str, Sequence[bytes]] | None = None, seconds: float | None = None
) -> bool:
    """Return True as soon as a side that has answered presses `key` (0-9, * or #), as an event, as tones or as a SIP
    INFO; False if it does not within `seconds` (None: 15 s).

    Meanwhile it hears `notice` again and again (packets by the name of their law; None: a short beep every 2 s).
    Afterwards its sound and keys have no listener, and it hears silence.
    """
    pressed = asyncio.Event()

    def press(digit: str | None) -> None:
        if digit == key:
            pressed.set()

    def hear(payload: bytes) -> None:
        if party.tones is not None:
            press(party.tones.hear(payload))

    ears, events = party.stream.ears, party.leg.events
    ears.sound, ears.pressed, events.pressed = hear, press, press
    if party.plan is not None:
        law = party.plan.law
        party.stream.source = LoopedSound(notice[law.name] if notice else law.frames(beep())).take
    try:
        async with asyncio.timeout(KEY_SECONDS if seconds is None else seconds):
            await pressed.wait()
    except TimeoutError:
        return False
    finally:
        ears.sound, ears.pressed, events.pressed = (lambda _: None), (lambda _: None), (lambda _: None)
        party.stream.source = lambda: None
    return True


def beep() -> Samples:
    """Return one period (2 s) of the tone that asks for the key, 0.2 s of 1000 Hz and then silence, as 8000 samples a
    second.
    """
    times = np.arange(round(BEEP_SECONDS * RATE)) / RATE
    sound = np.zeros(round(BEEP_PERIOD * RATE / FRAME) * FRAME, np.int16)
    sound[: len(times)] = (BEEP_LEVEL * np.sin(2 * np.pi * BEEP_HERTZ * times)).astype(np.int16)
    return sound
