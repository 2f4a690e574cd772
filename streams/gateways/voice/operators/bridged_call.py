"""A call in which an operator and another person are connected: what can be done with it while it lasts."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from schemas.channels.operator_calls import CallEnder
from streams.gateways.voice.operators.bridge import BridgeState, SoundBridge

Change = TypeVar("Change")


class BridgedCall(ABC, Generic[Change]):
    """A call that can be held and ended. `changed`: stores and reports a new state; it returns when the disk has it.

    Subclasses set `_bridge` while both sides are connected.
    """

    def __init__(self, changed: Callable[[Change], Awaitable[None]]) -> None:
        self._changed = changed
        self._wanted_end, self._acts = asyncio.Event(), asyncio.Lock()
        self._wanted_by = CallEnder.OPERATOR
        self._bridge: SoundBridge | None = None

    def hang_up(self, by: CallEnder = CallEnder.OPERATOR) -> None:
        """Have the call end soon, whatever its state; returns at once. `by`: who wants it; only the first call of this
        method counts.
        """
        if not self._wanted_end.is_set():
            self._wanted_by = by
            self._wanted_end.set()

    async def set_held(self, held: bool) -> bool:
        """Put the other person on hold (True), or end the hold. Returns True once that is stored, or if it was so
        before; False if nobody talks, the call is ending, or the operator is asking a colleague: then nothing happens.
        """
        async with self._acts:
            bridge, to = self._bridge, BridgeState.HOLD if held else BridgeState.TALK
            if bridge is None or self._wanted_end.is_set() or self._is_busy:
                return False
            if bridge.state is not to:
                bridge.set_state(to)
                await self._changed(self._connected(held=held))
            return True

    @property
    def _is_busy(self) -> bool:
        """True if the operator is busy with somebody else, so that a hold cannot end."""
        return False

    @abstractmethod
    def _connected(self, *, held: bool = False) -> Change:
        """Return the state of the connected call."""

    async def _end(self, ending: Change) -> None:
        async with self._acts:
            self._bridge = None
            await self._changed(ending)

    async def _stored(self, to: Change) -> bool:
        """Store and report a new state, after one that is being stored. Returns True."""
        async with self._acts:
            await self._changed(to)
        return True
