"""One process of the SMS gateway: reads the files that its configuration names, and combines its parts."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from domain.carriers.account import CarrierAccount, GatewayFile, GatewayFileError, read_gateway_file
from streams.gateways.configured_files import signing_keys, trusting
from streams.gateways.sms import gateway_metrics as metrics
from streams.gateways.sms import journal_steps as steps
from streams.gateways.sms.carrier import CarrierLink
from streams.gateways.sms.dialect import Unit
from streams.gateways.sms.journal import Journal
from streams.gateways.sms.orders import Orders
from streams.gateways.sms.replies import Replies
from streams.gateways.sms.reports import Reports
from streams.gateways.sms.sender import Sender
from streams.runtime.secret_files import FileFaultError, read_secret
from streams.runtime.serving import http_server, serving
from streams.runtime.tls import Tls

LONGEST_PASSWORD = 64  # SMPP 3.4 has 8; many carriers give longer ones


def configured(path: Path) -> GatewayFile:
    """Return the configuration in a file, after a check of the keys, passwords and authorities in the files that it
    names. The server's own certificate is not read here, but by `gateway`. Raises GatewayFileError if the file or one
    of the others cannot be used.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise GatewayFileError(
            f"[{path.name}]: unreadable: {path}: the configuration cannot be read ({why}). Name a file that this user "
            "may read"
        ) from None
    file = read_gateway_file(text, path.name)
    keys(file)
    for each in file.carrier:
        password(each)
        carrier_tls(each)
    receipts_tls(file)
    return file


def keys(file: GatewayFile) -> tuple[bytes, ...]:
    """Return the one or two keys of orders and receipts, read from the key file, the current one first.

    Raises GatewayFileError if the file cannot be used, has over two keys, or one of under 16 bytes.
    """
    with _of("key_file", file.key_file):
        return signing_keys(file.key_file, "sms")


def password(account: CarrierAccount) -> str:
    """Return a carrier's password, read from its file. Raises GatewayFileError if the file cannot be used, or its text
    is not one line of 1 to 64 printable ASCII characters.
    """
    place = f"carrier {account.name}, password_file"
    with _of(place, account.password_file):
        found = read_secret(account.password_file)
    if not (found.isascii() and found.isprintable() and 1 <= len(found) <= LONGEST_PASSWORD):
        raise GatewayFileError(
            f"[{place}]: password: {account.password_file} must have one line of 1 to {LONGEST_PASSWORD} ASCII "
            "characters. Write the password that the carrier gave"
        )
    return found


def carrier_tls(account: CarrierAccount) -> ssl.SSLContext | None:
    """Return the TLS context for connections to a carrier, or None if the account uses no TLS. Raises GatewayFileError
    if the file `ca` is unusable.
    """
    if not account.tls:
        return None
    with _of(f"carrier {account.name}, ca", account.ca):
        return trusting(account.ca)


def receipts_tls(file: GatewayFile) -> ssl.SSLContext:
    """Return the TLS context for connections to Quanzu, to which receipts are sent. Raises GatewayFileError if
    `receipts_ca` is unusable.
    """
    with _of("receipts_ca", file.receipts_ca):
        return trusting(file.receipts_ca)


@contextlib.asynccontextmanager
async def gateway(file: GatewayFile) -> AsyncIterator[str]:
    """Context manager: run the gateway during the block; yields the address that takes orders, http:// or
    https://host:port. If a part of the gateway fails, the calling task is cancelled, and the error raised after the
    block.

    Raises GatewayFileError if a file cannot be used, SettingsError if the journal cannot be opened, the port is in use
    or the server's certificate is unusable, and sqlite3.Error if the journal refuses.
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
        sender = Sender(file, journal, carriers, found[0])
        replies = Replies(file, found, journal, client)
        reports = Reports(file, found, journal, client, sender.reports_due, replies)
        for account in file.carrier:
            carriers[account.name] = _carrier(account, carriers, reports, sender)
        for message in await journal.run(steps.waiting):
            sender.add(message)
        await _started(stack, [each.run() for each in carriers.values()])
        await _started(stack, [sender.learn(), sender.run(), reports.run(), reports.ask(carriers), replies.run()])
        app = Orders(file, found, journal, sender, list(carriers.values())).app
        config = http_server(app, lifespan="off", ws="none")
        yield await stack.enter_async_context(serving(config, file.listen_host, file.listen_port, "listen_port", tls))


def _carrier(
    account: CarrierAccount, carriers: dict[str, CarrierLink], reports: Reports, sender: Sender
) -> CarrierLink:
    async def deliver(unit: Unit) -> bool:
        return await reports.deliver(account, carriers[account.name], unit)

    return CarrierLink(account, password(account), carrier_tls(account), deliver, sender.wake)


async def _started(stack: contextlib.AsyncExitStack, works: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Start tasks, which are cancelled at the end of the context `stack`.

    If a task fails, the calling task is cancelled and the error is raised at the end of the context. A new process
    continues from the journal.
    """
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


@contextlib.contextmanager
def _of(place: str, file: Path | None) -> Iterator[None]:
    """Let a fault of a file name its place in the configuration."""
    try:
        yield
    except FileFaultError as error:
        raise GatewayFileError(f"[{place}]: {error.code}: {file}: {error}") from None
