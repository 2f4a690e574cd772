"""Any statements at all, for properties: few accounts, equal times, circles, repeated and contradictory statements."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from hypothesis import strategies as st

from domain.tracing.bounds import TraceBounds
from domain.tracing.facts import Destination, Movement, OpeningBalance, SinkKind, Stated
from tests.domain.tracing.statements import account, moment

ACCOUNTS = st.sampled_from([account(name) for name in ("a1", "a2", "b1", "b2", "c1")])
PAYEES: st.SearchStrategy[Destination] = st.one_of(ACCOUNTS, ACCOUNTS, ACCOUNTS, st.sampled_from(SinkKind))
MINUTES = st.integers(0, 6).map(moment)
IDS = st.integers(0, 14).map(str)
MOVEMENTS = st.builds(
    Movement,
    id=IDS,
    payer=ACCOUNTS,
    payee=PAYEES,
    amount_fen=st.integers(0, 40),
    at=MINUTES,
    sequence=st.integers(0, 3),
    executed=st.sampled_from([True, True, True, False]),
)
OPENINGS = st.builds(OpeningBalance, account=ACCOUNTS, amount_fen=st.integers(0, 40))
STATEMENTS = st.lists(
    st.builds(
        Stated, by=st.sampled_from(["A", "B", "C", ""]), at=MINUTES, told=st.one_of(MOVEMENTS, MOVEMENTS, OPENINGS)
    ),
    max_size=40,
)
BOUNDS = st.builds(
    TraceBounds,
    least_fen=st.integers(0, 12),
    hops=st.integers(1, 5),
    within=st.integers(0, 6).map(lambda minutes: timedelta(minutes=minutes)),
    accounts=st.integers(1, 5),
)


class Soup(NamedTuple):
    """Statements, and the movements that are thefts."""

    statements: Sequence[Stated]
    thefts: Sequence[str]


SOUPS = st.builds(Soup, STATEMENTS, st.lists(IDS, max_size=4, unique=True))
