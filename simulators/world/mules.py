"""The way of the money from a mule's account: to two further accounts, and from there to places where no bank can stop
it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from random import Random
from typing import NamedTuple

from schemas.casework.movements import MovementKind
from simulators.assumptions import figures
from simulators.assumptions.chance import pick, seconds, stream
from simulators.population.numbers import BANKS, account, bank_of
from simulators.scams.story import Pay
from simulators.world.truth import still_there

_LAYER_FROM = 7 * 10**10  # serial numbers of the accounts behind mules'; mules have lower ones


class Moved(NamedTuple):
    """A movement of stolen money, `amount_fen` at `at`. `payer`: the account that the money leaves; `payee`: the
    account of a transfer, else None; `kind`: how the money leaves; `sequence`: the number that the payer's bank gives
    the movement.
    """

    payer: str
    payee: str | None
    kind: MovementKind
    amount_fen: int
    at: datetime
    sequence: int

    @property
    def bank(self) -> str:
        """Return the bank of the account that the money leaves."""
        return bank_of(self.payer)


def money_onward(seed: int, payment: Pay, there: int, stopped: datetime, known: datetime) -> list[Moved]:
    """Return the movements of a settled payment's money after it reached the mule's account, up to the time `known`
    (inclusive). They are grouped by the parts in which the money leaves, not sorted by time.

    `there`: the fen that are still in the account when it is stopped, at `stopped`; the rest has left before. Equal
    arguments give equal movements.
    """
    chance = stream(seed, "onward", payment.uid)
    behind = [account(chance.choice(BANKS), _LAYER_FROM + chance.randrange(10**10)) for _ in range(2)]
    found: list[Moved] = []
    for number, (gone, at) in enumerate(_drained(payment, there, stopped)):
        fee = min(gone // 100, figures.ONWARD_FEE_FEN)
        first = _sequence(seed, payment, 4 * number)
        own = stream(seed, "onward", payment.uid, number)
        to = own.choice(behind)
        found.append(Moved(payment.payee, to, MovementKind.TRANSFER, gone - fee, at, first))
        found.append(Moved(payment.payee, None, MovementKind.FEE, fee, at, first + 1))
        found += _out(own, to, gone - fee, at, first + 2)
    return [each for each in found if each.at <= known and each.amount_fen]


def _drained(payment: Pay, there: int, stopped: datetime) -> Iterator[tuple[int, datetime]]:
    """Yield (fen, time) for each part in which the money leaves the mule's account, until `there` fen are left."""
    before = payment.amount_fen
    for span in (*figures.ONWARD_AFTER, stopped - payment.settles):
        at = min(payment.settles + span, stopped)
        left = max(there, still_there(payment, at)) if at < stopped else there
        if left < before:
            yield before - left, at
            before = left


def _out(chance: Random, payer: str, amount_fen: int, at: datetime, sequence: int) -> Iterator[Moved]:
    """Yield the movement with which money leaves a later account for good; nothing if it stays there."""
    kind = pick(chance, figures.ONWARD_OUT)
    after = seconds(chance, figures.ONWARD_OUT_SECONDS, figures.ONWARD_OUT_SPREAD)
    if kind is not None:
        yield Moved(payer, None, kind, amount_fen, at + max(after, timedelta(seconds=1)), sequence)


def _sequence(seed: int, payment: Pay, number: int) -> int:
    """Return the number that a bank gives a movement. No other movement has the same number."""
    named = blake2b(f"{seed}:{payment.uid}".encode(), digest_size=5).digest()
    return int.from_bytes(named, "big") * 100 + number
