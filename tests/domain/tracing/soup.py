"""Any statements at all, for properties: few accounts, equal times, circles, repeated and contradictory statements.

They are drawn from a seed: hypothesis's own lists are mostly short, and hardly any money would move twice.
"""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import NamedTuple

from hypothesis import strategies as st

from domain.tracing.bounds import TraceBounds
from domain.tracing.facts import Destination, Movement, OpeningBalance, SinkKind, Stated
from tests.domain.tracing.statements import account, moment

ACCOUNTS = [account(name) for name in ("a1", "a2", "b1", "b2", "c1")]
BANKS = ["A", "B", "C", ""]
MINUTES = 10


class Soup(NamedTuple):
    """Statements, and the movements that are thefts."""

    statements: Sequence[Stated]
    thefts: Sequence[str]


def soup(seed: int) -> Soup:
    """Return up to 40 movements within ten minutes, a third of them stated twice, and one to four thefts early on."""
    chance = Random(seed)
    statements = [Stated(where.bank, moment(0), _opening(chance)) for where in chance.sample(ACCOUNTS, 2)]
    for number in range(chance.randint(3, 40)):
        statements += _said(chance, str(number))
    return Soup(statements, [str(number) for number in chance.sample(range(8), chance.randint(1, 4))])


def _opening(chance: Random) -> OpeningBalance:
    return OpeningBalance(chance.choice(ACCOUNTS), chance.randint(0, 40))


def _said(chance: Random, id_: str) -> list[Stated]:
    """Return a movement as the payer's bank states it, and perhaps as anybody does, perhaps otherwise."""
    payer, sink = chance.choice(ACCOUNTS), chance.random() < 0.15
    payee: Destination = chance.choice(list(SinkKind)) if sink else chance.choice(ACCOUNTS)
    at = min(MINUTES, int(id_) // 4 + chance.randint(0, 2))
    told = Movement(id_, payer, payee, chance.randint(0, 40), moment(at), chance.randint(0, 3))
    said = [Stated(payer.bank, moment(chance.randint(0, 3)), told)]
    if chance.random() < 1 / 3:
        other = told._replace(amount_fen=chance.randint(0, 40), executed=chance.random() < 0.7)
        said.append(Stated(chance.choice(BANKS), moment(chance.randint(0, 3)), chance.choice([told, other])))
    return said


SOUPS = st.integers(0, 10**9).map(soup)
BOUNDS = st.builds(
    TraceBounds,
    least_fen=st.integers(0, 12),
    hops=st.integers(1, 5),
    within=st.integers(0, MINUTES).map(lambda minutes: timedelta(minutes=minutes)),
    accounts=st.integers(1, 5),
)
