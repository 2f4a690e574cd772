"""A burst of payments to one account: the list of payers shrinks again with the payments that follow."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from domain.risk.fan_out import LATE
from schemas.risk.evidence import Payer
from schemas.risk.signals import TransferState
from streams.screening.payers import packed
from streams.screening.store import PIECE, TRIMMED, EvidenceStore
from streams.state.keys import key, milliseconds
from tests.streams.screening.screening_line import MULE, NOW, Line, running

BURST = 5_000  # payments


def paid(number: int, at: datetime) -> tuple[str, Payer]:
    """A payment to the account."""
    resident = f"r{number:016d}".translate(str.maketrans("01", "ab"))
    return MULE, Payer(
        resident=resident,
        transfer=f"t{number}",
        at=at,
        topic="signals",
        partition=0,
        offset=0,
        amount_fen=100,
        balance_fen=None,
        state=TransferState.SETTLED,
    )


async def after_a_burst(line: Line) -> tuple[EvidenceStore, datetime]:
    """Fill the account's list. Return the store, and a time when all of these payments are too old."""
    store = EvidenceStore(line.redis, 1)
    values = {packed(payer): milliseconds(payer.at) for _, payer in (paid(number, NOW) for number in range(BURST))}
    await line.redis.zadd(f"{key('payers', 0)}:{MULE}", values)
    return store, NOW + line.policy.risk.money.window + LATE + timedelta(hours=1)


async def kept(line: Line) -> int:
    return int(await line.redis.zcard(f"{key('payers', 0)}:{MULE}"))


async def test_a_few_payments_after_a_burst_remove_all_that_is_too_old(tmp_path: Path) -> None:
    async with running(tmp_path) as line:
        store, later = await after_a_burst(line)
        for number in range(3):
            await store.watch([paid(BURST + number, later)], [], [], line.policy.risk, later)
        assert await kept(line) == 3


@pytest.mark.parametrize("coming", [1, PIECE])
async def test_one_script_removes_no_more_than_its_budget(tmp_path: Path, coming: int) -> None:
    """However many payments come with it: the script must not hold Redis up."""
    async with running(tmp_path) as line:
        store, later = await after_a_burst(line)
        payments = [paid(BURST + number, later) for number in range(coming)]
        await store.watch(payments, [], [], line.policy.risk, later)
        assert await kept(line) == BURST + coming - TRIMMED
