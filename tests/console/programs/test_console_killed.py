"""A console that is killed while it keeps a stop-payment back: the next one sends it, and the bank hears of it once."""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

import quanzu
from console.web.auth import csrf
from console.web.auth.sessions import Sessions
from console.web.kit.settings import ConsoleSettings
from domain.access.key_rings import KeyPurpose
from schemas.codes.people import StopAskedFor
from schemas.levels import Action
from schemas.people.staff import Account, StaffRole
from streams.runtime.embedded import free_port
from streams.security.installation_keys import ring
from streams.state.keys import KEPT_BACK_ACTS, KEPT_BACK_SENDING
from tests.console.harness.case_forms import JSON, red, send
from tests.console.harness.stage import Client
from tests.end_to_end.harness.house import House, house, until
from tests.end_to_end.harness.rig import Line
from tests.tools.servers.process import Process

PROGRAM = Path(quanzu.__file__)
SECONDS = 60.0
ASKED = StopAskedFor()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def the_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("killed")) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def lone(the_house: House) -> AsyncIterator[Line]:
    begun = Line.begun(the_house)
    try:
        yield begun
    finally:
        await begun.end()


def console_of(started: House) -> Process:
    """`quanzu console serve`, a process of its own."""
    port = free_port()
    named = started.settings.environment() | {"QUANZU_CONSOLE_PORT": str(port)}
    command = ["env", *(f"{name}={value}" for name, value in named.items()), sys.executable, str(PROGRAM)]
    return Process("console", [*command, "console", "serve"], started.settings.data / "console.log", port)


@contextmanager
def killed(started: House) -> Iterator[Process]:
    """A console that listens, and is killed at the end, whatever it is about."""
    console = console_of(started)
    console.start()
    try:
        console.ready()
        yield console
    finally:
        console.kill()


@asynccontextmanager
async def at(started: House, console: Process) -> AsyncIterator[Client]:
    """An operator who is signed in there: sessions are in Redis, for all consoles together."""
    staff, clock = started.line.staff, started.clock
    account = Account(
        login="operator-killed", name="测试", role=StaffRole.OPERATOR, changed_at=clock.now(), changed_by="test"
    )
    await staff.put(account)
    sessions = Sessions(started.line.redis, staff, ConsoleSettings(), clock.wall)
    token = await sessions.begin(account)
    who = await sessions.find(token)
    assert who is not None
    address = f"http://127.0.0.1:{console.port}"
    async with Client(address, account, token, csrf.token(ring(started.settings, KeyPurpose.SESSION), who)) as client:
        yield client


async def kept_back(started: House, line: Line, console: Process) -> tuple[str, str]:
    """A stop is asked for there: the id under which it is kept back, and the account it is about."""
    _, case = await red(line)
    (payment,) = case.payments
    async with at(started, console) as client:
        answer = await send(client, case, "ask_stop", transfer=payment.transfer, headers=JSON)
    assert answer.status_code == 202, answer.text
    account = await started.line.outgoing.account(payment.payee)
    assert account is not None
    return str(answer.json()["undo"]), account


async def sent_once(started: House, line: Line, name: str, account: str) -> None:
    """Another console, which starts now, sends it; the case and the bank have it once."""
    second = console_of(started)
    second.start()
    try:

        async def gone() -> bool:
            return not await started.line.redis.hexists(KEPT_BACK_ACTS, name)

        await until(gone, SECONDS)
        await line.settle()
    finally:
        second.stop()
    assert [fact.what for fact in await line.facts(line.residents[0])].count(ASKED) == 1
    asked = [each for each in line.bank.left if (each.action, each.to) == (Action.STOP_PAYMENT, account)]
    assert len(asked) == 1


async def test_a_console_that_is_killed_before_the_seconds_are_over_leaves_the_stop_to_the_next(
    the_house: House, lone: Line
) -> None:
    with killed(the_house) as first:
        name, account = await kept_back(the_house, lone, first)
    assert await the_house.line.redis.hexists(KEPT_BACK_ACTS, name)
    assert not lone.bank.left
    await sent_once(the_house, lone, name, account)


async def test_a_console_that_is_killed_after_it_has_written_the_stop_and_before_the_answer_has_it_sent_once(
    the_house: House, lone: Line
) -> None:
    async def under_way() -> bool:
        return bool(await the_house.line.redis.zscore(KEPT_BACK_SENDING, name))

    try:
        with killed(the_house) as first:
            name, account = await kept_back(the_house, lone, first)
            the_house.worker.freeze()  # nobody answers what the console writes now
            await until(under_way, SECONDS)
    finally:
        the_house.worker.thaw()
    assert await the_house.line.redis.hexists(KEPT_BACK_ACTS, name)
    await sent_once(the_house, lone, name, account)
