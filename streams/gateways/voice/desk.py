"""The gateway's calls with operators, outgoing and incoming, which share telephones, exchange and HTTP interface."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import numpy as np
from starlette.routing import BaseRoute

from streams.gateways.voice.caller import CallParts
from streams.gateways.voice.configuration import ConfigurationFault, OperatorsTable, VoiceConfiguration
from streams.gateways.voice.incoming.calls import IncomingCalls
from streams.gateways.voice.incoming.conversation import IncomingParts
from streams.gateways.voice.incoming.ledger import IncomingCallLedger
from streams.gateways.voice.incoming.orders import ReadyOrders
from streams.gateways.voice.incoming.queue import CallQueue
from streams.gateways.voice.incoming.ready import ReadyOperators
from streams.gateways.voice.incoming.sounds import caller_sounds
from streams.gateways.voice.incoming.table import IncomingTable
from streams.gateways.voice.ledger import VoiceLedger
from streams.gateways.voice.media.g711 import Samples, coded
from streams.gateways.voice.operators.calls import OperatorCallParts, OperatorCalls
from streams.gateways.voice.operators.ledger import OperatorCallLedger
from streams.gateways.voice.operators.orders import OperatorOrders
from streams.gateways.voice.operators.party import PartyAddress
from streams.gateways.voice.operators.recording_outbox import RecordingOutbox
from streams.gateways.voice.operators.reports import CallReporter
from streams.gateways.voice.secrets import VoiceSecrets
from streams.gateways.voice.sip.trunk import Trunk
from streams.gateways.voice.voices import load_music

SECONDS_AN_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class DeskCalls:
    """The calls with operators. `routes`: of their orders; `operators`, `incoming`: None if they are not configured."""

    routes: Sequence[BaseRoute] = ()
    operators: OperatorCalls | None = None
    incoming: IncomingCalls | None = None

    async def close(self, seconds: float) -> None:
        """Take no more calls, give those under way up to `seconds` to end, and hang up the rest."""
        await asyncio.gather(*(each.close(seconds) for each in (self.operators, self.incoming) if each is not None))


@dataclass(frozen=True, slots=True)
class DeskPeers:
    """The further parts that calls with operators need. `exchange`: the trunk to the desk's telephones, not connected
    yet; `ledger`: the gateway's file.
    """

    exchange: Trunk
    ledger: VoiceLedger


def music_faults(given: VoiceConfiguration) -> Sequence[ConfigurationFault]:
    """Return the faults of the music files for callers on hold and for callers who wait; empty if the files can be used
    or none is configured.
    """
    return [fault for of in (_hold_music, _queue_music) for fault in of(given)[1]]


@asynccontextmanager
async def desk_calls(
    shared: CallParts, peers: DeskPeers, table: OperatorsTable, secrets: VoiceSecrets
) -> AsyncIterator[DeskCalls]:
    """Context manager: run operators' calls, and incoming ones if they are configured, during the block. Yields the
    calls with the HTTP routes of their orders. `secrets`: the gateway's, with those of operators' calls.

    Raises SpeechError if a sentence for callers can neither be played nor spoken, OSError if the exchange's UDP port
    cannot be opened, and sqlite3.Error if the disk refuses.
    """
    given, states = shared.configuration, OperatorCallLedger(peers.ledger)
    music = await asyncio.to_thread(lambda: coded(_hold_music(given)[0]))
    notice = None
    if table.third_parties:
        spoken = await shared.voices.speak(table.third_notice, "zh")
        notice = await asyncio.to_thread(coded, spoken.samples)
    recorded, outbox = None, None
    if table.recordings_url is not None:
        told = {"zh": table.recording_notice, "ko": table.recording_notice_ko}
        spoken_both = [(await shared.voices.speak(text, language)).samples for language, text in told.items()]
        recorded = await asyncio.to_thread(coded, np.concatenate(spoken_both))
        outbox = RecordingOutbox(table.recordings_url, secrets.keys)
    parts = OperatorCallParts(
        *(given, table, peers.exchange, shared.trunk, shared.clock, music, notice), recording=recorded, outbox=outbox
    )
    calls = OperatorCalls(parts, states, CallReporter(states, table.reports_url, secrets.keys))
    keys = secrets.operators.keys if secrets.operators else ()
    try:
        await peers.exchange.open()
        await calls.open()
        async with AsyncExitStack() as stack:
            more: list[BaseRoute] = []
            incoming: IncomingCalls | None = None
            orders = OperatorOrders(calls, states, peers.ledger, keys)
            if given.incoming is not None:
                queue = _queue(given.incoming, parts, IncomingCallLedger(peers.ledger))
                running = _incoming(given.incoming, parts, shared, queue, (peers.ledger, secrets))
                incoming = await stack.enter_async_context(running)
                orders.add(incoming, lambda: _standing(queue))
                more += ReadyOrders(queue, calls.logins, peers.ledger, keys).routes
            yield DeskCalls([*orders.routes, *more], calls, incoming)
    finally:
        await calls.close(0)
        await peers.exchange.close()


@asynccontextmanager
async def _incoming(
    table: IncomingTable,
    parts: OperatorCallParts,
    shared: CallParts,
    queue: CallQueue,
    peers: tuple[VoiceLedger, VoiceSecrets],
) -> AsyncIterator[IncomingCalls]:
    given, (ledger, secrets) = shared.configuration, peers
    desk, media, states = parts.operators, given.media, IncomingCallLedger(ledger)
    sounds = await caller_sounds(table, shared.voices, _queue_music(given)[0])

    def phone(login: str) -> PartyAddress:
        return PartyAddress(parts.exchange, desk.phones[login], False, desk.srtp == "required", media.rtp_ports)

    incoming = IncomingParts(
        table,
        shared.trunk,
        media.srtp == "required",
        media.rtp_ports,
        shared.clock,
        phone,
        queue,
        sounds,
        desk.confirm_key,
    )
    reporter = CallReporter(states, table.reports_url, secrets.keys)
    calls = IncomingCalls(incoming, states, reporter, given.storage.keep_days)
    try:
        await calls.open()
        yield calls
    finally:
        await calls.close(0)


def _queue(table: IncomingTable, parts: OperatorCallParts, states: IncomingCallLedger) -> CallQueue:
    exchange, phones = parts.exchange, parts.operators.phones
    return CallQueue(
        ReadyOperators(states, phones, parts.phones, lambda: exchange.up, table.ready_hours * SECONDS_AN_HOUR)
    )


def _standing(queue: CallQueue) -> Mapping[str, object]:
    return {"ready": [*queue.operators.logins], "waiting": queue.waiting}


def _hold_music(given: VoiceConfiguration) -> tuple[Samples, Sequence[ConfigurationFault]]:
    return load_music(given.operators.hold_music if given.operators else None, "[operators] hold_music")


def _queue_music(given: VoiceConfiguration) -> tuple[Samples, Sequence[ConfigurationFault]]:
    return load_music(given.incoming.music if given.incoming else None, "[incoming] music")
