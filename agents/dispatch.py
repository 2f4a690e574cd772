"""Dispatch: a provider carries out each dispatch of casework once, and its result goes back to casework.

All channels share this flow. A channel's module (sms, phone, visits, payments, provinces) builds the request and
reads the answer. Red dispatches of all channels have their own topic, so that they do not queue behind a slow provider.

    claim (lease, fence) -> still needed? -> prepare -> `sending` -> send -> `answered` -> report to casework -> `done`

From `sending` on, a dispatch may have been sent. While its outcome is unknown (no answer, an ambiguous answer, or a
process killed or paused past its lease), it stays `sending`. An idempotent provider gets the same request again under
the same id; one with a status query is asked; both are repeated until the result is due. With any other provider the
dispatch is in doubt at once. Only a dispatch in doubt may warn a resident twice, and it is counted. A failure is
reported at once, without a retry here: the case's next deadline tries again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

from faust.types import StreamT

from agents.payments import BankProvider
from agents.phone import VoiceProvider
from agents.provinces import ProvinceProvider
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
from streams.runtime.tasks import cancelled, without_values

log = logging.getLogger(__name__)

CHANNELS: Mapping[Name, tuple[topics.Topic, Callable[[Outgoing], Provider]]] = {
    Name.SMS: (topics.DISPATCHES_SMS, SmsProvider),
    Name.PHONE: (topics.DISPATCHES_PHONE, VoiceProvider),
    Name.VISIT: (topics.DISPATCHES_VISIT, StationProvider),
    Name.PAYMENT: (topics.DISPATCHES_PAYMENT, BankProvider),
    Name.PROVINCE: (topics.DISPATCHES_PROVINCE, ProvinceProvider),
}


async def process(delivery: Delivery) -> bool:
    """Carry out a dispatch as far as possible now, and report its result to casework.

    Returns True if it is finished: its result was reported to casework, in this call or before. Returns False if its
    outcome is still unknown, or another worker has taken over its lease: call this again later.

    Waits while another worker holds the dispatch's lease, or a server is unavailable. Raises SendError if Kafka refuses
    the result permanently, AccessError if a server denies access, and UnknownPolicyError or PolicyError if a policy
    that the request needs is stored nowhere or invalid.
    """
    while claim := await delivery.claim():  # takes the lease; waits until the store has the dispatch's case
        results = claim.results  # answered before, perhaps not yet reported
        if results is None:
            answer = delivery.obsolete(claim)  # a final answer if it is no longer needed: domain.dispatches
            if answer is None and not delivery.prepared:
                answer = await delivery.prepare(claim)  # the channel's module
                if answer is None:
                    continue  # preparing took time: check again whether it is still needed
            answer = answer or await delivery.send(claim)  # marks `sending`; if it may have been sent, asks or resends
            results = await delivery.record(answer) if answer else None  # `answered`
            if results is None:
                return False
        await delivery.report(results)  # to casework; then `done`
        return True
    return True  # finished before


def channel_of(provider: Provider, outgoing: Outgoing) -> Channel:
    """Return a new channel that carries out dispatches through `provider`. Nothing is started."""
    producer, clock, settings = outgoing.producer, outgoing.clock, outgoing.channels

    def delivery(dispatch: Dispatch) -> Delivery:
        return Delivery(dispatch, provider, outgoing.book, producer, clock, settings)

    return Channel(delivery, process, DeadLetters(producer, clock), settings)


def channels_of(outgoing: Outgoing) -> dict[Name, Channel]:
    """Return a new channel for each name in CHANNELS, by name, with its provider.

    Raises SettingsError if a provider or bank has no key, or two of them have the same one.
    """
    return {name: channel_of(provider(outgoing), outgoing) for name, (_, provider) in CHANNELS.items()}


class Dispatching:
    """The channels of a worker. It also carries out the dispatches of silent workers, in background tasks."""

    def __init__(self, outgoing: Outgoing, channels: Mapping[Name, Channel] | None = None) -> None:
        """`channels`: the channels by name; None: those of CHANNELS. Raises SettingsError if a provider or bank has no
        key, or two of them have the same one.
        """
        self.channels = channels_of(outgoing) if channels is None else channels
        self.dead_letters = DeadLetters(outgoing.producer, outgoing.clock)
        self.carrying: set[asyncio.Task[None]] = set()  # for silent workers, in progress

    async def red(self, stream: StreamT[bytes]) -> None:
        """Carry out the red dispatches of `stream`.

        Each starts as soon as its channel has a free slot for red, and is acknowledged when it is finished. Raises an
        exception group with the errors of the channels, such as SendError.
        """
        await carry_each(stream, self._carry, self.dead_letters, within=0)

    def carry_beside(self, dispatches: Iterable[Dispatch]) -> None:
        """Start to carry out a silent worker's dispatches in background tasks, and return without waiting for them.

        The next round of failover must not wait until the dead owner's lease on a dispatch has expired. An error is
        logged; the partition's next owner carries out that dispatch. A dispatch whose channel this worker lacks is
        left out.
        """
        for dispatch in dispatches:
            if channel := self.channels.get(dispatch.channel):
                task = asyncio.create_task(channel.carry([dispatch], patient=False))
                self.carrying.add(task)
                task.add_done_callback(self._carried)

    async def drain(self) -> None:
        """Let the channels start no further dispatch, and return when every attempt in progress has ended."""
        await asyncio.gather(*(channel.drain() for channel in self.channels.values()))

    async def close(self) -> None:
        """Cancel the background tasks of `carry_beside`, and wait for their end."""
        await cancelled(self.carrying)

    async def _carry(self, dispatch: Dispatch, trace: tracing.Trace | None) -> None:
        await self.channels[dispatch.channel].carry([dispatch], {dispatch.id: trace})

    def _carried(self, task: "asyncio.Task[None]") -> None:
        self.carrying.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error(
                "a dispatch of a silent worker was not carried out; its next owner will: %s", without_values(error)
            )


def attach(app: App, flow: Dispatching) -> None:
    """Add an agent for each channel's topic, and one for the topic of red dispatches, to the worker `app`. Raises
    KeyError if a channel of `flow` is not one of CHANNELS.
    """
    for name, channel in flow.channels.items():
        topic, _ = CHANNELS[name]
        _attach(app, topic, channel.run)
    _attach(app, topics.DISPATCHES_RED, flow.red)


def _attach(app: App, topic: topics.Topic, run: Callable[[StreamT[bytes]], Awaitable[None]]) -> None:
    @app.agent(app.topic(topic.name), name=topic.name)
    async def dispatch(dispatches: StreamT[bytes]) -> None:
        await run(dispatches)
