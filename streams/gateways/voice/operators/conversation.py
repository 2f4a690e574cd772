"""Carries out one operator's call: rings the operator, then the resident, connects both, and ends both."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from domain.carriers.operator_calls import result_of_status
from domain.carriers.voice import q850_cause
from schemas.casework.call_recordings import RecordingState
from schemas.channels.operator_calls import MOST_MOVES, CallEnder, CallMove, OperatorCallResult, OperatorCallState
from streams.gateways.voice.media.clock import MediaClock
from streams.gateways.voice.media.session import MediaRefusedError
from streams.gateways.voice.media.stream import StreamEars
from streams.gateways.voice.operators.bridge import BridgeState, SoundBridge
from streams.gateways.voice.operators.bridged_call import BridgedCall
from streams.gateways.voice.operators.confirmation import is_confirmed
from streams.gateways.voice.operators.consultation import Colleague, Consultations
from streams.gateways.voice.operators.ledger import CallChange
from streams.gateways.voice.operators.party import CallParty, DialledParty, PartyAddress, open_party
from streams.gateways.voice.operators.recorder import CallRecorder, SealedSound, WantedRecording
from streams.gateways.voice.operators.steps import ender_of, operator_result, talk_over, unless_set
from streams.gateways.voice.operators.third_party import CalledThirdParty, ThirdPartyLegs, ThirdPartyRules

log = logging.getLogger(__name__)

Value = TypeVar("Value")
Changed = Callable[[CallChange], Awaitable[None]]
ENDED = OperatorCallState.ENDED


@dataclass(frozen=True, slots=True)
class ConversationRules:
    """How long, in seconds, the operator's and the resident's telephone ring, and a talk lasts at most. `music`: for
    hold, as packets by the name of their law; `confirm_key`: that the operator presses before the resident is called,
    None: none; `third`: for third parties, None: nobody can be called into a talk; `recording`: what all hear before
    a recording, as packets by the name of their law, None: nothing is recorded.
    """

    operator_rings: float
    resident_rings: float
    longest: float
    music: Mapping[str, Sequence[bytes]]
    confirm_key: str | None = None
    third: ThirdPartyRules | None = None
    recording: Mapping[str, Sequence[bytes]] | None = None


class OperatorConversation(BridgedCall[CallChange]):
    """One call. `login`: of the operator who begins it; `changed`: awaited before each step, with the state that it
    leads to; it returns when the disk has it.
    """

    def __init__(
        self,
        login: str,
        operator: PartyAddress,
        resident: PartyAddress,
        clock: MediaClock,
        rules: ConversationRules,
        changed: Changed,
    ) -> None:
        super().__init__(changed)
        self._addresses, self._clock, self._rules = (operator, resident), clock, rules
        thirds = rules.third or ThirdPartyRules(rules.resident_rings, {})
        self._thirds = ThirdPartyLegs(clock, thirds, self._third_changed)
        self._colleagues, self._moved = Consultations(clock, self._third_changed), asyncio.Event()
        self._login = login  # of who talks now
        self._moves: tuple[CallMove, ...] = ()
        self._leave = asyncio.Event()  # set: who talked is not in the call any more, and their port is to be free
        self._recorder: CallRecorder | None = None  # a call has one recording at most
        self._telling: set[asyncio.Task[None]] = set()
        self._sides: tuple[CallParty, CallParty] | None = None  # the operator who talks now, and the resident

    @property
    def has_third(self) -> bool:
        """True if a third party or a colleague is being called, or takes part."""
        return self._thirds.goes_on or self._colleagues.goes_on

    def call_third(self, called: CalledThirdParty) -> bool:
        """Begin to call a third party into the talk. Returns True; False if nobody talks, a third party or colleague is
        being called or takes part, 8 third parties were called before, or third parties are not allowed: then nothing
        happens.
        """
        bridge = self._bridge
        if bridge is None or self._wanted_end.is_set() or self._rules.third is None or self._colleagues.goes_on:
            return False
        return self._thirds.call(called, bridge)

    def drop_third(self) -> bool:
        """Have the third party's leg end soon; operator and resident talk on. Returns True; False if there is no such
        leg.
        """
        return self._thirds.drop()

    async def record(self, wanted: WantedRecording, put: Callable[[SealedSound], bool]) -> bool:
        """Have all sides hear the announcement, and then record the talk. Returns True once that is stored; False if
        nobody talks, the talk is on hold, the call has or had a recording, or recordings are not allowed: then nothing
        happens.

        `put`: takes each encrypted part to be sent; returns False if it cannot, which ends the recording.
        """
        async with self._acts:
            bridge, notice = self._bridge, self._rules.recording
            if bridge is None or notice is None or self._recorder is not None or self._wanted_end.is_set():
                return False
            if bridge.state is not BridgeState.TALK:
                return False
            self._recorder = CallRecorder(wanted, put, self._recording_changed)
            bridge.record(self._recorder, notice)
            self._clock.add(self._recorder)
            await self._changed(self._connected())
            return True

    def pause_recording(self, paused: bool) -> bool:
        """Pause the recording (True), or continue it. Returns True, or False if there is none or it has ended."""
        return self._recorder is not None and self._recorder.set_paused(paused)

    def stop_recording(self) -> bool:
        """End the recording for good: this call is not recorded any more, also after a transfer. Returns True, or False
        if there is none or it has ended.
        """
        if self._recorder is None or self._recorder.report.state is RecordingState.ENDED:
            return False
        self._recorder.end()
        return True

    async def consult(self, colleague: Colleague) -> bool:
        """Put the resident on hold, and begin to call a colleague. Returns True; False if nobody talks, a third party
        or a colleague is in the call, or it was transferred 20 times: then nothing happens.
        """
        async with self._acts:
            bridge, sides = self._bridge, self._sides
            if bridge is None or sides is None or self._wanted_end.is_set() or self.has_third:
                return False
            if len(self._moves) >= MOST_MOVES:
                return False
            bridge.set_state(BridgeState.HOLD)
            self._colleagues.call(colleague, sides[0], bridge)
            return True

    def end_consultation(self) -> bool:
        """Have the consultation end soon; the resident stays on hold. Returns True, or False if there is none."""
        return self._colleagues.drop()

    async def transfer(self, moved: Callable[[str], None]) -> bool:
        """Connect the resident with the colleague with whom the operator talks, and hang up the operator. Returns True
        once that is stored; False if the operator talks with no colleague: then nothing happens. `moved`: called with
        the colleague's login as soon as they are connected.
        """
        async with self._acts:
            sides, ended = self._sides, self._wanted_end.is_set()
            taken = None if self._bridge is None or sides is None or ended else self._colleagues.take_over()
            if taken is None or sides is None:
                return False
            operator, resident = sides
            self._sides = (taken.side, resident)
            self._bridge = SoundBridge(taken.side, resident, self._rules.music)
            self._bridge.set_state(BridgeState.TALK)
            if self._recorder is not None and self._rules.recording is not None:
                self._bridge.record(self._recorder, self._rules.recording)  # the colleague has not heard it
            self._moved.set()
            operator.stream.ears, operator.stream.source = StreamEars(), lambda: None
            operator.leg.events.pressed = lambda _: None
            operator.hang_up()
            self._leave.set()
            self._leave = taken.leaves
            self._moves += (CallMove(number=len(self._moves) + 1, by=self._login, to=taken.login),)
            self._login = taken.login
            moved(taken.login)
            await self._changed(self._connected())
            return True

    async def run(self) -> None:
        """Run the call from its first INVITE to its last BYE, and store and report its end. If this task is cancelled,
        both sides are hung up.
        """
        async with AsyncExitStack() as stack:
            try:
                sides = await self._opened(stack)
            except OSError as error:
                log.error("an operator's call has no sound: %s", error)  # noqa: TRY400 - the text says it all
                await self._end(CallChange(ENDED, result=OperatorCallResult.FAILED))
                return
            stack.callback(self._end_recording)
            await stack.enter_async_context(self._thirds)
            await stack.enter_async_context(self._colleagues)
            ending = await self._course(*sides)
            for each in sides:
                each.hang_up()
            self._thirds.end()
            self._colleagues.end()
            self._end_recording()
            recorded = self._recorder.report if self._recorder is not None else None
            await self._end(replace(ending, thirds=self._thirds.called, moves=self._moves, recording=recorded))

    async def _opened(self, stack: AsyncExitStack) -> list[DialledParty]:
        """Return both sides, not called yet. The operator's port is free as soon as a transfer has ended their side,
        and both at the latest after `stack`. Raises OSError if no port is free.
        """
        of_operator = await stack.enter_async_context(AsyncExitStack())
        sides = [
            await of.enter_async_context(open_party(each, self._clock))
            for of, each in zip((of_operator, stack), self._addresses, strict=True)
        ]
        leaving = asyncio.create_task(_closed_after(self._leave, of_operator))
        stack.push_async_callback(_ended, leaving, self._leave)
        return sides

    async def _course(self, operator: DialledParty, resident: DialledParty) -> CallChange:
        """Return how the call ended, with both sides still to be hung up."""
        try:
            if (ending := await self._without_operator(operator)) is not None:
                return ending
            bridge = SoundBridge(operator, resident, self._rules.music)
            bridge.begin()
            rings = CallChange(OperatorCallState.RINGING)
            if not await self._until(self._stored(rings), operator.leg.events.ended):  # on disk before the INVITE
                return self._broken_off()
            answer = await self._until(resident.dial(self._rules.resident_rings), operator.leg.events.ended)
        except MediaRefusedError as error:
            log.error("an operator's call has no sound: %s", error)  # noqa: TRY400 - the text says it all
            return CallChange(ENDED, result=OperatorCallResult.FAILED)
        if answer is None:
            return self._broken_off()
        if not answer.is_answered:
            result = result_of_status(answer.status, q850_cause(answer.reason), gave_up=answer.gave_up)
            return CallChange(ENDED, result=result)
        return await self._talk(operator, resident, bridge)

    def _broken_off(self) -> CallChange:
        """Return how a call ended that was broken off before there was a talk: by the operator, or a gateway that
        stops.
        """
        by_gateway = self._wanted_end.is_set() and self._wanted_by is CallEnder.GATEWAY
        return CallChange(ENDED, result=OperatorCallResult.FAILED if by_gateway else OperatorCallResult.CANCELLED)

    async def _without_operator(self, operator: DialledParty) -> CallChange | None:
        """Call the operator. Returns how the call ended if the operator is not there, else None."""
        answer = await self._until(operator.dial(self._rules.operator_rings))
        if answer is None:
            return self._broken_off()
        if not answer.is_answered:
            return CallChange(ENDED, result=operator_result(answer))
        if self._rules.confirm_key is None:
            return None
        is_there = await self._until(is_confirmed(operator, self._rules.confirm_key), operator.leg.events.ended)
        if is_there is None:
            return self._broken_off()
        return None if is_there else CallChange(ENDED, result=OperatorCallResult.OPERATOR_NO_ANSWER)

    async def _talk(self, operator: CallParty, resident: CallParty, bridge: SoundBridge) -> CallChange:
        """Connect both until one of them ends the talk. The disk is not waited for: it may refuse for long."""
        began = asyncio.get_running_loop().time()
        bridge.set_state(BridgeState.TALK)
        self._bridge, self._sides = bridge, (operator, resident)
        storing = asyncio.create_task(self._stored(self._connected()))
        try:
            operator = await self._until_over(operator, resident)
        finally:
            storing.cancel()  # the end of the call is stored next, and says all
        seconds = asyncio.get_running_loop().time() - began
        by = self._wanted_by if self._wanted_end.is_set() else ender_of(operator, resident)
        return CallChange(ENDED, False, True, seconds, OperatorCallResult.ANSWERED, by)

    async def _until_over(self, operator: CallParty, resident: CallParty) -> CallParty:
        """Return the operator who talked last, when the talk is over. A transfer gives the talk another operator."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._rules.longest
        while True:
            await talk_over(operator, resident, max(ends - loop.time(), 0), self._wanted_end, self._moved)
            if not self._moved.is_set() or self._sides is None:
                return operator
            self._moved, operator = asyncio.Event(), self._sides[0]

    def _connected(self, *, held: bool = False) -> CallChange:
        thirds, asked = self._thirds.called, self._colleagues.present
        talk = CallChange(OperatorCallState.CONNECTED, held=held, answered=True, thirds=thirds, colleague=asked)
        recorded = self._recorder.report if self._recorder is not None else None
        return replace(talk, moves=self._moves, recording=recorded)

    @property
    def _is_busy(self) -> bool:
        return self._colleagues.goes_on

    async def _third_changed(self) -> None:
        """Store and report the state of a third party, colleague or recording, unless the call has ended: its end says
        all.
        """
        async with self._acts:
            if (bridge := self._bridge) is not None:
                await self._changed(self._connected(held=bridge.state is BridgeState.HOLD))

    def _recording_changed(self) -> None:
        telling = asyncio.create_task(self._third_changed())
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    def _end_recording(self) -> None:
        if self._recorder is not None:
            self._clock.remove(self._recorder)
            self._recorder.end()

    async def _until(self, step: Coroutine[Any, Any, Value], *ended: asyncio.Event) -> Value | None:
        return await unless_set(step, self._wanted_end, *ended)


async def _closed_after(event: asyncio.Event, side: AsyncExitStack) -> None:
    await event.wait()
    await side.aclose()


async def _ended(task: "asyncio.Task[None]", began: asyncio.Event) -> None:
    if not began.is_set():
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)
