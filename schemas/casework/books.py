"""The lines of the books: amounts of a case's money by place, and numbers of residents and orders,
each booked by day.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from schemas.base import Fen, Model

BookDay = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
"""A date in Jilin, YYYY-MM-DD."""


class BookLine(StrEnum):
    """A line of the books. The first seven are the places of money, in fen: each fen is booked in at most one of them.

    STOPPED: in an account whose stop is in force, as much as the bank confirmed. FREEZING_DECIDED: in an account that
    an authority has frozen, as a person recorded. FROZEN, RETURNED: confirmed by the bank (class A). CANCELLED:
    cancelled in flight (B). NOT_MADE: the resident named the payment and did not make it (C). LOST: lost, and in no
    account that is stopped or frozen. Also in fen: ESTIMATED: class D, as booked in the case; STOPPED_EVER: the money
    that banks confirmed when they stopped the accounts, wherever it is now.

    The others are numbers. DISSUADED_EVIDENCED, DISSUADED_STATED: residents dissuaded on a ground that the case itself
    records, or that a person stated (OutcomeGround); ORDERS: stop orders that were approved, by persons or by a rule;
    CARRIED_OUT: orders that a bank carried out; FREEZINGS: freezing decisions of an authority.
    """

    STOPPED = "stopped"
    FREEZING_DECIDED = "freezing_decided"
    FROZEN = "frozen"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    NOT_MADE = "not_made"
    LOST = "lost"
    ESTIMATED = "estimated"
    STOPPED_EVER = "stopped_ever"
    DISSUADED_EVIDENCED = "dissuaded_evidenced"
    DISSUADED_STATED = "dissuaded_stated"
    ORDERS = "orders"
    CARRIED_OUT = "carried_out"
    FREEZINGS = "freezings"


Books = dict[BookDay, dict[BookLine, int]]
"""By how much each line has changed on each day; lines that have not changed are left out."""


class FormerFreeze(Model):
    """What a bank had said of a payment's money, or of that in a traced account, before the account could be frozen
    anew: how much was free again (`freed_fen`; all of it if the whole freeze had ended), and how much was returned
    (`returned_fen`).
    """

    freed_fen: Fen
    returned_fen: Fen = 0
