"""The sound between the operator, the resident and a third party: ringing tone, talk, and hold."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial

import numpy as np

from schemas.casework.call_recordings import RecordingState
from streams.gateways.voice.media.g711 import FRAME, RATE, Samples, mixed
from streams.gateways.voice.media.relay import LoopedSound, SoundRelay
from streams.gateways.voice.media.stream import StreamEars
from streams.gateways.voice.operators.announcement import Announcement
from streams.gateways.voice.operators.party import CallParty
from streams.gateways.voice.operators.recorder import CallRecorder

# The ringing tone of China's networks: 450 Hz, 1 s on, 4 s off (ITU-T E.180, list of national tones).
TONE_HERTZ, TONE_SECONDS, TONE_PERIOD, TONE_LEVEL = 450, 1.0, 5.0, 4000.0


class BridgeState(StrEnum):
    """RINGING: the operator hears the ringing tone, or what the network plays; TALK: all hear each other; HOLD: the
    resident and a third party hear music or silence, and nobody else; the operator hears silence.
    """

    RINGING = "ringing"
    TALK = "talk"
    HOLD = "hold"


class SoundBridge:
    """Passes sound and keys between the sides of a call, as `state` says: each hears the sum of the others.

    Keys go from the operator to everybody, from the resident to the operator, and from a third party to nobody.
    `music`: for hold, as packets by the name of their law; none: silence.
    """

    def __init__(self, operator: CallParty, resident: CallParty, music: Mapping[str, Sequence[bytes]]) -> None:
        self._operator, self._resident, self._music = operator, resident, music
        self._third: CallParty | None = None
        self._recorder: CallRecorder | None = None
        self._notice: Mapping[str, Sequence[bytes]] = {}
        self._announcement: Announcement[CallParty] | None = None  # None: nobody hears one now
        self._relays = {(operator, resident): SoundRelay(), (resident, operator): SoundRelay()}
        self._tone = LoopedSound(())
        self._state = BridgeState.RINGING
        self._listen(operator)
        self._listen(resident)
        self._for_resident = self._for_other(resident)
        operator.stream.source, resident.stream.source = self._for_operator, self._for_resident

    @property
    def state(self) -> BridgeState:
        """The present state: what each side hears."""
        return self._state

    def set_state(self, to: BridgeState) -> None:
        """Change what each side hears, from the next packet on. Sound that waits to be passed on is dropped, except to
        the operator if the new state is RINGING.
        """
        self._state = to
        for (_, target), relay in self._relays.items():
            if target is not self._operator or to is not BridgeState.RINGING:
                relay.clear()

    def begin(self) -> None:
        """Prepare the ringing tone for the operator. Call it when the operator has answered."""
        if plan := self._operator.plan:
            self._tone = LoopedSound(plan.law.frames(ringing_tone()))

    def admit(self, third: CallParty) -> None:
        """Let an answered third party take part, from the next packet on. There must not be another one."""
        self._third = third
        for side in (self._operator, self._resident):
            self._relays |= {(side, third): SoundRelay(), (third, side): SoundRelay()}
        self._listen(third)
        third.stream.source = self._for_other(third)
        self._announce()

    def record(self, recorder: CallRecorder, notice: Mapping[str, Sequence[bytes]]) -> None:
        """Have `recorder` record the talk once every side was sent all of `notice`, which they hear instead of each
        other. When somebody joins later, all sides hear it again, and nothing is recorded meanwhile.

        `notice`: packets of 20 ms, by the name of their law.
        """
        self._recorder, self._notice = recorder, notice
        self._announce()
        recorder.follow(self._operator, lambda: self._state is BridgeState.TALK and self._announcement is None)

    def attach(self, operator: CallParty) -> None:
        """Connect the operator with this bridge again, after a talk with somebody else."""
        self._listen(operator)
        operator.stream.source = self._for_operator

    def dismiss(self) -> None:
        """Disconnect the third party, who then hears nothing and is not heard. Does nothing if there is none."""
        third, self._third = self._third, None
        if third is not None:
            if self._announcement is not None:
                self._announcement.leave(third)
            self._relays = {sides: relay for sides, relay in self._relays.items() if third not in sides}
            third.stream.ears, third.stream.source = StreamEars(), lambda: None
            third.leg.events.pressed = lambda _: None

    def _announce(self) -> None:
        if self._recorder is not None and self._recorder.report.state is not RecordingState.ENDED:
            sides = [each for each in (self._operator, self._resident, self._third) if each is not None]
            self._announcement = Announcement(self._notice, sides)

    def _listen(self, source: CallParty) -> None:
        """Pass sound and keys of `source` on."""

        def hear(payload: bytes) -> None:
            if source.plan is None:
                return
            for (of, target), relay in self._relays.items():
                if of is source and target.plan is not None:
                    relay.put(payload, source.plan.law, target.plan.law)
            if self._recorder is not None:
                self._recorder.hear(source, payload, source.plan.law)
            if source.tones is not None and (digit := source.tones.hear(payload)):
                self._pass_key(source, digit, as_tones=True)

        source.stream.ears.sound = hear
        source.stream.ears.pressed = source.leg.events.pressed = partial(self._pass_key, source)

    def _pass_key(self, source: CallParty, digit: str, *, as_tones: bool = False) -> None:
        """Pass a key on. `as_tones`: it came as tones, which a side that takes no events has heard already."""
        if self._state is not BridgeState.TALK:
            return
        for target in self._key_targets(source):
            is_heard = as_tones and target.plan is not None and target.plan.keys_payload is None
            if not is_heard:
                target.stream.press(digit)

    def _key_targets(self, source: CallParty) -> Sequence[CallParty]:
        """Return who gets a side's keys. A resident may type a secret number: no third party gets it."""
        if source is self._operator:
            return [each for each in (self._resident, self._third) if each is not None]
        return [self._operator] if source is self._resident else []

    def _for_operator(self) -> bytes | None:
        match self._state:
            case BridgeState.TALK:
                return self._sum_for(self._operator)
            case BridgeState.RINGING:
                early = self._relays[self._resident, self._operator]
                return early.take() if early.heard else self._tone.take()
            case BridgeState.HOLD:
                return None

    def _for_other(self, side: CallParty) -> Callable[[], bytes | None]:
        """Return the source of the sound for a side that can be on hold."""
        music = {name: LoopedSound(frames) for name, frames in self._music.items()}

        def take() -> bytes | None:
            match self._state:
                case BridgeState.TALK:
                    return self._sum_for(side)
                case BridgeState.RINGING:
                    return None
                case BridgeState.HOLD:
                    tune = music.get(side.plan.law.name) if side.plan else None
                    return tune.take() if tune else None

        return take

    def _sum_for(self, target: CallParty) -> bytes | None:
        """Return the next packet for a side: the announcement that it has not heard whole, else the sum of what the
        others, two at most, have said; None: silence.
        """
        taken = [relay.take() for (_, to), relay in self._relays.items() if to is target]
        frames = [frame for frame in taken if frame is not None]
        if self._announcement is not None and target.plan is not None:
            told = self._announcement.take(target, target.plan.law)
            if self._announcement.is_heard:
                self._announcement = None
            if told is not None:  # who had all of it talks on: a telephone on hold takes no sound, maybe for long
                return told
        if len(frames) == 2 and target.plan is not None:
            return mixed(frames[0], frames[1], target.plan.law)
        return frames[0] if frames else None


def ringing_tone() -> Samples:
    """Return one period (5 s) of the ringing tone, 1 s of 450 Hz and then silence, as 8000 samples a second."""
    times = np.arange(round(TONE_SECONDS * RATE)) / RATE
    sound = np.zeros(round(TONE_PERIOD * RATE / FRAME) * FRAME, np.int16)
    sound[: len(times)] = (TONE_LEVEL * np.sin(2 * np.pi * TONE_HERTZ * times)).astype(np.int16)
    return sound
