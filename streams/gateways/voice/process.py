"""The process of the voice gateway: builds its parts from the configuration, and runs them until it is stopped."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiosipua.auth import SipDigestAuth

from streams.gateways.voice import gateway_metrics
from streams.gateways.voice.asterisk.running import asterisk_calls
from streams.gateways.voice.caller import CallParts
from streams.gateways.voice.configuration import (
    TrunkTable,
    VoiceConfiguration,
    VoiceConfigurationError,
    read_configuration,
)
from streams.gateways.voice.desk import DeskCalls, DeskPeers, desk_calls, music_faults
from streams.gateways.voice.gateway import VoiceGateway
from streams.gateways.voice.ledger import VoiceLedger
from streams.gateways.voice.media.clock import MediaClock
from streams.gateways.voice.orders import VoiceOrders
from streams.gateways.voice.receipts import ReceiptSender
from streams.gateways.voice.secrets import VoiceSecrets, read_secrets
from streams.gateways.voice.sip.connection import TrunkAddress
from streams.gateways.voice.sip.trunk import Trunk, TrunkAccount
from streams.gateways.voice.voices import Voices, load_voices
from streams.runtime import metrics
from streams.runtime.serving import http_server, serving, stop_signal
from streams.runtime.tls import Tls

log = logging.getLogger(__name__)

STOP_SECONDS = 60.0  # for the calls under way; with hanging up and the last reports less than systemd's 120 s


def check_voice_gateway(file: Path) -> tuple[VoiceConfiguration, VoiceSecrets, Voices]:
    """Return the configuration, the secrets and the voices, after a check of the configuration file and of the files
    that it names, except the certificate and key of [orders], which are read when the gateway starts. Opens no port and
    dials no call. Raises VoiceConfigurationError with all faults of the configuration file, or, if it has none, with
    all of the other files.
    """
    given = read_configuration(file)
    secrets, faults = read_secrets(given)
    voices, more = load_voices(given.speech)
    if found := [*faults, *more, *music_faults(given)]:
        raise VoiceConfigurationError(file, found)
    return given, secrets, voices


async def serve_voice_gateway(file: Path) -> None:
    """Run the gateway until it receives SIGTERM or SIGINT; calls in progress then have 60 s to end.

    Raises VoiceConfigurationError if the configuration is invalid, LedgerInUseError if another gateway has the ledger,
    SettingsError if a port is in use or the certificate of [orders] is unusable, SpeechError if a sentence for callers
    cannot be spoken, OSError if a UDP port for SIP or the ledger cannot be opened, and sqlite3.Error if the ledger
    refuses.
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
    """Context manager: run the gateway during the block; yields the address that takes orders, http:// or
    https://host:port. `stop_seconds`: how long calls in progress may take to end after the block.

    Raises LedgerInUseError if another gateway has the ledger, SettingsError if the port is in use or the certificate is
    unusable, SpeechError if a sentence for callers cannot be spoken, OSError if a UDP port for SIP or the ledger cannot
    be opened, and sqlite3.Error if the ledger refuses.
    """
    ledger = VoiceLedger(given.storage.file)
    doubtful = await ledger.open()
    if doubtful:
        log.warning("%d calls are in doubt: begun when the gateway died. They are not dialled again", doubtful)
    trunk = make_trunk(given.trunk, secrets) if given.trunk is not None else None
    clock, receipts = MediaClock(gateway_metrics.LATE.observe), ReceiptSender(given.receipts.url, secrets.keys)
    parts = CallParts(given, trunk, clock, voices)
    try:
        if trunk is not None:
            await trunk.open()
        clock.start()
        async with asterisk_calls(given, secrets, voices) as asterisk:
            gateway = VoiceGateway(parts, ledger, receipts, asterisk)
            async with _opened(gateway), _desk(parts, ledger, secrets) as desk:
                routes = [*desk.routes, *(() if asterisk is None else (asterisk.sounds.route,))]
                async with _taking(given, VoiceOrders(gateway, secrets.keys, routes)) as address:
                    yield address
                    await asyncio.gather(gateway.close(stop_seconds), desk.close(stop_seconds))
    finally:
        await clock.close()
        if trunk is not None:
            await trunk.close()
        await receipts.close()
        await ledger.close()


@asynccontextmanager
async def _opened(gateway: VoiceGateway) -> AsyncIterator[None]:
    try:
        await gateway.open()
        yield
    finally:
        await gateway.close(0)


def make_trunk(table: TrunkTable, secrets: VoiceSecrets) -> Trunk:
    """Return a trunk, or the exchange of operators' telephones, with the address and account of `table`. It is not
    connected yet: await its `open`.
    """
    login = SipDigestAuth(table.username, secrets.password or "") if table.username else None
    address = TrunkAddress(table.host, table.port, table.transport, secrets.context, table.local_port)
    account = TrunkAccount(table.caller.lstrip("+"), table.domain or table.host, login, table.register_seconds)
    return Trunk(address, account)


@asynccontextmanager
async def _desk(parts: CallParts, ledger: VoiceLedger, secrets: VoiceSecrets) -> AsyncIterator[DeskCalls]:
    """Run calls with operators during the block, if the configuration has their telephones."""
    table = parts.configuration.operators
    if table is None or secrets.operators is None:
        yield DeskCalls()
        return
    async with desk_calls(parts, DeskPeers(make_trunk(table, secrets.operators), ledger), table, secrets) as desk:
        yield desk


@asynccontextmanager
async def _taking(given: VoiceConfiguration, orders: VoiceOrders) -> AsyncIterator[str]:
    config = http_server(orders.app, lifespan="off", ws="none")
    tls = Tls("[orders]", given.orders.certificate, given.orders.key)
    async with serving(config, given.orders.host, given.orders.port, "[orders] port", tls) as address:
        yield address
