"""The sound for a waiting caller: the greeting, then music, and the greeting again at intervals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from streams.gateways.voice.incoming.table import IncomingTable
from streams.gateways.voice.media.g711 import FRAME, RATE, Samples, coded
from streams.gateways.voice.media.relay import LoopedSound
from streams.gateways.voice.media.stream import RtpStream
from streams.gateways.voice.operators.bridge import ringing_tone
from streams.gateways.voice.voices import Voices

Packets = Mapping[str, Sequence[bytes]]
"""A sound as payloads of packets, by the name of each law."""


@dataclass(frozen=True, slots=True)
class CallerSounds:
    """The sounds for callers. `waiting`: one round of greeting and music; `call_back`: the sentence that the centre
    calls back; `music`: for a caller on hold.
    """

    waiting: Packets = field(repr=False)
    call_back: Packets = field(repr=False)
    music: Packets = field(repr=False)

    def waiting_for(self, stream: RtpStream) -> Callable[[], bytes | None]:
        """Return a function that supplies a stream with the sound of waiting, from its beginning. Each call of it
        returns the next 20 ms (160 bytes), or None while the stream has no agreed coding. Each packet has the coding
        (A-law or µ-law) that the stream uses at that moment, because the calling side may change it.
        """
        loops = {law: LoopedSound(frames) for law, frames in self.waiting.items()}
        return lambda: loops[stream.plan.law.name].take() if stream.plan else None


async def caller_sounds(table: IncomingTable, voices: Voices, music: Samples) -> CallerSounds:
    """Return the sounds for callers, with the sentences of the configuration. `music`: samples, 8000 a second; empty: a
    ringing tone takes its place.

    Raises SpeechError if a sentence is not recorded and espeak-ng cannot speak it.
    """
    greeting = (await voices.speak(table.greeting, "zh")).samples
    call_back = (await voices.speak(table.call_back, "zh")).samples
    tune = music if len(music) else ringing_tone()
    rest = np.resize(tune, round(table.greeting_seconds * RATE / FRAME) * FRAME)
    return CallerSounds(coded(np.concatenate([greeting, rest])), coded(call_back), coded(tune))
