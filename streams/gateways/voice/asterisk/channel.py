"""What is known about one call at Asterisk, from its events and from answers to questions about it."""

import asyncio
import hashlib
from collections.abc import Collection

from domain.carriers.voice_mailbox import HeardTalk
from streams.gateways.voice.asterisk.events import (
    CallEvent,
    ChannelDestroyed,
    ChannelDtmfReceived,
    ChannelShape,
    ChannelStateChange,
    ChannelTalkingFinished,
    ChannelTalkingStarted,
    Dial,
    PlaybackFinished,
    PlaybackShape,
    PlaybackState,
    StasisEnd,
    StasisStart,
)

ID_DIGITS = 40


def call_channel_id(app: str, dispatch: str) -> str:
    """Return the id of the channel of a dispatch's call: `app`, a hyphen and 40 hexadecimal digits. It is the same for
    each attempt: Asterisk refuses a second channel with the id of one that exists.
    """
    return f"{app}-{hashlib.sha256(dispatch.encode()).hexdigest()[:ID_DIGITS]}"


def is_own_channel(app: str, channel: str) -> bool:
    """Return True if the id `channel` has the form that `call_channel_id` gives the ids of the application `app`."""
    name, _, digits = channel.rpartition("-")
    return name == app and len(digits) == ID_DIGITS and not digits.strip("0123456789abcdef")


class CallChannel:
    """A call at Asterisk. An event that comes twice changes nothing the second time.

    `has_begun`: it is certain that the call was begun; `answered`; `ended`: the call, or its control by this gateway,
    is over; `missed`: events may have been lost since it was last cleared; `pressed`: the first key that the message
    offers; `rang`: the network reported ringing, or sound before the answer; `destroyed`: the report about the end,
    with its cause; `is_lost`: the channel is gone without such a report.
    """

    def __init__(self, id: str, keys: Collection[str]) -> None:  # noqa: A002 - as Asterisk calls it
        """`id`: of the channel; `keys`: those that the message offers."""
        self.id = id
        self._keys = keys
        self.has_begun, self.is_lost, self.rang = False, False, False
        self.answered, self.ended, self.missed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.pressed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.answered_at = 0.0
        self.talk = HeardTalk()
        self.destroyed: ChannelDestroyed | None = None
        self._playbacks: dict[str, asyncio.Future[PlaybackState]] = {}

    def playback(self, id: str) -> "asyncio.Future[PlaybackState]":  # noqa: A002
        """Return the future of the state in which the playback with this id ends; the same future for each call with
        this id. Call this before the playback is begun, else its end may be missed. The future stays pending if the
        report about the end is lost, so wait for `missed` and `ended` too.
        """
        return self._playbacks.setdefault(id, asyncio.get_running_loop().create_future())

    def take(self, event: CallEvent) -> None:
        """Note an event of this call: its answer, the first key that the message offers, talk, the end of a playback,
        ringing, or the end of the call.
        """
        self.has_begun = True
        match event:
            case StasisStart():
                self.note_answer()
            case ChannelDtmfReceived():
                self._press(event.digit)
            case ChannelTalkingStarted() | ChannelTalkingFinished():
                self._note_talk(event)
            case PlaybackFinished():
                self._note_playback(event.playback)
            case ChannelDestroyed():
                self.destroyed = self.destroyed or event
                self.ended.set()
            case StasisEnd():
                self.ended.set()
            case ChannelStateChange() | Dial():
                self.rang = self.rang or event.is_progress

    def note_answer(self) -> None:
        """Set `answered`, with the present time as that of the answer, unless the answer was noted before."""
        if not self.answered.is_set():
            self.answered_at = asyncio.get_running_loop().time()
            self.answered.set()

    def note_state(self, found: ChannelShape | None) -> None:
        """Note Asterisk's answer to a question about the channel: that it rings or is answered. None: the channel is
        gone, so the call has ended; it is lost unless the report about its end came before.
        """
        if found is None:
            if self.destroyed is None:
                self.is_lost = True
            self.ended.set()
            return
        self.has_begun = True
        self.rang = self.rang or found.is_ringing
        if found.is_up:
            self.note_answer()

    def _press(self, digit: str) -> None:
        if digit in self._keys and self.answered.is_set() and not self.pressed.done():
            self.pressed.set_result(digit)

    def _note_playback(self, playback: PlaybackShape) -> None:
        ending = self._playbacks.get(playback.id)
        if ending is not None and not ending.done():
            ending.set_result(playback.state)

    def _note_talk(self, event: ChannelTalkingStarted | ChannelTalkingFinished) -> None:
        if not self.answered.is_set():
            return
        seconds = asyncio.get_running_loop().time() - self.answered_at
        if isinstance(event, ChannelTalkingStarted):
            self.talk = self.talk if self.talk.began is not None else HeardTalk(seconds)
        elif self.talk.began is not None and self.talk.paused is None:
            self.talk = HeardTalk(self.talk.began, seconds)
