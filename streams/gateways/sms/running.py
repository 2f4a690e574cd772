"""One process of the SMS gateway: reads the files that its configuration names, and joins its parts."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from domain.carriers.account import CarrierAccount, GatewayFile, GatewayFileError, read_gateway_file
from streams.channels.settings import LEAST_KEY
from streams.channels.signing import MOST_KEYS
from streams.gateways.sms import gateway_metrics as metrics
from streams.gateways.sms import journal_steps as steps
from streams.gateways.sms.carrier import CarrierLink
from streams.gateways.sms.journal import Journal
from streams.gateways.sms.orders import Orders
from streams.gateways.sms.pdu import Pdu
from streams.gateways.sms.reports import Reports
from streams.gateways.sms.sender import Sender
from streams.runtime.serving import serving
from streams.runtime.tls import Tls

LONGEST_PASSWORD = 64  # SMPP 3.4 has 8; many carriers give longer ones


def configured(path: Path) -> GatewayFile:
    """Return the configuration in a file. Raises GatewayFileError if the file, or one that it names, cannot be used."""
    file = read_gateway_file(_text(path, path.name, "the configuration"), path.name)
    keys(file)
    for each in file.carrier:
        password(each)
        carrier_tls(each)
    receipts_tls(file)
    return file


def keys(file: GatewayFile) -> tuple[bytes, ...]:
    """Return the keys of orders and receipts, the current one first: lines of the file.

    Raises GatewayFileError if there are none or over two, or one is short.
    """
    found = tuple(line.strip().encode() for line in _text(file.key_file, "key_file").splitlines() if line.strip())
    if not 1 <= len(found) <= MOST_KEYS or any(len(each) < LEAST_KEY for each in found):
        raise GatewayFileError(
            f"[key_file]: keys: {file.key_file} must have one or two lines, each a key of {LEAST_KEY} characters or "
            "more. Write the key `sms` of QUANZU_RECEIPTS_SECRET; during a change, the former one below it"
        )
    return found


def password(account: CarrierAccount) -> str:
    """Return a carrier's password. Raises GatewayFileError if its file is unreadable, or is no such password."""
    place = f"carrier {account.name}, password_file"
    found = _text(account.password_file, place).strip()
    if not (found.isascii() and found.isprintable() and 1 <= len(found) <= LONGEST_PASSWORD):
        raise GatewayFileError(
            f"[{place}]: password: {account.password_file} must have one line of 1 to {LONGEST_PASSWORD} ASCII "
            "characters. Write the password that the carrier gave"
        )
    return found


def carrier_tls(account: CarrierAccount) -> ssl.SSLContext | None:
    """Return the TLS context of a carrier's connection, or None without TLS. Raises GatewayFileError if `ca` is
    unusable.
    """
    return _trusting(account.ca, f"carrier {account.name}, ca") if account.tls else None


def receipts_tls(file: GatewayFile) -> ssl.SSLContext:
    """Return the TLS context of receipts. Raises GatewayFileError if `receipts_ca` is unusable."""
    return _trusting(file.receipts_ca, "receipts_ca")


@contextlib.asynccontextmanager
async def gateway(file: GatewayFile) -> AsyncIterator[str]:
    """Run the gateway while the context is open; yields its address.

    Raises GatewayFileError if a file cannot be used, and SettingsError if the journal or the port is taken.
    """
    found = keys(file)
    tls = Tls("certificate", file.certificate, file.certificate_key) if file.certificate else None
    metrics.begin([each.name for each in file.carrier])
    journal = Journal(file.data)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(journal.close)
        await journal.run(partial(steps.interrupted, now=time.time()))
        client = await stack.enter_async_context(httpx.AsyncClient(verify=receipts_tls(file)))
        carriers: dict[str, CarrierLink] = {}
        sender = Sender(file, journal, carriers)
        reports = Reports(file, found[0], journal, client, sender.reports_due)
        for account in file.carrier:
            carriers[account.name] = _carrier(account, carriers, reports, sender)
        for message in await journal.run(steps.waiting):
            sender.add(message)
        await _started(stack, [each.run() for each in carriers.values()])
        await _started(stack, [sender.run(), reports.run(), reports.ask(carriers)])
        app = Orders(file, found, journal, sender, list(carriers.values())).app
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", ws="none")
        yield await stack.enter_async_context(serving(config, file.listen_host, file.listen_port, "listen_port", tls))


def _carrier(
    account: CarrierAccount, carriers: dict[str, CarrierLink], reports: Reports, sender: Sender
) -> CarrierLink:
    async def deliver(pdu: Pdu) -> int:
        return await reports.deliver(account, carriers[account.name], pdu)

    return CarrierLink(account, password(account), carrier_tls(account), deliver, sender.wake)


async def _started(stack: contextlib.AsyncExitStack, works: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Start tasks that end with the context. One that fails ends the process: the journal knows where to go on."""
    owner = asyncio.current_task()

    def failed(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None and owner is not None:
            owner.cancel()

    tasks = [asyncio.create_task(work) for work in works]
    for task in tasks:
        task.add_done_callback(failed)

    async def end() -> None:
        for task in tasks:
            task.cancel()
        for found in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(found, Exception):
                raise found

    stack.push_async_callback(end)


def _text(path: Path, place: str, what: str = "the file") -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise GatewayFileError(
            f"[{place}]: unreadable: {path}: {what} cannot be read ({why}). Name a file that this user may read"
        ) from None


def _trusting(ca: Path | None, place: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError):
        raise GatewayFileError(
            f"[{place}]: unreadable: {ca}: no certificates can be read there. Name a PEM file of the authority"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
