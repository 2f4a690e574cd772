"""The policy's trace rules: how far the money of a case is followed from account to account."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from domain.policy.units import Duration, Section
from schemas.base import MOST_FEN
from schemas.casework.movements import MOST_TRACED


class TraceRules(Section):
    """The bounds of a trace, so that a wholesaler's account does not bring a whole city into it. All figures are
    assumed.

    `least_fen`: the smallest part of one movement that is followed. `hops`: the most movements in a row, the resident's
    own payment included. `within`: the longest time since that payment. `accounts`: the most accounts, in the order in
    which the money reached them. Money beyond a bound counts as in the account where it was last seen.

    `orders`: the most accounts beyond the payees' for which a case proposes stop orders; 0: none. `order_least_fen`:
    the traced money that such an account must have, and that must have come in since the last order before another one.
    """

    least_fen: Annotated[int, Field(ge=1, le=MOST_FEN)] = 10_000
    hops: Annotated[int, Field(ge=1, le=50)] = 10
    within: Duration = timedelta(hours=72)
    accounts: Annotated[int, Field(ge=1, le=1000)] = 100
    orders: Annotated[int, Field(ge=0, le=MOST_TRACED)] = 20
    order_least_fen: Annotated[int, Field(ge=1, le=MOST_FEN)] = 100_000
