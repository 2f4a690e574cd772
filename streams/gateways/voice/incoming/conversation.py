"""Carries out one incoming call: takes it, lets the caller wait, rings operators, connects both, and ends both."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

from domain.carriers.incoming_calls import PAUSES, RingResult, ring_result
from domain.carriers.operator_calls import result_of_status
from domain.carriers.voice import q850_cause
from schemas.channels.incoming_calls import IncomingCallResult, IncomingCallState
from streams.gateways.voice.incoming.ledger import IncomingChange
from streams.gateways.voice.incoming.queue import CallQueue, QueuePlace
from streams.gateways.voice.incoming.sounds import CallerSounds
from streams.gateways.voice.incoming.table import IncomingTable
from streams.gateways.voice.media.clock import PERIOD, MediaClock
from streams.gateways.voice.media.session import MediaRefusedError
from streams.gateways.voice.media.stream import StreamEars
from streams.gateways.voice.operators.bridge import BridgeState, SoundBridge
from streams.gateways.voice.operators.bridged_call import BridgedCall
from streams.gateways.voice.operators.confirmation import is_confirmed
from streams.gateways.voice.operators.party import CallingParty, DialledParty, PartyAddress, open_caller, open_party
from streams.gateways.voice.operators.steps import ender_of, talk_over, unless_set
from streams.gateways.voice.sip.incoming import NO_SERVICE, UNACCEPTABLE, IncomingLeg
from streams.gateways.voice.sip.leg import DialResult
from streams.gateways.voice.sip.trunk import Trunk

log = logging.getLogger(__name__)

Value = TypeVar("Value")
SPARE_SECONDS = 2.0  # more than a sentence lasts
TAIL_SECONDS = 0.2  # after a sentence: its last packets are on their way
FAULT_SECONDS = 2.0  # before another operator is rung after a fault, which may be that of the exchange


@dataclass(frozen=True, slots=True)
class IncomingParts:
    """The objects that incoming calls share. `trunk`: that the calls come from; `secure`: with SRTP to it; `ports`: the
    first and last UDP port for sound; `phone`: where an operator's telephone is, by login; `confirm_key`: that an
    operator presses first, None: none.
    """

    table: IncomingTable
    trunk: Trunk
    secure: bool
    ports: tuple[int, int]
    clock: MediaClock
    phone: Callable[[str], PartyAddress]
    queue: CallQueue
    sounds: CallerSounds
    confirm_key: str | None


class IncomingConversation(BridgedCall[IncomingChange]):
    """One call. `turned_away`: the queue is full, and the caller only hears that the centre calls back; `changed`:
    stores and reports a new state.
    """

    def __init__(
        self,
        leg: IncomingLeg,
        parts: IncomingParts,
        changed: Callable[[IncomingChange], Awaitable[None]],
        *,
        turned_away: bool,
    ) -> None:
        super().__init__(changed)
        self._leg, self._parts, self._turned_away = leg, parts, turned_away
        self._began = asyncio.get_running_loop().time()
        self._beginning, self._answered_after = True, 0.0
        self._operator: str | None = None  # who talks
        self._storing: asyncio.Task[bool] | None = None

    async def run(self) -> None:
        """Run the call until its last BYE, and store and report its end. If this task is cancelled before that, both
        sides are hung up, and the end is not stored.
        """
        parts = self._parts
        async with AsyncExitStack() as stack:
            stack.callback(self._leave_unstored)
            try:
                opened = open_caller(self._leg, parts.trunk, parts.ports, parts.clock, secure=parts.secure)
                caller = await stack.enter_async_context(opened)
            except OSError as error:
                log.error("an incoming call has no sound: %s", error)  # noqa: TRY400 - the text says it all
                self._leg.refuse(NO_SERVICE)
                parts.trunk.release(self._leg)
                await self._end(self._without_talk(IncomingCallResult.NO_SOUND))
                return
            ending = await self._course(caller)
            caller.hang_up()
            await self._end(ending)

    @property
    def is_talk(self) -> bool:
        """True while an operator and the caller are connected."""
        return self._bridge is not None

    @property
    def operator(self) -> str | None:
        """The login of the operator who talks with the caller, or talked last; None before the first talk."""
        return self._operator

    @property
    def is_beginning(self) -> bool:
        """True until the caller has a place in the queue, is turned away, or is gone."""
        return self._beginning and not self._turned_away

    async def _course(self, caller: CallingParty) -> IncomingChange:
        """Return how the call ended, with the caller still to be hung up."""
        try:
            taken = await self._until(caller.accept(self._parts.trunk.host))
        except MediaRefusedError as error:
            log.warning("an incoming call has no sound: %s", error)
            self._leg.refuse(UNACCEPTABLE)
            return self._without_talk(IncomingCallResult.NO_SOUND)
        if not taken:
            return self._gone()
        if self._turned_away:
            await self._say_call_back(caller)
            return self._without_talk(IncomingCallResult.QUEUE_FULL)
        caller.stream.source = self._parts.sounds.waiting_for(caller.stream)
        self._beginning = False
        with self._parts.queue.place() as place:
            if (ending := await self._wait(caller, place)) is not None:
                return ending
        await self._say_call_back(caller)
        return self._without_talk(IncomingCallResult.NOT_SERVED)

    async def _wait(self, caller: CallingParty, place: QueuePlace) -> IncomingChange | None:
        """Ring one operator after another. Returns how the call ended, None if nobody answered in time."""
        queue = self._parts.queue
        while not queue.closing.is_set() and self._left > 0:
            login = await self._until(place.wait_for_operator(self._left))
            if self._is_over:
                if login is not None:
                    queue.operators.release(login)
                return self._gone()
            if login is None:
                return None
            try:
                ending = await self._ring(caller, place, login)
            finally:
                queue.operators.release(login)
            if ending is not None:
                queue.match()
                return ending
            # No match here: this caller wants an operator again in the next round, and comes first.
        return None

    async def _ring(self, caller: CallingParty, place: QueuePlace, login: str) -> IncomingChange | None:
        """Ring one operator. Returns how the call ended, None if the operator did not answer."""
        self._note(IncomingChange(IncomingCallState.RINGING, login))
        try:
            async with open_party(self._parts.phone(login), self._parts.clock) as phone:
                if await self._picks_up(phone, login):
                    self._parts.queue.leave(place)
                    return await self._talk(phone, caller, login)
        except (OSError, MediaRefusedError) as error:
            log.error("an operator's telephone has no sound: %s", error)  # noqa: TRY400 - the text says it all
            if isinstance(error, MediaRefusedError):
                self._parts.queue.operators.pause(login, PAUSES[RingResult.FAULT])
            await self._after_fault()
        if self._is_over:
            return self._gone()
        self._note(IncomingChange(IncomingCallState.QUEUED))
        return None

    async def _picks_up(self, phone: DialledParty, login: str) -> bool:
        """Call an operator. Returns True if they have answered, and pressed the key if one is configured."""
        operators, key = self._parts.queue.operators, self._parts.confirm_key
        left, rings = self._left, self._parts.table.ring_seconds
        answer = await self._until(phone.dial(min(rings, left)))
        if answer is None or (answer.gave_up and left < rings):  # the caller's time is over, not the operator's
            return False
        is_there = answer.is_answered
        if is_there and key is not None:
            is_there = bool(await self._until(is_confirmed(phone, key), phone.leg.events.ended))
        if self._is_over:
            return False
        if is_there:
            operators.picked_up(login)
            return True
        await self._in_vain(login, answer)
        return False

    async def _in_vain(self, login: str, answer: DialResult) -> None:
        """Note that an operator was rung in vain. Nothing is noted of one whose telephone does not work."""
        operators, result = self._parts.queue.operators, RingResult.MISSED
        if not answer.is_answered:
            found = result_of_status(answer.status, q850_cause(answer.reason), gave_up=answer.gave_up)
            result = ring_result(found, rang=answer.rang)
        operators.pause(login, PAUSES[result])
        if result is RingResult.FAULT:
            await self._after_fault()
        if result is not RingResult.MISSED:
            return
        try:
            await operators.missed(login)
        except sqlite3.Error:
            log.exception("the disk refuses that an operator is away: they are rung again")

    async def _after_fault(self) -> None:
        await self._until(asyncio.sleep(max(min(FAULT_SECONDS, self._left), 0)))

    async def _talk(self, phone: DialledParty, caller: CallingParty, login: str) -> IncomingChange:
        """Connect both until one of them ends the talk."""
        began, self._answered_after = asyncio.get_running_loop().time(), self._waited
        bridge = SoundBridge(phone, caller, self._parts.sounds.music)
        bridge.set_state(BridgeState.TALK)
        self._bridge, self._operator = bridge, login
        self._note(self._connected())
        try:
            await talk_over(phone, caller, self._parts.table.longest_seconds, self._wanted_end)
        finally:
            self._bridge = None
            for side in (phone, caller):  # at once: the other side's answer to the BYE may take 32 s
                side.stream.ears, side.stream.source = StreamEars(), lambda: None
                side.hang_up()
        by = self._wanted_by if self._wanted_end.is_set() else ender_of(phone, caller)
        seconds = asyncio.get_running_loop().time() - began
        return IncomingChange(
            IncomingCallState.ENDED,
            login,
            answered=True,
            waited=self._answered_after,
            seconds=seconds,
            result=IncomingCallResult.ANSWERED,
            ended_by=by,
        )

    async def _say_call_back(self, caller: CallingParty) -> None:
        if caller.plan is None:
            return
        frames = self._parts.sounds.call_back[caller.plan.law.name]
        caller.stream.source = lambda: None
        await self._until(_played(caller, frames))

    def _connected(self, *, held: bool = False) -> IncomingChange:
        return IncomingChange(
            IncomingCallState.CONNECTED, self._operator, held=held, answered=True, waited=self._answered_after
        )

    def _without_talk(self, result: IncomingCallResult) -> IncomingChange:
        return IncomingChange(IncomingCallState.ENDED, waited=self._waited, result=result)

    def _gone(self) -> IncomingChange:
        """Return how a call ended that was broken off: by the caller, or by a gateway that stops."""
        by_gateway = self._wanted_end.is_set() and not self._leg.events.ended.is_set()
        return self._without_talk(IncomingCallResult.NOT_SERVED if by_gateway else IncomingCallResult.ABANDONED)

    @property
    def _waited(self) -> float:
        return asyncio.get_running_loop().time() - self._began

    @property
    def _left(self) -> float:
        """For how many seconds the caller still waits; not positive: no longer."""
        return self._parts.table.wait_seconds - self._waited

    @property
    def _is_over(self) -> bool:
        return self._wanted_end.is_set() or self._leg.events.ended.is_set()

    def _note(self, to: IncomingChange) -> None:
        """Store and report a state soon. The disk is not waited for, because it may refuse for long: a state that it
        has not taken by the next one is left out.
        """
        self._leave_unstored()
        self._storing = asyncio.create_task(self._stored(to))

    def _leave_unstored(self) -> None:
        if self._storing is not None:
            self._storing.cancel()

    async def _end(self, ending: IncomingChange) -> None:
        self._leave_unstored()
        await super()._end(ending)

    async def _until(self, step: Coroutine[Any, Any, Value], *ended: asyncio.Event) -> Value | None:
        return await unless_set(step, self._wanted_end, self._leg.events.ended, *ended)


async def _played(caller: CallingParty, frames: Sequence[bytes]) -> None:
    """Play a sentence to its end; a caller who has put the call on hold gets no packets, and it would never end."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(len(frames) * PERIOD + SPARE_SECONDS):
            await caller.stream.play(frames)
            await asyncio.sleep(TAIL_SECONDS)
