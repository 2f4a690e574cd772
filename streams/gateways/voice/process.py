"""The process of the voice gateway: its parts, built from the configuration, and run until it is stopped."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from aiosipua.auth import SipDigestAuth

from streams.gateways.voice.caller import CallParts
from streams.gateways.voice.configuration import (
    VoiceConfiguration,
    VoiceConfigurationError,
    VoiceSecrets,
    read_configuration,
)
from streams.gateways.voice.gateway import VoiceGateway
from streams.gateways.voice.ledger import VoiceLedger
from streams.gateways.voice.measures import VOICE_LATE
from streams.gateways.voice.media.clock import MediaClock
from streams.gateways.voice.orders import VoiceOrders, orders_app
from streams.gateways.voice.receipts import ReceiptSender
from streams.gateways.voice.secret_files import read_secrets
from streams.gateways.voice.sip.connection import TrunkAddress
from streams.gateways.voice.sip.trunk import Trunk, TrunkAccount
from streams.gateways.voice.voices import Voices, load_voices
from streams.runtime import metrics
from streams.runtime.serving import serving, stop_signal
from streams.runtime.tls import Tls

log = logging.getLogger(__name__)

STOP_SECONDS = 60.0  # for the calls under way


def check_voice_gateway(file: Path) -> tuple[VoiceConfiguration, VoiceSecrets, Voices]:
    """Return the configuration with its secrets and voices. Nothing is opened or dialled.

    Raises VoiceConfigurationError with every fault.
    """
    given = read_configuration(file)
    secrets, faults = read_secrets(given)
    voices, more = load_voices(given.speech)
    if faults or more:
        raise VoiceConfigurationError(file, [*faults, *more])
    return given, secrets, voices


async def serve_voice_gateway(file: Path) -> None:
    """Run the gateway until it receives SIGTERM or SIGINT; calls under way have 60 s to end.

    Raises VoiceConfigurationError, LedgerInUseError, and SettingsError if a port is taken.
    """
    given, secrets, voices = await asyncio.to_thread(check_voice_gateway, file)
    metrics.serve(given.orders.metrics_port, setting="[orders] metrics_port")
    async with voice_gateway(given, secrets, voices) as address:
        log.info("the voice gateway takes orders on %s", address)
        await stop_signal()


@asynccontextmanager
async def voice_gateway(
    given: VoiceConfiguration, secrets: VoiceSecrets, voices: Voices, stop_seconds: float = STOP_SECONDS
) -> AsyncIterator[str]:
    """Run the gateway while the context is open; yields the address that takes orders."""
    ledger = VoiceLedger(given.storage.file)
    doubtful = await ledger.open()
    if doubtful:
        log.warning("%d calls are in doubt: begun when the gateway died. They are not dialled again", doubtful)
    trunk, clock = make_trunk(given, secrets), MediaClock(VOICE_LATE.observe)
    receipts = ReceiptSender(given.receipts.url, secrets.keys)
    gateway = VoiceGateway(CallParts(given, trunk, clock, voices), ledger, receipts)
    try:
        await trunk.open()
        clock.start()
        await gateway.open()
        async with _taking(given, VoiceOrders(gateway, secrets.keys)) as address:
            yield address
            await gateway.close(stop_seconds)
    finally:
        await gateway.close(0)
        await clock.close()
        await trunk.close()
        await receipts.close()
        await ledger.close()


def make_trunk(given: VoiceConfiguration, secrets: VoiceSecrets) -> Trunk:
    """Return the trunk of a configuration, not connected yet."""
    table = given.trunk
    login = SipDigestAuth(table.username, secrets.password or "") if table.username else None
    address = TrunkAddress(table.host, table.port, table.transport, secrets.context)
    account = TrunkAccount(table.caller.lstrip("+"), table.domain or table.host, login, table.register_seconds)
    return Trunk(address, account)


@asynccontextmanager
async def _taking(given: VoiceConfiguration, orders: VoiceOrders) -> AsyncIterator[str]:
    config = uvicorn.Config(orders_app(orders), log_level="warning", access_log=False, lifespan="off")
    tls = Tls("[orders]", given.orders.certificate, given.orders.key)
    async with serving(config, given.orders.host, given.orders.port, "[orders] port", tls) as address:
        yield address
