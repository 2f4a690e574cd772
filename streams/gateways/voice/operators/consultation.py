"""A colleague whom the operator of a call asks while the resident is on hold, and who may take the call over."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from schemas.channels.operator_calls import ConsultedColleague
from streams.gateways.voice.media.clock import MediaClock
from streams.gateways.voice.media.relay import LoopedSound
from streams.gateways.voice.media.session import MediaRefusedError
from streams.gateways.voice.operators.bridge import BridgeState, SoundBridge, ringing_tone
from streams.gateways.voice.operators.confirmation import is_confirmed
from streams.gateways.voice.operators.legs import CallLegs
from streams.gateways.voice.operators.party import CallParty, DialledParty, PartyAddress, open_party
from streams.gateways.voice.operators.steps import unless_set

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Colleague:
    """A colleague to ask during a call. `login`: the colleague's; `address`: of their telephone at the exchange;
    `confirm_key`: that they must press, None: none; `rings`: how many seconds their telephone rings; `free`: called
    when their telephone is free again, unless they have taken the call over.
    """

    login: str
    address: PartyAddress
    confirm_key: str | None
    rings: float
    free: Callable[[], None]


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A colleague who has taken a call over. `side`: stays in the call until the call ends, or until `leaves` is set:
    then it is hung up, and its port is free.
    """

    login: str
    side: DialledParty
    leaves: asyncio.Event


class Consultations(CallLegs):
    """The colleagues asked in one call, one after another. `changed`: stores and reports `present`.

    Use it as a context manager: after the block, their legs have ended.
    """

    def __init__(self, clock: MediaClock, changed: Callable[[], Coroutine[Any, Any, None]]) -> None:
        super().__init__()
        self._clock, self._changed = clock, changed
        self._dropped, self._taken, self._leaves = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._talking: DialledParty | None = None
        self.present: ConsultedColleague | None = None

    @property
    def goes_on(self) -> bool:
        """True if a colleague is being called or asked."""
        return self.present is not None

    def call(self, colleague: Colleague, operator: CallParty, bridge: SoundBridge) -> None:
        """Begin to call a colleague, and return at once. The operator hears the ringing tone, then talks with the
        colleague, and afterwards hears `bridge` again, which must be on hold. Call this only while no other colleague
        is being asked.
        """
        self.present = ConsultedColleague(login=colleague.login)
        self._dropped, self._taken, self._leaves = ends = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._begin(self._carry_out(colleague, operator, bridge, *ends))

    def drop(self) -> bool:
        """Have the consultation end soon; the resident stays on hold. Returns True, or False if there is none."""
        self._dropped.set()
        return self.goes_on

    def take_over(self) -> TakenOver | None:
        """Let the colleague who talks with the operator stay in the call for good. Returns the colleague; None if
        nobody talks with the operator, or the colleague has just hung up: then nothing happens.
        """
        asked, side = self.present, self._talking
        if asked is None or side is None or side.leg.events.ended.is_set():
            return None
        self._taken.set()
        self.present = self._talking = None
        return TakenOver(asked.login, side, self._leaves)

    def end(self) -> None:
        """End all legs, because the call ends; nobody is being asked after that."""
        super().end()
        self.present = self._talking = None

    async def _carry_out(
        self,
        colleague: Colleague,
        operator: CallParty,
        bridge: SoundBridge,
        dropped: asyncio.Event,
        taken: asyncio.Event,
        leaves: asyncio.Event,
    ) -> None:
        try:
            async with open_party(colleague.address, self._clock) as side:
                await self._ask(colleague, side, operator, dropped, taken)
                if taken.is_set():
                    await leaves.wait()  # or until the call ends
                    return
                side.hang_up()
                await self._over(operator, bridge)
        except (OSError, MediaRefusedError) as error:
            log.error("a colleague's telephone has no sound: %s", error)  # noqa: TRY400 - the text says it all
            await self._over(operator, bridge)
        finally:
            if not taken.is_set():  # else the call has the telephone now, and frees it
                colleague.free()

    async def _ask(
        self,
        colleague: Colleague,
        side: DialledParty,
        operator: CallParty,
        dropped: asyncio.Event,
        taken: asyncio.Event,
    ) -> None:
        """Call a colleague, and return when the consultation is over or the colleague has taken the call over."""
        if await unless_set(self._stored(), dropped) is None:  # on disk before the INVITE
            return
        if plan := operator.plan:
            operator.stream.source = LoopedSound(plan.law.frames(ringing_tone())).take
        answer = await unless_set(side.dial(colleague.rings), dropped)
        if answer is None or not answer.is_answered:
            return
        key = colleague.confirm_key
        if key is not None and not await unless_set(is_confirmed(side, key), dropped, side.leg.events.ended):
            return
        SoundBridge(operator, side, {}).set_state(BridgeState.TALK)
        self._talking, self.present = side, ConsultedColleague(login=colleague.login, talks=True)
        await unless_set(self._stored(), dropped, taken, side.leg.events.ended)
        await unless_set(side.falls_silent(), dropped, taken, side.leg.events.ended)

    async def _stored(self) -> bool:
        await self._changed()
        return True

    async def _over(self, operator: CallParty, bridge: SoundBridge) -> None:
        self.present = self._talking = None
        bridge.attach(operator)
        await self._changed()
