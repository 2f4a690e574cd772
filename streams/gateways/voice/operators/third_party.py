"""The third party of an operator's call: rung while operator and resident talk, asked for a key, and then joined.

Whoever answers first hears a notice, and hears nothing of the talk before they have pressed the key: a mailbox presses
none. The console orders it only once the case has the resident's consent, or a supervisor's emergency ground.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from domain.carriers.operator_calls import ended_third, result_of_status, third_party_state
from domain.carriers.voice import q850_cause
from schemas.casework.third_parties import MOST_ADMITTED, ThirdPartyCallState, ThirdPartyInCall, ThirdPartyKind
from streams.gateways.voice.media.clock import MediaClock
from streams.gateways.voice.media.session import MediaRefusedError
from streams.gateways.voice.operators.bridge import SoundBridge
from streams.gateways.voice.operators.confirmation import is_confirmed
from streams.gateways.voice.operators.legs import CallLegs
from streams.gateways.voice.operators.party import CallParty, DialledParty, PartyAddress, open_party
from streams.gateways.voice.operators.steps import unless_set

log = logging.getLogger(__name__)

JOIN_KEY = "1"  # that the notice names
JOIN_SECONDS = 20.0  # in which it must be pressed: the notice takes about 8 s


@dataclass(frozen=True, slots=True)
class ThirdPartyRules:
    """How long, in seconds, a third party's telephone rings, and the notice that whoever answers hears, as packets by
    the name of their law.
    """

    rings: float
    notice: Mapping[str, Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class CalledThirdParty:
    """A third party to call into a talk. `kind`, `party`: who it is, `party` as in PartyName."""

    kind: ThirdPartyKind
    party: str
    address: PartyAddress


class ThirdPartyLegs(CallLegs):
    """The third parties of one call, one after another. `changed`: stores and reports `called`.

    Use it as a context manager: after the block, all legs have ended.
    """

    def __init__(self, clock: MediaClock, rules: ThirdPartyRules, changed: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self._clock, self._rules, self._changed = clock, rules, changed
        self._dropped = asyncio.Event()
        self.called: tuple[ThirdPartyInCall, ...] = ()  # in the order in which they were called

    @property
    def goes_on(self) -> bool:
        """True if a third party is being called or takes part."""
        return bool(self.called) and self.called[-1].state.goes_on

    def call(self, third: CalledThirdParty, bridge: SoundBridge) -> bool:
        """Begin to call a third party, who joins `bridge` after pressing the key. Returns True; False if another one is
        being called or takes part, or 8 were called before: then nothing happens.
        """
        if self.goes_on or len(self.called) >= MOST_ADMITTED:
            return False
        self._dropped, state = asyncio.Event(), ThirdPartyCallState.RINGING
        number = len(self.called) + 1
        self.called += (ThirdPartyInCall(number=number, kind=third.kind, party=third.party, state=state),)
        self._begin(self._carry_out(third.address, bridge, self._dropped))
        return True

    def drop(self) -> bool:
        """Have the third party's leg end soon. Returns True, or False if there is none."""
        self._dropped.set()
        return self.goes_on

    def end(self) -> None:
        """Cancel the leg, because the call ends. `called` then has its last state, for the report of the call's end."""
        super().end()
        self.called = tuple(map(ended_third, self.called))

    async def _carry_out(self, address: PartyAddress, bridge: SoundBridge, dropped: asyncio.Event) -> None:
        try:
            async with open_party(address, self._clock) as third:
                if await self._stored(None, dropped) is None:  # on disk before the INVITE
                    ending = ThirdPartyCallState.CANCELLED
                else:
                    ending = await self._course(third, bridge, dropped)
                third.hang_up()
                await self._reached(ending)
        except (OSError, MediaRefusedError) as error:
            log.error("a third party has no sound: %s", error)  # noqa: TRY400 - the text says it all
            await self._reached(ThirdPartyCallState.FAILED)
        except Exception:
            log.exception("a third party's leg failed: the talk goes on without it")
            await self._reached(ThirdPartyCallState.FAILED)

    async def _course(self, third: DialledParty, bridge: SoundBridge, dropped: asyncio.Event) -> ThirdPartyCallState:
        """Return how the leg ended, still to be hung up."""
        answer = await unless_set(third.dial(self._rules.rings), dropped)
        if answer is None:
            return ThirdPartyCallState.CANCELLED
        if not answer.is_answered:
            return third_party_state(result_of_status(answer.status, q850_cause(answer.reason), gave_up=answer.gave_up))
        asking = is_confirmed(third, JOIN_KEY, self._rules.notice, JOIN_SECONDS)
        if not await unless_set(asking, dropped, third.leg.events.ended):
            return ThirdPartyCallState.CANCELLED if dropped.is_set() else ThirdPartyCallState.NO_ANSWER
        if await self._stored(ThirdPartyCallState.JOINED, dropped, third.leg.events.ended) is None:
            told = self.called[-1].state is ThirdPartyCallState.JOINED  # the disk, and the case, may have it
            return ThirdPartyCallState.LEFT if told else ThirdPartyCallState.CANCELLED
        bridge.admit(third)
        try:
            await _until_gone(third, dropped)
        finally:
            bridge.dismiss()
        return ThirdPartyCallState.LEFT

    async def _stored(self, state: ThirdPartyCallState | None, *ends: asyncio.Event) -> bool | None:
        """Store and report a state (None: the present one). Returns True, or None if one of `ends` was set first."""

        async def store() -> bool:
            await (self._changed() if state is None else self._reached(state))
            return True

        return await unless_set(store(), *ends)

    async def _reached(self, state: ThirdPartyCallState) -> None:
        self._set(state)
        await self._changed()

    def _set(self, state: ThirdPartyCallState) -> None:
        *before, latest = self.called
        self.called = (*before, latest.model_copy(update={"state": state}))


async def _until_gone(third: CallParty, dropped: asyncio.Event) -> None:
    """Return when a third party has hung up or fallen silent, or `dropped` is set."""
    await unless_set(third.falls_silent(), dropped, third.leg.events.ended)
