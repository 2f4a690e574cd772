"""All books of a round that are not the product's counters: the observer's, the providers', the feeders'; the store."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from schemas.casework.events import Dispatch
from schemas.levels import Result
from simulators.providers.base import Contact
from streams.channels.provider import Kind
from streams.runtime.clock import Clock
from tests.tools.chaos.judging.seen import Seen
from tests.tools.chaos.judging.stalls import Pace
from tests.tools.chaos.judging.store import Store
from tests.tools.chaos.stage import Window
from tests.tools.chaos.voice.calls import CallStory


@dataclass(frozen=True)
class Books:
    """`due`: dispatches that came while there was time to carry them out. Times are seconds since 1970."""

    seen: Seen
    store: Store
    contacts: Sequence[Contact]
    accepted: Counter[str]
    sent: Counter[str]
    refused: Counter[str]
    kinds: dict[str, Kind]  # what the provider of each channel promises
    due: set[str]
    windows: Sequence[Window]
    stalls: Sequence[tuple[float, float]]
    clock: Clock
    ended: float  # when the workers were told to stop
    poisoned: int  # records on each topic that nobody can read
    pace: Pace = field(default_factory=Pace)  # the machine's
    delayed: set[str] = field(default_factory=set)  # dispatches whose request was held up before the provider acted
    held_up: dict[str, float] = field(default_factory=dict)  # by dispatch: wall seconds before the provider acted
    gateway_doubts: set[str] = field(default_factory=set)  # by a gateway's word, not on the wire: in doubt
    calls: list[CallStory] = field(default_factory=list)  # of the orders to the voice gateway
    by_gateway: set[str] = field(default_factory=set)  # dispatches that it was sent
    keyless: set[str] = field(default_factory=set)  # residents whose keys the vault has lost
    dropped: Counter[str] = field(default_factory=Counter)  # by source: signals deleted before Redis was wiped

    @cached_property
    def dispatches(self) -> dict[str, Dispatch]:
        """By id: what the journal tells of, and what came to a channel."""
        decided = {each.id: each for event in self.seen.events for each in event.what.dispatches}
        return decided | {each.what.id: each.what for each in self.seen.dispatches}

    def in_doubt_with_neither(self, dispatch: str) -> bool:
        """Whether the system itself counted it as in doubt, with a provider that gives it no way to know."""
        known = self.dispatches.get(dispatch)
        kind = self.kinds[known.channel.value] if known else None
        return kind is Kind.NEITHER and Result.IN_DOUBT in self.seen.reports.get(dispatch, ())

    def came_late(self, dispatch: str) -> bool:
        """Whether its request was held up past its lease, with a provider that is not idempotent."""
        known = self.dispatches.get(dispatch)
        return known is not None and dispatch in self.delayed and self.kinds[known.channel.value] is not Kind.IDEMPOTENT

    def wall(self, moment: datetime) -> float:
        """A moment of the province in seconds since 1970."""
        return self.clock.wall_start + (moment - self.clock.sim_start).total_seconds() / self.clock.speed
