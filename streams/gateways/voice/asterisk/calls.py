"""Carries out one automated call through Asterisk: has it dial, play the message and report a key, and returns how the
call ended.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from domain.carriers.voice import CallEnding, Heard, after_answer, after_hangup, offered_keys, ring_timeout
from domain.carriers.voice_mailbox import Answerer, MailboxRules, who_talked
from schemas.channels.receipts import CallState
from streams.gateways.voice import gateway_metrics
from streams.gateways.voice.asterisk.channel import CallChannel, call_channel_id
from streams.gateways.voice.asterisk.commands import AriCall, AriUnansweredError, HungUp, Originated
from streams.gateways.voice.asterisk.events import PlaybackState
from streams.gateways.voice.asterisk.exchange import LATE_EVENT_SECONDS, AsteriskExchange
from streams.gateways.voice.asterisk.sounds import OfferedSound, OfferedSounds
from streams.gateways.voice.configuration import CallsTable
from streams.gateways.voice.ledger import CallOrder
from streams.gateways.voice.voices import SpeechError, Voices
from streams.runtime.tasks import set_within

log = logging.getLogger(__name__)

ASK_SECONDS = 5.0  # whether a call has begun whose command was not answered
ASK_PAUSE_SECONDS = 0.5
RING_MARGIN_SECONDS = 10.0  # Asterisk gives up this much later than the gateway, for the case that the gateway is gone
TALK_MARGIN_SECONDS = 30.0
LOOK_SECONDS = 0.1  # between two looks at what is known about talk
PLAY_TRIES, PLAY_PAUSE_SECONDS = 3, 0.3
FETCH_SECONDS = 8.0  # from the command to play until Asterisk asks for the sound; it tries for minutes and ends no call
EVENTS_LOST = "events of Asterisk were lost meanwhile"
UNFETCHED = "Asterisk did not fetch the message: it must reach sounds_url"


class CallInDoubtError(RuntimeError):
    """It is unknown whether a call was placed, or how it ended. The words name no person."""


class MessageUnplayedError(RuntimeError):
    """Asterisk did not play the message, although the call goes on."""


@dataclass(frozen=True, slots=True)
class AsteriskCalls:
    """Places calls through Asterisk. `rules`: for telling a mailbox from a person."""

    exchange: AsteriskExchange
    calls: CallsTable
    voices: Voices
    sounds: OfferedSounds
    rules: MailboxRules = field(default_factory=MailboxRules)

    @property
    def up(self) -> bool:
        """True if calls can be placed through Asterisk at the moment."""
        return self.exchange.up

    async def place(self, order: CallOrder, number: str) -> CallEnding:
        """Have Asterisk dial `number` (in the form that it wants) once, play the order's message, and return how the
        call ended: FAILED, without dialling, if the message cannot be spoken or Asterisk is not connected. If the task
        is cancelled, the call is ended too.

        Raises CallInDoubtError if it is unknown whether the call was begun or how it ended, or a key may have been
        missed.
        """
        try:
            message = await self.voices.speak(order.script, order.language)
        except SpeechError as error:
            log.error("a message cannot be said: %s", error)  # noqa: TRY400 - the text says it all
            return CallEnding(CallState.FAILED, str(error))
        if not self.exchange.up:  # cut since the order was taken from the queue: an answer would meet silence
            return CallEnding(CallState.FAILED, "not dialled: no events of Asterisk")
        gateway_metrics.SPOKEN.labels(message.source).inc()
        channel_id = call_channel_id(self.exchange.table.app, order.id)
        keys = offered_keys(order.id)
        with self.exchange.channel(channel_id, keys) as channel, self.sounds.offered(message.samples) as sound:
            return await _AsteriskCall(self, channel, sound).run(number)


class _AsteriskCall:
    """One call under way."""

    def __init__(self, parts: AsteriskCalls, channel: CallChannel, sound: OfferedSound) -> None:
        self._exchange, self._commands = parts.exchange, parts.exchange.commands
        self._calls, self._rules = parts.calls, parts.rules
        self._channel, self._sound = channel, sound
        self._who = Answerer.UNDECIDED
        self._played, self._has_gap, self._is_over = 0, False, False
        self._is_told_to_play = False
        self._numbers = itertools.count(1)

    async def run(self, number: str) -> CallEnding:
        """Call and talk. Returns how the call ended; ends it also if this task is cancelled or fails."""
        began = asyncio.get_running_loop().time()
        try:
            refused = await self._begin(number)
            if refused is not None:
                self._is_over = True
                return refused
            is_answered = await self._is_answered()
            gateway_metrics.SETUP.observe(asyncio.get_running_loop().time() - began)
            return await (self._answered() if is_answered else self._unanswered())
        finally:
            if not self._is_over and self._channel.destroyed is None:
                await asyncio.shield(self._exchange.hang_up(self._channel.id))

    async def _begin(self, number: str) -> CallEnding | None:
        """Have Asterisk place the call. Return None once it has begun, or the ending if it was refused.

        Raises CallInDoubtError if Asterisk's answer is lost, and neither an event nor a question shows the call. It is
        not placed again: the first one may have ended already.
        """
        ring = self._calls.ring_seconds + RING_MARGIN_SECONDS
        longest = ring + self._calls.longest_seconds + TALK_MARGIN_SECONDS
        endpoint = self._exchange.table.dialled_endpoint(number)
        outcome, words = await self._commands.originate(AriCall(self._channel.id, endpoint, ring, longest))
        if outcome is Originated.REFUSED:
            return CallEnding(CallState.FAILED, words)
        if outcome is Originated.UNKNOWN and not await self._is_seen():
            raise CallInDoubtError(words)
        self._channel.has_begun = True
        return None

    async def _is_seen(self) -> bool:
        """Return True if an event, or the answer to a question within 5 s, shows that the call has begun."""
        loop = asyncio.get_running_loop()
        until = loop.time() + ASK_SECONDS
        while not self._channel.has_begun and loop.time() < until:
            with contextlib.suppress(AriUnansweredError):
                if (found := await self._commands.channel(self._channel.id)) is not None:
                    self._channel.note_state(found)
                    return True
            await asyncio.sleep(ASK_PAUSE_SECONDS)
        return self._channel.has_begun

    async def _is_answered(self) -> bool:
        """Wait for the answer or the end of the call, at most `ring_seconds`. Return True if it was answered."""
        waits = (self._channel.answered.wait(), self._channel.ended.wait())
        await _first(*waits, seconds=self._calls.ring_seconds)
        return self._channel.answered.is_set()

    async def _unanswered(self) -> CallEnding:
        """Return the ending of a call that has ended, or has rung for long enough: it is hung up then.

        Asterisk is asked before: an answer whose event is lost is an answer. Raises CallInDoubtError.
        """
        channel = self._channel
        if not channel.ended.is_set():
            try:
                await self._exchange.ask(channel)
            except AriUnansweredError as error:
                raise CallInDoubtError(str(error)) from None
            if channel.answered.is_set():
                return await self._answered()
        if not channel.ended.is_set():
            if await self._exchange.hang_up(channel.id) is HungUp.DONE:
                self._is_over = True
                return ring_timeout(self._calls.ring_seconds, channel.rang)
            await set_within(channel.ended, LATE_EVENT_SECONDS)
        if channel.destroyed is None:
            raise CallInDoubtError(EVENTS_LOST)
        return after_hangup(channel.destroyed.cause, channel.destroyed.tech_cause, channel.rang)

    async def _answered(self) -> CallEnding:
        """Talk, and return the ending of the answered call. Raises CallInDoubtError if a key may have been missed."""
        channel, unplayed = self._channel, ""
        try:
            await self._talk()
        except MessageUnplayedError as error:
            if not self._exchange.up:
                raise CallInDoubtError(EVENTS_LOST) from None
            if not self._played:
                return CallEnding(CallState.FAILED, str(error))
            unplayed = f"; {error}"  # not again, but the person has heard it
        key = channel.pressed.result() if channel.pressed.done() else None
        if key is None and (channel.is_lost or not self._exchange.up):
            raise CallInDoubtError(EVENTS_LOST)
        if key is None and self._is_told_to_play and not self._sound.fetched:
            return CallEnding(CallState.FAILED, UNFETCHED)  # whoever answered has heard nothing
        seconds = asyncio.get_running_loop().time() - channel.answered_at
        mailbox = self._who is Answerer.MAILBOX
        ending = after_answer(Heard(key, mailbox, seconds, self._played, channel.ended.is_set()))
        gap = f"; {EVENTS_LOST}" if self._has_gap else ""
        return replace(ending, detail=f"{ending.detail}{unplayed}{gap}")

    async def _talk(self) -> None:
        """Play the message until a key is pressed, the called side hangs up, or it was played often enough.

        Raises MessageUnplayedError.
        """
        saying = asyncio.ensure_future(self._say())
        waits = (asyncio.wait({saying}), self._channel.ended.wait(), asyncio.wait({self._channel.pressed}))
        try:
            await _first(*waits, seconds=self._calls.longest_seconds)
        finally:
            saying.cancel()
            said = (await asyncio.gather(saying, return_exceptions=True))[0]
        if isinstance(said, Exception) and not self._channel.pressed.done():
            raise said

    async def _say(self) -> None:
        """Wait for the guess of who answered, then play the message and wait for a key: `repeat` times to a person; to
        a mailbox once, or not at all, by the configuration. If events were lost, a key may have been among them: then
        the message is played once more.
        """
        self._who = await self._answerer()
        if self._who is Answerer.MAILBOX and self._calls.on_mailbox == "hang_up":
            return
        left = 1 if self._who is Answerer.MAILBOX else self._calls.repeat
        while left:
            self._channel.missed.clear()
            if await self._play():
                self._played += 1
                left -= 1
            if await self._misses_events(self._calls.pause_seconds if left else self._calls.key_seconds):
                self._has_gap, left = True, max(left, 1)

    async def _answerer(self) -> Answerer:
        """Return the guess of who answered as soon as it is made; UNDECIDED if none is made in time."""
        if not self._exchange.table.detect_talk:
            return Answerer.UNDECIDED
        rules, channel = self._rules, self._channel
        with contextlib.suppress(AriUnansweredError):
            await self._commands.detect_talk(channel.id, rules.pause_after_greeting, rules.loud)
        longest = rules.silence_at_first + rules.longest_greeting + rules.pause_after_greeting
        seconds, who = 0.0, Answerer.UNDECIDED
        while who is Answerer.UNDECIDED and seconds <= longest:
            await asyncio.sleep(LOOK_SECONDS)
            seconds = asyncio.get_running_loop().time() - channel.answered_at
            who = who_talked(channel.talk, seconds, rules)
        return who

    async def _play(self) -> bool:
        """Play the message once. Return True if all of it was played, False if that is unknown because events were
        lost; it does not go on then.

        While Asterisk fetches the sound, it reports no key and no end of the call. Raises MessageUnplayedError.
        """
        playback = await self._begin_playing()
        finished = self._channel.playback(playback)
        await _first(asyncio.wait({finished}), self._channel.missed.wait(), seconds=FETCH_SECONDS)
        if not (finished.done() or self._channel.missed.is_set()):
            if not self._sound.fetched:
                raise MessageUnplayedError(UNFETCHED)
            await _first(asyncio.wait({finished}), self._channel.missed.wait(), seconds=None)
        if not finished.done():
            with contextlib.suppress(AriUnansweredError):
                await self._commands.stop(playback)
            return False
        if finished.result() is not PlaybackState.DONE:
            await self._unplayed("Asterisk could not play the message: it must reach sounds_url")
        return True

    async def _begin_playing(self) -> str:
        """Begin to play the message, and return the playback's id. Raises MessageUnplayedError.

        A channel that was answered this moment may not be under control yet (409, 412), so it is tried three times.
        """
        said = ""
        for _ in range(PLAY_TRIES):
            playback = f"{self._channel.id}-{next(self._numbers)}"
            self._channel.playback(playback)
            try:
                status = await self._commands.play(self._channel.id, playback, self._sound.url)
                said = f"Asterisk answered {status} to the command to play"
                if status in (200, 201):
                    self._is_told_to_play = True
                    return playback
            except AriUnansweredError as error:
                said = str(error)
                with contextlib.suppress(AriUnansweredError):
                    await self._commands.stop(playback)  # it may have begun
            await asyncio.sleep(PLAY_PAUSE_SECONDS)
        return await self._unplayed(said)

    async def _unplayed(self, words: str) -> NoReturn:
        """Raise MessageUnplayedError, unless the call ends within 2 s: Asterisk reports an interrupted playback first,
        and the end of the call after it. Then the task that says the message just ends.
        """
        with contextlib.suppress(AriUnansweredError):
            if not await set_within(self._channel.ended, LATE_EVENT_SECONDS):
                await self._exchange.ask(self._channel)
        if not self._channel.ended.is_set():
            raise MessageUnplayedError(words)
        raise asyncio.CancelledError

    async def _misses_events(self, seconds: float) -> bool:
        """Wait for `seconds`, or until events were lost; if none arrive now, until they do again. Return True if some
        were lost.
        """
        await set_within(self._channel.missed, seconds)
        while not self._exchange.up:  # noqa: ASYNC110 - nobody tells it
            await asyncio.sleep(LOOK_SECONDS)
        return self._channel.missed.is_set()


async def _first(*waits: Awaitable[Any], seconds: float | None) -> None:
    """Return when one of `waits` is done, or after `seconds` (None: without limit); end the waiting for the others."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
