"""The feeds: police and a bank send signals to intake over TLS, each with its certificate and its key, until taken."""

import asyncio
import csv
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from tests.tools.containers.stack import FEEDS, Stack

INTAKE = "https://localhost:8080"
ACCOUNTS = 20
AMOUNT_FEN = 5_000_000
AGAIN_SECONDS = 0.5
TAKEN = 202


@dataclass(frozen=True)
class Person:
    """Somebody of the register: the telephone and the account."""

    phone: str
    account: str


def people(file: Path) -> list[Person]:
    """Return who in a file of residents has one telephone and one account."""
    with file.open(encoding="utf-8-sig", newline="") as rows:
        found = [Person(row["phones"], row["accounts"]) for row in csv.DictReader(rows)]
    return [each for each in found if each.phone.removeprefix("+").isdigit() and each.account.isdigit()]


@dataclass
class Feeds:
    """`repeated`: how often a signal was sent again since it was not known to be taken."""

    stack: Stack
    repeated: int = 0
    clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)

    async def __aenter__(self) -> "Feeds":
        """Load each feed's certificate."""
        certificates = self.stack.deploy / "certificates"
        for feed in FEEDS:
            context = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
            context.load_cert_chain(certificates / f"{feed}.crt", certificates / f"{feed}.key")
            headers = {"Authorization": f"Bearer {self.stack.keys[feed]}"}
            self.clients[feed] = httpx.AsyncClient(base_url=INTAKE, verify=context, headers=headers, timeout=10)
        return self

    async def __aexit__(self, *ended: object) -> None:
        """Close the connections."""
        for client in self.clients.values():
            await client.aclose()

    async def watchlist(self) -> None:
        """Let the police name the accounts that everybody will pay to."""
        for number in range(ACCOUNTS):
            subject = {"subject": "account", "value": _account(number), "state": "confirmed", "scam_type": "investment"}
            await self._send("police", f"w{number}", {"kind": "watchlist", **subject})

    async def transfer(self, number: int, person: Person) -> None:
        """Let the bank say that somebody is about to pay."""
        parties = {"payer": person.account, "payee": _account(number % ACCOUNTS), "amount_fen": AMOUNT_FEN}
        state = {"channel": "mobile_bank", "state": "pending"}
        await self._send("bank", f"t{number}", {"kind": "transfer", **parties, **state})

    async def load(self, found: Sequence[Person], rate: float) -> None:
        """Let each of the people be about to pay, `rate` a second."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number, person in enumerate(found, start=1):
                await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
                group.create_task(self.transfer(number, person))

    async def _send(self, feed: str, named: str, signal: dict[str, Any]) -> None:
        """Send a signal until it is taken, with the same id and time. Raises RuntimeError if it is refused."""
        body = [{"source": feed, "id": named, "at": datetime.now(UTC).isoformat(), **signal}]
        while True:
            try:
                answer = await self.clients[feed].post("/signals", json=body)
            except httpx.HTTPError:
                pass
            else:
                if answer.status_code == TAKEN:
                    return
                if answer.status_code in (400, 401, 403, 422):
                    raise RuntimeError(f"{feed}'s signal {named} is refused: {answer.text}")
            self.repeated += 1
            await asyncio.sleep(AGAIN_SECONDS)


def _account(number: int) -> str:
    return f"62000000000{number:05d}"
