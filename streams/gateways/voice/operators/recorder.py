"""Records the talk of an operator's call, and encrypts it in memory: no sound is written to any disk here.

The sound has two tracks, coded with A-law: what the operator says, and what the others say. It is recorded only while
all sides hear each other and have heard the announcement, and the operator has not paused it.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from domain.access.ciphers import RecordCipher
from domain.carriers.recorded_sound import PART_SECONDS, sealed_part
from schemas.casework.call_recordings import RecordingInCall, RecordingState
from streams.gateways.voice.media.clock import PERIOD
from streams.gateways.voice.media.g711 import A_LAW, G711, mixed
from streams.gateways.voice.media.relay import SoundRelay

PART_FRAMES = round(PART_SECONDS / PERIOD)  # so much is lost if the gateway dies


@dataclass(frozen=True, slots=True)
class WantedRecording:
    """A recording that an operator wants. `id`, `written_ms`: as in RecordingInCall; `case`: the case's id; `key`: for
    this recording alone.
    """

    id: str
    written_ms: int
    case: str
    cipher: RecordCipher
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SealedSound:
    """An encrypted part of a recording. `part`: its number, from 1; `last`: no further part follows."""

    of: WantedRecording
    part: int
    sealed: bytes = field(repr=False)
    last: bool


class CallRecorder:
    """The recording of one call. Its `tick` must be called every 20 ms.

    `put`: takes a part to be sent, and returns False if it cannot: the recording then ends. `changed`: called by `tick`
    at first, and whenever the state in `report`, or its `begun`, differs from the one at the call before; `end` and
    `set_paused` do not call it themselves.
    """

    def __init__(
        self, wanted: WantedRecording, put: Callable[[SealedSound], bool], changed: Callable[[], None]
    ) -> None:
        self._wanted, self._put, self._changed = wanted, put, changed
        self._may_record: Callable[[], bool] = lambda: False
        self._relays: dict[Hashable, SoundRelay] = {}
        self._operator: Hashable = None
        self._own, self._others = bytearray(), bytearray()
        self._frames, self._part, self._refused = 0, 0, 0
        self._paused = self._ended = False
        self._told: tuple[RecordingState, bool] | None = None

    @property
    def report(self) -> RecordingInCall:
        """The present state of the recording, as it is reported. Its seconds are None until the recording has ended,
        and leave out a part that `put` did not take.
        """
        begun, seconds = self._frames > 0, (self._frames - self._refused) * PERIOD
        return RecordingInCall(
            id=self._wanted.id,
            written_ms=self._wanted.written_ms,
            state=self._state,
            begun=begun,
            seconds=seconds if self._ended else None,
        )

    def follow(self, operator: Hashable, may_record: Callable[[], bool]) -> None:
        """Record from now on the talk in which `operator` is the operator's side, whenever `may_record` returns True.
        Sound that waits is dropped.
        """
        self._operator, self._may_record = operator, may_record
        self._relays.clear()

    def hear(self, source: Hashable, payload: bytes, law: G711) -> None:
        """Take a packet's payload of a side's sound, coded with `law`. It is dropped if nothing may be recorded now."""
        if self._is_open:
            self._relays.setdefault(source, SoundRelay()).put(payload, law, A_LAW)

    def set_paused(self, paused: bool) -> bool:
        """Pause the recording (True), or continue it. Sound that waits is dropped. Returns True, or False if the
        recording has ended.
        """
        self._paused = paused
        self._relays.clear()
        return not self._ended

    def tick(self) -> None:
        """Record the next 20 ms, or nothing if that is not allowed now. Passes an encrypted part to `put` after each 2
        s of sound, and calls `changed` if the state has changed.
        """
        if self._is_open:
            self._record()
        else:
            self._relays.clear()
        now = self._state, self._frames > 0
        if now != self._told:
            self._told = now
            self._changed()

    def end(self) -> None:
        """End the recording: encrypt the rest, if any sound was recorded, and pass it to `put` as the last part. Has no
        effect a second time.
        """
        if not self._ended:
            self._ended = True
            if self._frames:
                self._seal(last=True)

    @property
    def _is_open(self) -> bool:
        return not self._ended and not self._paused and self._may_record()

    @property
    def _state(self) -> RecordingState:
        if self._ended:
            return RecordingState.ENDED
        if self._paused:
            return RecordingState.PAUSED
        if self._may_record():
            return RecordingState.RECORDING
        return RecordingState.WAITING if self._frames else RecordingState.ANNOUNCING

    def _record(self) -> None:
        own = self._relays.get(self._operator)
        self._own += (own.take() if own else None) or A_LAW.quiet
        sound = A_LAW.quiet
        for source, relay in self._relays.items():
            if source != self._operator and (frame := relay.take()) is not None:
                sound = mixed(sound, frame, A_LAW)
        self._others += sound
        self._frames += 1
        if self._frames % PART_FRAMES == 0:
            self._seal(last=False)

    def _seal(self, *, last: bool) -> None:
        self._part += 1
        frames = len(self._own) // len(A_LAW.quiet)
        sound = bytes(self._own + self._others)
        self._own, self._others = bytearray(), bytearray()
        sealed = sealed_part(self._wanted.cipher, self._wanted.key, self._wanted.id, self._part, sound)
        if not self._put(SealedSound(self._wanted, self._part, sealed, last)):
            self._refused = frames
            self._ended = True
