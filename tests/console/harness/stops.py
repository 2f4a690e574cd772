"""Somebody whose payment is stopped, for the tests of the supervisors' pages and the release desk."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from schemas.casework.acts import OutcomeAct
from schemas.casework.cases import Case, StopState
from schemas.casework.inputs import BankState
from schemas.casework.movements import MovementKind
from schemas.channels.receipts import AccountNumber, MovementReceipt
from schemas.levels import Outcome, Result
from schemas.people.residents import Resident
from simulators.providers.bank import BankSays, Feedback
from tests.console.harness.stage import Stage
from tests.end_to_end.harness.house import until
from tests.end_to_end.harness.rig import HERE, Line
from tests.end_to_end.harness.signals import call, transfer

SECONDS = 10.0


@dataclass
class Stopped:
    """A case whose first payment is stopped; `mule`: the payee's account."""

    line: Line
    resident: Resident
    mule: str
    case: Case

    @property
    def path(self) -> str:
        return f"/release/stops/{self.case.id}/0"

    async def now(self) -> Case:
        """The case as it stands now."""
        return await self.line.case(self.resident)


def money_at_two_banks(line: Line, takes: timedelta) -> tuple[str, str]:
    """Let the bank of an account state after `takes` that ¥5,000 of ¥20,000 is left there and that the rest went on,
    and the next bank that it holds the rest. Returns the numbers of the two accounts.
    """
    first, second = line.account(), line.account()
    onward = MovementReceipt(
        payer=AccountNumber(bank="icbc", account=first),
        payee=AccountNumber(bank="abc", account=second),
        kind=MovementKind.TRANSFER,
        amount_fen=1_500_000,
        at=line.house.clock.now() + timedelta(seconds=30),
        sequence=1,
    )
    banks = line.house.behaviour.banks
    banks[first] = [BankSays(takes, BankState.IN_FORCE, 500_000, "icbc", (onward,))]
    banks[second] = [BankSays(takes, BankState.IN_FORCE, 1_500_000, "abc")]
    return first, second


async def stopped(console: Stage, feedback: Feedback = (), division: str = HERE) -> Stopped:
    """Three minutes after a payment was seen its stop is in force, and the console's figures know of it."""
    line = console.line()
    mule = line.account()
    if feedback:
        console.house.behaviour.banks[mule] = list(feedback)
    somebody = await line.resident(calls=[Result.ACKNOWLEDGED], division=division)
    await line.signal(call(line, somebody), transfer(line, somebody, mule))
    await line.advance(minutes=1)
    await line.operator(somebody, OutcomeAct(outcome=Outcome.ALREADY_DEFRAUDED))
    await line.advance(minutes=4)
    found = Stopped(line, somebody, mule, await line.case(somebody))
    await known(console, found, StopState.IN_FORCE)
    return found


async def red_in(line: Line, division: str, *, sms: Sequence[Result | None] = ()) -> Case:
    """A red case of somebody new who lives there; `sms`: what comes of messages."""
    somebody = await line.resident(division=division, sms=sms)
    await line.signal(call(line, somebody, ongoing=True), transfer(line, somebody, line.account()))
    return await line.case(somebody)


async def known(console: Stage, stop: Stopped, state: StopState) -> None:
    """Return when the console's figures have the stop in this state, and the bank's message that says so."""
    book = console.services.figures.book

    async def seen() -> bool:
        line = book.stops.get((stop.case.id, 0))
        came = [each for each in book.came.values() if each.case == stop.case.id]
        return line is not None and line.stop.state is state and any(each.state == state.value for each in came)

    await until(seen, SECONDS)


async def later(console: Stage, stop: Stopped, hours: float) -> None:
    """Let hours pass at once: what fell due meanwhile is done together, whoever else is in the house."""
    console.house.clock.move_to(console.house.clock.now() + timedelta(hours=hours))
    await stop.line.settle()


async def caught_up(console: Stage, case: Case) -> None:
    """Return when the hub and the figures have a case in the version it stands in, or a later one."""

    async def seen() -> bool:
        row = console.services.hub.rows.get(case.id)
        counted, _ = console.services.figures.clocks._open.get(case.id, (0, {}))
        return row is not None and min(row.case.version, counted) >= case.version

    await until(seen, SECONDS)


def hidden(page: str, name: str) -> str:
    """The value of a form's hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name} in {page[:2000]}"
    return found[1]
