"""Dispatch: what casework decided is sent by a provider, once, and its result goes back to casework.

All channels have this one flow. A channel's module (sms, phone, visits, payments) says what is sent, and how an answer
reads. Red's dispatches of all channels have a topic of their own, past all that waits for a slow provider.

    claim (lease, fence) -> still meant? -> prepare -> `sending` -> send -> `answered` -> report to casework -> `done`

From `sending` on a dispatch may have been sent. Where the outcome is not known (no answer, an answer that does not
tell, a process that was killed or paused past its lease), it stays `sending`: an idempotent provider is sent to again
under the same id, one that can be asked is asked, again and again until the result is owed. Any other provider leaves
it in doubt at once. Only in doubt may a resident be warned twice, and it is counted. A failure is never slept on: it is
reported, and the case's next deadline tries again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

from faust.types import StreamT

from agents.payments import BankProvider
from agents.phone import VoiceProvider
from agents.sms import SmsProvider
from agents.visits import StationProvider
from schemas.casework.events import Dispatch
from schemas.levels import Channel as Name
from streams.channels.channel import Channel
from streams.channels.delivery import Delivery
from streams.channels.flow import carry_each
from streams.channels.outgoing import Outgoing
from streams.channels.provider import Provider
from streams.messaging import topics
from streams.messaging.app import App
from streams.messaging.dead_letter_writer import DeadLetters
from streams.runtime import tracing
from streams.runtime.tasks import cancelled

log = logging.getLogger(__name__)

CHANNELS: Mapping[Name, tuple[topics.Topic, Callable[[Outgoing], Provider]]] = {
    Name.SMS: (topics.DISPATCHES_SMS, SmsProvider),
    Name.PHONE: (topics.DISPATCHES_PHONE, VoiceProvider),
    Name.VISIT: (topics.DISPATCHES_VISIT, StationProvider),
    Name.PAYMENT: (topics.DISPATCHES_PAYMENT, BankProvider),
}


async def process(delivery: Delivery) -> bool:
    """Carry a dispatch out as far as is possible now. Returns True when it has come to its end.

    Returns False when its outcome is unknown, or it is another worker's for the moment: then attempt it again later.
    """
    while claim := await delivery.claim():  # the lease, and a fence; waits until the store has the dispatch's case
        results = claim.results  # answered before, and perhaps not reported
        if results is None:
            answer = delivery.obsolete(claim)  # is it still meant? domain.dispatches
            if answer is None and not delivery.prepared:
                answer = await delivery.prepare(claim)  # the channel's module
                if answer is None:
                    continue  # preparing took a while: whether it is still meant is looked at again
            answer = answer or await delivery.send(claim)  # marked `sending` before; what may be sent: asked, or resent
            results = await delivery.record(answer) if answer else None  # `answered`
            if results is None:
                return False
        await delivery.report(results)  # to casework; then `done`
        return True
    return True  # done before


def channel_of(provider: Provider, outgoing: Outgoing) -> Channel:
    """Return the channel that sends by a provider."""
    producer, clock, settings = outgoing.producer, outgoing.clock, outgoing.channels

    def delivery(dispatch: Dispatch) -> Delivery:
        return Delivery(dispatch, provider, outgoing.book, producer, clock, settings)

    return Channel(delivery, process, DeadLetters(producer, clock), settings)


def channels_of(outgoing: Outgoing) -> dict[Name, Channel]:
    """Return all channels."""
    return {name: channel_of(provider(outgoing), outgoing) for name, (_, provider) in CHANNELS.items()}


class Dispatching:
    """The channels of a worker."""

    def __init__(self, outgoing: Outgoing, channels: Mapping[Name, Channel] | None = None) -> None:
        """`channels`: only these; without it those of CHANNELS."""
        self.channels = channels_of(outgoing) if channels is None else channels
        self.dead_letters = DeadLetters(outgoing.producer, outgoing.clock)
        self.carrying: set[asyncio.Task[None]] = set()  # dispatches of silent workers, under way

    async def red(self, stream: StreamT[bytes]) -> None:
        """Carry red's dispatches out, each by its channel, as soon as there is room; then ack it."""
        await carry_each(stream, self._carry, self.dead_letters, within=0)

    def carry_beside(self, dispatches: Iterable[Dispatch]) -> None:
        """Carry out dispatches without waiting: the dead owner's lease on one must not hold the next cover up."""
        for dispatch in dispatches:
            if channel := self.channels.get(dispatch.channel):
                task = asyncio.create_task(channel.carry([dispatch], patient=False))
                self.carrying.add(task)
                task.add_done_callback(self._carried)

    async def drain(self) -> None:
        """Begin nothing more, and return when all that is under way has come to its end."""
        await asyncio.gather(*(channel.drain() for channel in self.channels.values()))

    async def close(self) -> None:
        """Cancel what is carried out beside."""
        await cancelled(self.carrying)

    async def _carry(self, dispatch: Dispatch, trace: tracing.Trace | None) -> None:
        await self.channels[dispatch.channel].carry([dispatch], {dispatch.id: trace})

    def _carried(self, task: "asyncio.Task[None]") -> None:
        self.carrying.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a dispatch of a silent worker was not carried out; its next owner will: %r", error)


def attach(app: App, flow: Dispatching) -> None:
    """Add an agent for each channel to a worker, and red's."""
    for name, channel in flow.channels.items():
        topic, _ = CHANNELS[name]
        _attach(app, topic, channel.run)
    _attach(app, topics.DISPATCHES_RED, flow.red)


def _attach(app: App, topic: topics.Topic, run: Callable[[StreamT[bytes]], Awaitable[None]]) -> None:
    @app.agent(app.topic(topic.name), name=topic.name)
    async def dispatch(dispatches: StreamT[bytes]) -> None:
        await run(dispatches)
